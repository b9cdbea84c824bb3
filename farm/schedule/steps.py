"""Something that several use at once, over time: watts, and people's hands. A function in steps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from farm.schedule.problem import FOREVER, Printer, Problem, Span
from farm.schedule.result import Placement
from farm.schedule.shop import Shop

Use = tuple[int, int, float]
"""From, to before, and how much."""

ROUNDING = 1e-6  # watts: sums of the same numbers in another order are not more than before


class Steps:
    """How much is used in sum at every instant."""

    def __init__(self, uses: Iterable[Use] = ()) -> None:
        changes: dict[int, float] = {}
        for start, end, amount in uses:
            if start < end and amount:
                changes[start] = changes.get(start, 0.0) + amount
                changes[end] = changes.get(end, 0.0) - amount
        self._times = sorted(changes)
        self._levels: list[float] = []
        level = 0.0
        for time in self._times:
            level += changes[time]
            self._levels.append(level)

    def add(self, uses: Iterable[Use]) -> None:
        """More of it, or less where the amount is negative."""
        for start, end, amount in uses:
            if start < end and amount:
                first, last = self._step_at(start), self._step_at(end)
                for number in range(first, last):
                    self._levels[number] += amount

    def _step_at(self, time: int) -> int:
        """The number of the step that begins then; it is made where there is none."""
        number = bisect_left(self._times, time)
        if number == len(self._times) or self._times[number] != time:
            self._times.insert(number, time)
            self._levels.insert(number, self._levels[number - 1] if number else 0.0)
        return number

    @property
    def peak(self) -> float:
        return max(self._levels, default=0.0)

    def over(self, span: Span, limit: float) -> Iterator[tuple[Span, float]]:
        """The steps within the span that are above the limit, and how high they are."""
        if limit < -ROUNDING:  # nothing fits below it, wherever nothing is used
            yield span, 0.0
            return
        number = max(0, bisect_right(self._times, span[0]) - 1)
        while number < len(self._times) and self._times[number] < span[1]:
            end = self._times[number + 1] if number + 1 < len(self._times) else FOREVER
            if self._levels[number] > limit + ROUNDING and end > span[0]:
                yield (max(self._times[number], span[0]), min(end, span[1])), self._levels[number]
            number += 1

    def free_after(self, span: Span, limit: float) -> int | None:
        """The end of the first step in the span that is above the limit; None where there is none."""
        over = next(self.over(span, limit), None)
        return None if over is None else over[0][1]


def draws(printer: Printer, start: int, end: int, heat_until: int) -> Iterator[Use]:
    """What a print draws: the peak while it heats up, the mean after."""
    heat_until = min(heat_until, end)
    yield start, heat_until, printer.heat_up_w
    yield max(start, heat_until), end, printer.printing_w


def running_draws(problem: Problem, circuit: str | None = None) -> Iterator[Use]:
    """What the prints draw that are running now; circuit: only those that hang on it."""
    for printer in problem.printers:
        if printer.running is not None and circuit in (None, printer.circuit):
            yield from draws(printer, 0, printer.ready_s, printer.running.heat_until_s)


def planned_draws(shop: Shop, placements: Iterable[Placement], circuit: str | None = None) -> Iterator[Use]:
    """What planned prints draw; circuit: only those that hang on it."""
    for placement in placements:
        printer = shop.printers[placement.printer]
        if circuit in (None, printer.circuit):
            yield from draws(printer, placement.start, placement.end, placement.start + printer.heat_up_s)


def power(shop: Shop, placements: Iterable[Placement], circuit: str | None = None) -> Steps:
    """Watts of the farm, or of a circuit."""
    return Steps([*running_draws(shop.problem, circuit), *planned_draws(shop, placements, circuit)])
