"""How good a plan is known to be: the best there is where it is small, and else what none costs less than.

Only the planner's worker process imports this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from farm.schedule.bound import lower_bound
from farm.schedule.config import MOST_PROVEN
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.exact import Exact, best_plan
from farm.schedule.problem import Problem
from farm.schedule.relax import why_left_out
from farm.schedule.result import Schedule, Status
from farm.schedule.validate import validate

EFFORT = 2.0  # of CP-SAT's measure of work, for plans that are to be the same on every machine


def is_small(problem: Problem) -> bool:
    """Whether it may be solved for good."""
    return sum(job.copies for job in problem.jobs) <= MOST_PROVEN


def proven(
    problem: Problem,
    plan: Schedule,
    seconds: float | None,
    seed: int = 1,
    should_stop: Callable[[], bool] | None = None,
) -> Schedule:
    """The plan or a better one, and what is known of it. seconds: None for as much work on every machine."""
    if not is_small(problem):
        bound = None if plan.unscheduled else lower_bound(problem, seconds)
        return replace(plan, bound=bound)
    found = best_plan(
        problem,
        seconds,
        hint=plan.placements,
        effort=EFFORT if seconds is None else None,
        seed=seed,
        should_stop=should_stop,
    )
    best = _better(problem, plan, found)
    if found.proven:
        return replace(best, bound=found.bound, status=Status.OPTIMAL)
    if best.unscheduled:
        return best
    bounds = [bound for bound in (found.bound, lower_bound(problem, None)) if bound is not None]
    return replace(best, bound=max(bounds, default=None))


def _better(problem: Problem, plan: Schedule, found: Exact) -> Schedule:
    """CP-SAT's plan where it is better; else the one that is known, so that nothing moves for nothing."""
    if found.placements is None or plan.metrics is None:
        return plan
    other = replace(plan, placements=found.placements, unscheduled=why_left_out(problem, found.placements))
    metrics = evaluate(problem, other)
    if not (rank(metrics) < rank(plan.metrics)) or validate(problem, other):
        return plan
    return replace(other, metrics=metrics)
