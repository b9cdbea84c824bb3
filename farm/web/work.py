"""Jobs and prints."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.compatibility import in_words
from farm.domain.job import FailureCause, Job, JobState, Pin, Print, PrintState
from farm.domain.plan import Planned
from farm.domain.user import EVERYTHING
from farm.errors import NotFound
from farm.live import shapes
from farm.live.messages import ReportStatuses
from farm.queue.look import around
from farm.queue.messages import AddJob, AmendJob, ApproveJob, ChangeJob, ExplainPrint
from farm.queue.plan import Plan
from farm.queue.why_not import WhyNot, why_not
from farm.store import changes, histories, jobs, prints
from farm.store.changes import Change
from farm.web.contract import Created, Page, Paging, RowNumber, SentMoment, Versioned, following
from farm.web.printers import may_read, readable_ids
from farm.web.printers_sent import given
from farm.web.routes import Call, Entry, Route

MOST_READ = 500  # jobs at once, to find those that a plan has a place for


class SentPin(msgspec.Struct, forbid_unknown_fields=True):
    """On which printer a job is to be printed. start: it is not begun before."""

    printer: str
    start: SentMoment | None = None

    def meant(self) -> Pin:
        return Pin(self.printer, self.start)


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """release_at: not begun before. due_at: wanted by. deadline_at: of no use after. order: the order's id.

    material, colour: to print it in, where not in what its file says. pin: stronger than required_printers;
    preferred_printers are a wish. rotatable: it may be turned by 90 degrees to fit. attended: somebody has
    to be there for all of it. allow_short_filament: though too little is left on the spool.
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
    pin: SentPin | None = None
    rotatable: bool = False
    attended: bool = False
    allow_short_filament: bool = False


class JobChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes; null takes a date, the job's order, its pin or filament away."""

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
    material: str | UnsetType | None = UNSET
    colour: str | UnsetType | None = UNSET
    preferred_printers: frozenset[str] | UnsetType = UNSET
    pin: SentPin | UnsetType | None = UNSET
    rotatable: bool | UnsetType = UNSET
    attended: bool | UnsetType = UNSET
    allow_short_filament: bool | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """What was sent, by the names of the job's fields."""
        changes = given(self)
        if isinstance(self.pin, SentPin):
            changes["pin"] = self.pin.meant()
        return changes


class JobQuery(Paging):
    state: JobState | None = None
    order: str | None = None


class PrintQuery(Paging):
    """unexplained: only those that failed after they had begun, and nobody has said why."""

    job: str | None = None
    printer: str | None = None
    state: PrintState | None = None
    unexplained: bool = False


class ProgressQuery(msgspec.Struct, forbid_unknown_fields=True):
    """cursor: the number of the last point seen."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    cursor: RowNumber = 0


class ProgressPoint(msgspec.Struct):
    """progress: 0 to 1. elapsed_s, remaining_s: as the printer told it then."""

    at: shapes.Moment
    progress: float
    elapsed_s: float | None
    remaining_s: float | None


class PrintChange(msgspec.Struct, forbid_unknown_fields=True):
    """Why it failed, or was spoiled, and whatever else there is to remember. Only what is given changes."""

    cause: FailureCause | UnsetType | None = UNSET
    note: str | UnsetType = UNSET


async def add_job(call: Call, sent: NewJob) -> Created[shapes.Job]:
    """Wish to print a file; the queue decides whether it may be wished."""
    job = await call.change(Job, lambda by: call.desk.queue.ask(meant(sent), by=by))
    return Created(await _shown(call, job), {"Location": f"/v1/jobs/{job.id}"})


def meant(sent: NewJob) -> AddJob:
    """The wish in the queue's words."""
    return AddJob(
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
        preferred_printers=sent.preferred_printers,
        pin=None if sent.pin is None else sent.pin.meant(),
        rotatable=sent.rotatable,
        attended=sent.attended,
        allow_short_filament=sent.allow_short_filament,
        material=sent.material,
        colour=sent.colour,
        hold=sent.hold,
    )


async def list_jobs(call: Call, query: JobQuery) -> Page[shapes.Job]:
    """Jobs by id; for somebody with rights to some printers, those that may run on one of them."""
    plan, at = call.desk.plan, call.desk.clock()
    found = await call.desk.database.read(_jobs_page, query, plan, at)
    readable = await _readable(call)
    shown = [
        _seen(
            shapes.of_job(
                job,
                own,
                planned=_planned(call, job, readable),
                scheduled=plan.has_a_place_for(job, at),
            ),
            readable,
        )
        for job, own in found[: query.limit]
        if _may_see(job, readable)
    ]
    return Page(shown, following(found, query.limit, lambda job: job[0].id))


async def show_job(call: Call, job: str) -> Versioned[shapes.Job]:
    """One job with its prints, and why it is not begun on each printer."""
    found = await visible(call, job)
    return Versioned.of(await _shown(call, found), found.version)


async def amend_job(call: Call, job: str, sent: JobChange) -> Versioned[shapes.Job]:
    """Change what is wanted of a job that is not over; prints of it that run go on."""
    await visible(call, job)
    wish = AmendJob(job, sent.given())
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


async def approve_job(call: Call, job: str) -> shapes.Job:
    """Let a job go on that waits for approval.

    Of one that is more than its owner's share, somebody else has to approve. Of one of which nobody could
    tell whether it fits, the answer is remembered for its file and all printers like those.
    """
    await visible(call, job)
    wish = ApproveJob(job)
    return await _shown(call, await call.change(Job, lambda by: call.desk.queue.ask(wish, by=by)))


async def _change(call: Call, job: str, change: str) -> shapes.Job:
    await visible(call, job)
    wish = ChangeJob(job, change)
    return await _shown(call, await call.change(Job, lambda by: call.desk.queue.ask(wish, by=by)))


async def _shown(call: Call, job: Job) -> shapes.Job:
    """One job as it is answered, looked at from every printer that the asker may see."""
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    at = call.desk.clock()
    attempts, places, doubts = await call.desk.database.read(around, job, statuses, call.desk.plan, at)
    seen = [place for place in places if may_read(call.asker, place.printer)]
    reasons = [_reason(each) for each in why_not(job, seen, at)]
    warnings = [_reason(WhyNot(doubt.printer, in_words(doubt), doubt)) for doubt in doubts]
    named = {place.printer.id for place in seen}
    warned, readable = [each for each in warnings if each.printer in named], await _readable(call)
    scheduled = call.desk.plan.has_a_place_for(job, at)
    shown = shapes.of_job(job, attempts, reasons, warned, _planned(call, job, readable), scheduled)
    return _seen(shown, readable)


def _planned(call: Call, job: Job, readable: frozenset[str] | None) -> Planned | None:
    found = call.desk.plan.next_of(job.id)
    seen = found is not None and (readable is None or found.printer in readable)
    return found if seen else None


def _reason(told: WhyNot) -> shapes.Reason:
    compared = told.compared
    if compared is None:
        return shapes.Reason(told.printer, told.reason)
    return shapes.Reason(told.printer, told.reason, compared.constraint, compared.needed, compared.have)


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


async def list_progress(call: Call, print: str, query: ProgressQuery) -> Page[ProgressPoint]:
    """How a print came along, oldest first: a point for each hundredth of it, or for five minutes."""
    await _visible_print(call, print)
    found = await call.desk.database.read(histories.progress, print, query.cursor, query.limit + 1)
    shown = [
        ProgressPoint(iso(line.at), line.progress, line.elapsed_s, line.remaining_s)
        for _, line in found[: query.limit]
    ]
    return Page(shown, following(found, query.limit, lambda each: str(each[0])))


async def _visible_print(call: Call, print: str) -> Print:
    """One print. Raises NotFound also for one on a printer that the asker may not look at."""
    found = await call.desk.database.read(prints.by_id, print)
    readable = await _readable(call)
    if found is None or (readable is not None and found.printer not in readable):
        raise NotFound(f"there is no print {print}")
    return found


async def visible(call: Call, job: str) -> Job:
    """One job. Raises NotFound also for one that does not concern the asker."""
    found = await call.desk.database.read(jobs.by_id, job)
    if found is None or not _may_see(found, await _readable(call)):
        raise NotFound(f"there is no job {job}")
    return found


async def visible_jobs(call: Call) -> frozenset[str] | None:
    """The ids of the open jobs that concern the asker; None for all there are and were."""
    readable = await _readable(call)
    if readable is None:
        return None
    found = await call.desk.database.read(jobs.open_jobs)
    return frozenset(job.id for job in found if _may_see(job, readable))


async def _readable(call: Call) -> frozenset[str] | None:
    """The printers the asker may look at; None for all there are and were."""
    return None if call.asker.grant == EVERYTHING else await readable_ids(call)


def _seen(job: shapes.Job, readable: frozenset[str] | None) -> shapes.Job:
    """A job as somebody sees it who may look at these printers: how it stands, and only its prints there."""
    if readable is None:
        return job
    return structs.replace(job, prints=[attempt for attempt in job.prints if attempt.printer in readable])


def _may_see(job: Job, readable: frozenset[str] | None) -> bool:
    return readable is None or not job.only_on or bool(job.only_on & readable)


def _jobs_page(db: Connection, query: JobQuery, plan: Plan, at: datetime) -> list[tuple[Job, list[Print]]]:
    if query.state in (JobState.QUEUED, JobState.SCHEDULED):
        page = _waiting_page(db, query, plan, at)
    else:
        page = jobs.page(db, query.cursor, query.limit + 1, query.state, query.order)
    return [(job, prints.of_job(db, job.id)) for job in page]


def _waiting_page(db: Connection, query: JobQuery, plan: Plan, at: datetime) -> list[Job]:
    """Of the jobs that are kept as queued those that the plan has a place for, or the others."""
    scheduled = query.state is JobState.SCHEDULED
    found: list[Job] = []
    after = query.cursor
    while len(found) <= query.limit:
        some = jobs.page(db, after, MOST_READ, JobState.QUEUED, query.order)
        found += [job for job in some if plan.has_a_place_for(job, at) is scheduled]
        if len(some) < MOST_READ:
            break
        after = some[-1].id
    return found[: query.limit + 1]


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


ROUTES = (
    Route("GET", "/v1/jobs", list_jobs, Action.READ),
    Route("POST", "/v1/jobs", add_job, Entry.KNOWN, also=(404,)),
    Route("GET", "/v1/jobs/<job>", show_job, Action.READ),
    Route("PATCH", "/v1/jobs/<job>", amend_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/hold", hold_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/release", release_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/cancel", cancel_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/retry", retry_job, Entry.KNOWN),
    Route("POST", "/v1/jobs/<job>/approve", approve_job, Entry.KNOWN),
    Route("GET", "/v1/prints", list_prints, Action.READ),
    Route("GET", "/v1/prints/<print>", show_print, Action.READ),
    Route("GET", "/v1/prints/<print>/progress", list_progress, Action.READ),
    Route("PATCH", "/v1/prints/<print>", explain_print, Entry.KNOWN),
)
