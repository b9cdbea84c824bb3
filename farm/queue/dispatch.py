"""The queue's changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.file import remote_name
from farm.domain.job import ACTIVE_PRINTS, JOBS, MAY_BE_HOT, Job, JobState, Print, PrintState
from farm.domain.printer import PLATES, Plate, Printer
from farm.domain.transitions import require
from farm.errors import Invalid, NotFound, Refused
from farm.queue.messages import ClearPlate, UndoPlate
from farm.queue.plan import Plan
from farm.store import audit, files, jobs, printers, prints
from farm.store.audit import Stamp
from farm.store.commands import tell_end
from farm.store.events import record
from farm.store.printers import PlateRow

MAX_FAILURES = 3  # of one job; then a person decides, instead of a fourth plate of spoiled plastic
MAX_PRINTERS_SPOILED = 2  # by one file

_BEGUN = frozenset({PrintState.PRINTING, PrintState.PAUSED, PrintState.FINISHED})
"""States that prove that a print began; a short one may be over before anybody saw it running."""

_LOOKED_AT_BY_A_PERSON = frozenset({JobState.QUARANTINED, JobState.NEEDS_REVIEW})
"""States that the end of one more print of the job does not change, unless that was the last copy."""

_JOB_FACTS = {
    PrintState.FINISHED: "job.finished",
    PrintState.FAILED: "job.failed",
    PrintState.INTERRUPTED: "job.failed",
    PrintState.UNKNOWN: "job.failed",
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """The names for a print to come, drawn by the queue so that a transaction holds no chance."""

    id: str
    attempt: str


def add_job(db: Connection, job: Job, stamp: Stamp) -> Job:
    """Keep a job, after looking whether its file and printers are here."""
    if files.by_id(db, job.file) is None:
        raise NotFound(f"there is no file {job.file}; upload it first")
    for printer in sorted(job.required_printers):
        if not printers.exists(db, printer):
            raise Invalid(f"there is no printer {printer}", "required_printers")
    jobs.add(db, job, str(stamp.who))
    detail = {"name": job.name, "file": job.file, "copies": job.copies, "state": job.state}
    audit.append(db, stamp, "job.added", f"job:{job.id}", detail)
    return job


def reserve(
    db: Connection, printer: Printer, plan: Plan, ticket: Ticket, at: datetime, who: str
) -> Print | None:
    """Reserve this printer for the job that the plan gives it; None when there is none.

    Looks once more, in the same transaction, whether the printer is free and its plate clear. Raises
    NotFound, Refused when it is not as the queue believes.
    """
    if existing_plate(db, printer.id).plate is not Plate.CLEAR or prints.active_on(db, printer.id):
        raise Refused(f"{printer.name} is not free, or its plate not clear")
    job = plan.next_for(printer, jobs.waiting(db))
    if job is None:
        return None
    file = files.by_id(db, job.file)
    if file is None:
        raise LookupError(f"job {job.id} wants file {job.file}, which is not here")
    attempt = Print(
        id=ticket.id,
        job=job.id,
        printer=printer.id,
        attempt=ticket.attempt,
        state=PrintState.RESERVED,
        reserved_at=at,
        remote_name=remote_name(ticket.attempt, file.name),
    )
    prints.reserve(db, attempt, who)
    jobs.enter(db, job.id, JobState.ACTIVE, at, who, f"reserved {printer.name}")
    # Given away for good: should the start be lost, a person looks before the next one.
    printers.set_plate(db, printer.id, PlateRow(Plate.CLEAR), at, who, "reserved")
    return attempt


def note(
    db: Connection, attempt: Print, new: PrintState, plate: Plate | None, at: datetime, who: str, why: str
) -> Print:
    """Commit what became of a print, with its plate and its job.

    Raises Refused when the print is not in the state that the queue believes it to be in, and when it
    shall start on a plate that is not clear.
    """
    was = prints.existing(db, attempt.id).state
    if was is not attempt.state:
        raise Refused(f"print {attempt.id} is {was} already, not {attempt.state}")
    if new is PrintState.STARTING and existing_plate(db, attempt.printer).plate is not Plate.CLEAR:
        raise Refused(f"the plate of {attempt.printer} is not clear any more")
    after = prints.enter(db, attempt, new, at, who, why)
    if plate is not None:
        change_plate(db, attempt.printer, PlateRow(plate), at, who, why or f"print {new}")
    if attempt.state is PrintState.STARTING and new in _BEGUN:
        _tell(db, "job.started", after, at)
    if new not in ACTIVE_PRINTS:
        _settle_job(db, attempt, after, at, who, why)
    return after


def _settle_job(db: Connection, before: Print, ended: Print, at: datetime, who: str, why: str) -> None:
    """What the end of one print means for its job, and for others of the same file."""
    if ended.state in _JOB_FACTS:
        _tell(db, _JOB_FACTS[ended.state], ended, at, why)
    job = jobs.existing(db, ended.job)
    if job.state in (JobState.DONE, JobState.CANCELLED):
        return
    if job.done >= job.copies:
        jobs.enter(db, job.id, JobState.DONE, at, who, "all copies printed")
    elif (ended.state is PrintState.FAILED and _stop_the_file(db, job, at, who)) or (
        job.state in _LOOKED_AT_BY_A_PERSON
    ):
        return
    elif ended.state is PrintState.UNKNOWN:
        jobs.enter(db, job.id, JobState.NEEDS_REVIEW, at, who, why)
    elif ended.state is PrintState.CANCELLED and before.state in MAY_BE_HOT:
        jobs.enter(db, job.id, JobState.HELD, at, who, "a print of it was cancelled; release it to go on")
    elif job.failed >= MAX_FAILURES:
        jobs.enter(db, job.id, JobState.QUARANTINED, at, who, f"{job.failed} prints of it failed: {why}")
    elif job.state is JobState.ACTIVE and not _prints_going_on(db, job):
        jobs.enter(db, job.id, JobState.QUEUED, at, who, f"{job.copies - job.done} more to print")


def _stop_the_file(db: Connection, failed: Job, at: datetime, who: str) -> bool:
    """A file that spoils prints on two printers will on the third: every job of it waits for a person."""
    spoiled = jobs.printers_that_failed(db, failed.file)
    if len(spoiled) < MAX_PRINTERS_SPOILED:
        return False
    for job in jobs.of_file(db, failed.file):
        if JobState.QUARANTINED in JOBS[job.state]:
            why = f"its file failed on {' and '.join(spoiled)}"
            jobs.enter(db, job.id, JobState.QUARANTINED, at, who, why)
    return True


def _prints_going_on(db: Connection, job: Job) -> bool:
    return any(attempt.state in ACTIVE_PRINTS for attempt in prints.of_job(db, job.id))


def change_job(db: Connection, job_id: str, change: str, stamp: Stamp) -> Job:
    """Hold, release, cancel or retry a job; prints of it go on. Raises NotFound, Refused, Invalid."""
    job = jobs.by_id(db, job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    if change not in _CHANGES:
        raise Invalid(f"a job can be told to {', '.join(_CHANGES)}", "change")
    allowed, new = _CHANGES[change]
    if job.state not in allowed:
        raise Refused(
            f"{job.name} is {job.state}; only a job that is {_either(allowed)} can be told to {change}"
        )
    if change == "retry":
        jobs.forgive(db, job.id, stamp.at)
    if new is JobState.QUEUED and _prints_going_on(db, job):
        new = JobState.ACTIVE
    audit.append(db, stamp, "job.changed", f"job:{job.id}", {"change": change, "was": job.state, "is": new})
    return jobs.enter(db, job.id, new, stamp.at, str(stamp.who), change)


def _either(states: frozenset[JobState]) -> str:
    return " or ".join(sorted(states))


_CHANGES: dict[str, tuple[frozenset[JobState], JobState]] = {
    "hold": (frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.ACTIVE}), JobState.HELD),
    "release": (frozenset({JobState.HELD}), JobState.QUEUED),
    "cancel": (
        frozenset(state for state, after in JOBS.items() if JobState.CANCELLED in after),
        JobState.CANCELLED,
    ),
    "retry": (frozenset({JobState.QUARANTINED, JobState.NEEDS_REVIEW}), JobState.QUEUED),
}


def _tell(db: Connection, fact: str, attempt: Print, at: datetime, why: str = "") -> None:
    data = {"job": attempt.job, "print": attempt.id, "printer": attempt.printer, "why": why}
    record(db, fact, ("queue", f"printer:{attempt.printer}"), at, data)


def clear_plate(db: Connection, wish: ClearPlate, undo_s: float, stamp: Stamp) -> PlateRow:
    """A person saw the plate clear. It can be taken back for `undo_s` seconds."""
    printer = wish.printer
    before = existing_plate(db, printer)
    if prints.active_on(db, printer) is not None:
        raise Refused(f"{printer} has a print under way; its plate can be cleared when that has ended")
    was = before.before if before.plate is Plate.CLEAR and before.before else before.plate
    prints.keep_good(db, printer, wish.good)
    new = PlateRow(Plate.CLEAR, before=was, settles_at=stamp.at + timedelta(seconds=undo_s))
    change_plate(db, printer, new, stamp.at, str(stamp.who), "somebody looked")
    audit.append(db, stamp, "plate.cleared", f"printer:{printer}", {"was": before.plate, "good": wish.good})
    if wish.command:
        tell_end(db, printer, wish.command, "plate_cleared", "", stamp)
    return new


def undo_plate(db: Connection, wish: UndoPlate, stamp: Stamp) -> PlateRow:
    """Take a cleared plate back to what it was. The queue has looked whether it is still time."""
    printer = wish.printer
    now = existing_plate(db, printer)
    if now.plate is not Plate.CLEAR or now.before is None or prints.active_on(db, printer) is not None:
        raise Refused(f"there is nothing to take back on {printer}")
    new = PlateRow(now.before)
    prints.forget_good(db, printer)
    change_plate(db, printer, new, stamp.at, str(stamp.who), "taken back")
    audit.append(db, stamp, "plate.takenBack", f"printer:{printer}", {"is": new.plate})
    if wish.command:
        tell_end(db, printer, wish.command, "plate_undo", "", stamp)
    return new


def change_plate(db: Connection, printer: str, new: PlateRow, at: datetime, who: str, why: str) -> None:
    """Store a plate, and tell everybody if it is another than before."""
    before = existing_plate(db, printer)
    require(PLATES, before.plate, new.plate)
    printers.set_plate(db, printer, new, at, who, why)
    if before.plate is not new.plate:
        data = {"printer": printer, "from": before.plate, "to": new.plate, "why": why}
        record(db, "plate.changed", ("printers", f"printer:{printer}"), at, data)


def existing_plate(db: Connection, printer: str) -> PlateRow:
    """The plate of a printer. Raises NotFound."""
    plate = printers.plate(db, printer)
    if plate is None:
        raise NotFound(f"there is no printer {printer}")
    return plate


def hold_everything(db: Connection, at: datetime, who: str, backup: str) -> None:
    """After a backup was restored: what happened since is forgotten, so nothing goes on by itself.

    Active prints become `unknown`, open jobs `needs_review`, every plate is to be looked at.
    """
    why = f"the database was restored from {backup}"
    for attempt in prints.active(db):
        prints.enter(db, attempt, PrintState.UNKNOWN, at, who, why)
    for job in jobs.open_jobs(db):
        if job.state is not JobState.QUARANTINED:  # that one waits for a person already
            jobs.enter(db, job.id, JobState.NEEDS_REVIEW, at, who, why)
    for printer in printers.plates(db):
        change_plate(db, printer, PlateRow(Plate.UNKNOWN), at, who, why)
