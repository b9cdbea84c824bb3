"""How the farm looks in OctoPrint's words. Pure: values in, JSON-ready dictionaries out.

The shapes are those that OctoPrint 1.11.8 was recorded to give; a test compares them field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from farm.domain.analysis import GcodeAnalysis
from farm.domain.file import StoredFile
from farm.domain.printer import Connection, Operation, PrinterStatus, Temperature

Shape: TypeAlias = dict[str, Any]

VERSION = "1.11.8"  # the OctoPrint whose answers were recorded and are given here
OFFLINE, OPERATIONAL = "Offline", "Operational"
PROFILE = "_default"
BAUDRATE, PORT = 115200, "FARM"  # OctoPrint always has a port; ours leads to the farm

_FLAGS = (
    "cancelling",
    "closedOrError",
    "error",
    "finishing",
    "operational",
    "paused",
    "pausing",
    "printing",
    "ready",
    "resuming",
    "sdReady",
)

_WORK: Mapping[Operation, tuple[str, frozenset[str]]] = {
    Operation.PREPARING: ("Starting", frozenset({"printing"})),
    Operation.PRINTING: ("Printing", frozenset({"printing"})),
    Operation.PAUSING: ("Pausing", frozenset({"printing", "pausing"})),
    Operation.PAUSED: ("Paused", frozenset({"paused"})),
    Operation.RESUMING: ("Resuming", frozenset({"printing", "resuming"})),
    Operation.CANCELLING: ("Cancelling", frozenset({"printing", "cancelling"})),
}
"""What OctoPrint says, and the flags it sets, while its printer has a print of its own going on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see at a place: how its printer stands, and the file that it prints.

    status: None where the place is no one printer, and none prints: the farm itself, which is ready.
    """

    status: PrinterStatus | None = None
    file: StoredFile | None = None

    @property
    def away(self) -> bool:
        """Whether there is nobody to ask."""
        return self.status is not None and self.status.connection is not Connection.ONLINE

    @property
    def text(self) -> str:
        """The state as OctoPrint words it."""
        if self.status is None:
            return OPERATIONAL
        if self.away:
            return OFFLINE
        if self.status.operation is Operation.EMERGENCY:
            return "Error: stopped in an emergency; clear it on the farm's page"
        return _WORK.get(self.status.operation, (OPERATIONAL, frozenset()))[0]


def version(own: str) -> Shape:
    """What slicers test before they send anything: `text` must begin with OctoPrint. own: the farm's."""
    return {"api": "0.1", "server": VERSION, "text": f"OctoPrint {VERSION} (printer farm {own})"}


def server() -> Shape:
    return {"version": VERSION, "safemode": None}


def printer(seen: Seen, left_out: frozenset[str] = frozenset()) -> Shape:
    """`/api/printer`. left_out: the parts that the client does not want (`?exclude=sd,temperature`)."""
    parts: Shape = {
        "sd": {"ready": False},
        "state": {"text": seen.text, "flags": _flags(seen), "error": ""},
        "temperature": temperatures(seen),
    }
    return {name: part for name, part in parts.items() if name not in left_out}


def temperatures(seen: Seen) -> Shape:
    """Every heater in degrees Celsius. Clients show each key as a heater, so there is nothing else."""
    if seen.status is None:
        return {}
    return {heater: _temperature(read) for heater, read in seen.status.temperatures.items()}


def _temperature(read: Temperature) -> Shape:
    return {"actual": read.actual, "target": read.target, "offset": 0}


def _flags(seen: Seen) -> dict[str, bool]:
    flags = dict.fromkeys(_FLAGS, False)
    if seen.away:
        return {**flags, "closedOrError": True}
    operation = Operation.IDLE if seen.status is None else seen.status.operation
    if operation is Operation.EMERGENCY:
        return {**flags, "error": True, "closedOrError": True}
    working = _WORK.get(operation, ("", frozenset()))[1]
    idle = operation in (Operation.IDLE, Operation.FINISHED, Operation.FAILED)
    return {**flags, "operational": True, "ready": idle, **dict.fromkeys(working, True)}


def job(seen: Seen) -> Shape:
    """`/api/job`: the print that runs, with everything null where none does."""
    running = None if seen.status is None else seen.status.print
    chosen: Shape = {
        "name": None if running is None else running.name,
        "path": None if running is None else running.name,
        "display": None if running is None else running.name,
        "origin": None if running is None else "local",
        "size": None if seen.file is None else seen.file.size,
        "date": None if seen.file is None else int(seen.file.uploaded_at.timestamp()),
    }
    progress = None if running is None else running.progress
    return {
        "job": {
            "file": chosen,
            **(_analysis(seen.file) if seen.file is not None else _UNKNOWN),
            "averagePrintTime": None,
            "lastPrintTime": None,
            "user": None if seen.file is None else seen.file.uploaded_by,
        },
        "progress": {
            "completion": None if progress is None else progress * 100,
            "filepos": None if progress is None or seen.file is None else int(progress * seen.file.size),
            "printTime": _seconds(None if running is None else running.elapsed_s),
            "printTimeLeft": _seconds(None if running is None else running.remaining_s),
            "printTimeLeftOrigin": None if progress is None else "linear",
        },
        "state": seen.text,
    }


def _seconds(exact: float | None) -> int | None:
    return None if exact is None else int(exact)


_UNKNOWN: Shape = {"estimatedPrintTime": None, "filament": None}


def _analysis(stored: StoredFile) -> Shape:
    """What the slicer says a print takes: seconds, millimetres and cubic centimetres."""
    result = stored.analysis.result
    if not isinstance(result, GcodeAnalysis):
        return _UNKNOWN
    tools = {f"tool{one.tool}": {"length": one.mm, "volume": one.cm3} for one in result.filament or ()}
    return {"estimatedPrintTime": result.time_s.slicer, "filament": tools}


def file(stored: StoredFile, prefix: str) -> Shape:
    """One file, as a list of files or a question for it by name gives it.

    Clients may ask again and again until its `gcodeAnalysis` is there.
    """
    model = stored.kind.is_model
    ready = stored.analysis.result is not None and not model
    return {
        "name": stored.name,
        "display": stored.name,
        "path": stored.name,
        "origin": "local",
        "type": "model" if model else "machinecode",
        "typePath": ["model", stored.kind] if model else ["machinecode", "gcode"],
        "size": stored.size,
        "date": int(stored.uploaded_at.timestamp()),
        "user": stored.uploaded_by,
        "refs": refs(stored.name, prefix),
        **({"gcodeAnalysis": _analysis(stored)} if ready else {}),
    }


def refs(name: str, prefix: str) -> Shape:
    """Where a file is. Without host and port: some slicers send a Host header that lacks the port."""
    return {
        "resource": f"{prefix}/api/files/local/{quote(name)}",
        "download": f"{prefix}/downloads/files/local/{quote(name)}",
    }


def files(stored: Iterable[StoredFile], prefix: str, free: int, total: int) -> Shape:
    """`/api/files`. free, total: bytes of the disk."""
    return {"files": [file(one, prefix) for one in stored], "free": free, "total": total}


def connection(seen: Seen, name: str) -> Shape:
    """`/api/connection`. name: what the place is called."""
    away = seen.away
    profile = {"id": PROFILE, "name": name}
    return {
        "current": {
            "state": seen.text,
            "port": None if away else PORT,
            "baudrate": None if away else BAUDRATE,
            "printerProfile": PROFILE,
        },
        "options": {
            "ports": [PORT],
            "baudrates": [BAUDRATE],
            "printerProfiles": [profile],
            "portPreference": PORT,
            "baudratePreference": BAUDRATE,
            "printerProfilePreference": PROFILE,
        },
    }
