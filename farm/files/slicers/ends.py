"""The two ends of a G-code file, where slicers write what they know of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from farm.files.pictures.thumbnails import is_cut_in

WINDOW = 256 * 1024  # bytes from each end; the longest settings seen, with whole start scripts, take 60 kB
MOST_HEAD = 4 * 1024 * 1024  # bytes; as far as the head is followed to the end of a large thumbnail

_UTF8_MARK = b"\xef\xbb\xbf"  # which some editors of Windows put in front


@dataclass(frozen=True, slots=True)
class Ends:
    """Whole lines from either end of a file; they overlap in a short one.

    complete: whether the head is the whole file.
    """

    head: bytes
    foot: bytes
    complete: bool


def ends_of_file(file: BinaryIO) -> Ends:
    """Both ends of a text that lies on disk, without what is between. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = _head(file)
    file.seek(max(0, size - WINDOW))
    return _ends(head, file.read(WINDOW), size)


def ends_of_stream(text: BinaryIO) -> Ends:
    """Both ends of a text that can only be read through. Raises what reading it does."""
    head = _head(text)
    foot, size = head[-WINDOW:], len(head)
    while piece := text.read(WINDOW):
        foot, size = (foot + piece)[-WINDOW:], size + len(piece)
    return _ends(head, foot, size)


def _ends(head: bytes, foot: bytes, size: int) -> Ends:
    complete = len(head) >= size
    lines = head if complete else head[: head.rfind(b"\n") + 1]
    return Ends(
        head=lines.removeprefix(_UTF8_MARK),
        foot=foot if len(foot) == size else foot.partition(b"\n")[2],
        complete=complete,
    )


def _head(text: BinaryIO) -> bytes:
    head = text.read(WINDOW)
    while is_cut_in(head) and len(head) < MOST_HEAD and (more := text.read(WINDOW)):
        head += more
    return head
