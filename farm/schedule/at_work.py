"""What the scheduler's worker process does; see `farm.workers.inside`. NumPy and its like come with it."""

from __future__ import annotations

import time
from dataclasses import replace

from farm.domain.plan import Effect, Plan
from farm.schedule.alternatives import for_preset
from farm.schedule.chances import chances
from farm.schedule.config import MOST_PROVEN, SearchConfig
from farm.schedule.diff import told
from farm.schedule.effect import effect
from farm.schedule.expected import expected
from farm.schedule.facts import Asked, Rules
from farm.schedule.in_moments import Translator
from farm.schedule.night import nights
from farm.schedule.replan import Solver, better_of, found_by_search, repair
from farm.schedule.result import Schedule
from farm.schedule.translation import Names, orders_of, problem_of, schedule_of
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


def work(asked: Asked, tell: Tell) -> Plan | Effect:
    """What is asked for, see `Asked`."""
    return plan_for(asked, tell) if asked.instead is None else effect_of(asked, asked.instead)


def effect_of(asked: Asked, instead: Rules, solver: Solver = found_by_search) -> Effect:
    """What it would do to the plan in force if the shop had these rules instead of its own."""
    began, facts = time.monotonic(), asked.facts
    changed = replace(facts, constraints=instead.constraints, settings=instead.settings)
    names = Names(facts)
    now, then = problem_of(facts, names), problem_of(changed, names)
    presets = (facts.settings.preset, instead.settings.preset)
    seconds = max(LEAST_S, asked.seconds - (time.monotonic() - began))
    small = sum(job.copies for job in then.jobs) <= MOST_PROVEN  # a bound is of no use here
    config = SearchConfig(seconds=seconds, seed=asked.seed, exact=small)
    in_force = schedule_of(facts, now, names)
    found = effect(now, then, in_force, config, presets=presets, solver=solver)
    return Translator(facts.at, names).effect(found)


def plan_for(asked: Asked, tell: Tell) -> Plan:
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
    changes, sure = told(problem, best), chances(problem, best)
    dark = nights(problem, best, sure)[:NIGHTS]
    orders = expected(problem, best, sure, orders_of(facts, names))
    return translator.plan(best, asked.id, preset, asked.because, changes, dark, sure, orders)
