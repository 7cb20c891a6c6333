#!/usr/bin/env bats
# Ordinary node programs run unchanged.
load ../lib/common

setup_more() {
	need node
}

node_fine() {
	run aisbx run -p node "$@"
	status_is 0
	output_is fine
}

@test "timers, promises, files, crypto, zlib, WebAssembly" {
	node_fine <<-'E'
		const fs = require("fs"), zlib = require("zlib"), crypto = require("crypto");
		const { setTimeout: wait } = require("timers/promises");
		(async () => {
			await wait(5);
			await fs.promises.writeFile("/tmp/x", "é");
			if (await fs.promises.readFile("/tmp/x", "utf8") !== "é") throw 1;
			crypto.scryptSync("a", "b", 16); crypto.randomBytes(16);
			await new Promise((r, j) => zlib.gzip(Buffer.alloc(1e6), e => e ? j(e) : r()));
			new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
			console.log("fine");
		})();
	E
}

@test "worker threads and shared memory" {
	node_fine <<-'E'
		const { Worker } = require("worker_threads");
		const shared = new Int32Array(new SharedArrayBuffer(4));
		let left = 4;
		for (let i = 0; i < 4; i++)
			new Worker(`const { workerData } = require("worker_threads");
				for (let i = 0; i < 1000; i++) Atomics.add(workerData, 0, 1);`,
				{ eval: true, workerData: shared }).on("exit", () => {
				if (--left === 0) console.log(shared[0] === 4000 ? "fine" : shared[0]);
			});
	E
}

@test "child processes: exec, spawn, fork, cluster" {
	node_fine <<-'E'
		const cp = require("child_process"), fs = require("fs");
		if (cp.execSync("echo $((6*7))") + "" !== "42\n") throw 1;
		if (cp.spawnSync("sh", ["-c", "exit 3"]).status !== 3) throw 2;
		fs.writeFileSync("/tmp/child.js", "process.on('message', m => { process.send(m * 2); process.disconnect(); })");
		const child = cp.fork("/tmp/child.js");
		child.send(21);
		child.on("message", m => { if (m === 42) console.log("fine"); });
	E
}

@test "fs.watch" {
	node_fine <<-'E'
		const fs = require("fs");
		fs.mkdirSync("/tmp/w");
		const w = fs.watch("/tmp/w", () => { w.close(); console.log("fine"); });
		setTimeout(() => fs.writeFileSync("/tmp/w/f", "x"), 20);
	E
}

@test "servers and clients: http, net, unix sockets, fetch" {
	node_fine <<-'E'
		const http = require("http"), net = require("net");
		const s = http.createServer((q, r) => r.end("ok")).listen(0, "127.0.0.1", () => {
			http.get({ port: s.address().port, host: "localhost", family: 4 }, r => {
				r.resume();
				r.on("end", () => {
					s.close();
					const u = net.createServer(c => c.end("u")).listen("/tmp/s", () => {
						net.connect("/tmp/s").on("data", () => { u.close(); console.log("fine"); });
					});
				});
			});
		});
	E
}

@test "dns.lookup of an unknown host answers ENOTFOUND at once" {
	run aisbx run -p node -c 'const t = Date.now();
require("dns").lookup("no-such-host.example", e => console.log(e.code, Date.now() - t < 1000))'
	status_is 0
	output_is "ENOTFOUND true"
	run aisbx run -p node -c 'fetch("https://example.org/").catch(e => console.log(e.cause.code))'
	output_is ENOTFOUND
}

@test "os facts, process.title, signals, exit codes, uncaught errors" {
	node_fine <<-'E'
		const os = require("os");
		os.cpus(); os.networkInterfaces(); os.totalmem();
		if (os.userInfo().username !== "user") throw 1;
		process.title = "x";
		process.on("SIGUSR2", () => { console.log("fine"); process.exit(0); });
		setInterval(() => {}, 1000);
		process.kill(process.pid, "SIGUSR2");
	E
	run aisbx run -p node -c 'process.exitCode = 7'
	status_is 7
	run aisbx run -p node -c 'throw new Error("boom")'
	status_is 1
	contains "$stderr" boom
}

@test "modules from a granted project" {
	mkdir -p proj/node_modules/dep
	echo 'module.exports = "fine"' >proj/node_modules/dep/index.js
	echo 'console.log(require("dep"))' >proj/main.js
	run aisbx run --ro ./proj -C ./proj -- node main.js
	output_is fine
}
