"""What was decided about a printer, and what became of its plate and its prints."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.live.shapes import Moment
from farm.store import changes
from farm.store.changes import PrinterChange
from farm.web.contract import Page, RowNumber, following
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


ROUTES = (Route("GET", "/v1/printers/<printer>/history", show_history, Action.READ),)
