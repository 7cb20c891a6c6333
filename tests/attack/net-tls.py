"""What the first bytes on port 443 may be, against servers that would take anything."""
from networld import *


def hello(name, extra=b"", before=b"", version=b"\x03\x01", fragment=1 << 14, pad=0):
    """A ClientHello; name: bytes, or None for no server_name."""
    extensions = before
    if name is not None:
        host = b"\0" + struct.pack(">H", len(name)) + name
        extensions += struct.pack(">HHH", 0, len(host) + 2, len(host)) + host
    extensions += extra
    if pad:
        extensions += struct.pack(">HH", 21, pad) + bytes(pad)
    body = (b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + struct.pack(">H", 4) +
            b"\x0a\x0a\x13\x01" + b"\x01\x00" + struct.pack(">H", len(extensions)) + extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"".join(b"\x16" + version + struct.pack(">H", len(part)) + part
                    for at in range(0, len(message), fragment)
                    for part in [message[at:at + fragment]])


def server_name(*entries):
    listed = b"".join(bytes([kind]) + struct.pack(">H", len(name)) + name
                      for kind, name in entries)
    return struct.pack(">HHH", 0, len(listed) + 2, len(listed)) + listed


GREASE = struct.pack(">HH", 0x0a0a, 0) + struct.pack(">HH", 0xfafa, 1) + b"\0"
# An encrypted_client_hello of type outer: config, suite, id, empty key, what is hidden.
ECH = struct.pack(">HH", 0xfe0d, 24) + bytes(8) + struct.pack(">H", 14) + b"hidden" * 2 + b"--"

GOOD_HELLOS = {
    "plain": hello(b"good.test"),
    "mixed case": hello(b"gOOd.TeST"),
    "grease": hello(b"good.test", before=GREASE, extra=GREASE),
    "ech with the granted outer name": hello(b"good.test", extra=ECH),
    "a byte a record": hello(b"good.test", fragment=1),
    "nearly 64 KiB": hello(b"good.test", pad=65536 - 300),
    "nearly 64 KiB, name last": hello(None, before=struct.pack(">HH", 21, 65000) + bytes(65000) +
                                      server_name((0, b"good.test"))),
}
BAD_HELLOS = {
    "no name": hello(None),
    "another name": hello(b"evil.test"),
    "a name that begins so": hello(b"good.test.evil.test"),
    "a name that ends so": hello(b"evilgood.test"),
    "a dot at the end": hello(b"good.test."),
    "NUL after the name": hello(b"good.test\0"),
    "NUL and another name": hello(b"good.test\0.evil.test"),
    "another name and NUL": hello(b"evil.test\0good.test"),
    "an empty name": hello(b""),
    "a space": hello(b"good.test "),
    "an address": hello(b"93.184.216.34"),
    "the stand-in": hello(b"198.18.0.1"),
    "ech with another outer name": hello(b"evil.test", extra=ECH),
    "ech without a name": hello(None, extra=ECH),
    "two names in one": hello(None, before=server_name((0, b"good.test"), (0, b"evil.test"))),
    "two extensions": hello(b"good.test", extra=server_name((0, b"evil.test"))),
    "two extensions, the good one last": hello(b"evil.test",
                                               extra=server_name((0, b"good.test"))),
    "a name of another type": hello(None, before=server_name((1, b"good.test"))),
    "http": b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n",
    "ssh": b"SSH-2.0-x\r\n",
    "an alert first": b"\x15\x03\x01\x00\x02\x01\x00" + hello(b"good.test"),
    "a record of application data within": hello(b"good.test", fragment=4)[:9] + b"\x17\x03\x03\x00\x10",
    "ssl 2": b"\x80\x2e\x01\x03\x01" + bytes(64),
    "a hello in capitals only in length": b"\x16\x03\x01\xff\xff\x01\x00\xff\xfb" + bytes(100),
    "too long": hello(b"good.test", pad=64000, extra=struct.pack(">HH", 22, 1500) + bytes(1500)),
    "an empty record": b"\x16\x03\x01\x00\x00" + hello(b"good.test"),
    "a server's hello": b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
}

SAY = PRELUDE + """
import base64, json
def say(data, step=None, pause=0):
    with socket.create_connection(("good.test", 443), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), step or len(data)):
            s.sendall(data[i:i + (step or len(data))])
            if pause: time.sleep(pause)
        if not s.recv(100):
            raise ConnectionResetError(errno.ECONNRESET, "eof")
"""


def greet(server):
    """A handler: says something once it has heard something, then keeps all."""
    def handle(s):
        got = bytearray(s.recv(65536))
        server.got.append(got)
        s.sendall(b"heard")
        while data := s.recv(65536):
            got += data
    return handle


def tls_world():
    server = Server(port=443)
    server.handle = greet(server)
    return server


@scenario
def good_hellos():
    """All of these pass, byte for byte, and in pieces."""
    server = tls_world()
    for name, data in GOOD_HELLOS.items():
        before = len(server.got)
        b = box(["--allow-host", "good.test"], SAY + f"how(lambda: say({data!r}))").ok()
        expect(b.out == "ok\n", name, b.out, b.err, b.result["refused"])
        eventually(lambda: len(server.got) == before + 1 and server.got[-1] == data)
        expect(b.result["connections"][0]["up_bytes"] == len(data), b.result)
    data = GOOD_HELLOS["plain"]
    b = box(["--allow-host", "good.test"], SAY + f"""
how(lambda: say({data!r}, 1, 0.001))
how(lambda: say({GOOD_HELLOS["a byte a record"]!r}, 7))
how(lambda: say({GOOD_HELLOS["nearly 64 KiB"]!r}, 1000))""").ok()
    expect(b.out == "ok\n" * 3, b.out, b.result["refused"])


@scenario
def bad_hellos():
    """None of these reaches the server; each is refused at once, with the grant for it."""
    server = tls_world()
    calls = "\n".join(f"how(lambda: say({data!r}))" for data in BAD_HELLOS.values())
    b = box(["--allow-host", "good.test"], SAY + calls).ok()
    for name, line in zip(BAD_HELLOS, b.out.split("\n")):
        expect(line in ("ECONNRESET", "EPIPE"), name, line)
    expect(not server.calls, server.calls, server.got)
    entry = b.refused("good.test:443")
    expect(entry["count"] == len(BAD_HELLOS) and entry["kind"] == "host", entry)
    expect(entry["grant"] == "--allow-host good.test:443,tls=any", entry)
    # The control: that grant lets all of them through.
    b = box(["--allow-host", entry["grant"].split()[1]], SAY + calls).ok()
    expect(b.out == "ok\n" * len(BAD_HELLOS), b.out, b.err)
    # So does the profile's key.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as profile:
        profile.write("extends: [default]\nnetwork:\n  hosts:\n"
                      "    - {host: good.test, tls: any}\n")
        profile.flush()
        b = box(["-p", profile.name], SAY + f"how(lambda: say({BAD_HELLOS['http']!r}))")
        expect(b.out == "ok\n", b.out, b.err)


@scenario
def half_a_hello():
    """One that ends early is refused, and one that never ends does not hold the others up."""
    server = tls_world()
    data = GOOD_HELLOS["plain"]
    b = box(["--allow-host", "good.test"], SAY + f"""
def half():
    with socket.create_connection(("good.test", 443), 10) as s:
        s.sendall({data!r}[:50])
        s.shutdown(socket.SHUT_WR)
        if not s.recv(100): raise ConnectionResetError(errno.ECONNRESET, "eof")
how(half)
slow = [socket.create_connection(("good.test", 443), 10) for i in range(500)]
for i in range(40):
    for s in slow: s.send({data!r}[i:i + 1])
    if i % 10 == 0: how(lambda: say({data!r}))
begin = time.monotonic()
slow[0].settimeout(40)
try: print("late", slow[0].recv(1))
except ConnectionResetError: print("late reset")
print("in time" if time.monotonic() - begin < 25 else "too late")""").ok()
    expect(b.out == "ECONNRESET\n" + "ok\n" * 4 + "late reset\nin time\n", b.out, b.err)
    expect(len(server.got) == 4, len(server.got))


@scenario
def urgent_data():
    """A byte out of band is not hidden from the check."""
    server = tls_world()
    data = GOOD_HELLOS["plain"]
    b = box(["--allow-host", "good.test"], SAY + f"""
def urgent(first, data):
    with socket.create_connection(("good.test", 443), 10) as s:
        s.send(first, socket.MSG_OOB)
        s.sendall(data)
        time.sleep(0.1)
        s.send(b"z", socket.MSG_OOB)
        s.settimeout(3)
        if not s.recv(100): raise ConnectionResetError(errno.ECONNRESET, "eof")
how(lambda: urgent(b"E", {data!r}))
how(lambda: say({data!r}))""").ok()
    expect(b.out == "ECONNRESET\nok\n", b.out)
    expect([bytes(g) for g in server.got] == [data], server.got)


@scenario
def fronting():
    """A wildcard or a second grant is no way from one name to another."""
    server = tls_world()
    b = box(["--allow-host", "good.test", "--allow-host", "other.test"], SAY + f"""
how(lambda: say({hello(b"other.test")!r}))
how(lambda: say({hello(b"good.test")!r}))
good, other = (socket.gethostbyname(n) for n in ("good.test", "other.test"))
def at(host, data):
    with socket.create_connection((host, 443), 10) as s:
        s.sendall(data)
        if not s.recv(100): raise ConnectionResetError(errno.ECONNRESET, "eof")
how(lambda: at(other, {hello(b"good.test")!r}))
how(lambda: at(other, {hello(b"other.test")!r}))""").ok()
    expect(b.out == "ECONNRESET\nok\nECONNRESET\nok\n", b.out)
    expect(len(server.got) == 2, server.got)
    Resolver({"a.wild.test": [GOOD], "b.wild.test": [GOOD]})
    b = box(["--allow-host", "*.wild.test"], SAY.replace('"good.test"', '"a.wild.test"') + f"""
how(lambda: say({hello(b"b.wild.test")!r}))
how(lambda: say({hello(b"*.wild.test")!r}))
how(lambda: say({hello(b"wild.test")!r}))
how(lambda: say({hello(b"a.wild.test")!r}))""").ok()
    expect(b.out == "ECONNRESET\nECONNRESET\nECONNRESET\nok\n", b.out)


@scenario
def literal_on_443():
    """A granted address: TLS without a name, since addresses are none (RFC 6066)."""
    server = tls_world()
    at = SAY.replace('"good.test"', repr(GOOD))
    b = box(["--allow-host", GOOD], at + f"""
how(lambda: say({hello(None)!r}))
how(lambda: say({hello(b"good.test")!r}))
how(lambda: say({BAD_HELLOS["http"]!r}))""").ok()
    expect(b.out == "ok\nECONNRESET\nECONNRESET\n", b.out)
    expect(len(server.got) == 1, server.got)


run()
