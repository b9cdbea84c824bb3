"""From what the farm knows to the problem: moments become seconds from now.

Rounded so that a plan is never too good: what is to come begins later and ends later, people are there for
less, and windows that are closed are closed a little longer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime

from farm.domain.compatibility import estimated, print_time_s, used_filament
from farm.domain.durations import MEGABYTE, Pace, Phase
from farm.domain.file import FileAnalysis
from farm.domain.job import Job
from farm.domain.plan import Planned
from farm.domain.printer import Printer
from farm.domain.spool import Spool
from farm.schedule import problem as posed
from farm.schedule.calendar import blocked_spans, staffed_spans
from farm.schedule.eligible import Eligible
from farm.schedule.expected import Orders
from farm.schedule.facts import Facts, KnownFile, Station
from farm.schedule.problem import Filament, HandWork, Problem
from farm.schedule.result import Placement, Schedule

MARGIN_S = 60  # a print that is about to end is not counted on before
UNKNOWN_PRINT_S = 4 * 3600  # for a file that does not say how long it takes
MOST_CLEARING_S = 1200  # of somebody's work; what a plate lies longer it waits, and others are worked at
HEAT_UP_S = 300.0  # where the printer's profile does not say
DOUBTFUL_RISK = 0.3  # of a print on a printer that something was wrong with, until it has printed well
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
    paces = Paces(facts, names)
    there = [station for station in facts.stations if not station.away or station.free_at is not None]
    return Problem(
        now=at,
        zone=shop.timezone,
        printers=tuple(_printer(station, facts, names) for station in there),
        jobs=tuple(_job(job, eligible, paces, facts, names) for job in facts.jobs if job.to_begin),
        staffed=staffed_spans(shop, at, HORIZON_S),
        operators=shop.operators,
        power_w=None if shop.power_limit_kw is None else shop.power_limit_kw * 1000,
        circuits_w={name: kw * 1000 for name, kw in shop.circuits.items()},
        stock_g=_stock(facts.spools),
        hand_work=_hand_work(facts),
        weights=posed.Weights(**asdict(facts.settings.weights)),
        previous=_previous(facts, names),
    )


def _printer(station: Station, facts: Facts, names: Names) -> posed.Printer:
    printer, profile, at = station.printer, station.printer.profile, facts.at
    heats_s = _heats_s(printer, facts)
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
        auto_eject=station.ejects_s is not None,
        eject_s=math.ceil(station.ejects_s or 0.0),
        blocked=blocked_spans(facts.constraints, printer.id, at),
        spread=facts.durations.spread(printer.id),
        risk=DOUBTFUL_RISK if station.doubt else 0.0,
        running=_running(station, at, heats_s, names),
    )


def _heats_s(printer: Printer, facts: Facts) -> int:
    """For how long it draws its peak: as was learned, else as somebody said."""
    profile, learned = printer.profile, facts.durations.of(Phase.HEAT, printer.id)
    if not profile.heat_up_w:
        return 0
    if learned is not None and learned.count:
        return math.ceil(learned.mean)
    return math.ceil(profile.heat_up_s if profile.heat_up_s is not None else HEAT_UP_S)


def _running(station: Station, at: datetime, heats_s: int, names: Names) -> posed.Running | None:
    """What it prints now, for whomever; since when it prints what was started at it nobody knows."""
    if station.free_at is None:
        return None
    job = names.job.get(station.prints or "", "")
    if station.began_at is None:
        return posed.Running(job)
    return posed.Running(job, max(0, _later(station.began_at, at) + heats_s))


def _hand_work(facts: Facts) -> HandWork:
    """With what clearing a plate really takes: coming, letting it cool, and taking it off.

    Where the people are counted that is too much of their time: they do something else while it cools.
    """
    usual, durations = HandWork(), facts.durations
    cleared, cools = durations.everywhere(Phase.CLEAR), durations.everywhere(Phase.COOL)
    if facts.constraints.operators is not None or (cleared is None and cools is None):
        return usual
    clear_s = cleared.mean if cleared is not None else usual.clear_s + (cools.mean if cools else 0.0)
    return replace(usual, clear_s=min(MOST_CLEARING_S, math.ceil(clear_s)))


class Paces:
    """How long prints take on each printer. names: of the printers in the problem."""

    def __init__(self, facts: Facts, names: Names) -> None:
        self._learned = bool(facts.durations.phases)
        self._paces: dict[Phase, dict[str, Pace]] = {
            phase: {name: facts.durations.pace(id, phase) for id, name in names.printer.items()}
            for phase in ((Phase.PRINT_SLICER, Phase.PRINT_MOTION) if self._learned else ())
        }

    def of(self, file: KnownFile, printers: Iterable[str]) -> dict[str, int]:
        """Whole seconds that a print of the file takes, by these printers' names."""
        told = estimated(file.analysis)
        if not self._learned or told is None:
            return dict.fromkeys(printers, _as_told_s(file.analysis))
        paces, mb = self._paces[told.phase], file.size / MEGABYTE
        return {name: max(1, math.ceil(paces[name].takes_s(told, mb))) for name in printers}


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


def _as_told_s(analysis: FileAnalysis) -> int:
    return max(1, math.ceil(print_time_s(analysis) or UNKNOWN_PRINT_S))


def _job(job: Job, eligible: Eligible, paces: Paces, facts: Facts, names: Names) -> posed.Job:
    file, at = facts.files[job.file], facts.at
    analysis, places = file.analysis, eligible.places(job)
    max_print_s = _max_print_s(analysis, facts)
    due = min((due for due in (job.due_at, facts.order_due.get(job.order or "")) if due), default=None)
    return posed.Job(
        id=names.job[job.id],
        estimate_s=paces.of(file, places.printers)
        if max_print_s is None
        else dict.fromkeys(places.printers, _as_told_s(analysis)),
        copies=job.to_begin,
        filament=_filament(job, analysis),
        grams=_grams(analysis),
        allow_short_filament=job.allow_short_filament,
        weight=2.0 ** max(LEAST_PRIORITY, min(MOST_PRIORITY, job.priority)),
        release_s=0 if job.release_at is None else max(0, _later(job.release_at, at)),
        due_s=None if due is None else _sooner(due, at),
        deadline_s=None if job.deadline_at is None else _sooner(job.deadline_at, at),
        max_print_s=max_print_s,
        attended=job.attended,
        preferred=_called(job.preferred_printers or facts.constraints.preferred_printers, names),
        pin=_pin(job, at, names),
        excluded=places.excluded,
    )


def _max_print_s(analysis: FileAnalysis, facts: Facts) -> int | None:
    """Of a print that is too long by what its file says, as those read it who begin prints; what takes longer
    than it says has no limit."""
    most_s, told_s = facts.constraints.max_print_time_s, print_time_s(analysis) or UNKNOWN_PRINT_S
    return None if most_s is None or told_s <= most_s else math.floor(most_s)


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


def orders_of(facts: Facts, names: Names) -> Orders:
    """The customers' orders, in the problem's names and seconds."""
    return Orders(
        of_job={names.job[job.id]: job.order for job in facts.jobs if job.order is not None},
        on={
            names.printer[printer]: order
            for printer, order in facts.order_on.items()
            if printer in names.printer
        },
        due={order: _sooner(due, facts.at) for order, due in facts.order_due.items()},
        held=facts.orders_held,
    )


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
