"""Filament that runs out, tears or sticks, as the sensors on its way see it.

A print host pauses by itself at the moment a sensor loses sight of filament, if it is set up so. It says
nothing where a print begins without any, and goes on printing in the air where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from farm.detect.values import Sample, anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity
from farm.domain.printer import Operation

LOST_S = 5.0  # a switch bounces, and a wheel that feels for movement needs some millimetres of it
PAUSE_S = 30.0  # of printing on
NEVER_S = 60.0  # until a tool that is changed or cleaned first has its filament


@dataclass(frozen=True, slots=True)
class _Missing:
    since: float
    was_there: bool


class Supply:
    """The filament of one print."""

    __slots__ = ("_missing", "_printed_at", "_seen")

    def __init__(self) -> None:
        self._missing: dict[str, _Missing] = {}
        self._seen: frozenset[str] = frozenset()  # sensors that have seen some in this print
        self._printed_at = float("-inf")

    def see(self, sample: Sample, waits: bool) -> list[Anomaly]:
        """It prints, or is paused. waits: for heat, so that there need not be any filament yet.

        What is taken out in a pause is being changed, and nobody's trouble.
        """
        at, sensors, printing = sample.at, sample.filament, sample.operation is Operation.PRINTING
        if printing:
            self._printed_at = at
        self._seen = self._seen.intersection(sensors).union(name for name, sees in sensors.items() if sees)
        just_printed = at - self._printed_at < LOST_S
        self._missing = {
            name: missing
            for name, sees in sensors.items()
            if not sees and (missing := self._lost(name, at, sensors, waits, just_printed)) is not None
        }
        found = [self._said(name, missing, at, printing) for name, missing in self._missing.items()]
        return [each for each in found if each is not None]

    def _lost(
        self, name: str, at: float, sensors: Mapping[str, bool], waits: bool, just_printed: bool
    ) -> _Missing | None:
        known = self._missing.get(name)
        if name in self._seen:
            return known or (_Missing(at, was_there=True) if just_printed else None)
        if waits or any(sensors.values()):  # or it belongs to a tool that this print does without
            return None
        return known or (_Missing(at, was_there=False) if just_printed else None)

    def _said(self, name: str, missing: _Missing, at: float, printing: bool) -> Anomaly | None:
        lasted_s = at - missing.since
        limit_s = LOST_S if missing.was_there else NEVER_S
        if lasted_s < limit_s:
            return None
        if missing.was_there:
            words = (
                f"The filament sensor {name!r} has seen no filament, or none that moves, for "
                f"{lasted_s:.0f} s: it has run out, is torn, or is stuck. Look at the spool."
            )
        else:
            words = (
                f"The printer has printed for {lasted_s:.0f} s, and the filament sensor {name!r} has not "
                "seen any filament. Look whether there is some, or switch the sensor off."
            )
        severity = Severity.PAUSE if printing and lasted_s >= limit_s + PAUSE_S else Severity.WARN
        return anomaly(AnomalyKind.FILAMENT, severity, words, name, lasted_s, limit_s, seconds=lasted_s)
