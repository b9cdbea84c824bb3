"""What was decided about a printer and became of its plate and prints; how it stood; what was the matter."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.occupation import Occupation, Trouble
from farm.domain.printer import Connection, Operation, Plate
from farm.live.shapes import Moment
from farm.store import changes, histories
from farm.store.changes import PrinterChange
from farm.store.histories import StatusPeriod, TroublePeriod
from farm.web.contract import Page, RowNumber, SentMoment, following
from farm.web.printers import readable
from farm.web.routes import Call, Route


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """cursor: the number of the last line seen."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: RowNumber | None = None


class HistoryLine(msgspec.Struct):
    """thing: what changed: the printer (what was decided about it), its plate, or the print called `id`."""

    at: Moment
    thing: Literal["printer", "plate", "print"]
    id: str
    old: str | None = msgspec.field(name="from")
    new: str = msgspec.field(name="to")
    who: str
    why: str


class StatusQuery(HistoryQuery):
    """from, to: only what began in between."""

    from_: SentMoment | None = msgspec.field(default=None, name="from")
    to: SentMoment | None = None


class Standing(msgspec.Struct):
    """How a printer stood `from` then `to` then; null while it does. print: the farm's, that it had.

    occupation: what its time went into. message: in words, what was to be said of it.
    """

    start: Moment = msgspec.field(name="from")
    to: Moment | None
    connection: Connection
    operation: Operation
    plate: Plate
    occupation: Occupation
    print: str | None
    message: str


class Failing(msgspec.Struct):
    """What was the matter with a printer `from` then `to` then; null while it is. print: that it had."""

    start: Moment = msgspec.field(name="from")
    to: Moment | None
    kind: Trouble
    print: str | None
    message: str


async def show_history(call: Call, printer: str, query: HistoryQuery) -> Page[HistoryLine]:
    """A printer's history, newest first: decisions about it, its plate, and its prints."""
    await readable(call, printer)
    found = await call.desk.database.read(changes.of_printer, printer, query.cursor, query.limit + 1)
    return Page(
        [_line(each) for each in found[: query.limit]],
        following(found, query.limit, lambda each: str(each.id)),
    )


def _line(found: PrinterChange) -> HistoryLine:
    change = found.change
    return HistoryLine(
        at=iso(change.at),
        thing=found.thing,
        id=found.thing_id,
        old=change.old,
        new=change.new,
        who=change.who,
        why=change.why,
    )


async def list_statuses(call: Call, printer: str, query: StatusQuery) -> Page[Standing]:
    """How a printer stood, newest first; what happened in the last five seconds may not be there yet."""
    await readable(call, printer)
    found = await call.desk.database.read(
        histories.statuses, printer, query.cursor, query.limit + 1, query.from_, query.to
    )
    return Page(
        [_standing(each) for each in found[: query.limit]],
        following(found, query.limit, lambda each: str(each.id)),
    )


async def list_errors(call: Call, printer: str, query: HistoryQuery) -> Page[Failing]:
    """What was the matter with a printer, newest first: lost, stopped, out of line, in need of a person."""
    await readable(call, printer)
    found = await call.desk.database.read(histories.troubles, printer, query.cursor, query.limit + 1)
    return Page(
        [_failing(each) for each in found[: query.limit]],
        following(found, query.limit, lambda each: str(each.id)),
    )


def _standing(found: StatusPeriod) -> Standing:
    line = found.line
    return Standing(
        start=iso(line.at),
        to=None if found.ended_at is None else iso(found.ended_at),
        connection=Connection(line.connection),
        operation=Operation(line.operation),
        plate=Plate(line.plate),
        occupation=line.occupation,
        print=line.print,
        message=line.message,
    )


def _failing(found: TroublePeriod) -> Failing:
    begun = found.begun
    return Failing(
        start=iso(begun.at),
        to=None if found.ended_at is None else iso(found.ended_at),
        kind=begun.kind,
        print=begun.print,
        message=begun.message,
    )


ROUTES = (
    Route("GET", "/v1/printers/<printer>/history", show_history, Action.READ),
    Route("GET", "/v1/printers/<printer>/history/statuses", list_statuses, Action.READ),
    Route("GET", "/v1/printers/<printer>/history/errors", list_errors, Action.READ),
)
