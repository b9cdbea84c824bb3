"""What Hypercorn 0.18 and Quart leave open towards bad clients, closed. Each cure has its test.

* A client that stops reading: Hypercorn shields a send without a deadline, so such a client keeps its
  handler, and a stopping server, until it leaves. `Connection` gives every send a deadline, lets it be
  cancelled, and cuts the connection after either: half a frame cannot be taken back.
* A handler that sends in a loop to a client that is gone: such a send returns without yielding and the
  loop of the whole farm stands still. `SocketConnection` yields before each send.
* A body that comes faster than it is used: Quart appends it to an unbounded buffer. `Body` holds
  HELD bytes, and `RequestConnection` asks for no more until there is room again.
* `Expect: 100-continue` is answered before anybody looked at the request: here when the handler first
  asks for the body, so that a key or size that will be refused is refused before the body is sent.
* An answer given before the whole body was read is lost when the connection is closed at once (the
  kernel resets it): `Connection` first throws away what still comes, for a moment.
* A WebSocket message above the limit is refused, but what follows is still gathered: `Message` stops.
* A handler that has ended while its queue is full would keep its connection waiting: `Tasks`.
* Hypercorn speaks HTTP/2 to whoever asks and offers to inflate messages; here it is HTTP/1.1 and plain
  messages only, so that a WebSocket never runs over a shared connection and nothing can be blown up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, cast

import h11
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import FrameTooLargeError, WebsocketBuffer, WSStream
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ConnectionState
from hypercorn.utils import parse_socket_addr
from quart import Quart
from quart.utils import encode_headers
from quart.wrappers import Request, Response, Websocket
from quart_trio.asgi import TrioASGIHTTPConnection, TrioASGIWebsocketConnection
from quart_trio.wrappers.request import TrioBody, TrioRequest
from wsproto.events import Message as WebSocketMessage
from wsproto.frame_protocol import CloseReason

log = structlog.get_logger(__name__)

HELD = 1024 * 1024  # bytes of a body that wait for their handler; TCP slows down whoever sends more
CONTINUE = "farm.continue"  # what the scope calls the way to answer `Expect: 100-continue`

App = Callable[[Any, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the server is with one connection, in seconds.

    send_within_s: for the client to take one piece of at most 64 KiB or one message.
    linger_s: for the client to stop sending after it was refused.
    """

    send_within_s: float = 10.0
    linger_s: float = 2.0


class Connection(TCPServer):
    """One connection: a reader, and the handlers of its requests one after the other."""

    def __init__(
        self, app: App, config: Config, context: WorkerContext, limits: Limits, stream: trio.SocketStream
    ) -> None:
        super().__init__(cast(Any, app), config, context, ConnectionState({}), cast(Any, stream))
        self._limits = limits
        self._reading = trio.CancelScope()
        self._hung_up = False

    async def run(self) -> None:
        """Serve until either side has enough. Whatever goes wrong stays here."""
        try:
            await self._serve()
        except* OSError:  # the client was gone before we looked
            pass
        except* Exception as group:
            log.error("connection failed", exc_info=group)
        finally:
            await self._close()

    async def _serve(self) -> None:
        sock = cast(trio.SocketStream, self.stream).socket
        client = parse_socket_addr(sock.family, sock.getpeername())
        server = parse_socket_addr(sock.family, sock.getsockname())
        async with trio.open_nursery() as self._nursery:
            self._task_group = Tasks(self._nursery)
            self.protocol = cast(
                Any,
                Protocol(
                    cast(Any, self.app),
                    self.config,
                    cast(Any, self.context),
                    cast(Any, self._task_group),
                    self.state,
                    False,
                    client,
                    server,
                    self.protocol_send,
                ),
            )
            await self.idle_task.restart(cast(Any, self._task_group), self._idle_timeout)
            await self._read_data()

    async def protocol_send(self, event: Event) -> None:
        """Carry out what the protocol wants done to the connection."""
        if isinstance(event, RawData):
            await self._send(event.data)
        elif isinstance(event, Closed):
            await self._hang_up()
            await self.protocol.handle(Closed())
        else:
            await super().protocol_send(event)

    async def _send(self, data: bytes) -> None:
        async with self.send_lock:
            whole = False
            try:
                with trio.move_on_after(self._limits.send_within_s):
                    await self.stream.send_all(data)
                    whole = True
            except trio.ClosedResourceError:
                pass
            finally:
                if not whole:
                    self._nursery.cancel_scope.cancel()
                    await trio.aclose_forcefully(self.stream)
        if not whole:  # the sender may live in another nursery than this connection's
            raise trio.BrokenResourceError("the client does not take what it is sent; it was cut")

    async def _hang_up(self) -> None:
        """Say that nothing more comes from us, and let the reader throw away what is still on its way."""
        self._hung_up = True
        self._reading.deadline = trio.current_time() + self._limits.linger_s
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            await self.stream.send_eof()

    async def _read_data(self) -> None:
        with (
            self._reading,
            contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError),
        ):
            while data := await self.stream.receive_some(MAX_RECV):
                if not self._hung_up:
                    await self.protocol.handle(RawData(bytes(data)))
        if not self._hung_up:
            await self.protocol.handle(RawData(b""))
            await self.protocol.handle(Closed())
        await self.idle_task.stop()

    async def _close(self) -> None:
        try:
            with contextlib.suppress(
                trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError
            ):
                await self.stream.send_eof()
        finally:
            await trio.aclose_forcefully(self.stream)


class Tasks(TaskGroup):
    """Runs handlers in the connection's nursery, and lets nobody wait for one that has ended."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self._nursery = self._connection = nursery

    async def spawn_app(
        self, app: Any, config: Config, scope: Any, send: Callable[[Any], Awaitable[None]]
    ) -> Callable[[Any], Awaitable[None]]:
        """Start the handler of one request. Returns the way to tell it what the client sends."""
        tell, hear = trio.open_memory_channel[Any](config.max_app_queue_size)
        self._connection.start_soon(_handle, app, scope, hear, send)
        await trio.lowlevel.checkpoint()

        async def put(event: Any) -> None:
            with contextlib.suppress(trio.BrokenResourceError):
                await tell.send(event)

        return put


async def _handle(
    app: App, scope: Any, hear: trio.MemoryReceiveChannel[Any], send: Callable[[Any], Awaitable[None]]
) -> None:
    try:
        with hear:
            await app(scope, hear.receive, send)
    except* trio.BrokenResourceError:  # the client is gone, and with it this connection's nursery
        pass
    except* Exception as group:
        log.error("request failed outside its handler", exc_info=group)
    await send(None)


class Protocol(H11Protocol):
    """HTTP/1.1 and nothing else; `100 Continue` when the handler says so."""

    def __init__(self, app: App, *args: Any) -> None:
        super().__init__(cast(Any, self._run), *args)
        self._handler = app
        self.connection = _Patient(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)

    async def _run(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        scope["extensions"][CONTINUE] = self._continue
        await self._handler(scope, receive, send)

    async def _continue(self) -> None:
        """Let a client send its body that waits to hear whether we want it."""
        connection = self.connection
        if isinstance(connection, _Patient) and connection.client_is_waiting_for_100_continue:
            await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=[]))

    async def _check_protocol(self, event: h11.Request) -> None:
        """Offers of other protocols are overheard."""

    async def _create_stream(self, request: h11.Request) -> None:
        await super()._create_stream(_without(b"sec-websocket-extensions", request))
        if isinstance(self.stream, WSStream):
            self.stream.buffer = Message(self.config.websocket_max_message_size)

    async def _handle_events(self) -> None:
        await super()._handle_events()
        stream = self.stream
        if isinstance(stream, WSStream) and cast(Message, stream.buffer).too_large:
            await self.send(Closed())  # the close frame is sent; nothing it still has to say is of use


class _Patient(h11.Connection):
    they_are_waiting_for_100_continue = False  # for Hypercorn, which would answer at once


class Message(WebsocketBuffer):
    """One incoming WebSocket message; holds nothing of one that is too large."""

    too_large = False

    def extend(self, event: WebSocketMessage[Any]) -> None:
        """Add a part. Raises FrameTooLargeError."""
        self.too_large = self.too_large or self.length + len(event.data) > self.max_length
        if self.too_large:
            self.clear()
            raise FrameTooLargeError
        super().extend(event)


def _without(name: bytes, request: h11.Request) -> h11.Request:
    headers = [(key, value) for key, value in request.headers if key.lower() != name]
    return h11.Request(
        method=request.method, headers=headers, target=request.target, http_version=request.http_version
    )


class Body(TrioBody):
    """The body of a request, to be iterated over; holds about HELD bytes that wait to be used."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, None)  # whoever reads counts: `Intake`
        self.ask_for_it: Callable[[], Awaitable[None]] | None = None
        self._room = trio.Event()
        self._unwanted = False

    def __await__(self) -> NoReturn:
        raise TypeError("a body is read piece by piece through farm.web.intake, which has limits")

    async def __anext__(self) -> bytes:
        if self.ask_for_it is not None:
            ask, self.ask_for_it = self.ask_for_it, None
            await ask()
        await trio.lowlevel.checkpoint()  # before, for what is taken out must not be lost to a deadline
        data = await super().__anext__()
        self._room.set()
        return data

    def append(self, data: bytes) -> None:
        """Add what came, or drop it when nobody wants the rest."""
        if not self._unwanted:
            super().append(data)

    async def wait_for_room(self) -> None:
        """Return once there is less than HELD bytes waiting."""
        while len(self._data) >= HELD:
            self._room = trio.Event()
            await self._room.wait()
        await trio.lowlevel.checkpoint()

    def drop(self) -> None:
        """Nobody will read the rest."""
        self._unwanted = True
        self.clear()
        self._room.set()


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


class SocketConnection(TrioASGIWebsocketConnection):
    """One WebSocket: yields whenever it sends, and tells a client of our mistakes with code 1011."""

    _gone = False

    async def handle_messages(  # type: ignore[override]  # as quart-trio does
        self, nursery: trio.Nursery, receive: ASGIReceiveCallable
    ) -> None:
        """Pass on what the client says; when it has left, end its handler and whoever waits for a message."""
        with self.send_channel:
            while (event := await receive())["type"] != "websocket.disconnect":
                if event["type"] == "websocket.receive":
                    text = event["text"]
                    await self.send_channel.send(text if text is not None else event["bytes"] or b"")
        self._gone = True
        nursery.cancel_scope.cancel()

    async def send_data(self, send: ASGISendCallable, data: str | bytes) -> None:
        """Send one message. Raises trio.BrokenResourceError when the client is gone."""
        await trio.lowlevel.checkpoint()
        if self._gone:
            raise trio.BrokenResourceError("the client has left")
        await super().send_data(send, data)

    async def handle_websocket(  # type: ignore[override]  # as quart-trio does
        self, nursery: trio.Nursery, websocket: Websocket, send: ASGISendCallable
    ) -> None:
        """Let the app talk to the client, and say how it ended where the app did not."""
        response = await self.app.handle_websocket(websocket)
        if not self._accepted:
            await _refuse(send, cast(Response | None, response))
        elif not self._closed:  # Quart says 1000, all is well, also after an exception
            code = CloseReason.NORMAL_CLOSURE if response is None else CloseReason.INTERNAL_ERROR
            await send({"type": "websocket.close", "code": code, "reason": None})
        nursery.cancel_scope.cancel()


async def _refuse(send: ASGISendCallable, response: Response | None) -> None:
    """Answer a handshake with `response` instead of a WebSocket."""
    if response is None:
        await send({"type": "websocket.close", "code": CloseReason.NORMAL_CLOSURE, "reason": None})
        return
    body = await response.get_data(as_text=False)
    headers = encode_headers(response.headers)
    start = {"type": "websocket.http.response.start", "status": response.status_code, "headers": headers}
    await send(cast(Any, start))
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


def cure(app: Quart) -> None:
    """Make `app` use the connections above."""
    app.request_class = BodiedRequest
    app.asgi_http_class = cast(Any, RequestConnection)
    app.asgi_websocket_class = cast(Any, SocketConnection)
