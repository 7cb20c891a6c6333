"""Servers, a resolver's DNS server, a capture and boxes, for scripts that world runs.

A scenario is a function with @scenario; run() calls the one that argv names. What
was seen is printed when one fails. Every wait is bounded.
"""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

AISBX = os.environ["AISBX"]
PATIENCE = int(os.environ["AISBX_TEST_PATIENCE"])
GOOD, EVIL, DNS = "93.184.216.34", "93.184.216.35", "93.184.216.53"
GOOD6 = "2606:2800:220:1::1"
# The world has a server at each of these; a box never reaches one without a private grant.
PRIVATE = ("127.0.0.1", "127.9.9.9", "10.1.2.3", "100.64.1.1", "169.254.169.254", "172.16.5.5",
           "192.168.7.7", "198.18.77.1", "0.0.0.0", "::1", "::", "fd00:ec2::254", "fd12::1",
           "64:ff9b::a9fe:a9fe", "::ffff:169.254.169.254", "::ffff:127.0.0.1",
           "::ffff:10.1.2.3")
scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


def run():
    signal.alarm(240 * PATIENCE)
    scenarios[sys.argv[1]]()


def expect(condition, *seen):
    if not condition:
        print("seen:", *seen, file=sys.stderr)
        raise AssertionError(seen)


def eventually(condition, seconds=5):
    end = time.monotonic() + seconds * PATIENCE
    while not condition():
        expect(time.monotonic() < end, "never came true")
        time.sleep(0.01)


class Server:
    """One TCP port at every address; notes where each connection came in."""

    def __init__(self, handle=None, port=0):
        self.handle = handle or (lambda s: s.sendall(b"hello"))
        self.calls, self.got = [], []
        self.socket = socket.socket(socket.AF_INET6)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", port))
        self.port = self.socket.getsockname()[1]
        self.socket.listen(4096)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.socket.accept()
            self.calls.append(s.getsockname()[0])
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s, contextlib.suppress(OSError):
            self.handle(s)

    def keep(self, s):
        """A handler: keeps what comes until the end."""
        got = bytearray()
        self.got.append(got)
        while data := s.recv(65536):
            got += data


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def name_of(packet, at=12):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    return b".".join(labels).decode("latin-1").lower(), at + 1


class Resolver:
    """The DNS server that the caller's resolv.conf names. answers: name to [address, ...] or
    a function of how often it was asked for (type, count) that returns such a list."""

    def __init__(self, answers, ttl=0):
        self.answers, self.ttl, self.asked = answers, ttl, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((DNS, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            packet, asker = self.socket.recvfrom(65536)
            name, end = name_of(packet)
            kind = struct.unpack(">H", packet[end:end + 2])[0]
            self.asked.append((name, kind))
            found = self.answers.get(name)
            if callable(found):
                found = found(kind, self.asked.count((name, kind)))
            records = [socket.inet_pton(family, address) for address in found or ()
                       for family in [socket.AF_INET6 if ":" in address else socket.AF_INET]
                       if kind == (28 if family == socket.AF_INET6 else 1)]
            reply = packet[:2] + struct.pack(">HHHHH", 0x8180 if found is not None else 0x8183, 1,
                                             len(records), 0, 0) + packet[12:end + 4]
            for data in records:
                reply += struct.pack(">HHHIH", 0xc00c, kind, 1, self.ttl, len(data)) + data
            self.socket.sendto(reply, asker)


class Capture:
    """All that moves on the devices of this namespace, from here on."""

    def __init__(self):
        self.packets = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.settimeout(0.05)
        self.open = True
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def take(self):
        while self.open:
            with contextlib.suppress(TimeoutError):
                self.packets.append(self.socket.recv(65536))

    def close(self):
        time.sleep(0.2)
        self.open = False
        self.thread.join(5)
        return self.packets


class Box:
    """aisbx run OPTIONS -- python3 -, with CODE on its stdin, started."""

    def __init__(self, options, code):
        self.dir = tempfile.TemporaryDirectory()
        self.result_file = self.dir.name + "/result"
        self.begin = time.monotonic()
        with tempfile.TemporaryFile("w+") as text:
            text.write(code)
            text.seek(0)
            self.process = subprocess.Popen(
                [AISBX, "run", "--result", self.result_file, *options, "--", "python3", "-"],
                stdin=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def broker(self):
        """Its pid: the child of the supervisor that is in our pid namespace alone, and tells it of its
        end: what guards a cgroup does not."""
        found = []

        def look():
            pid = self.process.pid
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                for child in f.read().split():
                    with contextlib.suppress(OSError), open(f"/proc/{child}/status") as status, \
                            open(f"/proc/{child}/stat") as stat:
                        ids = [line for line in status if line.startswith("NSpid:")][0].split()
                        exit_signal = int(stat.read().rsplit(")", 1)[1].split()[35])
                        if exit_signal and len(ids) == len(open("/proc/self/status").read()
                                           .split("NSpid:")[1].split("\n")[0].split()) + 1:
                            found.append(int(child))
            return found
        eventually(look)
        return found[0]

    def __repr__(self):
        return f"{self.status} {self.out!r} {self.err!r}" if hasattr(self, "out") else "running"

    def line(self):
        return self.process.stdout.readline().strip()

    def wait(self, seconds=60):
        try:
            self.out, self.err = self.process.communicate(timeout=seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.out, self.err = self.process.communicate()
            expect(False, "the box did not end", self.out, self.err)
        self.seconds = time.monotonic() - self.begin
        self.status = self.process.returncode
        with contextlib.suppress(OSError, ValueError), open(self.result_file) as f:
            self.result = json.load(f)
        return self

    def ok(self):
        expect(self.status == 0, self.status, self.out, self.err)
        return self

    def refused(self, *what):
        """The refusal of one of these things, which must be there."""
        for entry in self.result["refused"]:
            if entry["what"] in what:
                return entry
        expect(False, what, "is not in", self.result["refused"])


def box(options, code, seconds=60):
    return Box(options, code).wait(seconds)


# What the payloads begin with: attempt(host, port) prints how it went and how long it took.
PRELUDE = """
import errno, os, socket, ssl, struct, sys, time
def how(attempt):
    begin = time.monotonic()
    try:
        r = attempt()
        said = "ok" if r is None else "ok " + repr(r)
    except socket.gaierror as e:
        said = "gai %d" % e.errno
    except OSError as e:
        said = errno.errorcode.get(e.errno, type(e).__name__)
    slow = time.monotonic() - begin
    print(said if slow < %d else "%s SLOW %.1f" % (said, slow), flush=True)
def call(host, port, send=b"", family=0):
    for f, kind, proto, _, to in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
        with socket.socket(f, kind, proto) as s:
            s.settimeout(10)
            s.connect(to)
            if send: s.sendall(send)
            data = s.recv(100)
            if not data: raise ConnectionResetError(errno.ECONNRESET, "eof")
            return data
""".replace("slow < %d", "slow < %d" % PATIENCE)
