# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a process has in memory."""


def parts(pid):
    """The line of /proc/PID/maps and the bytes of each part that can be read."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps.readlines():
            span, mode = line.split()[:2]
            start, end = (int(word, 16) for word in span.split("-"))
            if mode[0] != "r" or "[v" in line:  # vdso, vvar, vsyscall
                continue
            try:
                mem.seek(start)
                yield line.rstrip("\n"), mem.read(end - start)
            except OSError:
                pass


def locked(pid):
    """The beginnings of the lines of /proc/PID/maps that are locked: FROM-TO."""
    found, span = set(), None
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            words = line.split()
            if not words[0].endswith(":"):
                span = words[0]
            elif words[0] == "VmFlags:" and "lo" in words:
                found.add(span)
    return found
