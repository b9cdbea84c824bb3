"""How sure the ends of a plan are: it is played many times, with prints that last as they come.

Each print takes longer or shorter by chance, by itself; what follows on its printer waits for it, and for
people. What was planned right behind the print before it begins sooner when that ends sooner; nothing else
is begun before it is planned. Power and the number of people are not asked again: the plan is within their
limits.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.schedule.problem import FOREVER, Printer, Problem
from farm.schedule.result import Placement, Schedule
from farm.schedule.shop import HandsOn, Shop, by_printer
from farm.schedule.slots import staffed
from farm.schedule.words import at, clock, on_the_clock

TRIES = 400  # a chance of 0.95 is then known to about a tenth of the spread
SEED = 1
EARLY, LATE = 0.05, 0.95  # nine times of ten it is between them

Key: TypeAlias = tuple[str, int]
"""A job, and which of its prints."""

Ends: TypeAlias = NDArray[np.int64]
"""Of one print, in seconds, by the run."""


@dataclass(frozen=True, slots=True)
class Bars:
    """When a print ends, nine times of ten."""

    early_s: int
    late_s: int


@dataclass(frozen=True, slots=True)
class Chances:
    """Of a plan. ends: of its prints on printers of which anything was learned, and bars: of the same.

    running: when what printers are at now ends, by their ids. in_time: 0..1, of jobs that are wanted by some
    time, if all their prints are in the plan.
    """

    ends: Mapping[Key, Ends]
    bars: Mapping[Key, Bars]
    running: Mapping[str, Ends]
    in_time: Mapping[str, float]


UNKNOWN = Chances({}, {}, {}, {})


def chances(problem: Problem, schedule: Schedule) -> Chances:
    """How sure a plan's ends are; unknown where nothing was learned."""
    learned = {printer.id for printer in problem.printers if printer.spread is not None}
    if not learned or problem.setups is not None:
        return UNKNOWN
    shop = Shop(problem)
    ends, running = played(shop, [one for one in schedule.placements if one.printer in learned])
    of_job: dict[str, list[Ends]] = defaultdict(list)
    for (job, _), each in ends.items():
        of_job[job].append(each)
    in_time = {
        name: share_by(last_of(mine), due)
        for name, mine in of_job.items()
        if (due := shop.jobs[name].due_s) is not None and len(mine) == shop.jobs[name].copies
    }
    return Chances(ends, {key: bars_of(each) for key, each in ends.items()}, running, in_time)


def last_of(ends: Sequence[Ends]) -> Ends:
    """When all of them had ended, in each run."""
    found: Ends = np.max(np.stack(ends), axis=0)
    return found


def share_by(ends: Ends, until_s: int) -> float:
    """In how many runs it had ended by then, 0..1."""
    return float(np.mean(ends <= until_s))


def bars_of(ends: Ends) -> Bars:
    """The bars of what ended so in each run."""
    early, late = quantiles(ends, (EARLY, LATE))
    return Bars(early, late)


def quantiles(ends: Ends, shares: Sequence[float]) -> list[int]:
    """By when so many of the runs had ended."""
    in_order = np.sort(ends)
    return [int(in_order[math.ceil(share * len(in_order)) - 1]) for share in shares]


def played(shop: Shop, placements: Sequence[Placement]) -> tuple[dict[Key, Ends], dict[str, Ends]]:
    """When each of these ended in each run, and what ran before on each printer that is known."""
    random = np.random.default_rng(SEED)
    hours, lines = _Hours(shop.problem), by_printer(placements)
    ends: dict[Key, Ends] = {}
    running: dict[str, Ends] = {}
    for machine in shop.problem.printers:
        if machine.spread is None:
            continue
        free = _lasting(machine.ready_s, machine.spread if machine.running is not None else 0.0, random)
        if machine.running is not None:
            running[machine.id] = free
        ends.update(_as_it_comes(shop, machine, lines.get(machine.id, ()), free, hours, random))
    return ends, running


def _lasting(seconds: int, spread: float, random: np.random.Generator) -> Ends:
    """On average as long as is planned."""
    factors = random.lognormal(-(spread**2) / 2, spread, TRIES)
    return np.ceil(np.round(seconds * factors, 3)).astype(np.int64)


def _as_it_comes(
    shop: Shop,
    machine: Printer,
    line: Sequence[Placement],
    free: Ends,
    hours: _Hours,
    random: np.random.Generator,
) -> Iterable[tuple[Key, Ends]]:
    """free: when the printer is, in each run."""
    before_s = machine.ready_s
    for one, hands in shop.hands_in_order(machine, line):
        waits = one.hand_work_start > before_s  # for people, for power, or for its time
        begin = hours.hands_at(np.maximum(free, one.hand_work_start) if waits else free, hands)
        start = begin + hands.total_s
        if one.start > one.hand_work_end:
            start = np.maximum(start, one.start)
        free = np.minimum(start + _lasting(one.end - one.start, machine.spread or 0.0, random), FOREVER)
        before_s = one.end
        yield (one.job, one.copy), free


class _Hours:
    """When people are there."""

    def __init__(self, problem: Problem) -> None:
        self._spans = np.array([*staffed(problem)], np.int64).reshape(-1, 2)

    def hands_at(self, free: Ends, hands: HandsOn) -> Ends:
        """The first time from then on at which that can be done; FOREVER where there is none."""
        if not hands.person_s:
            return free
        starts, ends = self._spans[self._spans[:, 1] - self._spans[:, 0] >= hands.total_s].T
        if not len(starts):
            return np.full_like(free, FOREVER)
        now = np.searchsorted(starts, free, "right") - 1
        there = (now >= 0) & (free + hands.total_s <= ends[now])
        following = np.append(starts, FOREVER)[now + 1]
        return np.where(there, free, following)


def between(problem: Problem, bars: Bars) -> str:
    """ "between 13:50 and 15:05 nine times of ten", with the days where they are others."""
    early, late = bars.early_s, bars.late_s
    same_day = on_the_clock(problem, early).date() == on_the_clock(problem, late).date()
    words = f"{clock(problem, early)} and {clock(problem, late)}"
    if not same_day:
        words = f"{at(problem, early)} and {at(problem, late)}"
    return f"between {words} nine times of ten"
