"""What one can say to the data processor."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from msgspec import Struct

from farm.actors import Latest
from farm.domain.printer import PrinterStatus
from farm.drivers.base import Reading


class PrinterObserved(Struct, frozen=True):
    """One look at a printer, with everything that its driver delivered.

    at: Unix seconds, as its clock shows them: it may jump. now: seconds of a clock that never goes back.
    status: what the printer's actor makes of it; its print is ours. estimate_s: how long that print takes,
    as its slicer says, None where nobody does. passed_over: looks that came too fast before this one.
    """

    printer: str
    at: float
    now: float
    reading: Reading
    status: PrinterStatus
    estimate_s: float | None = None
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class PrinterForgotten(Latest):
    """The printer was taken out of the farm."""

    printer: str

    @property
    def key(self) -> Hashable:
        return self.printer


@dataclass(frozen=True, slots=True)
class PrintersHeard(Latest):
    """Somebody listens to these printers, by their ids: what is understood of them is wanted."""

    printers: frozenset[str]

    @property
    def key(self) -> Hashable:
        return PrintersHeard


@dataclass(frozen=True, slots=True)
class BeginAnew(Latest):
    """The computer slept, or the like: what came before does not lie as long ago as it seems."""

    @property
    def key(self) -> Hashable:
        return BeginAnew


@dataclass(frozen=True, slots=True)
class TelemetryNumbers:
    """How much the data processor has to do: printers and channels it knows, and counts since its start.

    samples: taken in. late: looks at a printer that came after a newer one. refused: samples that cannot be
    true, came much too late, or found no room. passed_over: looks that came faster than anybody needs them.
    """

    printers: int = 0
    channels: int = 0
    samples: int = 0
    late: int = 0
    refused: int = 0
    passed_over: int = 0


TelemetryMessage = PrinterObserved | PrinterForgotten | PrintersHeard | BeginAnew
