# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks on the sockets of a binding, from within the box: bindings.py ATTACK NAME [ARG...]"""
import array
import os
import socket
import struct
import sys
import time


def connect(name, kind="sock"):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(f"{os.environ['AISBX_BINDINGS']}/{name}.{kind}")
    return s


def answer(s):
    data = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return data
            data += part
    except ConnectionResetError:
        return data


def ask(name, data=b"", kind="sock"):
    s = connect(name, kind)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    except BrokenPipeError:
        assert kind == "call"  # there an answer may come, and be all, before the request has ended
    return answer(s)


def frames(data):
    """Those of an answer on NAME.call."""
    while data:
        kind, length = struct.unpack(">BI", data[:5])
        yield kind, data[5:5 + length]
        data = data[5 + length:]


def say(data):
    sys.stdout.buffer.write(data)


def descriptors(name):
    """Descriptors go along with the request, on either socket."""
    for kind, head in ("sock", b""), ("call", b"\0\0\0\0"):
        s = connect(name, kind)
        fds = [os.open("/etc/passwd", os.O_RDONLY), *os.pipe(), *socket.socketpair()]
        fds = [fd if isinstance(fd, int) else fd.detach() for fd in fds]
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
        s.sendmsg([head + b"request"], [rights])
        for fd in fds:
            os.close(fd)
        s.shutdown(socket.SHUT_WR)
        out = answer(s)
        if kind == "call":
            out = b"".join(payload for what, payload in frames(out) if what == 1)
        say(out + b"\n")


def held(name):
    """A pipe goes along; its other end must see that nobody holds it."""
    r, w = os.pipe()
    s = connect(name)
    s.sendmsg([b"request"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
    os.close(w)
    s.shutdown(socket.SHUT_WR)
    answer(s)
    say(b"closed\n" if os.read(r, 1) == b"" else b"held\n")


def oversize(name, size):
    """More than the limit, written as a program that looks at nothing meanwhile."""
    say(ask(name, b"x" * int(size)))


def late(name):
    """A request that never ends, and one that comes byte by byte."""
    s = connect(name)
    s.sendall(b"half of a request")
    say(answer(s))
    s = connect(name)
    try:
        for _ in range(1000):
            s.sendall(b"x")
            time.sleep(0.01)
    except OSError:
        pass
    say(answer(s))


def malformed(name):
    """What is no request."""
    for data in (b"", b"\0", b"\0\0\0", b"\xff\xff\xff\xff", b"\0\0\x80\x01", b"\0\0\0\x05abc",
                 b"\0\0\0\x03abc", b"\0\0\x04\x02" + b"\0" * 1026, b"\x7f\xff\xff\xff" + b"a" * 100000):
        out = ask(name, data, "call")
        ((kind, end),) = frames(out)
        assert kind == 3 and end[0] == 125, (data[:8], out)
        say(end[1:])


def idle(name, count):
    """Connections that never say anything, and one that does."""
    idle_ones = [connect(name) for _ in range(int(count))]
    say(ask(name, b"request"))
    return idle_ones


def flood(name, count):
    """Calls as fast as they go, from several processes."""
    workers = 4
    pids = []
    for _ in range(workers):
        pid = os.fork()
        if pid == 0:
            bad = sum(ask(name, b"x") != b"x" for _ in range(int(count) // workers))
            os._exit(bad > 0)
        pids.append(pid)
    say(str(sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)).encode())


def gone(name):
    """Whole and half requests of who does not wait for the answer."""
    s = connect(name)
    s.sendall(b"rm -rf /important/subdir")
    s.close()
    s = connect(name)
    s.sendall(b"rm -rf /important")
    s.close()


def deaf(name):
    """One who never reads holds up nobody else."""
    s = connect(name)
    s.sendall(b"x")
    s.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    say(ask("other", b"request"))


globals()[sys.argv[1]](*sys.argv[2:])
