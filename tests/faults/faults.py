#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fault walk: each system call of set-up made to fail in turn.

Needs AISBX, the program, and AISBX_PROBES, a directory with `inject` and
`fingerprint`. Only root: both kinds of caller are walked in one run.

Without a fault, `inject -l` lists the calls of every process of a run, and the
payload prints the fingerprint of its confinement. Then the run is repeated
once for every call. Each must end in one of two ways:
  the payload ran     and its fingerprint, exit status, stderr and the walls in
                      the result are those of the run without a fault
  it never ran        exit status 125, one line on stderr, and a result with
                      outcome setup_failed that says what failed
and never with a process, mount or file left behind, a crash or a hang.

TAP: one test a system call name, then what is left behind. AISBX_FAULTS is a
regular expression that picks the calls to walk, AISBX_FAULTS_DEBUG=1 tells
what became of each.
"""
import collections
import concurrent.futures
import errno
import itertools
import json
import os
import queue
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

NEVER = {"exit_group", "exit"}  # cannot fail
LIBRARY = {"futex"}  # what fails only by a mistake of glibc's, which then aborts
WAITING = {"sched_yield"}  # as often as it takes: only the first is walked
# What else than EPERM a call may say. 0: the process is killed there.
MORE = {
    "clone3": ["ENOSYS", "EAGAIN", "ENOSPC", "EINVAL"],
    "clone": ["EAGAIN", "ENOSYS"],
    "openat2": ["ENOSYS", "EAGAIN", "EINTR"],
    "open_tree": ["ENOSYS"],
    "move_mount": ["ENOSYS", "EBUSY"],
    "mount_setattr": ["ENOSYS", "EINVAL"],
    "fsopen": ["ENOSYS", "ENODEV"],
    "fsmount": ["EBUSY"],
    "pivot_root": ["ENOSYS", "EINVAL", 0],
    "umount2": ["EBUSY"],
    "unshare": ["ENOSYS", "ENOSPC"],
    "seccomp": ["ENOSYS", "EINVAL", "EBUSY", 0],
    "landlock_create_ruleset": ["ENOSYS", "EOPNOTSUPP"],
    "landlock_add_rule": ["ENOSYS", "EINVAL"],
    "landlock_restrict_self": ["ENOSYS", "E2BIG", 0],
    "capset": ["ENOSYS", 0],
    "capget": ["ENOSYS"],
    "prlimit64": ["ENOSYS", "EINVAL"],
    "keyctl": ["ENOSYS", "EDQUOT", "EAGAIN"],
    "prctl": ["EINVAL", "ENOSYS"],
    "setgroups": ["ENOSYS"],
    "setresuid": ["EAGAIN"],
    "close_range": ["ENOSYS", "EINVAL"],
    "statx": ["ENOSYS"],
    "wait4": ["EINTR"],
    "read": ["EINTR", "EIO"],
    "write": ["EINTR", "ENOSPC"],
    "recvfrom": ["EINTR"],
    "sendto": ["EINTR"],
    "poll": ["EINTR"],
    "execve": ["ENOENT", "ENOMEM"],
    "mmap": ["ENOMEM"],
    "brk": ["ENOMEM"],
}
# The supervisor's loop runs beside the payload: it may fail when that has begun.
LOOP = {"poll", "read", "recvfrom"}
# So does the broker's, or that of the bindings' server; they are not of the box, which runs on.
BROKER_LOOP = {"epoll_wait", "epoll_pwait"}
NO_BROKER = "aisbx: the broker ended before the box: there was no network from then on\n"
NO_GATEWAY = ("aisbx: the gateway ended before the box: hosts with secrets or HTTP rules could not "
              "be reached from then on\n")
# A link of the host's that cannot be read: what it leads to is mounted instead.
INSTEAD_OF_LINK = r"mount \S*/usr/(s?bin|lib\w*) /\1 ro,nosuid,nodev,[^\n]*\n"
# A file of the host's that cannot be seen is not covered: the run's certificates are in a place of
# their own then, and private entries have other numbers.
BUNDLE = r"mount /private/\d+ /etc/ssl/certs/ca-certificates.crt [^\n]*\n"
OUT_OF_MEMORY = "aisbx: out of memory\n"
NO_BINDINGS = ("aisbx: the bindings' server ended before the box: there was nothing to call from "
               "then on\n")
VARIANTS = ("default", "output", "agent", "code", "hosts", "bindings", "secret")
THOROUGH = ("default", "agent")  # the others have the same calls, and a few more
WORKERS = 4
SECRET = "FAULTS_SECRET"

Fault = collections.namedtuple("Fault", "scene process role name nr count error place")


def bail(text):
    print(f"Bail out! {text}", flush=True)
    sys.exit(1)


def skip(reason, caller_is_root=True):
    if os.environ.get("AISBX_TEST_MUST_RUN") and caller_is_root:
        print(f"1..1\nnot ok 1 must run, but: {reason}")
        sys.exit(1)
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


class Place:
    """A directory that one run at a time uses, and what belongs there."""

    def __init__(self, root, number, uid):
        self.path = os.path.join(root, f"{uid}.{number}")
        self.home = os.path.join(self.path, "home")
        self.project = os.path.join(self.path, "project")
        self.result = os.path.join(self.path, "out", "result.json")
        self.audit = os.path.join(self.path, "out", "log", "audit.jsonl")
        self.stdin = os.path.join(self.path, "stdin")
        self.report = os.path.join(root, f"report.{uid}.{number}")
        for path in (self.home, os.path.dirname(self.result),
                     os.path.join(self.path, "tmp"),
                     os.path.join(self.project, ".git", "hooks")):
            os.makedirs(path)
        for path in (self.stdin, os.path.join(self.project, "readme"),
                     os.path.join(self.project, ".git", "config")):
            with open(path, "w", encoding="ascii") as file:
                file.write("text\n")
        for path, _, names in os.walk(self.path):
            for name in [path] + [os.path.join(path, name) for name in names]:
                os.chown(name, uid, uid)
        self.before = self.listing()

    def listing(self):
        found = []
        for path, directories, names in os.walk(self.path):
            for name in directories + names:
                full = os.path.join(path, name)
                st = os.lstat(full)
                if full not in (self.result, self.audit, os.path.dirname(self.audit)):
                    found.append((full, st.st_mode, st.st_uid, st.st_size))
        return sorted(found)


class Scene:
    """A kind of caller with a kind of run."""

    def __init__(self, root, bins, uid, variant):
        self.bins, self.uid, self.variant = bins, uid, variant
        self.name = f"{'user' if uid else 'root'} {variant}"
        self.places = queue.SimpleQueue()
        for number in range(WORKERS):
            self.places.put(Place(os.path.join(root, variant), number, uid))

    def command(self, place):
        probe = os.path.join(self.bins, "fingerprint")
        words = [os.path.join(self.bins, "aisbx"), "run", "--result", place.result,
                 "--ro", self.bins]
        host = [f"{name}={os.readlink('/proc/self/ns/' + name)}"
                for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user")]
        if self.variant == "code":
            profile = {"extends": ["base"], "interpreter": [probe] + host,
                       "input": {"check": ["/bin/true"]}}
            path = os.path.join(self.bins, "code.yaml")
            if not os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    json.dump(profile, file)
            return words + ["-p", path, "-c", "code"]
        if self.variant == "output":
            words += ["--max-output", "1M", "--keep", "head,tail", "--audit", place.audit]
        if self.variant == "agent":
            words += ["-p", "agent"]
        if self.variant == "bindings":
            words += ["--binding", "same=/bin/cat"]
        if self.variant == "hosts":
            words += ["--allow-private-host", "localhost:9"]
        if self.variant == "secret":
            words += ["--secret", f"TOKEN=env:{SECRET}@secret.example"]
        return words + ["--", probe] + host

    def run(self, place, options):
        env = {"PATH": "/usr/bin:/bin", "HOME": place.home, "LANG": "C.UTF-8",
               "TMPDIR": os.path.join(place.path, "tmp"), SECRET: "a-value"}
        with open(place.stdin, "rb") as stdin:
            done = subprocess.run(
                [os.path.join(self.bins, "inject"), "-o", place.report,
                 "-u", str(self.uid)] + options + ["--"] + self.command(place),
                stdin=stdin, capture_output=True, cwd=place.project, env=env,
                check=False)
        if done.returncode != 0:
            raise RuntimeError(f"inject failed: {done.stderr.decode()}")
        with open(place.report, encoding="ascii") as file:
            report = [line.split() for line in file]
        run = Run(done, report, place)
        if os.path.exists(place.result):
            os.unlink(place.result)
        shutil.rmtree(os.path.dirname(place.audit), ignore_errors=True)
        return run


class Run:
    """What came of it."""

    def __init__(self, done, report, place):
        self.stdout = done.stdout.decode(errors="replace").replace(place.path, "PLACE")
        self.stderr = done.stderr.decode(errors="replace").replace(place.path, "PLACE")
        self.report = report
        facts = {line[0]: line[1:] for line in report}
        self.status = int(facts["exit"][0]) if "exit" in facts else None
        self.signal = int(facts["signal"][0]) if "signal" in facts else None
        self.execs = int(facts["execs"][0])
        self.hit = "hit" in facts
        self.hang = "hang" in facts
        self.left = int(facts["left"][0]) if "left" in facts else 0
        try:
            with open(place.result, encoding="utf-8") as file:
                self.result = json.loads(file.read().replace(place.path, "PLACE"))
        except FileNotFoundError:
            self.result = None
        except ValueError as error:
            self.result = {"outcome": f"not JSON: {error}"}
        self.strays = place_strays(place)


def place_strays(place):
    now = place.listing()
    if now == place.before:
        return []
    strays = sorted(set(now) ^ set(place.before))
    for path, mode, _, _ in strays:
        if (path, mode) not in [entry[:2] for entry in place.before]:
            if stat.S_ISDIR(mode):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.lexists(path):
                os.unlink(path)
    return [entry[0] for entry in strays]


def roles_of(report):
    """Process numbers to what they are, in the words of src/README.md."""
    parents = {int(line[1]): int(line[2]) for line in report if line[0] == "new"}
    executed = {int(line[1]) for line in report if line[0] == "exec"}
    roles = {0: "supervisor"}
    for child, parent in parents.items():
        if child in executed:
            roles[child] = "payload" if parent else "gateway"
        elif parent == 0:
            roles[child] = "init" if child in parents.values() else "idmap"
        else:
            roles[child] = "builder"
    return roles


def faults_of(scene, report):
    """Every call from main() to the probe's execve, and an init's until it waits."""
    roles = roles_of(report)
    last_exec = max(i for i, line in enumerate(report) if line[0] == "exec")
    counts = collections.Counter()
    in_main = has_result = False
    ended = set()  # processes whose part in set-up is over
    loading = set()  # a gateway's goes on, but what its loader cannot do is not ours to tell
    for i, line in enumerate(report):
        if line[0] in ("exec", "waits"):
            is_gateway = line[0] == "exec" and roles[int(line[1])] == "gateway"
            (loading if is_gateway else ended).add(int(line[1]))
            if i == last_exec:
                ended.add(0)
        if line[0] != "call":
            continue
        process, name, nr = int(line[1]), line[2], int(line[3])
        counts[process, nr] += 1
        in_main = in_main or name == "geteuid"
        if name == "prctl":  # a gateway's first
            loading.discard(process)
        if not in_main or name in NEVER or process in ended or process in loading or \
                roles[process] == "gateway" and name in LIBRARY or \
                name in WAITING and counts[process, nr] > 1:
            continue
        place = "box" if has_result else "options"
        has_result = has_result or (process == 0 and name == "faccessat2")
        errors = ["EPERM"] + (MORE.get(name, []) if scene.variant in THOROUGH else [])
        for error in errors:
            yield Fault(scene, process, roles[process], name, nr, counts[process, nr],
                        error, place)


def judge_payload(fault, run, baseline):
    """The payload ran: nothing may be missing."""
    wrong = []
    if run.status != 0:
        wrong.append(f"the payload ran and status is {run.status}: {run.stderr.strip()}")
    got, wanted = run.stdout, baseline.stdout
    if fault.name == "readlink":
        got = re.sub(INSTEAD_OF_LINK, "", got)
    if fault.name == "access":
        got, wanted = (re.sub(r"/private/\d+", "/private/N", re.sub(BUNDLE, "", text))
                       for text in (got, wanted))
    if (fault.role, fault.name) == ("init", "recvmsg"):
        # Without its listener the kernel refuses what is told with ENOSYS: seccomp_unotify(2).
        got, wanted = (text.replace(" ENOSYS", " EPERM") for text in (got, wanted))
    if got != wanted:
        # The numbers of private entries move when one is missing.
        mine = re.sub(r"/private/\d+", "/private/N", got).splitlines()
        its = re.sub(r"/private/\d+", "/private/N", wanted).splitlines()
        wrong.append("the payload ran with another fingerprint: got "
                     f"{[x for x in mine if x not in its][:3]}, expected "
                     f"{[x for x in its if x not in mine][:3]}")
    if run.stderr != baseline.stderr:
        wrong.append(f"the payload ran and stderr is {run.stderr!r}")
    # What is refused need not be told.
    if not run.result or run.result["outcome"] != "exited" or \
            {**run.result["walls"], "seccomp_recorded": 0} != \
            {**baseline.result["walls"], "seccomp_recorded": 0}:
        wrong.append("the payload ran and the result is "
                     f"{run.result and (run.result['outcome'], run.result['walls'])}")
    return wrong


def is_beginning(got, wanted):
    """Of what a box that was ended meanwhile printed. With init gone before the payload is, what
    init carries out for it is ENOSYS: seccomp_unotify(2)."""
    *whole, last = got.split("\n")
    # And what was not made is not removed again.
    whole, lines = ([line for line in text if not line.startswith("unlink ")]
                    for text in (whole, wanted.split("\n")))
    return len(whole) < len(lines) and (
        lines[len(whole)].startswith(last) or "unlink ".startswith(last[:7])) and all(
        mine == its or mine.endswith(" ENOSYS") for mine, its in zip(whole, lines))


def judge(fault, run, baseline):
    """A list of what is wrong."""
    wrong = []
    if run.hang:
        wrong.append("hang")
    if run.signal:
        wrong.append(f"died of signal {run.signal}")
    if run.left:
        wrong.append(f"{run.left} processes left")
    if run.strays:
        wrong.append(f"files left or changed: {run.strays}")
    in_loop = fault.role == "supervisor" and fault.name in LOOP
    if fault.role == "gateway" and run.stderr != OUT_OF_MEMORY:
        run.stderr = run.stderr.removeprefix(OUT_OF_MEMORY)  # it says so, and aisbx that it ended
    if fault.name in BROKER_LOOP:
        for line in NO_BROKER, NO_GATEWAY, NO_BINDINGS:
            run.stderr = run.stderr.replace(line, "")
    if run.execs == baseline.execs or run.stdout:
        if in_loop and run.status != 0:
            if not is_beginning(run.stdout, baseline.stdout):
                wrong.append(f"the payload ran with another fingerprint: {run.stdout}")
        else:
            wrong += judge_payload(fault, run, baseline)
        return wrong
    if not run.hit:
        wrong.append("the payload did not run though nothing failed")
    expected = {125, 126, 127} if fault.name == "execve" else {125}
    if run.result and run.result["outcome"] == "signaled" and in_loop:
        return wrong  # just executed: ptrace tells of it later than vfork
    if run.status not in expected:
        wrong.append(f"status {run.status}, expected 125")
    if not re.fullmatch(r"aisbx: [^\n]+\n", run.stderr):
        wrong.append(f"stderr {run.stderr!r}, expected one line")
    if run.result is None:
        # A result needs memory.
        if fault.place != "options" and run.stderr != OUT_OF_MEMORY:
            wrong.append("no result")
        return wrong
    message = (run.result.get("error") or {}).get("message")
    if in_loop and run.result["outcome"] == "input_rejected":
        pass  # it was the check's box
    elif run.result["outcome"] != "setup_failed":
        wrong.append(f"outcome {run.result['outcome']}")
    elif not message:
        wrong.append("no error.message")
    elif "was ended before the command ran" in message and fault.error != 0:
        wrong.append(f"the message does not say what failed: {message!r}")
    elif message not in run.stderr:
        wrong.append(f"message {message!r} and stderr {run.stderr!r} differ")
    return wrong


def walk(fault, baselines):
    place = fault.scene.places.get()
    try:
        number = getattr(errno, fault.error) if fault.error else 0
        run = fault.scene.run(
            place, ["-f", f"{fault.process},{fault.nr},{fault.count},{number}"])
    finally:
        fault.scene.places.put(place)
    wrong = judge(fault, run, baselines[fault.scene])
    ran = run.execs == baselines[fault.scene].execs
    return wrong, ran, run


def describe(fault):
    return (f"({fault.name}, {fault.count}, {fault.role}) {fault.error or 'killed'}, "
            f"{fault.scene.name}")


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return sorted(line.split(" - ")[0] for line in file)


def leftovers(uid):
    """What aisbx may have made where others write too: nobody else has that uid."""
    return {entry.path for path in ("/tmp", "/dev/shm", "/run", "/var/tmp")
            if os.path.isdir(path) for entry in os.scandir(path)
            if entry.name.startswith(".aisbx") or entry.stat(follow_symlinks=False).st_uid == uid}


def main():
    if os.geteuid() != 0:
        skip("the caller is not root", caller_is_root=False)
    aisbx, probes = os.environ["AISBX"], os.environ["AISBX_PROBES"]
    os.umask(0o022)
    root = tempfile.mkdtemp(prefix="aisbx-faults.", dir="/tmp")
    try:
        os.chmod(root, 0o755)
        bins = os.path.join(root, "bin")
        os.mkdir(bins)
        shutil.copy(aisbx, os.path.join(bins, "aisbx"))
        for name in ("inject", "fingerprint"):
            shutil.copy(os.path.join(probes, name), bins)
            os.chmod(os.path.join(bins, name), 0o755)
        sys.exit(test(root, bins))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def first_runs(scene, baselines):
    place = scene.places.get()
    try:
        listed = scene.run(place, ["-l"])
        for _ in range(2):  # a busy host may have changed meanwhile, and says how
            plain = scene.run(place, [])
            differences = set(listed.stdout.splitlines()) ^ set(plain.stdout.splitlines())
            if not differences:
                break
            print(f"# {scene.name}: two runs differ: {sorted(differences)[:6]}")
    finally:
        scene.places.put(place)
    if listed.status != 0 or not listed.stdout.startswith("ran\n") or listed.strays or \
            listed.left or listed.result["outcome"] != "exited":
        bail(f"{scene.name}: without a fault: status {listed.status}, {listed.stderr}, "
             f"{listed.strays}, {listed.left}")
    if listed.stdout != plain.stdout:
        bail(f"{scene.name}: two runs have different fingerprints: {sorted(differences)[:6]}")
    if "THE HOST'S" in plain.stdout or SECRET in plain.stdout:
        bail(f"{scene.name}: the box shares with the host: {plain.stdout}")
    baselines[scene] = plain
    return list(faults_of(scene, listed.report))


def test(root, bins):
    begin = time.monotonic()
    uid = 50000 + os.getpid() % 10000
    before, mounted = leftovers(uid), mounts()
    try:
        subprocess.run([os.path.join(bins, "inject"), "-o", os.path.join(root, "report"), "--",
                        "/bin/true"], check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        skip("ptrace is refused here")
    baselines, faults = {}, []
    pattern = re.compile(os.environ.get("AISBX_FAULTS", ""))
    for caller, variant in itertools.product((0, uid), VARIANTS):
        faults += first_runs(Scene(root, bins, caller, variant), baselines)
    faults = [fault for fault in faults if pattern.search(fault.name)]
    names = sorted({fault.name for fault in faults})
    print(f"1..{len(names) + 1}", flush=True)

    wrong, ran, failed = (collections.defaultdict(list), collections.Counter(),
                          collections.Counter())
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for fault, (bad, did_run, run) in zip(
                faults, pool.map(lambda fault: walk(fault, baselines), faults)):
            (ran if did_run else failed)[fault.name] += 1
            missed += not run.hit
            wrong[fault.name] += [f"{describe(fault)}: {text}" for text in bad]
            if os.environ.get("AISBX_FAULTS_DEBUG"):
                print(f"# {describe(fault)}: {'' if run.hit else 'not reached, '}"
                      f"{'ran' if did_run else run.stderr.strip()}")

    status = 0
    for number, name in enumerate(names, 1):
        print(f"{'not ok' if wrong[name] else 'ok'} {number} {name}: {failed[name]} ended the "
              f"run, {ran[name]} did not matter")
        for line in wrong[name]:
            print(f"# {line}")
        status |= bool(wrong[name])
    strays = leftovers(uid) - before
    is_clean = not strays and mounts() == mounted
    print(f"{'ok' if is_clean else 'not ok'} {len(names) + 1} nothing is left behind")
    if not is_clean:
        print(f"# {strays} {sorted(set(mounts()) ^ set(mounted))}")
    print(f"# {len(faults)} faults, {missed} not reached, "
          f"{time.monotonic() - begin:.0f} seconds")
    return int(status or not is_clean)


main()
