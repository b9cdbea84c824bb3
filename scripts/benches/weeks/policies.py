"""Who decides what is printed next: rules that look at one printer, and a plan that is made anew and anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from math import exp
from statistics import mean

from farm.domain import settings
from farm.schedule.config import SearchConfig
from farm.schedule.problem import FOREVER, Job, Placed, Printer, Problem, Running, Span, Weights
from farm.schedule.replan import better_of, found_by_search, repair
from farm.schedule.result import Placement, Schedule
from farm.schedule.slots import staffed
from farm.schedule.validate import validate
from scripts.benches.weeks.fate import HOUR, MINUTE
from scripts.benches.weeks.floor import Floor, Station
from scripts.benches.weeks.learning import learned

Urgency = Callable[[Floor, Station, Job], tuple[float, ...]]
"""What waits at a printer: the lowest comes first."""

SLACK, SETUP = 2.0, 0.5  # of ATCS: mean prints and usual set-ups, by which it measures
OVERDUE_S = 5 * MINUTE  # a print that ought to have ended is taken to last so much longer
LOOKED_AT_S = 12 * HOUR  # ahead: what people have seen, and may have prepared
NOTICED_S = 30 * MINUTE
AS_ESTIMATED: Mapping[str, float] = {}


def _due(job: Job) -> float:
    return FOREVER if job.due_s is None else job.due_s


def _first_come(floor: Floor, station: Station, job: Job) -> tuple[float, ...]:
    return (job.release_s,)


def _first_due(floor: Floor, station: Station, job: Job) -> tuple[float, ...]:
    return (_due(job),)


def _weightiest(floor: Floor, station: Station, job: Job) -> tuple[float, ...]:
    return -job.weight, _due(job)


def _most_weight_for_its_time(floor: Floor, station: Station, job: Job) -> tuple[float, ...]:
    return (-job.weight / (job.estimate_s[station.printer.id] + floor.hands(station, job).total_s),)


def _atcs(floor: Floor, station: Station, job: Job) -> tuple[float, ...]:
    """Weight for its time, less for what has time yet and for what needs a change (Lee & Pinedo 1997)."""
    problem, length = floor.week.problem, job.estimate_s[station.printer.id]
    calm = SLACK * mean(min(one.estimate_s.values()) for one in problem.jobs)
    ease = SETUP * (problem.hand_work.clear_s + problem.hand_work.colour_s)
    slack = max(0.0, _due(job) - length - floor.now)
    hands_s = floor.hands(station, job).total_s
    return (-job.weight / length * exp(-slack / calm) * exp(-hands_s / ease),)


RULES: Mapping[str, Urgency] = {
    "FIFO": _first_come,
    "EDD": _first_due,
    "priority, EDD": _weightiest,
    "WSPT": _most_weight_for_its_time,
    "ATCS": _atcs,
}


@dataclass(frozen=True, slots=True)
class ByRule:
    """Whenever a printer is free and somebody is there, it is given the most urgent of what waits."""

    urgency: Urgency

    def heard(self, floor: Floor) -> None:
        pass

    def next_for(self, floor: Floor, station: Station) -> Job | None:
        able = (job for job in floor.waiting.values() if floor.can_begin(station, job))
        return min(able, key=lambda job: self.urgency(floor, station, job), default=None)

    def wakes_s(self, floor: Floor) -> int:
        return FOREVER


@dataclass(slots=True)
class ByPlan:
    """A plan for all that waits, made anew from the last one whenever something has happened, and followed.

    tries: for each plan; a busy machine has as many of them as an idle one. changes: prints that people have
    seen coming within the next hours, and that a new plan puts on another printer, or so much sooner or later
    that they notice. A plan that breaks a rule ends the week. learns: it plans with how long prints have
    taken so far, instead of with what is estimated.
    """

    tries: int
    learns: bool = False
    plans: int = 0
    changes: int = 0
    _plan: Schedule = field(default=Schedule(()))
    """In seconds from the beginning of the week."""

    def heard(self, floor: Floor) -> None:
        waits = tuple(one for one in self._plan.placements if one.job in floor.waiting)
        before = replace(self._plan, placements=tuple(_moved(one, -floor.now) for one in waits))
        ratios = {name: one.mean for name, one in learned(floor).items()} if self.learns else {}
        problem = as_it_is(floor, before, ratios)
        found = found_by_search(problem, SearchConfig(iterations=self.tries, exact=False))
        best = better_of(problem, repair(problem, before), found)
        broken = validate(problem, best)
        if broken:
            raise RuntimeError(f"a plan breaks a rule: {broken[0].what}")
        self.plans += 1
        self.changes += noticed(before, best)
        self._plan = replace(best, placements=tuple(_moved(one, floor.now) for one in best.placements))

    def next_for(self, floor: Floor, station: Station) -> Job | None:
        line = (one for one in self._plan.placements if one.printer == station.printer.id)
        first = min(
            (one for one in line if one.job in floor.waiting),
            key=lambda one: one.hand_work_start,
            default=None,
        )
        if first is None or first.hand_work_start > floor.now:
            return None
        job = floor.waiting[first.job]
        return job if floor.can_begin(station, job) else None

    def wakes_s(self, floor: Floor) -> int:
        starts = (one.hand_work_start for one in self._plan.placements)
        return min((start for start in starts if start > floor.now), default=FOREVER)


def noticed(before: Schedule, after: Schedule) -> int:
    """Of the prints that were coming soon: how many are elsewhere now, or at quite another time."""
    now = {one.job: one for one in after.placements}
    soon = [one for one in before.placements if one.start < LOOKED_AT_S]
    return sum(
        one.job not in now
        or now[one.job].printer != one.printer
        or abs(now[one.job].start - one.start) > NOTICED_S
        for one in soon
    )


def as_it_is(floor: Floor, plan: Schedule, ratios: Mapping[str, float] = AS_ESTIMATED) -> Problem:
    """What is to be planned at this moment, and from there on; in the prices that a farm begins with.

    plan: the one that people know, in seconds from now. ratios: by the printer, how much longer prints are
    taken to take than is estimated.
    """
    problem, now = floor.week.problem, floor.now
    return replace(
        problem,
        now=problem.now + timedelta(seconds=now),
        printers=tuple(_printer(one, now, ratios.get(one.printer.id, 1.0)) for one in floor.stations),
        jobs=tuple(
            replace(
                job,
                release_s=0,
                due_s=None if job.due_s is None else job.due_s - now,
                estimate_s={
                    printer: round(seconds * ratios.get(printer, 1.0))
                    for printer, seconds in job.estimate_s.items()
                },
            )
            for job in floor.waiting.values()
        ),
        staffed=_from(staffed(problem), now),
        weights=Weights(**asdict(settings.Weights())),
        previous=_previous(plan),
    )


def _previous(plan: Schedule) -> dict[tuple[str, int], Placed]:
    """What people know. What ought to have begun is to begin now, one after the other as it was to."""
    line = sorted(plan.placements, key=lambda one: one.hand_work_start)
    overdue = {(one.job, one.copy): rank for rank, one in enumerate(line) if one.hand_work_start < 0}
    return {
        (one.job, one.copy): Placed(
            one.printer,
            max(overdue.get((one.job, one.copy), 0), one.hand_work_start),
            max(overdue.get((one.job, one.copy), 0), one.start),
        )
        for one in plan.placements
    }


def _printer(station: Station, now: int, ratio: float) -> Printer:
    """As it stands; a print ends when it is expected to, or soon."""
    work, stands = station.work, station.stands
    printer = replace(
        station.printer,
        ready_s=0,
        running=None,
        plate_clear=stands.clear,
        loaded=stands.filament,
        grams_left=stands.grams,
        blocked=_from(station.printer.blocked, now),
    )
    if work is None:
        return printer
    starts_s = max(work.hands[1], now) if work.starts_s is None else work.starts_s
    heats_until_s = starts_s + printer.heat_up_s if work.job is not None else 0
    return replace(
        printer,
        ready_s=max(starts_s + round(work.expected_s * ratio) - now, OVERDUE_S),
        running=Running(work.job.id if work.job is not None else "", max(0, heats_until_s - now)),
    )


def _from(spans: Iterable[Span], now: int) -> tuple[Span, ...]:
    return tuple((max(0, start - now), end - now) for start, end in spans if end > now)


def _moved(placement: Placement, by_s: int) -> Placement:
    return replace(
        placement,
        hand_work_start=placement.hand_work_start + by_s,
        hand_work_end=placement.hand_work_end + by_s,
        start=placement.start + by_s,
        end=placement.end + by_s,
    )
