"""Programs that use more than they may, in ways of their own: limits-hogs.py NAME MIB SECONDS.

What one of them takes it keeps for so many seconds more, and then ends by itself, which a box
that holds its limit never lets it.
"""
import ctypes
import mmap
import os
import signal
import socket
import sys
import threading
import time

PAGE = 4096
libc = ctypes.CDLL(None, use_errno=True)


def touch(memory, size):
    for at in range(0, size, PAGE):
        memory[at] = 1


def take(mib):
    """Private memory of this process's."""
    memory = mmap.mmap(-1, mib << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    touch(memory, mib << 20)
    return memory


def forked(work, parts):
    """work() in so many children, which stay until we end."""
    ready, done = os.pipe()
    for _ in range(parts):
        if os.fork() == 0:
            kept = work()
            os.write(done, b".")
            time.sleep(60)
            os._exit(len(kept))
    got = 0
    while got < parts:
        got += len(os.read(ready, parts))


def one(mib):
    return take(mib)


def many(mib):
    """Spread over processes, none of which has much."""
    return forked(lambda: take(mib // 16), 16)


def copied(mib):
    """Shared at first: the copies are made when the children write."""
    memory = take(mib // 8)

    def write():
        touch(memory, mib // 8 << 20)
        return b""

    return memory, forked(write, 8)


def daemons(mib):
    """Nobody's children any more."""

    def detach():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                kept = take(mib // 4)
                time.sleep(60)
                os._exit(len(kept))
            os._exit(0)
        return b""

    forked(detach, 4)
    time.sleep(2)


def huge(mib):
    """In pages of 2 MiB, where there are such: they come faster than small ones."""
    memory = mmap.mmap(-1, mib << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    for at in range(0, mib << 20, 1 << 20):
        memory[at:at + (1 << 20)] = b"x" * (1 << 20)
    return memory


def leaderless(mib):
    """The first thread ends; another one has the memory."""

    def go_on():
        kept = take(mib)
        time.sleep(float(sys.argv[3]))
        print("done", flush=True)
        os._exit(len(kept) * 0)

    threading.Thread(target=go_on).start()
    libc.pthread_exit(None)


def private_file(mib, path="/tmp/big"):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(b"x" * (1 << 20))


def shm(mib):
    private_file(mib, "/dev/shm/big")


def deleted(mib):
    file = open("/tmp/big", "wb")
    os.unlink("/tmp/big")
    for _ in range(mib):
        file.write(b"x" * (1 << 20))
    return file


def memfd(mib):
    """Open, never mapped."""
    fd = os.memfd_create("big")
    for _ in range(mib):
        os.write(fd, b"x" * (1 << 20))


def memfd_mapped(mib):
    """Mapped, not open any more."""
    fd = os.memfd_create("big")
    os.ftruncate(fd, mib << 20)
    memory = mmap.mmap(fd, mib << 20)
    os.close(fd)
    touch(memory, mib << 20)
    return memory


def shared(mib):
    """Anonymous, shared, and inherited."""
    memory = mmap.mmap(-1, mib << 20)
    forked(lambda: b"", 3)
    touch(memory, mib << 20)
    return memory


def system_v(mib):
    """Attached to nothing when it is looked at."""
    libc.shmat.restype = ctypes.c_void_p
    libc.shmdt.argtypes = [ctypes.c_void_p]
    number = libc.shmget(0, ctypes.c_size_t(mib << 20), 0o1600)
    address = libc.shmat(number, None, 0)
    for at in range(0, mib << 20, 1 << 20):
        ctypes.memset(address + at, 1, 1 << 20)
    libc.shmdt(address)


def page_tables(mib):
    """One page of zeroes, mapped so often that the tables are what counts."""
    step = 2 << 20
    memory = mmap.mmap(-1, mib * 256 * step, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    for at in range(0, mib * 256 * step, step):
        memory[at]
    return memory


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def cpu_children(seconds):
    """Reaped before they have much: only the sum tells."""
    for _ in range(seconds * 10):
        if os.fork() == 0:
            burn(0.1)
            os._exit(0)
        os.wait()


def cpu_ended(seconds):
    """Their end is seen, but nobody takes it: they stay."""
    for _ in range(seconds * 10):
        child = os.fork()
        if child == 0:
            burn(0.1)
            os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def cpu_many(seconds):
    forked(lambda: burn(seconds / 4) or b"", 4)


def cpu_threads(seconds):
    """Processor time in threads of a process that computes nothing itself."""
    import hashlib
    data = b"x" * (1 << 22)

    def work():
        end = time.thread_time() + seconds / 2
        while time.thread_time() < end:
            hashlib.sha256(data)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cpu_orphans(seconds):
    ready, done = os.pipe()
    for _ in range(4):
        if os.fork() == 0:
            if os.fork() == 0:
                burn(seconds / 4)
                os.write(done, b".")
            os._exit(0)
        os.wait()
    got = 0
    while got < 4:
        got += len(os.read(ready, 4))


def described(mib):
    """Measuring takes long: many threads, each with many descriptors to be looked at."""
    import threading
    threading.stack_size(64 << 10)
    kept = [open("/dev/null", "rb") for _ in range(2000)]
    for _ in range(250):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    for _ in range(mib // 4):
        kept.append(take(4))
        time.sleep(0.001)
    return kept


def friendly_copies(mib):
    """Not a hog: what children only read is there once."""
    memory = take(mib * 5 // 8)
    forked(lambda: bytes(len(memory) // PAGE // 100), 6)
    time.sleep(0.5)


def friendly_still(mib):
    """Not a hog: it stands still while it is looked at, and goes on."""
    continued = []
    signal.signal(signal.SIGCONT, lambda *_: continued.append(1))
    friendly_copies(mib)
    assert continued


def friendly_stopped(mib):
    """Not a hog: what it stopped itself does not go on when it was looked at."""
    stopped = os.fork()
    if stopped == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(stopped, os.WUNTRACED)
    friendly_copies(mib)
    with open(f"/proc/{stopped}/stat", encoding="ascii") as file:
        assert file.read().split()[2] == "T"


def friendly_crowd(processes):
    """Not a hog: their memory is there once, and their parent's looks."""
    memory = take(8)
    for _ in range(processes):
        if os.fork() == 0:
            signal.pause()
    time.sleep(1.5)
    return memory


def friendly_spawns(mib):
    """Not a hog: vfork(2) lends the parent's memory, it does not double it."""
    import subprocess
    memory = take(mib * 6 // 10)
    for _ in range(150):
        subprocess.run(["/bin/true"], check=True)
    return memory


if __name__ == "__main__":
    kept = globals()[sys.argv[1]](int(sys.argv[2]))
    time.sleep(float(sys.argv[3]))
    print("done", flush=True)
    os._exit(0)
