"""The blocks of binary G-code, as its maker describes them (libbgcode, doc/specifications.md).

A file header, then blocks: header, parameters, data, checksum; all numbers little-endian. No size that
stands in a file is believed before it fits into the file and under a limit.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

import heatshrink2.core as heatshrink  # type: ignore[import-untyped]

from farm.errors import Invalid

MAGIC = b"GCDE"
VERSION = 1
MOST_BLOCKS = 65_536  # PrusaSlicer puts 64 KiB of text into each
MOST_OF_ONE = 4 * 1024 * 1024  # bytes; text comes in 64 KiB, pictures have less than 1 MiB
MOST_TOGETHER = 512 * 1024 * 1024  # bytes, unpacked; MeatPack makes at most four of one

_FILE = struct.Struct("<4sIH")
_HEAD = struct.Struct("<HHI")
_SIZE = struct.Struct("<I")
_CRC = struct.Struct("<I")
_ENCODING = struct.Struct("<H")
_OF_PICTURE = struct.Struct("<HHH")

_DAMAGED = "this file was damaged on its way (block {} does not match its checksum); send it again"
_CUT_OFF = "this file is cut off, its end is missing; send it again"
_UNKNOWN = "this file was written in a way the farm does not know; export it as plain .gcode"


class Kind(IntEnum):
    """What a block holds."""

    FILE = 0
    GCODE = 1
    SLICER = 2
    PRINTER = 3
    PRINT = 4
    THUMBNAIL = 5


class Packing(IntEnum):
    """How its data are packed."""

    NONE = 0
    DEFLATE = 1
    HEATSHRINK_11_4 = 2
    HEATSHRINK_12_4 = 3


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies: its first byte, and its last before the checksum. number: counted from 1. Bytes."""

    number: int
    kind: Kind
    packing: Packing
    begin: int
    end: int
    packed: int
    unpacked: int

    @property
    def parameters(self) -> struct.Struct:
        """Of a picture its format, width and height, else how the data are to be read."""
        return _OF_PICTURE if self.kind is Kind.THUMBNAIL else _ENCODING


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a file, in its order. checked: whether each has a checksum."""

    all: tuple[Block, ...]
    checked: bool

    def of(self, *kinds: Kind) -> tuple[Block, ...]:
        """Those of these kinds."""
        return tuple(block for block in self.all if block.kind in kinds)


def find_blocks(file: BinaryIO) -> Blocks:
    """Every block, found by going from header to header. Raises Invalid; OSError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    magic, version, checksum = _FILE.unpack(_exactly(file, _FILE.size))
    if magic != MAGIC:
        raise Invalid("this is no binary G-code as its name says; export it again")
    if version != VERSION or checksum not in (0, 1):
        raise Invalid(_UNKNOWN)
    blocks = tuple(_walk(file, size, _CRC.size if checksum else 0))
    if sum(block.unpacked for block in blocks) > MOST_TOGETHER:
        raise Invalid(f"unpacked this file is larger than {MOST_TOGETHER // 1024**2} MiB")
    if not any(block.kind is Kind.GCODE for block in blocks):
        raise Invalid("there is no G-code in this file; slice the model again")
    return Blocks(blocks, bool(checksum))


def _walk(file: BinaryIO, size: int, checksum: int) -> Iterator[Block]:
    at, number = _FILE.size, 0
    while at < size:
        number += 1
        block = _block(file, at, number)
        at = block.end + checksum
        if at > size:
            raise Invalid(_CUT_OFF)
        if number > MOST_BLOCKS:
            raise Invalid("this file has more blocks than the farm reads")
        yield block


def _block(file: BinaryIO, begin: int, number: int) -> Block:
    file.seek(begin)
    kind, packing, unpacked = _HEAD.unpack(_exactly(file, _HEAD.size))
    if kind not in set(Kind) or packing not in set(Packing):
        raise Invalid(_UNKNOWN)
    packed, header = unpacked, _HEAD.size
    if packing != Packing.NONE:
        (packed,) = _SIZE.unpack(_exactly(file, _SIZE.size))
        header += _SIZE.size
    if max(packed, unpacked) > MOST_OF_ONE:
        raise Invalid(f"block {number} of this file claims to be larger than any slicer makes one")
    parameters = _OF_PICTURE if kind == Kind.THUMBNAIL else _ENCODING
    end = begin + header + parameters.size + packed
    return Block(number, Kind(kind), Packing(packing), begin, end, packed, unpacked)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Invalid(_CUT_OFF)
    return data


def read_block(file: BinaryIO, block: Block, checked: bool) -> tuple[tuple[int, ...], bytes]:
    """A block's parameters, and its data unpacked. Raises Invalid when it is damaged; OSError."""
    file.seek(block.begin)
    whole = _exactly(file, block.end - block.begin)
    if checked and zlib.crc32(whole) != _CRC.unpack(_exactly(file, _CRC.size))[0]:
        raise Invalid(_DAMAGED.format(block.number))
    before = len(whole) - block.packed
    data = _unpacked(block, whole[before:])
    if len(data) != block.unpacked:
        raise Invalid(_DAMAGED.format(block.number))
    return block.parameters.unpack_from(whole, before - block.parameters.size), data


def _unpacked(block: Block, packed: bytes) -> bytes:
    try:
        match block.packing:
            case Packing.NONE:
                return packed
            case Packing.DEFLATE:
                return zlib.decompressobj().decompress(packed, block.unpacked + 1)
            case Packing.HEATSHRINK_11_4 | Packing.HEATSHRINK_12_4:
                window = 11 if block.packing is Packing.HEATSHRINK_11_4 else 12
                # It grows at most eight times: 16 bits or more stand for 16 bytes.
                return bytes(heatshrink.decode(packed, window_sz2=window, lookahead_sz2=4))
    except (zlib.error, RuntimeError, ValueError) as error:
        raise Invalid(_DAMAGED.format(block.number)) from error
