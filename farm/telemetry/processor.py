"""The data processor: what all printers measure, understood. No I/O and no clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import structlog

from farm.domain.metrics import Channel, Forecast, Group, Metrics
from farm.domain.printer import BUSY, Temperature
from farm.drivers.base import LineStatistics
from farm.telemetry.forecast import Course, Sight
from farm.telemetry.insight import Insight
from farm.telemetry.measured import WORTH, is_sound, measured
from farm.telemetry.messages import PrinterObserved, TelemetryNumbers
from farm.telemetry.ring import WIDTH, Ring

log = structlog.get_logger(__name__)

TICK_S = 1.0  # of one row: drivers tell twice a second at most, and every few seconds at rest
MOST_CHANNELS = 24  # of one printer; what a driver tells beyond them is not looked at
MOST_RINGS = 16  # 4 MB each with 1000 samples: a thousand printers with sixteen channels
QUIET_S = 600.0  # between two lines in the log about what cannot be true at one printer
COLD_DEGC = 5.0  # below its target: the print waits for a heater


@dataclass(slots=True)
class _Known:
    """One printer. places: its channels, as (ring, column). quiet_until: nothing is said of it in the log."""

    seen_at: float
    places: dict[tuple[Group, str], tuple[int, int]] = field(default_factory=dict)
    quiet_until: float = float("-inf")
    line: LineStatistics | None = None
    course: Course | None = None


class Processor:
    """Takes in every look at every printer, and tells what is understood of some.

    Memory is bounded: MOST_RINGS rings of WIDTH channels, MOST_CHANNELS of one printer; what finds no room is
    counted and passed over. `advance` has to be called as time passes, before what was seen then is taken in.
    """

    def __init__(self, window: int = 1000, interval_s: float = 5.0) -> None:
        """window: samples of each channel that are looked back on, one a second."""
        self._batch = max(1, round(interval_s / TICK_S))
        self._window = max(window, 2 * self._batch)
        self._now = float("-inf")
        self._next = 0  # the first tick that is not reckoned up
        self._rings: list[Ring] = []
        self._insights: list[Insight] = []
        self._free: list[tuple[int, int]] = []
        self._printers: dict[str, _Known] = {}
        self._counts: Counter[str] = Counter()

    # -- samples come in -----------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """It is now so late, in seconds of a clock that never goes back."""
        self._now = max(now, self._now)
        batches = int(self._now / TICK_S) // self._batch - self._next // self._batch
        if batches > 0:
            for ring in self._rings:
                ring.skip(batches)
            self._next += batches * self._batch

    @property
    def due_at(self) -> float:
        """When the next batch of samples is over, on the clock of `advance`."""
        return (self._next + self._batch) * TICK_S

    def take(self, seen: PrinterObserved) -> None:
        """Take in one look at a printer."""
        if seen.passed_over:
            self._counts["passed over"] += seen.passed_over
        if seen.now > self._now + TICK_S:
            self._counts["refused"] += 1
            return
        known = self._printers.get(seen.printer)
        if known is None:
            known = self._printers[seen.printer] = _Known(seen.now)
        tick = min(int(seen.now / TICK_S), self._next + self._batch - 1)
        if seen.now < known.seen_at:
            self._counts["late"] += 1
            if tick == int(known.seen_at / TICK_S):  # what came later is there already
                return
        for channel, value in measured(seen.reading, known.line):
            if is_sound(channel, value):
                self._keep(seen.printer, known, channel, tick, value)
            else:
                self._refuse(seen.printer, known, channel, value)
        if seen.now >= known.seen_at:
            known.seen_at, known.line = seen.now, seen.reading.line
            self._follow_print(known, seen)

    def _keep(self, printer: str, known: _Known, channel: tuple[Group, str], tick: int, value: float) -> None:
        place = known.places.get(channel) or self._begin(known, channel, value)
        if place is None:
            self._counts["refused"] += 1
            return
        ring, column = place
        taken = self._rings[ring].add(column, tick, value)
        self._counts["samples" if taken else "refused"] += 1

    def _refuse(self, printer: str, known: _Known, channel: tuple[Group, str], value: float) -> None:
        self._counts["refused"] += 1
        if self._now >= known.quiet_until:
            known.quiet_until = self._now + QUIET_S
            log.warning(
                "a reading that cannot be true", printer=printer, channel=" ".join(channel), value=value
            )

    def _begin(self, known: _Known, channel: tuple[Group, str], value: float) -> tuple[int, int] | None:
        """A place for a new channel; None where there is no room."""
        if len(known.places) >= MOST_CHANNELS or not (self._free or self._grow()):
            return None
        ring, column = place = self._free.pop()
        self._rings[ring].begin(column, value)
        self._insights[ring].begin(column, WORTH[channel[0]])
        known.places[channel] = place
        return place

    def _grow(self) -> bool:
        if len(self._rings) >= MOST_RINGS:
            return False
        ring = Ring(self._window, self._batch, self._next)
        self._free.extend((len(self._rings), column) for column in reversed(range(WIDTH)))
        self._rings.append(ring)
        self._insights.append(Insight(ring, TICK_S))
        return True

    def _follow_print(self, known: _Known, seen: PrinterObserved) -> None:
        sight = _sight(seen)
        if sight is None:
            known.course = None
        elif known.course is None or known.course.print != sight.print:
            known.course = Course(sight)
        else:
            known.course.see(sight)

    def forget(self, printer: str) -> None:
        """The printer is no more: its channels are free for others."""
        known = self._printers.pop(printer, None)
        if known is not None:
            self._free.extend(known.places.values())

    def begin_anew(self) -> None:
        """Nobody knows how long ago anything was: no slope and no pace leads from there to now."""
        for printer in list(self._printers):
            self.forget(printer)

    # -- what is understood --------------------------------------------------------------------

    def study(self, printers: Iterable[str]) -> Iterator[None]:
        """Look at these printers' channels, for `metrics`; in steps of a few milliseconds."""
        columns: dict[int, list[int]] = {}
        for printer in printers:
            known = self._printers.get(printer)
            for ring, column in known.places.values() if known is not None else ():
                columns.setdefault(ring, []).append(column)
        for ring, wanted in columns.items():
            yield from self._insights[ring].study(np.array(wanted, np.intp))

    def metrics(self, printer: str, at: float) -> Metrics | None:
        """What is understood of a printer that was studied; None where nothing is known of it.

        at: the wall clock now, Unix seconds.
        """
        known = self._printers.get(printer)
        if known is None:
            return None
        found = {}
        for (group, name), (ring, column) in known.places.items():
            statistics = self._insights[ring].statistics(column)
            if statistics is not None:
                found[Channel(group, name)] = statistics
        return Metrics(found, self._forecast(known, at))

    def _forecast(self, known: _Known, at: float) -> Forecast | None:
        """As it stood when the printer was last seen: it goes on printing while it cannot be."""
        unseen_s = max(self._now - known.seen_at, 0.0)
        return known.course.forecast(at - unseen_s) if known.course is not None else None

    def numbers(self) -> TelemetryNumbers:
        """How much it has to do."""
        return TelemetryNumbers(
            printers=len(self._printers),
            channels=sum(len(known.places) for known in self._printers.values()),
            samples=self._counts["samples"],
            late=self._counts["late"],
            refused=self._counts["refused"],
            passed_over=self._counts["passed over"],
        )


def _sight(seen: PrinterObserved) -> Sight | None:
    """How far the print is that is on; None where there is none, or nobody tells."""
    reading, status = seen.reading, seen.status
    if reading.operation not in BUSY or reading.file is None or reading.file.progress is None:
        return None
    ours = status.print if status.print is not None and not status.foreign else None
    return Sight(
        print=ours.id if ours is not None else reading.file.remote_name,
        now=seen.now,
        progress=reading.file.progress,
        operation=reading.operation,
        heats=any(_is_cold(heater) for heater in reading.temperatures.values()),
        estimate_s=seen.estimate_s if ours is not None else None,
    )


def _is_cold(heater: Temperature) -> bool:
    return (
        bool(heater.target) and heater.actual is not None and heater.actual < (heater.target or 0) - COLD_DEGC
    )
