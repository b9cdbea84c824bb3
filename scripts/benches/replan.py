"""A printer is lost in the middle of a plan: how soon there is a new one, and how many prints move for it.

Of the printers whose prints could be made elsewhere, the one with most of them is taken from a good plan. The
new one is made from that, with a price on every print that changes its printer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import SIZES, Size, instance, planned

GOALS_S = {50: 0.3, 200: 0.5, 500: 1.0, 2000: 2.0}

ONE_LOSS = """
import json, sys, time
from collections import Counter
from dataclasses import replace
from farm.schedule.config import SearchConfig
from farm.schedule.problem import Placed
from farm.schedule.reading import read_problem
from farm.schedule.solve import solve
from farm.schedule.validate import validate
warm, name, within = sys.argv[1:]
small = read_problem(open(warm, "rb").read())
plan = solve(small, SearchConfig(seconds=0.1, exact=False))
problem = read_problem(open(name, "rb").read())
plan = solve(problem, SearchConfig(seconds=5, exact=False))
jobs = {job.id: job for job in problem.jobs}
alone = {one.printer for one in plan.placements if len(jobs[one.job].estimate_s) == 1}
counts = Counter(one.printer for one in plan.placements if one.printer not in alone)
lost = counts.most_common(1)[0][0]
changed = replace(
    problem,
    printers=tuple(one for one in problem.printers if one.id != lost),
    jobs=tuple(
        replace(job, estimate_s={name: took for name, took in job.estimate_s.items() if name != lost})
        for job in problem.jobs
    ),
    previous={
        (one.job, one.copy): Placed(one.printer, one.hand_work_start, one.start) for one in plan.placements
    },
    weights=replace(problem.weights, other_printer=500.0, shift=0.5),
)
begun = time.perf_counter()
again = solve(changed, SearchConfig(seconds=float(within), exact=False))
took = time.perf_counter() - begun
were = {(one.job, one.copy): one.printer for one in plan.placements}
moved = sum(were[one.job, one.copy] != one.printer for one in again.placements)
print(json.dumps({
    "took": took, "first": again.search.first_s, "moved": moved / len(were),
    "had_to": sum(one == lost for one in were.values()) / len(were),
    "before": plan.metrics.weighted_tardiness_s, "after": again.metrics.weighted_tardiness_s,
    "broken": [one.what for one in validate(changed, again)],
}))
"""


def run(quick: bool) -> list[Figure]:
    """All sizes but the smallest; a quick run leaves out the largest."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        sizes = [size for size in SIZES if size.jobs in GOALS_S and not (quick and size.jobs > 500)]
        return [figure for size in sizes for figure in _lost(size, Path(folder))]


def _lost(size: Size, folder: Path) -> list[Figure]:
    within = GOALS_S[size.jobs]
    found = planned(ONE_LOSS, instance(size, 1, folder), 0.8 * within)
    others = found["moved"] - found["had_to"]
    return [
        Figure(f"{size.name}: new plan", found["took"], "s", None, f"value<={within}"),
        Figure(f"{size.name}: the old one mended", found["first"], "s"),
        Figure(f"{size.name}: prints of the lost printer", 100 * found["had_to"], "%"),
        Figure(f"{size.name}: others on another printer", 100 * others, "%", None, "value<=10"),
        Figure(
            f"{size.name}: late, weighted",
            found["after"] / 3600,
            "h",
            Rival("before the loss", found["before"] / 3600) if found["before"] else None,
        ),
    ]
