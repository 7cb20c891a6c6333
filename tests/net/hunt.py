#!/usr/bin/env python3
"""hunt.py PID TEXT: where TEXT is in PID and all that it started: memory, environment, arguments.

One line for each process that could be looked into, and one for each place where it is.
"""
import os
import sys

sys.path.insert(0, os.environ["LIB"])
import memory

text = sys.argv[2].encode()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def children(pid):
    found = [pid]
    for task in os.listdir("/proc/%d/task" % pid):
        for child in read("/proc/%d/task/%s/children" % (pid, task)).split():
            found += children(int(child))
    return found


for pid in children(int(sys.argv[1])):
    name = read("/proc/%d/comm" % pid).decode().strip()
    try:
        locked = memory.locked(pid)
        places = [line for line, bytes_ in memory.parts(pid) if text in bytes_]
        print("looked at", pid, name)
    except PermissionError:
        continue
    for place in places:
        which = "locked memory" if place.split()[0] in locked else "memory"
        print("found in the", which, "of", name, place)
    for what in "environ", "cmdline":
        if text in read("/proc/%d/%s" % (pid, what)):
            print("found in", what, "of", name)
