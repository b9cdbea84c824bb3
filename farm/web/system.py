"""Whether the farm runs, and how its parts are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from sqlite3 import Connection
from typing import Any, Literal

import trio
from msgspec import Struct

from farm.access.rights import Action
from farm.actors.supervisor import ActorReport, ActorState
from farm.actors.vitals import Resources
from farm.errors import FarmError
from farm.live.messages import ReportStatuses
from farm.store import events, numbers
from farm.store.database import Trouble
from farm.web import components
from farm.web.components import Condition, Finding, Look
from farm.web.contract import Page
from farm.web.desk import Desk
from farm.web.routes import Call, Entry, Route

LOOK_WITHIN_S = 2.0  # at one part of the farm; what does not answer by then is told to be so


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


async def show_system(call: Call) -> components.System:
    """Every part of the farm: how it does, since when, and its numbers; also while some do not answer."""
    look, epoch, measured = await look_around(call.desk)
    parts = components.of(look)
    return components.System(
        status=components.worst(parts),
        version=call.desk.version,
        epoch=epoch,
        uptime_s=round(measured.uptime_s, 3),
        components=parts,
        resources=components.of_resources(measured),
    )


async def look_around(desk: Desk) -> tuple[Look, str | None, Resources]:
    """What there is to see of the farm, the epoch (None where nobody tells), and what the process takes."""
    looks = _Looks()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(looks.look, "database", lambda: desk.database.read(_numbers))
        nursery.start_soon(looks.look, "telemetry", lambda: desk.readings.read(numbers.size))
        nursery.start_soon(looks.look, "files", lambda: desk.storage.run(desk.storage.check_room, 0))
        nursery.start_soon(
            looks.look, "printers", lambda: desk.events.ask(ReportStatuses(), timeout=LOOK_WITHIN_S)
        )
    epoch, counted = looks.found.get("database", (None, None))
    measured = desk.vitals.report()
    look = Look(
        at=desk.clock(),
        uptime_s=measured.uptime_s,
        actors={report.name: report for report in desk.reports()},
        numbers=counted,
        statuses=looks.found.get("printers", {}),
        readings_size=looks.found.get("telemetry"),
        file_workers=desk.file_workers(),
        planner=desk.planner(),
        telemetry=desk.telemetry(),
        readings=desk.readings_kept(),
        plan=desk.plan.in_force,
        clients=desk.clients.numbers(),
        findings=looks.findings(database=desk.database.trouble, telemetry=desk.readings.trouble),
    )
    return look, epoch, measured


class _Looks:
    """Looks at several parts at once; what does not answer, or is in trouble, is a finding and no error."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self._problems: dict[str, str] = {}

    async def look(self, part: str, at: Callable[[], Awaitable[Any]]) -> None:
        """Keep what `at` finds within a time."""
        try:
            with trio.fail_after(LOOK_WITHIN_S):
                self.found[part] = await at()
        except FarmError as problem:
            self._problems[part] = str(problem)
        except trio.TooSlowError:
            self._problems[part] = f"it did not answer within {LOOK_WITHIN_S:.0f} s"

    def findings(self, **troubles: Trouble | None) -> dict[str, list[Finding]]:
        """What is the matter with the parts, by name. troubles: what their databases say themselves."""
        found = {
            part: [Finding(_BAD.get(part, Condition.DEGRADED), words)]
            for part, words in self._problems.items()
        }
        for part, trouble in troubles.items():
            if trouble is not None:
                for_s = trio.current_time() - trouble.since
                found[part] = [Finding(_BAD.get(part, Condition.DEGRADED), trouble.words, for_s)]
        return found


_BAD = {"database": Condition.FAILED}
"""How bad it is when a part does not answer, where that is worse than degraded."""


def _numbers(db: Connection) -> tuple[str, numbers.Numbers]:
    return events.epoch(db), numbers.count(db)


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
    Route("GET", "/v1/health", health, Entry.PUBLIC),
    Route("GET", "/v1/system", show_system, Action.READ_SYSTEM),
    Route("GET", "/v1/system/actors", actors, Action.READ_SYSTEM),
)
