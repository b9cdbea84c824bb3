"""Jobs: wishes to print a file so many times."""

from __future__ import annotations

import json
from datetime import datetime
from sqlite3 import Connection, Row

from farm.domain.clock import iso, parse_iso
from farm.domain.job import JOBS, Job, JobState
from farm.domain.transitions import require
from farm.store.changes import record_change
from farm.store.events import record
from farm.store.prints import ACTIVE

# A plate of which somebody took good parts is not spoiled, though nobody knows how its print ended.
_SPOILED = """(prints.state IN ('failed', 'interrupted')
    OR (prints.state IN ('unknown', 'finished') AND coalesce(good, prints.state = 'finished') = 0))"""

_COUNTED = f"""SELECT print_jobs.*,
    (SELECT coalesce(sum(good), 0) FROM prints WHERE job = print_jobs.id) AS good,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND state = 'finished' AND good IS NULL)
        AS uncounted,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND state IN ({ACTIVE})) AS running,
    (SELECT count(*) FROM prints WHERE job = print_jobs.id AND {_SPOILED}
        AND ended_at > coalesce(forgiven_at, '')) AS failed
    FROM print_jobs"""


def add(db: Connection, job: Job, who: str) -> None:
    """Keep a new job and tell that it is there."""
    db.execute(
        """INSERT INTO print_jobs (id, file, name, copies, yield_per_plate, state, priority, due_at,
               required_printers, required_tags, created_by, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            job.id,
            job.file,
            job.name,
            job.copies,
            job.yield_per_plate,
            job.state,
            job.priority,
            iso(job.due_at) if job.due_at else None,
            json.dumps(sorted(job.required_printers)),
            json.dumps(sorted(job.required_tags)),
            job.created_by,
            iso(job.created_at),
        ),
    )
    record_change(db, "job", job.id, None, job.state, job.created_at, who, "added")
    data = {"job": job.id, "file": job.file, "name": job.name, "copies": job.copies, "state": job.state}
    record(db, "job.queued", ("queue",), job.created_at, data)


def enter(db: Connection, job: str, new: JobState, at: datetime, who: str, why: str) -> Job:
    """Change a job's state, note it and tell everybody. Nothing happens when it is in that state already."""
    before = existing(db, job)
    if before.state is new:
        return before
    require(JOBS, before.state, new)
    db.execute("UPDATE print_jobs SET state = ? WHERE id = ?", (new, job))
    record_change(db, "job", job, before.state, new, at, who, why)
    record(db, "job.changed", ("queue",), at, {"job": job, "from": before.state, "to": new, "why": why})
    return existing(db, job)


def forgive(db: Connection, job: str, at: datetime) -> None:
    """Count its failures from here: a person wants another try."""
    db.execute("UPDATE print_jobs SET forgiven_at = ? WHERE id = ?", (iso(at), job))


def of_file(db: Connection, file: str) -> list[Job]:
    """Jobs for this file that are not over, oldest first."""
    return [job for job in open_jobs(db) if job.file == file]


def printers_that_failed(db: Connection, file: str) -> list[str]:
    """The printers on which prints of this file failed, apart from failures that were forgiven.

    One that ended well and gave no good part has failed too.
    """
    rows = db.execute(
        f"""SELECT DISTINCT prints.printer FROM prints JOIN print_jobs ON print_jobs.id = prints.job
           WHERE print_jobs.file = ? AND prints.state IN ('failed', 'finished') AND {_SPOILED}
               AND prints.started_at IS NOT NULL
               AND prints.ended_at > coalesce(print_jobs.forgiven_at, '')
           ORDER BY prints.printer""",
        (file,),
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


def waiting(db: Connection) -> list[Job]:
    """Jobs that still want prints begun, the most urgent first: priority, then due date, then age."""
    rows = db.execute(
        f"""{_COUNTED} WHERE state IN ('queued', 'active')
            AND copies * yield_per_plate > good + (uncounted + running) * yield_per_plate
            ORDER BY priority DESC, due_at IS NULL, due_at, created_at, id"""
    ).fetchall()
    return [_job(row) for row in rows]


def page(db: Connection, after: str | None, limit: int, state: str | None = None) -> list[Job]:
    """Up to `limit` jobs by id, those after `after`; only those in `state` when it is given."""
    rows = db.execute(
        f"{_COUNTED} WHERE id > ? AND (? IS NULL OR state = ?) ORDER BY id LIMIT ?",
        (after or "", state, state, limit),
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
        priority=row["priority"],
        yield_per_plate=row["yield_per_plate"],
        due_at=parse_iso(row["due_at"]) if row["due_at"] else None,
        required_printers=frozenset(json.loads(row["required_printers"])),
        required_tags=frozenset(json.loads(row["required_tags"])),
        good=row["good"],
        uncounted=row["uncounted"],
        running=row["running"],
        failed=row["failed"],
    )
