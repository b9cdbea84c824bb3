"""What goes through the pipes between the server and a worker process: short frames, checked at both ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from farm.errors import ProtocolError
from farm.platform import SMALL_FILE

_HEADER = struct.Struct(">I")  # the length of what follows, in bytes
MOST_ASKED = 16 * 1024 * 1024  # bytes of an errand: files are named in it, a shop's work is told whole
MOST_ROUND = 4096  # bytes that a message takes around what it carries


@dataclass(frozen=True, slots=True)
class Limits:
    """What one errand may take. memory: bytes more than its process had before. processor_s: of all threads.

    wall_s: from the question to the answer. answer: bytes of it. file: bytes of the largest that is written.
    """

    memory: int
    processor_s: float
    wall_s: float
    answer: int
    file: int = SMALL_FILE


class Errand(msgspec.Struct, frozen=True):
    """One piece of work. asked: the argument of the worker's function, as msgpack."""

    asked: msgspec.Raw
    limits: Limits


class Warm(msgspec.Struct, frozen=True, tag=True):
    """The worker has imported and compiled what it needs."""


class Progress(msgspec.Struct, frozen=True, tag=True):
    """share: of the errand that is done, 0 to 1."""

    share: float


class Interim(msgspec.Struct, frozen=True, tag=True):
    """answer: the best so far, as msgpack; a better one may follow, or the process be killed."""

    answer: msgspec.Raw


class Done(msgspec.Struct, frozen=True, tag=True):
    """answer: what the worker's function returned, as msgpack."""

    answer: msgspec.Raw


class TurnedDown(msgspec.Struct, frozen=True, tag=True):
    """The errand cannot be done, by what was asked for. words: for people."""

    words: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The errand could not be done; the worker ends. why: "memory", "answer" or "bug"."""

    why: str


Told: TypeAlias = Warm | Progress | Interim | Done | TurnedDown | Failed

_encoder = msgspec.msgpack.Encoder()
_told: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)
_errand = msgspec.msgpack.Decoder(Errand)


def packed(value: object) -> msgspec.Raw:
    """Any value as msgpack, to be carried in a message."""
    return msgspec.Raw(_encoder.encode(value))


def framed(message: Errand | Told) -> bytes:
    """A message as it goes through the pipe."""
    body = _encoder.encode(message)
    return _HEADER.pack(len(body)) + body


def errand_in(frame: bytes) -> Errand:
    """Raises ProtocolError."""
    try:
        return _errand.decode(frame)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"that is no errand: {error}") from error


def told_in(frame: bytes) -> Told:
    """Raises ProtocolError."""
    try:
        return _told.decode(frame)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"a worker process talks nonsense: {error}") from error


class Frames:
    """Bytes in, frames out. most: bytes of a frame; what announces more is refused before it is gathered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()

    def receive(self, data: bytes | bytearray) -> Iterator[bytes]:
        """The frames that `data` completes. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._buffer)
            if size > self._most:
                raise ProtocolError(f"a frame of {size} bytes, where {self._most} is the most")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield frame
