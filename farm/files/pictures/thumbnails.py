"""The pictures that slicers write into the head of a G-code file.

; thumbnail begin 220x124 5052
; iVBORw0KGgoAAAANSUhEUg...
; thumbnail end
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_PICTURES = 16
MOST_BYTES = 2 * 1024 * 1024  # of one picture, decoded
MOST_PIXELS = 2048  # a side: what a phone can still show without trouble

PNG, JPEG, QOI = "image/png", "image/jpeg", "image/qoi"

_BEGIN = re.compile(rb"^; *thumbnail(?:_(?:PNG|JPG|QOI))? begin \d+[x ]\d+ (\d{1,9})[ \t\r]*$", re.MULTILINE)
_END = re.compile(rb"^; *thumbnail(?:_(?:PNG|JPG|QOI))? end", re.MULTILINE)
_ROW_START = re.compile(rb"^; *", re.MULTILINE)

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""JPEG segments that say how large the picture is."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was looked at and is one. media: its type. width, height: pixels, as drawn in it."""

    media: str
    width: int
    height: int
    data: bytes


def pictures(head: bytes) -> list[Picture]:
    """Every thumbnail in `head`; what is damaged or no picture is left out."""
    found = []
    for begin, end in _blocks(head):
        picture = _decoded(head[begin.end() : end.start()], int(begin[1]))
        if picture is not None:
            found.append(picture)
        if len(found) == MOST_PICTURES:
            break
    return found


def largest(found: Iterable[Picture]) -> Picture | None:
    """Of several pictures the one with most to see; None of none."""
    return max(found, key=lambda picture: picture.width * picture.height, default=None)


def is_cut_in(head: bytes) -> bool:
    """Whether `head` ends in the middle of a thumbnail: the last line that speaks of one begins it."""
    last = head.rfind(b"thumbnail")
    return last >= 0 and _BEGIN.match(head, head.rfind(b"\n", 0, last) + 1) is not None


def _blocks(head: bytes) -> Iterator[tuple[re.Match[bytes], re.Match[bytes]]]:
    at = 0
    while (begin := _BEGIN.search(head, at)) and (end := _END.search(head, begin.end())):
        yield begin, end
        at = end.end()


def _decoded(rows: bytes, declared: int) -> Picture | None:
    """declared: the length of the base64 text, as the slicer says it."""
    text = b"".join(_ROW_START.sub(b"", rows).split())
    if len(text) != declared or len(text) > MOST_BYTES * 4 // 3:
        return None
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
    return picture_in(data)


def picture_in(data: bytes) -> Picture | None:
    """The PNG, JPEG or QOI that `data` are; None when they are no sound one, or one of many pixels."""
    return _png(data) or _jpeg(data) or _qoi(data)


def _png(data: bytes) -> Picture | None:
    """A PNG whose every chunk is whole, up to its end; what follows that is cut off."""
    if not data.startswith(_PNG_SIGNATURE):
        return None
    at, size, has_image = len(_PNG_SIGNATURE), (0, 0), False
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        after = at + 12 + length
        if after > len(data) or zlib.crc32(data[at + 4 : after - 4]) != _word(data, after - 4, ">I"):
            return None
        if (at == len(_PNG_SIGNATURE)) != (name == b"IHDR" and length == 13):
            return None
        if name == b"IHDR":
            size = struct.unpack_from(">II", data, at + 8)
        has_image = has_image or name == b"IDAT"
        if name == b"IEND":
            return _sane(PNG, size, data[:after]) if has_image else None
        at = after
    return None


def _jpeg(data: bytes) -> Picture | None:
    """A JPEG with its size in a segment of its own, and with its end."""
    if not data.startswith(b"\xff\xd8\xff") or not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return _sane(JPEG, (width, height), data)
        at += 2 + _word(data, at + 2, ">H")
    return None


def _qoi(data: bytes) -> Picture | None:
    """A QOI with its end (qoiformat.org)."""
    if len(data) < 22 or not data.startswith(b"qoif") or not data.endswith(b"\0\0\0\0\0\0\0\1"):
        return None
    return _sane(QOI, struct.unpack_from(">II", data, 4), data)


def _word(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, data, at)[0])


def _sane(media: str, size: tuple[int, int], data: bytes) -> Picture | None:
    width, height = size
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        return None
    return Picture(media, width, height, data)
