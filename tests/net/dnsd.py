#!/usr/bin/env python3
"""A DNS server for the broker to ask: dnsd.py ZONE LOG, on 127.0.0.1:53, UDP and TCP.

A line of ZONE: NAME A|AAAA ADDRESS, NAME SLOW MILLISECONDS, NAME SILENT, or NAME TRUNCATED
(over UDP, so that TCP is asked). Read again for every question; every question is in LOG.
Gone after 300 seconds.
"""
import asyncio
import ipaddress
import signal
import struct
import sys

ZONE, LOG = sys.argv[1:]
TYPES = {1: "A", 28: "AAAA"}


def read_name(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), at + 1


async def answer(packet, over_tcp):
    name, end = read_name(packet)
    kind = TYPES.get(struct.unpack(">H", packet[end:end + 2])[0], "other")
    question = packet[12:end + 4]
    with open(LOG, "a") as log:
        log.write("%s %s %s\n" % (name, kind, "tcp" if over_tcp else "udp"))
    with open(ZONE) as zone:
        rows = [line.split() for line in zone if line.split()[:1] == [name]]
    words = {row[1]: row[2:] for row in rows}
    if "SILENT" in words:
        return None
    if "SLOW" in words:
        await asyncio.sleep(int(words["SLOW"][0]) / 1000)
    records = [ipaddress.ip_address(row[2]).packed for row in rows if row[1] == kind]
    flags = 0x8180 if rows else 0x8183
    if "TRUNCATED" in words and not over_tcp:
        flags, records = flags | 0x200, []
    head = packet[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
    return head + question + b"".join(
        b"\xc0\x0c" + packet[end:end + 4] + struct.pack(">IH", 1, len(data)) + data
        for data in records)


class Udp(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, packet, source):
        asyncio.get_running_loop().create_task(self.reply(packet, source))

    async def reply(self, packet, source):
        data = await answer(packet, False)
        if data:
            self.transport.sendto(data, source)


async def tcp(reader, writer):
    try:
        while True:
            size = struct.unpack(">H", await reader.readexactly(2))[0]
            data = await answer(await reader.readexactly(size), True)
            if data:
                writer.write(struct.pack(">H", len(data)) + data)
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Udp, ("127.0.0.1", 53))
    await asyncio.start_server(tcp, "127.0.0.1", 53)
    await asyncio.Event().wait()


signal.alarm(300)
asyncio.run(main())
