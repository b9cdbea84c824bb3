"""A peer that says, byte for byte, what a test wants: for print hosts that have lost their mind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import trio

Behaviour = Callable[[trio.SocketStream, bytes], Awaitable[None]]
"""What it does once a whole request has arrived; it gets the request, and closes when it returns."""


async def raw_peer(nursery: trio.Nursery, behaviour: Behaviour) -> str:
    """Listens on loopback until the nursery ends; its address as a URL."""

    async def serve(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):  # the driver has hung up, as it should
            request = await read_request(stream)
            if request:  # a connection given up before it asked anything is nobody's request
                await behaviour(stream, request)

    (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    return f"http://127.0.0.1:{listener.socket.getsockname()[1]}"


def answering(status: str, body: bytes, *headers: str) -> Behaviour:
    """Answers every request alike, and closes."""

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        await stream.send_all("\r\n".join([*lines, "", ""]).encode() + body)

    return behave


async def read_request(stream: trio.abc.ReceiveStream) -> bytes:
    """One whole request, its body included; empty when the caller hung up before its head was whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = await stream.receive_some()
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length and (piece := await stream.receive_some()):
        body += piece
    return head + b"\r\n\r\n" + body
