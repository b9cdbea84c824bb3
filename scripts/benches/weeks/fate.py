"""What happens in a week whoever decides: when jobs come, how long prints take, and which of them fail."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from farm.schedule.problem import Job, Problem
from farm.schedule.reading import read_problem
from scripts.benches.plans.farms import farm

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
SPREAD, FAILS = 0.15, 0.05
KNOWN = 0.3  # of the jobs, when the week begins
LAST_COMES_S = 4 * DAY


@dataclass(frozen=True, slots=True)
class Attempt:
    """How long a print lasts in the end, and whether it went well."""

    lasts_s: int
    well: bool


@dataclass(frozen=True, slots=True)
class Week:
    """A shop and its fate. problem: of the whole week; nobody knows of a job before its release.

    off: by the printer, how much longer its prints really take than is estimated, 1 where nothing is said.
    """

    seed: int
    problem: Problem
    off: Mapping[str, float] = field(default_factory=dict)

    def attempt(self, job: Job, printer: str, number: int) -> Attempt:
        """What becomes of a job's first print, or its second …: the same on whichever printer, and when.

        As long as was estimated, times what the printer is off and a log-normal factor with a mean of 1; one
        that fails ends somewhere on the way.
        """
        chance = random.Random(f"{self.seed} {job.id} {number}")
        factor = chance.lognormvariate(-(SPREAD**2) / 2, SPREAD)
        well = chance.random() >= FAILS
        share = 1.0 if well else chance.random()
        lasts_s = job.estimate_s[printer] * self.off.get(printer, 1.0) * factor * share
        return Attempt(max(1, round(lasts_s / MINUTE)) * MINUTE, well)


def week(jobs: int, printers: int, seed: int) -> Week:
    """One by the recipe of the farms, but most jobs come later, at any time, and are due as much later."""
    problem = read_problem(json.dumps(farm(jobs, printers, seed)).encode())
    chance = random.Random(f"{seed} comes")
    comes = [
        0 if chance.random() < KNOWN else chance.randrange(LAST_COMES_S // MINUTE) * MINUTE
        for _ in problem.jobs
    ]
    return Week(seed, replace(problem, jobs=tuple(map(_coming, problem.jobs, comes))))


def _coming(job: Job, comes_s: int) -> Job:
    later = comes_s - job.release_s
    return replace(job, release_s=comes_s, due_s=None if job.due_s is None else job.due_s + later)
