"""How what is understood of a printer looks as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from farm.domain import anomaly
from farm.domain import metrics as domain
from farm.domain.clock import iso
from farm.domain.metrics import Group, Trend
from farm.live.shapes import Anomaly, Moment, of_anomaly

DECIMALS = 4


class Statistics(Struct, frozen=True):
    """One channel, in its own unit; null where too little was measured to say.

    mean, variance: of the whole window (`[processing] buffer_size` samples, one a second). slope_per_min: of
    the last half minute, within slope_error_per_min 19 times of 20. z, robust_z: how far the newest value is
    from the usual, in standard deviations, by the recent mean and by the window's median. period_s: of an
    oscillation. drift_per_h: of a slow change all through the window. step: by how much it jumped in the
    last minute.
    """

    mean: float
    variance: float | None
    slope_per_min: float | None
    slope_error_per_min: float | None
    trend: Trend | None
    z: float | None
    robust_z: float | None
    period_s: float | None
    drift_per_h: float | None
    step: float | None


class Progress(Struct, frozen=True):
    """How a print comes on. rate_per_h: share of it an hour, as lately.

    estimated_completion: off by less than confidence_s, in seconds, 9 times of 10.
    """

    rate_per_h: float | None
    estimated_completion: Moment | None
    confidence_s: float | None


class Metrics(Struct, frozen=True):
    """Channels by what they measure, and by their names; progress: null while nothing is printed.

    temperature: degrees Celsius, by heater. duty: the share of its power that a heater gets. fan: how fast
    they are told to turn, 0 to 1; rpm: how fast they do. load: of controllers. resent: the share of what was
    sent again between print host and printer.
    """

    temperature: dict[str, Statistics]
    duty: dict[str, Statistics]
    fan: dict[str, Statistics]
    rpm: dict[str, Statistics]
    load: dict[str, Statistics]
    resent: dict[str, Statistics]
    progress: Progress | None


class DataUpdate(Struct, frozen=True):
    """What is understood of a printer at a moment. anomalies: what is wrong with it now, the worst first."""

    printer: str
    metrics: Metrics
    anomalies: list[Anomaly]


def of_understood(printer: str, found: domain.Metrics, wrong: Iterable[anomaly.Anomaly]) -> DataUpdate:
    """What is understood of `printer`. wrong: what is wrong with it now."""
    by_group: dict[Group, dict[str, Statistics]] = {group: {} for group in Group}
    for (group, name), statistics in found.channels.items():
        by_group[group][name] = _statistics(statistics)
    progress = None if found.progress is None else _progress(found.progress)
    anomalies = [of_anomaly(each) for each in wrong]
    return DataUpdate(printer, Metrics(**by_group, progress=progress), anomalies)


def _statistics(found: domain.Statistics) -> Statistics:
    return Statistics(
        mean=round(found.mean, DECIMALS),
        variance=_rounded(found.variance, 6),
        slope_per_min=_rounded(found.slope_per_min),
        slope_error_per_min=_rounded(found.slope_error_per_min),
        trend=found.trend,
        z=_rounded(found.z, 2),
        robust_z=_rounded(found.robust_z, 2),
        period_s=_rounded(found.period_s, 1),
        drift_per_h=_rounded(found.drift_per_h),
        step=_rounded(found.step, 2),
    )


def _progress(found: domain.Forecast) -> Progress:
    done_at = found.completion_at
    return Progress(
        rate_per_h=_rounded(found.rate_per_h),
        estimated_completion=None if done_at is None else iso(datetime.fromtimestamp(done_at, UTC)),
        confidence_s=_rounded(found.confidence_s, 0),
    )


def _rounded(value: float | None, decimals: int = DECIMALS) -> float | None:
    return None if value is None else round(value, decimals)
