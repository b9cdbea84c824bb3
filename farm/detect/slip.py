"""What a heater's control hides: the value stays at its target, the power that holds it there does not."""

from __future__ import annotations

from farm.detect.channel import Channel
from farm.detect.power import ROOM_DEGC
from farm.detect.values import anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

STRETCH_S = 5.0  # the power of so long is looked at as one
SAME_FAN = 0.1
FAN_SETTLES, FAN_STAYS = 3, 24  # stretches until its change is over, and until it counts as the usual one
BEFORE, BEFORE_LEAST = 30, 6  # stretches that are compared with
SURGE = 5  # a sensor that slips by 10 degC in 20 s takes a third of the power more, or less, for so long
SURGE_MORE, SURGE_LESS, SURGE_SPREADS = 0.19, 0.145, 2.0  # a door takes up to a fifth; filament as it comes
SLIPS, AFTER, LATER = 10, 12, 24  # stretches: while it slips, and then
OVER, LASTS_MORE, LASTS_LESS, LASTS_SPREADS = 3.0, 0.017, 0.008, 0.5
SPREAD_NEEDED = 60  # stretches
UNEVEN = 1.5  # times the usual spread a print may have; what has slipped spreads it, too


class Slip:
    """A nozzle's sensor that slips, or its fan that dies, told by the power that it takes meanwhile.

    What the control does about a sensor that slips has a shape of its own: to bring the nozzle to where its
    sensor is content takes power for as long as that lasts, and to hold it there a little for ever, both more
    or both less. A door, or more filament, takes the same for as long as it lasts.
    """

    __slots__ = (
        "_away",
        "_count",
        "_energy",
        "_fan",
        "_found",
        "_seconds",
        "_squares",
        "_sums",
        "_wait",
    )

    def __init__(self) -> None:
        self._squares = 0.0
        self._count = 0
        self.begin()

    def begin(self) -> None:
        """It has another target, or has just reached it."""
        self._sums = [0.0]  # of the stretches so far, oldest first
        self._energy = self._seconds = 0.0
        self._fan: float | None = None
        self._away = self._wait = 0
        self._found: Anomaly | None = None

    @property
    def spread(self) -> float | None:
        """How far its power is off what it was before, as a rule; a share. None if it held for too short."""
        return (self._squares / self._count) ** 0.5 if self._count >= SPREAD_NEEDED else None

    def holding(self, channel: Channel, duty: float, fan: float) -> Anomaly | None:
        """duty, fan: 0..1. What was found stays until it has another target: what has slipped has slipped."""
        dt = channel.dt
        self._energy += duty * dt
        self._seconds += dt
        if self._seconds >= STRETCH_S:
            if channel.settled and self._is_as_before(fan):
                self._take(channel, self._energy / self._seconds)
            self._energy = self._seconds = 0.0
        return self._found

    def _is_as_before(self, fan: float) -> bool:
        """Whether the fan blows as it did, and has for a while."""
        if self._fan is None:
            self._fan = fan
        if abs(fan - self._fan) <= SAME_FAN:
            self._away = 0
            self._wait = max(self._wait - 1, 0)
            return self._wait == 0
        self._away += 1
        self._wait = FAN_SETTLES
        if self._away > FAN_STAYS:
            self._fan, self._away, self._sums = fan, 0, [0.0]
        return False

    def _take(self, channel: Channel, duty: float) -> None:
        sums = self._sums
        sums.append(sums[-1] + duty)
        if len(sums) > _ALL + 1:
            del sums[0]
        if len(sums) <= BEFORE_LEAST + SURGE:
            return
        surge = _mean(sums, SURGE) / max(_mean(sums, BEFORE, SURGE), 1e-3) - 1.0
        self._squares += surge * surge
        self._count += 1
        if channel.usual is None or channel.usual.duty_spread is None:
            return
        spread = max(channel.usual.duty_spread, (self.spread or 0.0) / UNEVEN)
        limit = (SURGE_MORE if surge > 0.0 else SURGE_LESS) + SURGE_SPREADS * spread
        if abs(surge) > limit:
            self._found = _surged(channel, surge, limit)
        elif len(sums) > _ALL and self._found is None:
            self._found = _lasting(channel, sums, LASTS_SPREADS * spread)


_ALL = BEFORE + 1 + SLIPS + 1 + AFTER + LATER


def _mean(sums: list[float], stretches: int, ago: int = 0) -> float:
    """Of so many stretches (or as many as there are) that ended so many ago."""
    end = len(sums) - 1 - ago
    begin = max(end - stretches, 0)
    return (sums[end] - sums[begin]) / (end - begin)


def _lasting(channel: Channel, sums: list[float], looser: float) -> Anomaly | None:
    """Much for a while, and a little of it for good."""
    slips = _mean(sums, SLIPS, LATER + AFTER + 1)
    before = _mean(sums, BEFORE, LATER + AFTER + SLIPS + 2)
    sign = 1.0 if slips > before else -1.0
    limit = looser + (LASTS_MORE if sign > 0.0 else LASTS_LESS)
    if before <= 0.0 or sign * (slips - before) < (1.0 + OVER) * limit * before:
        return None
    later, after = _mean(sums, LATER), _mean(sums, AFTER, LATER)
    most, least = max(sign * later, sign * after), min(sign * later, sign * after)
    stays = least - sign * before
    if stays < limit * before or sign * slips - most < OVER * limit * before:
        return None
    return _slipped(channel, sign * stays / before, limit)


def _surged(channel: Channel, surge: float, limit: float) -> Anomaly:
    more = surge > 0.0
    why = (
        "its sensor may have slipped, so that it is hotter than it shows, or its heater has come loose"
        if more
        else "its fan may have stopped, or its sensor has slipped, so that it is colder than it shows"
    )
    words = (
        f"{channel.called} took {abs(surge):.0%} {'more' if more else 'less'} power than before for "
        f"{SURGE * STRETCH_S:.0f} s, to hold the same {channel.target:.0f} °C: {why}."
    )
    return _anomaly(channel, words, SURGE, surge, limit)


def _slipped(channel: Channel, stays: float, limit: float) -> Anomaly:
    off = abs(stays) * (channel.target - ROOM_DEGC)
    more, is_off = ("more", "hotter") if stays > 0.0 else ("less", "colder")
    words = (
        f"{channel.called} took much {more} power for a minute, and {abs(stays):.0%} {more} ever since, to "
        f"hold the same {channel.target:.0f} °C: its sensor may have slipped, so that it is some "
        f"{off:.0f} °C {is_off} than it shows."
    )
    return _anomaly(channel, words, SLIPS + AFTER + LATER, stays, limit)


def _anomaly(channel: Channel, words: str, stretches: int, differs: float, limit: float) -> Anomaly:
    return anomaly(
        AnomalyKind.DUTY,
        Severity.WARN,
        words[0].upper() + words[1:],
        channel.name,
        stretches * STRETCH_S,
        limit * 100.0,
        differs_percent=differs * 100.0,
        actual_degc=channel.actual,
        target_degc=channel.target,
    )
