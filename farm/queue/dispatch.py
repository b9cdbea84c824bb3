"""The queue's changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from sqlite3 import Connection

from farm.domain.durations import Measured
from farm.domain.ejecting import EjectionState
from farm.domain.file import RemoteFile, remote_name
from farm.domain.job import ACTIVE_PRINTS, MAY_BE_HOT, JobState, Print, PrintState
from farm.domain.printer import Plate, Printer
from farm.errors import Refused
from farm.queue import approvals, ejections
from farm.queue.lessons import learn_from_print
from farm.queue.look import Look
from farm.queue.plan import Plan
from farm.queue.plates import change_plate, existing_plate
from farm.queue.settling import settle_job, tell_of_job
from farm.store import ejections as open_ejections
from farm.store import jobs, maintenance, optimised, printers, prints, remote_files, spools
from farm.store.printers import PlateRow

_BEGUN = frozenset({PrintState.PRINTING, PrintState.PAUSED, PrintState.FINISHED})
"""States that prove that a print began; a short one may be over before anybody saw it running."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The names for a print to come, drawn by the queue so that a transaction holds no chance."""

    id: str
    attempt: str


class Idle(Enum):
    """Why a free printer is given nothing."""

    NOTHING = auto()  # until a job, the printer or the shop's rules change
    NOT_YET = auto()  # what is in the way passes by itself


def reserve(
    db: Connection, printer: Printer, plan: Plan, ticket: Ticket, at: datetime, who: str
) -> Print | Idle:
    """Reserve this printer for the job that the plan gives it, out of those that may be begun there.

    A job of which nobody can tell whether it fits anywhere waits from here on for a person. Looks once more,
    in the same transaction, whether the printer is free and its plate clear. Raises NotFound, Refused when
    it is not as the queue believes.
    """
    if existing_plate(db, printer.id).plate is not Plate.CLEAR or prints.active_on(db, printer.id):
        raise Refused(f"{printer.name} is not free, or its plate not clear")
    if maintenance.blocking(db, printer.id):
        return Idle.NOTHING
    look = Look(db, at)
    job = look.next_for(printer, plan)
    for unsure in look.unsure:
        approvals.ask_where_unsure(db, look, unsure, at, who)
    if job is None:
        return Idle.NOT_YET if look.waits else Idle.NOTHING
    file = look.file(job)
    sent = optimised.to_send(db, file, printer.profile.optimise)
    attempt = Print(
        id=ticket.id,
        job=job.id,
        printer=printer.id,
        attempt=ticket.attempt,
        state=PrintState.RESERVED,
        reserved_at=at,
        remote_name=remote_name(ticket.attempt, file.name),
        optimised=None if sent.copy is None else sent.copy.sha256,
    )
    why = f"reserved; {sent.why}" if sent.why else "reserved"
    prints.reserve(db, attempt, who, why, None if sent.copy is None else sent.copy.size)
    jobs.enter(db, job.id, JobState.ACTIVE, at, who, f"reserved {printer.name}")
    # Given away for good: should the start be lost, a person looks before the next one.
    printers.set_plate(db, printer.id, PlateRow(Plate.CLEAR), at, who, "reserved")
    return attempt


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be committed about a print: its new state, its plate if that changes, and why.

    file: its file on the printer, where it has just been seen there whole. begun: whether something of it
    may have been begun. progress: how far it was seen to come, 0..1. measured: how long its phases took,
    None where it was not watched all the time. ejects: where its printer pushes prints off.
    """

    state: PrintState
    plate: Plate | None = None
    why: str = ""
    file: RemoteFile | None = None
    begun: bool = True
    progress: float | None = None
    measured: Measured | None = None
    ejects: ejections.Wished | None = None


def note(db: Connection, attempt: Print, what: Note, at: datetime, who: str) -> Print:
    """Commit what became of a print, with its plate and its job.

    Raises Refused when the print is not in the state that the queue believes it to be in, and when it
    shall start on a plate that is not clear.
    """
    new, plate, why = what.state, what.plate, what.why
    was = prints.existing(db, attempt.id).state
    if was is not attempt.state:
        raise Refused(f"print {attempt.id} is {was} already, not {attempt.state}")
    if new is PrintState.STARTING and existing_plate(db, attempt.printer).plate is not Plate.CLEAR:
        raise Refused(f"the plate of {attempt.printer} is not clear any more")
    after = prints.enter(db, attempt, new, at, who, why, what.progress)
    if what.file is not None:
        remote_files.keep(db, attempt.id, what.file)
    if plate is not None:
        change_plate(db, attempt.printer, PlateRow(plate), at, who, why or f"print {new}")
    if attempt.state is PrintState.STARTING and new in _BEGUN:
        tell_of_job(db, "job.started", after, at)
    if new not in ACTIVE_PRINTS:
        may_be_hot = what.begun and attempt.state in MAY_BE_HOT
        spools.use(db, after, _printed_share(after, what) if may_be_hot else 0.0, at)
        settle_job(db, after, may_be_hot, at, who, why)
        learn_from_print(db, after, what.measured, at)
    if new is PrintState.FINISHED and what.ejects is not None:
        ejections.begin(db, what.ejects, after, at, who)
    return after


def _printed_share(ended: Print, what: Note) -> float | None:
    """How much of a print was printed, None where nobody can tell."""
    if ended.state is PrintState.FINISHED:
        return 1.0
    if what.plate is None:  # it is as it was: nothing was begun
        return 0.0
    return None if ended.state is PrintState.UNKNOWN else what.progress


def hold_everything(db: Connection, at: datetime, who: str, backup: str) -> None:
    """After a backup was restored: what happened since is forgotten, so nothing goes on by itself.

    Active prints become `unknown`, open jobs `needs_review`, every plate is to be looked at.
    """
    why = f"the database was restored from {backup}"
    for attempt in prints.active(db):
        prints.enter(db, attempt, PrintState.UNKNOWN, at, who, why)
    for ejection in open_ejections.every_open(db):
        open_ejections.enter(db, ejection, EjectionState.LEFT, at, who, why)
    for job in jobs.open_jobs(db):
        if job.state is not JobState.QUARANTINED:  # that one waits for a person already
            jobs.enter(db, job.id, JobState.NEEDS_REVIEW, at, who, why)
    for printer in printers.plates(db):
        change_plate(db, printer, PlateRow(Plate.UNKNOWN), at, who, why)
        spools.lose_count(db, printer, at)
