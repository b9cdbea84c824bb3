"""Passes connections on: from an address of the network it runs in to the same ports on its loopback.

`python -m tests.peers.relay ADDRESS PORT…` says "ready" once it listens, and ends with its input.
"""

from __future__ import annotations

import sys
from functools import partial

import trio

PIECE = 64 * 1024


async def pass_on(near: trio.SocketStream, port: int) -> None:
    async with near, await trio.open_tcp_stream("127.0.0.1", port) as far, trio.open_nursery() as both:
        both.start_soon(copy, near, far)
        both.start_soon(copy, far, near)


async def copy(source: trio.SocketStream, drain: trio.SocketStream) -> None:
    try:
        while data := await source.receive_some(PIECE):
            await drain.send_all(data)
        await drain.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        await drain.aclose()
        await source.aclose()


async def main(address: str, *ports: int) -> None:
    async with trio.open_nursery() as nursery:
        for port in ports:
            serve = partial(trio.serve_tcp, partial(pass_on, port=port), port, host=address)
            await nursery.start(serve)
        print("ready", flush=True)  # noqa: T201
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], *map(int, sys.argv[2:]))
