"""Heat that nobody needs, or nobody wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from farm.detect.channel import Channel
from farm.detect.values import Sample, anomaly, called
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

COLD_EXTRUSION_DEGC = 150.0
NEAR_DEGC = 1.0
BEGUN, ENDING = 0.02, 0.97  # of a print: before and after it files heat up, and switch off
LATE = 0.5  # of the time it was to take: a small file may switch off now, long before its end of comments
ON_S = 20.0  # it prints on for so long, and did not switch off because it was done


class Unwanted:
    """A target that changed in the middle of a print, and neither its file nor the farm did it."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Anomaly]] = {}  # with the moment from which on it counts

    def found(self, at: float) -> list[Anomaly]:
        """What stays so until the target is another."""
        return [anomaly for counts_at, anomaly in self._found.values() if at >= counts_at]

    def forget(self) -> None:
        """The print is over."""
        self._found.clear()

    def changed(
        self, sample: Sample, channel: Channel, before: float, known: frozenset[float], ours: bool
    ) -> None:
        """A target has changed while it prints. before: what it was. known: what the file sets, if known.

        ours: whether it was set through the farm.
        """
        self._found.pop(channel.name, None)
        target, progress = channel.target, sample.progress
        if ours or not known or progress is None or not BEGUN <= progress <= ENDING or before <= 0.0:
            return
        if any(abs(target - each) <= NEAR_DEGC for each in known):
            return
        cold = channel.name.startswith("tool") and target < COLD_EXTRUSION_DEGC
        words = (
            f"The target of {channel.called} went from {before:.0f} to {target:.0f} °C in the middle of the "
            "print; it was not set through the farm, and the file's slicer does not speak of it."
        )
        found = anomaly(
            AnomalyKind.TARGET_CHANGED,
            Severity.WARN if cold else Severity.NOTE,
            words,
            channel.name,
            0.0,
            before,
            target_degc=target,
            before_degc=before,
        )
        self._found[channel.name] = sample.at + (ON_S if target == 0.0 and _is_late(sample) else 0.0), found


def _is_late(sample: Sample) -> bool:
    """Whether the print may be done by its time, though much of its file is still to come."""
    elapsed_s, estimate_s = sample.elapsed_s, sample.estimate_s
    return elapsed_s is not None and estimate_s is not None and elapsed_s >= LATE * estimate_s


@dataclass(frozen=True, slots=True)
class Left:
    """Heat that no print needs now, and nobody has seen to.

    paused: a print is on, and stands; else there is none. since: seconds of the guard's clock. targets:
    degrees Celsius, of the heaters that are on.
    """

    paused: bool
    since: float
    targets: Mapping[str, float]


class Alone:
    """Since when nobody has been at a printer whose heat no print needs."""

    __slots__ = ("_before", "_now")

    def __init__(self) -> None:
        self._now: Left | None = None
        self._before: Left | None = None  # it could be seen

    @property
    def left(self) -> Left | None:
        """As it is, or was when it was seen last: another object whenever anything of it changes."""
        return self._now or self._before

    def recall(self, left: Left | None) -> None:
        """It was left like that before it could not be seen. If it is seen like that, nobody was there."""
        self._before, self._now = left, None

    def attended(self, at: float) -> None:
        """Somebody does something with it."""
        self._before = None
        if self._now is not None:
            self._now = replace(self._now, since=at)

    def over(self) -> None:
        """It has something to do that needs its heat, or there is no heat."""
        self._now = self._before = None

    def see(self, at: float, paused: bool, targets: Mapping[str, float]) -> float:
        """It needs its heat for nothing now. Returns for how many seconds that was left to itself."""
        if not targets:
            self.over()
            return 0.0
        now = self._now
        if now is None or now.paused is not paused:
            now = self._seen_before(paused, targets) or Left(paused, at, targets)
        elif now.targets != targets:
            now = replace(now, targets=targets)
        self._now = now
        return at - now.since

    def _seen_before(self, paused: bool, targets: Mapping[str, float]) -> Left | None:
        before, self._before = self._before, None
        same = before is not None and (before.paused, before.targets) == (paused, targets)
        return before if same else None


def heated_unattended(heaters: dict[str, float], since_s: float, limit_s: float) -> Anomaly:
    """heaters: the targets of those that are on."""
    which = " and ".join(f"{called(name)} ({target:.0f} °C)" for name, target in heaters.items())
    words = (
        f"Nothing prints, and {which} has been on for {since_s / 60:.0f} min with nobody at work there. "
        "Where the printer takes it, the farm switches the heat off."
    )
    return anomaly(
        AnomalyKind.HEATED_UNATTENDED,
        Severity.WARN,
        words,
        "heaters",
        since_s,
        limit_s,
        **{f"{name}_target_degc": target for name, target in heaters.items()},
    )


def paused_hot(heater: str, target: float, since_s: float, limit_s: float) -> Anomaly:
    """A nozzle that stays hot in a paused print cooks its filament."""
    words = (
        f"The print has been paused for {since_s / 60:.0f} min with {called(heater)} at {target:.0f} °C, "
        "which cooks its filament. Where the printer takes it, the farm cools it, and keeps the bed warm."
    )
    return anomaly(
        AnomalyKind.PAUSED_HOT,
        Severity.WARN,
        words,
        heater,
        since_s,
        limit_s,
        target_degc=target,
        seconds=since_s,
    )
