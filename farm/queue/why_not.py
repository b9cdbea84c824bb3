"""Why a job is not begun on each printer, in words for the person who waits for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from farm.domain.compatibility import Reason, in_words
from farm.domain.job import Approval, Job, JobState, Print
from farm.domain.printer import DECIDED, Connection, Operation, Plate, Printer, PrinterStatus
from farm.store.printers import PlateRow


@dataclass(frozen=True, slots=True)
class Place:
    """One printer as the queue sees it. active: the print that holds it. due: the chore that comes first.

    lasting: what keeps the job from it for good, or nobody can tell. obstacles: what would keep it from being
    begun there if the printer were free; power: why there is not enough for it. first: the job that the plan
    gives it next. planned: why the plan does not begin the job there now.
    """

    printer: Printer
    status: PrinterStatus
    plate: PlateRow
    active: Print | None = None
    due: str | None = None
    lasting: Sequence[Reason] = ()
    obstacles: Sequence[Reason] = ()
    power: str | None = None
    first: Job | None = None
    planned: str | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """printer: None where the reason is the job's own, and holds for all of them. compared: the same for
    programs, where it is what the job needs against what the printer has."""

    printer: str | None
    reason: str
    compared: Reason | None = None


_OF_THE_JOB = {
    JobState.HELD: "it is held; release it to go on",
    JobState.QUARANTINED: "too many of its prints failed; see why, then let it be tried again",
    JobState.NEEDS_REVIEW: "nobody knows how a print of it ended; look at it, then try again or cancel",
}

_APPROVAL = "it waits for approval: {why}"


def why_not(job: Job, places: Iterable[Place], at: datetime) -> list[WhyNot]:
    """What keeps each printer from beginning the job; nothing for a job of which no print is to be begun.

    The job's own reason comes first. Of one that needs approval to fit, each printer's follow.
    """
    if job.approval is not None:
        own = WhyNot(None, _APPROVAL.format(why=job.approval_why))
        unfit = [_compared(reason) for place in places for reason in place.lasting[:1]]
        return [own, *unfit] if job.approval is Approval.FIT else [own]
    if job.state in _OF_THE_JOB:
        return [WhyNot(None, _OF_THE_JOB[job.state])]
    if job.state in (JobState.DONE, JobState.CANCELLED) or job.to_begin == 0:
        return []
    if job.not_before is not None and job.not_before > at:
        return [WhyNot(None, f"it is not to be begun before {job.not_before:%Y-%m-%d %H:%M} UTC")]
    return [_of_place(job, place, at) for place in places]


def _of_place(job: Job, place: Place, at: datetime) -> WhyNot:
    if place.lasting:
        return _compared(place.lasting[0])
    printer, first = place.printer.id, place.first
    busy = _busy(place, job) or _plate(place.plate, at)
    if busy is not None:
        return WhyNot(printer, busy)
    if place.due is not None:
        return WhyNot(printer, f"its maintenance is due: {place.due}")
    if place.obstacles:
        return _compared(place.obstacles[0])
    if place.power is not None:
        return WhyNot(printer, place.power)
    if first is not None and first.id != job.id:
        return WhyNot(printer, f"{first.name} comes first")
    return WhyNot(printer, (place.planned or "it begins in a moment") + _doubt(place.status))


def _doubt(status: PrinterStatus) -> str:
    """Why the plan prefers other printers, after the reason before."""
    return (
        f"; others are preferred, for something was wrong with it: {status.doubt.why}" if status.doubt else ""
    )


def _compared(reason: Reason) -> WhyNot:
    return WhyNot(reason.printer, in_words(reason), reason)


def _busy(place: Place, job: Job) -> str | None:
    status = place.status
    why = f": {status.message}" if status.message else ""
    if status.operation is Operation.EMERGENCY:  # whether or not it can be reached
        return DECIDED[Operation.EMERGENCY]
    if status.connection is not Connection.ONLINE:
        return f"it is {status.connection}{why}"
    if place.active is not None:
        return "it prints a copy of it" if place.active.job == job.id else "it has another print to do"
    if status.foreign:
        return "somebody else prints on it"
    if status.operation in DECIDED:
        return DECIDED[status.operation] + why
    return None if status.operation is Operation.IDLE else f"it is {status.operation}{why}"


def _plate(plate: PlateRow, at: datetime) -> str | None:
    if plate.plate is Plate.OCCUPIED:
        return "something lies on its plate; clear it, and say so"
    if plate.plate is Plate.UNKNOWN:
        return "nobody has looked at its plate; say that it is clear"
    if plate.settles_at is not None and plate.settles_at > at:
        return f"its plate was cleared just now; it begins in {(plate.settles_at - at).total_seconds():.0f} s"
    return None
