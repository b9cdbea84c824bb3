"""What people wish of jobs: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from sqlite3 import Connection

from farm.domain.job import JOBS, Job, JobState
from farm.errors import Invalid, NotFound, Refused
from farm.queue.settling import prints_going_on
from farm.store import audit, files, jobs, printers
from farm.store.audit import Stamp


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
    if new is JobState.QUEUED and prints_going_on(db, job):
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
