"""Prints that do not come on as they should."""

from __future__ import annotations

from collections import deque

from farm.detect.values import Cadence, Sample, anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

STALLED_S = 110.0  # one long command, such as measuring the bed, takes up to a minute and a half
STALLED_COARSE_S = 900.0  # where progress comes in whole percents, before its pace is known
GAPS_NEEDED, GAP_TIMES, GAP_TIMES_COARSE = 8, 1.35, 2.5
GAP_FADES = 0.99  # of the longest, with each that is shorter
LEAST_GAP_S = 1.0
LAYERS_NEEDED, LAYERS_KEPT = 6, 12
LAYER_TIMES, LONGEST_TIMES, LEAST_LAYER_S = 2.2, 1.3, 45.0
LAYER_WARN_S = 180.0  # one long command takes up to a minute and a half
LAYER_MM = 0.03  # no layer is thinner
BEHIND = 0.2  # of its usual pace: then it is no large layer, but one that does not come on
OVERRUN_NOTE, OVERRUN_WARN, OVERRUN_S = 1.3, 2.0, 600.0  # times the estimate, and so much beside it


class Stall:
    """Progress that stands still while the printer says that it prints."""

    __slots__ = ("_coarse", "_gaps", "_longest", "_moved_at", "_position", "_progress", "_usual_s", "_z")

    def __init__(self, cadence: Cadence, usual_s: float) -> None:
        """usual_s: the longest without progress in good prints, 0.0 where that is not known."""
        self._coarse = cadence.coarse
        self._usual_s = usual_s
        self.begin()

    def begin(self) -> None:
        """It did not print a moment ago, or waited for heat."""
        self._moved_at: float | None = None
        self._gaps = 0
        self._longest = 0.0
        self._progress = self._z = self._position = None  # type: object

    @property
    def longest_s(self) -> float:
        """Without any progress, lately."""
        return self._longest

    def rest(self, at: float) -> None:
        """It waits for heat: that is no progress, and no stall."""
        self._moved_at = at

    def printing(self, sample: Sample) -> Anomaly | None:
        """It prints, and waits for nothing."""
        at = sample.at
        if (
            self._moved_at is None
            or sample.progress != self._progress
            or sample.z_mm != self._z
            or sample.position != self._position
        ):
            if self._moved_at is not None and (gap := at - self._moved_at) >= LEAST_GAP_S:
                self._gaps += 1
                self._longest = max(gap, self._longest * GAP_FADES)
            self._progress, self._z, self._position = sample.progress, sample.z_mm, sample.position
            self._moved_at = at
            return None
        stood_s = at - self._moved_at
        if stood_s < STALLED_S or stood_s < (limit := self._limit_s()):
            return None
        done = "" if sample.progress is None else f" at {sample.progress:.0%}"
        words = (
            f"The print has not come on for {stood_s:.0f} s{done}, although the printer says that it prints; "
            f"{self._longest:.0f} s are the longest it took before. Look at it."
        )
        return anomaly(
            AnomalyKind.STALLED,
            Severity.WARN,
            words,
            "progress",
            stood_s,
            limit,
            seconds=stood_s,
            progress=sample.progress or 0.0,
        )

    def _limit_s(self) -> float:
        if not self._coarse:
            return max(STALLED_S, GAP_TIMES * self._longest)
        if self._gaps < GAPS_NEEDED:
            return max(STALLED_COARSE_S, GAP_TIMES_COARSE * self._usual_s)
        return max(STALLED_S, GAP_TIMES_COARSE * self._longest)


class Layers:
    """A layer that takes far longer than those before it."""

    __slots__ = ("_began_at", "_began_with", "_first", "_height", "_last_z", "_times")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A print has begun, or was not seen for a while."""
        self._times: deque[float] = deque(maxlen=LAYERS_KEPT)
        self._height = self._last_z = None  # type: float | None
        self._first: tuple[float, float] | None = None  # when, and how far it had come
        self._began_at = self._began_with = 0.0

    def rest(self, seconds: float) -> None:
        """It waited for heat, or was paused: that is no part of the layer."""
        self._began_at += seconds

    def printing(self, sample: Sample) -> Anomaly | None:
        """It prints, and waits for nothing."""
        z, at = sample.z_mm, sample.at
        if z is None:
            return None
        if self._first is None:
            self._first = (at, sample.progress or 0.0)
        # A hop of the nozzle is over by the next look; a layer is not.
        if z == self._last_z and (self._height is None or z > self._height + LAYER_MM):
            if self._height is not None:
                self._times.append(at - self._began_at)
            self._height, self._began_at, self._began_with = z, at, sample.progress or 0.0
        self._last_z = z
        age_s = at - self._began_at
        if age_s < LEAST_LAYER_S or len(self._times) < LAYERS_NEEDED:
            return None
        usual_s, longest_s = sum(self._times) / len(self._times), max(self._times)
        limit_s = max(LAYER_TIMES * usual_s, LONGEST_TIMES * longest_s)
        if age_s < limit_s:
            return None
        words = (
            f"This layer, at {self._height or 0.0:.2f} mm, takes {age_s:.0f} s already; those "
            f"before it took {usual_s:.0f} s, {longest_s:.0f} s at most."
        )
        return anomaly(
            AnomalyKind.LAYER_TIME,
            Severity.WARN if age_s >= LAYER_WARN_S and self._is_behind(sample, age_s) else Severity.NOTE,
            words,
            "layer",
            age_s,
            limit_s,
            seconds=age_s,
            longest_s=longest_s,
            z_mm=self._height or 0.0,
        )

    def _is_behind(self, sample: Sample, age_s: float) -> bool:
        """Whether the file does not come on, either: it is no large layer."""
        if sample.progress is None or self._first is None:
            return False
        began_at, began_with = self._first
        before_s, before = self._began_at - began_at, self._began_with - began_with
        if before_s <= 0.0 or before <= 0.0:
            return False
        return sample.progress - self._began_with < BEHIND * age_s * before / before_s


class Overrun:
    """A print that takes much longer than was estimated."""

    __slots__ = ()

    def printing(self, sample: Sample) -> Anomaly | None:
        """It prints."""
        estimate_s, elapsed_s = sample.estimate_s, sample.elapsed_s
        if estimate_s is None or elapsed_s is None or elapsed_s <= OVERRUN_NOTE * estimate_s + OVERRUN_S:
            return None
        warn = elapsed_s > OVERRUN_WARN * estimate_s + OVERRUN_S
        factor = OVERRUN_WARN if warn else OVERRUN_NOTE
        words = (
            f"The print takes longer than estimated: {elapsed_s / 60:.0f} min so far, of "
            f"{estimate_s / 60:.0f} min that were expected in all."
        )
        return anomaly(
            AnomalyKind.OVERRUN,
            Severity.WARN if warn else Severity.NOTE,
            words,
            "estimate",
            elapsed_s,
            factor * estimate_s + OVERRUN_S,
            elapsed_s=elapsed_s,
            estimate_s=estimate_s,
        )
