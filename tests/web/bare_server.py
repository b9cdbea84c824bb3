"""An application of the test's own behind the farm's server, and bare sockets that talk to it."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager

import trio
from quart_trio import QuartTrio
from web_farm import IMPATIENT, read_answer

from farm.actors import Mailbox
from farm.web import hypercorn_cures
from farm.web.hypercorn_cures import Limits
from farm.web.server import Patience, Web

HASTY = Patience(grace_s=0.05, keep_alive_s=5.0, limits=Limits(send_within_s=1.0, linger_s=0.05))

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: farm\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class BareServer:
    """The server; the test adds routes to `app` before it runs."""

    def __init__(self):
        self.app = QuartTrio("test", static_folder=None)
        hypercorn_cures.cure(self.app)
        self.app.config.update(MAX_CONTENT_LENGTH=None, RESPONSE_TIMEOUT=None, PROPAGATE_EXCEPTIONS=False)
        self.ended = trio.Event()
        self.streams = []

        @self.app.get("/health")
        async def health():
            return "ok"

    @asynccontextmanager
    async def running(self, patience=IMPATIENT, *, compression=False):
        web = Web(self.app, "127.0.0.1", 0, lambda address: None, patience, compression=compression)
        self.port = int(web.bind().rpartition(":")[2])
        door = Mailbox("web", size=1)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(web.run, door)
                try:
                    yield self
                finally:
                    door.close()
        finally:  # only now, for a client that stays must not hold up the server
            for stream in self.streams:
                await trio.aclose_forcefully(stream)

    async def connect(self, data, receive_buffer=None):
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        stream = trio.SocketStream(sock)
        self.streams.append(stream)
        await stream.send_all(data)
        return stream

    async def is_well(self):
        """Whether another client is answered at once."""
        with trio.move_on_after(1):
            stream = await self.connect(b"GET /health HTTP/1.1\r\nHost: farm\r\nConnection: close\r\n\r\n")
            return (await read_answer(stream)).endswith(b"ok")
        return False
