"""What one can say to the data processor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from farm.domain.printer import Temperature


@dataclass(frozen=True, slots=True)
class TemperaturesRead:
    """One look at a printer's heaters. at: Unix seconds."""

    printer: str
    at: float
    temperatures: Mapping[str, Temperature]


TelemetryMessage = TemperaturesRead
