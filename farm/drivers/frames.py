"""WebSocket frames as a client reads and writes them (RFC 6455): bytes in, messages out. No I/O, no clock.

For what follows a handshake in which nothing was agreed beside it. A thousand printers say a thousand things
a second, nearly all of them one whole text in one piece: that costs a quarter of what it does with wsproto.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple


class Nonsense(ValueError):
    """What came is no frame that a server may send."""


class TooLong(ValueError):
    """A message is longer than it may be."""


class Kind(IntEnum):
    """What a frame is, by its number on the wire."""

    MORE = 0  # of the message that was begun
    TEXT = 1
    BYTES = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Said(NamedTuple):
    """One whole message, or a word about the socket itself. payload: of a text, its UTF-8."""

    kind: Kind
    payload: bytes


_WHOLE = 0x80
_MASKED = 0x80
_KINDS = {int(kind): kind for kind in Kind}
_LONGEST_WORD = 125  # bytes of a frame about the socket itself
_SHORT, _LONG = 126, 127  # in the place of the length: it follows in 2 or in 8 bytes


class Frames:
    """What one server says. longest: bytes of a message; not much more is kept between two pieces."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = b""  # of a frame that is not whole yet
        self._begun: Kind | None = None  # a message, of which more is to come
        self._parts = bytearray()  # of that one

    def receive(self, data: bytes) -> Iterator[Said]:
        """What became whole with these bytes; not to be left half-way. Raises Nonsense, TooLong."""
        data = self._rest + data if self._rest else data
        begin, size = 0, len(data)
        while size - begin >= 2:
            first, length = data[begin], data[begin + 1]
            head = begin + 2
            if length >= _SHORT:
                if length >= _MASKED:
                    raise Nonsense("a server masks nothing")
                head += 2 if length == _SHORT else 8
                if size < head:
                    break
                length = int.from_bytes(data[begin + 2 : head], "big")
            if length + len(self._parts) > self._longest:
                raise TooLong(f"more than {self._longest} bytes")
            if size < head + length:
                break
            begin = head + length
            said = self._taken(first, data[head:begin])
            if said is not None:
                yield said
        self._rest = data[begin:]

    def _taken(self, first: int, payload: bytes) -> Said | None:
        """What a frame says; None while there is more to come. first: its first byte."""
        kind = _KINDS.get(first & ~_WHOLE)
        if kind is None:  # or bits are set of which nothing was agreed
            raise Nonsense(f"no frame begins with {first}")
        if kind >= Kind.CLOSE:
            if not first & _WHOLE or len(payload) > _LONGEST_WORD:
                raise Nonsense("a word about the socket itself is short and whole")
            return Said(kind, payload)
        if (kind is Kind.MORE) != (self._begun is not None):
            raise Nonsense("a message begins within another, or goes on that was not begun")
        if first & _WHOLE and self._begun is None:
            return Said(kind, payload)
        return self._gathered(kind, payload, bool(first & _WHOLE))

    def _gathered(self, kind: Kind, part: bytes, is_last: bool) -> Said | None:
        begun = self._begun = self._begun or kind
        self._parts += part  # in one piece, for a part may be empty, and the next ones too
        if not is_last:
            return None
        said = Said(begun, bytes(self._parts))
        self._begun, self._parts = None, bytearray()
        return said


def written(kind: Kind, payload: bytes) -> bytes:
    """A whole frame as a client sends it, which is masked."""
    size, mask = len(payload), secrets.token_bytes(4)
    if size < _SHORT:
        length = bytes((_MASKED | size,))
    elif size < 1 << 16:
        length = bytes((_MASKED | _SHORT,)) + size.to_bytes(2, "big")
    else:
        length = bytes((_MASKED | _LONG,)) + size.to_bytes(8, "big")
    return bytes((_WHOLE | kind,)) + length + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    whole = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")
