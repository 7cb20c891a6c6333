"""The broker itself: what it holds, and what its end, its stop or its supervisor's end opens."""
from networld import *

MARK = "aisbxmark5f2c"
IDLE = """
import time
print("up", flush=True)
time.sleep(%d)"""


def up(b):
    line = b.line()
    if line != "up":
        b.wait()
    expect(line == "up", line, b)


def field(status, name):
    return status.split(name + ":")[1].split("\n")[0].strip()


@scenario
def isolation():
    """No privilege, no capability, no file, no descriptor but its own, nothing of the caller's."""
    os.environ["AISBX_TEST_SECRET"] = MARK + "env"
    server = Server()
    b = Box(["--allow-host", f"good.test:{server.port}", "--env", "AISBX_TEST_SECRET",
             "--env", f"SET={MARK}arg"], PRELUDE + f"""
s = socket.create_connection(("good.test", {server.port}))
print("up", flush=True)
s.recv(9)
time.sleep(8)""")
    up(b)
    broker = b.broker()
    proc = f"/proc/{broker}/"
    status = open(proc + "status").read()
    for name in "CapInh", "CapPrm", "CapEff", "CapAmb":
        expect(int(field(status, name), 16) == 0, name, status)
    expect(field(status, "NoNewPrivs") == "1" and field(status, "Seccomp") == "2", status)
    expect(field(status, "Groups") == "" or os.environ["CALLER"] == "user", status)
    host = open("/proc/self/status").read()
    expect(field(status, "NSpid").count("\t") == field(host, "NSpid").count("\t"), status)
    if os.environ["CALLER"] == "root":
        expect(set(field(status, "Uid").split()) & {"0"} == set(), status)
        expect(set(field(status, "Gid").split()) & {"0"} == set(), status)
    inspect(proc, b)
    # Not dumpable: one of its own user, without the capabilities of this namespace, sees nothing.
    for name in "environ", "maps", "mem":
        uid = field(status, "Uid").split()[0]
        done = subprocess.run(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--reuid",
                               uid, "cat", proc + name],
                              capture_output=True)
        expect(done.returncode != 0 and b"denied" in done.stderr, name, done)
    b.process.kill()
    b.wait()


def inspect(proc, b):
    """What root sees of it."""
    expect(set(open(proc + "environ", "rb").read()) <= {0}, "its environment is the caller's")
    expect(MARK.encode() not in open(proc + "cmdline", "rb").read(), "its arguments")
    kinds = [os.readlink(proc + "fd/" + fd) for fd in os.listdir(proc + "fd")]
    strangers = [k for k in kinds if not k.startswith(("socket:", "pipe:", "anon_inode:"))]
    expect(not strangers, kinds)
    needles = [MARK.encode() + b"env", MARK.encode() + b"arg"]
    for line in open(proc + "maps"):
        words = line.split()
        path = words[5] if len(words) > 5 else ""
        expect(path == "" or path.startswith("[") or path == AISBX, line)
        expect("rwx" not in words[1], line)
        if words[1][0] != "r" or path in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
            continue
        begin, end = (int(x, 16) for x in words[0].split("-"))
        with open(proc + "mem", "rb", buffering=0) as memory:
            memory.seek(begin)
            data = memory.read(end - begin)
        for needle in needles:
            expect(needle not in data, needle, line)
    # The control: the supervisor still has them.
    expect(MARK.encode() in open(f"/proc/{b.process.pid}/environ", "rb").read())


@scenario
def opens_nothing():
    """Calls made in its name by a debugger: no file, no other socket, no program, no signal."""
    b = Box(["--allow-host", "good.test"], IDLE % 20)
    up(b)
    broker = b.broker()
    calls = {
        "open": '(int)syscall(2, "/etc/passwd", 0, 0)',
        "openat": '(int)syscall(257, -100, "/etc/passwd", 0, 0)',
        "openat2": '(int)syscall(437, -100, "/etc/passwd", 0, 0)',
        "unix socket": "(int)syscall(41, 1, 1, 0)",
        "packet socket": "(int)syscall(41, 17, 3, 0)",
        "netlink": "(int)syscall(41, 16, 3, 0)",
        "execve": '(int)syscall(59, "/bin/true", 0, 0)',
        "fork": "(int)syscall(57)",
        "kill": "(int)syscall(62, 1, 0)",
        "ptrace": "(int)syscall(101, 16, 1, 0, 0)",
        "process_vm_readv": "(int)syscall(310, 1, 0, 0, 0, 0, 0)",
        "setuid": "(int)syscall(105, 0)",
        "mmap exec": "(long)syscall(9, 0, 4096, 7, 34, -1, 0)",
        "mprotect exec": "(int)syscall(10, 0, 4096, 7)",
        "setns": "(int)syscall(308, 0, 0)",
        "the control: getpid": "(int)syscall(39)",
    }
    arguments = sum((["-ex", f"print {call}"] for call in calls.values()), [])
    done = subprocess.run(["gdb", "-nx", "-batch", "-p", str(broker), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    got = [line.split("= ")[1] for line in done.stdout.split("\n") if line.startswith("$")]
    if len(got) != len(calls):
        print("gdb cannot call into the broker:", done.stdout[-2000:])
        sys.exit(77)
    expect(int(got.pop()) == broker, done.stdout)
    expect(set(got) == {"-1"}, dict(zip(calls, got)))
    b.process.kill()
    b.wait()


@scenario
def unseen_from_the_box():
    """The box sees itself alone; nobody in it holds a socket of init's or the broker's."""
    b = Box(["--allow-host", "good.test:80"], PRELUDE + """
pids = sorted(int(p) for p in os.listdir("/proc") if p.isdigit())
print(pids == [os.getpid()], pids)
print(sorted(os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")))
how(lambda: os.listdir("/proc/1/fd"))
how(lambda: open("/proc/1/mem"))
how(lambda: os.kill(1, 9))
print(len(open("/proc/net/unix").readlines()))
print("alive", flush=True)
how(lambda: os.pidfd_open(1) and None)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(438, os.pidfd_open(1), 3, 0)  # pidfd_getfd of the broker's socket
print(errno.errorcode[ctypes.get_errno()])
print("up", flush=True)
time.sleep(5)""")
    seen = []
    while (line := b.line()) not in ("up", ""):
        seen.append(line)
    expect(seen[0].startswith("True"), seen)
    expect(seen[1] == "['0', '1', '2'] 4", seen)  # the fourth is the listing's own
    expect(set(seen[2:4]) <= {"EACCES", "EPERM", "ENOENT"}, seen)
    expect(seen[5] == "1" and seen[6] == "alive", seen)
    expect(seen[8] in ("EPERM", "ENOSYS"), seen)
    b.broker()  # the control: it is there
    b.process.kill()
    b.wait()


@scenario
def killed():
    """SIGKILL of the broker: the network is gone, nothing opens up, the run goes on."""
    server = Server(lambda s: (s.sendall(b"hello"), s.recv(1)))
    b = Box(["--allow-host", f"good.test:{server.port}", "-t", "30s"], PRELUDE + f"""
s = socket.create_connection(("good.test", {server.port}))
s.recv(5)
address = s.getpeername()[0]
print("up", flush=True)
how(lambda: s.recv(1) or None)
time.sleep(0.2)
for host in address, "127.0.0.1", "{GOOD}", "10.1.2.3", "169.254.169.254", "{GOOD6}":
    how(lambda: call(host, {server.port}))
how(lambda: socket.gethostbyname("good.test"))
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as d:
        d.settimeout(3)
        d.connect(("127.0.0.1", 53)); d.send(b"x" * 20); d.recv(9)
how(udp)
os._exit(42)""")
    up(b)
    calls = len(server.calls)
    os.kill(b.broker(), signal.SIGKILL)
    b.wait()
    lines = b.out.split("\n")
    expect(lines[0] in ("ECONNRESET", "ok"), b.out)
    expect(set(lines[1:7]) <= {"ECONNREFUSED"}, b.out)
    expect(lines[7].startswith("gai ") and lines[8] == "ECONNREFUSED", b.out)
    expect(b.status == 42 and b.result["outcome"] == "exited", b.status, b.err)
    expect(b.err.startswith("aisbx: ") and "broker" in b.err and b.err.count("\n") == 1, b.err)
    expect(len(server.calls) == calls, server.calls)


@scenario
def stopped():
    """SIGSTOP of the broker: the wall limit holds, the result is written, nobody is left."""
    server = Server()
    b = Box(["--allow-host", f"good.test:{server.port}", "-t", "2s"], IDLE % 60)
    up(b)
    broker = b.broker()
    os.kill(broker, signal.SIGSTOP)
    b.wait()
    expect(b.status == 124 and b.result["outcome"] == "wall_limit", b.status, b.err)
    expect(b.seconds < 2 + 2 + 1.5, b.seconds)  # and the time that the broker has to end
    expect(not os.path.exists(f"/proc/{broker}"), "the broker is left")


@scenario
def supervisor_killed():
    """SIGKILL of the supervisor with connections open: box and broker are gone at once."""
    server = Server(lambda s: s.recv(1))
    b = Box(["--allow-host", f"good.test:{server.port}", "--publish", "0:8000"], PRELUDE + f"""
kept = [socket.create_connection(("good.test", {server.port})) for i in range(50)]
print("up", flush=True)
time.sleep(60)""")
    up(b)
    broker = b.broker()
    pid = b.process.pid
    children = [int(c) for c in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    expect(len(children) in (2, 3), children)  # init, the broker, the guard of a cgroup
    b.process.kill()
    b.process.wait()
    eventually(lambda: not any(alive(c) for c in children), 2)
    expect(broker in children)


def alive(pid):
    try:
        return field(open(f"/proc/{pid}/status").read(), "State")[0] != "Z"
    except OSError:
        return False


@scenario
def strangers():
    """Two boxes with the same grants do not meet; what is published leads to one of them."""
    server = Server()
    port = free_port()
    options = ["--allow-host", f"good.test:{server.port}"]
    first = Box(options + ["--publish", f"{port}:8000"], PRELUDE + """
own = socket.create_server(("0.0.0.0", 8000), reuse_port=True)
print("up", flush=True)
while True:
    s, _ = own.accept()
    s.sendall(b"first"); s.close()""")
    up(first)
    b = box(options, PRELUDE + f"""
how(lambda: call("good.test", {server.port}))
for host in "127.0.0.1", "198.18.0.1", "{GOOD}", "0.0.0.0":
    for port in 8000, {port}: how(lambda: call(host, port))""").ok()
    expect(b.out == "ok b'hello'\n" + "ECONNREFUSED\n" * 8, b.out)
    with socket.create_connection(("127.0.0.1", port), 5) as s:  # the control
        expect(s.recv(9) == b"first")
    try:
        socket.create_connection((GOOD, port), 5)
        expect(False, "published on more than loopback")
    except ConnectionRefusedError:
        pass
    again = Box(options + ["--publish", f"{port}:8000"], "print('ran')").wait()
    expect(again.status == 125 and "publish" in again.err and not again.out, again.err)
    broker = first.broker()
    first.process.kill()
    first.wait()
    eventually(lambda: not alive(broker))
    # Nobody listens in the box: the connection ends, and the next one too.
    b = Box(["--publish", f"{port}:8000"], IDLE % 30)
    up(b)
    begin = time.monotonic()
    for i in range(2):
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(20)
            try:
                expect(s.recv(1) == b"")
            except ConnectionResetError:
                pass
    expect(time.monotonic() - begin < 25, time.monotonic() - begin)
    b.process.kill()
    b.wait()


run()
