"""Plans for farms of 10 jobs on 3 printers to 2,000 on 200, against what is done without a plan: the list.

Each figure is of several farms: those of tests/data/instances, whose dispatch rules were computed by others,
and five new ones by the same recipe. Every farm counts alike: of one that has too few printers of some model,
as one in five has, so much is late by any plan that in a sum it would outweigh all others. Every plan is
looked through by the checker that knows nothing of the search, and one that breaks a rule ends the benchmark.
What a busy machine takes away from five seconds is missing in the plans: the figures are worse on it.

It takes about ten minutes; what it is at is told on standard error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.beside import beside
from scripts.benches.plans.planning import SIZES, WARM, Size, farms, planned

MB = 1_000_000

ONE_PLAN = (
    WARM
    + """
from farm.schedule.engine.construct import RULES, by_rule
from farm.schedule.engine.model import build
from farm.schedule.engine.state import empty
model, _ = build(problem)
rules = {}
for rule in RULES:
    state = empty(model, 1)
    by_rule(model, state, rule)
    late = (state.groups["end"] - model.jobs["due"]).clip(min=0)
    rules[rule] = float((late * model.jobs["weight"]).sum())
begun = time.perf_counter()
plan = solve(problem, SearchConfig(seconds=seconds))
took = time.perf_counter() - begun
extra = memory().rss - floor
broken = [one.what for one in validate(problem, plan)]
print(json.dumps({
    "first": plan.search.first_s, "took": took, "tardiness": plan.metrics.weighted_tardiness_s,
    "fifo": rules["fifo"], "rules": min(rules.values()), "tries": plan.search.iterations,
    "optimal": plan.status == "optimal", "extra": extra, "broken": broken,
}))
"""
)

LONGER_S = 15.0  # for the largest, once more
LONGER_FIFO = 0.04


def run(quick: bool) -> list[Figure]:
    """All sizes; a quick run makes one plan of each but the largest."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        for size in SIZES[:-1] if quick else SIZES:
            problems = list(farms(size, Path(folder)))[: 1 if quick else None]
            figures += _figures(size, _results(size, problems, size.seconds))
        if not quick:
            longer = _results(SIZES[-1], problems, LONGER_S)
            ratio = mean(one["tardiness"] / one["fifo"] for one in longer)
            name = f"{SIZES[-1].name}: late, weighted, after {LONGER_S:.0f} s"
            figures.append(Figure(name, ratio, "of the list's", None, f"value<={LONGER_FIFO}"))
            figures += beside()
    return figures


def _results(size: Size, problems: Sequence[Path], seconds: float) -> list[dict[str, Any]]:
    return [planned(ONE_PLAN, problem, seconds, f"{size.name}, {seconds:g} s") for problem in problems]


def _figures(size: Size, results: list[dict[str, Any]]) -> Iterator[Figure]:
    def worst(name: str) -> float:
        return float(max(result[name] for result in results))

    def times(rival: str) -> float:
        """Mean of the farms' ratios; of those where a rule is late at all."""
        return float(mean([one["tardiness"] / one[rival] for one in results if one[rival]] or [1.0]))

    def hours(name: str) -> float:
        return float(mean(result[name] for result in results)) / 3600

    fifo = None if size.fifo is None else f"value<={size.fifo}"
    rules = None if size.rules is None else f"value<={size.rules}"
    yield Figure(f"{size.name}: first plan", worst("first"), "s", None, f"value<={size.first_s}")
    yield Figure(f"{size.name}: late, weighted", times("fifo"), "of the list's", None, fifo)
    yield Figure(f"{size.name}: the same", times("rules"), "of the best rule's", None, rules)
    rival = Rival("the list", hours("fifo")) if hours("fifo") else None
    yield Figure(f"{size.name}: a farm's hours, weighted", hours("tardiness"), "h", rival)
    over = max(one["took"] for one in results) - size.seconds
    yield Figure(f"{size.name}: over the time given", over, "s", None, "value<=0.2")
    tries = mean(one["tries"] / one["took"] for one in results)
    yield Figure(f"{size.name}: changes tried", tries, "1/s")
    proven = 100 * sum(one["optimal"] for one in results) / len(results)
    yield Figure(f"{size.name}: proven to be the best", proven, "%")
    yield Figure(f"{size.name}: over a warm process", worst("extra") / MB, "MB", None, "value<=300")
