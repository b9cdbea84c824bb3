"""One connection of a small HTTP/1.1 and WebSocket server, close enough to the bytes to spoil them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TypeAlias

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

PIECE = 64 * 1024
IDLE_S = 120.0  # an idle connection is closed, as OctoPrint's own server does after an hour
MAX_BODY = 256 * 1024  # of a request that is no upload

Gate: TypeAlias = Callable[[], Awaitable[None]]
"""Awaited before every byte that passes; it may hold them all back."""


class Wire:
    """The server's end of one connection. Raises trio's resource errors when it breaks."""

    def __init__(self, stream: trio.SocketStream, gate: Gate) -> None:
        self._stream = stream
        self._gate = gate
        self._http = h11.Connection(h11.SERVER)
        self._head = False

    async def requests(self) -> AsyncIterator[h11.Request]:
        """The requests as they come, until the client or a mistake of its ends the connection."""
        while True:
            event: object = None
            try:
                with trio.move_on_after(IDLE_S):
                    event = await self._next_event()
            except h11.RemoteProtocolError:
                return
            if not isinstance(event, h11.Request):
                return
            self._head = event.method == b"HEAD"
            yield event
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the present request's body. Raises h11.RemoteProtocolError."""
        if self._http.they_are_waiting_for_100_continue:
            await self._send(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        while isinstance(event := await self._next_event(), h11.Data):
            yield bytes(event.data)

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        everything = {**headers, "content-length": str(len(body))}
        if status == HTTPStatus.NO_CONTENT:
            del everything["content-length"]
        reason = HTTPStatus(status).phrase.encode()
        events = (
            h11.Response(status_code=status, headers=list(everything.items()), reason=reason),
            h11.Data(data=b"" if self._head else body),
            h11.EndOfMessage(),
        )
        await self._send(b"".join(self._http.send(event) or b"" for event in events))

    async def accept_socket(self, request: h11.Request) -> Socket | None:
        """Answers a WebSocket's handshake; None when it is none."""
        socket = WSConnection(ConnectionType.SERVER)
        try:
            socket.initiate_upgrade_connection(list(request.headers), request.target.decode("ascii"))
        except RemoteProtocolError:
            return None
        if not any(isinstance(event, Request) for event in socket.events()):
            return None
        await self._send(socket.send(AcceptConnection()))
        return Socket(self._stream, self._gate, socket, self._http.trailing_data[0])

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            await self._gate()
            data = await self._stream.receive_some(PIECE)
            await self._gate()
            self._http.receive_data(data)
        return event

    async def _send(self, data: bytes | None) -> None:
        await self._gate()
        await self._stream.send_all(data or b"")


class Socket:
    """The server's end of a WebSocket."""

    def __init__(self, stream: trio.SocketStream, gate: Gate, socket: WSConnection, early: bytes) -> None:
        self._stream = stream
        self._gate = gate
        self._socket = socket
        self._early = early

    async def send(self, messages: Iterable[bytes]) -> None:
        """Sends text in UTF-8. Framed by hand: this is what a fleet of printers does all day."""
        frames = b"".join(_frame(message) for message in messages)
        await self._gate()
        await self._stream.send_all(frames)

    async def messages(self) -> AsyncIterator[str]:
        """What the client says in text, until it closes or says more than MAX_BODY at once."""
        data, text = self._early, ""
        while len(text) <= MAX_BODY:
            self._socket.receive_data(data)
            for event in self._socket.events():
                match event:
                    case TextMessage():
                        text += event.data
                        if event.message_finished:
                            yield text
                            text = ""
                    case Ping():
                        await self._send(event.response())
                    case CloseConnection():
                        await self._send(event.response())
                        return
            await self._gate()
            data = await self._stream.receive_some(PIECE)
            if not data:
                return
            await self._gate()

    async def _send(self, event: Event) -> None:
        await self._gate()
        await self._stream.send_all(self._socket.send(event))


def _frame(text: bytes) -> bytes:
    """A server's text frame (RFC 6455, 5.2)."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
