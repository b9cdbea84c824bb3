"""Whether the fuses allow another print to be begun: what each printer draws, at the most. Pure.

The plan minds the same limits beforehand, but it does not know of preheating by hand, of resumed prints and
of those that people start at the machine; here all of them count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from farm.domain.constraints import NO_CONSTRAINTS, Constraints
from farm.domain.printer import BUSY, Printer, PrinterStatus, Temperature

REACHED_DEGC = 3.0  # below its target: heaters swing
ROUNDING_W = 1e-6


@dataclass(frozen=True, slots=True)
class Draw:
    """What one printer may draw now, in watts."""

    printer: str
    circuit: str | None
    watts: float


def draw(printer: Printer, status: PrinterStatus, *, beginning: bool = False) -> Draw:
    """beginning: a print was given to it, and its heaters have not been seen at their targets since."""
    profile = printer.profile
    hot = _hot(status)
    heats = not all(map(_has_reached, hot))
    busy = status.operation in BUSY or status.foreign
    if beginning or heats or (busy and not hot):
        watts = profile.heat_up_w or profile.printing_w
    else:
        watts = profile.printing_w if busy or hot else 0.0
    return Draw(printer.id, profile.circuit, watts or 0.0)


def is_warm(status: PrinterStatus) -> bool:
    """Whether all that is to be heated for a print has been."""
    hot = _hot(status)
    return bool(hot) and all(map(_has_reached, hot))


def _hot(status: PrinterStatus) -> list[Temperature]:
    return [each for each in status.temperatures.values() if each.target]


def _has_reached(heater: Temperature) -> bool:
    return heater.actual is not None and heater.actual >= (heater.target or 0.0) - REACHED_DEGC


def why_not(printer: Printer, others: Iterable[Draw], shop: Constraints) -> str | None:
    """Why a print cannot be begun there beside what the others draw; None when it can."""
    needs = draw(printer, PrinterStatus(), beginning=True).watts
    if not needs:
        return None
    drawn = [other for other in others if other.printer != printer.id]
    circuit = printer.profile.circuit
    if circuit is not None and circuit in shop.circuits:
        there = sum(other.watts for other in drawn if other.circuit == circuit)
        why = _over(needs, there, shop.circuits[circuit] * 1000, f"circuit {circuit}")
        if why is not None:
            return why
    if shop.power_limit_kw is None:
        return None
    return _over(needs, sum(other.watts for other in drawn), shop.power_limit_kw * 1000, "the shop")


class Fuses:
    """Knows which printers have been given a print and have not become warm since.

    waiting: printers that nothing was given to for lack of power.
    """

    def __init__(self) -> None:
        self._shop = NO_CONSTRAINTS
        self._beginning: set[str] = set()
        self.waiting: set[str] = set()

    def are(self, shop: Constraints) -> None:
        """What the shop allows from now on."""
        self._shop = shop

    def begin(self, printer: str) -> None:
        """A print is given to it: it counts with its peak until it is warm."""
        self._beginning.add(printer)

    def end(self, printer: str) -> None:
        """Its print is over, or was never begun."""
        self._beginning.discard(printer)

    def hear(self, printer: str, status: PrinterStatus) -> None:
        """What it told of its heaters."""
        if status.operation in BUSY and is_warm(status):
            self._beginning.discard(printer)

    def allow(self, printer: Printer, known: Iterable[tuple[Printer, PrinterStatus]]) -> bool:
        """Whether another print may begin there, beside what all printers draw that are known."""
        if self._shop.power_limit_kw is None and not self._shop.circuits:
            return True
        drawn = (draw(other, status, beginning=other.id in self._beginning) for other, status in known)
        if why_not(printer, drawn, self._shop) is None:
            self.waiting.discard(printer.id)
            return True
        self.waiting.add(printer.id)
        return False


def _over(needs: float, drawn: float, limit: float, where: str) -> str | None:
    if drawn + needs <= limit + ROUNDING_W:
        return None
    if needs > limit + ROUNDING_W:
        return f"it takes {needs:.0f} W to heat up, and {where} has {limit:.0f} W in all"
    return f"it takes {needs:.0f} W to heat up, and {where} has {max(0.0, limit - drawn):.0f} W left"
