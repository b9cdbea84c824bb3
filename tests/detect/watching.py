"""A small printer for the detectors: what it tells, second by second, and what they say to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from farm.detect.baseline import NOTHING_LEARNED, Baseline
from farm.detect.guard import Guard
from farm.detect.values import CADENCES, Cadence, Change, Sample
from farm.domain.anomaly import AS_SHIPPED, Anomaly, AnomalyKind, Severity, Watchfulness
from farm.domain.printer import Operation, Temperature

Heat = Callable[[float], float]


@dataclass
class Bench:
    """A guard, and a printer that tells once a second. Its values have a thermistor's noise."""

    watchfulness: Watchfulness = AS_SHIPPED
    cadence: Cadence = CADENCES["serial"]
    usual: Baseline = NOTHING_LEARNED
    at: float = 1000.0
    progress: float = 0.0
    operation: Operation = Operation.PRINTING
    heard: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.guard = Guard(self.cadence, self.watchfulness, self.usual)
        self.guard.connected(self.at - 60.0)
        self._noise = random.Random(1)

    def tell(
        self,
        seconds: float,
        tool: Heat | float = 210.0,
        bed: Heat | float = 60.0,
        target: float = 210.0,
        bed_target: float = 60.0,
        operation: Operation | None = None,
        comes_on: bool = True,
        noise: float = 0.1,
        step_s: float = 1.0,
        **more: object,
    ) -> list[Change]:
        """So many seconds pass. tool, bed: what they show, or a function of the seconds since now."""
        self.operation = operation or self.operation
        heard: list[Change] = []
        begun = self.at
        while self.at < begun + seconds:
            self.at += step_s
            if comes_on:
                self.progress += 1e-4 * step_s
            gone = self.at - begun
            sample = Sample(
                at=self.at,
                heaters={
                    "tool0": Temperature(self._shown(tool, gone, noise), target),
                    "bed": Temperature(self._shown(bed, gone, noise / 2), bed_target),
                },
                operation=self.operation,
                progress=self.progress,
                **more,  # type: ignore[arg-type]
            )
            heard += self.guard.see(sample)
        self.heard += heard
        return heard

    def taken_up(self, seen: Operation, wrong: tuple[Anomaly, ...] | None = None) -> Bench:
        """Another guard watches it from now on, and knows what the one before had found and seen."""
        before, known = self.guard, self.guard.current if wrong is None else wrong
        self.guard = Guard(self.cadence, self.watchfulness, self.usual)
        self.guard.take_up(self.at, seen, known, before.left)
        self.guard.connected(self.at)
        return self

    def _shown(self, heat: Heat | float, gone: float, noise: float) -> float:
        actual = heat(gone) if callable(heat) else heat
        return round(actual + self._noise.gauss(0, noise), 2)


def kinds(changes: list[Change]) -> set[tuple[AnomalyKind, str]]:
    """What began or grew worse, by kind and channel."""
    return {(each.anomaly.kind, each.anomaly.evidence.channel) for each in changes if not each.over}


def first(changes: list[Change], severity: Severity) -> Anomaly:
    """The first that was so bad."""
    return next(each.anomaly for each in changes if each.anomaly.severity is severity and not each.over)
