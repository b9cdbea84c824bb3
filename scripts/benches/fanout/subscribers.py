"""Subscribers of the benchmark `live`: bare sockets that take every event and check that none is amiss."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from scripts.benches.fanout.farm_server import EVENT, ROOMS

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Amiss(Exception):
    """An event was lost, doubled or out of order."""


class Event(msgspec.Struct):
    """What was published: the n-th of this run. at: in seconds on the clock that all processes here share."""

    n: int
    at: float


class Talk(Protocol):
    """How a server is spoken to."""

    path: str

    def opening(self) -> Sequence[str]:
        """What a subscriber says first."""

    def hear(self, text: bytes) -> tuple[Sequence[Event], str | None]:
        """The events in one message, and what must be answered. Raises Amiss."""

    @property
    def ready(self) -> bool:
        """Whether it is in its room."""


class _Status(msgspec.Struct):
    message: str


class _Data(msgspec.Struct):
    """Of a fact, which is an event, or of a printer, whose message is one."""

    n: int | None = None
    at: float | None = None
    status: _Status | None = None


class _Frame(msgspec.Struct):
    type: str
    seq: int | None = None
    prev: int | None = None
    data: _Data | None = None
    events: list[_Frame] = []


_FRAME = msgspec.json.Decoder(_Frame)
_EVENT = msgspec.json.Decoder(Event)
_EMITTED = msgspec.json.Decoder(tuple[str, Event])


class FarmTalk:
    """One connection to `/v1/live`. Checks the chain of `prev`."""

    path = "/v1/live"

    def __init__(self, token: str, batch_delay_ms: int = 50, since: Mapping[str, Any] | None = None) -> None:
        self._awaited = 1 if since else len(ROOMS)  # one end of a replay, or a snapshot for each room
        self._said: list[Mapping[str, Any]] = [
            {"op": "auth", "token": token},
            {"op": "configure", "batch_delay_ms": batch_delay_ms},
            {"op": "subscribe", "rooms": ROOMS, **({"since": since} if since else {})},
        ]
        self._sent: int | None = None
        self.past: Mapping[str, Any] = {}

    @staticmethod
    def configure(batch_delay_ms: int) -> str:
        """The wish to have events gathered for so long."""
        return json.dumps({"op": "configure", "batch_delay_ms": batch_delay_ms})

    @property
    def ready(self) -> bool:
        """Whether it is in its rooms."""
        return self._awaited == 0

    def opening(self) -> Sequence[str]:
        """What it says first."""
        return [json.dumps(one) for one in self._said]

    def hear(self, text: bytes) -> tuple[Sequence[Event], str | None]:
        """The events in one message; nothing is ever to be answered. Raises Amiss."""
        frame = _FRAME.decode(text)
        if frame.type in ("snapshot", "replay"):
            self._awaited -= 1
        elif frame.type == "error":
            raise Amiss(text.decode())
        elif frame.type == "welcome":
            welcome = msgspec.json.decode(text)
            self.past = {"epoch": welcome["epoch"], "seq": welcome["seq"]}
        return [found for each in frame.events or [frame] if (found := self._event(each))], None

    def _event(self, frame: _Frame) -> Event | None:
        data = frame.data
        if frame.type == "printer.statusUpdate" and data is not None and data.status is not None:
            n, at = data.status.message.split()
            return Event(int(n), float(at))
        if frame.type != EVENT or data is None or data.n is None or data.at is None:
            return None
        if frame.prev != self._sent:
            raise Amiss(f"fact {frame.seq} follows {frame.prev}, not {self._sent}")
        self._sent = frame.seq
        return Event(data.n, data.at)


class SocketIoTalk:
    """One connection to Socket.IO 4 by its WebSocket transport."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def __init__(self) -> None:
        self.ready = False

    def opening(self) -> Sequence[str]:
        return []

    def hear(self, text: bytes) -> tuple[Sequence[Event], str | None]:
        if text.startswith(b"42"):
            return [_EMITTED.decode(text[2:])[1]], None
        if text.startswith(b"40"):
            self.ready = True
        return [], {b"0": "40", b"2": "3"}.get(text[:1]) if not text.startswith(b"40") else None


class PlainTalk:
    """One connection to a server that sends the events and nothing else."""

    path = "/"
    ready = True

    def opening(self) -> Sequence[str]:
        return []

    def hear(self, text: bytes) -> tuple[Sequence[Event], str | None]:
        return [_EVENT.decode(text)], None


@dataclass
class Tally:
    """What all subscribers of one server heard since the last `clear`. latencies: in seconds."""

    latencies: list[float] = field(default_factory=list)
    bytes: int = 0
    amiss: Exception | None = None

    def clear(self) -> None:
        """Begin anew."""
        self.latencies.clear()
        self.bytes = 0

    async def whole(self, events: int) -> None:
        """Return when so many were heard. Raises what went amiss."""
        while len(self.latencies) < events and self.amiss is None:  # noqa: ASYNC110  # cheaper than telling
            await asyncio.sleep(0.05)
        if self.amiss is not None:
            raise self.amiss


class Subscriber(asyncio.Protocol):
    """One WebSocket that reads all it gets."""

    def __init__(self, talk: Talk, port: int, tally: Tally) -> None:
        self.open = asyncio.get_running_loop().create_future()
        self.heard: set[int] = set()  # the numbers of its events: facts are in order, states among them not
        self.talk = talk
        self._port = port
        self._tally = tally
        self._buffer = bytearray()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # for the type checker
        self._transport = transport
        transport.write(_HANDSHAKE.format(path=self.talk.path, port=self._port).encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            self._upgrade()
        try:
            for opcode, payload in _frames(self._buffer) if self._upgraded else ():
                self._take(opcode, payload)
        except Exception as error:
            self._tally.amiss = self._tally.amiss or error
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(Amiss(f"the connection was refused or lost: {error}"))

    def close(self) -> None:
        """Leave without a word, as a browser does that is closed."""
        self._transport.abort()

    def begin(self) -> None:
        """The next event is the first of its run."""
        self.heard.clear()

    def _upgrade(self) -> None:
        head, ended, rest = self._buffer.partition(b"\r\n\r\n")
        if not ended:
            return
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Amiss(head.decode("latin1"))
        self._upgraded = True
        self._buffer = rest
        self.say(*self.talk.opening())
        self._see_whether_it_is_in()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            events, answer = self.talk.hear(payload)
            now = time.perf_counter()
            for event in events:
                if event.n in self.heard:
                    raise Amiss(f"event {event.n} came twice")
                self.heard.add(event.n)
                self._tally.latencies.append(now - event.at)
            self._tally.bytes += len(payload)
            if answer is not None:
                self.say(answer)
            self._see_whether_it_is_in()
        elif opcode == _PING:
            self._transport.write(_masked(_PONG, payload))
        elif opcode == _CLOSE:
            raise Amiss(f"the server closed: {payload[2:].decode()}")

    def _see_whether_it_is_in(self) -> None:
        if self.talk.ready and not self.open.done():
            self.open.set_result(None)

    def say(self, *texts: str) -> None:
        """Send messages."""
        self._transport.write(b"".join(_masked(_TEXT, text.encode()) for text in texts))


async def subscribe(port: int, talks: Sequence[Talk], tally: Tally) -> list[Subscriber]:
    """Connect them all at once; returns when each is in its room. Raises Amiss, OSError, TimeoutError."""
    loop = asyncio.get_running_loop()

    async def connect(talk: Talk) -> Subscriber:
        _, subscriber = await loop.create_connection(lambda: Subscriber(talk, port, tally), "127.0.0.1", port)
        await subscriber.open
        return subscriber

    async with asyncio.timeout(60):
        return list(await asyncio.gather(*(connect(talk) for talk in talks)))


def stalled(port: int, talk: Talk) -> socket.socket:
    """A client that enters its room and then never reads, with a receive buffer of 4 kB."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.sendall(_HANDSHAKE.format(path=talk.path, port=port).encode())
    sock.recv(4096)
    for text in talk.opening():
        sock.sendall(_masked(_TEXT, text.encode()))
    return sock


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; the mask is four zeros, which leave everything as it is."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def _frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """The whole frames at the start of `buffer`, which are taken out of it."""
    at = 0
    while len(buffer) - at >= 2:
        opcode, length, start = buffer[at] & 15, buffer[at + 1], at + 2
        if length == 126:
            start = at + 4
            length = int.from_bytes(buffer[at + 2 : start], "big") if len(buffer) >= start else len(buffer)
        elif length == 127:
            start = at + 10
            length = int.from_bytes(buffer[at + 2 : start], "big") if len(buffer) >= start else len(buffer)
        if len(buffer) < start + length:
            break
        yield opcode, bytes(buffer[start : start + length])
        at = start + length
    del buffer[:at]
