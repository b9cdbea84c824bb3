"""Plays healthy prints and broken ones to the farm's own detectors, and notes what they say and when."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from farm.detect.baseline import NOTHING_LEARNED, Baseline
from farm.detect.guard import Guard
from farm.detect.values import CADENCES
from farm.domain.anomaly import AnomalyKind, Severity
from scripts.benches.heat import firmware
from scripts.benches.heat.plant import STEP_S
from scripts.benches.heat.printers import Draw, printer
from scripts.benches.heat.prints import Fault, Life, seed_of
from scripts.benches.heat.told import samples

LEARNING_S = 1200.0  # a small print
FAULTY_S = 2400.0
NEXT_S = 300.0
LEARNED_FROM = 3  # prints, before something breaks

FAULTS = (
    *(Fault("power down", share, part) for part in ("tool0", "bed") for share in (10, 20, 30, 50, 100)),
    *(Fault("power down", share, "tool0", 600.0) for share in (30, 60, 100)),
    *(
        Fault("sensor off", degc, "tool0", within_s)
        for degc in (-5, -10, -20, 10)
        for within_s in (1.0, 20.0, 60.0)
    ),
    *(Fault("sensor drifts", degc) for degc in (-2, -5, -10, 5)),
    *(Fault("sensor frozen", seconds) for seconds in (10, 30, 60, 300)),
    *(Fault("sensor torn", degc) for degc in (-20, 650)),
    *(Fault("relay stuck", 0, part) for part in ("tool0", "bed")),
    Fault("fan dead"),
    *(Fault("stalled", seconds) for seconds in (60, 120, 300)),
    *(Fault("slow layer", times) for times in (3, 6)),
)

ANYTHING = frozenset(AnomalyKind)
_HEAT = frozenset({AnomalyKind.DROP, AnomalyKind.RUNAWAY, AnomalyKind.DUTY, AnomalyKind.NOT_HEATING})
_SENSOR = {AnomalyKind.SENSOR_JUMP, AnomalyKind.SENSOR_FROZEN, AnomalyKind.SENSOR_IMPOSSIBLE}
SHOWS = {
    "power": _HEAT | {AnomalyKind.HEATS_SLOWLY},
    "sensor": _HEAT | _SENSOR,
    "relay": _HEAT,
    "fan": _HEAT | {AnomalyKind.FAN},
    "stalled": frozenset({AnomalyKind.STALLED, AnomalyKind.LAYER_TIME}),
    "slow": frozenset({AnomalyKind.STALLED, AnomalyKind.LAYER_TIME}),
}
"""What counts as having seen a fault, by the first word of what it is."""


@dataclass(frozen=True, slots=True)
class Calm:
    """What was said of a healthy printer in so many hours. firmware: its own stops. said: each, in words."""

    hours: float
    warnings: int
    pauses: int
    firmware: int
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one fault: seconds after it came, infinite for never.

    noted_s: until anything was said. firmware_s: until the printer's own firmware stopped.
    """

    kind: str
    fault: Fault
    noted_s: float
    warned_s: float
    paused_s: float
    firmware_s: float


@dataclass
class Watched:
    """One simulated printer with the farm's guard over it, from print to print."""

    kind: str
    seed: int
    judging: bool
    usual: Baseline = NOTHING_LEARNED
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = Draw(seed_of(self.kind, self.seed), self.judging)
        self.printer = printer(self.kind, self.draw)
        self.life = Life(self.printer, self.draw)
        self.guard = Guard(CADENCES[self.kind])
        self.guard.connected(-60.0)
        self.at = self.began_at = 0.0
        self.hours = 0.0
        self.firmware = 0

    def play(
        self, length_s: float, fault: Fault | None = None, shows: frozenset[AnomalyKind] = ANYTHING
    ) -> tuple[float, dict[Severity, float]]:
        """One print. When its fault came, by the print's clock; and how soon each severity was heard then.

        shows: what counts as having seen it.
        """
        trace = self.life.print(length_s, fault)
        self.guard.expect(self.usual)
        since = trace.fault_at or 0.0
        heard: dict[Severity, float] = {}
        for sample in samples(self.printer, trace, self.draw, self.at):
            for change in self.guard.see(sample):
                severity, after_s = change.anomaly.severity, sample.at - self.at - since
                if not change.over and after_s >= 0.0 and change.anomaly.kind in shows:
                    heard.setdefault(severity, after_s)
                    if severity is not Severity.NOTE:
                        self.said.append(f"{severity}: {change.anomaly.sentence}")
        stop = firmware.earliest(self.kind, trace.shown, trace.target, since)
        if fault is None:
            self.firmware += stop is not None
            lesson = self.guard.lesson()
            self.usual = self.usual if lesson is None else self.usual.with_print(lesson)
        self.stopped_s = math.inf if stop is None else stop - since
        self.began_at = self.at
        self.at += trace.operation.size * STEP_S
        self.hours += trace.hours
        return since, heard


def calm(kind: str, seed: int, judging: bool, prints: int = 6) -> Calm:
    """One healthy printer, from its first print on."""
    watched = Watched(kind, seed, judging)
    for number in range(prints):
        short = number < LEARNED_FROM
        watched.play(watched.draw.of(900, 2400) if short else watched.draw.of(2400, 14_000))
    pauses = sum(words.startswith(Severity.PAUSE) for words in watched.said)
    warnings = len(watched.said) - pauses
    return Calm(watched.hours, warnings, pauses, watched.firmware, tuple(watched.said))


def broken(kind: str, faults: Sequence[Fault], seed: int, judging: bool) -> list[Seen]:
    """A printer that has printed well, and what is seen of each fault that might come then."""
    watched = Watched(kind, seed, judging)
    for _ in range(LEARNED_FROM):
        watched.play(LEARNING_S)
    return [_seen(copy.deepcopy(watched), fault) for fault in faults]


def _seen(watched: Watched, fault: Fault) -> Seen:
    """In the print in which it breaks or, where nobody saw it and it stays so, at the heat-up of the next."""
    shows = SHOWS[fault.what.split()[0]]
    since, heard = watched.play(FAULTY_S, fault, shows)
    stopped_s = watched.stopped_s
    if not heard and stopped_s == math.inf and fault.what == "power down":
        passed_s = watched.at - watched.began_at - since
        watched.life.rest()
        _, later = watched.play(NEXT_S, shows=shows)
        heard = {severity: passed_s + after_s for severity, after_s in later.items()}
        stopped_s = watched.stopped_s + passed_s
    noted_s, warned_s, paused_s = (
        _first(heard, severity) for severity in (Severity.NOTE, Severity.WARN, Severity.PAUSE)
    )
    return Seen(watched.kind, fault, noted_s, warned_s, paused_s, stopped_s)


def _first(heard: dict[Severity, float], least: Severity) -> float:
    return min((at for severity, at in heard.items() if severity.rank >= least.rank), default=math.inf)


def all_calm(kinds: Sequence[str], hours: float, judging: bool) -> dict[str, Calm]:
    """By kind, so many hours of each."""
    found = {kind: Calm(0.0, 0, 0, 0) for kind in kinds}
    each_h = 7.5  # about what one printer lives
    tasks = [(kind, seed, judging) for seed in range(math.ceil(hours / each_h)) for kind in kinds]
    with workers() as pool:
        for (kind, _, _), one in zip(
            tasks, pool.map(calm, *zip(*tasks, strict=True), chunksize=4), strict=True
        ):
            so_far = found[kind]
            found[kind] = Calm(
                so_far.hours + one.hours,
                so_far.warnings + one.warnings,
                so_far.pauses + one.pauses,
                so_far.firmware + one.firmware,
                so_far.said + one.said,
            )
    return found


def all_broken(
    kinds: Sequence[str], faults: Sequence[Fault], times: int, judging: bool
) -> dict[tuple[str, Fault], list[Seen]]:
    """Each fault on so many printers of each kind."""
    tasks = [(kind, faults, seed, judging) for seed in range(times) for kind in kinds]
    found: dict[tuple[str, Fault], list[Seen]] = {}
    with workers() as pool:
        for each in pool.map(broken, *zip(*tasks, strict=True)):
            for seen in each:
                found.setdefault((seen.kind, seen.fault), []).append(seen)
    return found


def middle(delays: Sequence[float]) -> float:
    """Their median; infinite where most are."""
    return median(delays) if delays else math.inf


def share_seen(seen: Sequence[Seen]) -> float:
    """Of the faults, those of which somebody was told."""
    return sum(math.isfinite(each.noted_s) for each in seen) / max(len(seen), 1)


def workers() -> ProcessPoolExecutor:
    """One for each core."""
    return ProcessPoolExecutor(max_workers=max(1, (os.cpu_count() or 2)))
