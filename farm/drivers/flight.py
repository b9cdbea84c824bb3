"""The last raw words between the farm and each printer's host, kept for when something went wrong.

What a driver sends and hears is noted where it passes, in `http.py` and `websocket.py`: a reference to the
bytes and no more. Whoever drives a printer says with `recording` where to; nothing else is recorded.
Headers are never noted, for keys stand in them, and what looks like a secret is left out of what is shown.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import datetime, timedelta
from urllib.parse import quote

import trio
from msgspec import Struct

from farm.domain.clock import iso

ROOM = 256 * 1024  # bytes of one printer's exchanges
LONGEST = 4096  # bytes of one body; of more the beginning is kept
OVERHEAD = 200  # bytes that an exchange takes beside its words
LEAST_SECRET = 4  # characters; shorter ones would make everything unreadable
LEFT_OUT = "[left out]"

SENT, CAME, FAILED = ">", "<", "!"

_SECRET = re.compile(
    r"""((?:passw|secret|token|api.?key|session|credential|auth|cookie)[\w-]{0,20}\\?["']?\s{0,5}[:=]\s{0,5})"""
    r"""(\\?"(?:[^"\\]|\\.){0,4096}"?|[^\s&,;}\]"]{1,4096})""",
    re.IGNORECASE,
)


class Exchange(Struct, frozen=True, gc=False):
    """Something sent, heard or gone wrong. at: seconds of trio's clock. size: bytes of the whole body."""

    at: float
    mark: str
    head: str
    body: bytes | str
    size: int


class FlightRecorder:
    """The last exchanges with one printer's host; the oldest make room. It outlives its printer's actor."""

    def __init__(self, room: Callable[[], int] = lambda: ROOM) -> None:
        """room: bytes that it may take; it may change."""
        self._room = room
        self._exchanges: deque[Exchange] = deque()
        self._taken = 0

    def sent(self, head: str, body: bytes | str = b"") -> None:
        """We said this."""
        self._note(SENT, head, body)

    def came(self, head: str, body: bytes | str = b"") -> None:
        """The peer said this."""
        self._note(CAME, head, body)

    def failed(self, words: str) -> None:
        """Why no answer came."""
        self._note(FAILED, words, b"")

    def everything(self) -> tuple[Exchange, ...]:
        """All that is kept, oldest first."""
        return tuple(self._exchanges)

    def _note(self, mark: str, head: str, body: bytes | str) -> None:
        size = len(body)
        kept = body if size <= LONGEST else body[:LONGEST]
        self._exchanges.append(Exchange(trio.current_time(), mark, head, kept, size))
        self._taken += len(kept) + OVERHEAD
        room = self._room()
        while self._taken > room and len(self._exchanges) > 1:
            self._taken -= len(self._exchanges.popleft().body) + OVERHEAD


recording: ContextVar[FlightRecorder | None] = ContextVar("recording", default=None)
"""Where the running task's exchanges are noted; None for nowhere."""


def written(
    exchanges: Iterable[Exchange], now: datetime, now_s: float, secrets: Iterable[str]
) -> Iterator[str]:
    """The exchanges as lines of text. now, now_s: the same moment, by the wall clock and by trio's.

    secrets: known ones, left out wherever they stand.
    """
    known = _forms(secrets)
    for exchange in exchanges:
        at = iso(now - timedelta(seconds=now_s - exchange.at))
        cut = f" … of {exchange.size} bytes" if exchange.size > len(exchange.body) else ""
        body = exchange.body if isinstance(exchange.body, str) else exchange.body.decode("utf-8", "replace")
        words = f"{exchange.head} {body}".rstrip()
        yield f"{at} {exchange.mark} {_printable(_without_secrets(words, known))}{cut}"


def _without_secrets(words: str, known: Iterable[str]) -> str:
    for secret in known:
        words = words.replace(secret, LEFT_OUT)
    return _SECRET.sub(rf"\1{LEFT_OUT}", words)


def _forms(secrets: Iterable[str]) -> list[str]:
    """Every way in which a secret may be written, the longest first."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= LEAST_SECRET:
            found |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    return sorted(found, key=len, reverse=True)


def _printable(words: str) -> str:
    """On one line, and fit for every terminal."""
    if words.isprintable():
        return words
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in words
    )
