"""What Hypercorn 0.18 and Quart leave open towards bad clients, closed. Each cure has its test.

* A client that stops reading: Hypercorn shields a send without a deadline, so such a client keeps its
  handler, and a stopping server, until it leaves. `Connection` gives every send a deadline, lets it be
  cancelled, and cuts the connection after either: half a frame cannot be taken back.
* `Expect: 100-continue` is answered before anybody looked at the request: here when the handler first
  asks for the body, so that a key or size that will be refused is refused before the body is sent.
* An answer given before the whole body was read is lost when the connection is closed at once (the
  kernel resets it): `Connection` first throws away what still comes, for a moment.
* What cannot be read as a request is answered with a status and no word: here with a problem.
* A handler that has ended while its queue is full would keep its connection waiting: `Tasks`.
* A request that says its length in two ways, which a proxy may read in the other way, is served and the
  connection kept for what follows it; and headers of any size pass if they come in one piece: `Protocol`.
* Hypercorn speaks HTTP/2 to whoever asks; here it is HTTP/1.1 only, so that a WebSocket never runs over
  a shared connection. What else is wrong with requests is cured in `request_cures`, with WebSockets in
  `websocket_cures`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import h11
import msgspec
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Body as StreamBody
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Request as StreamRequest
from hypercorn.protocol.events import Response as StreamResponse
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ConnectionState
from hypercorn.utils import parse_socket_addr
from quart import Quart
from wsproto.utilities import split_comma_header

from farm.web.problems import MEDIA, problem_of
from farm.web.request_cures import CONTINUE, BodiedRequest, RequestConnection
from farm.web.websocket_cures import OFFERS, Socket, SocketConnection

log = structlog.get_logger(__name__)

LET_IN_WITHIN_S = 2.0  # a handler that looks longer at a handshake keeps no turn from others
PIECE = 64 * 1024  # bytes that a client has `send_within_s` for
READ_BODY = 512 * 1024  # bytes asked of the network at once; each trip up to the handler costs 0.1 ms

App = Callable[[Any, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the server is with one connection, in seconds.

    send_within_s: for the client to take one piece of at most PIECE bytes.
    linger_s: for the client to stop sending after it was refused.
    """

    send_within_s: float = 10.0
    linger_s: float = 2.0


class Connection(TCPServer):
    """One connection: a reader, and the handlers of its requests one after the other."""

    def __init__(
        self,
        app: App,
        config: Config,
        context: WorkerContext,
        limits: Limits,
        turns: trio.Semaphore,
        stream: trio.SocketStream,
    ) -> None:
        """turns: one is held by each WebSocket while it is let in."""
        super().__init__(cast(Any, app), config, context, ConnectionState({}), cast(Any, stream))
        self._limits = limits
        self._turns = turns
        self._line_free = trio.Semaphore(1, max_value=1)
        self.send_lock = cast(trio.Lock, self._line_free)  # it may change hands
        # What is encrypted has to be waited for.
        self._line = cast(Any, stream.socket)._sock if isinstance(stream, trio.SocketStream) else None
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
                    self.send_now,
                    self._turns,
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

    def send_now(self, data: bytes) -> bool:
        """Send `data` if the line is free and takes at least a part of it at once; the rest follows.

        False: nothing of it was sent. Nothing else is sent before the rest.
        """
        if self._line is None or not self._line_free.value:
            return False
        try:
            sent = self._line.send(data)
        except OSError:  # full, or broken: whoever waits for it will see
            return False
        if 0 < sent < len(data):
            self._line_free.acquire_nowait()
            self._nursery.start_soon(self._send_rest, data[sent:])
        return bool(sent)

    async def _send_rest(self, data: bytes) -> None:
        try:
            with contextlib.suppress(trio.BrokenResourceError):
                await self._send_locked(data)
        finally:
            self.send_lock.release()

    async def _send(self, data: bytes) -> None:
        async with self.send_lock:
            await self._send_locked(data)

    async def _send_locked(self, data: bytes) -> None:
        whole = False
        try:
            for at in range(0, len(data), PIECE):
                with trio.fail_after(self._limits.send_within_s):
                    await self.stream.send_all(data[at : at + PIECE])
            whole = True
        except (trio.ClosedResourceError, trio.TooSlowError):
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
            while data := await self.stream.receive_some(self._read_size()):
                if not self._hung_up:
                    await self.protocol.handle(RawData(bytes(data)))
        if not self._hung_up:
            await self.protocol.handle(RawData(b""))
            await self.protocol.handle(Closed())
        await self.idle_task.stop()

    def _read_size(self) -> int:
        return cast(Protocol, self.protocol).read_size()

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

    def __init__(
        self, send_now: Callable[[bytes], bool], turns: trio.Semaphore, app: App, *args: Any
    ) -> None:
        super().__init__(cast(Any, self._run), *args)
        self._send_now = send_now
        self._turns = turns
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

    def read_size(self) -> int:
        """How many bytes to ask of the network: room for many costs more than a short message does."""
        in_body = isinstance(self.connection, _Patient) and self.connection.their_state is h11.SEND_BODY
        return READ_BODY if in_body else MAX_RECV

    async def _check_protocol(self, event: h11.Request) -> None:
        """Offers of other protocols are overheard."""

    async def stream_send(self, event: StreamEvent) -> None:
        """Send what a handler answers; where Hypercorn answers in its place, say what is wrong."""
        if not isinstance(event, StreamResponse) or not _is_bare(event):
            await super().stream_send(event)
            return
        headers, body = _in_words(event.status_code)
        await super().stream_send(StreamResponse(STREAM_ID, headers, event.status_code))
        await super().stream_send(StreamBody(STREAM_ID, body))

    async def _send_error_response(self, status_code: int) -> None:
        """The answer to what cannot be read as a request."""
        headers, body = _in_words(status_code)
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())

    async def _create_stream(self, request: h11.Request) -> None:
        refused = _refused_with(request, self.config.h11_max_incomplete_size)
        if refused is not None:
            await self._send_error_response(refused)
            await self.send(Closed())
            return
        if not _asks_for_a_websocket(request):
            await super()._create_stream(request)
            return
        async with self._turns:
            self.stream = socket = self._socket(request)
            self.connection = H11WSConnection(cast(h11.Connection, self.connection))
            await socket.handle(
                StreamRequest(
                    stream_id=STREAM_ID,
                    headers=[(name, value) for name, value in request.headers if name != OFFERS],
                    http_version=request.http_version.decode(),
                    method="GET",
                    raw_path=request.target,
                    state=self.connection_state,
                )
            )
            with trio.move_on_after(LET_IN_WITHIN_S):
                await socket.answered.wait()

    def _socket(self, request: h11.Request) -> Socket:
        offered = cast(Any, self.config).offers_compression
        offers = [value for name, value in request.headers if offered and name == OFFERS]
        return Socket(
            self._handler,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
            offers=split_comma_header(b",".join(offers)),
            send_now=self._send_now,
        )


class _Patient(h11.Connection):
    they_are_waiting_for_100_continue = False  # for Hypercorn, which would answer at once


def _is_bare(event: StreamResponse) -> bool:
    return event.status_code >= 400 and (b"content-length", b"0") in event.headers


def _in_words(status: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a problem nobody else has words for; the connection ends with it."""
    body = msgspec.json.encode(problem_of(status))
    headers = [
        (b"content-type", MEDIA.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    return headers, body


def _refused_with(request: h11.Request, most: int) -> int | None:
    """The status for a request that no handler shall see; None for all others. most: bytes of its head.

    What says both its length and that it comes in chunks is what is smuggled past proxies (RFC 9112, 6.3).
    """
    names = {name for name, _ in request.headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        return 400
    size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
    return 431 if size > most else None


def _asks_for_a_websocket(request: h11.Request) -> bool:
    headers = {name: value.strip().lower() for name, value in request.headers}
    tokens = [token.strip() for token in headers.get(b"connection", b"").split(b",")]
    return request.method == b"GET" and b"upgrade" in tokens and headers.get(b"upgrade") == b"websocket"


def cure(app: Quart) -> None:
    """Make `app` use the connections above."""
    app.request_class = BodiedRequest
    app.asgi_http_class = cast(Any, RequestConnection)
    app.asgi_websocket_class = cast(Any, SocketConnection)
