"""Heat that nobody needs, or nobody wanted."""

from __future__ import annotations

from farm.detect.channel import Channel
from farm.detect.values import anomaly, called
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

COLD_EXTRUSION_DEGC = 150.0
NEAR_DEGC = 1.0
BEGUN, ENDING = 0.02, 0.97  # of a print: before and after it files heat up, and switch off


class Unwanted:
    """A target that changed in the middle of a print, and neither its file nor the farm did it."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, Anomaly] = {}

    @property
    def found(self) -> dict[str, Anomaly]:
        """What stays so until the target is another."""
        return self._found

    def forget(self) -> None:
        """The print is over."""
        self._found.clear()

    def changed(
        self, channel: Channel, before: float, progress: float | None, known: frozenset[float], ours: bool
    ) -> None:
        """A target has changed while it prints. before: what it was. known: what the file sets, if known.

        ours: whether it was set through the farm.
        """
        self._found.pop(channel.name, None)
        target = channel.target
        if ours or not known or progress is None or not BEGUN <= progress <= ENDING or before <= 0.0:
            return
        if any(abs(target - each) <= NEAR_DEGC for each in known):
            return
        cold = channel.name.startswith("tool") and target < COLD_EXTRUSION_DEGC
        words = (
            f"The target of {channel.called} went from {before:.0f} to {target:.0f} °C in the middle of the "
            "print; it was not set through the farm, and the file's slicer does not speak of it."
        )
        self._found[channel.name] = anomaly(
            AnomalyKind.TARGET_CHANGED,
            Severity.WARN if cold else Severity.NOTE,
            words,
            channel.name,
            0.0,
            before,
            target_degc=target,
            before_degc=before,
        )


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
