"""One way to open every file that can be printed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.containers.archive import open_archive
from farm.files.containers.binary import open_binary
from farm.files.containers.packages import open_gcode_3mf, open_ufp
from farm.files.containers.printable import Printable
from farm.files.pictures.thumbnails import pictures
from farm.files.slicers.ends import ends_of_file
from farm.files.slicers.remarks import Remarks


@contextlib.contextmanager
def open_gcode(path: Path, kind: FileKind) -> Iterator[Printable]:
    """A file as plain G-code, with what its slicer says.

    Of the text little is in memory at a time, however large it is unpacked. Raises Invalid with a
    sentence for the people in the shop, here and while the text is read; OSError.
    """
    match kind:
        case FileKind.GCODE:
            with path.open("rb") as file:
                ends = ends_of_file(file)
                file.seek(0)
                size = path.stat().st_size
                yield Printable(file, size, ends, Remarks.at(ends), tuple(pictures(ends.head)))
        case FileKind.BINARY_GCODE:
            with path.open("rb") as file:
                yield open_binary(file)
        case FileKind.GCODE_3MF:
            with open_archive(path) as archive:
                yield open_gcode_3mf(archive)
        case FileKind.UFP:
            with open_archive(path) as archive:
                yield open_ufp(archive)
        case _:
            raise Invalid("this is a model: slice it first")
