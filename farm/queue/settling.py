"""What the end of a print, and the count of its good parts, mean for its job and for others of its file."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from farm.domain.job import ACTIVE_PRINTS, JOBS, Job, JobState, Print, PrintState
from farm.store import customer_orders, jobs, prints
from farm.store.events import record

MAX_FAILURES = 3  # of one job; then a person decides, instead of a fourth plate of spoiled plastic
MAX_PRINTERS_SPOILED = 2  # by one file

_LOOKED_AT_BY_A_PERSON = frozenset({JobState.QUARANTINED, JobState.NEEDS_REVIEW})
"""States that the end of one more print of the job does not change, unless that was the last copy."""

_JOB_FACTS = {
    PrintState.FINISHED: "job.finished",
    PrintState.FAILED: "job.failed",
    PrintState.INTERRUPTED: "job.failed",
    PrintState.UNKNOWN: "job.failed",
}


def settle_job(db: Connection, ended: Print, may_be_hot: bool, at: datetime, who: str, why: str) -> None:
    """What the end of one print means for its job, and for others of the same file.

    may_be_hot: whether anything of it may have been begun.
    """
    if ended.state in _JOB_FACTS:
        tell_of_job(db, _JOB_FACTS[ended.state], ended, at, why)
    job = jobs.existing(db, ended.job)
    if job.state in (JobState.DONE, JobState.CANCELLED):
        return
    if job.done >= job.copies:
        _finish(db, job, at, who, "all copies printed")
    elif (ended.state is PrintState.FAILED and _stop_the_file(db, job, at, who)) or (
        job.state in _LOOKED_AT_BY_A_PERSON
    ):
        return
    elif ended.state is PrintState.UNKNOWN:
        jobs.enter(db, job.id, JobState.NEEDS_REVIEW, at, who, why)
    elif ended.state is PrintState.CANCELLED and may_be_hot:
        jobs.enter(db, job.id, JobState.HELD, at, who, "a print of it was cancelled; release it to go on")
    elif job.failed >= MAX_FAILURES:
        jobs.enter(db, job.id, JobState.QUARANTINED, at, who, f"{job.failed} prints of it failed: {why}")
    elif job.state is JobState.ACTIVE and not prints_going_on(db, job):
        jobs.enter(db, job.id, JobState.QUEUED, at, who, f"{job.copies - job.done} more to print")


def settle_late_start(db: Connection, printer: str, remote_name: str, at: datetime, who: str) -> Print | None:
    """A printer works on this file: if its print counts as never begun, nobody can tell any more.

    Ends are for good, and its copy may be in work elsewhere by now: so a person decides about the job, and
    until then no more of it is begun. Returns the print, None when there is none.
    """
    before = prints.taken_for_never_begun(db, printer, remote_name)
    if before is None:
        return None
    why = f"it was taken for never begun, and then {printer} was seen at work on it; see what comes of it"
    after = prints.enter(db, before, PrintState.UNKNOWN, at, who, why)
    settle_job(db, after, True, at, who, why)
    return after


def settle_count(db: Connection, counted: Print, at: datetime, who: str) -> None:
    """What the number of good parts of a print that has ended, or taking it back, means for its job."""
    job = jobs.existing(db, counted.job)
    if job.state is JobState.CANCELLED:
        return
    if job.done >= job.copies:
        _finish(db, job, at, who, "all parts are there")
        return
    if job.state in _LOOKED_AT_BY_A_PERSON:
        return
    spoiled = counted.state is PrintState.FINISHED and counted.good == 0
    if job.state is JobState.DONE:
        new = JobState.ACTIVE if prints_going_on(db, job) else JobState.QUEUED
        job = jobs.enter(db, job.id, new, at, who, f"{job.made} of {job.wanted} parts are good")
    if spoiled and not _stop_the_file(db, job, at, who) and job.failed >= MAX_FAILURES:
        jobs.enter(db, job.id, JobState.QUARANTINED, at, who, f"{job.failed} plates of it were spoiled")


def settle_copies(db: Connection, job_id: str, at: datetime, who: str) -> None:
    """What another number of copies means for a job: enough may be there already."""
    job = jobs.existing(db, job_id)
    if job.done >= job.copies:
        _finish(db, job, at, who, "no more copies are wanted")


def _finish(db: Connection, job: Job, at: datetime, who: str, why: str) -> None:
    if job.state is JobState.DONE:
        return
    jobs.enter(db, job.id, JobState.DONE, at, who, why)
    if job.order is not None:
        customer_orders.tell_if_finished(db, job.order, at)


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


def prints_going_on(db: Connection, job: Job) -> bool:
    """Whether a print of it holds a printer."""
    return any(attempt.state in ACTIVE_PRINTS for attempt in prints.of_job(db, job.id))


def tell_of_job(db: Connection, fact: str, attempt: Print, at: datetime, why: str = "") -> None:
    """Tell everybody what a print means for its job."""
    data = {"job": attempt.job, "print": attempt.id, "printer": attempt.printer, "why": why}
    record(db, fact, ("queue", f"printer:{attempt.printer}"), at, data)
