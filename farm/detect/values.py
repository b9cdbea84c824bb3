"""What the detectors are shown of a printer, and what they answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from farm.domain.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from farm.domain.printer import Operation, Position, Temperature


@dataclass(frozen=True, slots=True)
class Cadence:
    """How a kind of printer tells its values.

    fresh_s: between two new values of a sensor, at best. held_s: how old the newest value may be when it is
    told, so that for so long nothing is to be concluded from it. coarse: whether its progress comes in whole
    percents, or is not told between layers.
    """

    fresh_s: float
    held_s: float
    coarse: bool = False


CADENCES: Mapping[str, Cadence] = {
    "moonraker": Cadence(0.5, 0.5),  # four deltas a second, of which the farm looks at every other
    "octoprint": Cadence(2.0, 5.0),  # pushed twice a second, but it asks its printer every 2 to 5 s
    "prusalink": Cadence(5.0, 5.0, coarse=True),  # asked every 5 s
    "serial": Cadence(1.0, 1.0),  # Marlin tells by itself, M155 S1
}
UNKNOWN_CADENCE = Cadence(2.0, 5.0)


class Turning(Protocol):
    """A fan. speed: 0..1, as it was told. rpm: turns a minute, where that is measured."""

    @property
    def speed(self) -> float | None: ...

    @property
    def rpm(self) -> float | None: ...


class Sample(Struct, frozen=True):
    """One look at a printer.

    at: seconds of a steady clock that runs as fast as the printer lives. heaters: degrees Celsius. position
    and z_mm: as told. progress: 0..1. elapsed_s, estimate_s: of the print. sent, resent: lines since the
    line was opened (bytes, where a host counts those). duty: each heater's share of its power, 0..1. fans: by
    name; "fan" blows at the part. load: of the controllers on its boards, above 1 they come too late.
    filament: whether each sensor that is switched on sees some, or sees it move.
    file_targets: the targets that the print's file sets, by heater, as far as known.
    Everything that nobody told is None, or missing.
    """

    at: float
    heaters: Mapping[str, Temperature]
    operation: Operation
    progress: float | None = None
    z_mm: float | None = None
    position: Position | None = None
    elapsed_s: float | None = None
    estimate_s: float | None = None
    sent: int | None = None
    resent: int | None = None
    duty: Mapping[str, float] = {}
    fans: Mapping[str, Turning] = {}
    load: Mapping[str, float] = {}
    filament: Mapping[str, bool] = {}
    file_targets: Mapping[str, frozenset[float]] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """Something began, became worse, or is over."""

    anomaly: Anomaly
    over: bool = False


def anomaly(
    kind: AnomalyKind,
    severity: Severity,
    sentence: str,
    channel: str,
    window_s: float,
    limit: float,
    **values: float,
) -> Anomaly:
    """An anomaly with its numbers, rounded to what anybody can measure."""
    rounded = {name: round(value, 2) for name, value in values.items()}
    return Anomaly(kind, severity, sentence, Evidence(channel, round(window_s, 1), rounded, round(limit, 2)))


def called(heater: str) -> str:
    """A heater as people call it."""
    if heater == "tool0":
        return "the nozzle"
    if heater.startswith("tool") and heater[4:].isdigit():
        return f"nozzle {int(heater[4:]) + 1}"
    return f"the {heater}"
