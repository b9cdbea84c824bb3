"""A new plan when something has happened, and never a worse one than the old plan put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from farm.schedule.config import SearchConfig
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.problem import FOREVER, Job, Placed, Printer, Problem, Running
from farm.schedule.relax import why_left_out
from farm.schedule.result import Placement, Schedule, Search
from farm.schedule.shop import Stock
from farm.schedule.slots import Room

Solver: TypeAlias = Callable[[Problem, SearchConfig], Schedule]


@dataclass(frozen=True, slots=True)
class PrinterLost:
    """Nothing can be printed there until somebody says so."""

    printer: str


@dataclass(frozen=True, slots=True)
class PrinterBack:
    """It can be printed on again, as it stands now."""

    printer: Printer


@dataclass(frozen=True, slots=True)
class PrintEndsAt:
    """A running print takes longer than was thought, or is done sooner."""

    printer: str
    ready_s: int


@dataclass(frozen=True, slots=True)
class PrintFailed:
    """A print ended early, and its plate is not clear. again: the job with one print more, if there is to be
    one, and without the printers that are not to try it again."""

    printer: str
    again: Job | None = None


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job is new, or its dates, copies or printers are others."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobGone:
    """Cancelled or held: none of its prints is to be begun."""

    job: str


Event: TypeAlias = PrinterLost | PrinterBack | PrintEndsAt | PrintFailed | JobChanged | JobGone


def found_by_search(problem: Problem, config: SearchConfig) -> Schedule:
    """A new plan. What it is compiled with is loaded by the first that asks."""
    from farm.schedule.solve import solve

    return solve(problem, config)


def replan(
    problem: Problem,
    previous: Schedule,
    events: Iterable[Event],
    config: SearchConfig,
    solver: Solver = found_by_search,
) -> Schedule:
    """The best plan for the problem as it is after the events.

    previous: the adopted plan, for the same now; what of it can stay is what the search begins with and what
    moving costs are counted from. The old plan shifted right is the answer when nothing better is found.
    """
    after = apply(problem, previous, events)
    repaired = repair(after, previous)
    return better_of(after, repaired, solver(after, config))


def apply(problem: Problem, previous: Schedule, events: Iterable[Event]) -> Problem:
    """The problem after the events, with the plan that people know."""
    printers = {printer.id: printer for printer in problem.printers}
    jobs = {job.id: job for job in problem.jobs}
    for event in events:
        _happen(event, printers, jobs)
    return replace(
        problem,
        printers=tuple(printers.values()),
        jobs=tuple(jobs.values()),
        previous=_places(previous.placements, jobs),
    )


def _happen(event: Event, printers: dict[str, Printer], jobs: dict[str, Job]) -> None:
    match event:
        case PrinterLost(name):
            printers[name] = replace(printers[name], blocked=((0, FOREVER),))
        case PrinterBack(printer):
            printers[printer.id] = printer
        case PrintEndsAt(name, ready_s):
            running = printers[name].running or Running("")
            printers[name] = replace(printers[name], ready_s=ready_s, running=running)
        case PrintFailed(name, again):
            printers[name] = replace(printers[name], ready_s=0, running=None, plate_clear=False)
            if again is not None:
                jobs[again.id] = again
        case JobChanged(job):
            jobs[job.id] = job
        case JobGone(name):
            jobs.pop(name, None)


def _places(placements: Iterable[Placement], jobs: Mapping[str, Job]) -> dict[tuple[str, int], Placed]:
    """Where prints were that are still to be begun."""
    return {
        (one.job, one.copy): Placed(one.printer, one.hand_work_start, one.start)
        for one in placements
        if one.job in jobs and one.copy < jobs[one.job].copies
    }


def repair(problem: Problem, previous: Schedule) -> Schedule:
    """The old plan shifted right: prints in their order, on their printers, each as early as can be after the
    one before it. What has no place there any more, and what is new, goes to where it ends soonest."""
    room = Room(problem, ())
    stock = Stock(room.shop)
    homeless: list[tuple[Job, int]] = []
    kept = _places(previous.placements, room.shop.jobs)
    for (name, copy), place in sorted(kept.items(), key=lambda one: (one[1].start, one[1].hand_work_start)):
        job, printer = room.shop.jobs[name], room.shop.printers.get(place.printer)
        slot = None if printer is None else room.earliest(job, printer, copy, last=True)
        if slot is None or not stock.take(job):
            homeless.append((job, copy))
        else:
            room.put(slot)
    homeless += [
        (job, copy) for job in problem.jobs for copy in range(job.copies) if (job.id, copy) not in kept
    ]
    for job, copy in sorted(homeless, key=lambda one: (-one[0].weight, one[0].release_s)):
        slot = room.anywhere(job, copy)
        if slot is not None and stock.take(job):
            room.put(slot)
    return _whole(problem, room.placements)


def _whole(problem: Problem, placements: Sequence[Placement]) -> Schedule:
    """The plan with all that is said of one."""
    schedule = Schedule(
        tuple(placements),
        why_left_out(problem, placements, most_asked=0),
        search=Search(stopped="the old plan was put right"),
    )
    return replace(schedule, metrics=evaluate(problem, schedule))


def better_of(problem: Problem, repaired: Schedule, found: Schedule) -> Schedule:
    """What was found, unless it leaves out more or costs more than the old plan put right."""
    ours = repaired.metrics or evaluate(problem, repaired)
    theirs = found.metrics or evaluate(problem, found)
    if rank(theirs) <= rank(ours):
        return found
    return replace(repaired, bound=found.bound)
