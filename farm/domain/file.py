"""Files that slicers and people send."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farm.domain.analysis import Analysis
from farm.domain.terms import version_of
from farm.domain.transitions import Table
from farm.errors import Invalid, WrongFileType


class FileKind(StrEnum):
    """What a file is, by its name."""

    GCODE = "gcode"
    BINARY_GCODE = "bgcode"
    GCODE_3MF = "gcode.3mf"  # G-code in a 3MF, as OrcaSlicer and Bambu Studio export it
    UFP = "ufp"  # UltiMaker's package: G-code and a picture in a zip
    STL = "stl"
    OBJ = "obj"
    THREE_MF = "3mf"

    @property
    def is_model(self) -> bool:
        """Whether it has to be sliced before anything can print it."""
        return self in (FileKind.STL, FileKind.OBJ, FileKind.THREE_MF)


EXTENSIONS = {
    ".gcode": FileKind.GCODE,
    ".gco": FileKind.GCODE,
    ".g": FileKind.GCODE,
    ".bgcode": FileKind.BINARY_GCODE,
    ".gcode.3mf": FileKind.GCODE_3MF,
    ".ufp": FileKind.UFP,
    ".stl": FileKind.STL,
    ".obj": FileKind.OBJ,
    ".3mf": FileKind.THREE_MF,
}
"""Endings the farm takes, in lower case; of two that fit a name the longer one counts."""

MAX_NAME_BYTES = 180  # leaves room for an attempt id within the 255 bytes of common file systems


class FileState(StrEnum):
    """Where a file's analysis stands."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


FILES: Table[FileState] = {
    FileState.QUEUED: frozenset({FileState.PROCESSING, FileState.READY, FileState.FAILED}),
    FileState.PROCESSING: frozenset({FileState.READY, FileState.FAILED, FileState.QUEUED}),
    FileState.READY: frozenset({FileState.QUEUED, FileState.PROCESSING}),
    FileState.FAILED: frozenset({FileState.QUEUED, FileState.PROCESSING}),
}


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """Where the analysis of a file stands. reason: why it failed.

    result: what is known by now, also while it is read again, or the slicer's word before it is read at all.
    version: of the analysis that found it, 0 before the first.
    """

    state: FileState = FileState.QUEUED
    reason: str | None = None
    result: Analysis | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose content is on the shop PC's disk under its hash.

    size: bytes. sha256: lower-case hexadecimal; also the name of the content on disk.
    """

    id: str
    name: str
    kind: FileKind
    size: int
    sha256: str
    uploaded_by: str
    uploaded_at: datetime
    analysis: FileAnalysis = FileAnalysis()

    @property
    def version(self) -> str:
        """The name of all that is known of it."""
        return version_of(self)


@dataclass(frozen=True, slots=True)
class Quota:
    """The most bytes of files the farm keeps, and the most of one person or key; 0 is no limit."""

    total: int = 0
    each: int = 0


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of ours that lies whole beside a printer.

    checksum: of its content, as the print host reckons it; "" where it does not.
    mark: what the host remembered by then of prints under this name; only what comes after it is ours.
    """

    checksum: str = ""
    mark: str = ""


def readable_name(sent: str) -> str:
    """The name to show and to keep for a file that was sent as `sent`.

    The last part of a path in either slash, as NFC, without control and direction characters. The
    farm never uses it as a path on its own disk (content lies under its hash), so this is for
    people's eyes and for the printer's. Raises Invalid when nothing readable is left.
    """
    last = sent.replace("\\", "/").rsplit("/", 1)[-1]
    kept = (c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    name = "".join(kept).strip().rstrip(".").strip()
    if not name.strip("."):
        raise Invalid("the file has no readable name; rename it and send it again", "file")
    return _shortened(name)


def _shortened(name: str) -> str:
    """`name` cut to MAX_NAME_BYTES of UTF-8, keeping its ending and whole characters."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = (dot + ending).encode() if stem and len(ending) <= 8 else b""
    head = (stem if tail else name).encode()[: MAX_NAME_BYTES - len(tail)]
    return head.decode(errors="ignore") + tail.decode()


def kind_of(name: str) -> FileKind:
    """What a file of this name is. Raises WrongFileType for an ending the farm does not know."""
    fitting = [ending for ending in EXTENSIONS if name.lower().endswith(ending)]
    if not fitting:
        raise WrongFileType(f"{name} is no file the farm prints; it takes {', '.join(EXTENSIONS)}")
    return EXTENSIONS[max(fitting, key=len)]


def remote_name(attempt: str, name: str) -> str:
    """The name of a file on a printer: the attempt id, then what people called it, in plain ASCII.

    Firmwares and print hosts disagree about everything beyond letters, digits, dot, dash and
    underscore, so the rest becomes an underscore. The whole stays under 64 characters.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, _, ending = plain.rpartition(".")
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in stem).strip("_")[:48]
    return f"{attempt}_{safe or 'print'}.{ending.lower() or 'gcode'}"
