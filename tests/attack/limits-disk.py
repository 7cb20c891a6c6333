"""Programs that write more than they may, in ways of their own: limits-disk.py NAME MIB.

They write to the directory they start in, and say so when they are done.
"""
import ctypes
import errno
import mmap
import os
import signal
import sys
import threading
import time

MIB = 1 << 20
DATA = b"x" * MIB


def fill(path, mib):
    with open(path, "wb", buffering=0) as file:
        for _ in range(mib):
            file.write(DATA)


def one(mib):
    fill("big", mib)


def many_files(mib):
    for number in range(mib):
        fill(f"file{number}", 1)


def children(mib):
    """None of them has much, and they are gone before they are looked at."""
    for number in range(mib):
        if os.fork() == 0:
            fill("child", 1)
            os._exit(0)
        os.wait()


def many(mib):
    for number in range(8):
        if os.fork() == 0:
            fill(f"many{number}", mib // 8)
            os._exit(0)
    for _ in range(8):
        os.wait()


def daemons(mib):
    """Nobody's children any more: init waits for them."""
    ready, done = os.pipe()
    for number in range(8):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                fill(f"daemon{number}", mib // 8)
                os.write(done, b".")
            os._exit(0)
        os.wait()
    got = 0
    while got < 8:
        got += len(os.read(ready, 8))


def threads(mib):
    """The first thread has ended."""

    def go_on():
        fill("thread", mib)
        print("done", flush=True)
        os._exit(0)

    threading.Thread(target=go_on).start()
    ctypes.CDLL(None).pthread_exit(None)


def deleted(mib):
    """Files without a name, and those that are gone again."""
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR)
    for _ in range(mib // 2):
        os.write(fd, DATA)
    for _ in range(mib // 2):
        fill("gone", 1)
        os.unlink("gone")


def again(mib):
    """The same place over and over, each time to the disk."""
    fd = os.open("again", os.O_CREAT | os.O_RDWR)
    for _ in range(mib):
        os.pwrite(fd, DATA, 0)
        os.fdatasync(fd)


def mapped(mib):
    fd = os.open("mapped", os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, mib * MIB)
    memory = mmap.mmap(fd, mib * MIB)
    for at in range(0, mib * MIB, 4096):
        memory[at] = 1


def direct(mib):
    fd = os.open("direct", os.O_CREAT | os.O_RDWR | os.O_DIRECT)
    memory = mmap.mmap(-1, MIB)
    for _ in range(mib):
        os.write(fd, memory)


def sent(mib):
    fill("/tmp/source", 1)
    source = os.open("/tmp/source", os.O_RDONLY)
    fd = os.open("sent", os.O_CREAT | os.O_WRONLY)
    for _ in range(mib):
        assert os.sendfile(fd, source, 0, MIB) == MIB


def spliced(mib):
    ready, end = os.pipe()
    fd = os.open("spliced", os.O_CREAT | os.O_WRONLY)
    for _ in range(mib * 16):
        os.write(end, DATA[:MIB // 16])
        at = 0
        while at < MIB // 16:
            at += os.splice(ready, fd, MIB // 16 - at)


def sparse(mib):
    """Files that look larger than they are: one page in each MIB / 256."""
    fd = os.open("sparse", os.O_CREAT | os.O_WRONLY)
    for number in range(mib * 256):
        os.pwrite(fd, b"x", number * MIB // 4)


def preallocated(mib):
    """What a file system without preallocation says, so that libc writes instead."""
    fd = os.open("preallocated", os.O_CREAT | os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    for mode in 0, 1, 0x10:
        assert libc.fallocate(fd, mode, ctypes.c_long(0), ctypes.c_long(mib * MIB)) == -1
        assert ctypes.get_errno() == errno.EOPNOTSUPP, ctypes.get_errno()
    for number in range(mib):
        os.posix_fallocate(fd, number * MIB, MIB)


def unwaited(mib):
    """Children that nobody waits for take their count with them: it was seen before."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for number in range(mib):
        if os.fork() == 0:
            fill("child", 1)
            time.sleep(0.1)
            os._exit(0)
        time.sleep(0.15)


def ended(mib):
    """Children that have ended, for which their parent does not wait yet."""
    for number in range(mib):
        if os.fork() == 0:
            fill(f"ended{number}", 1)
            time.sleep(0.1)
            os._exit(0)
        time.sleep(0.15)
    for _ in range(mib):
        os.wait()


def elsewhere(mib):
    """Not a hog: its own memory, a pipe, what it only reads, holes, and what is freed."""
    fill("/tmp/big", mib)
    ready, end = os.pipe()
    for _ in range(mib * 16):
        os.write(end, DATA[:MIB // 16])
        os.read(ready, MIB // 16)
    fd = os.open("hole", os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, mib * MIB)
    os.sendfile(os.open("/dev/null", os.O_WRONLY), fd, 0, mib * MIB)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(mib * MIB)) == 0


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]))
    print("done", flush=True)
    os._exit(0)
