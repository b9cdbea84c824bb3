"""What one can say to the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from farm.actors import Ask
from farm.domain.job import Job
from farm.domain.printer import Plate
from farm.printers.messages import PrinterChanged, PrinterGone


@dataclass(frozen=True, slots=True)
class AddJob(Ask[Job]):
    """Wish to print a file. Answered when the job is committed.

    Raises NotFound for a file that is not here, Invalid for a wrong number or an unknown printer.
    required_printers: it may run on these alone; empty means any. required_tags: the printer has all.
    """

    file: str
    name: str | None = None
    copies: int = 1
    yield_per_plate: int = 1
    priority: int = 0
    due_at: datetime | None = None
    required_printers: frozenset[str] = frozenset()
    required_tags: frozenset[str] = frozenset()
    hold: bool = False


@dataclass(frozen=True, slots=True)
class ClearPlate(Ask[Plate]):
    """A person looked: nothing lies on the plate. Nothing starts while it can be taken back.

    good: how many good parts came off; None means the job's yield.
    command: the id under which its end is told, "" for nobody.
    Raises Refused while a print is active, NotFound for an unknown printer.
    """

    printer: str
    good: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class UndoPlate(Ask[Plate]):
    """Take `ClearPlate` back. Raises Refused when there is nothing to take back, or it is too late."""

    printer: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class ChangeJob(Ask[Job]):
    """Hold, release, cancel or retry a job. Raises NotFound, Refused when its state does not allow it.

    change: "hold", "release", "cancel", "retry". Running prints of it go on; a cancelled job begins no more.
    """

    job: str
    change: str


QueueMessage = AddJob | ChangeJob | ClearPlate | UndoPlate | PrinterChanged | PrinterGone
