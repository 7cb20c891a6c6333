"""What a box has that another must not see: neighbours.py hold|look NAME.

hold makes one of each and says "held", then "look"s from a process of its own, the control,
and stays. look says of each whether it is there.
"""
import ctypes
import errno
import os
import socket
import subprocess
import sys
import time

MODE, NAME = sys.argv[1:3]
KEY, PORT = 0x41534258, 43210
FILES = {"tmp": f"/tmp/{NAME}", "shm": f"/dev/shm/{NAME}", "home": os.path.expanduser(f"~/{NAME}")}
libc = ctypes.CDLL(None, use_errno=True)
kept = []


def hold():
    for path in FILES.values():
        with open(path, "x", encoding="ascii") as file:
            file.write(NAME)
    for family, address in ((socket.AF_UNIX, "\0" + NAME), (socket.AF_UNIX, f"/tmp/{NAME}.socket"),
                            (socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_INET6, ("::1", PORT))):
        s = socket.socket(family)
        s.bind(address)
        s.listen()
        kept.append(s)
    for make in (lambda: libc.shmget(KEY, 4096, 0o3600), lambda: libc.semget(KEY, 1, 0o3600),
                 lambda: libc.msgget(KEY, 0o3600)):  # IPC_CREAT | IPC_EXCL
        if make() < 0:
            raise OSError(ctypes.get_errno(), "System V")


def connects(family, address):
    with socket.socket(family) as s:
        try:
            s.connect(address)
        except OSError:
            return False
        return True


def process_is_there():
    """Another one than this, with the name among its arguments."""
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and int(pid) != os.getpid():
                with open(f"/proc/{pid}/cmdline", encoding="ascii") as file:
                    if NAME in file.read().split("\0"):
                        os.kill(int(pid), 0)
                        return True
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH):
                print(error)
    return False


def look():
    seen = {name: os.path.exists(path) for name, path in FILES.items()}
    seen["abstract"] = connects(socket.AF_UNIX, "\0" + NAME)
    seen["socket"] = connects(socket.AF_UNIX, f"/tmp/{NAME}.socket")
    seen["port4"] = connects(socket.AF_INET, ("127.0.0.1", PORT))
    seen["port6"] = connects(socket.AF_INET6, ("::1", PORT))
    seen["system_v"] = any(get >= 0 for get in (libc.shmget(KEY, 0, 0), libc.semget(KEY, 0, 0),
                                                libc.msgget(KEY, 0)))
    seen["process"] = process_is_there()
    print(" ".join(name for name, there in sorted(seen.items()) if there) or "nothing", flush=True)


if MODE == "hold":
    hold()
    print("held", flush=True)
    subprocess.run([sys.executable, "-I", __file__, "look", NAME], check=True)
    time.sleep(60)
look()
