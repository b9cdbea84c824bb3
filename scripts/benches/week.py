"""A week in a shop by the list, by dispatch rules, and by a plan made anew whenever something has happened.

All of them meet the same fate: jobs come at the same moments, prints last longer or shorter than estimated
by the same factors (log-normal, standard deviation 0.15), and the same attempts fail, one in twenty. What
counts is how late the orders were in the end. Plans are looked for with a fixed number of tries: a busy
machine comes to the same figures.

The same weeks once more with one model of printer, the most common one, on which everything takes a fifth
longer than is estimated: planned as it is estimated, and as the prints so far have taught.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from statistics import mean

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import COMPILED
from scripts.benches.weeks.fate import Week, week
from scripts.benches.weeks.floor import Floor, Outcome
from scripts.benches.weeks.learning import model_of
from scripts.benches.weeks.policies import RULES, ByPlan, ByRule

PRINTERS, JOBS = 12, 150
WEEKS = 10
TRIES = 50_000  # for each plan
OFF, TRIES_WHEN_OFF = 1.2, 3_000  # two more weeks with as many tries would take twice as long


@dataclass(frozen=True, slots=True)
class Compared:
    """One week, as it went with each. rules: by their names. estimated, learned: where a model is slow."""

    rules: dict[str, Outcome]
    ours: Outcome
    plan: ByPlan
    estimated: Outcome
    learned: Outcome


def run(quick: bool) -> list[Figure]:
    """Ten weeks; a quick run plays two."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))
    seeds = range(1, (2 if quick else WEEKS) + 1)
    return figures([compared(week(JOBS, PRINTERS, seed), TRIES, TRIES_WHEN_OFF) for seed in seeds])


def compared(the_week: Week, tries: int, tries_when_off: int) -> Compared:
    """The week, with each rule and with a plan; and with a plan when one model is slow."""
    rules = {name: Floor(the_week).play(ByRule(urgency)) for name, urgency in RULES.items()}
    plan = ByPlan(tries)
    slow = with_a_slow_model(the_week)
    return Compared(
        rules,
        Floor(the_week).play(plan),
        plan,
        estimated=Floor(slow).play(ByPlan(tries_when_off)),
        learned=Floor(slow).play(ByPlan(tries_when_off, learns=True)),
    )


def with_a_slow_model(the_week: Week) -> Week:
    """The same fate, but the most common printers take longer for everything."""
    models = Counter(model_of(printer) for printer in the_week.problem.printers)
    slow = max(models, key=lambda model: models[model])
    mine = [printer.id for printer in the_week.problem.printers if model_of(printer) == slow]
    return replace(the_week, off=dict.fromkeys(mine, OFF))


def figures(weeks: list[Compared]) -> list[Figure]:
    """Means over the weeks."""
    sides = {name: [one.rules[name] for one in weeks] for name in RULES} | {
        "ours": [one.ours for one in weeks]
    }
    late_h = {name: mean(one.tardiness_h for one in outcomes) for name, outcomes in sides.items()}
    best = min(RULES, key=lambda name: late_h[name])
    found = []
    for name, outcomes in sides.items():
        found += [
            Figure(f"{name}: late, weighted", late_h[name], "h"),
            Figure(f"{name}: late", mean(one.late for one in outcomes), "jobs"),
            Figure(f"{name}: filament changed", mean(one.changeovers for one in outcomes), "times"),
        ]
    for name in dict.fromkeys(("FIFO", best)):
        if late_h[name]:
            found.append(Figure("ours: the same", late_h["ours"], "h", Rival(name, late_h[name]), "ratio<=1"))
    estimated = mean(one.estimated.tardiness_h for one in weeks)
    learned = mean(one.learned.tardiness_h for one in weeks)
    found += [
        Figure(
            "one model a fifth slower, as estimated: late", mean(one.estimated.late for one in weeks), "jobs"
        ),
        Figure("one model a fifth slower, learned: late", mean(one.learned.late for one in weeks), "jobs"),
    ]
    if estimated:
        rival = Rival("planned as estimated", estimated)
        found.append(
            Figure("one model a fifth slower, learned: late, weighted", learned, "h", rival, "ratio<=1")
        )
    return [
        *found,
        Figure("ours: plans made", mean(one.plan.plans for one in weeks), "plans"),
        Figure("ours: changes seen", mean(one.plan.changes for one in weeks), "prints"),
        Figure(
            "ours: changes seen, each plan",
            mean(one.plan.changes / one.plan.plans for one in weeks),
            "prints",
        ),
    ]
