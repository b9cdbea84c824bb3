"""The work: jobs (one wish to print a file) and prints (one attempt on one printer)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from farm.domain.file import FileKind
from farm.domain.printer import Printer
from farm.domain.terms import version_of
from farm.domain.transitions import Table


class JobState(StrEnum):
    """Where a wish stands.

    SCHEDULED is QUEUED with a place in the plan for all that is to be begun. It hangs on the plan that is
    followed, so it is found out when a job is shown, and never kept.
    """

    HELD = "held"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"
    NEEDS_REVIEW = "needs_review"


_ANY_TIME = frozenset({JobState.CANCELLED, JobState.QUARANTINED, JobState.NEEDS_REVIEW, JobState.HELD})

# A print that runs goes on whatever becomes of its job, and may be the last copy: hence DONE.
JOBS: Table[JobState] = {
    JobState.HELD: _ANY_TIME | {JobState.QUEUED, JobState.ACTIVE, JobState.DONE},
    JobState.QUEUED: _ANY_TIME | {JobState.SCHEDULED, JobState.ACTIVE, JobState.DONE},
    JobState.SCHEDULED: _ANY_TIME | {JobState.QUEUED, JobState.ACTIVE, JobState.DONE},
    JobState.ACTIVE: _ANY_TIME | {JobState.QUEUED, JobState.SCHEDULED, JobState.DONE},
    JobState.QUARANTINED: frozenset({JobState.QUEUED, JobState.ACTIVE, JobState.CANCELLED, JobState.DONE}),
    JobState.NEEDS_REVIEW: frozenset(
        {JobState.QUEUED, JobState.ACTIVE, JobState.DONE, JobState.CANCELLED, JobState.HELD}
    ),
    # Its parts are counted when a plate is cleared: too few good ones, and it goes on.
    JobState.DONE: frozenset({JobState.QUEUED, JobState.ACTIVE, JobState.QUARANTINED}),
    JobState.CANCELLED: frozenset(),
}


class PrintState(StrEnum):
    """Where an attempt stands."""

    RESERVED = "reserved"
    UPLOADING = "uploading"
    STARTING = "starting"
    PRINTING = "printing"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class FailureCause(StrEnum):
    """Why a print failed, as somebody saw who looked at it."""

    CAME_OFF = "came_off"  # the plate, or never stuck to it
    WARPED = "warped"
    CLOGGED = "clogged"
    RAN_OUT = "ran_out"  # of filament
    TANGLED = "tangled"  # or broken filament
    SHIFTED = "shifted"  # layers
    PRINTER = "printer"  # heater, fan, sensor, firmware
    POWER = "power"  # or the network
    FILE = "file"  # its model or how it was sliced
    SET_UP = "set_up"  # wrong filament, plate or nozzle
    OTHER = "other"


UNEXPLAINED = frozenset({PrintState.FAILED, PrintState.INTERRUPTED})
"""Ends after which somebody is asked why, if the print had begun."""

_ENDS = frozenset({PrintState.FAILED, PrintState.CANCELLED, PrintState.INTERRUPTED, PrintState.UNKNOWN})

PRINTS: Table[PrintState] = {
    PrintState.RESERVED: _ENDS | {PrintState.UPLOADING},
    PrintState.UPLOADING: _ENDS | {PrintState.STARTING},
    PrintState.STARTING: _ENDS | {PrintState.PRINTING, PrintState.PAUSED, PrintState.FINISHED},
    PrintState.PRINTING: _ENDS | {PrintState.PAUSED, PrintState.FINISHED},
    PrintState.PAUSED: _ENDS | {PrintState.PRINTING, PrintState.FINISHED},
    **{end: frozenset() for end in (*_ENDS, PrintState.FINISHED)},
    # Taken for never begun, and then seen printing: nobody can tell what becomes of it.
    PrintState.FAILED: frozenset({PrintState.UNKNOWN}),
}

ACTIVE_PRINTS = frozenset(PrintState) - _ENDS - {PrintState.FINISHED}
"""States in which a print holds its printer: at most one such print a printer."""

MAY_BE_HOT = frozenset({PrintState.STARTING, PrintState.PRINTING, PrintState.PAUSED})
"""States in which the start command may have reached the printer: there may be plastic on the plate."""


KEPT_ON_PRINTER = timedelta(days=7)
"""How long a print's file stays on its printer after an end that was not good: for a person to look at it, or
to print it again at the machine."""


def kept_on_printer(end: PrintState) -> timedelta:
    """How long a print's file stays on its printer after this end."""
    return timedelta(0) if end is PrintState.FINISHED else KEPT_ON_PRINTER


class Approval(StrEnum):
    """What a job waits for somebody's approval of."""

    SHARE = "share"  # it is more than its owner's share: the job is held
    FIT = "fit"  # nobody can tell whether its file fits any printer: the job needs a review


@dataclass(frozen=True, slots=True)
class Pin:
    """Somebody said on which printer a job is to be printed, and perhaps before when it is not begun."""

    printer: str
    start: datetime | None = None


def only_on(pin: Pin | None, required_printers: frozenset[str]) -> frozenset[str]:
    """The printers that are left; empty means any."""
    return frozenset({pin.printer}) if pin is not None else required_printers


@dataclass(frozen=True, slots=True)
class Job:
    """One wish: print this file so many times.

    kind: of its file.
    required_printers: printers it may run on; empty means any. required_tags: the printer has all.
    preferred_printers: those that are wished for, and not insisted on. pin: stronger than both.
    rotatable: it may be turned by 90 degrees to fit. attended: people are there while it prints.
    allow_short_filament: it is printed although less is left on the spool. material, colour: to print it in,
    None for what its file says. approval: what it waits for, None for nothing; approval_why: in words.
    share_approved: it may be more than its owner's share.
    priority: larger goes first. yield_per_plate: good parts that one copy gives. order: the order's id.
    release_at: not begun before. due_at: wanted by. deadline_at: of no use after.
    good: parts that people counted. uncounted: finished prints whose plate nobody has cleared yet.
    running: prints that hold a printer. failed: prints that spoiled a plate, since it was last forgiven.
    """

    id: str
    file: str
    name: str
    copies: int
    state: JobState
    created_by: str
    created_at: datetime
    kind: FileKind = FileKind.GCODE
    priority: int = 0
    yield_per_plate: int = 1
    release_at: datetime | None = None
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    order: str | None = None
    required_printers: frozenset[str] = frozenset()
    required_tags: frozenset[str] = frozenset()
    preferred_printers: frozenset[str] = frozenset()
    pin: Pin | None = None
    rotatable: bool = False
    attended: bool = False
    allow_short_filament: bool = False
    material: str | None = None
    colour: str | None = None
    approval: Approval | None = None
    approval_why: str = ""
    share_approved: bool = False
    good: int = 0
    uncounted: int = 0
    running: int = 0
    failed: int = 0

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(
            self.name,
            self.copies,
            self.priority,
            self.yield_per_plate,
            self.release_at,
            self.due_at,
            self.deadline_at,
            self.order,
            self.required_printers,
            self.required_tags,
            self.preferred_printers,
            self.pin,
            self.rotatable,
            self.attended,
            self.allow_short_filament,
            self.material,
            self.colour,
            self.state is JobState.HELD,
        )

    def may_run_on(self, printer: Printer) -> bool:
        """Whether its wishes allow this printer; whether that takes its file is another matter."""
        listed = not self.only_on or printer.id in self.only_on
        return listed and self.required_tags <= printer.tags

    @property
    def only_on(self) -> frozenset[str]:
        """The printers it may run on, by what people wish; empty means any."""
        return only_on(self.pin, self.required_printers)

    @property
    def not_before(self) -> datetime | None:
        """When it may be begun at the earliest; None for at once."""
        starts = [at for at in (self.release_at, self.pin.start if self.pin is not None else None) if at]
        return max(starts, default=None)

    @property
    def wanted(self) -> int:
        """Good parts in all."""
        return self.copies * self.yield_per_plate

    @property
    def made(self) -> int:
        """Good parts that are there; a plate that nobody has counted yet is taken to be all good."""
        return self.good + self.uncounted * self.yield_per_plate

    @property
    def done(self) -> int:
        """Copies whose parts are there."""
        return min(self.copies, self.made // self.yield_per_plate)

    @property
    def missing(self) -> int:
        """Good parts for which no plate was begun yet, if all that run turn out good."""
        return max(0, self.wanted - self.made - self.running * self.yield_per_plate)

    @property
    def to_begin(self) -> int:
        """Plates that are still to be begun."""
        return -(-self.missing // self.yield_per_plate)


@dataclass(frozen=True, slots=True)
class Print:
    """One attempt to print a job's file on one printer.

    attempt: the short id with which the file's name on the printer starts.
    progress: 0..1. good: parts that came off the plate well; None until somebody has counted them.
    filament_g: grams that it took, None where nobody can tell.
    cause, note: what a person says about why it failed, None until somebody has.
    optimised: the hash of the copy that is sent instead of the file; None where that is sent itself.
    """

    id: str
    job: str
    printer: str
    attempt: str
    state: PrintState
    reserved_at: datetime
    remote_name: str
    progress: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    good: int | None = None
    filament_g: float | None = None
    cause: FailureCause | None = None
    note: str = ""
    optimised: str | None = None

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self.cause, self.note)
