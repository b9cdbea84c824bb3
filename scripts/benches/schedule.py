"""Plans for farms of 10 jobs on 3 printers to 2,000 on 200, against what is done without a plan: the list.

Each figure is the mean over some farms: those of tests/data/instances, whose dispatch rules were computed by
others, and new ones by the same recipe. Every plan is looked through by the checker that knows nothing of the
search, and one that breaks a rule ends the benchmark. What a busy machine takes away from five seconds is
missing in the plans: the figures are worse on it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import SIZES, Size, instance, planned

MB = 1_000_000

ONE_PLAN = """
import json, sys, time
import psutil
from farm.schedule.config import SearchConfig
from farm.schedule.engine.construct import RULES, by_rule
from farm.schedule.engine.model import build
from farm.schedule.engine.state import empty
from farm.schedule.reading import read_problem
from farm.schedule.solve import solve
from farm.schedule.validate import validate
warm, name, seconds = sys.argv[1:]
small = read_problem(open(warm, "rb").read())
solve(small, SearchConfig(seconds=0.1, exact=False))
memory = psutil.Process().memory_info
floor = memory().rss
problem = read_problem(open(name, "rb").read())
model, _ = build(problem)
rules = {}
for rule in RULES:
    state = empty(model, 1)
    by_rule(model, state, rule)
    late = (state.groups["end"] - model.jobs["due"]).clip(min=0)
    rules[rule] = float((late * model.jobs["weight"]).sum())
begun = time.perf_counter()
plan = solve(problem, SearchConfig(seconds=float(seconds)))
took = time.perf_counter() - begun
extra = memory().rss - floor
broken = [one.what for one in validate(problem, plan)]
print(json.dumps({
    "first": plan.search.first_s, "took": took, "tardiness": plan.metrics.weighted_tardiness_s,
    "fifo": rules["fifo"], "rules": min(rules.values()), "tries": plan.search.iterations,
    "optimal": plan.status == "optimal", "extra": extra, "broken": broken,
}))
"""

FARMS = 5  # of each size, but of the largest


def run(quick: bool) -> list[Figure]:
    """All sizes; a quick run makes one plan of each but the largest."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        for size in SIZES[:-1] if quick else SIZES:
            seeds = range(1, 2 if quick else 3 if size.jobs > 1000 else FARMS + 1)
            problems = [instance(size, seed, Path(folder)) for seed in seeds]
            figures += _figures(size, [planned(ONE_PLAN, problem, size.seconds) for problem in problems])
    return figures


def _figures(size: Size, results: list[dict[str, Any]]) -> list[Figure]:
    def worst(name: str) -> float:
        return float(max(result[name] for result in results))

    def hours(name: str) -> float:
        return float(mean(result[name] for result in results)) / 3600

    late = hours("tardiness")
    fifo = None if size.fifo is None else f"ratio<={size.fifo}"
    rules = None if size.rules is None else f"ratio<={size.rules}"
    tries = mean(one["tries"] / one["took"] for one in results)
    proven = sum(one["optimal"] for one in results) / len(results)
    return [
        Figure(f"{size.name}: first plan", worst("first"), "s", None, f"value<={size.first_s}"),
        Figure(f"{size.name}: late, weighted", late, "h", Rival("the list", hours("fifo")), fifo),
        Figure(f"{size.name}: the same", late, "h", Rival("best rule", hours("rules")), rules),
        Figure(f"{size.name}: over the time given", worst("took") - size.seconds, "s", None, "value<=0.2"),
        Figure(f"{size.name}: changes tried", tries, "1/s"),
        Figure(f"{size.name}: proven to be the best", 100 * proven, "%"),
        Figure(f"{size.name}: over a warm process", worst("extra") / MB, "MB", None, "value<=300"),
    ]
