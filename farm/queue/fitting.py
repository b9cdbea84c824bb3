"""Which printers take which kind of file. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from farm.domain.file import FileKind, StoredFile
from farm.domain.printer import Printer
from farm.drivers.base import Capability
from farm.drivers.kinds import capabilities_at
from farm.errors import Invalid

_NEEDS = {FileKind.BINARY_GCODE: Capability.BINARY_GCODE}

_NEVER_PRINTED = {
    FileKind.GCODE_3MF: "no printer of the farm prints G-code in a 3MF; export it as plain G-code",
    FileKind.UFP: "no printer of the farm prints UltiMaker's packages; export it as plain G-code",
}


def takes(printer: Printer, kind: FileKind) -> bool:
    """Whether a printer prints this kind of file as it is."""
    if kind is FileKind.GCODE:
        return True
    return kind in _NEEDS and _NEEDS[kind] in capabilities_at(printer.address)


def require_printable(file: StoredFile, printers: Iterable[Printer]) -> None:
    """Raise Invalid where none of `printers` can ever print this file."""
    if file.kind.is_model:
        raise Invalid(f"{file.name} is a model: slice it first, and send what the slicer makes of it", "file")
    if file.kind in _NEVER_PRINTED:
        raise Invalid(_NEVER_PRINTED[file.kind], "file")
    if file.kind is not FileKind.GCODE and not any(takes(printer, file.kind) for printer in printers):
        raise Invalid("no printer it may run on takes binary G-code; export it as plain G-code", "file")
