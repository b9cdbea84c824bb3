"""What a plan makes of the hours in which nobody is there, and what waits for those who come next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from farm.schedule.chances import EARLY, LATE, UNKNOWN, Chances, quantiles
from farm.schedule.problem import Problem, Span
from farm.schedule.result import Placement, Schedule
from farm.schedule.shop import HandsOn, Shop, by_printer
from farm.schedule.spans import gaps, length, within
from farm.schedule.words import at, clock, counted, lasting

LEAST_S = 3600  # a break for lunch is no night


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person to do. clear, load: a plate; another filament or a full spool."""

    printer: str
    before: str
    start: int
    seconds: int
    clear: bool
    load: bool


@dataclass(frozen=True, slots=True)
class Night:
    """One stretch without people, and the shift before and after it.

    printing: printers that print in it, printed_s: for how long in all. ending: prints that end in it;
    between: nine times of ten so many do, None where nobody knows; their plates wait. evening: what has to be
    done in the last hour before it, morning: in the first after it. pushed_off: plates that printers begin
    to clear by themselves.
    sentences: all that, as one would tell it.
    """

    span: Span
    printing: int
    printed_s: int
    ending: int
    evening: tuple[Task, ...]
    morning: tuple[Task, ...]
    sentences: tuple[str, ...]
    between: tuple[int, int] | None = None
    pushed_off: int = 0


def nights(problem: Problem, schedule: Schedule, sure: Chances = UNKNOWN) -> tuple[Night, ...]:
    """Every stretch without people until the last print of the plan is cleared away.

    sure: how sure the plan is of its ends.
    """
    if problem.staffed is None:
        return ()
    end = max([0, *(one.end for one in schedule.placements), *(one.ready_s for one in problem.printers)])
    opening = next((start for start, _ in problem.staffed if start >= end), end)
    spans = gaps(problem.staffed, (0, max(end, opening)))
    tasks = sorted(_tasks(problem, schedule), key=lambda one: (one.start, one.printer))
    return tuple(
        _night(problem, schedule, span, tasks, sure)
        for span in spans
        if span[1] - span[0] >= LEAST_S and span[0] < end
    )


def tonight(problem: Problem, schedule: Schedule) -> Night | None:
    """The next of them; None where somebody is always there or nothing is planned so far."""
    return next(iter(nights(problem, schedule)), None)


def _tasks(problem: Problem, schedule: Schedule) -> Iterator[Task]:
    shop = Shop(problem)
    for name, line in by_printer(schedule.placements).items():
        for one, hands in shop.hands_in_order(shop.printers[name], line):
            if hands.person_s:
                yield _task(one, hands)


def _task(one: Placement, hands: HandsOn) -> Task:
    load = hands.changeover or bool(hands.spool_s)
    return Task(one.printer, one.job, one.hand_work_start, hands.total_s, bool(hands.clear_s), load)


def _night(problem: Problem, schedule: Schedule, span: Span, tasks: Sequence[Task], sure: Chances) -> Night:
    prints = [(one.start, one.end) for one in schedule.placements]
    prints += [(0, one.ready_s) for one in problem.printers if one.running is not None]
    in_it = list(within(prints, span))
    ending = sum(span[0] < end <= span[1] for _, end in prints)
    evening = tuple(one for one in tasks if span[0] - LEAST_S <= one.start < span[0])
    morning = tuple(one for one in tasks if span[1] <= one.start < span[1] + LEAST_S)
    printing = _printers_in(problem, schedule, span)
    between = _between(problem, schedule, span, sure)
    pushed = sum(span[0] <= start < span[1] for start in _pushed_off(problem, schedule))
    night = Night(span, printing, length(in_it), ending, evening, morning, (), between, pushed)
    return replace(night, sentences=tuple(_told(problem, night)))


def _pushed_off(problem: Problem, schedule: Schedule) -> Iterator[int]:
    """When printers begin to clear their plates themselves."""
    shop = Shop(problem)
    for name, line in by_printer(schedule.placements).items():
        for one, hands in shop.hands_in_order(shop.printers[name], line):
            if hands.clear_s and not hands.person:
                yield one.hand_work_start


def _between(problem: Problem, schedule: Schedule, span: Span, sure: Chances) -> tuple[int, int] | None:
    """How many prints may end in it; None where of one of them nobody knows."""
    ends = [sure.ends.get((one.job, one.copy)) for one in schedule.placements]
    ends += [sure.running.get(one.id) for one in problem.printers if one.running is not None]
    known = [each for each in ends if each is not None]
    if not known or len(known) < len(ends):
        return None
    counts = sum(((span[0] < each) & (each <= span[1])).astype(np.int64) for each in known)
    fewest, most = quantiles(np.asarray(counts), (EARLY, LATE))
    return fewest, most


def _printers_in(problem: Problem, schedule: Schedule, span: Span) -> int:
    names = {one.printer for one in schedule.placements if one.start < span[1] and span[0] < one.end}
    names |= {one.id for one in problem.printers if one.running is not None and one.ready_s > span[0]}
    return len(names)


def _told(problem: Problem, night: Night) -> Iterator[str]:
    start, end = night.span
    frame = f"{at(problem, start)} to {at(problem, end)}"
    if not night.printing:
        yield f"Nobody is there from {frame}, and nothing prints."
        return
    yield (
        f"Nobody is there from {frame}: {counted(night.printing, 'printer')} print for "
        f"{lasting(night.printed_s)} in all, {counted(night.ending, 'print')} {_ended(night)}."
    )
    if night.pushed_off:
        are = "are" if night.pushed_off > 1 else "is"
        yield f"{counted(night.pushed_off, 'print')} {are} pushed off with nobody there."
    if night.evening:
        yield f"Before {clock(problem, start)}: {_work(night.evening)}."
    if night.morning:
        yield f"From {clock(problem, end)}: {_work(night.morning)}."


def _ended(night: Night) -> str:
    if night.between is None or night.between == (night.ending, night.ending):
        return "will have ended by then"
    fewest, most = night.between
    return f"ought to have ended by then, and {fewest} to {most} will have, nine times of ten"


def _work(tasks: Sequence[Task]) -> str:
    plates, spools = sum(task.clear for task in tasks), sum(task.load for task in tasks)
    parts = [f"{counted(plates, 'plate')} to clear"] if plates else []
    parts += [f"{counted(spools, 'spool')} to load"] if spools else []
    return f"{', '.join(parts)} ({lasting(sum(task.seconds for task in tasks))} of work)"
