"""A printer is lost in the middle of a plan: how soon there is a new one, and how many prints move for it.

Of the printers whose prints could be made elsewhere, the one with most of them is taken from a good plan. The
new one is made from that, with a price on every print that changes its printer. So it goes on each of the
farms that were given and on two new ones of each size.

It takes about three minutes; what it is at is told on standard error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import SIZES, WARM, Size, farms, planned

GOALS_S = {50: 0.3, 200: 0.5, 500: 1.0, 2000: 2.0}
SHARE = 0.8  # of that, to look for the plan

ONE_LOSS = (
    WARM
    + """
from collections import Counter
from dataclasses import replace
from farm.schedule.problem import Placed
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
again = solve(changed, SearchConfig(seconds=seconds, exact=False))
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
)


def run(quick: bool) -> list[Figure]:
    """All sizes but the smallest; a quick run takes one farm of each, and leaves out the largest."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        for size in SIZES:
            if size.jobs in GOALS_S and not (quick and size.jobs > 500):
                problems = list(farms(size, Path(folder), new=2))[: 1 if quick else None]
                figures += _lost(size, problems)
    return figures


def _lost(size: Size, problems: Sequence[Path]) -> Iterator[Figure]:
    """The slowest and the most of what is promised, means of the rest."""
    within = GOALS_S[size.jobs]
    found = [planned(ONE_LOSS, problem, SHARE * within, size.name) for problem in problems]

    def of_all(name: str) -> float:
        return float(mean(one[name] for one in found))

    took, mended = max(one["took"] for one in found), max(one["first"] for one in found)
    others = 100 * max(one["moved"] - one["had_to"] for one in found)
    before = Rival("before the loss", of_all("before") / 3600) if of_all("before") else None
    yield Figure(f"{size.name}: new plan", took, "s", None, f"value<={within}")
    yield Figure(f"{size.name}: the old one mended", mended, "s")
    yield Figure(f"{size.name}: prints of the lost printer", 100 * of_all("had_to"), "%")
    yield Figure(f"{size.name}: others on another printer", others, "%", None, "value<=10")
    yield Figure(f"{size.name}: late, weighted", of_all("after") / 3600, "h", before)
