"""One connection of a small HTTP/1.1 and WebSocket server, close enough to the bytes to spoil them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias, cast

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
        self._head = self._answered = False

    async def next_request(self) -> h11.Request | None:
        """The next one; None when the client, its silence or a mistake of its ended the connection."""
        if self._answered:
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return None
            self._http.start_next_cycle()
            self._answered = False
        event: object = None
        try:
            with trio.move_on_after(IDLE_S):
                event = await self._next_event()
        except h11.RemoteProtocolError:
            return None
        if not isinstance(event, h11.Request):
            return None
        self._head = event.method == b"HEAD"
        return event

    async def next_piece(self) -> bytes:
        """More of the present request's body, empty at its end. Raises h11.RemoteProtocolError."""
        if self._http.they_are_waiting_for_100_continue:
            await self._send(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        event = await self._next_event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

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
        self._answered = True
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
        self._said: deque[str] = deque()
        self._text = ""  # of a message that is not complete
        self._closed = False
        self._one_at_a_time = trio.Lock()  # an answer to a ping must not fall into another frame

    def send_at_once(self, messages: Iterable[bytes]) -> bytes:
        """Sends text in UTF-8 as far as the line takes it now. What is left has to follow by `send_on`.

        Framed by hand and past trio, where waiting would cost as much again as the rest of a message: this is
        what a fleet of printers does all day. Only while bytes flow.
        """
        frames = b"".join([_frame(message) for message in messages])
        if self._one_at_a_time.locked():
            return frames
        try:
            sent: int = cast(Any, self._stream.socket)._sock.send(frames)
        except OSError:  # the line is full, or broken, which `send_on` finds out
            return frames
        return frames[sent:]

    async def send_on(self, frames: bytes) -> None:
        """Sends the rest, or hands on what went wrong."""
        await self._gate()
        async with self._one_at_a_time:
            await self._stream.send_all(frames)

    async def receive(self) -> str | None:
        """What the client says next in text; None once it closed, or says more than MAX_BODY at once."""
        while not self._said and not self._closed:
            await self._take(self._early or await self._more())
            self._early = b""
        return self._said.popleft() if self._said else None

    async def _more(self) -> bytes:
        await self._gate()
        data = await self._stream.receive_some(PIECE)
        await self._gate()
        return data

    async def _take(self, data: bytes) -> None:
        self._socket.receive_data(data or None)
        for event in self._socket.events():
            match event:
                case TextMessage():
                    self._text += event.data
                    if event.message_finished:
                        self._said.append(self._text)
                        self._text = ""
                case Ping():
                    await self._send(event.response())
                case CloseConnection():
                    self._closed = True
                    if data:  # not just hung up
                        await self._send(event.response())
        self._closed = self._closed or len(self._text) > MAX_BODY

    async def _send(self, event: Event) -> None:
        await self._gate()
        async with self._one_at_a_time:
            await self._stream.send_all(self._socket.send(event))


def _frame(text: bytes) -> bytes:
    """A server's text frame (RFC 6455, 5.2)."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
