"""A plan for a problem, as good as can be found in the time there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from farm.schedule.config import MOST_PROVEN, SearchConfig
from farm.schedule.engine.annealing import Budget, improve
from farm.schedule.engine.construct import start
from farm.schedule.engine.model import NONE, Model, Names, build
from farm.schedule.engine.state import State, empty, keep
from farm.schedule.evaluate import evaluate, weights_for
from farm.schedule.problem import Problem
from farm.schedule.relax import why_left_out
from farm.schedule.result import Placement, Schedule, Search, Status

TELL_EVERY_S = 0.25
PROVEN = "it is proven the best"
EQUAL = 1e-9  # of what a plan costs: sums of the same prices in another order
WRITING = 1.5  # times as long as it took for the first plan: to put the last one into words


def solve(
    problem: Problem,
    config: SearchConfig,
    *,
    on_incumbent: Callable[[Schedule], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Schedule:
    """The best plan found. Prints that have no place are left out, with reasons.

    on_incumbent: hears of better plans as they are found, a few times a second at most. should_stop: is asked
    some fifty times a second whether to stop with what there is.
    """
    begin = time.perf_counter()
    problem = replace(problem, weights=weights_for(config.objective, problem.weights))
    model, names = build(problem)
    state = empty(model, config.seed)
    plan = _Plan(problem, model, names, state)
    asked = should_stop or (lambda: False)
    for _ in start(model, state):
        plan.first_s = plan.first_s or time.perf_counter() - begin
        if asked():
            break
    plan.state = keep(state)
    told = time.perf_counter()
    first = plan.schedule(begin, "the first plan")
    until = begin + config.seconds - WRITING * (time.perf_counter() - told)
    if on_incumbent is not None:
        on_incumbent(first)
    end = until - config.seconds * _share_of_proof(problem, config)
    plan.budget = Budget(time.perf_counter, end, config.iterations)
    stopped = "the time was up" if config.iterations is None else "all tries were made"
    warm = bool((model.prints["was_on"] != NONE).any())
    news = False
    for better in improve(model, state, plan.budget, warm):
        if better is not None:
            plan.state, news = better, True
        if asked():
            stopped = "somebody stopped it"
            break
        if news and on_incumbent is not None and time.perf_counter() - told >= TELL_EVERY_S:
            on_incumbent(plan.schedule(begin, "a better plan"))
            told, news = time.perf_counter(), False
    else:
        if plan.budget.share < 1.0:
            stopped = "nothing better was found for long"
    found = plan.finished(begin, stopped)
    if not config.exact or not problem.jobs or asked():
        return found
    from farm.schedule.proof import proven  # ortools and scipy take a second to load

    left = None if config.iterations is not None else max(0.0, until - time.perf_counter())
    found = proven(problem, found, left, config.seed, should_stop)
    stopped = PROVEN if _is_proven(found) else stopped
    return replace(found, search=replace(found.search, seconds=time.perf_counter() - begin, stopped=stopped))


def _is_proven(found: Schedule) -> bool:
    """Whether nothing costs less, by CP-SAT's word or as the plan costs no more than its bound."""
    return found.status is Status.OPTIMAL or (found.gap is not None and found.gap <= EQUAL)


def _share_of_proof(problem: Problem, config: SearchConfig) -> float:
    """Of the time: what is left for finding out how good the plan is."""
    if not config.exact:
        return 0.0
    return 0.7 if sum(job.copies for job in problem.jobs) <= MOST_PROVEN else 0.1


@dataclass(slots=True)
class _Plan:
    """The plan as it is being made."""

    problem: Problem
    model: Model
    names: Names
    state: State
    first_s: float = 0.0
    budget: Budget | None = None

    def placements(self) -> tuple[Placement, ...]:
        nodes = self.state.nodes[: len(self.model.prints)]
        jobs, printers = self.problem.jobs, self.problem.printers
        found = []
        for node, (place, copy) in zip(nodes.tolist(), self.names.prints, strict=True):
            values = dict(zip(nodes.dtype.names or (), node, strict=True))
            if values["on"] != NONE:
                job, hand = jobs[place], values["hand"]
                found.append(
                    Placement(
                        job.id,
                        copy,
                        printers[values["on"]].id,
                        hand,
                        hand + values["hand_s"],
                        values["start"],
                        values["end"],
                        locked=values["fixed"] or job.pin is not None,
                    )
                )
        return tuple(sorted(found, key=lambda one: (one.hand_work_start, one.start, one.printer)))

    def schedule(self, begin: float, stopped: str) -> Schedule:
        """The plan as it stands."""
        placements = self.placements()
        found = Schedule(placements, why_left_out(self.problem, placements, most_asked=0))
        return replace(
            found,
            metrics=evaluate(self.problem, found),
            search=Search(
                first_s=self.first_s,
                seconds=time.perf_counter() - begin,
                iterations=0 if self.budget is None else self.budget.used,
                stopped=stopped,
            ),
        )

    def finished(self, begin: float, stopped: str) -> Schedule:
        """The plan, with all that is to be said of it."""
        found = self.schedule(begin, stopped)
        if not self.problem.jobs:
            search = replace(found.search, stopped="there was nothing to plan")
            return replace(found, status=Status.NOTHING_TO_PLAN, search=search)
        if found.unscheduled:
            return replace(found, unscheduled=why_left_out(self.problem, found.placements))
        return found
