"""Containers made for a test, the broken ones too."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import heatshrink2.core as heatshrink

FILE, GCODE, SLICER, PRINTER, PRINT, THUMBNAIL = range(6)
NONE, DEFLATE, HEATSHRINK_11, HEATSHRINK_12 = range(4)

TEXT = b"; made for a test\nG28\nG1 X10 Y20 E.5 F1800\nM84\n"


def packed(data: bytes, packing: int) -> bytes:
    match packing:
        case 1:
            return zlib.compress(data)
        case 2 | 3:
            return bytes(heatshrink.encode(data, window_sz2=9 + packing, lookahead_sz2=4))
        case _:
            return data


def block(
    kind: int,
    data: bytes,
    packing: int = NONE,
    parameters: bytes = b"\0\0",
    *,
    unpacked: int | None = None,
    checked: bool = True,
) -> bytes:
    """unpacked: the size that is claimed."""
    inside = packed(data, packing)
    size = len(data) if unpacked is None else unpacked
    header = struct.pack("<HHI", kind, packing, size)
    if packing:
        header += struct.pack("<I", len(inside))
    whole = header + parameters + inside
    return whole + (struct.pack("<I", zlib.crc32(whole)) if checked else b"")


def binary(*blocks: bytes, checksum: int = 1) -> bytes:
    return struct.pack("<4sIH", b"GCDE", 1, checksum) + b"".join(blocks)


def sound_binary(text: bytes = TEXT) -> bytes:
    return binary(
        block(FILE, b"Producer=PrusaSlicer 2.9.2\n"),
        block(PRINTER, b"printer_model=MK4\nfilament used [mm]=10.5\n"),
        block(PRINT, b"estimated printing time (normal mode)=1m 1s\n", DEFLATE),
        block(SLICER, b"layer_height=0.2\n", DEFLATE),
        block(GCODE, text, HEATSHRINK_12),
    )


def meatpack(text: bytes, *, spaces: bool = True, comments: bool = True) -> bytes:
    """Text as a slicer packs it: comment lines as they are, or not at all; moves without spaces if wished."""
    codes = {character: code for code, character in enumerate(b"0123456789. \nGX")}
    if not spaces:
        codes[ord("E")] = codes.pop(ord(" "))
    out = bytearray(b"\xff\xff\xfb" + (b"" if spaces else b"\xff\xff\xf7"))
    on = True
    for line in text.splitlines(keepends=True):
        if line.startswith(b";"):
            if comments:
                out += (b"\xff\xff\xfa" if on else b"") + line
                on = False
            continue
        if not on:
            out += b"\xff\xff\xfb"
            on = True
        bare = line.replace(b" ", b"") if line.startswith(b"G") else line
        for first, second in zip(bare[::2], bare[1::2] + b"\n" * (len(bare) % 2), strict=True):
            out.append(codes.get(first, 15) | codes.get(second, 15) << 4)
            out += bytes(character for character in (first, second) if character not in codes)
    return bytes(out)


def zipped(
    members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A sequence may hold a name twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()
