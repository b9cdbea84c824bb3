"""The actor `telemetry`: takes in what the printers measure, and has it written and understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

import trio

from farm.actors import Mailbox
from farm.domain.clock import WallClock
from farm.store.database import Database
from farm.telemetry.messages import PrinterForgotten, PrinterObserved, TelemetryMessage
from farm.telemetry.writer import Writer

GATHER_S = 0.1  # a turn of the loop for each reading of a large farm would cost more than keeping it
MOST_AT_ONCE = 1000  # all that fit into its mailbox


@dataclass(frozen=True, slots=True)
class TelemetryParts:
    """database: telemetry.db. interval_s: between two writes. retention: how long raw readings stay."""

    database: Database
    clock: WallClock
    interval_s: float = 5.0
    retention: timedelta = timedelta(hours=24)


class Telemetry:
    """Gathers what comes, and hands it on in order."""

    def __init__(self, parts: TelemetryParts) -> None:
        self._writer = Writer(parts.database, parts.clock, parts.interval_s, parts.retention)

    async def run(self, mailbox: Mailbox[TelemetryMessage]) -> None:
        """Live until the mailbox closes, then write what is left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._writer.run)
            async for delivery in mailbox:
                for each in (delivery, *mailbox.take_waiting(MOST_AT_ONCE)):
                    self._take(each.message)
                await trio.sleep(GATHER_S)
            nursery.cancel_scope.cancel()
        await self._writer.write()

    def _take(self, message: TelemetryMessage) -> None:
        match message:
            case PrinterObserved():
                self._writer.keep(message)
            case PrinterForgotten():
                pass
            case _:
                assert_never(message)
