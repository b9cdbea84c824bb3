"""The actor `telemetry`: takes in what the printers measure, and has it written and understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never

import trio

from farm.actors import Address, Mailbox
from farm.domain.clock import WallClock
from farm.live.messages import PrinterUnderstood
from farm.store.database import Database
from farm.telemetry.messages import (
    BeginAnew,
    PrinterForgotten,
    PrinterObserved,
    PrintersHeard,
    TelemetryMessage,
    TelemetryNumbers,
)
from farm.telemetry.processor import Processor
from farm.telemetry.writer import AS_SHIPPED, Keeping, Kept, Writer

GATHER_S = 0.1  # a turn of the loop for each reading of a large farm would cost more than keeping it
MOST_AT_ONCE = 1000  # all that fit into its mailbox
TOLD_AT_ONCE = 20  # printers; takes about a millisecond


@dataclass(frozen=True, slots=True)
class TelemetryParts:
    """database: telemetry.db. events: who is told what is understood. keeping: how long what was read stays.

    interval_s: between two writes, and between two looks at what it all means. window: samples, one a second,
    that are looked back on.
    """

    database: Database
    clock: WallClock
    events: Callable[[], Address[Any]]
    interval_s: float = 5.0
    window: int = 1000
    keeping: Keeping = AS_SHIPPED


class Telemetry:
    """Gathers what comes, and hands it on in order.

    The same object serves every run of the actor. What was understood begins anew with each: whatever
    felled it may lie in there. Who listens outlives a crash.
    """

    def __init__(self, parts: TelemetryParts) -> None:
        self._parts = parts
        self._writer = Writer(parts.database, parts.clock, parts.interval_s, parts.keeping)
        self._processor = Processor(parts.window, parts.interval_s)
        self._heard: frozenset[str] = frozenset()

    def numbers(self) -> TelemetryNumbers:
        """How much it has to do."""
        return self._processor.numbers()

    def kept(self) -> Kept:
        """What there is to tell of what is kept."""
        return self._writer.kept

    async def run(self, mailbox: Mailbox[TelemetryMessage]) -> None:
        """Live until the mailbox closes, then write what is left."""
        self._processor = Processor(self._parts.window, self._parts.interval_s)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._writer.run)
            nursery.start_soon(self._understand_again_and_again)
            async for delivery in mailbox:
                self._processor.advance(trio.current_time())
                for each in (delivery, *mailbox.take_waiting(MOST_AT_ONCE)):
                    self._take(each.message)
                await trio.sleep(GATHER_S)
            nursery.cancel_scope.cancel()
        await self._writer.write()

    def _take(self, message: TelemetryMessage) -> None:
        match message:
            case PrinterObserved():
                self._writer.keep(message)
                self._processor.take(message)
            case PrinterForgotten(printer):
                self._writer.forget(printer)
                self._processor.forget(printer)
            case PrintersHeard(printers):
                self._heard = printers
            case BeginAnew():
                self._processor.begin_anew()
            case _:
                assert_never(message)

    async def _understand_again_and_again(self) -> None:
        while True:
            await trio.sleep_until(self._processor.due_at)
            self._processor.advance(trio.current_time())
            await self._tell_who_listens()

    async def _tell_who_listens(self) -> None:
        """Look at the printers that are listened to; everybody else has a turn in between."""
        heard = sorted(self._heard)
        for _ in self._processor.study(heard):
            await trio.lowlevel.checkpoint()
        at = self._parts.clock()
        for number, printer in enumerate(heard):
            metrics = self._processor.metrics(printer, at.timestamp())
            if metrics is not None:
                self._parts.events().tell_nowait(PrinterUnderstood(printer, at, metrics))
            if number % TOLD_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
