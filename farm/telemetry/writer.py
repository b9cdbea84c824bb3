"""What the printers measured, on its way to the disk: gathered, written in batches, and forgotten in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import structlog
import trio

from farm.domain.clock import ClockSetting, WallClock
from farm.errors import FarmError
from farm.store import forgetting, readings
from farm.store.curves import Level
from farm.store.database import Database
from farm.store.forgetting import Forgotten, Limits
from farm.store.readings import HOUR_S, Measured, Reading
from farm.telemetry.channels import metrics_of
from farm.telemetry.messages import PrinterObserved

log = structlog.get_logger(__name__)

DAY_S = 24 * HOUR_S
MB = 1_000_000
MOST_WAITING = 100_000  # readings of heaters: those of 1000 printers for 8 s; beyond that the oldest go
MOST_CHANNELS = 50_000  # of everything else; a thousand printers have some 20 each, one gone mad new ones
MOST_AT_ONCE = 10_000  # readings in one transaction: some 40 ms
METRIC_EVERY_S = 60.0  # where it stays as it is
FORGET_EVERY_S = 300.0
FORGET_MORE_S = 0.5  # each bite is bounded; new readings go in between


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each reading is kept, and the sums of minutes and of hours. size: bytes of all of it."""

    raw_s: float = DAY_S
    minutes_s: float = 14 * DAY_S
    hours_s: float = 400 * DAY_S
    size: int = 4000 * MB

    @property
    def limits(self) -> Limits:
        for_s = {Level.RAW: self.raw_s, Level.MINUTE: self.minutes_s, Level.HOUR: self.hours_s}
        return Limits(for_s, self.size)


AS_SHIPPED = Keeping()


@dataclass(frozen=True, slots=True)
class Kept:
    """dropped: readings for which there was no room while the disk refused. words: what is kept for less time
    than is wished, and why; "" for nothing."""

    dropped: int = 0
    words: str = ""


class Writer:
    """Owns the readings that are not written yet.

    database: telemetry.db. interval_s: between two writes.
    """

    def __init__(self, database: Database, clock: WallClock, interval_s: float, keeping: Keeping) -> None:
        self._database = database
        self._clock = clock
        self._interval_s = interval_s
        self._limits = keeping.limits
        self._unwritten: deque[Reading] = deque(maxlen=MOST_WAITING)
        self._dropped = 0
        self._metrics: dict[tuple[str, str], Measured] = {}  # the newest of each channel
        self._written: dict[tuple[str, str], Measured] = {}
        self._cuts: dict[Level, float] = {}  # before when a level was cut for want of room
        self._clock_setting = ClockSetting()
        self._troubled = False

    @property
    def kept(self) -> Kept:
        """What there is to tell of it."""
        return Kept(self._dropped, self._words())

    def keep(self, seen: PrinterObserved) -> None:
        """Let what was measured wait for the disk: every temperature, and the newest of everything else."""
        for heater, read in seen.reading.temperatures.items():
            if len(self._unwritten) == MOST_WAITING:
                self._dropped += 1
            actual, target = _finite(read.actual), _finite(read.target)
            self._unwritten.append(Reading(seen.printer, heater, seen.at, actual, target))
        for channel, value in metrics_of(seen.reading):
            place = seen.printer, channel
            if isfinite(value) and (place in self._metrics or len(self._metrics) < MOST_CHANNELS):
                self._metrics[place] = Measured(seen.printer, channel, seen.at, value)

    def forget(self, printer: str) -> None:
        """It was taken out of the farm; what is written stays until it is old."""
        for found in (self._metrics, self._written):
            for place in [place for place in found if place[0] == printer]:
                del found[place]

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
        metrics = [each for each in self._metrics.values() if self._is_news(each)]
        try:
            for _ in range(len(self._unwritten) // MOST_AT_ONCE + 1):
                batch = [self._unwritten[place] for place in range(min(MOST_AT_ONCE, len(self._unwritten)))]
                if batch or metrics:
                    await self._database.write(readings.add, batch, metrics)
                self._done(batch, metrics)
                metrics = []
        except FarmError as problem:
            if not self._troubled:
                log.warning("readings cannot be written", problem=str(problem), waiting=len(self._unwritten))
            self._troubled = True
        else:
            self._troubled = False

    def _is_news(self, now: Measured) -> bool:
        before = self._written.get((now.printer, now.channel))
        return before is None or (
            now.at != before.at and (now.value != before.value or now.at - before.at >= METRIC_EVERY_S)
        )

    def _done(self, batch: Iterable[Reading], metrics: Iterable[Measured]) -> None:
        for written in batch:  # what overflowed meanwhile took its oldest from the front
            if self._unwritten and self._unwritten[0] is written:
                self._unwritten.popleft()
        self._written.update({(each.printer, each.channel): each for each in metrics})

    async def _forget_again_and_again(self) -> None:
        while True:
            gone = await self._forget_some()
            await trio.sleep(FORGET_MORE_S if gone else FORGET_EVERY_S)

    async def _forget_some(self) -> bool:
        """Whether anything went."""
        now = self._clock()
        if not self._clock_setting.is_settled(now, trio.current_time()):
            return False
        try:
            gone = await self._database.write(forgetting.forget, self._limits, now.timestamp())
        except FarmError as problem:
            log.warning("old readings stay", problem=str(problem))
            return False
        self._note(gone)
        return gone.rows > 0

    def _note(self, gone: Forgotten) -> None:
        if gone.cut is not None:
            level, before = gone.cut
            if level not in self._cuts:
                log.warning(
                    "readings take all of their room", level=str(level), megabytes=self._limits.size / MB
                )
            self._cuts[level] = before

    def _words(self) -> str:
        now = self._clock().timestamp()
        wanted_s = self._limits.for_s
        short = [
            f"{_CALLED[level]} are kept for {_span(now - before)} instead of {_span(wanted_s[level])}"
            for level, before in self._cuts.items()
            if now - before < wanted_s[level]
        ]
        if not short:
            return ""
        room = f"{self._limits.size / MB:.0f} MB ([processing] history_size_mb)"
        return f"the readings take all of their {room}: {', '.join(short)}"


_CALLED = {
    Level.RAW: "single readings",
    Level.MINUTE: "the sums of minutes",
    Level.HOUR: "the sums of hours",
}


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _span(seconds: float) -> str:
    if seconds < 2 * DAY_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / DAY_S:.0f} days"
