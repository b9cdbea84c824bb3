"""What no plan can cost less than, for problems too large to be solved for good.

A relaxation, solved by HiGHS: prints may be cut up and mixed, and only two things are still asked for. No
print ends before it could if it were alone in the shop; and what ends by a certain time on printers of one
kind fits into the time that these had until then. Only the planner's worker process imports this.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import linprog  # type: ignore[import-untyped]
from scipy.sparse import coo_array  # type: ignore[import-untyped]

from farm.schedule.problem import FOREVER, Filament, Job, Printer, Problem
from farm.schedule.shop import Loaded, Shop
from farm.schedule.spans import length, within

MOST_VARIABLES = 60_000
VARIABLES_A_SECOND = 20_000  # that HiGHS solves
LEAST_S = 0.2  # with less it is not begun: to write it down takes time, too
MOST_STEPS = 80  # times at which it is asked what fits until then
FEWEST_STEPS = 8
TOLERANCE = 1e-6  # of HiGHS: the bound is lowered by as much of itself


@dataclass(frozen=True, slots=True)
class Alone:
    """A print on a printer with all others out of the way. end: the earliest; taken: seconds at least."""

    end: int
    taken: int
    price: float


def lower_bound(problem: Problem, seconds: float | None) -> float | None:
    """A cost that no plan is below that leaves nothing out; None where some print has no printer.

    seconds: for all of it, None for as many as it takes. When they do not suffice for HiGHS the bound is what
    each print costs by itself; when not even for that, there is none.
    """
    until = math.inf if seconds is None else perf_counter() + seconds
    alone = _Alone(problem)
    jobs = [job for job in problem.jobs if job.copies]
    options: dict[str, dict[str, Alone]] = {}
    for job in jobs:
        options[job.id] = dict(alone.options(job))
        if not options[job.id] or perf_counter() > until:
            return None
    if not jobs:
        return None
    by_itself = sum(
        job.copies * min(one.price + _price_of_end(problem, job, one.end) for one in options[job.id].values())
        for job in jobs
    )
    last = max(min(one.end for one in options[job.id].values()) for job in jobs)
    by_itself += problem.weights.makespan * last / 60
    left = None if seconds is None else until - perf_counter()
    if left is not None and left < LEAST_S:
        return by_itself
    return max(by_itself, _Relaxation(problem, jobs, options, left).cost() or 0.0)


def _price_of_end(problem: Problem, job: Job, end: float) -> float:
    """Of one of the job's prints that ends then. All of them cost what the last one does, so that each may be
    taken to cost its share by its own end."""
    weights = problem.weights
    late = 0.0 if job.due_s is None else max(0.0, end - job.due_s)
    flow = max(0.0, end - job.release_s)
    return job.weight * (weights.tardiness * late + weights.flow * flow) / 60 / job.copies


class _Alone:
    """Each print by itself: its earliest end, and the least that has to be done for it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shop = Shop(problem)
        self.filaments = {job.filament for job in problem.jobs}
        self._work: dict[tuple[str, Filament | None], tuple[int, bool]] = {}

    def options(self, job: Job) -> Iterator[tuple[str, Alone]]:
        for printer in self.problem.printers:
            estimate, limit = job.estimate_s.get(printer.id), self.shop.max_print_s(printer, job)
            if estimate is None or (limit is not None and estimate > limit):
                continue
            if job.pin is not None and job.pin.printer != printer.id:
                continue
            work, person = self._least_work(job, printer)
            end = self._end(job, printer, work, person, estimate)
            if end is not None and (job.deadline_s is None or end <= job.deadline_s):
                yield printer.id, Alone(end, work + estimate, self._price(job, printer, estimate))

    def _least_work(self, job: Job, printer: Printer) -> tuple[int, bool]:
        """The shortest hand-work there may be before it, and whether it surely needs a person."""
        if (setups := self.problem.setups) is not None:
            machine = self.problem.printers.index(printer)
            number = self.problem.jobs.index(job)
            before = [row[number] for other, row in enumerate(setups.between[machine])]
            return min([setups.first[machine][number], *before]), False
        key = printer.id, job.filament
        if key not in self._work:
            states = [self.shop.loaded(printer)]
            states += [Loaded(False, filament, None) for filament in {*self.filaments, printer.loaded}]
            works = [self.shop.hands_on(printer, state, job)[0] for state in states]
            least = min(work.total_s for work in works)
            self._work[key] = least, all(work.person_s > 0 for work in works)
        return self._work[key]

    def _end(self, job: Job, printer: Printer, work: int, person: bool, estimate: int) -> int | None:
        """None where it never fits."""
        at = max(job.release_s, printer.ready_s)
        staffed = self.problem.staffed if person and self.problem.staffed is not None else ((0, FOREVER),)
        pinned = 0 if job.pin is None else job.pin.start_s or 0
        while True:
            begin = next((max(at, start) for start, end in staffed if max(at, start) + work <= end), None)
            if begin is None:
                return None
            end = max(begin + work, pinned) + estimate
            hit = next((span for span in printer.blocked if span[0] < end and begin < span[1]), None)
            if hit is None:
                return end
            at = hit[1]

    def _price(self, job: Job, printer: Printer, estimate: int) -> float:
        """What a print costs there whenever it is."""
        weights = self.problem.weights
        elsewhere = bool(job.preferred) and printer.id not in job.preferred
        return weights.non_preferred * elsewhere + weights.doubtful * printer.risk * estimate / 3600


class _Relaxation:
    """Which share of which job's prints ends on printers of which kind within which step of time."""

    def __init__(
        self,
        problem: Problem,
        jobs: Sequence[Job],
        options: dict[str, dict[str, Alone]],
        seconds: float | None,
    ) -> None:
        self.problem = problem
        self.jobs = jobs
        kinds = self._kinds(jobs)
        self.kinds = kinds
        self.options = [self._by_kind(options[job.id]) for job in jobs]
        pairs = sum(map(len, self.options))
        self.seconds = seconds
        most = MOST_VARIABLES if seconds is None else min(MOST_VARIABLES, VARIABLES_A_SECOND * seconds)
        self.steps = min(MOST_STEPS, int(most) // max(1, pairs))

    def _kinds(self, jobs: Iterable[Job]) -> list[list[Printer]]:
        """Printers that take equally long for everything."""
        kinds: dict[tuple[int | None, ...], list[Printer]] = defaultdict(list)
        for printer in self.problem.printers:
            kinds[tuple(job.estimate_s.get(printer.id) for job in jobs)].append(printer)
        return list(kinds.values())

    def _by_kind(self, options: dict[str, Alone]) -> dict[int, Alone]:
        """Of each kind the best there is in every way."""
        best = {}
        for number, printers in enumerate(self.kinds):
            those = [options[printer.id] for printer in printers if printer.id in options]
            if those:
                best[number] = Alone(
                    min(one.end for one in those),
                    min(one.taken for one in those),
                    min(one.price for one in those),
                )
        return best

    def cost(self) -> float | None:
        """None where it is too large, or HiGHS took too long."""
        if self.steps < FEWEST_STEPS:
            return None
        times = self._times()
        prices, columns = self._variables(times)
        count = len(prices)
        per_job = coo_array((np.ones(count), (columns[0], np.arange(count))), (len(self.jobs), count + 1))
        fits, limits = self._fits(times, columns)
        least = max(min(one.end for one in options.values()) for options in self.options)
        solved = linprog(
            np.append(prices, self.problem.weights.makespan / 60),
            A_ub=fits.tocsr(),
            b_ub=limits,
            A_eq=per_job.tocsr(),
            b_eq=np.array([job.copies for job in self.jobs], dtype=float),
            bounds=[(0, None)] * count + [(least, None)],
            method="highs",
            options={} if self.seconds is None else {"time_limit": max(0.01, self.seconds)},
        )
        return float(solved.fun) * (1 - TOLERANCE) if solved.status == 0 else None

    def _fits(self, times: Sequence[int], columns: tuple[np.ndarray, ...]) -> tuple[Any, np.ndarray]:
        """What is made on each kind of printer until each time, and the seconds that these had; and that all
        that is made there ends with the last print, whose end is the variable after the others."""
        _, kind_of, step_of, taken = columns
        rows: list[np.ndarray] = []
        places: list[np.ndarray] = []
        limits: list[int] = []
        for kind, printers in enumerate(self.kinds):
            mine = np.flatnonzero(kind_of == kind)
            for step, time in enumerate(times[1:]):
                inside = mine[step_of[mine] <= step]
                rows.append(taken[inside])
                places.append(inside)
                limits.append(sum(_open_until(printer, time) for printer in printers))
            rows.append(np.append(taken[mine], -float(len(printers))))
            places.append(np.append(mine, len(taken)))
            limits.append(0)
        which = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        shape = (len(limits), len(taken) + 1)
        fits = coo_array((np.concatenate(rows), (which, np.concatenate(places))), shape)
        return fits, np.array(limits, dtype=float)

    def _times(self) -> list[int]:
        """Ends of steps; the last of them never comes, and holds whatever does not fit before."""
        ends = [one.end for options in self.options for one in options.values()]
        all_s = sum(
            job.copies * max(one.taken for one in options.values())
            for job, options in zip(self.jobs, self.options, strict=True)
        )
        usual = max(ends) + 2 * all_s // len(self.problem.printers)
        inner = np.linspace(0, usual, self.steps).astype(int).tolist()
        return [*dict.fromkeys(inner), FOREVER]

    def _variables(self, times: Sequence[int]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Prices; and for each variable its job, kind, step, and the seconds that a print takes there."""
        found = []
        for number, (job, options) in enumerate(zip(self.jobs, self.options, strict=True)):
            for kind, one in options.items():
                for step, (start, end) in enumerate(pairwise(times)):
                    if end >= one.end:
                        price = one.price + _price_of_end(self.problem, job, max(start, one.end))
                        found.append((price, number, kind, step, one.taken))
        table = np.array(found, dtype=float)
        numbers = (table[:, column].astype(int) for column in (1, 2, 3))
        return table[:, 0], (*numbers, table[:, 4])


def _open_until(printer: Printer, time: int) -> int:
    """Seconds that the printer may be taken for prints that end by then."""
    open_s = max(0, time - printer.ready_s)
    return open_s - length(within(printer.blocked, (printer.ready_s, max(printer.ready_s, time))))
