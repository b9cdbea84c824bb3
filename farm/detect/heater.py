"""All that is watched of one heater."""

from __future__ import annotations

from collections.abc import Callable

from farm.detect.baseline import HeaterBaseline
from farm.detect.channel import Channel, Phase
from farm.detect.limits import TOOL
from farm.detect.power import Duty
from farm.detect.sensor import Frozen, Impossible, Jump
from farm.detect.slip import Slip
from farm.detect.thermal import Above, Drop, Gain, Oscillation, Rise, Stray
from farm.detect.values import Cadence
from farm.domain.anomaly import Anomaly


class HeaterWatch:
    """One heater with its detectors; which of them look depends on what it has been told to do."""

    __slots__ = (
        "_above",
        "_drop",
        "_duty",
        "_frozen",
        "_gain",
        "_impossible",
        "_jump",
        "_others_moved",
        "_rise",
        "_slip",
        "_stray",
        "_swing",
        "channel",
    )

    def __init__(
        self,
        name: str,
        cadence: Cadence,
        usual: HeaterBaseline | None,
        others_moved: Callable[[str, float], bool],
    ) -> None:
        """usual: None where too few prints have shown it. others_moved: anything but this, since a moment."""
        channel = self.channel = Channel(name, cadence, usual)
        self._others_moved = lambda since: others_moved(name, since)
        self._impossible, self._jump, self._frozen = Impossible(), Jump(channel), Frozen(channel)
        self._gain, self._rise = Gain(), Rise()
        self._drop, self._above, self._swing = Drop(channel), Above(channel), Oscillation(channel)
        self._duty, self._slip, self._stray = Duty(), Slip(), Stray()

    def see(
        self,
        at: float,
        actual: float | None,
        target: float | None,
        duty: float | None,
        fan: float | None,
        found: list[Anomaly],
    ) -> bool:
        """Take in its newest values; what is wrong is added to `found`. Whether its target changed."""
        if actual is None:
            return False
        channel = self.channel
        limits = channel.limits
        if not limits.coldest <= actual <= limits.hottest:  # also true for what is no number
            impossible = self._impossible.see(channel, at, actual)
            if impossible is not None:
                found.append(impossible)
            return False
        self._impossible.over()
        was = channel.target
        if channel.see(at, actual, target or 0.0):
            self._begin(was != channel.target)
        if was == channel.target:  # what changes together with its target is another nozzle
            jump = self._jump.see(channel)
            if jump is not None:
                found.append(jump)
        if channel.phase is Phase.HOLDING:
            self._hold(channel, duty, fan, found)
        elif channel.phase is Phase.HEATING:
            stuck, slow = self._gain.heating(channel), self._rise.heating(channel)
            if stuck is not None:
                found.append(stuck)
            if slow is not None:
                found.append(slow)
        elif target is not None:  # a mere sensor may go up and down as it likes
            climbs = self._gain.cooling(channel)
            if climbs is not None:
                found.append(climbs)
        return was != channel.target

    def _hold(self, channel: Channel, duty: float | None, fan: float | None, found: list[Anomaly]) -> None:
        drop = self._drop.holding(channel)
        if drop is not None:
            found.append(drop)
        above = self._above.holding(channel)
        if above is not None:
            found.append(above)
        swing = self._swing.holding(channel)
        if swing is not None:
            found.append(swing)
        frozen = self._frozen.holding(channel, self._others_moved)
        if frozen is not None:
            found.append(frozen)
        if channel.limits is TOOL:
            if duty is not None:
                needs = self._duty.holding(channel, duty, fan)
                if needs is not None:
                    found.append(needs)
            if duty is None or fan is None:  # power alone may be another fan's
                hidden = self._stray.holding(channel)
            else:
                hidden = self._slip.holding(channel, duty, fan)
            if hidden is not None:
                found.append(hidden)
        if self._rise.slow is not None:
            found.append(self._rise.slow)

    def _begin(self, new_target: bool) -> None:
        self._gain.begin()
        self._drop.begin()
        self._above.begin()
        self._duty.begin()
        self._slip.begin()
        if new_target:
            self._rise.begin()
            self._swing.begin()
            self._frozen.begin()

    def lesson(self) -> HeaterBaseline:
        """What it has shown since it was first seen."""
        return HeaterBaseline(
            rise_s=self._rise.rise_s,
            below_degc=self._drop.worst,
            above_degc=self._above.worst,
            swing_degc=self._swing.worst,
            strays_below_degc=self._stray.below,
            strays_above_degc=self._stray.above,
            still_s=self._frozen.longest_s,
            duty_fan=self._duty.learned(True),
            duty_calm=self._duty.learned(False),
            duty_spread=self._slip.spread,
        )
