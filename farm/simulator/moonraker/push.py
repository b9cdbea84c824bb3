"""Moonraker's JSON-RPC socket for one client, as messages in and out: no socket, no clock.

Faults concern the answers alone: what Moonraker tells by itself goes on, as long as bytes pass.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from farm.simulator.faults import Faults, Manner, Silence
from farm.simulator.host import Json
from farm.simulator.moonraker.host import STATISTICS_EVERY_S, MoonrakerHost
from farm.simulator.moonraker.klippy import Refusal
from farm.simulator.moonraker.methods import Call, meant, perform
from farm.simulator.moonraker.objects import OBJECTS, Look

MAX_WAITING = 1000  # messages a client may leave unread before it is cut off
_CODES = {404: -32601, 401: -32602}
_BROKEN = Refusal(500, "Internal Server Error")
_numbers = itertools.count(1)

_STATISTICS = (
    b'{"jsonrpc":"2.0","method":"notify_proc_stat_update","params":[{"moonraker_stats":{"time":%.6f,'
    b'"cpu_usage":%.2f,"memory":%d,"mem_units":"kB"},"cpu_temp":%.3f,"network":{"lo":{"rx_bytes":%d,'
    b'"tx_bytes":%d,"rx_packets":4711,"tx_packets":4711,"rx_errs":0,"tx_errs":0,"rx_drop":0,"tx_drop":0,'
    b'"bandwidth":1234.5},"wlan0":{"rx_bytes":%d,"tx_bytes":%d,"rx_packets":99012,"tx_packets":42107,'
    b'"rx_errs":0,"tx_errs":0,"rx_drop":12,"tx_drop":0,"bandwidth":2345.6}},"system_cpu_usage":{"cpu":%.2f,'
    b'"cpu0":4.04,"cpu1":5.05,"cpu2":3.03,"cpu3":6.06},"system_memory":{"total":999036,"available":612345,'
    b'"used":386691},"websocket_connections":%d}]}'
)


class _Watched:
    """One printer object that a client subscribed to, and how it was last told of it."""

    def __init__(self, name: str, fields: list[str] | None, seen: Json) -> None:
        known = OBJECTS[name]
        self.name = name
        self.lively = known.lively
        self._look: Look = known.look
        self._fields = frozenset(fields) if fields is not None else None
        self._seen = seen

    def news(self, host: MoonrakerHost, now: float) -> Json:
        """The fields that changed."""
        fresh, seen, fields = self._look(host, now), self._seen, self._fields
        if fields is not None:
            fresh = {name: value for name, value in fresh.items() if name in fields}
        if fresh == seen:
            return {}
        self._seen = fresh
        return {name: value for name, value in fresh.items() if value != seen.get(name)}


class Push:
    """One client of the socket; see `host.Push`. admitted: it came with the key."""

    def __init__(
        self,
        host: MoonrakerHost,
        faults: Faults,
        admitted: bool,
        now: float,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self.waiting: deque[bytes] = deque()
        self.uid = next(_numbers)
        self.identified = False
        self.authorised = admitted
        self._host = host
        self._faults = faults
        self._on_news = on_news
        self._hung_up = False
        self._watched: list[_Watched] = []
        self._mark: object = None
        self._next_status = math.inf
        self._next_statistics = host.next_tick(now, STATISTICS_EVERY_S)
        self.wake_at = self._next_statistics
        host.listeners.add(self._hear)

    def close(self) -> None:
        self._host.listeners.discard(self._hear)

    @property
    def over(self) -> bool:
        """Whether the client reads so little that it is cut off, or Moonraker hangs up."""
        return self._hung_up or len(self.waiting) > MAX_WAITING

    # -- telling -------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Adds what Moonraker tells by itself and is due."""
        if now >= self._next_statistics:
            self._next_statistics = self._host.next_tick(now, STATISTICS_EVERY_S)
            self.waiting.append(self._statistics(now))
        if now >= self._next_status:
            self._next_status = self._host.next_tick(now)
            self._host.tick(now)
            self._tell_status(now)
        self.wake_at = min(self._next_statistics, self._next_status)

    def _tell_status(self, now: float) -> None:
        """Only what changed. What changes by an event alone is not looked at where there was none."""
        host = self._host
        klippy = host.klippy
        mark = None if klippy.printing else (klippy.version, host.machine.lines)
        quiet = mark is not None and mark == self._mark
        self._mark = mark
        delta: Json = {}
        for watched in self._watched:
            if watched.lively or not quiet:
                news = watched.news(host, now)
                if news:
                    delta[watched.name] = news
        if delta:
            message = {"jsonrpc": "2.0", "method": "notify_status_update", "params": (delta, now)}
            self.waiting.append(msgspec.json.encode(message))

    def _statistics(self, now: float) -> bytes:
        host = self._host
        up = int(now - host.booted)
        cpu = 2 + (up % 7) / 3
        traffic = (500 * up, 500 * up, 900 * up, 2400 * up)
        parts = (host.wall(now), cpu, 52_000 + up % 64, 45 + cpu, *traffic, cpu + 3, len(host.listeners))
        return _STATISTICS % parts

    def repeat(self, times: int, now: float) -> None:
        """Adds so many statistics, as far as there is room for them."""
        room = MAX_WAITING // 2 - len(self.waiting)
        if room > 0:
            self.waiting.extend([self._statistics(now)] * min(times, room))

    def _hear(self, name: str, message: bytes) -> None:
        if name == "klippy_disconnected":
            self._watched, self._next_status = [], math.inf  # subscriptions are Klippy's, and gone with it
        elif name == "klippy_shutdown" and self._watched:
            self._tell_status(self._host.now)  # first what it looks like
        self.waiting.append(message)
        self._on_news()

    def watch(self, wanted: Mapping[str, list[str] | None], seen: Json, now: float) -> None:
        """Replaces what it watched before."""
        self._watched = [_Watched(name, wanted[name], dict(fields)) for name, fields in seen.items()]
        self._mark = None
        self._next_status = self._host.next_tick(now) if self._watched else math.inf
        self.wake_at = min(self._next_statistics, self._next_status)

    # -- answering -----------------------------------------------------------------------------------

    def receive(self, text: str, now: float) -> None:
        """One message of the client's: a call, or a list of calls."""
        if self._faults.manner is Manner.DROP:
            self._hung_up = True
        elif self._faults.slow_ms:
            self._host.later(now + self._faults.slow_ms / 1000, lambda at: self._take(text, at))
        else:
            self._take(text, now)

    def _take(self, text: str, now: float) -> None:
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._say(_error(Refusal(-32700, "Parse error"), None))
            return
        if isinstance(message, list):
            self._take_all(message, now)
        else:
            self._call(message, now, self._say)

    def _take_all(self, messages: list[Any], now: float) -> None:
        """Answers several calls in one message, once all are done."""
        answers: list[Json] = []
        open_calls = len(messages)

        def done(answer: Json | None) -> None:
            nonlocal open_calls
            open_calls -= 1
            if answer is not None:
                answers.append(answer)
            if not open_calls and answers:
                self._say(answers)

        for message in messages:
            self._call(message, now, done)

    def _call(self, message: Any, now: float, done: Callable[[Json | None], None]) -> None:
        """One call. done: takes the answer, or None where the client hears nothing of it."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            number = message.get("id") if isinstance(message, dict) else None
            done(_error(Refusal(-32600, "Invalid Request"), number))
            return
        number, name, params = message.get("id"), message.get("method"), message.get("params", {})
        if name is None:
            done(None)  # an answer, to nothing that was asked
            return

        def replied(result: Any) -> None:
            if isinstance(result, Refusal):
                done(_error(result, number))
            else:
                lost = number is None or self._swallowed(name, params)
                done(None if lost else {"jsonrpc": "2.0", "result": result, "id": number})

        try:
            if not isinstance(name, str):
                raise Refusal(-32600, "Invalid Request")
            if not isinstance(params, dict):
                raise Refusal(-32602, "Invalid params:")
            if self._faults.manner is Manner.ERROR:
                raise _BROKEN
            self._host.counted.requests += 1
            perform(name, Call(self._host, params, now, replied, self), self.authorised)
        except Refusal as refusal:
            done(_error(refusal, number))

    def _swallowed(self, name: str, params: Json) -> bool:
        silence = self._faults.swallows(meant(name, params))
        if silence is Silence.CLOSE:
            self._hung_up = True
            self._on_news()
        return silence is not None

    def _say(self, answer: Json | list[Json] | None) -> None:
        if answer is not None:
            self.waiting.append(self._faults.spoilt(msgspec.json.encode(answer)))
            self._on_news()


def _error(refusal: Refusal, number: Any) -> Json:
    code = _CODES.get(refusal.code, refusal.code)
    words = "Method not found" if code == -32601 and refusal.words == "Not Found" else refusal.words
    return {"jsonrpc": "2.0", "error": {"code": code, "message": words}, "id": number}
