"""When a job would be done if it were taken on now, with all that is planned left where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from farm.schedule.chances import Ends, bars_of, between, last_of, played, quantiles, share_by
from farm.schedule.problem import Job, Problem, Reason
from farm.schedule.relax import Placing, WhatIf, lay, reasons, why_words
from farm.schedule.result import Placement, Relaxed, Schedule
from farm.schedule.shop import Shop
from farm.schedule.slots import Room
from farm.schedule.words import at, lasting, percent

MOST_PRINTS = 200  # of one quote
CHANCES = (0.05, 0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Quote:
    """end_s: when the last print would be done if all take as long as they do on average; None where there is
    no place, with the reasons and what would give one. late_s: after its due date.

    by: with what chance it is done until when, (chance, seconds), the least first; empty where nobody knows
    how far prints are off on one of the printers. in_time: 0..1, None where nobody knows. sentences: all of
    it, as one would tell it.
    """

    job: str
    end_s: int | None
    placements: tuple[Placement, ...] = ()
    late_s: int = 0
    by: tuple[tuple[float, int], ...] = ()
    reasons: tuple[Reason, ...] = ()
    relaxed: tuple[Relaxed, ...] = ()
    in_time: float | None = None
    sentences: tuple[str, ...] = ()


def quote(problem: Problem, schedule: Schedule, job: Job) -> Quote:
    """The first gaps of the plan in which it fits, each of its prints where that ends soonest.

    job: not of the problem, or asked as if it were not.
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
        why = tuple(reasons(what_if, wanted, len(copies)))
        return Quote(job.id, None, reasons=why, relaxed=relaxed, sentences=(why_words(wanted, why),))
    end_s = placing.end_s
    late_s = 0 if job.due_s is None else max(0, end_s - job.due_s)
    placements = tuple(slot.placement for slot in placing.slots)
    room = _room(with_it, without, placing)
    last = _last(room.shop, room.placements, placements)
    by = () if last is None else tuple(zip(CHANCES, quantiles(last, CHANCES), strict=True))
    in_time = None if last is None or job.due_s is None else share_by(last, job.due_s)
    said = tuple(_said(problem, wanted, end_s, last, in_time))
    return Quote(job.id, end_s, placements, late_s, by, in_time=in_time, sentences=said)


def _room(problem: Problem, schedule: Schedule, placing: Placing) -> Room:
    """The plan with what was laid into it."""
    room = Room(problem, schedule.placements)
    for slot in placing.slots:
        room.put(slot)
    return room


def _last(shop: Shop, planned: Sequence[Placement], wanted: Sequence[Placement]) -> Ends | None:
    """When the last of these ends, played many times beside all that is planned; None where nobody knows."""
    here = {one.printer for one in wanted}
    if any(shop.printers[printer].spread is None for printer in here):
        return None
    ends, _ = played(shop, [one for one in planned if one.printer in here])
    return last_of([ends[one.job, one.copy] for one in wanted])


def _said(problem: Problem, job: Job, end_s: int, last: Ends | None, in_time: float | None) -> Iterator[str]:
    sure = "" if last is None else f", {between(problem, bars_of(last))}"
    yield f"It would be done {at(problem, end_s)}{sure}."
    if job.due_s is None:
        return
    if in_time is not None:
        yield f"It is wanted {at(problem, job.due_s)}: the chance to be in time is {percent(in_time)}."
    elif end_s > job.due_s:
        yield f"It is wanted {at(problem, job.due_s)}: it would be {lasting(end_s - job.due_s)} late."
