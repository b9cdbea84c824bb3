"""What is to be done on a printer after so many hours of printing, and that it was done."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.maintenance import ChoreState, Standing
from farm.live.shapes import Moment
from farm.printers.messages import AddChore, ChangeChore, ChoreIsDone, RemoveChore
from farm.store import maintenance
from farm.web.contract import Created, Versioned
from farm.web.printers import everyone, may_read, readable
from farm.web.printers_sent import given
from farm.web.routes import Call, Entry, Route


class NewChore(msgspec.Struct, forbid_unknown_fields=True):
    """every_h: hours of printing in between. tag: for every printer that has it, not for this one alone.

    blocks: while it is due, nothing is begun. since_h: hours printed since it was done last.
    """

    what: str
    every_h: float
    tag: str | None = None
    blocks: bool = False
    since_h: float = 0.0


class ChoreChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes; with a tag's chore on every printer that has it."""

    what: str | UnsetType = UNSET
    every_h: float | UnsetType = UNSET
    blocks: bool | UnsetType = UNSET


class DoneNote(msgspec.Struct, forbid_unknown_fields=True):
    note: str = ""


class Done(msgspec.Struct):
    """Who did a chore last. printed_h: hours the printer had printed by then."""

    at: Moment
    who: str
    note: str
    printed_h: float


class Chore(msgspec.Struct):
    """How a chore stands on a printer. since_h: hours printed since it was done; left_h: until it is due,
    less than nothing when it is late. overdue: by a quarter of its hours."""

    id: str
    printer: str
    what: str
    every_h: float
    tag: str | None
    blocks: bool
    state: ChoreState
    since_h: float
    left_h: float
    last_done: Done | None


class Maintenance(msgspec.Struct):
    """printed_h: hours of printing: the farm's prints whose end it saw, and others' as far as it saw them."""

    printed_h: float
    items: list[Chore]


class AllChores(msgspec.Struct):
    """The chores of every printer that the asker may look at."""

    items: list[Chore]


async def list_everywhere(call: Call) -> AllChores:
    """What is to be done on which printer, by printer."""
    found = await call.desk.database.read(maintenance.standings)
    visible = {printer.id for printer in await everyone(call) if may_read(call.asker, printer)}
    return AllChores([_shown(each) for each in found if each.printer in visible])


async def show_maintenance(call: Call, printer: str) -> Maintenance:
    """How long a printer has printed, and how its chores stand."""
    await readable(call, printer)
    found = await call.desk.database.read(maintenance.standings, printer)
    printed_h = await call.desk.database.read(maintenance.printed_h, printer)
    return Maintenance(round(printed_h, 2), [_shown(each) for each in found])


async def add_chore(call: Call, printer: str, sent: NewChore) -> Created[Chore]:
    """Something to be done on a printer, again and again after so many hours of printing."""
    wish = AddChore(printer, sent.what, sent.every_h, sent.tag, sent.blocks, sent.since_h)
    added = await call.change(Standing, lambda by: call.desk.fleet.ask(wish, by=by))
    return Created(_shown(added))


async def show_chore(call: Call, printer: str, chore: str) -> Versioned[Chore]:
    """One chore of a printer."""
    await readable(call, printer)
    found = await call.desk.database.read(maintenance.standing, printer, chore)
    return Versioned.of(_shown(found), found.chore.version)


async def change_chore(call: Call, printer: str, chore: str, sent: ChoreChange) -> Versioned[Chore]:
    """Make something else of a chore."""
    wish = ChangeChore(printer, chore, given(sent))
    changed = await call.change(Standing, lambda by: call.desk.fleet.ask(wish, by=by))
    return Versioned.of(_shown(changed), changed.chore.version)


async def remove_chore(call: Call, printer: str, chore: str) -> None:
    """Take a chore out; a tag's, on every printer that has it."""
    wish = RemoveChore(printer, chore)
    await call.change(type(None), lambda by: call.desk.fleet.ask(wish, by=by))


async def chore_is_done(call: Call, printer: str, chore: str, sent: DoneNote | None) -> Chore:
    """It was done on this printer: its hours count anew from now on."""
    wish = ChoreIsDone(printer, chore, sent.note if sent is not None else "")
    return _shown(await call.change(Standing, lambda by: call.desk.fleet.ask(wish, by=by)))


def _shown(standing: Standing) -> Chore:
    chore, last = standing.chore, standing.last
    return Chore(
        id=chore.id,
        printer=standing.printer,
        what=chore.what,
        every_h=chore.every_h,
        tag=chore.tag,
        blocks=chore.blocks,
        state=standing.state,
        since_h=round(standing.since_h, 2),
        left_h=round(chore.every_h - standing.since_h, 2),
        last_done=None if last is None else Done(iso(last.at), last.who, last.note, round(last.printed_h, 2)),
    )


_OF_A_PRINTER = "/v1/printers/<printer>/maintenance"

ROUTES = (
    Route("GET", "/v1/maintenance", list_everywhere, Action.READ),
    Route("GET", _OF_A_PRINTER, show_maintenance, Action.READ),
    Route("POST", _OF_A_PRINTER, add_chore, Entry.KNOWN),
    Route("GET", f"{_OF_A_PRINTER}/<chore>", show_chore, Action.READ),
    Route("PATCH", f"{_OF_A_PRINTER}/<chore>", change_chore, Entry.KNOWN),
    Route("DELETE", f"{_OF_A_PRINTER}/<chore>", remove_chore, Entry.KNOWN),
    Route("POST", f"{_OF_A_PRINTER}/<chore>/done", chore_is_done, Entry.KNOWN),
)
