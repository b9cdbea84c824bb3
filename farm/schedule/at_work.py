"""What the scheduler's worker process does; see `farm.workers.inside`. NumPy and its like come with it."""

from __future__ import annotations

import time

from farm.domain.plan import Plan
from farm.schedule.alternatives import for_preset
from farm.schedule.config import SearchConfig
from farm.schedule.diff import told
from farm.schedule.facts import Asked
from farm.schedule.in_moments import Translator
from farm.schedule.night import nights
from farm.schedule.replan import better_of, repair
from farm.schedule.result import Schedule
from farm.schedule.translation import Names, problem_of, schedule_of
from farm.workers.inside import Tell

LEAST_S = 0.2  # for the search, however long it took to understand what is to be planned
LONGEST_WARM_UP_S = 600.0  # where everything has to be compiled; else it takes no second
TRIES_TO_WARM_UP = 200
NIGHTS = 2  # that people are told of; what comes later will be planned anew


def warm_up() -> None:
    """Import what the work takes, and compile its kernels."""
    from farm.schedule.samples import SAMPLES
    from farm.schedule.solve import solve

    for sample in SAMPLES:
        solve(sample, SearchConfig(seconds=LONGEST_WARM_UP_S, iterations=TRIES_TO_WARM_UP))


def work(asked: Asked, tell: Tell) -> Plan:
    """A plan; the best one so far, now and then, before the last.

    One that costs more than the plan in force, moved to where that can be now, is not given.
    """
    from farm.schedule.solve import solve

    began, facts = time.monotonic(), asked.facts
    names = Names(facts)
    translator = Translator(facts.at, names)
    preset = facts.settings.preset
    problem = for_preset(problem_of(facts, names), preset)
    repaired = repair(problem, schedule_of(facts, problem, names)) if problem.previous else None

    def hear(schedule: Schedule) -> None:
        tell.interim(translator.plan(schedule, asked.id, preset, asked.because))

    seconds = max(LEAST_S, asked.seconds - (time.monotonic() - began))
    found = solve(problem, SearchConfig(seconds=seconds, seed=asked.seed), on_incumbent=hear)
    best = found if repaired is None else better_of(problem, repaired, found)
    changes, dark = told(problem, best), nights(problem, best)[:NIGHTS]
    return translator.plan(best, asked.id, preset, asked.because, changes, dark)
