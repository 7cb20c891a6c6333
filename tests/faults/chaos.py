#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chaos: runs of every kind, each with the supervisor, init or broker killed at a random moment.

Needs AISBX, the program, AISBX_PROBES, a directory with `records`, and LIB, tests/lib. Only
root: both kinds of caller are walked in one run.

Everything happens in pid, mount, network and ipc namespaces of its own, with a devpts and
temporary directories of their own: what is found there afterwards is ours, whatever else the
machine does, and a number that is killed there is never a stranger's. Runs start in small
batches. When those of a batch have ended, what the world had before is compared with what
it has then: processes, mounts, namespaces, sockets, ptys, devices, routes, files. Besides
  a supervisor that is not the one killed ends by itself, with a status that says so: 125
  only where the command never ran
  a result is whole JSON, or is not there
  files in write grants hold what the command was told is safe, in whole records
  the caller's terminal has its modes again

TAP: one test a kind of run and caller, then the cgroups, which all share. AISBX_CHAOS_SEED
repeats the moments, AISBX_CHAOS_RUNS says how many runs (300) each caller makes,
AISBX_CHAOS_DEBUG=1 tells what became of each.
"""
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

RUNS = int(os.environ.get("AISBX_CHAOS_RUNS", "300"))
SEED = int(os.environ.get("AISBX_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
DEBUG = os.environ.get("AISBX_CHAOS_DEBUG")
BATCH = 4
RECORDS, RECORD_BYTES = 12, 512
TARGETS = ("supervisor", "init", "broker")
SLOWNESS = int(os.environ.get("AISBX_TEST_PATIENCE", "1"))  # as in tests/lib
PATIENCE = 5 * SLOWNESS  # seconds until nothing may be left, on a busy machine
TOO_LONG = 20 * SLOWNESS  # for a run that lost its init or broker
WORLD = ("/tmp", "/var/tmp", "/dev/shm", "/run")
CGROUPS = "/sys/fs/cgroup"

# What is asked for beside the plain run; a run whose broker is to be killed has one.
KINDS = {
    "plain": set(),
    "write": {"write"},
    "agent": {"agent"},
    "host": {"write", "host"},
    "output": {"output"},
    "terminal": {"terminal"},
    "result": {"write", "result"},
    "everything": {"agent", "host", "terminal", "result"},
}


def skip(reason, caller_is_root=True):
    if os.environ.get("AISBX_TEST_MUST_RUN") and caller_is_root:
        print(f"1..1\nnot ok 1 must run, but: {reason}")
        sys.exit(1)
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def bail(text):
    print(f"Bail out! {text}", flush=True)
    sys.exit(1)


# --- What is there ---

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""  # a process that has just ended


def listdir(path):
    with contextlib.suppress(OSError):
        return os.listdir(path)
    return []


def readlink(path):
    with contextlib.suppress(OSError):
        return os.readlink(path)
    return ""


def processes():
    return {int(name) for name in listdir("/proc") if name.isdigit()}


def namespaces():
    """By processes and threads that are in them, descriptors and mounts that hold them."""
    found = set(re.findall(r" (\w+:\[\d+\]) /", read("/proc/self/mountinfo")))
    for pid in processes():
        for task in listdir(f"/proc/{pid}/task"):
            for kind in ("ns", "fd"):
                directory = f"/proc/{pid}/task/{task}/{kind}"
                found |= {link for name in listdir(directory)
                          for link in [readlink(f"{directory}/{name}")]
                          if re.fullmatch(r"\w+:\[\d+\]", link)}
    return found


def sockets():
    """Without those that the kernel keeps for a while after both ends have closed."""
    found = {("unix", " ".join(line.split()[1:3] + line.split()[4:5] + line.split()[7:]))
             for line in read("/proc/net/unix").splitlines()[1:]}
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in read(f"/proc/net/{kind}").splitlines()[1:]:
            words = line.split()
            if words[3] != "06":  # TIME_WAIT
                found.add((kind, " ".join(words[1:4])))
    return found


def network():
    devices = [line.split(":")[0].strip() for line in read("/proc/net/dev").splitlines()[2:]]
    routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True,
                            check=False).stdout.decode().splitlines()
    return set(devices) | set(routes) | set(read("/proc/net/if_inet6").splitlines())


def files(work):
    """Not what is in the places of runs: Place looks at those."""
    found = set()
    for top in WORLD + (work, os.path.join(work, "home")):
        for path in listdir(top):
            found.add(os.path.join(top, path))
    return found | set(listdir("/dev"))


def system_v():
    return {line for kind in ("shm", "sem", "msg")
            for line in read(f"/proc/sysvipc/{kind}").splitlines()[1:]}


def snapshot(work):
    return {
        "processes": processes(),
        "mounts": set(read("/proc/self/mountinfo").splitlines()),
        "namespaces": namespaces(),
        "sockets": sockets(),
        "ptys": set(listdir("/dev/pts")),
        "devices and routes": network(),
        "files": files(work),
        "shared memory": system_v(),
    }


def cgroups():
    """Others make and remove theirs: only what nobody is in any more is left behind."""
    return {path for path, _, names in os.walk(CGROUPS) if "cgroup.procs" in names}


def dead_cgroups(before):
    return {path for path in cgroups() - before if not read(path + "/cgroup.procs").strip()}


def reap():
    """As pid 1 we are given the orphans."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


# --- A run ---

class Place:
    """What one run at a time may change."""

    def __init__(self, work, uid, number):
        self.path = os.path.join(work, f"place.{uid}.{number}")
        self.project = os.path.join(self.path, "project")
        self.out = os.path.join(self.path, "out")
        self.uid = uid
        self.reset()

    def reset(self):
        shutil.rmtree(self.path, ignore_errors=True)
        for path in (self.path, self.project, self.out):
            os.mkdir(path)
            os.chown(path, self.uid, self.uid)


def record(number):
    text = f"{number:08d} ".encode().ljust(RECORD_BYTES - 1, bytes([97 + number % 26]))
    return text + b"\n"


def wrong_files(place, shown):
    """In a write grant: what is not as the command, or aisbx, may leave it."""
    wrong = []
    left = set(listdir(place.project)) - {"records", "state", "state.new"}
    if left:
        wrong.append(f"in the grant: {sorted(left)}")
    with contextlib.suppress(FileNotFoundError), \
            open(os.path.join(place.project, "records"), "rb") as file:
        data = file.read()
        if data != b"".join(record(n) for n in range(len(data) // RECORD_BYTES)):
            wrong.append(f"records of {len(data)} bytes are not whole")
        if len(data) // RECORD_BYTES < shown:
            wrong.append(f"{shown} records were safe, {len(data) // RECORD_BYTES} are there")
        shown = 0
    if shown:
        wrong.append(f"{shown} records were safe, no file is there")
    with contextlib.suppress(FileNotFoundError), \
            open(os.path.join(place.project, "state"), "rb") as file:
        data = file.read()
        if data not in [record(n) for n in range(RECORDS)]:
            wrong.append(f"state of {len(data)} bytes is not whole")
    return wrong


def wrong_result(place, must_be):
    left = set(listdir(place.out)) - {"result.json", "stdout", "stderr"}
    if left:
        return [f"beside the result: {sorted(left)}"]
    text = read(os.path.join(place.out, "result.json"))
    if not text and not os.path.exists(os.path.join(place.out, "result.json")):
        return ["no result"] if must_be else []
    try:
        return [] if json.loads(text)["outcome"] else ["a result without an outcome"]
    except (ValueError, KeyError) as error:
        return [f"the result is not whole: {error}: {text[:100]!r}"]


class Run:
    def __init__(self, setting, kind, target, place):
        self.setting, self.kind, self.target, self.place = setting, kind, target, place
        self.has = KINDS[kind] | ({"host"} if target == "broker" else set())
        self.due = self.status = self.terminal = None
        self.killed = self.gone = False
        self.begin = time.monotonic()
        os.chdir(place.project)
        self.start()

    def command(self):
        words = [self.setting.aisbx, "run", "--ro", self.setting.bins]
        if "write" in self.has:
            words += ["--rw", self.place.project]
        if "agent" in self.has:
            words += ["-p", "agent"]
        if "host" in self.has:
            words += ["--allow-private-host", f"localhost:{self.setting.port}"]
        if "output" in self.has:
            words += ["--max-output", "1M"]
        if "result" in self.has:
            words += ["--result", os.path.join(self.place.out, "result.json")]
        words += ["--", os.path.join(self.setting.bins, "records"),
                  self.place.project if self.writes() else "/tmp", str(RECORDS)]
        return words + ([str(self.setting.port)] if "host" in self.has else [])

    def writes(self):
        return bool(self.has & {"write", "agent"})

    def start(self):
        if "terminal" in self.has:
            words = self.command()
            if self.setting.uid:
                uid = str(self.setting.uid)
                words = ["/usr/bin/setpriv", "--reuid", uid, "--regid", uid, "--clear-groups",
                         "--"] + words
            self.terminal = self.setting.terminal_class(words)
            self.pid = self.terminal.pid
            return
        with open(os.path.join(self.place.out, "stdout"), "wb") as stdout, \
                open(os.path.join(self.place.out, "stderr"), "wb") as stderr:
            uid = self.setting.uid
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                **({"user": uid, "group": uid, "extra_groups": []} if uid else {}))
        self.pid = self.process.pid

    def find(self):
        """The target's pid, or None when it is not there (yet)."""
        if self.target == "supervisor":
            return self.pid
        children = [int(word) for word in
                    read(f"/proc/{self.pid}/task/{self.pid}/children").split()]
        for at, child in enumerate(children):
            # In two pid namespaces: it is init. The broker is the next one started.
            ids = re.search(r"^NSpid:(.*)$", read(f"/proc/{child}/status"), re.MULTILINE)
            if ids and len(ids[1].split()) == 2:
                if self.target == "init":
                    return child
                return children[at + 1] if at + 1 < len(children) else None
        return None

    def kill(self):
        if self.killed or self.due is None or time.monotonic() < self.due:
            return
        pid = self.find()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGKILL)  # a pid of this namespace is nobody else's
            self.killed = True
            self.killed_at = time.monotonic()

    def poll(self):
        """Whether the supervisor has ended."""
        if self.terminal:
            with contextlib.suppress(OSError):
                while self.terminal.read(0):
                    pass
            if self.terminal.ended(0):
                self.status = self.terminal.status
        else:
            self.status = self.process.poll()
        if self.status is not None and not self.gone:
            self.gone = True
            self.seconds = time.monotonic() - self.begin
        return self.gone

    def shown(self):
        """How many records the command has said are safe."""
        text = self.terminal.seen.decode(errors="replace") if self.terminal else \
            read(os.path.join(self.place.out, "stdout"))
        numbers = re.findall(r"^(\d+)\r?\n", text, re.MULTILINE)
        return int(numbers[-1]) + 1 if numbers else 0

    def stderr(self):
        return self.terminal.seen.decode(errors="replace")[-300:] if self.terminal else \
            read(os.path.join(self.place.out, "stderr"))

    def allowed(self):
        """Exit statuses that tell the truth."""
        if not self.killed or self.target == "broker" and self.status == 0:
            return {0}
        return {"supervisor": {-signal.SIGKILL, 0},  # 0: it had ended and we had not looked
                "init": {137, 125, 0},
                "broker": {125}}[self.target]

    def wrong(self):
        found = []
        if self.status not in self.allowed():
            found.append(f"status {self.status}: {self.stderr()!r}")
        if self.status == 125 and self.shown():
            found.append(f"the command ran, but: {self.stderr()!r}")
        if self.writes():
            found += wrong_files(self.place, self.shown())
        if "result" in self.has:
            found += wrong_result(self.place, self.status >= 0)
        return found

    def modes_restored(self):
        return not self.terminal or termios.tcgetattr(self.terminal.slave) == self.terminal.modes

    def close(self):
        if self.terminal:
            os.close(self.terminal.master)
            os.close(self.terminal.slave)

    def __str__(self):
        when = f"{(self.killed_at - self.begin) * 1000:.1f} ms" if self.killed else "too late"
        return f"{self.kind}, {self.target} killed after {when}"


# --- All of them ---

class Setting:
    """A caller, and what its runs have in common."""

    def __init__(self, work, uid, port, terminal_class):
        self.work, self.uid, self.port, self.terminal_class = work, uid, port, terminal_class
        self.name = "user" if uid else "root"
        self.bins = os.path.join(work, "bin")
        self.aisbx = os.path.join(self.bins, "aisbx")
        self.places = [Place(work, uid, number) for number in range(BATCH)]
        self.life = {}
        self.wrong = collections.defaultdict(list)
        self.counts = collections.Counter()
        self.slowest = 0

    def calibrate(self):
        """Each kind once, in peace: the control, and how long it takes."""
        for kind in KINDS:
            run = Run(self, kind, "supervisor", self.places[0])
            self.wait([run])
            if run.status != 0 or run.wrong() or self.left([run]) or \
                    run.writes() and run.shown() != RECORDS:
                bail(f"{self.name}, {kind}, without a kill: status {run.status}, "
                     f"{run.shown()} records, {run.wrong()}, left {self.left([run])}: {run.stderr()}")
            self.life[kind] = run.seconds
            run.close()
            run.place.reset()

    def wait(self, runs):
        """Kills what is due, until all have ended."""
        pending = list(runs)
        while pending:
            for run in pending:
                run.kill()
            pending = [run for run in pending if not run.poll()]
            now = time.monotonic()
            for run in pending:
                if now - run.begin > TOO_LONG:
                    self.wrong[run.kind].append(f"{run}: it hangs")
                    os.kill(run.pid, signal.SIGKILL)
                    time.sleep(0.1)
            if all(run.killed or run.due is None for run in pending):
                time.sleep(0.0002)

    def left(self, runs):
        """What is there that was not there before, once it has had time to go."""
        begin = time.monotonic()
        while True:
            reap()
            now = snapshot(self.work)
            left = {name: now[name] ^ self.before[name] for name in now}
            # The runs' own terminals are ours until they are closed.
            left["ptys"] -= {os.path.basename(os.ttyname(run.terminal.slave))
                             for run in runs if run.terminal}
            left = {name: values for name, values in left.items() if values}
            if not all(run.modes_restored() for run in runs):
                left["terminal"] = "the modes are not those that it had"
            if not left:
                took = time.monotonic() - begin
                self.slowest = max(self.slowest, took)
                return {}
            if time.monotonic() - begin > PATIENCE:
                return left
            time.sleep(0.001)

    def batch(self, jobs):
        runs = []
        for place, (kind, target, share, early) in zip(self.places, jobs):
            run = Run(self, kind, target, place)
            run.due = run.begin + self.life[kind] * (0.4 if early else 1.1) * share
            runs.append(run)
        self.wait(runs)
        left = self.left(runs)
        if left:
            told = {name: sorted(map(str, values))[:5] if isinstance(values, set) else values
                    for name, values in left.items()}
            for run in runs:
                self.wrong[run.kind].append(f"left after a batch with {run}: {told}")
            for pid in processes() - self.before["processes"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.before = {**snapshot(self.work), "processes": self.before["processes"]}
        for run in runs:
            wrong = run.wrong()
            self.wrong[run.kind] += [f"{run}: {text}" for text in wrong]
            self.counts[run.kind, run.killed] += 1
            if DEBUG:
                print(f"# {self.name} {run}: status {run.status}, {run.shown()} records, "
                      f"{run.stderr().strip()[-100:]!r}")
            run.close()
            run.place.reset()

    def walk(self, chance):
        self.before = snapshot(self.work)
        self.calibrate()
        kinds = list(KINDS)
        jobs = [(kinds[n % len(kinds)], TARGETS[n // len(kinds) % len(TARGETS)],
                 chance.random(), chance.random() < 0.5) for n in range(RUNS)]
        chance.shuffle(jobs)
        for at in range(0, len(jobs), BATCH):
            self.batch(jobs[at:at + BATCH])


def serve():
    """A server that the boxes may reach: takes what comes."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    if os.fork() == 0:
        import selectors
        chosen = selectors.DefaultSelector()
        chosen.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in chosen.select():
                if key.fileobj is server:
                    chosen.register(server.accept()[0], selectors.EVENT_READ)
                    continue
                with contextlib.suppress(OSError):
                    if key.fileobj.recv(65536):
                        continue
                chosen.unregister(key.fileobj)
                key.fileobj.close()
    port = server.getsockname()[1]
    server.close()
    return port


def build_world(work):
    """Private directories for all that could be left in them; work stays in sight."""
    own = os.open(work, os.O_PATH | os.O_DIRECTORY)
    for path in WORLD:
        if os.path.isdir(path):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "chaos", path], check=True)
    os.makedirs(work)
    subprocess.run(["mount", "-c", "--bind", f"/proc/self/fd/{own}", work], check=True,
                   pass_fds=[own])
    os.close(own)
    subprocess.run(["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=666,mode=620", "chaos",
                    "/dev/pts"], check=True)
    if not os.path.islink("/dev/ptmx"):
        subprocess.run(["mount", "--bind", "/dev/pts/ptmx", "/dev/ptmx"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def inside(work):
    begin = time.monotonic()
    sys.path.insert(0, os.environ["LIB"])
    sys.dont_write_bytecode = True
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "xterm",
                   "HOME": os.path.join(work, "home"), "TMPDIR": "/tmp",
                   "AISBX": os.path.join(work, "bin", "aisbx"), "BIN": os.path.join(work, "bin"),
                   "AISBX_TEST_PATIENCE": str(SLOWNESS)}
    uid = 50000 + int(os.environ["CHAOS_UID"]) % 10000
    os.environ.clear()
    os.environ.update(environment)
    from terminal import Terminal
    build_world(work)
    port = serve()
    had = cgroups()
    print(f"1..{2 * len(KINDS) + 1}\n# AISBX_CHAOS_SEED={SEED}", flush=True)
    number = status = 0
    chance = random.Random(SEED)
    for caller in (0, uid):
        os.chown(environment["HOME"], caller, caller)
        setting = Setting(work, caller, port, Terminal)
        setting.walk(chance)
        for kind in KINDS:
            number += 1
            wrong = setting.wrong[kind]
            print(f"{'not ok' if wrong else 'ok'} {number} {setting.name} {kind}: "
                  f"{setting.counts[kind, True]} killed, {setting.counts[kind, False]} too late")
            for text in wrong[:10]:
                print(f"# {text}")
            status |= bool(wrong)
        print(f"# the slowest clean-up took {setting.slowest * 1000:.0f} ms", flush=True)
    end = time.monotonic() + PATIENCE
    while dead_cgroups(had) and time.monotonic() < end:
        time.sleep(0.05)
    left = dead_cgroups(had)
    print(f"{'not ok' if left else 'ok'} {number + 1} no cgroup is left")
    if left:
        print(f"# {sorted(left)}")
    print(f"# {2 * RUNS} runs, {time.monotonic() - begin:.0f} seconds")
    sys.exit(int(status or bool(left)))


def main():
    if os.geteuid() != 0:
        skip("the caller is not root", caller_is_root=False)
    for program in ("unshare", "setpriv", "ip", "mount"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    os.umask(0o022)
    work = tempfile.mkdtemp(prefix="aisbx-chaos.", dir="/tmp")
    try:
        os.chmod(work, 0o755)
        for name in ("bin", "home"):
            os.mkdir(os.path.join(work, name))
        shutil.copy(os.environ["AISBX"], os.path.join(work, "bin", "aisbx"))
        shutil.copy(os.path.join(os.environ["AISBX_PROBES"], "records"),
                    os.path.join(work, "bin"))
        os.environ["CHAOS_UID"] = str(os.getpid())
        os.environ["AISBX_CHAOS_SEED"] = str(SEED)
        done = subprocess.run(
            ["unshare", "-pmnif", "--kill-child", "--mount-proc", "--propagation", "private",
             sys.executable, os.path.abspath(__file__), "--inside", work],
            stdin=subprocess.DEVNULL, check=False)
        sys.exit(done.returncode)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2])
    else:
        main()
