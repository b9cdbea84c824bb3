"""The console of a printer: what people sent it, and what it said."""

from __future__ import annotations

import msgspec

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.live.shapes import Moment
from farm.printers.console import Kind, Line
from farm.printers.messages import ReadConsole
from farm.web.contract import RowNumber
from farm.web.printers import readable
from farm.web.routes import Call, Route

DEAF = "This kind of printer does not tell the farm what it says: here stands only what people sent it."


class ConsoleQuery(msgspec.Struct, forbid_unknown_fields=True):
    """since: the number of the last line seen."""

    since: RowNumber = 0


class ConsoleLine(msgspec.Struct):
    """kind: "sent" by a person (who), "said" by the printer, or why what was sent "failed"."""

    number: int
    at: Moment
    kind: Kind
    text: str
    who: str | None


class Console(msgspec.Struct):
    """The last lines, oldest first. next: ask `since` it for those that come.

    gap: whether lines in between are not kept any more, because they were too many or the farm was restarted.
    note: what cannot be seen here, null where there is nothing to say.
    """

    items: list[ConsoleLine]
    next: int
    gap: bool
    note: str | None


async def show_console(call: Call, printer: str, query: ConsoleQuery) -> Console:
    """What was sent to a printer and what it said, as far as it is kept: 500 lines, and no restart."""
    await readable(call, printer)
    found = await call.desk.printer(printer).ask(ReadConsole(query.since), by=call.asker)
    note = None if found.hears else DEAF
    return Console([_line(line) for line in found.lines], found.last, found.gap, note)


def _line(line: Line) -> ConsoleLine:
    return ConsoleLine(line.number, iso(line.at), line.kind, line.text, line.who or None)


ROUTES = (Route("GET", "/v1/printers/<printer>/console", show_console, Action.READ),)
