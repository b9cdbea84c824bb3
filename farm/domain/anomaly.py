"""What is wrong with a printer, by what it tells of itself: kinds of trouble, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from farm.errors import Invalid


class Severity(StrEnum):
    """How far up the ladder it has come, and so what the farm does about it."""

    NOTE = "note"  # for whoever looks at the printer
    WARN = "warn"  # somebody has to look at it
    PAUSE = "pause"  # the print is paused
    STOP = "stop"  # it is stopped as in an emergency; only where the shop wants that

    @property
    def rank(self) -> int:
        """The more, the worse."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class AnomalyKind(StrEnum):
    """What can be wrong."""

    NOT_HEATING = "not_heating"  # a heater gets no warmer on its way to its target
    HEATS_SLOWLY = "heats_slowly"  # slower than it does on good days
    RUNAWAY = "runaway"  # hotter than it was told to be
    DROP = "drop"  # colder than it was told to be, and not on its way there
    OSCILLATION = "oscillation"
    SENSOR_FROZEN = "sensor_frozen"
    SENSOR_JUMP = "sensor_jump"
    SENSOR_IMPOSSIBLE = "sensor_impossible"
    DUTY = "duty"  # a heater needs more, or less, power than on good days
    FAN = "fan"  # a fan that should turn stands still
    FILAMENT = "filament"  # a sensor sees none, or sees it stand still
    TARGET_CHANGED = "target_changed"  # neither by the file nor through the farm
    STALLED = "stalled"  # the print does not come on
    LAYER_TIME = "layer_time"
    OVERRUN = "overrun"  # the print takes longer than was estimated
    TELEMETRY_FROZEN = "telemetry_frozen"  # all values stand still
    RESENDS = "resends"  # lines have to be sent again
    BOARD_LOAD = "board_load"  # a controller on one of its boards is about to come too late
    SILENT = "silent"  # out of reach while it was printing or hot
    HEATED_UNATTENDED = "heated_unattended"
    PAUSED_HOT = "paused_hot"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind it.

    channel: a heater's name, "progress", "line" and the like. window_s: the seconds looked at. values: by
    what they are: `actual_degc`, `seconds`. limit: which of them would be too much, or too little.
    """

    channel: str
    window_s: float
    values: Mapping[str, float]
    limit: float


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One thing that is wrong with one printer now. sentence: for the person at the printer."""

    kind: AnomalyKind
    severity: Severity
    sentence: str
    evidence: Evidence


MAY_STOP = frozenset(
    {
        AnomalyKind.NOT_HEATING,
        AnomalyKind.RUNAWAY,
        AnomalyKind.DROP,
        AnomalyKind.SENSOR_FROZEN,
        AnomalyKind.SENSOR_JUMP,
        AnomalyKind.SENSOR_IMPOSSIBLE,
    }
)
"""What a print is paused for, where the shop says nothing else; others end with a warning. A shop may have
the farm stop a printer for them, too: its heat is out of anybody's control then."""


@dataclass(frozen=True, slots=True)
class Watchfulness:
    """How closely the farm watches its printers.

    ends: how far up the ladder each kind may go; null to not look for it. stop_after_s: from a pause until
    a stop, for kinds that may end in one. paused_hot_s: how long a paused print may keep its nozzle hot.
    heated_idle_s: how long a printer may be heated with no print on it and nobody doing anything with it.
    silent_s: how long a printer that was printing or hot may be out of reach before somebody is called.
    """

    ends: Mapping[AnomalyKind, Severity | None] = field(default_factory=dict)
    stop_after_s: float = 20.0
    paused_hot_s: float = 900.0
    heated_idle_s: float = 3600.0
    silent_s: float = 120.0

    def end(self, kind: AnomalyKind) -> Severity | None:
        """How bad a kind may become; None where nobody wants to hear of it."""
        if kind in self.ends:
            return self.ends[kind]
        return Severity.PAUSE if kind in MAY_STOP else Severity.WARN


AS_SHIPPED = Watchfulness()

LIMITS_S = {
    "stop_after_s": (5.0, 600.0),
    "paused_hot_s": (60.0, 86_400.0),
    "heated_idle_s": (300.0, 86_400.0),
    "silent_s": (30.0, 86_400.0),
}
"""Between what each time has to lie: less would be trouble of its own, more is as good as never."""


def require_sound(wanted: Watchfulness) -> None:
    """Raise Invalid by the field where this cannot be how closely printers are watched."""
    for kind, end in wanted.ends.items():
        if end is Severity.STOP and kind not in MAY_STOP:
            field = f"watching.ends.{kind}"
            raise Invalid(f"{field}: a printer is stopped only where its heat is out of control", field)
    for name, (least, most) in LIMITS_S.items():
        if not least <= getattr(wanted, name) <= most:
            raise Invalid(f"watching.{name}: from {least:g} to {most:g} s", f"watching.{name}")
