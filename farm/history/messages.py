"""What one can say to the actor `history`. It is told, never asked; what is lost is made good by the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from farm.domain.printer import PrinterStatus


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """How a printer stands. now: seconds of a clock that never goes back."""

    printer: str
    at: datetime
    now: float
    status: PrinterStatus


@dataclass(frozen=True, slots=True)
class PrinterLeft:
    """It was taken out of the farm."""

    printer: str


HistoryMessage = StatusSeen | PrinterLeft
