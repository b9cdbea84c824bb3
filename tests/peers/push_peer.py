"""A print host with a push socket that says whatever a test wants, beside answers to plain requests."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from tests.peers.raw_peer import Behaviour, read_request


class Pushed:
    """The host's end of one push socket. `heard`: what the client sent, as text."""

    def __init__(self, stream: trio.abc.Stream, request: bytes) -> None:
        self.heard: list[str] = []
        self.stream = stream
        self.sockets = WSConnection(ConnectionType.SERVER)
        self.sockets.receive_data(request)
        next(self.sockets.events())
        self._news = trio.Event()
        self._sending = trio.Lock()

    async def accept(self) -> None:
        await self.send(AcceptConnection())

    async def say(self, text: str) -> None:
        await self.send(TextMessage(text))

    async def send(self, event: object) -> None:
        await self.send_raw(self.sockets.send(event))  # type: ignore[arg-type]

    async def send_raw(self, data: bytes) -> None:
        async with self._sending:
            await self.stream.send_all(data)

    async def hears(self, count: int) -> str:
        """The client's message number `count`, from 1."""
        while len(self.heard) < count:
            await self._news.wait()
        return self.heard[count - 1]

    async def listen(self) -> None:
        """Reads and answers pings until the client has gone."""
        while data := await self.stream.receive_some():
            self.sockets.receive_data(data)
            for event in self.sockets.events():
                if isinstance(event, Ping):
                    await self.send(event.response())
                elif isinstance(event, CloseConnection):
                    await self.send(event.response())
                    return
                elif isinstance(event, Message):
                    self.heard.append(event.data)
                    self._news.set()
                    self._news = trio.Event()


Pushing = Callable[[Pushed], Awaitable[None]]


async def push_peer(
    nursery: trio.Nursery,
    pushing: Pushing,
    answer: Behaviour | None = None,
    context: ssl.SSLContext | None = None,
) -> str:
    """Listens on loopback until the nursery ends; its address as a URL.

    pushing: what happens on each push socket, beside listening. answer: to every other request.
    """

    async def serve(stream: trio.abc.Stream) -> None:
        if context is not None:
            stream = trio.SSLStream(stream, context, server_side=True)
        request = await read_request(stream)
        if not request:
            return
        if b"upgrade: websocket" not in request.lower():
            assert answer is not None, request
            await answer(stream, request)  # type: ignore[arg-type]
            return
        pushed = Pushed(stream, request)
        await pushed.accept()
        async with trio.open_nursery() as both:
            both.start_soon(pushing, pushed)
            await pushed.listen()
            both.cancel_scope.cancel()

    async def calmly(stream: trio.SocketStream) -> None:
        try:
            await serve(stream)
        except* _HUNG_UP:
            pass

    (listener,) = await nursery.start(partial(trio.serve_tcp, calmly, 0, host="127.0.0.1"))
    scheme = "http" if context is None else "https"
    return f"{scheme}://127.0.0.1:{listener.socket.getsockname()[1]}"


_HUNG_UP = (
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    LocalProtocolError,
)  # the client, as it should
