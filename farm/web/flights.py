"""The flight recorder of a printer: the last raw words between the farm and its host."""

from __future__ import annotations

from typing import Annotated

from quart import Response
from werkzeug.http import dump_options_header

from farm.access.rights import Action, require
from farm.printers.messages import ReadFlight
from farm.web.contract import Sends
from farm.web.printers import find, target
from farm.web.routes import Call, Entry, Route

TEXT = "text/plain; charset=utf-8"


async def show_flight(call: Call, printer: str) -> Annotated[Response, Sends((TEXT,))]:
    """The last requests, answers and pushed messages of a printer, a line each, oldest first.

    Kept in memory across a crash of the printer's part of the farm, and not across a restart of the farm.
    Keys, passwords and tokens are left out. It takes the right to command the printer.
    """
    found = await find(call, printer)
    require(call.asker, Action.CONTROL, target(found))
    text = await call.desk.printer(printer).ask(ReadFlight(), by=call.asker)
    name = dump_options_header("attachment", {"filename": f"flight-{found.id}.txt"})
    return Response(text, headers={"Content-Disposition": name}, content_type=TEXT)


ROUTES = (Route("GET", "/v1/printers/<printer>/flight-recorder", show_flight, Entry.KNOWN),)
