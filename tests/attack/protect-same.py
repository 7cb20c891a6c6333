#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same random calls in a protected grant and in /tmp: same errors, same tree.

    protect-same.py SEED STEPS     run in a directory of the grant
"""
import errno
import os
import random
import stat
import sys

NAMES = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "l/a", "./a", "d/../b", "d/", "a/",
         "m", "d/l", "l/", ".", "d/.", "d//e", "l/../a", "nope/a"]
FLAGS = [os.O_WRONLY, os.O_RDWR, os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_EXCL | os.O_WRONLY,
         os.O_CREAT | os.O_TRUNC | os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_CREAT | os.O_RDONLY,
         os.O_WRONLY | os.O_NOFOLLOW, os.O_CREAT | os.O_NOFOLLOW | os.O_WRONLY,
         os.O_RDWR | os.O_DIRECTORY, os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_TRUNC]
TARGETS = ["a", "d", "d/e", "../a", "nope", "m", "l", "d/a", "e"]


def opened(path, flags, mode, dir_fd):
    fd = os.open(path, flags, mode, dir_fd=dir_fd)
    try:
        if flags & os.O_ACCMODE != os.O_RDONLY:
            os.write(fd, b"text")
        return stat.S_IMODE(os.fstat(fd).st_mode), os.fstat(fd).st_size, os.get_inheritable(fd)
    finally:
        os.close(fd)


def choose(rng):
    """One call, as a function of a directory descriptor that is also the working directory."""
    p, q = rng.choice(NAMES), rng.choice(NAMES)
    mode = rng.choice([0o777, 0o766, 0o700, 0o755])
    kind = rng.randrange(17)
    flags, target, size = rng.choice(FLAGS), rng.choice(TARGETS), rng.randrange(9)
    follow = rng.random() < 0.5
    fd = rng.random() < 0.5  # by descriptor or by working directory
    at = (lambda d: d) if fd else (lambda d: None)
    return (kind, p, q, mode, flags, target), [
        lambda d: opened(p, flags, mode, at(d)),
        lambda d: opened(p, flags, mode, at(d)),
        lambda d: opened(p, flags, mode, at(d)),
        lambda d: os.mkdir(p, mode, dir_fd=at(d)),
        lambda d: os.mkdir(p, mode, dir_fd=at(d)),
        lambda d: os.rmdir(p, dir_fd=at(d)),
        lambda d: os.unlink(p, dir_fd=at(d)),
        lambda d: os.rename(p, q, src_dir_fd=at(d), dst_dir_fd=at(d)),
        lambda d: os.rename(p, q, src_dir_fd=at(d), dst_dir_fd=at(d)),
        lambda d: os.link(p, q, src_dir_fd=at(d), dst_dir_fd=at(d), follow_symlinks=follow),
        lambda d: os.symlink(target, p, dir_fd=at(d)),
        lambda d: os.symlink(target, p, dir_fd=at(d)),
        lambda d: os.truncate(p, size),
        lambda d: os.chmod(p, mode),
        lambda d: os.utime(p, (5, 7), dir_fd=at(d), follow_symlinks=follow),
        lambda d: os.access(p, rng.choice([os.W_OK, os.R_OK | os.W_OK])),
        lambda d: os.chown(p, os.getuid(), -1, dir_fd=at(d), follow_symlinks=follow),
    ][kind]


def attempt(action, directory, state):
    os.fchdir(directory)
    try:
        return action(directory), state
    except OSError as e:
        return errno.errorcode[e.errno], state


def listing(top):
    rows = []
    for path, dirs, files in sorted(os.walk(top)):
        for name in sorted(dirs + files):
            full = os.path.join(path, name)
            st = os.lstat(full)
            rows.append((os.path.relpath(full, top), oct(st.st_mode), st.st_nlink,
                         st.st_size if stat.S_ISREG(st.st_mode) else 0,
                         os.readlink(full) if stat.S_ISLNK(st.st_mode) else ""))
    return rows


def is_same(held, free):
    """The kernel looks at a read-only mount before much else: EROFS may stand for an error."""
    return held == free or (held == "EROFS" and isinstance(free, str))


EVERY = int(sys.argv[3]) if len(sys.argv) > 3 else 50


def main():
    rng = random.Random(int(sys.argv[1]))
    os.makedirs("same/top")  # links may lead to "../a"
    os.makedirs("/tmp/same/top")
    tops = [os.open(d, os.O_RDONLY | os.O_DIRECTORY) for d in ("same/top", "/tmp/same/top")]
    here = os.path.abspath("same")
    bad = 0
    for step in range(int(sys.argv[2])):
        os.umask(rng.choice([0, 0o022, 0o077]))
        words, action = choose(rng)
        state = rng.getstate()
        got = []
        for top in tops:
            rng.setstate(state)
            got.append(attempt(action, top, None)[0])
        if not is_same(*got):
            bad += 1
            if bad < 20:
                print("step %d %s: %s in the grant, %s elsewhere" % (step, words, got[0], got[1]))
        if step % EVERY == 0 and listing(here) != listing("/tmp/same"):
            print("step %d %s: the trees differ" % (step, words))
            bad += 1
            break
    print("%d differences" % bad)
    sys.exit(bad != 0)


main()
