"""What the printers measured, on its way to the disk: gathered, and written in batches."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import structlog
import trio

from farm.domain.clock import WallClock
from farm.errors import FarmError
from farm.store import readings
from farm.store.database import Database
from farm.store.readings import Reading
from farm.telemetry.messages import PrinterObserved

log = structlog.get_logger(__name__)

KEPT = 20_000  # readings that wait for the disk: 200 printers for 50 s; beyond that the oldest go
FORGET_EVERY_S = 600.0
FORGET_MORE_S = 0.5  # prune takes a bounded bite; new readings go in between


class Writer:
    """Owns the readings that are not written yet.

    database: telemetry.db. interval_s: between two writes. retention: how long raw readings stay.
    """

    def __init__(self, database: Database, clock: WallClock, interval_s: float, retention: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._interval_s = interval_s
        self._retention = retention
        self._unwritten: deque[Reading] = deque(maxlen=KEPT)
        self._troubled = False

    def keep(self, seen: PrinterObserved) -> None:
        """Let what was measured wait for the disk."""
        for heater, read in seen.reading.temperatures.items():
            self._unwritten.append(Reading(seen.printer, heater, seen.at, read.actual, read.target))

    async def run(self) -> None:
        """Write and forget, again and again."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_again_and_again)
            nursery.start_soon(self._forget_again_and_again)

    async def _write_again_and_again(self) -> None:
        while True:
            await trio.sleep(self._interval_s)
            await self.write()

    async def write(self) -> None:
        """Write what waits. What cannot be written is kept for the next try, as far as there is room."""
        batch = list(self._unwritten)
        if not batch:
            return
        try:
            await self._database.write(readings.add, batch)
        except FarmError as problem:
            if not self._troubled:
                log.warning("readings cannot be written", problem=str(problem), waiting=len(batch))
            self._troubled = True
            return
        self._troubled = False
        for written in batch:  # what overflowed meanwhile took its oldest from the front
            if self._unwritten and self._unwritten[0] is written:
                self._unwritten.popleft()

    async def _forget_again_and_again(self) -> None:
        while True:
            before = (self._clock() - self._retention).timestamp()
            gone = 0
            try:
                gone = await self._database.write(readings.prune, before)
            except FarmError as problem:
                log.warning("old readings stay", problem=str(problem))
            await trio.sleep(FORGET_MORE_S if gone else FORGET_EVERY_S)
