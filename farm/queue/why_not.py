"""Why a job is not begun on each printer, in words for the person who waits for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from farm.domain.job import Job, JobState, Print
from farm.domain.printer import Connection, Operation, Plate, Printer, PrinterStatus
from farm.queue.fitting import takes
from farm.queue.plan import Plan
from farm.store.printers import PlateRow


@dataclass(frozen=True, slots=True)
class Place:
    """One printer as the queue sees it. active: the print that holds it. due: the chore that comes first."""

    printer: Printer
    status: PrinterStatus
    plate: PlateRow
    active: Print | None
    due: str | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """printer: None where the reason is the job's own, and holds for all of them."""

    printer: str | None
    reason: str


_OF_THE_JOB = {
    JobState.HELD: "it is held; release it to go on",
    JobState.QUARANTINED: "too many of its prints failed; see why, then let it be tried again",
    JobState.NEEDS_REVIEW: "nobody knows how a print of it ended; look at it, then try again or cancel",
}

_DECIDED = {
    Operation.MAINTENANCE: "it is in maintenance",
    Operation.EMERGENCY: "it was stopped in an emergency; look at it, then clear that",
    Operation.ATTENTION: "it needs somebody to look at it",
}


def why_not(
    job: Job, places: Iterable[Place], waiting: Sequence[Job], plan: Plan, at: datetime
) -> list[WhyNot]:
    """What keeps each printer from beginning the job; nothing for a job of which no print is to be begun.

    waiting: the jobs that could be begun, the most urgent first.
    """
    if job.state in _OF_THE_JOB:
        return [WhyNot(None, _OF_THE_JOB[job.state])]
    if job.state in (JobState.DONE, JobState.CANCELLED) or job.to_begin == 0:
        return []
    if job.release_at is not None and job.release_at > at:
        return [WhyNot(None, f"it is not to be begun before {job.release_at:%Y-%m-%d %H:%M} UTC")]
    return [WhyNot(place.printer.id, _of_place(job, place, waiting, plan, at)) for place in places]


def _of_place(job: Job, place: Place, waiting: Sequence[Job], plan: Plan, at: datetime) -> str:
    wished_away = _unfit(job, place.printer)
    if wished_away is not None:
        return wished_away
    busy = _busy(place, job) or _plate(place.plate, at)
    if busy is not None:
        return busy
    if place.due is not None:
        return f"its maintenance is due: {place.due}"
    first = plan.next_for(place.printer, waiting, at)
    return (
        f"{first.name} comes first" if first is not None and first.id != job.id else "it begins in a moment"
    )


def _unfit(job: Job, printer: Printer) -> str | None:
    if job.required_printers and printer.id not in job.required_printers:
        return f"the job is for {' or '.join(sorted(job.required_printers))}"
    missing = sorted(job.required_tags - printer.tags)
    if missing:
        return f"it lacks the tag {' and '.join(missing)}"
    return None if takes(printer, job.kind) else f"it prints no .{job.kind}; export it as plain G-code"


def _busy(place: Place, job: Job) -> str | None:
    status = place.status
    why = f": {status.message}" if status.message else ""
    if status.operation is Operation.EMERGENCY:  # whether or not it can be reached
        return _DECIDED[Operation.EMERGENCY]
    if status.connection is not Connection.ONLINE:
        return f"it is {status.connection}{why}"
    if place.active is not None:
        return "it prints a copy of it" if place.active.job == job.id else "it has another print to do"
    if status.foreign:
        return "somebody else prints on it"
    if status.operation in _DECIDED:
        return _DECIDED[status.operation] + why
    return None if status.operation is Operation.IDLE else f"it is {status.operation}{why}"


def _plate(plate: PlateRow, at: datetime) -> str | None:
    if plate.plate is Plate.OCCUPIED:
        return "something lies on its plate; clear it, and say so"
    if plate.plate is Plate.UNKNOWN:
        return "nobody has looked at its plate; say that it is clear"
    if plate.settles_at is not None and plate.settles_at > at:
        return f"its plate was cleared just now; it begins in {(plate.settles_at - at).total_seconds():.0f} s"
    return None
