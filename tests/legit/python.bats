#!/usr/bin/env bats
# Ordinary python programs run unchanged.
load ../lib/common

setup_more() {
	need python3
}

# Runs the program on stdin in the python profile; it must print "fine".
python() {
	run aisbx run -p python "$@"
	status_is 0
	output_is fine
	[ -z "$stderr" ]
}

@test "threads, queues and locks" {
	python <<-'E'
		import threading, queue, concurrent.futures as f
		q = queue.Queue()
		ts = [threading.Thread(target=lambda i=i: q.put(i * i)) for i in range(20)]
		[t.start() for t in ts]; [t.join() for t in ts]
		assert sum(q.get() for _ in ts) == sum(i * i for i in range(20))
		with f.ThreadPoolExecutor(8) as e:
		    assert list(e.map(str, range(100))) == [str(i) for i in range(100)]
		print("fine")
	E
}

@test "multiprocessing: fork, spawn, forkserver, pool, queue, shared memory, semaphores" {
	cat >m.py <<-'E'
		import multiprocessing as mp, sys
		from multiprocessing import shared_memory
		def square(x): return x * x
		def child(q, v, lock):
		    with lock: v.value += 1
		    q.put("x")
		if __name__ == "__main__":
		    for method in "fork", "spawn", "forkserver":
		        c = mp.get_context(method)
		        with c.Pool(3) as p:
		            assert p.map(square, range(50)) == [i * i for i in range(50)]
		        q, v, lock = c.Queue(), c.Value("i", 0), c.Lock()
		        ps = [c.Process(target=child, args=(q, v, lock)) for _ in range(4)]
		        [p.start() for p in ps]; [q.get() for _ in ps]; [p.join() for p in ps]
		        assert v.value == 4 and all(p.exitcode == 0 for p in ps)
		    s = shared_memory.SharedMemory(create=True, size=1000)
		    s.buf[0] = 7
		    t = shared_memory.SharedMemory(s.name); assert t.buf[0] == 7
		    t.close(); s.close(); s.unlink()
		    print("fine")
	E
	run aisbx run -p python --script m.py
	status_is 0
	output_is fine
}

@test "subprocess: pipes, shells, time-outs, sessions, environment" {
	python <<-'E'
		import subprocess as s, os, signal
		assert s.run(["cat"], input=b"x" * 100000, stdout=s.PIPE).stdout == b"x" * 100000
		assert s.check_output("echo $((6*7)) | tr 2 3", shell=True) == b"43\n"
		assert s.run(["sh", "-c", "exit 9"]).returncode == 9
		try: s.run(["sleep", "30"], timeout=0.2); assert 0
		except s.TimeoutExpired: pass
		p = s.Popen(["sleep", "30"], start_new_session=True); os.killpg(p.pid, signal.SIGTERM)
		assert p.wait() == -15
		assert s.check_output(["printenv", "A"], env={"A": "b"}) == b"b\n"
		try: s.run(["no-such-program"]); assert 0
		except FileNotFoundError: pass
		print("fine")
	E
}

@test "asyncio: tasks, subprocesses, servers, signals" {
	python <<-'E'
		import asyncio, signal, os
		async def main():
		    async def serve(r, w):
		        w.write((await r.readline()).upper()); await w.drain(); w.close()
		    server = await asyncio.start_server(serve, "127.0.0.1", 0)
		    port = server.sockets[0].getsockname()[1]
		    async def ask(i):
		        r, w = await asyncio.open_connection("localhost", port)
		        w.write(b"hi%d\n" % i); return await r.readline()
		    assert await asyncio.gather(*map(ask, range(50))) == [b"HI%d\n" % i for i in range(50)]
		    p = await asyncio.create_subprocess_exec("echo", "sub", stdout=asyncio.subprocess.PIPE)
		    assert (await p.communicate())[0] == b"sub\n"
		    got = asyncio.Event()
		    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
		    os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(got.wait(), 5)
		    await asyncio.to_thread(lambda: None)
		asyncio.run(main())
		print("fine")
	E
}

@test "sqlite3: files, journals, WAL, several connections" {
	python <<-'E'
		import sqlite3, threading
		for mode in "delete", "wal":
		    path = "/tmp/%s.db" % mode
		    c = sqlite3.connect(path); c.execute("pragma journal_mode=" + mode)
		    c.execute("create table t (a integer primary key, b text)"); c.commit()
		    def work(n):
		        d = sqlite3.connect(path, timeout=20)
		        for i in range(50):
		            with d: d.execute("insert into t (b) values (?)", (str(n * i),))
		    ts = [threading.Thread(target=work, args=(n,)) for n in range(4)]
		    [t.start() for t in ts]; [t.join() for t in ts]
		    assert c.execute("select count(*) from t").fetchone() == (200,)
		    assert c.execute("pragma integrity_check").fetchone() == ("ok",)
		print("fine")
	E
	run aisbx run -p python --rw "$T" -C "$T" -c 'import sqlite3
c = sqlite3.connect("x.db"); c.execute("create table t (a)"); c.commit(); print("fine")'
	output_is fine
	[ -s x.db ]
}

@test "venv" {
	need_venv
	run aisbx run -p python -t 120s -c 'import subprocess, sys, venv
venv.create("/tmp/v", with_pip=False)
print(subprocess.check_output(["/tmp/v/bin/python", "-c", "import sys; print(sys.prefix)"]).decode().strip())'
	output_is /tmp/v
}

need_venv() {
	/usr/bin/python3 -c 'import venv' || must_or_skip "python3-venv is not installed"
}

@test "files, mmap, locks, temporary files, inotify-free watching, big files" {
	python <<-'E'
		import mmap, fcntl, tempfile, os, shutil, pathlib
		with tempfile.NamedTemporaryFile() as f:
		    f.write(b"x" * 8192); f.flush()
		    m = mmap.mmap(f.fileno(), 0); m[0:2] = b"ab"; assert m.find(b"ab") == 0
		    fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX)
		m = mmap.mmap(-1, 1 << 20, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
		d = tempfile.mkdtemp(); p = pathlib.Path(d)
		(p / "a").write_text("é"); os.link(p / "a", p / "b"); os.symlink("a", p / "c")
		os.rename(p / "b", p / "d"); shutil.copytree(p, str(p) + "2", symlinks=True)
		os.mkfifo(p / "f"); os.chmod(p / "a", 0o600); os.utime(p / "a", (1, 1))
		assert os.stat(p / "a").st_mtime == 1
		try: os.setxattr(p / "a", "user.x", b"1")
		except OSError: pass
		with open(p / "big", "wb") as f: f.truncate(3 << 30)
		os.statvfs("/tmp"); os.sync()
		print("fine")
	E
}

@test "select, poll, epoll, eventfd, timers, signals" {
	python <<-'E'
		import select, os, signal, socket, time
		a, b = socket.socketpair(); e = select.epoll(); e.register(a, select.EPOLLIN)
		b.send(b"x"); assert e.poll(1) == [(a.fileno(), select.EPOLLIN)]
		r, w = os.pipe(); os.write(w, b"x"); assert select.select([r], [], [], 1)[0] == [r]
		hit = []
		signal.signal(signal.SIGALRM, lambda *x: hit.append(1))
		signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.2); assert hit
		fd = os.eventfd(0); os.eventfd_write(fd, 3); assert os.eventfd_read(fd) == 3
		pid = os.fork()
		if pid == 0: os._exit(3)
		p = os.pidfd_open(pid); assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
		os.sched_getaffinity(0); os.nice(1); os.getloadavg()
		print("fine")
	E
}

@test "a pseudo terminal inside" {
	python <<-'E'
		import os, pty
		out = b""
		pid, fd = pty.fork()
		if pid == 0: os.execvp("sh", ["sh", "-c", "tty; test -t 0 && echo term"])
		try:
		    while True: out += os.read(fd, 1000)
		except OSError: pass
		assert b"/dev/pts/" in out and b"term" in out, out
		print("fine")
	E
}

@test "sockets inside: unix by path and abstract, IPv4, IPv6, UDP, descriptors passed" {
	python <<-'E'
		import socket, array, os
		def pair(family, address, kind=socket.SOCK_STREAM):
		    s = socket.socket(family, kind); s.bind(address)
		    c = socket.socket(family, kind)
		    if kind == socket.SOCK_DGRAM:
		        c.sendto(b"x", s.getsockname()); assert s.recv(9) == b"x"; return
		    s.listen(); c.connect(s.getsockname()); d, _ = s.accept(); d.send(b"x"); assert c.recv(9) == b"x"
		    return c, d
		pair(socket.AF_INET, ("127.0.0.1", 0)); pair(socket.AF_INET6, ("::1", 0))
		pair(socket.AF_INET, ("0.0.0.0", 0), socket.SOCK_DGRAM)
		pair(socket.AF_UNIX, "\0abstract")
		c, d = pair(socket.AF_UNIX, "/tmp/sock")
		socket.send_fds(c, [b"f"], [os.open("/etc/passwd", os.O_RDONLY)])
		m, fds, _, _ = socket.recv_fds(d, 10, 1); assert os.read(fds[0], 4) == b"root"
		d.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
		print("fine")
	E
}

@test "names: localhost is known, others are not, at once" {
	python <<-'E'
		import socket, time
		assert socket.gethostbyname("localhost") == "127.0.0.1"
		assert socket.gethostbyname(socket.gethostname()) == "127.0.0.1"
		t = time.monotonic()
		for name in "no-such-host.example", "example.org":
		    try: socket.getaddrinfo(name, 80); assert 0
		    except socket.gaierror: pass
		assert time.monotonic() - t < 1
		print("fine")
	E
}

@test "users, locale, time zone, encodings" {
	python <<-'E'
		import pwd, grp, os, locale, getpass, time, sys
		assert [p.pw_name for p in pwd.getpwall()] == ["root", "user"]
		assert [g.gr_name for g in grp.getgrall()] == ["root", "user"]
		assert pwd.getpwuid(os.getuid()).pw_dir == os.path.expanduser("~") == os.environ["HOME"]
		assert getpass.getuser() == "user"
		assert sys.getfilesystemencoding() == "utf-8" and locale.getpreferredencoding() == "UTF-8"
		print("fine")
	E
	TZ=Asia/Tokyo run aisbx run -p python -c 'import time; print(time.strftime("%H", time.localtime(0)))'
	output_is 09
	run aisbx run -- python3 -c 'import zoneinfo, datetime; print(datetime.datetime(2020,7,1,tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset())'
	output_is 2:00:00
}

@test "a web server and its client, as a test suite would" {
	python <<-'E'
		import http.server, threading, urllib.request
		s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
		s.RequestHandlerClass.log_message = lambda *a: None
		threading.Thread(target=s.serve_forever, daemon=True).start()
		assert urllib.request.urlopen("http://localhost:%d/" % s.server_port).status == 200
		s.shutdown()
		print("fine")
	E
}

@test "random numbers, hashes, ctypes, tracebacks" {
	python <<-'E'
		import os, secrets, hashlib, ctypes, uuid, faulthandler
		assert len(os.urandom(100)) == 100 and secrets.token_hex() and uuid.uuid4()
		hashlib.scrypt(b"x", salt=b"y", n=2, r=1, p=1)
		assert ctypes.CDLL(None).getpid() == os.getpid()
		@ctypes.CFUNCTYPE(ctypes.c_int)
		def callback(): return 3
		assert callback() == 3
		faulthandler.enable()
		print("fine")
	E
	run aisbx run -p python -c '1/0'
	status_is 1
	contains "$stderr" ZeroDivisionError
}

@test "python's own test suite for the modules above (AISBX_TEST_LONG)" {
	[ -n "${AISBX_TEST_LONG:-}" ] || skip "AISBX_TEST_LONG is not set"
	run aisbx run -p python -t 10m -c 'import subprocess, sys
sys.exit(subprocess.call([sys.executable, "-m", "test", "test_subprocess", "test_threading", "test_socket"]))'
	status_is 0
}
