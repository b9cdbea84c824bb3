"""What a heater needs of its power, and how fans and controllers do, where the printer tells."""

from __future__ import annotations

from farm.detect.channel import Channel
from farm.detect.values import anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

ROOM_DEGC = 25.0
SMOOTHED_S = 45.0  # short strokes and long ones, fast and slow
STEADY_S = 150.0  # of holding with the fan as it is, before it is compared or learned
SLOW_S = 900.0
MORE = 0.21  # of what is usual; an open door takes a fifth more
LESS = 0.1  # the same, and of what it was some minutes ago: a chamber that warms up takes half an hour
SPREADS_MORE, SPREADS_LESS = 2.0, 1.0  # beside that: its power goes up and down as filament comes
SPREAD = 0.035  # where that is not known
LESS_S = 60.0  # for so long: no filament comes for less
FAR_LESS, FAR_S = 0.15, 240.0  # so much less for so long, whatever it was before
SAME_FAN = 0.1
FAN_ON = 0.3
FAN_STANDS_S, FAN_RPM = 8.0, 100.0
LOAD_NOTE, LOAD_WARN, LOAD_S = 0.8, 1.0, 15.0


class Duty:
    """The power it takes to hold a nozzle a degree above the room. Less heat from it, or to it, shows here.

    Beds are not looked at: a door, or a chamber that warms up, changes more there than what may break.
    """

    __slots__ = ("_fan", "_less_s", "_mean", "_slow", "_steady_s", "_sums")

    def __init__(self) -> None:
        self._fan: float | None = None
        self._mean = self._slow = self._steady_s = self._less_s = 0.0
        self._sums = {True: [0.0, 0.0], False: [0.0, 0.0]}  # how many, and their sum; with and without fan

    def begin(self) -> None:
        """It has another target, or was not seen for a while."""
        self._steady_s = self._less_s = 0.0
        self._fan = None

    def holding(self, channel: Channel, duty: float, fan: float | None) -> Anomaly | None:
        """duty: 0..1. fan: what it was told, None where there is none."""
        above = channel.target - ROOM_DEGC
        per_degree = duty / (above if above > 10.0 else 10.0)
        level = fan or 0.0
        if self._fan is None or not channel.settled or not -SAME_FAN <= level - self._fan <= SAME_FAN:
            self._fan, self._steady_s, self._mean = level, 0.0, per_degree
            return None
        dt = channel.dt
        self._steady_s += dt
        self._mean += (per_degree - self._mean) * (dt / SMOOTHED_S if dt < SMOOTHED_S else 1.0)
        if self._steady_s < STEADY_S:
            self._slow = self._mean
            return None
        self._slow += (self._mean - self._slow) * dt / SLOW_S
        counted = self._sums[level >= FAN_ON]
        counted[0] += 1.0
        counted[1] += self._mean
        if channel.usual is None:
            return None
        usual = channel.usual.duty_fan if level >= FAN_ON else channel.usual.duty_calm
        if not usual:
            return None
        differs = self._mean / usual - 1.0
        if -LESS <= differs <= MORE:
            self._less_s = 0.0
            return None
        spread = channel.usual.duty_spread or SPREAD
        if differs > (more := MORE + SPREADS_MORE * spread):
            return _differs(channel, self._mean, usual, more)
        less = LESS + SPREADS_LESS * spread
        if differs > -less:
            self._less_s = 0.0
            return None
        self._less_s += dt  # goes on after another speed of the fan: that explains nothing
        fell = self._less_s >= LESS_S and self._mean < self._slow * (1.0 - less)
        far = self._less_s >= FAR_S and differs < -(FAR_LESS + SPREADS_LESS * spread)
        return _differs(channel, self._mean, usual, -less) if fell or far else None

    def learned(self, fan: bool) -> float | None:
        """The usual duty a degree with or without the fan; None where it was not held for long enough."""
        count, total = self._sums[fan]
        return total / count if count else None


def _differs(channel: Channel, mean: float, usual: float, limit: float) -> Anomaly:
    differs = mean / usual - 1.0
    more = differs > 0.0
    why = (
        "its heater may be loose or worn, its sensor may have slipped, or its sock is gone"
        if more
        else "its fan may stand still, or its sensor may have slipped"
    )
    words = (
        f"{channel.called} needs {abs(differs):.0%} {'more' if more else 'less'} power than usual to hold "
        f"{channel.target:.0f} °C: {why}."
    )
    return anomaly(
        AnomalyKind.DUTY,
        Severity.WARN,
        words[0].upper() + words[1:],
        channel.name,
        SMOOTHED_S,
        usual * (1.0 + limit) * 100.0,
        percent_per_degc=mean * 100.0,
        usual_percent_per_degc=usual * 100.0,
        differs_percent=differs * 100.0,
    )


class Standing:
    """A fan that was told to turn and stands still."""

    __slots__ = ("_name", "_since")

    def __init__(self, name: str) -> None:
        self._name = "The fan" if name == "fan" else f"The fan {name!r}"
        self._since: float | None = None

    def see(self, name: str, at: float, told: float | None, rpm: float | None) -> Anomaly | None:
        """told: 0..1. rpm: turns a minute."""
        if told is None or rpm is None or told < FAN_ON or rpm >= FAN_RPM:
            self._since = None
            return None
        if self._since is None:
            self._since = at
        stood_s = at - self._since
        if stood_s < FAN_STANDS_S:
            return None
        words = (
            f"{self._name} stands still ({rpm:.0f} turns a minute) although it was told {told:.0%}, for "
            f"{stood_s:.0f} s: look whether something blocks it, and at its cable."
        )
        return anomaly(
            AnomalyKind.FAN, Severity.WARN, words, name, stood_s, FAN_RPM, rpm=rpm, told_percent=told * 100
        )


class Load:
    """A controller on a board that is about to come too late with what it has to do."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: float | None = None

    def see(self, name: str, at: float, load: float) -> Anomaly | None:
        """load: above 1 it comes too late."""
        if load < LOAD_NOTE:
            self._since = None
            return None
        if self._since is None:
            self._since = at
        lasted_s = at - self._since
        if lasted_s < LOAD_S:
            return None
        words = (
            f"The controller {name!r} has had {load:.0%} of what it can do in time, for {lasted_s:.0f} s: "
            "with more it stops the printer. Print slower, or with fewer steps to a millimetre."
        )
        severity = Severity.WARN if load >= LOAD_WARN else Severity.NOTE
        limit = LOAD_WARN if load >= LOAD_WARN else LOAD_NOTE
        return anomaly(
            AnomalyKind.BOARD_LOAD, severity, words, name, lasted_s, limit * 100, percent=load * 100
        )
