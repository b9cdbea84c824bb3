"""Jobs and prints."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType, structs

from farm.access.rights import Action
from farm.domain.job import FailureCause, Job, JobState, Print, PrintState
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import EVERYTHING
from farm.errors import Invalid, NotFound
from farm.live import shapes
from farm.live.messages import ReportStatuses
from farm.queue.messages import AddJob, AmendJob, ChangeJob, ExplainPrint
from farm.queue.why_not import Place, why_not
from farm.store import changes, jobs, maintenance, printers, prints
from farm.store.changes import Change
from farm.store.printers import PlateRow
from farm.web.contract import Created, Page, Paging, SentMoment, Versioned, following
from farm.web.printers import may_read, readable_ids
from farm.web.printers_sent import given
from farm.web.routes import Call, Entry, Route


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """release_at: not begun before. due_at: wanted by. deadline_at: of no use after. order: the order's id.

    The fields after `hold` are known, and refused by name as long as the farm cannot honour them.
    """

    file: str
    name: str | None = None
    copies: int = 1
    yield_: int = msgspec.field(default=1, name="yield")
    priority: int = 0
    release_at: SentMoment | None = None
    due_at: SentMoment | None = None
    deadline_at: SentMoment | None = None
    order: str | None = None
    required_printers: frozenset[str] = frozenset()
    required_tags: frozenset[str] = frozenset()
    hold: bool = False
    material: str | None = None
    colour: str | None = None
    preferred_printers: frozenset[str] = frozenset()
    rotatable: bool = False
    attended: bool = False
    allow_short_filament: bool = False


class JobChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes; null takes a date, or the job's order, away."""

    name: str | UnsetType = UNSET
    copies: int | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    release_at: SentMoment | UnsetType | None = UNSET
    due_at: SentMoment | UnsetType | None = UNSET
    deadline_at: SentMoment | UnsetType | None = UNSET
    order: str | UnsetType | None = UNSET
    required_printers: frozenset[str] | UnsetType = UNSET
    required_tags: frozenset[str] | UnsetType = UNSET
    hold: bool | UnsetType = UNSET


class JobQuery(Paging):
    state: JobState | None = None
    order: str | None = None


class PrintQuery(Paging):
    """unexplained: only those that failed after they had begun, and nobody has said why."""

    job: str | None = None
    printer: str | None = None
    state: PrintState | None = None
    unexplained: bool = False


class PrintChange(msgspec.Struct, forbid_unknown_fields=True):
    """Why it failed, or was spoiled, and whatever else there is to remember. Only what is given changes."""

    cause: FailureCause | UnsetType | None = UNSET
    note: str | UnsetType = UNSET


async def add_job(call: Call, sent: NewJob) -> Created[shapes.Job]:
    """Wish to print a file; the queue decides whether it may be wished."""
    for field in _NOT_YET:
        if getattr(sent, field):
            raise Invalid(f"this version of the farm cannot plan by {field}; leave it out", field)
    wish = AddJob(
        file=sent.file,
        name=sent.name,
        copies=sent.copies,
        yield_per_plate=sent.yield_,
        priority=sent.priority,
        release_at=sent.release_at,
        due_at=sent.due_at,
        deadline_at=sent.deadline_at,
        order=sent.order,
        required_printers=sent.required_printers,
        required_tags=sent.required_tags,
        hold=sent.hold,
    )
    job = await call.change(Job, lambda by: call.desk.queue.ask(wish, by=by))
    return Created(await _shown(call, job), {"Location": f"/v1/jobs/{job.id}"})


async def list_jobs(call: Call, query: JobQuery) -> Page[shapes.Job]:
    """Jobs by id; for somebody with rights to some printers, those that may run on one of them."""
    found = await call.desk.database.read(_jobs_page, query)
    readable = await _readable(call)
    shown = [
        _seen(shapes.of_job(job, own), readable)
        for job, own in found[: query.limit]
        if _may_see(job, readable)
    ]
    return Page(shown, following(found, query.limit, lambda job: job[0].id))


async def show_job(call: Call, job: str) -> Versioned[shapes.Job]:
    """One job with its prints, and why it is not begun on each printer."""
    found = await _visible(call, job)
    return Versioned.of(await _shown(call, found), found.version)


async def amend_job(call: Call, job: str, sent: JobChange) -> Versioned[shapes.Job]:
    """Change what is wanted of a job that is not over; prints of it that run go on."""
    await _visible(call, job)
    changes = {name: value for name, value in structs.asdict(sent).items() if value is not UNSET}
    wish = AmendJob(job, changes)
    amended = await call.change(Job, lambda by: call.desk.queue.ask(wish, by=by))
    return Versioned.of(await _shown(call, amended), amended.version)


async def hold_job(call: Call, job: str) -> shapes.Job:
    """Begin no more prints of a job until it is released; those that run go on."""
    return await _change(call, job, "hold")


async def release_job(call: Call, job: str) -> shapes.Job:
    """Let a held job go on."""
    return await _change(call, job, "release")


async def cancel_job(call: Call, job: str) -> shapes.Job:
    """Begin no more prints of a job, for good; those that run go on."""
    return await _change(call, job, "cancel")


async def retry_job(call: Call, job: str) -> shapes.Job:
    """Try again with a job that failed too often, or that a person had to look at."""
    return await _change(call, job, "retry")


async def _change(call: Call, job: str, change: str) -> shapes.Job:
    await _visible(call, job)
    wish = ChangeJob(job, change)
    return await _shown(call, await call.change(Job, lambda by: call.desk.queue.ask(wish, by=by)))


async def _shown(call: Call, job: Job) -> shapes.Job:
    """One job as it is answered, looked at from every printer that the asker may see."""
    attempts, places, waiting = await call.desk.database.read(_around, job, call.desk.clock())
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    seen = [
        Place(printer, statuses.get(printer.id, PrinterStatus()), plate, active, due)
        for printer, plate, active, due in places
        if may_read(call.asker, printer)
    ]
    reasons = why_not(job, seen, waiting, call.desk.plan, call.desk.clock())
    shown = shapes.of_job(job, attempts, [(each.printer, each.reason) for each in reasons])
    return _seen(shown, await _readable(call))


_Around: TypeAlias = tuple[list[Print], list[tuple[Printer, PlateRow, Print | None, str | None]], list[Job]]


def _around(db: Connection, job: Job, at: datetime) -> _Around:
    """The job's prints, every printer with its plate, active print and due chore, and the jobs that wait."""
    plates, active = printers.plates(db), {attempt.printer: attempt for attempt in prints.active(db)}
    due = maintenance.blocking(db)
    places = [
        (printer, plates[printer.id], active.get(printer.id), due.get(printer.id))
        for printer, _ in printers.everything(db)
    ]
    return prints.of_job(db, job.id), places, jobs.waiting(db, at)


async def list_prints(call: Call, query: PrintQuery) -> Page[shapes.Print]:
    """Prints by id, each with its history."""
    found = await call.desk.database.read(_prints_page, query)
    readable = await _readable(call)
    shown = [
        shapes.of_print(attempt, log)
        for attempt, log in found[: query.limit]
        if readable is None or attempt.printer in readable
    ]
    return Page(shown, following(found, query.limit, lambda attempt: attempt[0].id))


async def show_print(call: Call, print: str) -> Versioned[shapes.Print]:
    """One print with its history."""
    found = await _visible_print(call, print)
    log = await call.desk.database.read(changes.history, "print", found.id)
    return Versioned.of(shapes.of_print(found, log), found.version)


async def explain_print(call: Call, print: str, sent: PrintChange) -> Versioned[shapes.Print]:
    """Say why a print failed, or was spoiled."""
    found = await _visible_print(call, print)
    wish = ExplainPrint(print, given(sent))
    explained = await call.change(Print, lambda by: call.desk.queue.ask(wish, by=by))
    log = await call.desk.database.read(changes.history, "print", found.id)
    return Versioned.of(shapes.of_print(explained, log), explained.version)


async def _visible_print(call: Call, print: str) -> Print:
    """One print. Raises NotFound also for one on a printer that the asker may not look at."""
    found = await call.desk.database.read(prints.by_id, print)
    readable = await _readable(call)
    if found is None or (readable is not None and found.printer not in readable):
        raise NotFound(f"there is no print {print}")
    return found


async def _visible(call: Call, job: str) -> Job:
    """One job. Raises NotFound also for one that does not concern the asker."""
    found = await call.desk.database.read(jobs.by_id, job)
    if found is None or not _may_see(found, await _readable(call)):
        raise NotFound(f"there is no job {job}")
    return found


async def _readable(call: Call) -> frozenset[str] | None:
    """The printers the asker may look at; None for all there are and were."""
    return None if call.asker.grant == EVERYTHING else await readable_ids(call)


def _seen(job: shapes.Job, readable: frozenset[str] | None) -> shapes.Job:
    """A job as somebody sees it who may look at these printers: how it stands, and only its prints there."""
    if readable is None:
        return job
    return structs.replace(job, prints=[attempt for attempt in job.prints if attempt.printer in readable])


def _may_see(job: Job, readable: frozenset[str] | None) -> bool:
    return readable is None or not job.required_printers or bool(job.required_printers & readable)


def _jobs_page(db: Connection, query: JobQuery) -> list[tuple[Job, list[Print]]]:
    page = jobs.page(db, query.cursor, query.limit + 1, query.state, query.order)
    return [(job, prints.of_job(db, job.id)) for job in page]


def _prints_page(db: Connection, query: PrintQuery) -> list[tuple[Print, list[Change]]]:
    page = prints.page(
        db,
        query.cursor,
        query.limit + 1,
        job=query.job,
        printer=query.printer,
        state=query.state,
        unexplained=query.unexplained,
    )
    return [(attempt, changes.history(db, "print", attempt.id)) for attempt in page]


_NOT_YET: tuple[str, ...] = (
    "material",
    "colour",
    "preferred_printers",
    "rotatable",
    "attended",
    "allow_short_filament",
)

ROUTES = (
    Route("GET", "/v1/jobs", list_jobs, Action.READ),
    Route("POST", "/v1/jobs", add_job, Entry.KNOWN, also=(404,)),
    Route("GET", "/v1/jobs/<job>", show_job, Action.READ),
    Route("PATCH", "/v1/jobs/<job>", amend_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/hold", hold_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/release", release_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/cancel", cancel_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/retry", retry_job, Entry.KNOWN),
    Route("GET", "/v1/prints", list_prints, Action.READ),
    Route("GET", "/v1/prints/<print>", show_print, Action.READ),
    Route("PATCH", "/v1/prints/<print>", explain_print, Entry.KNOWN),
)
