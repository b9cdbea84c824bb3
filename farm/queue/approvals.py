"""What waits for somebody's approval: more than one's share, and what nobody can tell whether it fits.

Each function is part of one transaction.
"""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from farm.access.rights import Action, allowed
from farm.domain.compatibility import in_words, limits_of, print_time_s
from farm.domain.job import Approval, Job, JobState
from farm.errors import Forbidden, NotFound, Refused
from farm.queue.look import Look
from farm.store import approved_fits, audit, jobs, shop
from farm.store.audit import Stamp

_WAITING = frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.ACTIVE})
_COUNTED = _WAITING | {JobState.QUARANTINED, JobState.NEEDS_REVIEW}


def settle(db: Connection, job: Job, at: datetime, who: str) -> Job:
    """Let a job that is about to wait for printers wait for approval instead, where it has to."""
    if job.state not in _WAITING:
        return job
    look = Look(db, at)
    why = "" if job.share_approved else _beyond_share(db, look, job)
    if why:
        return jobs.wait_for_approval(db, job.id, Approval.SHARE, why, at, who)
    return ask_where_unsure(db, look, job, at, who)


def settle_file(db: Connection, file: str, at: datetime, who: str) -> bool:
    """More is known of a file: how long it takes, and whether it fits. Returns whether any job needs it."""
    needed_by = jobs.of_file(db, file)
    for job in needed_by:
        if job.state in (JobState.QUEUED, JobState.SCHEDULED):
            settle(db, job, at, who)
    return bool(needed_by)


def _beyond_share(db: Connection, look: Look, job: Job) -> str:
    """Why a job is more than its owner's share of what waits, "" where it is not.

    Files of which nobody knows how long they take count as jobs, and not as hours. The farm itself and the
    shop PC have no share.
    """
    share = shop.settings(db).fair_share.of(job.created_by)
    if (share.jobs is None and share.hours is None) or not job.created_by.startswith(("user:", "key:")):
        return ""
    waiting = [job, *(each for each in jobs.of_owner(db, job.created_by) if _counts(each, job))]
    if share.jobs is not None and len(waiting) > share.jobs:
        return f"with it {len(waiting)} jobs of its owner would wait, and {share.jobs} may"
    hours = sum((print_time_s(look.analysis(each)) or 0.0) * each.to_begin for each in waiting) / 3600
    if share.hours is not None and hours > share.hours:
        return f"with it {hours:.1f} h of printing would wait for its owner, and {share.hours:g} h may"
    return ""


def _counts(other: Job, job: Job) -> bool:
    return other.id != job.id and other.state in _COUNTED and other.to_begin > 0


def ask_where_unsure(db: Connection, look: Look, job: Job, at: datetime, who: str) -> Job:
    """Let a job wait for a person where no printer fits for certain, and of some nobody can tell."""
    if job.state not in _WAITING or not look.fits_nowhere_for_certain(job):
        return job
    reasons = [reason for printer in look.printers for reason in look.lasting(job, printer) if reason.asks]
    return jobs.wait_for_approval(db, job.id, Approval.FIT, in_words(reasons[0]), at, who)


def approve(db: Connection, job_id: str, stamp: Stamp) -> Job:
    """Let a job go on that waits for approval. Raises NotFound, Refused, Forbidden for one's own share."""
    job = jobs.by_id(db, job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    if job.approval is None:
        raise Refused(f"{job.name} is {job.state}, and waits for nobody's approval")
    if job.approval is Approval.FIT:
        _remember_fits(db, job, stamp)
    elif job.created_by == str(stamp.who) and not allowed(stamp.who, Action.SET_UP):
        raise Forbidden("it is more than your own share: somebody else has to approve of it")
    else:
        jobs.note_share_approved(db, job.id)
    audit.append(db, stamp, "job.approved", f"job:{job.id}", {"of": job.approval, "why": job.approval_why})
    new = JobState.ACTIVE if job.running else JobState.QUEUED
    going = jobs.enter(db, job.id, new, stamp.at, str(stamp.who), "approved")
    return ask_where_unsure(db, Look(db, stamp.at), going, stamp.at, str(stamp.who))


def _remember_fits(db: Connection, job: Job, stamp: Stamp) -> None:
    """Nobody is asked again for this file and printers of these profiles."""
    look = Look(db, stamp.at)
    for printer in look.printers:
        reasons = look.lasting(job, printer)
        if reasons and all(reason.asks for reason in reasons):
            approved_fits.add(db, job.file, limits_of(printer.profile), str(stamp.who), stamp.at)
