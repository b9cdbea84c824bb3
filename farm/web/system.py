"""Whether the farm runs, and how its parts are."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from quart import Response

from farm.access.rights import Action
from farm.actors.supervisor import ActorReport, ActorState
from farm.web.contract import Page
from farm.web.routes import Call, Entry, Route


class Health(Struct):
    """version: the farm's own."""

    version: str
    status: Literal["ok"] = "ok"


class Mailbox(Struct):
    """What waits for an actor, and what became of what waited: numbers of messages."""

    depth: int
    peak: int
    size: int
    dropped: int
    expired: int
    refused: int


class Actor(Struct):
    """One of the farm's actors. longest_ms: what it took for one message at most."""

    name: str
    state: ActorState
    mailbox: Mailbox
    handled: int
    restarts: int
    dead_letters: int
    longest_ms: float
    last_error: str | None


async def health(call: Call) -> Health:
    """Whether the server runs: for whoever watches it from outside."""
    return Health(call.desk.version)


async def front(call: Call) -> Response:
    """What somebody sees who types the farm's address into a browser."""
    return Response(
        f"The printer farm {call.desk.version} runs. Its README says how to set it up, add a printer and "
        "send a file from a slicer; programs talk to it under /v1.\n",
        content_type="text/plain; charset=utf-8",
    )


async def actors(call: Call) -> Page[Actor]:
    """Every actor's numbers since the process started."""
    return Page([_actor(report) for report in call.desk.reports()])


def _actor(report: ActorReport) -> Actor:
    return Actor(
        name=report.name,
        state=report.state,
        mailbox=Mailbox(
            depth=report.depth,
            peak=report.peak,
            size=report.size,
            dropped=report.dropped,
            expired=report.expired,
            refused=report.refused,
        ),
        handled=report.handled,
        restarts=report.restarts,
        dead_letters=report.dead_letters,
        longest_ms=round(report.longest_s * 1000, 3),
        last_error=report.last_error,
    )


ROUTES = (
    Route("GET", "/", front, Entry.PUBLIC),
    Route("GET", "/v1/health", health, Entry.PUBLIC),
    Route("GET", "/v1/system/actors", actors, Action.READ_SYSTEM),
)
