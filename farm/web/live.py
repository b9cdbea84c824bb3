"""The live socket's handshake: hands the line over to whoever attends to clients."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import trio
from quart import Response, Websocket, websocket

from farm.domain.user import Principal
from farm.errors import FarmError, Forbidden
from farm.live.connection import ConnectionLost
from farm.live.frame import Frame
from farm.web import answers
from farm.web.commands import as_command, tell_printer
from farm.web.credentials import COOKIE, client_of, is_from_elsewhere, refuse_secrets_in
from farm.web.desk import Desk
from farm.web.routes import Call
from farm.web.websocket_cures import SOCKET, Socket

RULE = "/v1/live"


class Line:
    """One open WebSocket. cookie: the page's session, None for programs. See `farm.live.connection`."""

    def __init__(self, asked: Websocket, cookie: str | None, desk: Desk) -> None:
        self.cookie = cookie
        self.address = client_of(asked)
        self._asked = asked
        self._socket: Socket = cast(Any, asked.scope["extensions"])[SOCKET]
        self._deflates = self._socket.deflates
        self._desk = desk
        self._closed = False

    @property
    def heard_at(self) -> float:
        """When anything came from the client last, on the monotonic clock."""
        return self._socket.heard_at

    async def send(self, frames: Sequence[Frame]) -> None:
        """Send text messages. Raises ConnectionLost."""
        with _lost_when_broken():
            await self._socket.send_frames(
                b"".join(frame.deflated if self._deflates else frame.plain for frame in frames)
            )

    def send_now(self, frame: Frame) -> bool:
        """Send a text message if that can be done without waiting. False: nothing of it was sent."""
        return self._socket.send_now(frame.deflated if self._deflates else frame.plain)

    async def ping(self) -> None:
        """Ask for a sign of life. Raises ConnectionLost."""
        with _lost_when_broken():
            await self._socket.ping()

    async def receive(self) -> str | bytes:
        """The client's next message. Raises ConnectionLost."""
        try:
            return await self._asked.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise ConnectionLost from error

    async def close(self, code: int, reason: str) -> None:
        """Send the close frame, once. Raises ConnectionLost."""
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._closed = True
        with _lost_when_broken():
            await self._asked.close(code, reason)

    async def command(self, by: Principal, printer: str, command: bytes) -> str:
        """Tell a printer something; returns the command's id. Raises FarmError."""
        call = Call(self._desk, replace(by, client=self.address), self.address)
        return await tell_printer(call, printer, as_command(command))


@contextlib.contextmanager
def _lost_when_broken() -> Iterator[None]:
    try:
        yield
    except trio.BrokenResourceError as error:
        raise ConnectionLost from error


def live(desk: Desk) -> Callable[[], Awaitable[Response | None]]:
    """The function Quart calls for a client of the live socket."""

    async def view() -> Response | None:
        socket: Any = websocket
        asked: Websocket = socket._get_current_object()  # others than this task will use it
        try:
            refuse_secrets_in(asked)
            cookie = _cookie_of(asked)
        except FarmError as problem:
            return answers.problem(403, str(problem))
        await asked.accept()
        with contextlib.suppress(ConnectionLost):
            await desk.clients.attend(Line(asked, cookie, desk))
        return None

    return view


def _cookie_of(asked: Websocket) -> str | None:
    """The page's session cookie. Raises Forbidden for a page that is not ours.

    A browser sends its cookies to us whoever's page opens the socket.
    """
    if is_from_elsewhere(asked):
        raise Forbidden("only the farm's own pages may open this socket from a browser")
    return asked.cookies.get(COOKIE) if "Origin" in asked.headers else None
