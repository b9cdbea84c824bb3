"""What is understood of a printer's measurements: statistics of its channels, and when its print ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Group(StrEnum):
    """What a channel measures."""

    TEMPERATURE = "temperature"  # degC, by heater
    DUTY = "duty"  # the share of its power that a heater gets, 0..1
    FAN = "fan"  # how fast it is told to turn, 0..1
    RPM = "rpm"  # how fast it does, turns a minute
    LOAD = "load"  # of a controller; 1 is all it can do
    RESENT = "resent"  # the share of lines (or bytes) between host and printer that were sent again, 0..1


class Channel(NamedTuple):
    """One thing that is measured at a printer, such as the temperature of its bed."""

    group: Group
    name: str


class Trend(StrEnum):
    """Where a channel is going."""

    RISING = "rising"
    FALLING = "falling"
    STABLE = "stable"
    OSCILLATING = "oscillating"


@dataclass(frozen=True, slots=True)
class Statistics:
    """One channel over its window, in its own unit; None where too little was measured to say.

    mean, variance: of the whole window. slope_per_min: of the last half minute, and what it may be off
    by, 19 times of 20 (slope_error_per_min). z: how far the newest value is from the recent mean, in standard
    deviations, both weighted towards now; robust_z: the same from the window's median and median absolute
    deviation, which single outliers do not move. period_s: of an oscillation. drift_per_h: of a slow change
    that goes on through the whole window. step: by how much it jumped within the last minute.
    """

    mean: float
    variance: float | None
    slope_per_min: float | None
    slope_error_per_min: float | None
    trend: Trend | None
    z: float | None
    robust_z: float | None
    period_s: float | None = None
    drift_per_h: float | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How fast a print comes on, and when it will be done.

    rate_per_h: share of the print an hour, as it went lately. completion_at: Unix seconds. confidence_s: by
    how much that may be off, 9 times of 10.
    """

    rate_per_h: float | None = None
    completion_at: float | None = None
    confidence_s: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """All that is understood of one printer at a moment. progress: None while nothing is printed."""

    channels: Mapping[Channel, Statistics] = field(default_factory=dict)
    progress: Forecast | None = None
