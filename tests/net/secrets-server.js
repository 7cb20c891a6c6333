// The servers of secrets.bats: secrets-server.js DIRECTORY. HTTP/1.1 and HTTP/2 with TLS on
// 93.184.216.34 port 443 and 8443, and on 93.184.216.35 with a certificate that nobody trusts.
//   /echo...    the request as JSON, as text and in a header; one line each in DIRECTORY/seen
//   /sse        one event, and a second one once somebody asked for /go
//   /upload     the body's length and SHA-256     /big?MIB   that many bytes
//   /last?KIB   that many bytes, then the connection ends
//   /trailers   an answer with trailers           /to?URL    a redirect
//   /ws         a WebSocket that echoes           /git/      git http-backend, for user:token
//   /stall      a body that is not read           /head, /part   half an answer, with the
//                                                 request's authorization: of a head, of a body
//   /waiting    how many connections wait for the other half of a head
//   /gzip       compressed, whatever was asked for
"use strict";
const { spawn } = require("child_process"), crypto = require("crypto"), fs = require("fs");
const http2 = require("http2"), zlib = require("zlib");

const directory = process.argv[2];
let release = () => {}, waiting = 0;

function seen(line) {
	fs.appendFileSync(directory + "/seen", JSON.stringify(line) + "\n");
}

function git(request, response) {
	if (!request.headers.authorization) {
		response.writeHead(401, { "WWW-Authenticate": "Basic realm=git" });
		return response.end();
	}
	seen({ git: request.headers.authorization });
	const [path, query] = request.url.split("?");
	const backend = spawn("git", ["http-backend"], { env: { ...process.env,
		GIT_PROJECT_ROOT: directory + "/git", GIT_HTTP_EXPORT_ALL: "1",
		PATH_INFO: path.slice(4), QUERY_STRING: query || "", REQUEST_METHOD: request.method,
		REMOTE_USER: "tester", CONTENT_TYPE: request.headers["content-type"] || "",
		HTTP_CONTENT_ENCODING: request.headers["content-encoding"] || "",
		GIT_PROTOCOL: request.headers["git-protocol"] || "" } });
	const parts = [];
	request.pipe(backend.stdin).on("error", () => {});
	backend.stdout.on("data", part => parts.push(part)).on("end", () => {
		const all = Buffer.concat(parts), end = all.indexOf("\r\n\r\n");
		const head = all.subarray(0, end).toString().split("\r\n").map(line => line.split(": "));
		const status = head.find(([name]) => name === "Status");
		response.writeHead(status ? parseInt(status[1]) : 200,
			Object.fromEntries(head.filter(([name]) => name !== "Status")));
		response.end(all.subarray(end + 4));
	});
}

function upload(request, response) {
	const hash = crypto.createHash("sha256");
	let total = 0;
	request.on("data", part => { hash.update(part); total += part.length; });
	request.on("end", () => response.end(total + " " + hash.digest("hex") + "\n"));
}

async function big(response, mib) {
	for (let i = 0; i < mib; i++) {
		if (!response.write(Buffer.alloc(1 << 20, i & 255)))
			await new Promise(done => response.once("drain", done));
	}
	response.end();
}

function echo(request, response) {
	const parts = [];
	request.on("data", part => parts.push(part)).on("end", () => {
		const line = { method: request.method, url: request.url, version: request.httpVersion,
			headers: request.headers, body: Buffer.concat(parts).toString(),
			trailers: request.trailers };
		seen(line);
		response.setHeader("X-Echo", String(request.headers.authorization || "none"));
		response.setHeader("Content-Type", "application/json");
		response.end(JSON.stringify(line) + "\n");
	});
}

function serve(request, response) {
	const [path, query] = request.url.split("?");
	request.on("error", () => {});
	response.on("error", () => {});
	if (path.startsWith("/git/"))
		return git(request, response);
	if (path === "/upload")
		return upload(request, response);
	if (path === "/big")
		return void big(response, parseInt(query));
	if (path === "/last") {
		if (request.httpVersion === "2.0")
			request.stream.session.close();
		else
			response.setHeader("Connection", "close");
		return response.end(Buffer.alloc(parseInt(query) << 10));
	}
	if (path === "/go") {
		release();
		return response.end("gone\n");
	}
	if (path === "/sse") {
		response.writeHead(200, { "Content-Type": "text/event-stream" });
		response.write("data: first\n\n");
		release = () => response.end("data: second\n\n");
		return;
	}
	if (path === "/trailers") {
		response.writeHead(200, { "Trailer": "grpc-status" });
		response.write("body\n");
		response.addTrailers({ "grpc-status": "0" });
		return response.end();
	}
	if (path === "/to") {
		response.writeHead(302, { "Location": decodeURIComponent(query) });
		return response.end();
	}
	if (path === "/stall")
		return request.pause();
	if (path === "/head") {
		waiting++;
		request.socket.on("close", () => waiting--);
		return request.socket.write("HTTP/1.1 200 OK\r\nX: " + request.headers.authorization);
	}
	if (path === "/waiting")
		return response.end(waiting + " wait\n");
	if (path === "/part")
		return response.write("data: " + request.headers.authorization.slice(0, -1));
	if (path === "/gzip") {
		response.writeHead(200, { "Content-Encoding": "gzip" });
		return response.end(zlib.gzipSync("compressed\n"));
	}
	echo(request, response);
}

function websocket(request, socket) {
	const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] +
		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
	seen({ websocket: request.headers.authorization || null });
	socket.on("error", () => {});
	socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n");
	socket.on("data", data => { // one short frame
		const length = data[1] & 127, mask = data.subarray(2, 6);
		const text = Buffer.from(data.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]));
		socket.write(Buffer.concat([Buffer.from([data[0], length]), text]));
	});
}

function listen(address, port, name) {
	const server = http2.createSecureServer({ allowHTTP1: true,
		key: fs.readFileSync(directory + "/" + name + ".key"),
		cert: fs.readFileSync(directory + "/" + name + ".crt") }, serve);
	server.on("upgrade", websocket);
	server.on("sessionError", () => {});
	server.listen(port, address);
}

listen("93.184.216.35", 443, "strange");
listen("93.184.216.34", 443, "server");
listen("93.184.216.34", 8443, "server");
setTimeout(() => process.exit(), 300000);
