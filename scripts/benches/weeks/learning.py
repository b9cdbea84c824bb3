"""What a week teaches on its way: how much longer prints really take than is estimated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from farm.domain.durations import PRIORS, Fit, Learned, Own, Phase, fit, learn
from farm.schedule.problem import Printer
from scripts.benches.weeks.floor import Floor

PRIOR = PRIORS[Phase.PRINT_SLICER]


def model_of(printer: Printer) -> str:
    """Printers that draw as much are alike."""
    return f"{printer.heat_up_w:g}/{printer.printing_w:g} W"


def learned(floor: Floor) -> Mapping[str, Learned]:
    """By the printer, of the prints that went well there so far."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for printer, work in floor.done:
        if work.well and work.starts_s is not None:
            ratios[printer].append((work.ends_s - work.starts_s) / work.expected_s)
    owns = [
        Own(one.id, model_of(one), fit(ratios[one.id], PRIOR.spread) if ratios[one.id] else Fit())
        for one in floor.week.problem.printers
    ]
    return learn(owns, PRIOR).printers
