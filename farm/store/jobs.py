"""Jobs: wishes to print a file so many times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

from farm.domain.clock import iso, parse_iso
from farm.domain.file import FileKind
from farm.domain.job import JOBS, Approval, Job, JobState, Pin
from farm.domain.transitions import require
from farm.store.changes import record_change
from farm.store.events import record
from farm.store.prints import ACTIVE

# A plate of which somebody took good parts is not spoiled, though nobody knows how its print ended.
_SPOILED = """(prints.state IN ('failed', 'interrupted')
    OR (prints.state IN ('unknown', 'finished') AND coalesce(good, prints.state = 'finished') = 0))"""

_COUNTED = f"""SELECT print_jobs.*,
    (SELECT kind FROM files WHERE id = print_jobs.file) AS kind,
    (SELECT coalesce(sum(good), 0) FROM prints WHERE job = print_jobs.id) AS good,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND state = 'finished' AND good IS NULL)
        AS uncounted,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND state IN ({ACTIVE})) AS running,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND {_SPOILED}
        AND ended_at > coalesce(forgiven_at, '')) AS failed
    FROM print_jobs"""


def add(db: Connection, job: Job, who: str) -> None:
    """Keep a new job and tell that it is there."""
    row = {
        "id": job.id,
        "file": job.file,
        "state": job.state,
        "yield_per_plate": job.yield_per_plate,
        "created_by": job.created_by,
        "created_at": iso(job.created_at),
        **_columns({name: getattr(job, name) for name in _CHANGING}),
    }
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO print_jobs ({names}) VALUES ({places})", row)
    record_change(db, "job", job.id, None, job.state, job.created_at, who, "added")
    data = {
        "job": job.id,
        "file": job.file,
        "name": job.name,
        "copies": job.copies,
        "state": job.state,
        "printers": sorted(job.only_on),
    }
    record(db, "job.queued", ("queue",), job.created_at, data)


def enter(db: Connection, job: str, new: JobState, at: datetime, who: str, why: str) -> Job:
    """Change a job's state, note it and tell everybody. Nothing happens when it is in that state already."""
    before = existing(db, job)
    if before.state is new:
        return before
    require(JOBS, before.state, new)
    db.execute("UPDATE print_jobs SET state = ?, approval = NULL, approval_why = '' WHERE id = ?", (new, job))
    record_change(db, "job", job, before.state, new, at, who, why)
    pinned_to = sorted(before.only_on)
    data = {"job": job, "from": before.state, "to": new, "why": why, "printers": pinned_to}
    record(db, "job.changed", ("queue",), at, data)
    return existing(db, job)


def wait_for_approval(db: Connection, job: str, approval: Approval, why: str, at: datetime, who: str) -> Job:
    """Let a job wait until somebody approves of it, and tell everybody."""
    waits = JobState.HELD if approval is Approval.SHARE else JobState.NEEDS_REVIEW
    enter(db, job, waits, at, who, why)
    db.execute("UPDATE print_jobs SET approval = ?, approval_why = ? WHERE id = ?", (approval, why, job))
    asking = existing(db, job)
    data = {"job": job, "approval": approval, "why": why, "printers": sorted(asking.only_on)}
    record(db, "job.approvalWanted", ("queue",), at, data)
    return asking


def note_share_approved(db: Connection, job: str, approved: bool = True) -> None:
    """Somebody said that it may be more than its owner's share; or it has become more, and nobody has."""
    db.execute("UPDATE print_jobs SET share_approved = ? WHERE id = ?", (int(approved), job))


def amend(db: Connection, job: str, changes: Mapping[str, Any], at: datetime) -> Job:
    """Make other values of some of a job's fields, by their names, and tell everybody."""
    before = existing(db, job)
    columns = _columns(changes)
    settings = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE print_jobs SET {settings} WHERE id = ?", (*columns.values(), job))
    after = existing(db, job)
    data = {"job": job, "fields": sorted(changes), "printers": _concerned(before, after)}
    record(db, "job.amended", ("queue",), at, data)
    return after


def _concerned(before: Job, after: Job) -> list[str]:
    """The printers for which a job was or is; none where it may be for any."""
    if not (before.only_on and after.only_on):
        return []
    return sorted(before.only_on | after.only_on)


def forgive(db: Connection, job: str, at: datetime) -> None:
    """Count its failures from here: a person wants another try."""
    db.execute("UPDATE print_jobs SET forgiven_at = ? WHERE id = ?", (iso(at), job))


def of_file(db: Connection, file: str) -> list[Job]:
    """Jobs for this file that are not over, oldest first."""
    rows = db.execute(
        f"""{_COUNTED} WHERE file = ? AND state NOT IN ('done', 'cancelled') ORDER BY created_at, id""",
        (file,),
    ).fetchall()
    return [_job(row) for row in rows]


def printers_that_failed(db: Connection, file: str, since: datetime | None = None) -> list[str]:
    """The printers on which prints of this file failed, apart from failures that were forgiven.

    One that ended well and gave no good part has failed too. since: only those that ended later.
    """
    rows = db.execute(
        f"""SELECT DISTINCT prints.printer FROM prints JOIN print_jobs ON print_jobs.id = prints.job
           WHERE print_jobs.file = ? AND prints.state IN ('failed', 'finished') AND {_SPOILED}
               AND prints.started_at IS NOT NULL
               AND prints.ended_at > max(coalesce(print_jobs.forgiven_at, ''), ?)
           ORDER BY prints.printer""",
        (file, "" if since is None else iso(since)),
    ).fetchall()
    return [row["printer"] for row in rows]


def existing(db: Connection, job: str) -> Job:
    """One job that must be there; LookupError otherwise."""
    found = by_id(db, job)
    if found is None:
        raise LookupError(f"no job {job}")
    return found


def by_id(db: Connection, job: str) -> Job | None:
    """One job, None when it is not here."""
    row = db.execute(f"{_COUNTED} WHERE id = ?", (job,)).fetchone()
    return _job(row) if row is not None else None


def waiting(db: Connection, at: datetime) -> list[Job]:
    """Jobs that want prints begun at this moment, the most urgent first: priority, then due date, then age.

    Due is what is due first: the job, its deadline, or the order it belongs to.
    """
    rows = db.execute(
        f"""{_COUNTED} WHERE state IN ('queued', 'active')
            AND copies * yield_per_plate > good + (uncounted + running) * yield_per_plate
            AND max(coalesce(release_at, ''), coalesce(pin_start, '')) <= ?
            ORDER BY priority DESC,
                min(coalesce(due_at, (SELECT due_at FROM orders WHERE id = order_id), 'never'),
                    coalesce(deadline_at, 'never')),
                created_at, id""",
        (iso(at),),
    ).fetchall()
    return [_job(row) for row in rows]


def next_release(db: Connection, at: datetime) -> datetime | None:
    """When, after `at`, the next job that is not over may be begun; None when none waits for its time."""
    row = db.execute(
        """SELECT min(begin_at) FROM (
               SELECT max(coalesce(release_at, ''), coalesce(pin_start, '')) AS begin_at FROM print_jobs
               WHERE state NOT IN ('done', 'cancelled'))
           WHERE begin_at > ?""",
        (iso(at),),
    ).fetchone()
    return parse_iso(row[0]) if row[0] else None


def page(
    db: Connection, after: str | None, limit: int, state: str | None = None, order: str | None = None
) -> list[Job]:
    """Up to `limit` jobs by id, those after `after`; only those in `state`, of `order`, where given."""
    rows = db.execute(
        f"""{_COUNTED} WHERE id > ? AND (? IS NULL OR state = ?) AND (? IS NULL OR order_id = ?)
            ORDER BY id LIMIT ?""",
        (after or "", state, state, order, order, limit),
    ).fetchall()
    return [_job(row) for row in rows]


def of_order(db: Connection, order: str) -> list[Job]:
    """Every job of an order, oldest first."""
    rows = db.execute(f"{_COUNTED} WHERE order_id = ? ORDER BY created_at, id", (order,)).fetchall()
    return [_job(row) for row in rows]


def of_owner(db: Connection, who: str) -> list[Job]:
    """Jobs of somebody's that are not over, oldest first."""
    rows = db.execute(
        f"""{_COUNTED} WHERE created_by = ? AND state NOT IN ('done', 'cancelled')
            ORDER BY created_at, id""",
        (who,),
    ).fetchall()
    return [_job(row) for row in rows]


def open_jobs(db: Connection) -> list[Job]:
    """Jobs that are not over, oldest first."""
    rows = db.execute(
        f"{_COUNTED} WHERE state NOT IN ('done', 'cancelled') ORDER BY created_at, id"
    ).fetchall()
    return [_job(row) for row in rows]


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        file=row["file"],
        name=row["name"],
        copies=row["copies"],
        state=JobState(row["state"]),
        created_by=row["created_by"],
        created_at=parse_iso(row["created_at"]),
        kind=FileKind(row["kind"]),
        priority=row["priority"],
        yield_per_plate=row["yield_per_plate"],
        release_at=_moment(row["release_at"]),
        due_at=_moment(row["due_at"]),
        deadline_at=_moment(row["deadline_at"]),
        order=row["order_id"],
        required_printers=frozenset(json.loads(row["required_printers"])),
        required_tags=frozenset(json.loads(row["required_tags"])),
        preferred_printers=frozenset(json.loads(row["preferred_printers"])),
        pin=Pin(row["pin_printer"], _moment(row["pin_start"])) if row["pin_printer"] else None,
        rotatable=bool(row["rotatable"]),
        attended=bool(row["attended"]),
        allow_short_filament=bool(row["allow_short_filament"]),
        material=row["material"],
        colour=row["colour"],
        approval=Approval(row["approval"]) if row["approval"] else None,
        approval_why=row["approval_why"],
        share_approved=bool(row["share_approved"]),
        good=row["good"],
        uncounted=row["uncounted"],
        running=row["running"],
        failed=row["failed"],
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_iso(text)


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Some of a job's fields as they are stored."""
    columns: dict[str, Any] = {}
    for name, value in fields.items():
        columns |= _CHANGING[name](name, value)
    return columns


def _as_it_is(name: str, value: Any) -> dict[str, Any]:
    return {name: value}


def _in_order(name: str, order: str | None) -> dict[str, Any]:
    return {"order_id": order}


def _at(name: str, moment: datetime | None) -> dict[str, Any]:
    return {name: _time(moment)}


def _names(name: str, names: Iterable[str]) -> dict[str, Any]:
    return {name: json.dumps(sorted(names))}


def _yes_or_no(name: str, value: bool) -> dict[str, Any]:
    return {name: int(value)}


def _pinned(name: str, pin: Pin | None) -> dict[str, Any]:
    printer, start = (None, None) if pin is None else (pin.printer, pin.start)
    return {"pin_printer": printer, "pin_start": _time(start)}


_CHANGING: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "name": _as_it_is,
    "copies": _as_it_is,
    "priority": _as_it_is,
    "release_at": _at,
    "due_at": _at,
    "deadline_at": _at,
    "order": _in_order,
    "required_printers": _names,
    "required_tags": _names,
    "preferred_printers": _names,
    "pin": _pinned,
    "rotatable": _yes_or_no,
    "attended": _yes_or_no,
    "allow_short_filament": _yes_or_no,
    "material": _as_it_is,
    "colour": _as_it_is,
}
"""What of a job can become something else, and how it is stored."""
