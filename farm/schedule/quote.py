"""When a job would be done if it were taken on now, with all that is planned left where it is."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from farm.schedule.problem import FOREVER, Job, Problem, Reason
from farm.schedule.relax import Placing, WhatIf, lay, reasons
from farm.schedule.result import Placement, Relaxed, Schedule
from farm.schedule.shop import Shop, by_printer
from farm.schedule.slots import Room, hands_at

MOST_PRINTS = 200  # of one quote
CHANCES = (0.5, 0.8, 0.95)
TRIES = 400  # of how long prints really take; the 0.95 is then known to about a tenth of the spread
SEED = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """end_s: when the last print would be done if all take as long as is estimated; None where there is no
    place, with the reasons and what would give one. late_s: after its due date.

    by: with what chance it is done until when, (chance, seconds), the least first; empty where nobody knows
    how far estimates are off.
    """

    job: str
    end_s: int | None
    placements: tuple[Placement, ...] = ()
    late_s: int = 0
    by: tuple[tuple[float, int], ...] = ()
    reasons: tuple[Reason, ...] = ()
    relaxed: tuple[Relaxed, ...] = ()


def quote(problem: Problem, schedule: Schedule, job: Job, spread: float | None = None) -> Quote:
    """The first gaps of the plan in which it fits, each of its prints where that ends soonest.

    job: not of the problem. spread: standard deviation of the logarithm of how long a print really takes to
    what was estimated, as learned; 0.1 is about 10 % up or down.
    """
    wanted = replace(job, copies=min(job.copies, MOST_PRINTS))
    with_it = replace(problem, jobs=(*(one for one in problem.jobs if one.id != job.id), wanted))
    without = replace(schedule, placements=tuple(one for one in schedule.placements if one.job != job.id))
    what_if = WhatIf(with_it, without)
    copies = range(wanted.copies)
    enough = what_if.stock_left(wanted, wanted.copies) is None
    placing = lay(what_if.room(), wanted, copies) if enough and copies else None
    if placing is None:
        eased = sorted((placed.end_s, rule) for rule, placed in what_if.relaxed(wanted, copies))
        relaxed = tuple(Relaxed(rule, end_s) for end_s, rule in eased)
        return Quote(job.id, None, reasons=tuple(reasons(what_if, wanted, len(copies))), relaxed=relaxed)
    end_s = placing.end_s
    late_s = 0 if job.due_s is None else max(0, end_s - job.due_s)
    placements = tuple(slot.placement for slot in placing.slots)
    by = () if spread is None else _by(_room(with_it, without, placing), placements, spread)
    return Quote(job.id, end_s, placements, late_s, by)


def _room(problem: Problem, schedule: Schedule, placing: Placing) -> Room:
    """The plan with what was laid into it."""
    room = Room(problem, schedule.placements)
    for slot in placing.slots:
        room.put(slot)
    return room


def _by(room: Room, placements: Sequence[Placement], spread: float) -> tuple[tuple[float, int], ...]:
    """Prints take longer or shorter by chance, each by itself, and what follows on a printer waits for them
    and for people. Power and the number of people are not asked again: the plan is within their limits."""
    chance = random.Random(SEED)
    here = {one.printer for one in placements}
    lines = {printer: line for printer, line in by_printer(room.placements).items() if printer in here}
    wanted = {(one.job, one.copy) for one in placements}
    ends = sorted(
        max(
            end
            for printer, line in lines.items()
            for key, end in _as_it_comes(room.shop, printer, line, spread, chance)
            if key in wanted
        )
        for _ in range(TRIES)
    )
    return tuple((share, ends[math.ceil(share * TRIES) - 1]) for share in CHANCES)


def _as_it_comes(
    shop: Shop, printer: str, line: Sequence[Placement], spread: float, chance: random.Random
) -> list[tuple[tuple[str, int], int]]:
    """When each print of a printer's line ends in one run of chance; none is begun before it is planned."""
    machine = shop.printers[printer]
    free = float(machine.ready_s)
    if machine.running is not None:
        free *= chance.lognormvariate(0.0, spread)
    ended = []
    for one, hands in shop.hands_in_order(machine, line):
        ready_from = max(math.ceil(free), one.hand_work_start)
        begin = hands_at(shop.problem, (ready_from, FOREVER), hands)
        start = max(one.start, FOREVER if begin is None else begin + hands.total_s)
        free = start + (one.end - one.start) * chance.lognormvariate(0.0, spread)
        ended.append(((one.job, one.copy), math.ceil(free)))
    return ended
