"""When customers' orders will be done: by the last of all their prints, those that run included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from farm.schedule.chances import Bars, Chances, Ends, bars_of, last_of, share_by
from farm.schedule.problem import Problem
from farm.schedule.result import Schedule


@dataclass(frozen=True, slots=True)
class Expected:
    """end_s: on average. bars, in_time: None where nobody knows how far prints are off, or by when it is
    wanted."""

    end_s: int
    bars: Bars | None = None
    in_time: float | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """of_job: by the jobs that are planned. on: by the printers that are at work for one. due: in seconds, of
    those that are wanted by some time. held: those of which something is not to be begun yet."""

    of_job: Mapping[str, str]
    on: Mapping[str, str]
    due: Mapping[str, int]
    held: frozenset[str] = frozenset()


def expected(problem: Problem, schedule: Schedule, sure: Chances, orders: Orders) -> dict[str, Expected]:
    """Of each order of which all is in the plan."""
    ends: dict[str, list[int]] = defaultdict(list)
    played: dict[str, list[Ends | None]] = defaultdict(list)
    for one in schedule.placements:
        order = orders.of_job.get(one.job)
        if order is not None:
            ends[order].append(one.end)
            played[order].append(sure.ends.get((one.job, one.copy)))
    for printer in problem.printers:
        order = orders.on.get(printer.id)
        if order is not None and printer.running is not None:
            ends[order].append(printer.ready_s)
            played[order].append(sure.running.get(printer.id))
    left_out = orders.held | {orders.of_job.get(one.job) for one in schedule.unscheduled}
    return {
        order: _expected(max(mine), played[order], orders.due.get(order))
        for order, mine in ends.items()
        if order not in left_out
    }


def _expected(end_s: int, played: list[Ends | None], due_s: int | None) -> Expected:
    known = [each for each in played if each is not None]
    if len(known) < len(played):
        return Expected(end_s)
    last = last_of(known)
    return Expected(end_s, bars_of(last), None if due_s is None else share_by(last, due_s))
