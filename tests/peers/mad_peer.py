"""Peers that answer nothing, half of something, or nonsense: each whole request as raw bytes."""

from __future__ import annotations

import struct

import trio

from tests.peers.raw_peer import answering


async def hang_up(stream: trio.SocketStream, request: bytes) -> None:
    pass


async def reset(stream: trio.SocketStream, request: bytes) -> None:
    stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))


async def say_nothing(stream: trio.SocketStream, request: bytes) -> None:
    await trio.sleep_forever()


async def say_garbage(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"\x00\xff\x13SSH-2.0-dropbear\r\n\r\n" * 50)


async def stop_half_way(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"text": "Octo')


async def drip(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    while True:
        await stream.send_all(b" ")
        await trio.sleep(0.1)


async def drip_headers(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while True:
        await stream.send_all(b"x")
        await trio.sleep(0.1)


async def never_end(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await stream.send_all(b"[" * 65536)


async def never_begin(stream: trio.SocketStream, request: bytes) -> None:
    while True:
        await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


WITHOUT_AN_ANSWER = [hang_up, reset, say_nothing, stop_half_way, drip, drip_headers, never_begin]
WITH_A_WRONG_ONE = [
    say_garbage,
    never_end,
    answering("200 OK", b'{"text": "OctoPrint 1.1', "Content-Type: application/json"),
    answering("200 OK", b"[" * 100_000),
    answering("200 OK", b"9" * 100_000),
    answering("200 OK", b"null"),
    answering("200 OK", b"\xff\xfe\x00"),
    answering("200 OK", b"\x1f\x8b\x08", "Content-Encoding: gzip"),
    answering("302 Found", b"", "Location: http://192.0.2.1/login"),
    answering("101 Switching Protocols", b""),
    answering("500 Internal Server Error", b"<html>Traceback"),
    answering("418 I'm a teapot", b"short and stout"),
]
NAMES = {"ids": lambda behaviour: behaviour.__name__}
