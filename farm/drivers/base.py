"""What a printer's actor may ask of any kind of printer, and the values it gets back.

A driver keeps no state of the shop and retries nothing: it asks its peer once and says what came of it.
How long an answer may take is the caller's to decide; the transport only bounds what one request may
hang, so that a forgotten deadline cannot wait for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from farm.domain.printer import Operation, Temperature
from farm.errors import PrinterUnreachable


class AnswerLost(PrinterUnreachable):
    """The request may have reached the printer, but no usable answer came back.

    Whether it was carried out is unknown: ask the printer what it does before sending anything again.
    """


class Capability(StrEnum):
    """What not every kind of printer can do. The actor looks before it asks."""

    PAUSE = "pause"  # pause and resume
    DELETE = "delete"  # remove an uploaded file
    OUTCOME = "outcome"  # tell afterwards how a print ended


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered at the printer's address. name: "" where the peer has none of its own."""

    kind: str
    version: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """The file the printer works on or, when it is idle, worked on last.

    progress: 0..1. elapsed_s, remaining_s: seconds. None where the peer does not say.
    """

    remote_name: str
    progress: float | None = None
    elapsed_s: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a printer.

    machine_connected: whether the print host has its printer on the line; a host without one is a
    state, not an error. text, error: the peer's own words, "" where it has none.
    temperatures: by the peer's heater name (tool0, bed, chamber), degrees Celsius; heaters without any
    value are left out, as happens in the first seconds after connecting.
    """

    machine_connected: bool
    operation: Operation
    text: str = ""
    error: str = ""
    temperatures: Mapping[str, Temperature] = field(default_factory=dict)
    file: LoadedFile | None = None


class OutcomeKind(StrEnum):
    """How the print of one uploaded file ended, by what its print host remembers."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"  # cancelled at the host, or broken off by an error
    NO_RECORD = "no_record"  # never started, or the host itself stopped in the middle of it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file's print. text: one sentence. printed_s: seconds, None where unknown."""

    kind: OutcomeKind
    text: str
    printed_s: float | None = None


class Driver(Protocol):
    """One printer, whatever its kind.

    Everything here raises only `FarmError`s, whatever bytes the peer sends: `PrinterUnreachable` when
    nothing was sent, `AnswerLost` when something may have been, `Forbidden` when the peer does not take
    our key, `ProtocolError` when it answers something else than it should. Each may be cancelled; a
    command that was cancelled may have been carried out.
    """

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    async def connect(self) -> Identity:
        """Who is there, with our key accepted. Nothing has to be closed when it fails."""
        ...

    async def status(self) -> Reading:
        """What the printer does now."""
        ...

    async def upload(self, source: Path, remote_name: str, size: int) -> None:
        """Puts a file of `size` bytes beside the printer, under a name without folders.

        Streamed from disk in pieces; looked at afterwards, so that success means it lies there whole.
        An older file of that name is replaced. Raises Refused while that name is printing,
        WrongFileType, TooLarge, and StorageFailed when our own copy cannot be read.
        """
        ...

    async def start(self, remote_name: str) -> None:
        """Asks for the print of an uploaded file. Accepted is not begun: watch the status.

        Raises Refused or NotFound when it certainly did not start. A plain PrinterUnreachable means
        the command was never sent; AnswerLost, that it may be printing.
        """
        ...

    async def pause(self) -> None:
        """Asks for a pause; a printer already paused accepts it. Refused when nothing prints."""
        ...

    async def resume(self) -> None:
        """Asks to go on; a printer already printing accepts it. Refused when no print is on."""
        ...

    async def cancel(self) -> None:
        """Asks to end the print. Refused when nothing prints."""
        ...

    async def delete(self, remote_name: str) -> None:
        """Removes an uploaded file; one that is gone already is fine. Refused while it prints."""
        ...

    async def outcome(self, remote_name: str) -> Outcome:
        """How the print of this file ended.

        UNKNOWN when nobody can tell, as when the file is gone, and for a moment right after an end.
        """
        ...

    async def aclose(self) -> None:
        """Lets go of the connections. The driver is not used afterwards."""
        ...
