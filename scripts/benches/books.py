"""Problems as in books: machines that are not alike, set-ups by the order, and the least makespan wanted.

Small ones are to be proven the best within two seconds. Of large ones a plan of half a minute is held against
one of ten minutes in the same run; that takes three quarters of an hour, and what it is at is told on
standard error.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import WARM, planned

ONE_PLAN = (
    WARM
    + """
begun = time.perf_counter()
plan = solve(problem, SearchConfig(seconds=seconds))
print(json.dumps({
    "took": time.perf_counter() - begun, "makespan": plan.metrics.makespan_s,
    "optimal": plan.status == "optimal", "broken": [one.what for one in validate(problem, plan)],
}))
"""
)

LONGEST = 99  # of a job, from 1
SMALL = ((6, 2, 9), (7, 2, 124), (8, 3, 49), (9, 3, 99), (10, 3, 9), (11, 4, 49), (12, 4, 124))
LARGE = ((50, 10, 9), (50, 20, 124), (120, 15, 49), (250, 30, 99))
"""Jobs, machines, the longest set-up."""
SMALL_S, LARGE_S, REFERENCE_S = 2.0, 30.0, 600.0


def run(quick: bool) -> list[Figure]:
    """A quick run leaves the large ones out."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        figures = [_proven(Path(folder))]
        if not quick:
            figures += _large(Path(folder))
    return figures


def matrices(jobs: int, machines: int, longest_setup: int, seed: int = 1) -> dict[str, Any]:
    """As `farm.schedule.reading.read_problem` reads it: all times uniform, from 1."""
    chance = random.Random(f"{jobs}x{machines}, {longest_setup}, {seed}")

    def row(count: int, longest: int) -> list[int]:
        return [chance.randint(1, longest) for _ in range(count)]

    return {
        "duration": [row(machines, LONGEST) for _ in range(jobs)],
        "setup": [[row(jobs, longest_setup) for _ in range(jobs)] for _ in range(machines)],
        "initial_setup": [row(jobs, longest_setup) for _ in range(machines)],
        "objective": "makespan",
    }


def _written(folder: Path, jobs: int, machines: int, longest_setup: int) -> Path:
    path = folder / f"{jobs}x{machines}, set-ups to {longest_setup}.json"
    path.write_text(json.dumps(matrices(jobs, machines, longest_setup)), encoding="utf-8")
    return path


def _proven(folder: Path) -> Figure:
    """Which share of the small ones, in time."""
    problems = [_written(folder, *size) for size in SMALL]
    found = [planned(ONE_PLAN, problem, SMALL_S, "a small one") for problem in problems]
    good = sum(one["optimal"] and one["took"] <= SMALL_S for one in found)
    name = f"6 to 12 jobs: proven to be the best in {SMALL_S:g} s"
    return Figure(name, 100 * good / len(found), "%", None, "value>=100")


def _large(folder: Path) -> Iterator[Figure]:
    for size in LARGE:
        problem = _written(folder, *size)
        ours = planned(ONE_PLAN, problem, LARGE_S, "half a minute")["makespan"]
        reference = planned(ONE_PLAN, problem, REFERENCE_S, "ten minutes")["makespan"]
        rival = Rival("after 10 minutes", reference)
        name = f"{size[0]} jobs, {size[1]} machines, set-ups to {size[2]}: makespan after {LARGE_S:g} s"
        yield Figure(name, ours, "steps", rival, "ratio<=1.02")
