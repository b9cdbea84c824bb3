"""The live socket's handshake: hands the line over to whoever attends to clients."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import trio
from quart import Response, Websocket, websocket

from farm.errors import FarmError, Forbidden
from farm.live.connection import ConnectionLost
from farm.web import answers
from farm.web.credentials import COOKIE, client_of, refuse_secrets_in
from farm.web.desk import Desk

RULE = "/v1/live"


class Line:
    """One open WebSocket. cookie: the page's session, None for programs. See `farm.live.connection`."""

    def __init__(self, socket: Websocket, cookie: str | None, address: str) -> None:
        self.cookie = cookie
        self.address = address
        self._socket = socket
        self._closed = False

    async def send(self, text: str) -> None:
        """Send one text message. Raises ConnectionLost."""
        try:
            await self._socket.send(text)
        except trio.BrokenResourceError as error:
            raise ConnectionLost from error

    async def receive(self) -> str | bytes:
        """The client's next message. Raises ConnectionLost."""
        try:
            return await self._socket.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise ConnectionLost from error

    async def close(self, code: int, reason: str) -> None:
        """Send the close frame, once. Raises ConnectionLost."""
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._closed = True
        try:
            await self._socket.close(code, reason)
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
            await desk.clients.attend(Line(asked, cookie, client_of(asked)))
        return None

    return view


def _cookie_of(asked: Websocket) -> str | None:
    """The page's session cookie. Raises Forbidden for a page that is not ours.

    A browser sends its cookies to us whoever's page opens the socket, and lets nobody forge the Origin.
    """
    origin = asked.headers.get("Origin")
    if origin is None:
        return None
    if urlsplit(origin).netloc.lower() != asked.headers.get("Host", "").lower():
        raise Forbidden("only the farm's own pages may open this socket from a browser")
    return asked.cookies.get(COOKIE)
