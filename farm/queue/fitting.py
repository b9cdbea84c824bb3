"""Which printers take which kind of file. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from farm.domain.file import FileKind, StoredFile
from farm.domain.printer import Printer
from farm.drivers.kinds import kinds_for
from farm.errors import Invalid

_NEVER_PRINTED = {
    FileKind.GCODE_3MF: "no printer of the farm prints G-code in a 3MF; export it as plain G-code",
    FileKind.UFP: "no printer of the farm prints UltiMaker's packages; export it as plain G-code",
}


def takes(printer: Printer, kind: FileKind) -> bool:
    """Whether a printer prints this kind of file as it is."""
    return kind in kinds_for(printer.address)


def require_printable(file: StoredFile, printers: Iterable[Printer]) -> None:
    """Raise Invalid where none of `printers` can ever print this file."""
    if file.kind.is_model:
        raise Invalid(f"{file.name} is a model: slice it first, and send what the slicer makes of it", "file")
    if file.kind in _NEVER_PRINTED:
        raise Invalid(_NEVER_PRINTED[file.kind], "file")
    if file.kind is not FileKind.GCODE and not any(takes(printer, file.kind) for printer in printers):
        raise Invalid("no printer it may run on takes binary G-code; export it as plain G-code", "file")
