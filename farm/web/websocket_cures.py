"""What Hypercorn 0.18 and Quart leave open on WebSockets, closed. Each cure has its test.

* A handler that sends in a loop to a client that is gone: such a send returns without yielding and the
  loop of the whole farm stands still. `SocketConnection` and `Socket.send_frames` yield before they do.
* After a message above the limit, or what is no frame at all, Hypercorn reads on, or hangs up without a
  word: `Socket` says why and closes.
* Compression would be negotiated with every client, cost 100 kB and each message anew for each of them,
  and inflate 64 kB into 64 MB. `Deflate` keeps nothing between messages, so that one deflated message is
  good for all, and inflates no further than the largest message that is taken.
* A text message goes through four layers that each cost as much as sending it: `Socket.send_frames`
  takes finished bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import trio
from hypercorn.protocol.events import Body, Data, Event, Response, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, FrameTooLargeError, WSStream
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope
from quart.utils import encode_headers
from quart.wrappers import Response as QuartResponse
from quart.wrappers import Websocket
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIWebsocketConnection
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Message, Ping
from wsproto.events import Event as WsEvent
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

SOCKET = "farm.socket"  # what the scope calls the `Socket` itself
MOST_UNHEARD = 10  # messages
OFFERS = b"sec-websocket-extensions"

_PING = b"\x89\x00"  # a whole ping frame with nothing in it
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692, 7.2.2: what the sender left out
_ACCEPTED = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class Socket(WSStream):
    """One WebSocket at the level of its frames.

    heard_at: when the client last sent anything at all. answered: set when its handshake was.
    send_now: sends whole frames if that can be done without waiting; False: nothing of them was sent.
    """

    def __init__(self, *args: Any, offers: Sequence[str], send_now: Callable[[bytes], bool]) -> None:
        """offers: the extensions the client offered, empty to have none. send_now: see `Connection`."""
        super().__init__(*args)
        self._handler, self.app = self.app, cast(Any, self._run)
        self.send_now = send_now
        self.heard_at = trio.current_time()
        self.answered = trio.Event()
        self.deflates = any(_can_be_accepted(offer) for offer in offers)

    async def _run(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        scope["extensions"][SOCKET] = self
        await cast(Any, self._handler)(scope, receive, send)

    async def handle(self, event: Event) -> None:
        """Take in what the client did."""
        if isinstance(event, Body | Data):
            self.heard_at = trio.current_time()
        elif isinstance(event, StreamClosed):
            self.send_now = _refuse_all
        await super().handle(event)

    async def app_send(self, message: Any) -> None:
        """Carry out what the handler wants."""
        try:
            await super().app_send(message)
        finally:
            self.answered.set()

    async def send_frames(self, data: bytes) -> None:
        """Send whole frames. Raises trio.BrokenResourceError when the client is gone or going."""
        if self.closed or self.connection.state is not ConnectionState.OPEN:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError("the connection is closed")
        await self.send(Data(stream_id=self.stream_id, data=data))

    async def ping(self) -> None:
        """Ask for a sign of life. Raises trio.BrokenResourceError."""
        await self.send_frames(_PING)

    async def _accept(self, message: Any) -> None:
        self.state = ASGIWebsocketState.CONNECTED
        status, headers, self.connection = self.handshake.accept(
            message.get("subprotocol"), message.get("headers", [])
        )
        if self.deflates:  # before the client hears of it, for it may speak at once
            headers.append((OFFERS, _ACCEPTED))
            deflate = Deflate(self.config.websocket_max_message_size)
            self.connection = Connection(ConnectionType.SERVER, [deflate])
        await self.send(Response(stream_id=self.stream_id, status_code=status, headers=headers))

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Message):
                try:
                    self.buffer.extend(event)
                except FrameTooLargeError:
                    await self._refuse(CloseReason.MESSAGE_TOO_BIG, "the message is too large")
                    break
                if event.message_finished:
                    await cast(Any, self.app_put)(self.buffer.to_message())
                    self.buffer.clear()
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                await self._part(event)

    async def _send_wsproto_event(self, event: WsEvent) -> None:
        if isinstance(event, CloseConnection):  # the last that is said
            self.send_now = _refuse_all
        await super()._send_wsproto_event(event)

    async def _part(self, event: CloseConnection) -> None:
        """The client says goodbye, answers ours, or sent what is no frame: wsproto tells all three alike."""
        if self.connection.state is ConnectionState.OPEN:
            await self._refuse(event.code, event.reason)
            return
        if self.connection.state is ConnectionState.REMOTE_CLOSING:
            await self._send_wsproto_event(event.response())
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _refuse(self, code: int, reason: str | None) -> None:
        """Close; nothing the client still has to say is of use."""
        await self._send_wsproto_event(CloseConnection(code=code, reason=reason))
        await self.send(StreamClosed(stream_id=self.stream_id))


def _refuse_all(data: bytes) -> bool:
    """What a line sends that is closed or closing."""
    return False


def _can_be_accepted(offer: str) -> bool:
    """Whether the client can inflate what we deflate, which is made for the usual window."""
    name, *wishes = [part.strip() for part in offer.split(";")]
    return name == PerMessageDeflate.name and not any(
        wish.startswith("server_max_window_bits") for wish in wishes
    )


class Deflate(PerMessageDeflate):
    """Inflates what the client says; what it is told by wsproto goes as it is."""

    def __init__(self, most: int) -> None:
        """most: bytes of the largest message."""
        super().__init__(client_no_context_takeover=True, server_no_context_takeover=True)
        self._enabled = True
        self._most = most
        self._inflated = 0

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """A part of a message as it was before it was deflated."""
        if not (self._inbound_compressed and self._inbound_is_compressible):
            return data
        return self._inflate(data)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """The rest of a message that is whole."""
        if not (fin and self._inbound_is_compressible):
            return None
        was_compressed, self._inbound_compressed = self._inbound_compressed, None
        rest = self._inflate(_TAIL) if was_compressed else None
        self._decompressor, self._inflated = None, 0
        return rest

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Each message says of itself whether it is deflated: this one is not."""
        return rsv, data

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        inflate = cast(Any, self._decompressor).decompress
        try:
            inflated: bytes = inflate(data, self._most + 1 - self._inflated)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._inflated += len(inflated)
        return CloseReason.MESSAGE_TOO_BIG if self._inflated > self._most else inflated


class SocketConnection(TrioASGIWebsocketConnection):
    """One WebSocket as Quart sees it: yields whenever it sends, and tells of our mistakes with code 1011.

    What the client said waits here, and in the network when MOST_UNHEARD messages do: where Quart keeps
    it has changed with its versions, and the newer of them keep all that comes.
    """

    def __init__(self, app: QuartTrio, scope: WebsocketScope) -> None:
        super().__init__(app, scope)
        self._gone = False
        self._tell, self._hear = trio.open_memory_channel[str | bytes](MOST_UNHEARD)

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Let the app talk to the client until either has enough."""
        websocket: Any = self._create_websocket_from_scope(send)
        websocket.receive = self._hear.receive
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, nursery, receive)
            nursery.start_soon(self.handle_websocket, nursery, websocket, send)

    async def _listen(self, nursery: trio.Nursery, receive: ASGIReceiveCallable) -> None:
        """Pass on what the client says; when it has left, end its handler and whoever waits for a message."""
        with self._tell:
            while (event := await receive())["type"] != "websocket.disconnect":
                if event["type"] == "websocket.receive":
                    text = event["text"]
                    await self._tell.send(text if text is not None else event["bytes"] or b"")
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
            await _refuse(send, cast(QuartResponse | None, response))
        elif not self._closed:  # Quart says 1000, all is well, also after an exception
            code = CloseReason.NORMAL_CLOSURE if response is None else CloseReason.INTERNAL_ERROR
            await send({"type": "websocket.close", "code": code, "reason": None})
        nursery.cancel_scope.cancel()


async def _refuse(send: ASGISendCallable, response: QuartResponse | None) -> None:
    """Answer a handshake with `response` instead of a WebSocket."""
    if response is None:
        await send({"type": "websocket.close", "code": CloseReason.NORMAL_CLOSURE, "reason": None})
        return
    body = await response.get_data(as_text=False)
    headers = encode_headers(response.headers)
    start = {"type": "websocket.http.response.start", "status": response.status_code, "headers": headers}
    await send(cast(Any, start))
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
