"""Which part of a file a client asks for (RFC 9110, 14). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.IGNORECASE)


class OutOfRange(Exception):
    """There is nothing of the file where the part would be."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from `begin` up to, and without, `end`."""

    begin: int
    end: int

    def said(self, size: int) -> str:
        """Content-Range."""
        return f"bytes {self.begin}-{self.end - 1}/{size}"


def part_wanted(range_: str | None, if_range: str | None, tag: str, size: int) -> Part | None:
    """What `Range` and `If-Range` ask for of a file of `size` bytes that goes by the ETag `tag`.

    None is the whole: where no part is asked for, or several, or in a way that is not understood, or of a
    file that has become another. Raises OutOfRange.
    """
    asked = _ONE_RANGE.fullmatch(range_ or "")
    if asked is None or (if_range is not None and if_range.strip() != f'"{tag}"'):
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:
        return _the_last(int(last), size)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise OutOfRange
    return Part(int(first), end)


def _the_last(length: int, size: int) -> Part:
    if length == 0 or size == 0:
        raise OutOfRange
    return Part(max(0, size - length), size)
