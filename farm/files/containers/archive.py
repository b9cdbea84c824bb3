"""Zip files from strangers: a member is read as a stream of counted bytes, and nothing is ever written by
its name."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from farm.errors import Invalid
from farm.files.containers.stream import stream_of

MOST_MEMBERS = 2_000
MOST_DIRECTORY = 1024 * 1024  # bytes; some 500 for each member
MOST_TOGETHER = 512 * 1024 * 1024  # bytes, unpacked
MOST_OF_ONE = 256 * 1024 * 1024  # bytes, unpacked; 50 hours of printing have some 200 MB of G-code
MOST_RATIO = 200  # unpacked to packed; G-code comes to some 5, XML to 30
SMALL = 64 * 1024  # bytes; below them a ratio says nothing
PIECE = 256 * 1024  # bytes

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the others unpack all at once, however much it is
_ENCRYPTED = 0x1

_BROKEN = "this file is damaged; export it again and send it again"


class Archive:
    """A zip file whose directory keeps within the limits."""

    def __init__(self, zipped: zipfile.ZipFile, size: int) -> None:
        """size: of the file, in bytes. Raises Invalid for one beyond the limits."""
        _require_sane(zipped.infolist(), size)
        self._zipped = zipped
        self._members = {member.filename: member for member in zipped.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the members, as the archive has them; never names of files on our disk."""
        return tuple(self._members)

    def size_of(self, name: str) -> int:
        """Of a member unpacked, in bytes, as the archive says it."""
        return self._members[name].file_size

    def open(self, name: str) -> BinaryIO:
        """A member's content as a stream. Raises Invalid, then and while it is read."""
        member = self._members[name]
        if member.flag_bits & _ENCRYPTED:
            raise Invalid("this file is locked with a password; export it without one")
        if member.compress_type not in _METHODS:
            raise Invalid("this file is packed in a way the farm does not know; export it again")
        try:
            source = self._zipped.open(member)
        except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise Invalid(_BROKEN) from error
        return stream_of(_counted(source, member))

    def read(self, name: str, most: int) -> bytes:
        """A small member as a whole. Raises Invalid when it is larger than `most`."""
        with self.open(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise Invalid(f"{name} in this file is larger than any slicer makes it")
        return data


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Raises Invalid for what is no zip file, and for one that goes beyond the limits; OSError."""
    with _Measured(path) as file:
        try:
            zipped = zipfile.ZipFile(file)
        except (ValueError, NotImplementedError, EOFError, zipfile.BadZipFile) as error:
            raise Invalid("this is no zip file as its name says; export it again") from error
        with zipped:
            yield Archive(zipped, path.stat().st_size)


class _Measured(io.FileIO):
    """A file that hands out no more at once than a directory may have, whatever its header claims."""

    def read(self, size: int | None = -1) -> bytes:
        most = MOST_DIRECTORY + 1 if size is None or size < 0 else size
        data = super().read(min(most, MOST_DIRECTORY + 1)) or b""
        if len(data) > MOST_DIRECTORY:
            raise Invalid("this file has more parts than the farm looks through")
        return data


def _require_sane(members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MOST_MEMBERS:
        raise Invalid(f"this file has {len(members)} parts; the farm takes {MOST_MEMBERS}")
    twice = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
    if twice:
        raise Invalid("this file has two parts of the same name, and nobody knows which is meant")
    if sum(member.compress_size for member in members) > size:
        raise Invalid(_BROKEN)  # or its parts lie in each other, to be unpacked again and again
    if sum(member.file_size for member in members) > MOST_TOGETHER:
        raise Invalid(f"unpacked this file is larger than {MOST_TOGETHER // 1024**2} MiB")
    if any(member.file_size > MOST_OF_ONE for member in members):
        raise Invalid(f"a part of this file is larger than {MOST_OF_ONE // 1024**2} MiB")
    if any(_swells(member.file_size, member) for member in members):
        raise Invalid("a part of this file is packed tighter than anything a slicer writes")


def _swells(size: int, member: zipfile.ZipInfo) -> bool:
    return size > max(SMALL, MOST_RATIO * member.compress_size)


def _counted(source: IO[bytes], member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What really comes out is counted too: the directory may lie."""
    size = 0
    with source:
        while piece := _piece(source):
            size += len(piece)
            if size > MOST_OF_ONE or _swells(size, member):
                raise Invalid("this file unpacks to more than it says")
            yield piece


def _piece(source: IO[bytes]) -> bytes:
    try:
        return source.read(PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise Invalid(_BROKEN) from error
