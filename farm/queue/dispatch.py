"""The queue's changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.file import remote_name
from farm.domain.job import ACTIVE_PRINTS, Job, JobState, Print, PrintState
from farm.domain.printer import PLATES, Plate, Printer
from farm.domain.transitions import require
from farm.errors import Invalid, NotFound, Refused
from farm.queue.messages import UNDO_S
from farm.store import files, jobs, printers, prints
from farm.store.events import record
from farm.store.printers import PlateRow

MAX_FAILURES = 3  # of one job; then a person decides, instead of a fourth plate of spoiled plastic

_BEGUN = frozenset({PrintState.PRINTING, PrintState.PAUSED, PrintState.FINISHED})
"""States that prove that a print began; a short one may be over before anybody saw it running."""

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


def add_job(db: Connection, job: Job, who: str) -> Job:
    """Keep a job, after looking whether its file and printers are here."""
    if files.by_id(db, job.file) is None:
        raise NotFound(f"there is no file {job.file}; upload it first")
    for printer in sorted(job.required_printers):
        if not printers.exists(db, printer):
            raise Invalid(f"there is no printer {printer}", "required_printers")
    jobs.add(db, job, who)
    return job


def may_run_on(job: Job, printer: Printer) -> bool:
    """Whether a job's wishes allow this printer."""
    listed = not job.required_printers or printer.id in job.required_printers
    return listed and job.required_tags <= printer.tags


def reserve(db: Connection, printer: Printer, ticket: Ticket, at: datetime, who: str) -> Print | None:
    """Reserve this printer for the most urgent job that may run on it; None when there is none.

    Looks at the plate once more, in the same transaction: nothing starts on one that is not clear.
    """
    plate = printers.plate(db, printer.id)
    if plate is None or plate.plate is not Plate.CLEAR or prints.active_on(db, printer.id) is not None:
        return None
    job = next((job for job in jobs.waiting(db) if may_run_on(job, printer)), None)
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
    """Commit what became of a print, with its plate and its job."""
    after = prints.enter(db, attempt, new, at, who, why)
    if plate is not None:
        change_plate(db, attempt.printer, PlateRow(plate), at, who, why or f"print {new}")
    if attempt.state is PrintState.STARTING and new in _BEGUN:
        _tell(db, "job.started", after, at)
    if new not in ACTIVE_PRINTS:
        _settle_job(db, after, at, who, why)
    return after


def _settle_job(db: Connection, ended: Print, at: datetime, who: str, why: str) -> None:
    """What the end of one print means for its job."""
    job = jobs.existing(db, ended.job)
    others = any(other.state in ACTIVE_PRINTS for other in prints.of_job(db, job.id))
    if ended.state in _JOB_FACTS:
        _tell(db, _JOB_FACTS[ended.state], ended, at, why)
    if ended.state is PrintState.UNKNOWN:
        jobs.enter(db, job.id, JobState.NEEDS_REVIEW, at, who, why)
    elif job.done >= job.copies:
        jobs.enter(db, job.id, JobState.DONE, at, who, "all copies printed")
    elif job.failed >= MAX_FAILURES:
        jobs.enter(db, job.id, JobState.QUARANTINED, at, who, f"{job.failed} prints of it failed: {why}")
    elif not others and job.state is JobState.ACTIVE:
        jobs.enter(db, job.id, JobState.QUEUED, at, who, f"{job.copies - job.done} more to print")


def _tell(db: Connection, fact: str, attempt: Print, at: datetime, why: str = "") -> None:
    data = {"job": attempt.job, "print": attempt.id, "printer": attempt.printer, "why": why}
    record(db, fact, ("queue", f"printer:{attempt.printer}"), at, data)


def clear_plate(db: Connection, printer: str, good: int | None, at: datetime, who: str) -> PlateRow:
    """A person saw the plate clear. It can be taken back for UNDO_S seconds."""
    before = existing_plate(db, printer)
    if prints.active_on(db, printer) is not None:
        raise Refused(f"{printer} has a print under way; its plate can be cleared when that has ended")
    was = before.before if before.plate is Plate.CLEAR and before.before else before.plate
    prints.keep_good(db, printer, good)
    new = PlateRow(Plate.CLEAR, before=was, settles_at=at + timedelta(seconds=UNDO_S))
    change_plate(db, printer, new, at, who, "somebody looked")
    return new


def undo_plate(db: Connection, printer: str, at: datetime, who: str) -> PlateRow:
    """Take a cleared plate back to what it was. The queue has looked whether it is still time."""
    now = existing_plate(db, printer)
    if now.plate is not Plate.CLEAR or now.before is None or prints.active_on(db, printer) is not None:
        raise Refused(f"there is nothing to take back on {printer}")
    new = PlateRow(now.before)
    change_plate(db, printer, new, at, who, "taken back")
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
