"""Jobs and prints."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Annotated

import msgspec
from quart import Response

from farm.access.rights import Action
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.user import EVERYTHING
from farm.errors import Invalid, NotFound
from farm.live import shapes
from farm.queue.messages import AddJob, ChangeJob
from farm.store import changes, jobs, prints
from farm.store.changes import Change
from farm.web.answers import answer
from farm.web.printers import readable_ids
from farm.web.routes import Call, Entry, Route

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """The fields after `hold` are known, and refused by name as long as the farm cannot honour them."""

    file: str
    name: str | None = None
    copies: int = 1
    yield_: int = msgspec.field(default=1, name="yield")
    priority: int = 0
    due_at: Moment | None = None
    required_printers: frozenset[str] = frozenset()
    required_tags: frozenset[str] = frozenset()
    hold: bool = False
    material: str | None = None
    colour: str | None = None
    release_at: Moment | None = None
    deadline_at: Moment | None = None
    preferred_printers: frozenset[str] = frozenset()
    rotatable: bool = False
    attended: bool = False
    allow_short_filament: bool = False
    order: str | None = None


async def add_job(call: Call) -> Response:
    """Wish to print a file; the queue decides whether it may be wished."""
    sent = await call.json(NewJob)
    for field in _NOT_YET:
        if getattr(sent, field):
            raise Invalid(f"this version of the farm cannot plan by {field}; leave it out", field)
    wish = AddJob(
        file=sent.file,
        name=sent.name,
        copies=sent.copies,
        yield_per_plate=sent.yield_,
        priority=sent.priority,
        due_at=sent.due_at,
        required_printers=sent.required_printers,
        required_tags=sent.required_tags,
        hold=sent.hold,
    )
    job = await call.desk.queue.ask(wish, by=call.asker)
    return answer(shapes.of_job(job, []), 201, {"Location": f"/v1/jobs/{job.id}"})


async def list_jobs(call: Call) -> Response:
    """Jobs by id; for somebody with rights to some printers, those that may run on one of them."""
    after, limit, filters = call.page("state")
    state = _known(JobState, filters.get("state"))
    found = await call.desk.database.read(_jobs_page, after, limit + 1, state)
    readable = await _readable(call)
    shown = [shapes.of_job(job, own) for job, own in found[:limit] if _may_see(job, readable)]
    return answer({"items": shown, "next": found[limit - 1][0].id if len(found) > limit else None})


async def show_job(call: Call, job: str) -> Response:
    call.query()
    return answer(shapes.of_job(*await _visible(call, job)))


async def change_job(call: Call, job: str, change: str) -> Response:
    """Hold, release, cancel or retry a job; the queue decides whether it can be. Prints of it go on."""
    call.query()
    await _visible(call, job)
    changed = await call.desk.queue.ask(ChangeJob(job, change), by=call.asker)
    attempts = await call.desk.database.read(prints.of_job, job)
    return answer(shapes.of_job(changed, attempts))


async def list_prints(call: Call) -> Response:
    """Prints by id, each with its history."""
    after, limit, filters = call.page("job", "printer", "state")
    wanted = (filters.get("job"), filters.get("printer"), _known(PrintState, filters.get("state")))
    found = await call.desk.database.read(_prints_page, after, limit + 1, *wanted)
    readable = await _readable(call)
    shown = [
        shapes.of_print(attempt, log)
        for attempt, log in found[:limit]
        if readable is None or attempt.printer in readable
    ]
    return answer({"items": shown, "next": found[limit - 1][0].id if len(found) > limit else None})


async def _visible(call: Call, job: str) -> tuple[Job, list[Print]]:
    """A job with its prints. Raises NotFound also for one that does not concern the asker."""
    found = await call.desk.database.read(_job_with_prints, job)
    if found is None or not _may_see(found[0], await _readable(call)):
        raise NotFound(f"there is no job {job}")
    return found


async def _readable(call: Call) -> frozenset[str] | None:
    """The printers the asker may look at; None for all there are and were."""
    return None if call.asker.grant == EVERYTHING else await readable_ids(call)


def _may_see(job: Job, readable: frozenset[str] | None) -> bool:
    return readable is None or not job.required_printers or bool(job.required_printers & readable)


def _known(states: type[JobState] | type[PrintState], state: str | None) -> str | None:
    if state is not None and state not in list(states):
        raise Invalid(f"a state is one of {', '.join(states)}", "state")
    return state


def _jobs_page(
    db: Connection, after: str | None, limit: int, state: str | None
) -> list[tuple[Job, list[Print]]]:
    return [(job, prints.of_job(db, job.id)) for job in jobs.page(db, after, limit, state)]


def _job_with_prints(db: Connection, job: str) -> tuple[Job, list[Print]] | None:
    found = jobs.by_id(db, job)
    return None if found is None else (found, prints.of_job(db, job))


def _prints_page(
    db: Connection, after: str | None, limit: int, job: str | None, printer: str | None, state: str | None
) -> list[tuple[Print, list[Change]]]:
    page = prints.page(db, after, limit, job=job, printer=printer, state=state)
    return [(attempt, changes.history(db, "print", attempt.id)) for attempt in page]


_NOT_YET: tuple[str, ...] = (
    "material",
    "colour",
    "release_at",
    "deadline_at",
    "preferred_printers",
    "rotatable",
    "attended",
    "allow_short_filament",
    "order",
)

ROUTES = (
    Route("GET", "/v1/jobs", list_jobs, Action.READ),
    Route("POST", "/v1/jobs", add_job, Entry.KNOWN),
    Route("GET", "/v1/jobs/<job>", show_job, Action.READ),
    *(
        Route("POST", f"/v1/jobs/<job>/{change}", partial(change_job, change=change), Entry.KNOWN)
        for change in ("hold", "release", "cancel", "retry")
    ),
    Route("GET", "/v1/prints", list_prints, Action.READ),
)
