"""What Quart leaves open in how a request's body comes in, closed.

* A body that comes faster than it is used: Quart appends it to an unbounded buffer. `Body` holds HELD
  bytes, and `RequestConnection` asks for no more until there is room again.
* A body is asked for only when its handler first reads it; until then `Expect: 100-continue` waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn, cast

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.wrappers import Request, Response
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers.request import TrioBody, TrioRequest

HELD = 1024 * 1024  # bytes of a body that wait for their handler; TCP slows down whoever sends more
SMALL = 4096  # bytes; smaller pieces are joined, or a body sent byte by byte would be held in a million
CONTINUE = "farm.continue"  # what the scope calls the way to answer `Expect: 100-continue`


class Body(TrioBody):
    """The body of a request, to be iterated over; holds about HELD bytes that wait to be used.

    In pieces as they came: Quart's own buffer copies each byte twice more. held: bytes that wait.
    """

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, None)  # whoever reads counts: `Intake`
        self.ask_for_it: Callable[[], Awaitable[None]] | None = None
        self.held = 0
        self._pieces: deque[bytes] = deque()
        self._news = trio.Event()
        self._room = trio.Event()
        self._unwanted = False

    def __await__(self) -> NoReturn:
        raise TypeError("a body is read piece by piece through farm.web.intake, which has limits")

    async def __anext__(self) -> bytes:
        if self.ask_for_it is not None:
            ask, self.ask_for_it = self.ask_for_it, None
            await ask()
        await trio.lowlevel.checkpoint()  # before, for what is taken out must not be lost to a deadline
        while not self._pieces:
            if self._complete.is_set():
                raise StopAsyncIteration
            self._news = trio.Event()
            await self._news.wait()
        piece = self._pieces.popleft()
        self.held -= len(piece)
        self._room.set()
        return piece

    def append(self, data: bytes) -> None:
        """Add what came, or drop it when nobody wants the rest."""
        if self._unwanted or not data:
            return
        if self._pieces and len(self._pieces[-1]) < SMALL:
            self._pieces[-1] += data
        else:
            self._pieces.append(data)
        self.held += len(data)
        self._news.set()

    def set_complete(self) -> None:
        """Nothing more comes."""
        self._complete.set()
        self._news.set()

    async def wait_for_room(self) -> None:
        """Return once there is less than HELD bytes waiting."""
        while self.held >= HELD:
            self._room = trio.Event()
            await self._room.wait()
        await trio.lowlevel.checkpoint()

    def drop(self) -> None:
        """Nobody will read the rest."""
        self._unwanted = True
        self.clear()
        self._room.set()

    def clear(self) -> None:
        """Forget what waits."""
        self._pieces.clear()
        self.held = 0


class BodiedRequest(TrioRequest):
    """A request whose body is a `Body`."""

    body_class = Body


class RequestConnection(TrioASGIHTTPConnection):
    """One request and its answer: receives no faster than the handler takes, and stops it when the
    client leaves before it is answered."""

    _answered = False

    def _create_request_from_scope(self, send: ASGISendCallable) -> Request:
        request = super()._create_request_from_scope(send)
        if isinstance(request.body, Body):
            request.body.ask_for_it = cast(Any, self.scope)["extensions"].get(CONTINUE)
        return request

    async def handle_messages(  # type: ignore[override]  # as quart-trio does
        self, nursery: trio.Nursery, request: Request, receive: ASGIReceiveCallable
    ) -> None:
        """Take in the body until the connection ends."""
        body = cast(Body, request.body)
        while (message := await receive())["type"] == "http.request":
            body.append(message.get("body", b""))
            if not message.get("more_body", False):
                body.set_complete()
            await body.wait_for_room()
        if not self._answered:  # what follows an answer must not be torn: it makes the connection idle
            nursery.cancel_scope.cancel()

    async def handle_request(  # type: ignore[override]  # as quart-trio does
        self, nursery: trio.Nursery, request: Request, send: ASGISendCallable
    ) -> None:
        """Let the app answer."""
        response = await self.app.handle_request(request)
        cast(Body, request.body).drop()
        await self._send_response(cast(Any, partial(self._send, send)), cast(Response, response))
        nursery.cancel_scope.cancel()

    async def _send(self, send: ASGISendCallable, message: Any) -> None:
        if message["type"] == "http.response.body" and not message["more_body"]:
            self._answered = True
        await send(message)
