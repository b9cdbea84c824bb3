"""How long the search goes on and how bold it is: simulated annealing, cooled by the time that has passed.

A round cools from bold to timid. Problems that are small for their time get several rounds, each from the
best plan so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from farm.schedule.engine.construct import rank
from farm.schedule.engine.layout import lay_out
from farm.schedule.engine.model import Model
from farm.schedule.engine.moves import search
from farm.schedule.engine.state import State, bring_back, keep

HOT, COLD = 0.5, 0.001  # of what a print costs on average: the first temperature, and the last
WARM = 0.05  # where there is a good plan to start from: it is changed, not thrown away
ROUND = 200  # tries, times the cube of the prints, in a round: more is better spent on another one
ROUNDS_IN_VAIN = 12  # after which nobody believes that there is something better
SLICE_S = 0.02
SLICES = 200  # of a round, where tries are counted and not seconds


@dataclass(slots=True)
class Budget:
    """seconds from `begin` on the clock; or tries, if they are counted."""

    clock: Callable[[], float]
    end: float
    tries: int | None = None
    used: int = 0
    begin: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.clock()

    @property
    def share(self) -> float:
        """How much is used up, 0..1."""
        if self.tries is not None:
            return min(1.0, self.used / max(1, self.tries))
        return min(1.0, (self.clock() - self.begin) / max(1e-9, self.end - self.begin))


def improve(model: Model, state: State, budget: Budget, warm: bool) -> Iterator[State | None]:
    """Better and better plans, in steps of some hundredths of a second; None for a step that found none.

    warm: the plan to start from is a good one.
    """
    prints = len(model.prints)
    if not prints:
        return
    best = keep(state)
    size, vain, first = 200, 0, True
    while budget.share < 1.0 and vain < ROUNDS_IN_VAIN:
        bring_back(state, best)
        begun, before = budget.share, rank(best)
        hot, used = (HOT if first and not warm else WARM), budget.used
        unit = before[1] / max(1, prints) + 1e-9
        while (done := _round_share(budget, begun, used, ROUND * prints**3)) < 1.0:
            temperature = unit * hot * (COLD / hot) ** done
            size = _slice(model, state, budget, temperature, size)
            better = rank(state) < rank(best)
            if better:
                best = keep(state)
            yield best if better else None
        bring_back(state, best)
        lay_out(model, state, state.nodes["start"][:prints].copy())  # where power has become free
        if rank(state) < rank(best):
            best = keep(state)
            yield best
        vain = 0 if rank(best) < before else vain + 1
        first = False


def _round_share(budget: Budget, begun: float, used: int, longest: int) -> float:
    """How much of this round is over. A round ends with the budget, or is as long as it may be."""
    share = budget.share
    if share >= 1.0:
        return 1.0
    spent = share - begun
    tries = budget.used - used
    if not tries or not spent:
        return 0.0
    whole = min(1.0 - begun, longest * spent / tries)  # of the budget, at the present speed
    return min(1.0, spent / whole)


def _slice(model: Model, state: State, budget: Budget, temperature: float, size: int) -> int:
    """Try some changes. Returns how many the next time."""
    if budget.tries is not None:
        size = max(1, min(budget.tries // SLICES, budget.tries - budget.used))
    begun = budget.clock()
    search(model, state, size, temperature)
    budget.used += size
    if budget.tries is not None:
        return size
    took = max(1e-4, budget.clock() - begun)
    return int(min(2 * size, max(50.0, size * SLICE_S / took)))
