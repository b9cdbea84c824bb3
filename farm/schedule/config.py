"""How long and by which means a plan is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_PROVEN = 12  # prints: of more no proof is to be had in seconds


class Objective(StrEnum):
    """What makes a plan good. COST: the problem's weights; the others are for problems from books."""

    COST = "cost"
    MAKESPAN = "makespan"
    TARDINESS = "tardiness"  # total, weighted


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """seconds: after which there is an answer. iterations: a budget instead of the clock, for plans that are
    to be the same on every machine; the same problem, seed and budget give the same plan.
    exact: whether it is also asked how good the plan is: problems of up to MOST_PROVEN prints are given to
    CP-SAT, which may prove that nothing is better, and larger ones get a bound.
    """

    seconds: float = 5.0
    seed: int = 1
    iterations: int | None = None
    objective: Objective = Objective.COST
    exact: bool = True
