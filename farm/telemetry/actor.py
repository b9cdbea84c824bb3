"""The data processor: gathers readings and writes them in batches, so that each costs next to nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta

import structlog
import trio

from farm.actors import Mailbox
from farm.domain.clock import WallClock
from farm.errors import FarmError
from farm.store import readings
from farm.store.database import Database
from farm.store.readings import Reading
from farm.telemetry.messages import TelemetryMessage

log = structlog.get_logger(__name__)

GATHER_S = 0.1  # a turn of the loop for each reading of a large farm would cost more than keeping it
MOST_AT_ONCE = 1000  # all that fit into its mailbox
KEPT = 20_000  # readings that wait for the disk: 200 printers for 50 s; beyond that the oldest go
FORGET_EVERY_S = 600.0
FORGET_MORE_S = 0.5  # prune takes a bounded bite; new readings go in between


@dataclass(frozen=True, slots=True)
class TelemetryParts:
    """database: telemetry.db. interval_s: between two writes. retention: how long raw readings stay."""

    database: Database
    clock: WallClock
    interval_s: float = 5.0
    retention: timedelta = timedelta(hours=24)


class Telemetry:
    """Owns the readings that are not written yet."""

    def __init__(self, parts: TelemetryParts) -> None:
        self._parts = parts
        self._unwritten: deque[Reading] = deque(maxlen=KEPT)
        self._troubled = False

    async def run(self, mailbox: Mailbox[TelemetryMessage]) -> None:
        """Live until the mailbox closes, then write what is left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_again_and_again)
            nursery.start_soon(self._forget_again_and_again)
            async for delivery in mailbox:
                for each in (delivery, *mailbox.take_waiting(MOST_AT_ONCE)):
                    self._keep(each.message)
                await trio.sleep(GATHER_S)
            nursery.cancel_scope.cancel()
        await self._write()

    def _keep(self, message: TelemetryMessage) -> None:
        for heater, read in message.temperatures.items():
            self._unwritten.append(Reading(message.printer, heater, message.at, read.actual, read.target))

    async def _write_again_and_again(self) -> None:
        while True:
            await trio.sleep(self._parts.interval_s)
            await self._write()

    async def _write(self) -> None:
        batch = list(self._unwritten)
        if not batch:
            return
        try:
            await self._parts.database.write(readings.add, batch)
        except FarmError as problem:  # kept for the next try, as far as there is room
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
            before = (self._parts.clock() - self._parts.retention).timestamp()
            gone = 0
            try:
                gone = await self._parts.database.write(readings.prune, before)
            except FarmError as problem:
                log.warning("old readings stay", problem=str(problem))
            await trio.sleep(FORGET_MORE_S if gone else FORGET_EVERY_S)
