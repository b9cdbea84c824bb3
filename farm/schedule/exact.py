"""Small problems solved for good by CP-SAT: the best plan, and the proof that there is none better.

For up to a dozen prints; of what is larger it finds nothing in the time there is. Only the planner's worker
process imports this.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from ortools.sat.python import cp_model

from farm.schedule.exact_model import ExactModel, scale_of
from farm.schedule.problem import Problem
from farm.schedule.result import Placement

LONG_LINES = 4  # prints a printer
LOOKS_EVERY_S = 0.02  # whether it is to stop
COST_STEPS = 1_000_000  # of a unit of cost, where prices are not whole numbers of something coarser

ShouldStop = Callable[[], bool]
OnPlan = Callable[[tuple[Placement, ...]], None]


@dataclass(frozen=True, slots=True)
class Exact:
    """What CP-SAT has to say. placements: the best plan it knows, None where it has found none.

    bound: no plan costs less, of those that leave out as little; None where nothing is known.
    proven: the plan is the best there is. impossible: it is proven that there is no plan at all.
    """

    placements: tuple[Placement, ...] | None = None
    bound: float | None = None
    proven: bool = False
    impossible: bool = False


def best_plan(
    problem: Problem,
    seconds: float | None,
    *,
    hint: Sequence[Placement] | None = None,
    effort: float | None = None,
    seed: int = 1,
    on_plan: OnPlan | None = None,
    should_stop: ShouldStop | None = None,
) -> Exact:
    """The plan that leaves out least and of those costs least, or how far it got in that time.

    seconds: None where `effort` alone limits it. hint: a plan to go on from. effort: CP-SAT's own measure of
    work instead of time, for answers that are the same on every machine; about a second each.
    on_plan: is told each better plan that places everything.
    """
    until = math.inf if seconds is None else monotonic() + seconds
    search = _Search(until, effort, seed, should_stop)
    model = ExactModel(problem)
    if hint is not None:
        model.hint(hint)
    found = search.cheapest(model, on_plan)
    return _leaving_out(problem, search, hint) if found.impossible else found


def _leaving_out(problem: Problem, search: _Search, hint: Sequence[Placement] | None) -> Exact:
    """The best plan where not all prints can be placed: first as many as there can be, by weight."""
    model = ExactModel(problem, optional=True)
    if hint is not None:
        model.hint(hint)
    scale = scale_of([print_.job.weight for print_ in model.prints])
    left_out = sum(round(print_.job.weight * scale) * (1 - print_.placed) for print_ in model.prints)
    model.cp.minimize(left_out)
    least = search.run(model, None)
    if least.placements is None:
        return least
    if not least.proven:
        return Exact(least.placements)
    model = ExactModel(problem, optional=True)
    model.hint(least.placements)
    left_out = sum(round(print_.job.weight * scale) * (1 - print_.placed) for print_ in model.prints)
    model.cp.add(left_out <= round(least.bound or 0.0))
    cheapest = search.cheapest(model, None)
    return cheapest if cheapest.placements is not None else Exact(least.placements)


def cannot_be_placed(problem: Problem, job: str, seconds: float) -> bool:
    """Whether it is proven that no plan holds every print of the job, even if all others were left out.

    False where it could be, and where the time did not suffice for a proof.
    """
    search = _Search(monotonic() + seconds, None, 1, None)
    model = ExactModel(problem, optional=True)
    mine = [print_ for print_ in model.prints if print_.job.id == job]
    if not mine:
        return True
    for print_ in mine:
        model.cp.add(print_.placed == 1)
    return search.run(model, None).impossible


class _Search:
    """One worker, until a time or for so much work."""

    def __init__(self, until: float, effort: float | None, seed: int, should_stop: ShouldStop | None) -> None:
        self.until = until
        self.effort = effort
        self.seed = seed
        self.should_stop = should_stop

    def cheapest(self, model: ExactModel, on_plan: OnPlan | None) -> Exact:
        """The plan of the model that costs least, and what none costs less than."""
        prices = [(price, what) for price, what in model.prices() if price]
        scale = scale_of([price for price, _ in prices], COST_STEPS)
        whole = [(round(price * scale), what) for price, what in prices]
        rounded = sum(
            abs(price - steps / scale) for (price, _), (steps, _) in zip(prices, whole, strict=True)
        )
        model.cp.minimize(sum(steps * what for steps, what in whole))
        found = self.run(model, on_plan)
        if found.bound is None:
            return found
        bound = found.bound / scale - rounded * model.horizon
        return Exact(found.placements, max(0.0, bound), found.proven)

    def run(self, model: ExactModel, on_plan: OnPlan | None) -> Exact:
        """Solves the model as it is; the bound is of its objective, in steps."""
        left = self.until - monotonic()
        if left <= 0:
            return Exact()
        solver = cp_model.CpSolver()
        parameters = solver.parameters
        parameters.num_workers = 1  # else it takes every core of the shop's computer
        parameters.random_seed = self.seed
        if left < math.inf:
            parameters.max_time_in_seconds = left
        if self.effort is not None:
            parameters.max_deterministic_time = self.effort
        parameters.linearization_level = _linearization(model)
        with self._stopping(solver):
            status = solver.solve(model.cp, None if on_plan is None else _Told(model, on_plan))
        if status == cp_model.INFEASIBLE:
            return Exact(impossible=True)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Exact()
        bound = solver.best_objective_bound
        return Exact(tuple(model.placements(solver)), bound, status == cp_model.OPTIMAL)

    @contextmanager
    def _stopping(self, solver: cp_model.CpSolver) -> Iterator[None]:
        """Looks meanwhile whether to stop: CP-SAT itself asks only when it has found something."""
        if self.should_stop is None:
            yield
            return
        should_stop, ended = self.should_stop, threading.Event()

        def look() -> None:
            while not ended.wait(LOOKS_EVERY_S):
                if should_stop():
                    solver.stop_search()
                    return

        watching = threading.Thread(target=look, name="exact-stop", daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()


class _Told(cp_model.CpSolverSolutionCallback):
    """Tells of every better plan."""

    def __init__(self, model: ExactModel, on_plan: OnPlan) -> None:
        super().__init__()
        self.model = model
        self.on_plan = on_plan

    def on_solution_callback(self) -> None:
        self.on_plan(tuple(self.model.placements(self)))


def _linearization(model: ExactModel) -> int:
    """How much of the problem is also seen as a linear one.

    That pays where only the last end counts and lines are long: a line is as long as its parts. Elsewhere,
    with due dates and people's hours, a proof comes five to fifty times sooner without.
    """
    weights = model.problem.weights
    only_makespan = weights.makespan and not (weights.tardiness or weights.flow)
    return int(bool(only_makespan) and len(model.prints) > LONG_LINES * len(model.problem.printers))
