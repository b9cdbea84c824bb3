"""Whether the farm runs, and how its parts are."""

from __future__ import annotations

from typing import Any

from quart import Response

from farm.access.rights import Action
from farm.actors.supervisor import ActorReport
from farm.web.answers import answer
from farm.web.routes import Call, Entry, Route


async def health(call: Call) -> Response:
    """For whoever watches the server from outside."""
    return answer({"status": "ok", "version": call.desk.version})


async def front(call: Call) -> Response:
    """What somebody sees who types the farm's address into a browser."""
    return Response(
        f"The printer farm {call.desk.version} runs. Its README says how to set it up, add a printer and "
        "send a file from a slicer; programs talk to it under /v1.\n",
        content_type="text/plain; charset=utf-8",
    )


async def actors(call: Call) -> Response:
    """Every actor's numbers since the process started."""
    call.query()
    return answer({"items": [_actor(report) for report in call.desk.reports()], "next": None})


def _actor(report: ActorReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "state": report.state,
        "mailbox": {
            "depth": report.depth,
            "peak": report.peak,
            "size": report.size,
            "dropped": report.dropped,
            "expired": report.expired,
            "refused": report.refused,
        },
        "handled": report.handled,
        "restarts": report.restarts,
        "dead_letters": report.dead_letters,
        "longest_ms": round(report.longest_s * 1000, 3),
        "last_error": report.last_error,
    }


ROUTES = (
    Route("GET", "/", front, Entry.PUBLIC),
    Route("GET", "/v1/health", health, Entry.PUBLIC),
    Route("GET", "/v1/system/actors", actors, Action.READ_SYSTEM),
)
