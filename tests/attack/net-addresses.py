"""Addresses that a box must not reach, however they are spelt or named."""
from networld import *


@scenario
def raw_addresses():
    """No grant leads there: at once, and in the result with the grant that would allow it."""
    server = Server()
    targets = [GOOD, EVIL, GOOD6, *PRIVATE]
    for target in targets:  # the control: each is a server's address out here
        with socket.create_connection((target, server.port), 5) as s:
            expect(s.recv(9) == b"hello", target)
    calls = len(server.calls)
    spellings = ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "127.1", "0",
                 "localhost"]
    options = ["--allow-host", f"good.test:{server.port}"]
    b = box(options, PRELUDE + f"how(lambda: call('good.test', {server.port}))\n" + f"""
for host in {targets + spellings!r}: how(lambda: call(host, {server.port}))""").ok()
    lines = b.out.split("\n")
    expect(lines[0] == "ok b'hello'", b.out)
    for target, line in zip(targets + spellings, lines[1:]):
        expect(line in ("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"),
               target, line)
    expect(len(server.calls) == calls + 1, server.calls[calls:])
    for target in targets:
        loops = target in ("127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1")
        private = "private-" if target in PRIVATE else ""
        target = target.removeprefix("::ffff:")
        what = f"[{target}]:{server.port}" if ":" in target else f"{target}:{server.port}"
        if not loops:  # what a box does with its own loopback is its own affair
            expect(b.refused(what)["grant"] == f"--allow-{private}host {what}", b.refused(what))
            expect(b.refused(what)["kind"] == "host", b.refused(what))


@scenario
def granted_names_that_lead_to_them():
    """A name is granted and resolves to a private address, alone or among others."""
    server = Server()
    answers = {f"n{i}.test": [address] for i, address in enumerate(PRIVATE)}
    resolver = Resolver(answers)
    options = sum((["--allow-host", f"{n}:{server.port}"] for n in answers), [])
    b = box(options, PRELUDE + f"""
for name in {list(answers)!r}:
    how(lambda: call(name, {server.port}))
    how(lambda: call(name, {server.port}))""").ok()
    expect(not server.calls, server.calls)
    lines = b.out.split()
    expect(len(resolver.asked) >= len(answers), resolver.asked)
    expect("ok" not in b.out and "SLOW" not in b.out, b.out)
    # Refused by name, or, before that is known, by an address that resets the connection.
    for name, address in zip(answers, PRIVATE):
        grant = b.refused(name, f"{name}:{server.port}")["grant"]
        # No grant of a name leads to a reserved address.
        want = None if address == "198.18.77.1" else f"--allow-private-host {name}:{server.port}"
        expect(grant == want, address, grant)
    expect(set(lines) <= {"gai", "-2", "-5", "ECONNRESET", "ECONNREFUSED"}, lines)
    # The control: with a private grant the same names lead there.
    reachable = [n for n, a in answers.items()
                 if a[0] not in ("198.18.77.1", "0.0.0.0", "::", "64:ff9b::a9fe:a9fe")]
    options = sum((["--allow-private-host", f"{n}:{server.port}"] for n in answers), [])
    b = box(options, PRELUDE + f"""
for name in {reachable!r}: how(lambda: call(name, {server.port}))""").ok()
    expect(b.out.split("\n")[:-1] == ["ok b'hello'"] * len(reachable), b.out, b.err)


@scenario
def mixed_answers():
    """Of several addresses only the public ones are dialled."""
    server = Server()
    Resolver({"mixed.test": ["127.0.0.1", "10.1.2.3", "169.254.169.254", GOOD, "::1", "fd12::1",
                             "::ffff:127.0.0.1"]})
    b = box(["--allow-host", f"mixed.test:{server.port}"], PRELUDE + f"""
for i in range(20): how(lambda: call('mixed.test', {server.port}))""").ok()
    expect(b.out == "ok b'hello'\n" * 20, b.out, b.err)
    expect({c.removeprefix("::ffff:") for c in server.calls} == {GOOD}, server.calls)


@scenario
def rebinding():
    """The first answer is public, all later ones are not: the checked address is the dialled one."""
    server = Server()
    resolver = Resolver({
        "rebind.test": lambda kind, count: [GOOD] if count == 1 else ["127.0.0.1", "::1"],
        "flip.test": lambda kind, count: [GOOD if count % 2 else "169.254.169.254"]})
    options = sum((["--allow-host", f"{n}.test:{server.port}"] for n in ("rebind", "flip")), [])
    b = box(options, PRELUDE + f"""
for i in range(60):
    for name in "rebind.test", "flip.test": how(lambda: call(name, {server.port}))
    time.sleep(0.06)""").ok()
    expect(resolver.asked.count(("rebind.test", 1)) > 1, resolver.asked)
    expect(resolver.asked.count(("flip.test", 1)) > 1, resolver.asked)
    expect("ok b'hello'" in b.out, b.out, b.err)
    expect({c.removeprefix("::ffff:") for c in server.calls} == {GOOD}, set(server.calls))
    expect("SLOW" not in b.out, b.out)


@scenario
def literal_grants():
    """A granted net is that net: not what lies in it by mistake, and not what maps into it."""
    server = Server()
    port = server.port
    b = box(["--allow-host", f"0.0.0.0/0:{port}", "--allow-host", f"[::/0]:{port}"], PRELUDE + f"""
for host in {[GOOD, GOOD6, *PRIVATE]!r}: how(lambda: call(host, {port}))""").ok()
    lines = b.out.split("\n")
    expect(lines[:2] == ["ok b'hello'"] * 2, b.out, b.err)
    for target, line in zip(PRIVATE, lines[2:]):
        expect(line in ("ECONNRESET", "ECONNREFUSED", "EHOSTUNREACH"), target, line)
    expect(len(server.calls) == 2, server.calls)
    b = box(["--allow-host", f"10.1.2.3:{port}"], PRELUDE + f"""
for host in "10.1.2.3", "10.1.2.4", "::ffff:10.1.2.3", "127.0.0.1": how(lambda: call(host, {port}))
""").ok()
    expect(b.out.split("\n")[:4] == ["ok b'hello'", "ECONNREFUSED", "ok b'hello'",
                                     "ECONNREFUSED"], b.out)


@scenario
def no_packet_but_tcp():
    """UDP (QUIC), ICMP, raw and packet sockets: nothing leaves, and the refusal is at once."""
    server = Server()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((GOOD, 443))
    udp.settimeout(0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # the control
        s.sendto(b"x", (GOOD, 443))
    expect(udp.recv(9) == b"x")
    capture = Capture()
    b = box(["--allow-host", f"good.test:443,{server.port}"], PRELUDE + f"""
def udp(host, port):
    to = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(to[0], socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect(to[4])
        s.send(b"QUICMARK")
        s.recv(9)
how(lambda: udp("good.test", 443))
how(lambda: udp("{GOOD}", 443))
how(lambda: udp("{GOOD6}", 443))
def make(family, kind, proto):
    socket.socket(family, kind, proto).close()
how(lambda: make(socket.AF_INET, socket.SOCK_RAW, 1))
how(lambda: make(socket.AF_INET6, socket.SOCK_RAW, 58))
how(lambda: make(socket.AF_PACKET, socket.SOCK_RAW, 0))
def ping(host):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)
    s.settimeout(2)
    s.sendto(struct.pack(">BBHHH", 8, 0, 0, 1, 1) + b"PINGMARK", (host, 0))
    s.recv(100)
how(lambda: ping("{GOOD}"))""").ok()
    lines = b.out.split("\n")
    expect(lines[:3] == ["ECONNREFUSED"] * 3, b.out)
    expect(set(lines[3:6]) <= {"EPERM", "EAFNOSUPPORT", "EACCES", "EPROTONOSUPPORT"}, b.out)
    packets = capture.close()
    expect(not [p for p in packets if b"QUICMARK" in p or b"PINGMARK" in p], "a packet left")
    try:
        expect(False, udp.recv(99))
    except TimeoutError:
        pass
    expect(b.refused("good.test:443/udp")["grant"] is None, b.result)
    expect(b.refused(f"{GOOD}:443/udp")["count"] == 1, b.result)


@scenario
def unnamed_stand_ins():
    """Addresses of 198.18.0.0/15 that no name has, and names' addresses at ports not granted."""
    server = Server()
    b = box(["--allow-host", f"good.test:{server.port}"], PRELUDE + f"""
address = socket.gethostbyname("good.test")
how(lambda: call(address, {server.port}))
a, b, c, d = map(int, address.split("."))
for host in "198.18.0.0", "198.18.0.%d" % (d + 1), "198.18.255.255", "198.19.255.255":
    how(lambda: call(host, {server.port}))
for port in 22, 80, 443, {server.port} - 1: how(lambda: call("good.test", port))""").ok()
    expect(b.out.split("\n")[:-1] == ["ok b'hello'"] + ["ECONNREFUSED"] * 8, b.out)
    expect(b.refused("good.test:22")["grant"] == "--allow-host good.test:22", b.result)
    expect(b.refused("good.test:443")["grant"] == "--allow-host good.test", b.result)
    expect(len(server.calls) == 1, server.calls)


run()
