"""Prints: attempts, each on one printer."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from sqlite3 import Connection, Row
from typing import NamedTuple

from farm.domain.clock import iso, parse_iso
from farm.domain.job import (
    ACTIVE_PRINTS,
    PRINTS,
    UNEXPLAINED,
    FailureCause,
    Print,
    PrintState,
    kept_on_printer,
)
from farm.domain.transitions import require
from farm.store import maintenance, shop
from farm.store.changes import history, record_change
from farm.store.events import record

ACTIVE = ", ".join(f"'{state}'" for state in PrintState if state in ACTIVE_PRINTS)
"""The states in which a print holds its printer, in the very order of the index on them: SQLite uses that
index for a query that says `state IN (…)` in the same words, and else reads every print there ever was."""


@dataclass(frozen=True, slots=True)
class OnPlate:
    """What a print has left on its printer's plate, so that a person may take it off and count it.

    state: how it ended. name: its job's. yield_per_plate: the good parts to expect.
    """

    printer: str
    print: str
    job: str
    name: str
    state: PrintState
    ended_at: datetime
    reason: str
    yield_per_plate: int


def reserve(db: Connection, attempt: Print, who: str, why: str = "reserved", size: int | None = None) -> None:
    """Keep a new print, which from now on holds its printer. size: of the copy that is sent, in bytes.

    Raises sqlite3.IntegrityError when the printer has an active print or the attempt id was used.
    """
    db.execute(
        """INSERT INTO prints (id, job, printer, attempt, remote_name, state, reserved_at, optimised,
               optimised_size)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            attempt.id,
            attempt.job,
            attempt.printer,
            attempt.attempt,
            attempt.remote_name,
            PrintState.RESERVED,
            iso(attempt.reserved_at),
            attempt.optimised,
            size,
        ),
    )
    _noted(db, attempt, None, attempt.reserved_at, who, why)


def enter(
    db: Connection,
    attempt: Print,
    new: PrintState,
    at: datetime,
    who: str,
    why: str,
    progress: float | None = None,
) -> Print:
    """Change a print's state, note it, and tell everybody. An end owes the deletion of its file.

    progress: 0..1, how far it has come, None where that is not known anew.

    Raises ValueError when the transition is not in the table.
    """
    before = PrintState(attempt.state)
    require(PRINTS, before, new)
    begins = new in (PrintState.PRINTING, PrintState.PAUSED, PrintState.FINISHED)
    ended_at = None if new in ACTIVE_PRINTS else iso(at)
    left_there = ended_at and before is not PrintState.RESERVED  # till then nothing was sent
    db.execute(
        """UPDATE prints SET state = ?, reason = ?, remote_delete_at = ?,
               started_at = CASE WHEN ? THEN coalesce(started_at, ?) ELSE started_at END,
               ended_at = coalesce(?, ended_at),
               progress = CASE WHEN ? THEN 1 ELSE coalesce(?, progress) END
           WHERE id = ?""",
        (
            new,
            why,
            iso(at + kept_on_printer(new)) if left_there else None,
            begins,
            iso(at),
            ended_at,
            new is PrintState.FINISHED,
            progress,
            attempt.id,
        ),
    )
    after = existing(db, attempt.id)
    _noted(db, after, before, at, who, why)
    if ended_at:
        seconds = _note_outcome(db, after, at)
        if new in _SEEN_TO_THE_END:
            maintenance.count(db, after.printer, seconds, at)
    return after


def _note_outcome(db: Connection, ended: Print, at: datetime) -> float:
    """Keep what there is to count of a print that is over. Returns for how many seconds it printed."""
    day, seconds = at.astimezone(shop.constraints(db).zone).date().isoformat(), printed_s(db, ended.id)
    db.execute(
        """UPDATE prints SET day = ?, printed_s = ?,
               material = (SELECT coalesce(print_jobs.material, files.material) FROM print_jobs
                           JOIN files ON files.id = print_jobs.file WHERE print_jobs.id = prints.job)
           WHERE id = ?""",
        (day, seconds, ended.id),
    )
    return seconds


def note_cleared(db: Connection, printer: str, at: datetime | None) -> None:
    """The plate was cleared of what the printer's newest print left there; None: not yet after all."""
    last = last_on(db, printer)
    if last is None or last.ended_at is None or last.started_at is None:
        return
    waited_s = None if at is None else max(0.0, (at - last.ended_at).total_seconds())
    db.execute("UPDATE prints SET waited_s = ? WHERE id = ?", (waited_s, last.id))


LONGEST_STRETCH_S = 14 * 86_400.0
"""No print goes on for longer: the clock was set meanwhile, and nobody can tell."""

_SEEN_TO_THE_END = (PrintState.FINISHED, PrintState.FAILED, PrintState.CANCELLED)


def printed_s(db: Connection, print_id: str) -> float:
    """For how many seconds a print that is over was printing; pauses are left out."""
    changes = history(db, "print", print_id)
    stretches = (
        (after.at - change.at).total_seconds()
        for change, after in pairwise(changes)
        if change.new == PrintState.PRINTING
    )
    return sum(stretch_s for stretch_s in stretches if 0 <= stretch_s <= LONGEST_STRETCH_S)


def note_filament(db: Connection, print_id: str, grams: float) -> None:
    """Note how much filament a print has taken, of all its tools."""
    db.execute("UPDATE prints SET filament_g = ? WHERE id = ?", (grams, print_id))


def explain(db: Connection, print_id: str, cause: str | None, note: str) -> Print:
    """Keep what a person says about why a print failed."""
    db.execute("UPDATE prints SET cause = ?, note = ? WHERE id = ?", (cause, note, print_id))
    return existing(db, print_id)


def given_since(db: Connection, at: datetime) -> list[tuple[str, str]]:
    """Job and printer of every print that was reserved at that moment or later, oldest first."""
    rows = db.execute(
        "SELECT job, printer FROM prints WHERE reserved_at >= ? ORDER BY reserved_at, id", (iso(at),)
    ).fetchall()
    return [(row["job"], row["printer"]) for row in rows]


def by_id(db: Connection, print_id: str) -> Print | None:
    """One print, None when there is none."""
    row = db.execute("SELECT * FROM prints WHERE id = ?", (print_id,)).fetchone()
    return _print(row) if row is not None else None


def count_good(db: Connection, attempt: Print, good: int | None, at: datetime) -> None:
    """Note how many good parts came off its plate, and tell everybody; None: to be counted anew."""
    db.execute("UPDATE prints SET good = ? WHERE id = ?", (good, attempt.id))
    data = {"print": attempt.id, "job": attempt.job, "printer": attempt.printer, "good": good}
    record(db, "print.counted", ("queue", f"printer:{attempt.printer}"), at, data)


def last_on(db: Connection, printer: str) -> Print | None:
    """The printer's newest print; what lies on its plate is of this one, if it is ours at all."""
    row = db.execute(
        "SELECT * FROM prints WHERE printer = ? ORDER BY reserved_at DESC, id DESC LIMIT 1", (printer,)
    ).fetchone()
    return _print(row) if row is not None else None


def on_plates(db: Connection) -> list[OnPlate]:
    """What lies on the plates that wait for a person, by printer; nothing of prints that never began."""
    rows = db.execute(
        """SELECT prints.*, print_jobs.name AS job_name, yield_per_plate
           FROM printers
           JOIN prints ON prints.id = (
               SELECT id FROM prints WHERE printer = printers.id ORDER BY reserved_at DESC, id DESC LIMIT 1)
           JOIN print_jobs ON print_jobs.id = prints.job
           WHERE printers.plate <> 'clear' AND good IS NULL AND ended_at IS NOT NULL
               AND (started_at IS NOT NULL OR prints.state = 'unknown')
           ORDER BY printers.id"""
    ).fetchall()
    return [
        OnPlate(
            printer=row["printer"],
            print=row["id"],
            job=row["job"],
            name=row["job_name"],
            state=PrintState(row["state"]),
            ended_at=parse_iso(row["ended_at"]),
            reason=row["reason"],
            yield_per_plate=row["yield_per_plate"],
        )
        for row in rows
    ]


def existing(db: Connection, print_id: str) -> Print:
    """One print that must be there; LookupError otherwise."""
    row = db.execute("SELECT * FROM prints WHERE id = ?", (print_id,)).fetchone()
    if row is None:
        raise LookupError(f"no print {print_id}")
    return _print(row)


def active(db: Connection) -> list[Print]:
    """Every print that holds its printer."""
    rows = db.execute(f"SELECT * FROM prints WHERE state IN ({ACTIVE}) ORDER BY reserved_at, id").fetchall()
    return [_print(row) for row in rows]


def active_on(db: Connection, printer: str) -> Print | None:
    """The print that holds this printer, if any."""
    row = db.execute(f"SELECT * FROM prints WHERE printer = ? AND state IN ({ACTIVE})", (printer,)).fetchone()
    return _print(row) if row is not None else None


def page(
    db: Connection,
    after: str | None,
    limit: int,
    *,
    job: str | None,
    printer: str | None,
    state: str | None,
    unexplained: bool = False,
) -> list[Print]:
    """Up to `limit` prints by id, those after `after`, narrowed where a filter is given.

    unexplained: only those that failed after they had begun, and nobody has said why.
    """
    rows = db.execute(
        """SELECT * FROM prints WHERE id > ?
           AND (? IS NULL OR job = ?) AND (? IS NULL OR printer = ?) AND (? IS NULL OR state = ?)
           AND (NOT ? OR (cause IS NULL AND started_at IS NOT NULL AND state IN (?, ?)))
           ORDER BY id LIMIT ?""",
        (after or "", job, job, printer, printer, state, state, unexplained, *sorted(UNEXPLAINED), limit),
    ).fetchall()
    return [_print(row) for row in rows]


class Over(NamedTuple):
    """A print that is over, with what its job and file are called: a line of a table."""

    id: str
    job: str
    name: str
    file: str
    printer: str
    state: str
    reserved_at: str
    started_at: str | None
    ended_at: str
    material: str | None
    printed_s: float
    waited_s: float | None
    filament_g: float | None
    good: int | None
    cause: str | None
    note: str
    reason: str


def over(
    db: Connection,
    first: date,
    last: date,
    printers: Collection[str] | None,
    after: tuple[str, str],
    limit: int,
) -> list[Over]:
    """Prints that ended from the day `first` to the day `last`, by the time of their end.

    printers: None for all there are and were. after: end and id of the one before, or empty.
    """
    rows = db.execute(
        """SELECT prints.id, prints.job, print_jobs.name, files.name, printer, prints.state, reserved_at,
               started_at, ended_at, prints.material, printed_s, waited_s, prints.filament_g, good, cause,
               prints.note, prints.reason
           FROM prints JOIN print_jobs ON print_jobs.id = prints.job JOIN files ON files.id = print_jobs.file
           WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR printer IN (SELECT value FROM json_each(?3)))
               AND (ended_at, prints.id) > (?4, ?5) ORDER BY ended_at, prints.id LIMIT ?6""",
        (
            first.isoformat(),
            last.isoformat(),
            None if printers is None else json.dumps(sorted(printers)),
            *after,
            limit,
        ),
    ).fetchall()
    return [Over(*row) for row in rows]


def taken_for_never_begun(db: Connection, printer: str, remote_name: str) -> Print | None:
    """The print of this file on this printer that counts as failed because its start came to nothing."""
    row = db.execute(
        """SELECT * FROM prints WHERE printer = ? AND remote_name = ? AND state = 'failed'
           AND started_at IS NULL AND EXISTS (
               SELECT 1 FROM state_changes WHERE thing = 'print' AND thing_id = prints.id
               AND from_state = 'starting' AND to_state = 'failed')""",
        (printer, remote_name),
    ).fetchone()
    return _print(row) if row is not None else None


def of_job(db: Connection, job: str) -> list[Print]:
    """Every attempt at a job, oldest first."""
    rows = db.execute("SELECT * FROM prints WHERE job = ? ORDER BY reserved_at, id", (job,)).fetchall()
    return [_print(row) for row in rows]


def _noted(db: Connection, attempt: Print, old: str | None, at: datetime, who: str, why: str) -> None:
    record_change(db, "print", attempt.id, old, attempt.state, at, who, why)
    data = {
        "print": attempt.id,
        "job": attempt.job,
        "printer": attempt.printer,
        "from": old,
        "to": attempt.state,
        "why": why,
    }
    record(db, f"print.{attempt.state}", ("queue", f"printer:{attempt.printer}"), at, data)


def _print(row: Row) -> Print:
    return Print(
        id=row["id"],
        job=row["job"],
        printer=row["printer"],
        attempt=row["attempt"],
        state=PrintState(row["state"]),
        reserved_at=parse_iso(row["reserved_at"]),
        remote_name=row["remote_name"],
        progress=row["progress"],
        started_at=parse_iso(row["started_at"]) if row["started_at"] else None,
        ended_at=parse_iso(row["ended_at"]) if row["ended_at"] else None,
        reason=row["reason"],
        good=row["good"],
        filament_g=row["filament_g"],
        cause=FailureCause(row["cause"]) if row["cause"] else None,
        note=row["note"],
        optimised=row["optimised"],
    )
