"""From what the farm knows to the problem: moments become seconds from now.

Rounded so that a plan is never too good: what is to come begins later and ends later, people are there for
less, and windows that are closed are closed a little longer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from farm.domain.compatibility import print_time_s, used_filament
from farm.domain.file import FileAnalysis
from farm.domain.job import Job
from farm.domain.plan import Planned
from farm.domain.printer import Printer, Profile
from farm.domain.spool import Spool
from farm.schedule import problem as posed
from farm.schedule.calendar import blocked_spans, staffed_spans
from farm.schedule.eligible import Eligible
from farm.schedule.facts import Facts, Station
from farm.schedule.problem import Filament, Problem
from farm.schedule.result import Placement, Schedule

MARGIN_S = 60  # a print that is about to end is not counted on before
UNKNOWN_PRINT_S = 4 * 3600  # for a file that does not say how long it takes
HEAT_UP_S = 300.0  # where the printer's profile does not say
HORIZON_S = 60 * 86_400  # hours and closed dates beyond do not matter
LEAST_PRIORITY, MOST_PRIORITY = -10, 20  # a weight is two to the power of it


class Names:
    """What jobs and printers are called in a problem: as people call them, so that sentences can be read.

    Where two have the same name, the id is told with it.
    """

    def __init__(self, facts: Facts) -> None:
        self.job = _told_apart({job.id: job.name for job in facts.jobs})
        self.printer = _told_apart({station.printer.id: station.printer.name for station in facts.stations})
        self.job_id = {name: id for id, name in self.job.items()}
        self.printer_id = {name: id for id, name in self.printer.items()}


def _told_apart(names: Mapping[str, str]) -> dict[str, str]:
    often = Counter(names.values())
    apart = {id: name if often[name] == 1 else f"{name} ({id})" for id, name in names.items()}
    if len(set(apart.values())) < len(apart):  # somebody has called one as we would call another
        return {id: f"{name} ({id})" for id, name in names.items()}
    return apart


def problem_of(facts: Facts, names: Names) -> Problem:
    """What is to be planned, as the farm stands.

    Printers that are away are given nothing; what they still print draws its power.
    """
    shop, at, eligible = facts.constraints, facts.at, Eligible(facts, names.printer)
    there = [station for station in facts.stations if not station.away or station.free_at is not None]
    return Problem(
        now=at,
        zone=shop.timezone,
        printers=tuple(_printer(station, facts, names) for station in there),
        jobs=tuple(_job(job, eligible, facts, names) for job in facts.jobs if job.to_begin),
        staffed=staffed_spans(shop, at, HORIZON_S),
        operators=shop.operators,
        power_w=None if shop.power_limit_kw is None else shop.power_limit_kw * 1000,
        circuits_w={name: kw * 1000 for name, kw in shop.circuits.items()},
        stock_g=_stock(facts.spools),
        max_print_s=None if shop.max_print_time_s is None else math.floor(shop.max_print_time_s),
        weights=posed.Weights(**asdict(facts.settings.weights)),
        previous=_previous(facts, names),
    )


def _printer(station: Station, facts: Facts, names: Names) -> posed.Printer:
    printer, profile, at = station.printer, station.printer.profile, facts.at
    heats_s = _heats_s(profile)
    return posed.Printer(
        id=names.printer[printer.id],
        ready_s=0 if station.free_at is None else max(MARGIN_S, _later(station.free_at, at)),
        plate_clear=station.plate_clear and station.prints is None,
        loaded=_loaded(printer),
        grams_left=station.left_g,
        heat_up_w=profile.heat_up_w or 0.0,
        heat_up_s=heats_s,
        printing_w=profile.printing_w or 0.0,
        circuit=profile.circuit,
        auto_eject=profile.auto_eject,
        blocked=blocked_spans(facts.constraints, printer.id, at),
        running=_running(station, at, names),
    )


def _heats_s(profile: Profile) -> int:
    if not profile.heat_up_w:
        return 0
    return math.ceil(profile.heat_up_s if profile.heat_up_s is not None else HEAT_UP_S)


def _running(station: Station, at: datetime, names: Names) -> posed.Running | None:
    """What it prints now, for whomever; since when it prints what was started at it nobody knows."""
    if station.free_at is None:
        return None
    job = names.job.get(station.prints or "", "")
    if station.began_at is None:
        return posed.Running(job)
    return posed.Running(job, max(0, _later(station.began_at, at) + _heats_s(station.printer.profile)))


def _loaded(printer: Printer) -> Filament | None:
    first = next((one for one in printer.profile.loaded if one.tool == 0), None)
    return None if first is None or first.material is None else _called_the_same(first.material, first.colour)


def _called_the_same(material: str, colour: str | None) -> Filament:
    """As everybody calls it, however somebody wrote it. colour: None for any, or where nobody said which."""
    return Filament(material.upper(), (colour or "").lower())


def _stock(spools: Iterable[Spool]) -> dict[Filament, float]:
    """Grams of each filament, and of each material in any colour; not of those of which nobody knows all."""
    left: dict[Filament, list[float | None]] = defaultdict(list)
    for spool in spools:
        for colour in {"", spool.colour or ""}:
            left[_called_the_same(spool.material, colour)].append(spool.left_g)
    return {
        filament: sum(grams for grams in those if grams is not None)
        for filament, those in left.items()
        if None not in those
    }


def _job(job: Job, eligible: Eligible, facts: Facts, names: Names) -> posed.Job:
    analysis, at = facts.files[job.file].analysis, facts.at
    print_s = max(1, math.ceil(print_time_s(analysis) or UNKNOWN_PRINT_S))
    places = eligible.places(job)
    due = min((due for due in (job.due_at, facts.order_due.get(job.order or "")) if due), default=None)
    return posed.Job(
        id=names.job[job.id],
        estimate_s=dict.fromkeys(places.printers, print_s),
        copies=job.to_begin,
        filament=_filament(job, analysis),
        grams=_grams(analysis),
        allow_short_filament=job.allow_short_filament,
        weight=2.0 ** max(LEAST_PRIORITY, min(MOST_PRIORITY, job.priority)),
        release_s=0 if job.release_at is None else max(0, _later(job.release_at, at)),
        due_s=None if due is None else _sooner(due, at),
        deadline_s=None if job.deadline_at is None else _sooner(job.deadline_at, at),
        attended=job.attended,
        preferred=_called(job.preferred_printers or facts.constraints.preferred_printers, names),
        pin=_pin(job, at, names),
        excluded=places.excluded,
    )


def _called(printers: Iterable[str], names: Names) -> frozenset[str]:
    return frozenset(names.printer[printer] for printer in printers if printer in names.printer)


def _filament(job: Job, analysis: FileAnalysis) -> Filament | None:
    """Of the first tool that prints; the job's own word goes before its file's."""
    used = next(iter(used_filament(analysis)), None)
    material = job.material or (used.material if used is not None else None)
    return None if material is None else _called_the_same(material, job.colour)


def _pin(job: Job, at: datetime, names: Names) -> posed.Pin | None:
    if job.pin is None or job.pin.printer not in names.printer:
        return None
    start_s = None if job.pin.start is None else max(0, _later(job.pin.start, at))
    return posed.Pin(names.printer[job.pin.printer], start_s)


def _grams(analysis: FileAnalysis) -> float | None:
    used = used_filament(analysis)
    if not used or any(each.g is None for each in used):
        return None
    return sum(each.g or 0.0 for each in used)


def _previous(facts: Facts, names: Names) -> Mapping[tuple[str, int], posed.Placed]:
    """What of the plan in force is still to be begun; prints of a job are counted anew, from the first."""
    if facts.plan is None:
        return {}
    wanted = {job.id: job.to_begin for job in facts.jobs}
    seen: Counter[str] = Counter()
    before: dict[tuple[str, int], posed.Placed] = {}
    for one in sorted(facts.plan.placements, key=lambda each: (each.start, each.printer)):
        if seen[one.job] < wanted.get(one.job, 0):
            start, hands = _later(one.start, facts.at), _later(one.hand_work_start, facts.at)
            printer = names.printer.get(one.printer, one.printer)
            before[names.job[one.job], seen[one.job]] = posed.Placed(printer, hands, start)
            seen[one.job] += 1
    return before


def schedule_of(facts: Facts, problem: Problem, names: Names) -> Schedule:
    """The plan in force, as far as it is still to be begun and the farm is still there for it."""
    if facts.plan is None:
        return Schedule(())
    jobs = {job.id: job for job in problem.jobs}
    seen: Counter[str] = Counter()
    left: list[Placement] = []
    for one in sorted(facts.plan.placements, key=lambda each: (each.start, each.printer)):
        job, printer = jobs.get(names.job.get(one.job, "")), names.printer.get(one.printer, "")
        if job is not None and seen[one.job] < job.copies and printer in job.estimate_s:
            left.append(_placement(one, job.id, seen[one.job], printer, facts.at))
            seen[one.job] += 1
    return Schedule(tuple(left))


def _placement(one: Planned, job: str, copy: int, printer: str, at: datetime) -> Placement:
    return Placement(
        job,
        copy,
        printer,
        max(0, _later(one.hand_work_start, at)),
        max(0, _later(one.hand_work_end, at)),
        max(0, _later(one.start, at)),
        max(0, _later(one.end, at)),
        one.locked,
    )


def _later(moment: datetime, now: datetime) -> int:
    return math.ceil((moment - now).total_seconds())


def _sooner(moment: datetime, now: datetime) -> int:
    return math.floor((moment - now).total_seconds())
