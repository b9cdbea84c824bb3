"""Who looks at a shop while it is measured: one subscriber that takes the time, and some that only listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from farm.simulator.stamp import age_s
from scripts.benches.shop import Shop

LOOK_EVERY_S = 0.02
PIECE = 256 * 1024
_HANDSHAKE = (
    b"GET /v1/live HTTP/1.1\r\nHost: farm\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SHOWN_WITHIN_S = 240.0  # for printers to be shown as they should be

LONG_PRINT = b"".join(b"G1 X%d F60\n" % (200 * (line % 2)) for line in range(500))
"""A print that outlasts every measurement: slow moves of a cold machine."""

Status: TypeAlias = Mapping[str, Any]


class Watcher:
    """A subscriber of the farm. ages_s: of each new reading of the printers of a group, when it came."""

    def __init__(self, *groups: Sequence[str]) -> None:
        self.ages_s: list[list[float]] = [[] for _ in groups]
        self._ages = {name: ages for group, ages in zip(groups, self.ages_s, strict=True) for name in group}
        self._newest: dict[str, float] = {}
        self._statuses: dict[str, Status] = {}
        self._socket: WebSocketConnection | None = None

    async def listen(self, shop: Shop, task_status: trio.TaskStatus[None]) -> None:
        """Listens for ever, or until the farm stops; started once the farm shows its printers."""
        url = shop.url.replace("http", "ws", 1) + "/v1/live"
        async with open_websocket_url(url, max_message_size=16 * 1024 * 1024) as socket:
            await socket.send_message(msgspec.json.encode({"op": "auth", "token": shop.key}).decode())
            await socket.send_message('{"op":"subscribe","rooms":["printers"]}')
            self._socket = socket
            while True:
                message = await socket.get_message()
                now = time.time()
                if self._take(msgspec.json.decode(message), now):
                    task_status.started()

    async def configure(self, batch_delay_ms: int) -> None:
        """From now on events are gathered for so long before they are sent here."""
        assert self._socket is not None  # noqa: S101  # for the type checker
        await self._socket.send_message(msgspec.json.encode(_configuration(batch_delay_ms)).decode())

    async def until(self, printers: Sequence[str], wanted: Callable[[Status], bool]) -> None:
        """Waits until all of these printers are shown as wanted. Raises trio.TooSlowError."""
        waiting = set(printers)
        with trio.fail_after(SHOWN_WITHIN_S):
            # Not at every word of the farm's: it says a thousand a second.
            while waiting := {name for name in waiting if not self._is(name, wanted)}:  # noqa: ASYNC110
                await trio.sleep(LOOK_EVERY_S)

    def _is(self, name: str, wanted: Callable[[Status], bool]) -> bool:
        return name in self._statuses and wanted(self._statuses[name])

    def _take(self, message: dict[str, Any], now: float) -> bool:
        """Take in what the farm says; whether it was the snapshot."""
        match message["type"]:
            case "batch.update":
                for event in message["events"]:
                    self._take(event, now)
            case "printer.statusUpdate":
                self._see(message["data"], now)
            case "printer.gone":
                self._statuses.pop(message["data"]["id"], None)
            case "snapshot":
                self._statuses = {printer["id"]: printer["status"] for printer in message["data"]["items"]}
                return True
        return False

    def _see(self, printer: dict[str, Any], now: float) -> None:
        name, status = printer["id"], printer["status"]
        self._statuses[name] = status
        ages, nozzle = self._ages.get(name), status["temperatures"].get("tool0")
        if ages is not None and nozzle is not None and nozzle["actual"] != self._newest.get(name):
            self._newest[name] = nozzle["actual"]
            ages.append(age_s(nozzle["actual"], now))


class Bystander:
    """A subscriber that hears everything and looks at nothing: it costs the machine next to nothing."""

    def __init__(self) -> None:
        self._line: trio.SocketStream | None = None

    async def configure(self, batch_delay_ms: int) -> None:
        """From now on events are gathered for so long before they are sent here."""
        assert self._line is not None  # noqa: S101  # for the type checker
        await self._line.send_all(_masked(0x81, msgspec.json.encode(_configuration(batch_delay_ms))))

    async def listen(self, shop: Shop, task_status: trio.TaskStatus[None]) -> None:
        """Listens until the farm stops, and answers its pings; started once it has said who it is."""
        host, _, port = shop.url.removeprefix("http://").partition(":")
        async with await trio.open_tcp_stream(host, int(port)) as line:
            await line.send_all(_HANDSHAKE)
            for words in ({"op": "auth", "token": shop.key}, {"op": "subscribe", "rooms": ["printers"]}):
                await line.send_all(_masked(0x81, msgspec.json.encode(words)))
            self._line = line
            task_status.started()
            kept = b""
            while b"\r\n\r\n" not in kept:
                kept += await line.receive_some(PIECE)
            kept = kept.partition(b"\r\n\r\n")[2]
            while data := await line.receive_some(PIECE):
                kept += data
                while (frame := next_frame(kept)) is not None:
                    kind, payload, kept = frame
                    if kind == 0x89:
                        await line.send_all(_masked(0x8A, payload))


def next_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """A server's next whole frame: its first byte, what is in it, and what follows."""
    if len(data) < 2:
        return None
    size, begins = data[1], 2
    if size > 125:
        begins = 4 if size == 126 else 10
        size = int.from_bytes(data[2:begins], "big")
    if len(data) < begins + size:
        return None
    return data[0], data[begins : begins + size], data[begins + size :]


def _configuration(batch_delay_ms: int) -> Mapping[str, object]:
    return {"op": "configure", "batch_delay_ms": batch_delay_ms}


def _masked(kind: int, payload: bytes) -> bytes:
    """A client's frame, with a mask that changes nothing."""
    size = len(payload)
    head = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((kind,)) + head + bytes(4) + payload


def is_online(status: Status) -> bool:
    return bool(status["connection"] == "online")
