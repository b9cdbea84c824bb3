"""An upload that is sent again because its answer was lost makes one job, not two.

Slicers give a request no name of its own. So the wish goes by who sent it, what and whereto; it is
remembered in the transaction that makes the job, and forgotten once the answer is on its way. Whoever
sends the same file again after that answer means another print of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from sqlite3 import Connection

import msgspec

from farm.domain.file import StoredFile
from farm.domain.job import Job, JobState
from farm.domain.terms import Once
from farm.domain.user import Principal
from farm.queue.messages import AddJob
from farm.store import idempotency, jobs, prints
from farm.store.idempotency import DoneBefore
from farm.web.octoprint.places import Place
from farm.web.routes import Call

RETRIED_WITHIN = timedelta(minutes=10)  # later it is another day's wish
STEP = 1


@dataclass(frozen=True, slots=True)
class Wished:
    """once: for `answered`. job: as it was when it was wished."""

    once: Once
    job: Job

    @property
    def will_print(self) -> bool:
        """Whether nobody has to say anything before it is begun."""
        return self.job.state not in (JobState.HELD, JobState.NEEDS_REVIEW)


async def wish_once(call: Call, file: StoredFile, place: Place) -> Wished:
    """Wish a file printed at a place, unless that very wish waits already and its answer was lost."""
    once = _name_of(call.asker, file, place)
    await call.desk.database.write(_forget_what_is_over, once, call.desk.clock())
    by = replace(call.asker, terms=replace(call.asker.terms, once=once))
    wish = AddJob(file.id, required_printers=place.printers, required_tags=place.tags)
    try:
        return Wished(once, await call.desk.queue.ask(wish, by=by))
    except DoneBefore as before:
        return Wished(once, msgspec.json.decode(before.result, type=Job))


async def answered(call: Call, once: Once) -> None:
    """The client is still there to be answered: the next time it means another print.

    Cancelled where the client has left, and then nothing is forgotten.
    """
    await call.desk.database.write(idempotency.forget, once)


def _name_of(asker: Principal, file: StoredFile, place: Place) -> Once:
    said = msgspec.json.encode([file.id, sorted(place.printers), sorted(place.tags)])
    digest = hashlib.sha256(said)
    return Once(str(asker), f"upload {digest.hexdigest()}", digest.digest(), STEP)


def _forget_what_is_over(db: Connection, once: Once, now: datetime) -> None:
    """A job that was begun, ended or grew old is not what is sent again."""
    kept = idempotency.recall(db, once.owner, once.key, now)
    result = None if kept is None else kept.steps.get(STEP)
    if result is not None and not _still_waits(db, msgspec.json.decode(result, type=Job).id, now):
        idempotency.forget(db, once)


def _still_waits(db: Connection, id: str, now: datetime) -> bool:
    job = jobs.by_id(db, id)
    if job is None or job.created_at < now - RETRIED_WITHIN:
        return False
    return job.state in (JobState.QUEUED, JobState.HELD, JobState.NEEDS_REVIEW) and not prints.of_job(db, id)
