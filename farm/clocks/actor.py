"""The actor `clocks`: notices that the computer slept or its clock was set, and has all looked at anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Never, NoReturn

import structlog
import trio

from farm.actors import Address, Mailbox
from farm.clocks.looks import Gap, Look, gap
from farm.domain.clock import WallClock
from farm.errors import FarmError, NotFound
from farm.live.messages import LookForLife
from farm.printers.messages import LookAnew, ObstacleGone
from farm.store import events
from farm.store.database import Database
from farm.telemetry.messages import BeginAnew

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
AT_ONCE_S = 0.5  # reading all clocks takes some microseconds


@dataclass(frozen=True, slots=True)
class ClocksParts:
    """What the actor needs of the farm; handed in by `app.py`.

    address: of an actor by its name; raises NotFound. lived: seconds since the computer began, with all
    sleep.
    """

    database: Database
    address: Callable[[str], Address[Any]]
    clock: WallClock
    lived: Callable[[], float]


class Clocks:
    """Looks at all clocks once a second. Nothing is concluded from how long that took: others ask and see."""

    def __init__(self, parts: ClocksParts) -> None:
        self._parts = parts

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Live until the mailbox closes; nobody writes to it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_again_and_again)
            async for _ in mailbox:
                pass
            nursery.cancel_scope.cancel()

    async def _look_again_and_again(self) -> NoReturn:
        before = self._look()
        while True:
            await trio.sleep(LOOK_EVERY_S)
            now = self._look()
            found = gap(before, now, LOOK_EVERY_S)
            before = now
            if found is not None:
                await self._see_to(found)

    def _look(self) -> Look:
        """All clocks at one moment: a process that was stopped between two of them looks again."""
        while True:
            began = trio.current_time()
            look = Look(self._parts.clock().timestamp(), trio.current_time(), self._parts.lived())
            if trio.current_time() - began < AT_ONCE_S:
                return look

    async def _see_to(self, found: Gap) -> None:
        log.warning("the clocks jumped", **asdict(found))
        if found.was_away:
            self._tell("printers", LookAnew(found.sentence))
            self._tell("clients", LookForLife())
            self._tell("telemetry", BeginAnew())
        try:
            await self._parts.database.write(_record, found, self._parts.clock())
        except FarmError as problem:
            log.warning("a jump of the clocks was not recorded", problem=str(problem))
        # What waits for its time may wait no longer. By now no printer counts as ready that is asked anew.
        self._tell("queue", ObstacleGone())

    def _tell(self, actor: str, message: object) -> None:
        with suppress(NotFound):  # it is stopped, and looks at everything when it starts
            self._parts.address(actor).tell_nowait(message)


def _record(db: Connection, found: Gap, at: datetime) -> None:
    seconds = {name: round(value, 1) for name, value in asdict(found).items()}
    told = {"kind": "clock", "severity": "note", "sentence": found.sentence, **seconds}
    events.record(db, "system.alert", ("alerts", "system"), at, told)
