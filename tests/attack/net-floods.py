"""A box, or who calls it, that asks for too much: bounded, and other boxes go on."""
from networld import *
import resource
import selectors

# What a box may open; a connection takes two descriptors of the broker's.
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def profile(text):
    f = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    f.write("extends: [default]\n" + text)
    f.flush()
    return f


def memory(pid):
    """Its resident memory in MiB, shared pages in part."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(f.read().split("Pss:")[1].split()[0]) / 1024


def cpu(pid):
    """Seconds of processor time that it has used."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def keeper():
    """A server that takes all connections, reads nothing and has no thread for each."""
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 0))
    s.listen(4096)
    kept = []

    def take():
        while True:
            try:
                kept.append(s.accept()[0])
            except OSError:
                time.sleep(0.01)
    threading.Thread(target=take, daemon=True).start()
    return s.getsockname()[1], kept


# The neighbour prints the longest of its round trips when it is told to end.
NEIGHBOUR = PRELUDE + """
print("up", flush=True)
worst, end = 0, time.monotonic() + %(seconds)d
while time.monotonic() < end:
    begin = time.monotonic()
    if call("good.test", %(port)d) != b"hello": raise SystemExit("lost")
    worst = max(worst, time.monotonic() - begin)
    time.sleep(0.01)
print(worst)"""


def neighbour(server, seconds):
    b = Box(["--allow-host", f"good.test:{server.port}"],
            NEIGHBOUR.replace("%(seconds)d", str(seconds)).replace("%(port)d", str(server.port)))
    expect(b.line() == "up")
    return b


@scenario
def ten_thousand_connections():
    """As many as the box may open: the broker's memory is bounded, it serves on afterwards."""
    port, kept = keeper()
    server = Server()
    count = min(10000, (hard - 500) // 2)
    with profile(f"limits: {{open_files: {count + 100}, wall: 2m}}\n") as p:
        other = neighbour(server, 10)
        b = Box(["-p", p.name, "--allow-host", f"good.test:{port},{server.port}"], PRELUDE + f"""
to = (socket.gethostbyname("good.test"), {port})
kept = []
for i in range({count}):
    s = socket.create_connection(to, 20)
    kept.append(s)
print("open", flush=True)
time.sleep(2)
for s in kept: s.close()
print("closed", flush=True)
time.sleep(1)
for i in range(20): how(lambda: call("good.test", {server.port}))""")
        expect(b.line() == "open")
        broker = b.broker()
        eventually(lambda: len(kept) > count * 0.9, 20)
        used = memory(broker)
        print(f"{len(kept)} connections, broker {used:.1f} MiB")
        expect(used < 64, used)
        expect(b.line() == "closed")
        for s in kept:
            s.close()
        b.wait(60).ok()
        expect(b.out == "ok b'hello'\n" * 20, b.out)
        other.wait().ok()
        print("the neighbour waited at most", other.out)
        expect(float(other.out) < 3, other.out)
    expect(sum(c["count"] for c in b.result["connections"]) >= count * 0.9, b.result)


@scenario
def a_host_that_does_not_read():
    """1 GB for it: what is taken is bounded, and so is the broker; the neighbour goes on."""
    port, kept = keeper()
    server = Server()
    other = neighbour(server, 5)
    b = Box(["--allow-host", f"good.test:{port}", "-t", "60s"], PRELUDE + f"""
kept = [socket.create_connection(("good.test", {port})) for i in range(8)]
sent, data = 0, bytes(1 << 20)
end = time.monotonic() + 4
for s in kept: s.setblocking(False)
while time.monotonic() < end and sent < 1 << 30:
    for s in kept:
        try: sent += s.send(data)
        except BlockingIOError: time.sleep(0.001)
print(sent, flush=True)
time.sleep(2)""")
    sent = int(b.line())
    broker = b.broker()
    used, busy = memory(broker), cpu(broker)
    expect(sent < 400 << 20, sent)
    expect(used < 32, used)
    time.sleep(1)
    expect(cpu(broker) - busy < 0.2, "it spins", cpu(broker) - busy)
    b.wait().ok()
    other.wait().ok()
    expect(float(other.out) < 1, other.out)
    print(f"{sent >> 20} MiB taken, broker {used:.1f} MiB, the neighbour {other.out}")


@scenario
def questions_and_refusals():
    """Floods of both: the clock holds, and the lists of the result are bounded."""
    b = box(["--allow-host", "good.test", "--allow-host", "*.wild.test", "-t", "3s"], PRELUDE + """
import threading
def ask(kind):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", 53))
    i = 0
    while True:
        i += 1
        name = b"n%d" % i
        try: s.send(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(name)]) + name + kind)
        except OSError: pass
def refuse():
    i = 0
    while True:
        i += 1
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("93.184.%d.%d" % (i // 250 % 250, i % 250), i % 60000 + 1))
        s.close()
evil = b"\\4evil\\4test\\0\\0\\1\\0\\1"
wild = b"\\4wild\\4test\\0\\0\\1\\0\\1"
if os.fork() == 0: ask(evil)
if os.fork() == 0: ask(wild)
refuse()""")
    expect(b.status == 124 and b.result["outcome"] == "wall_limit", b)
    print("wall_ms", b.result["wall_ms"])
    expect(b.result["wall_ms"] < 3400, b.result["wall_ms"])
    expect(100 < len(b.result["refused"]) <= 257, len(b.result["refused"]))
    expect(os.path.getsize(b.result_file) < 1 << 18, os.path.getsize(b.result_file))


@scenario
def out_of_descriptors():
    """The broker has few: connections beyond are reset at once; what ended is free again."""
    quiet, server = Server(lambda s: s.recv(1)), Server()
    Resolver({"n0.wild.test": [GOOD]})
    # The hard limit is what counts for the broker.
    done = subprocess.Popen(["prlimit", "--nofile=200:200", "--", sys.executable, __file__,
                             "_few", str(quiet.port), str(server.port)])
    expect(done.wait() == 0)


@scenario
def _few():
    port, served = int(sys.argv[2]), int(sys.argv[3])
    options = ["--allow-host", f"good.test:{port},{served}",
               "--allow-host", f"*.wild.test:{served}-{served + 63}"]
    with profile("limits: {open_files: 150}\n") as p:
        b = Box(["-p", p.name, *options], PRELUDE + f"""
to = (socket.gethostbyname("good.test"), {port})
def name(i):
    try: socket.gethostbyname("n%d.wild.test" % i)
    except OSError: return 1
    return 0
how(lambda: call("good.test", {served}))
time.sleep(1)
def fill(count):
    kept = []
    for i in range(count):
        try: kept.append(socket.create_connection(to, 5))
        except ConnectionResetError: pass
    return kept
for i in range(8):  # too many for the 64 listeners of a name, twice: some are received
    kept = fill(45)
    name(0)
    for s in kept: s.close()
    time.sleep(0.2)
kept = fill(120)
print("up", flush=True)
time.sleep(2)
for s in kept: s.close()
time.sleep(1)
for i in range(3): how(lambda: call("good.test", {served}))
print(name(0), flush=True)
time.sleep(1)""")
        line = b.line()
        expect(line == "ok b'hello'", line, b)
        time.sleep(0.3)
        broker = b.broker()
        base = len(os.listdir(f"/proc/{broker}/fd"))
        line = b.line()
        expect(line == "up", line, b)
        busy = cpu(broker)
        time.sleep(0.8)
        expect(cpu(broker) - busy < 0.3, "it spins", cpu(broker) - busy)
        lines = [b.line() for i in range(4)]
        expect(lines == ["ok b'hello'"] * 3 + ["0"], lines, b)
        held = len(os.listdir(f"/proc/{broker}/fd"))
        expect(held <= base + 2 * 64 + 4, base, held)  # the listeners and a few
        b.wait().ok()


@scenario
def descriptors_in_flight():
    """A box that keeps as many in its sockets as it may does not cost others their network."""
    server = Server()
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    b = Box([], PRELUDE + """
import array
pairs, sent = [], 0
devices = [os.open("/dev/null", os.O_RDONLY) for i in range(250)]
try:
    for i in range(300):
        a, z = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        pairs.append((a, z))
        while True:
            try: a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", devices))], socket.MSG_DONTWAIT)
            except BlockingIOError: break
            sent += len(devices)
except OSError as e: print(errno.errorcode[e.errno], sent, flush=True)
print("up", flush=True)
time.sleep(30)""")
    said = b.line()
    expect(said.startswith(("ETOOMANYREFS", "up")), said)
    print(said)
    options = ["--allow-host", f"good.test:{server.port}"]
    other = box(options, PRELUDE + f"how(lambda: call('good.test', {server.port}))", 20)
    expect(other.out == "ok b'hello'\n", other)
    b.process.kill()
    b.wait()


@scenario
def published_flood():
    """More callers than the broker has descriptors, and none to take them in: it does not spin."""
    port = free_port()
    done = subprocess.Popen(["prlimit", "--nofile=200:200", "--", sys.executable, __file__,
                             "_few_published", str(port)])
    time.sleep(1)
    kept = []
    for i in range(600):
        with contextlib.suppress(ConnectionResetError):  # as some are: it has no room for them
            kept.append(socket.create_connection(("127.0.0.1", port), 5))
    expect(done.wait() == 0)


@scenario
def _few_published():
    b = Box(["--publish", f"{sys.argv[2]}:8000"], f"""
import time
time.sleep({4 + PATIENCE})""")
    broker = b.broker()
    time.sleep(2.5)
    for _ in range(PATIENCE):  # a slow machine's callers take that long to come
        busy = cpu(broker)
        time.sleep(1)
        used = cpu(broker) - busy
        print("busy", used)
        if used < 0.5:
            break
    b.wait().ok()
    expect(used < 0.5, "it spins", used)


run()
