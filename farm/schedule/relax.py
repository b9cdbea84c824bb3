"""Why a print has no place in a plan, printer by printer, and what would give it one.

Everything is asked of the plan as it is: what stands in it stays, and one rule at a time is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from farm.schedule.problem import Job, Printer, Problem, Reason
from farm.schedule.result import Placement, Relaxed, Schedule, Unscheduled
from farm.schedule.rules import Rule
from farm.schedule.shop import Shop, Stock
from farm.schedule.slots import Room, Slot
from farm.schedule.words import at, counted, filament, grams, lasting, listed, watts

MOST_COPIES = 20  # that are laid into a plan to say when the last of them is done


@dataclass(frozen=True, slots=True)
class Placing:
    """A job laid into what is free of a plan: every print of it, in the order in which they were laid."""

    slots: tuple[Slot, ...]

    @property
    def end_s(self) -> int:
        """Of the last print."""
        return max(slot.placement.end for slot in self.slots)


def lay(room: Room, job: Job, copies: Sequence[int]) -> Placing | None:
    """Lay prints of the job into what is free, each where it ends soonest; None where one has no place."""
    slots: list[Slot] = []
    if len(copies) > 1:
        room = Room(room.problem, room.placements)  # others go on asking the one that was given
    for copy in copies:
        slot = room.anywhere(job, copy)
        if slot is None:
            return None
        slots.append(slot)
        if len(copies) > 1:
            room.put(slot)
    return Placing(tuple(slots))


# -- giving up one rule --------------------------------------------------------------------------------


def _everywhere(problem: Problem, **changes: object) -> Problem:
    printers = tuple(replace(printer, **changes) for printer in problem.printers)  # type: ignore[arg-type]
    return replace(problem, printers=printers)


def _any_length(problem: Problem) -> Problem:
    return replace(_everywhere(problem, max_print_s=None), max_print_s=None)


_OF_THE_SHOP: Mapping[Rule, Callable[[Problem], Problem]] = {
    Rule.MAX_PRINT_TIME: _any_length,
    Rule.WORKING_HOURS: lambda problem: replace(problem, staffed=None),
    Rule.ATTENDED: lambda problem: _everywhere(problem, attended=False),
    Rule.MAINTENANCE: lambda problem: _everywhere(problem, blocked=()),
    Rule.OPERATORS: lambda problem: replace(problem, operators=None),
    Rule.POWER: lambda problem: replace(problem, power_w=None),
    Rule.CIRCUIT: lambda problem: replace(problem, circuits_w={}),
}

_OF_THE_JOB: Mapping[Rule, Callable[[Job], Job]] = {
    Rule.MAX_PRINT_TIME: lambda job: replace(job, max_print_s=None),
    Rule.ATTENDED: lambda job: replace(job, attended=False),
    Rule.DEADLINE: lambda job: replace(job, deadline_s=None),
    Rule.RELEASE: lambda job: replace(job, release_s=0),
    Rule.PIN: lambda job: replace(job, pin=None),
    Rule.STOCK: lambda job: replace(job, allow_short_filament=True),
}

_ONE_BY_ONE = (
    Rule.STOCK,
    Rule.PIN,
    Rule.MAX_PRINT_TIME,
    Rule.OPERATORS,
    Rule.CIRCUIT,
    Rule.POWER,
    Rule.MAINTENANCE,
    Rule.ATTENDED,
    Rule.WORKING_HOURS,
    Rule.RELEASE,
    Rule.DEADLINE,
)

_GIVEN_UP: Mapping[Rule, str] = {
    Rule.STOCK: "print although there is too little filament",
    Rule.PIN: "let it be printed on any printer",
    Rule.MAX_PRINT_TIME: "allow longer prints",
    Rule.OPERATORS: "have more people there at once",
    Rule.CIRCUIT: "allow more power on the circuit",
    Rule.POWER: "allow more power",
    Rule.MAINTENANCE: "put the maintenance off",
    Rule.ATTENDED: "let it print with nobody there",
    Rule.WORKING_HOURS: "have somebody there outside working hours",
    Rule.RELEASE: "begin it before its release",
    Rule.DEADLINE: "accept it after its deadline",
}


def in_words(rule: Rule) -> str:
    """What a person would do to give up that rule."""
    return _GIVEN_UP[rule]


class WhatIf:
    """A plan asked what would be if one rule did not hold.

    schedule: without the prints that are asked about.
    """

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        self.problem = problem
        self.schedule = schedule
        self._rooms: dict[Rule | None, Room] = {}
        self._stock = Stock(Shop(problem), schedule.placements)

    def room(self, rule: Rule | None = None) -> Room:
        """What is free, with that rule of the shop given up."""
        if rule not in _OF_THE_SHOP:
            rule = None
        if rule not in self._rooms:
            problem = self.problem if rule is None else _OF_THE_SHOP[rule](self.problem)
            self._rooms[rule] = Room(problem, self.schedule.placements)
        return self._rooms[rule]

    def job_without(self, job: Job, rule: Rule | None) -> Job:
        change = None if rule is None else _OF_THE_JOB.get(rule)
        return job if change is None else change(job)

    def slot(self, job: Job, printer: Printer, rule: Rule | None = None) -> Slot | None:
        """The earliest place on a printer, with that rule given up; None where filament is short, too."""
        eased, room = self.job_without(job, rule), self.room(rule)
        if self.stock_left(eased) is not None:
            return None
        return room.earliest(eased, room.shop.printers[printer.id])

    def stock_left(self, job: Job, prints: int = 1) -> float | None:
        """The grams that are left for a job whose prints take more; None where there is enough."""
        return self._stock.too_little_for(job, prints)

    def relaxed(self, job: Job, copies: Sequence[int]) -> Iterator[tuple[Rule, Placing]]:
        """Every rule that, given up by itself, gives all those prints a place; and the place."""
        for rule in _ONE_BY_ONE:
            eased = self.job_without(job, rule)
            if self.stock_left(eased, len(copies)) is not None:
                continue
            placing = lay(self.room(rule), eased, copies[:MOST_COPIES])
            if placing is not None:
                yield rule, placing


# -- why there is no place -----------------------------------------------------------------------------


def why_left_out(
    problem: Problem, placements: Iterable[Placement], most_asked: int = 10
) -> tuple[Unscheduled, ...]:
    """All that is not in the plan, with the reasons. most_asked: jobs of which it is asked what would place
    them: what leaves out thousands has one cause, and people wait; `explain` answers for any."""
    schedule = Schedule(tuple(placements))
    here: dict[str, set[int]] = {}
    for one in schedule.placements:
        here.setdefault(one.job, set()).add(one.copy)
    what_if = WhatIf(problem, schedule)
    found: list[Unscheduled] = []
    for job in problem.jobs:
        missing = [copy for copy in range(job.copies) if copy not in here.get(job.id, ())]
        if missing:
            asked = len(found) < most_asked
            found.append(_left_out(what_if, job, missing, asked))
    return tuple(found)


def _left_out(what_if: WhatIf, job: Job, missing: Sequence[int], asked: bool) -> Unscheduled:
    why = tuple(reasons(what_if, job, len(missing)))
    best = min(what_if.relaxed(job, missing), key=lambda one: one[1].end_s, default=None) if asked else None
    relaxed = None if best is None else Relaxed(best[0], best[1].end_s)
    return Unscheduled(job.id, len(missing), why, relaxed)


def reasons(what_if: WhatIf, job: Job, prints: int = 1) -> Iterator[Reason]:
    """Why so many prints of it have no place: for each printer, or one that is about no printer."""
    left = what_if.stock_left(job, prints)
    if left is not None:
        needed = f"{grams(prints * (job.grams or 0))} of {filament(job.filament)}"
        yield Reason(None, Rule.STOCK, needed, f"{grams(max(0.0, left))} that nothing is planned for")
        return
    for printer in what_if.problem.printers:
        yield from _reasons_on(what_if, job, printer)


def _reasons_on(what_if: WhatIf, job: Job, printer: Printer) -> Iterator[Reason]:
    if printer.id not in job.estimate_s:
        told = [why for why in job.excluded if why.printer == printer.id]
        yield from told or [Reason(printer.id, Rule.COMPATIBILITY, "a printer that fits", "it does not fit")]
        return
    never = list(_never(what_if.room().shop, job, printer))
    if never:
        yield from never
    elif what_if.slot(job, printer) is None:
        yield _for_want_of_time(what_if, job, printer)


def _never(shop: Shop, job: Job, printer: Printer) -> Iterator[Reason]:
    """Whatever is asked of the printer by itself, and will not be had at any time."""
    problem, took = shop.problem, job.estimate_s[printer.id]
    if job.pin is not None and job.pin.printer != printer.id:
        yield Reason(printer.id, Rule.PIN, job.pin.printer, printer.id)
    limit = shop.max_print_s(printer, job)
    if limit is not None and took > limit:
        yield Reason(printer.id, Rule.MAX_PRINT_TIME, lasting(took), f"at most {lasting(limit)}")
    peak = max(printer.heat_up_w, printer.printing_w)
    if problem.power_w is not None and peak > problem.power_w:
        yield Reason(printer.id, Rule.POWER, watts(peak), f"{watts(problem.power_w)} for the farm")
    on_circuit = None if printer.circuit is None else problem.circuits_w.get(printer.circuit)
    if on_circuit is not None and peak > on_circuit:
        have = f"{watts(on_circuit)} on circuit {printer.circuit}"
        yield Reason(printer.id, Rule.CIRCUIT, watts(peak), have)
    longest = max((end - start for start, end in problem.staffed or ()), default=0)
    if (job.attended or printer.attended) and problem.staffed is not None and took > longest:
        needed = f"{lasting(took)} with somebody there"
        yield Reason(printer.id, Rule.ATTENDED, needed, f"{lasting(longest)} at a stretch")


def _for_want_of_time(what_if: WhatIf, job: Job, printer: Printer) -> Reason:
    """It could be printed there, but not when: the rule that, given up by itself, makes room."""
    problem = what_if.problem
    for rule in _ONE_BY_ONE:
        slot = what_if.slot(job, printer, rule)
        if slot is None:
            continue
        if rule is Rule.DEADLINE:
            needed = f"done by {at(problem, job.deadline_s or 0)}"
            return Reason(printer.id, rule, needed, f"done {at(problem, slot.placement.end)} at the soonest")
        needed = f"a place from {at(problem, slot.placement.hand_work_start)}"
        return Reason(printer.id, rule, needed, "it is not there")
    return Reason(printer.id, Rule.OCCUPIED, f"{lasting(job.estimate_s[printer.id])} of it", "taken")


def why_words(job: Job, why: Sequence[Reason]) -> str:
    """Reasons in one sentence."""
    if not why:
        return f"Job {job.id} would fit, but the plan leaves it out."
    by_rule: dict[tuple[str, str, str], list[str]] = {}
    for one in why:
        by_rule.setdefault((one.constraint, one.needed, one.have), []).append(one.printer or "")
    parts = []
    for (constraint, needed, have), printers in by_rule.items():
        named = [printer for printer in printers if printer]
        where = f"on {_some(named)}: " if named else ""
        parts.append(f"{where}{constraint.replace('_', ' ')} (needed: {needed}; there: {have})")
    return f"Job {job.id} has no place. {'; '.join(parts)}."


def _some(names: Sequence[str], most: int = 5) -> str:
    if len(names) <= most:
        return listed(list(names))
    return f"{', '.join(names[:most])} and {counted(len(names) - most, 'more printer')}"
