"""What an OctoPrint would do to its printer and the farm does not let past its queue: refused with a reason.

A start from outside could hit a plate that is not clear or a print that was promised elsewhere; a heater
set from outside would belong to nobody. The farm's own page and API do all of it under its rules.
"""

from __future__ import annotations

from functools import partial

from quart import Response

from farm.errors import Refused
from farm.web.octoprint.places import PREFIXES, place_of
from farm.web.routes import Call, Entry, Route

REASONS = {
    "POST /api/job": "the farm starts, pauses and cancels prints; use its page",
    "POST /api/connection": "the farm keeps the connection to its printers by itself",
    "POST /api/files/local/<path:name>": "upload with print=true; the farm's queue chooses when it prints",
    "DELETE /api/files/local/<path:name>": "delete files on the farm's page, where one sees who needs them",
    "POST /api/printer/command": "the farm does not pass G-code on from here; use its page",
    "POST /api/printer/tool": "set temperatures on the farm's page",
    "POST /api/printer/bed": "set temperatures on the farm's page",
    "POST /api/printer/chamber": "set temperatures on the farm's page",
    "POST /api/printer/printhead": "move the printer on the farm's page",
    "POST /api/printer/sd": "the farm does not use the printer's SD card",
    "POST /api/files/sdcard": "the farm does not use the printer's SD card; send the file to local",
}
"""Each refused address with the sentence the client shows."""


async def refuse(
    call: Call, reason: str, name: str = "", printer: str | None = None, tag: str | None = None
) -> Response:
    """Say why not."""
    await place_of(call, printer, tag)
    raise Refused(reason)


ROUTES = tuple(
    Route(method, prefix + rule, partial(refuse, reason=reason), Entry.KNOWN)
    for prefix in PREFIXES
    for address, reason in REASONS.items()
    for method, rule in (address.split(),)
)
