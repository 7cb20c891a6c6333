#!/usr/bin/env python3
"""The servers of the network tests, in one process: server.py DIRECTORY.

HTTP on port 8000 and, with DIRECTORY/server.pem, HTTPS on 443, 8443 and others:
  /hello /host /requests (of this connection) /big?MIB /ws (a WebSocket that echoes)
  /git/ (git http-backend of DIRECTORY/git), everything else: files of DIRECTORY/www
  POST: the body's length and SHA-256
Plain TCP, by port: see TCP below. Gone after 300 seconds, whatever happens.
"""
import asyncio
import base64
import hashlib
import http.server
import os
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading

HOSTS = ["93.184.216.34", "2606:2800:220:1::1", "151.101.1.1", "10.20.30.40", "127.0.0.1"]
MIB = 1 << 20


def mib(number):
    """No two alike, so that nothing can be lost, doubled or swapped unseen."""
    return struct.pack(">Q", number) * (MIB // 8)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = 0

    def log_message(self, *_):
        pass

    def reply(self, body, status=200, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.requests += 1
        path, _, query = self.path.partition("?")
        if path == "/hello":
            self.reply(b"hello\n")
        elif path == "/host":
            self.reply(self.headers["Host"].encode() + b"\n")
        elif path == "/requests":
            self.reply(b"%d\n" % self.requests)
        elif path == "/big":
            self.send_response(200)
            self.send_header("Content-Length", str(int(query) * MIB))
            self.end_headers()
            for number in range(int(query)):
                self.wfile.write(mib(number))
        elif path == "/ws":
            self.websocket()
        elif path.startswith("/git/"):
            self.git(path, query, b"")
        else:
            self.file(path)

    def do_POST(self):
        self.requests += 1
        path, _, query = self.path.partition("?")
        left = int(self.headers["Content-Length"] or 0)
        if path.startswith("/git/"):
            self.git(path, query, self.rfile.read(left))
            return
        total, digest = left, hashlib.sha256()
        while left > 0:
            part = self.rfile.read(min(left, MIB))
            if not part:
                return
            digest.update(part)
            left -= len(part)
        self.reply(b"%d %s\n" % (total, digest.hexdigest().encode()))

    do_PUT = do_POST

    def file(self, path):
        name = os.path.normpath(os.path.join(DIRECTORY, "www", path.lstrip("/")))
        try:
            with open(name, "rb") as file:
                self.reply(file.read(), kind="application/octet-stream")
        except OSError:
            self.reply(b"", 404)

    def git(self, path, query, body):
        env = dict(os.environ, GIT_PROJECT_ROOT=DIRECTORY + "/git", GIT_HTTP_EXPORT_ALL="1",
                   PATH_INFO=path[4:], QUERY_STRING=query, REQUEST_METHOD=self.command,
                   REMOTE_USER="tester", CONTENT_LENGTH=str(len(body)),
                   CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        out = subprocess.run(["git", "http-backend"], input=body, env=env, check=True,
                             stdout=subprocess.PIPE).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.reply(rest, int(headers.get("Status", "200").split()[0]),
                   headers.get("Content-Type", "text/plain"))

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.wfile.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                          % accept).encode())
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            length = head[1] & 127
            if length == 126:
                length = struct.unpack(">H", self.rfile.read(2))[0]
            mask, data = self.rfile.read(4), self.rfile.read(length)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
            size = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
            self.wfile.write(bytes([head[0]]) + size + data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 4096
    context = None

    def server_bind(self):  # the one of http.server looks its own name up
        self.socket.bind(self.server_address)

    def finish_request(self, request, client_address):  # in the request's thread
        if self.context:
            request.settimeout(20)
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass


class Server6(Server):
    address_family = socket.AF_INET6


def serve_http(host, port, context=None):
    server = (Server6 if ":" in host else Server)((host, port), Handler)
    server.context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()


async def echo(reader, writer):
    """Echoes; after the client's end it says how much there was."""
    total = 0
    while data := await reader.read(65536):
        total += len(data)
        writer.write(data)
        await writer.drain()
    writer.write(b"end:%d\n" % total)


async def reset(reader, writer):
    await reader.readline()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))


async def bye(_, writer):
    """Says something and closes first."""
    writer.write(b"bye\n")


async def stream(_, writer):
    for number in range(48):
        writer.write(mib(number))
        await writer.drain()


async def where(_, writer):
    """Which address the connection came to."""
    writer.write(writer.get_extra_info("sockname")[0].encode() + b"\n")


async def silent(reader, _):
    await reader.read()


async def collect(reader, _):
    """Takes what comes, slowly, and writes down how much it was."""
    total = 0
    while data := await reader.read(65536):
        total += len(data)
        await asyncio.sleep(0.001)
    with open(DIRECTORY + "/collected", "a") as file:
        file.write("%d\n" % total)


TCP = {7: echo, 9: reset, 13: bye, 19: stream, 20: where, 21: silent, 22: collect}


def handler(function):
    async def handle(reader, writer):
        try:
            await function(reader, writer)
        except OSError:
            pass
        writer.close()
    return handle


async def serve_tcp():
    for port, function in TCP.items():
        await asyncio.start_server(handler(function), HOSTS, port, backlog=4096)
    for port in range(9001, 9065):
        await asyncio.start_server(handler(where), HOSTS[:2], port)
    await asyncio.Event().wait()


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.alarm(300)
    context = None
    if os.path.exists(DIRECTORY + "/server.pem"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(DIRECTORY + "/server.pem")
    for host in HOSTS:
        serve_http(host, 8000)
        for port in (443, 8443) if context else ():
            serve_http(host, port, context)
    asyncio.run(serve_tcp())


if __name__ == "__main__":
    DIRECTORY = sys.argv[1]
    main()
