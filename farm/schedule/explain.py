"""Why a job is printed where and when the plan says, and what would make it sooner: asked of the plan.

All other prints are left where they are. What a whole new plan would make of a wish is another question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from farm.errors import NotFound
from farm.schedule.chances import UNKNOWN, Chances, between, chances
from farm.schedule.evaluate import evaluate
from farm.schedule.problem import Job, Printer, Problem, Reason
from farm.schedule.relax import WhatIf, in_words, reasons, why_words
from farm.schedule.result import Placement, Relaxed, Schedule
from farm.schedule.rules import Rule
from farm.schedule.shop import Shop, by_printer
from farm.schedule.slots import Slot, placed, taken_out
from farm.schedule.words import at, clock, counted, lasting, percent, watts

MOST_ELSEWHERE = 5  # printers that are compared with the one that was chosen

_BINDING = (
    Rule.RELEASE,
    Rule.MAINTENANCE,
    Rule.ATTENDED,
    Rule.WORKING_HOURS,
    Rule.OPERATORS,
    Rule.CIRCUIT,
    Rule.POWER,
)
"""What can keep a print waiting at a printer that is free."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another printer for the same print. end_s: when it would be done there, and how much more the whole
    plan would cost; None with the reason where it has no place there."""

    printer: str
    end_s: int | None
    more_cost: float | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One print of the job. binding: what it waits for, None where it could be sooner without anything given
    up. why_here, why_then: sentences."""

    placement: Placement
    binding: Rule | None
    why_here: str
    why_then: str
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A job's place in the plan. late_s: after its due date. in_time: what would each make it in time.

    unscheduled: why prints of it are left out; relaxed: what would each place these. sure: how sure the plan
    is of its ends.
    """

    job: str
    standing: tuple[Standing, ...]
    late_s: int
    in_time: tuple[Relaxed, ...]
    unscheduled: tuple[Reason, ...]
    relaxed: tuple[Relaxed, ...]
    sentences: tuple[str, ...]
    sure: Chances = UNKNOWN


def explain(problem: Problem, schedule: Schedule, job_id: str) -> Explanation:
    """Why it stands where it stands. Raises NotFound for a job that is not in the problem."""
    shop = Shop(problem)
    job = shop.jobs.get(job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id} to be planned.")
    prints = sorted((one for one in schedule.placements if one.job == job_id), key=lambda one: one.end)
    last = prints[-1] if prints else None
    standing = [_standing(problem, schedule, shop, one) for one in prints]
    late_s = max(0, last.end - job.due_s) if last is not None and job.due_s is not None else 0
    in_time = tuple(_in_time(problem, schedule, job, last)) if late_s and last is not None else ()
    missing = [copy for copy in range(job.copies) if copy not in {one.copy for one in prints}]
    what_if = WhatIf(problem, schedule)
    why = tuple(reasons(what_if, job, len(missing))) if missing else ()
    relaxed = tuple(_relaxed(what_if, job, missing)) if missing else ()
    sure = chances(problem, schedule)
    said = [
        *(sentence for one in standing for sentence in _said(problem, one, len(prints), sure)),
        *_late_words(problem, job, last, late_s, in_time, sure.in_time.get(job.id)),
        *_missing_words(problem, job, missing, why, relaxed),
    ]
    return Explanation(job_id, tuple(standing), late_s, in_time, why, relaxed, tuple(said), sure)


# -- one print -----------------------------------------------------------------------------------------


def _standing(problem: Problem, schedule: Schedule, shop: Shop, one: Placement) -> Standing:
    job, printer = shop.jobs[one.job], shop.printers[one.printer]
    without = taken_out(problem, schedule, one)
    what_if = WhatIf(problem, without)
    elsewhere = tuple(_elsewhere(problem, schedule, what_if, job, one))
    binding, why_then = _why_then(what_if, schedule, job, printer, one)
    return Standing(one, binding, _why_here(problem, job, one, elsewhere), why_then, elsewhere)


def _elsewhere(
    problem: Problem, schedule: Schedule, what_if: WhatIf, job: Job, one: Placement
) -> Iterator[Elsewhere]:
    """The next-best printers, the cheapest first, then those on which it cannot be."""
    others = [printer for printer in problem.printers if printer.id != one.printer]
    slots = [(what_if.slot(job, printer), printer) for printer in others]
    possible = [(slot, printer) for slot, printer in slots if slot is not None]
    possible.sort(key=lambda pair: pair[0].placement.end)
    cost = evaluate(problem, schedule).cost
    found = []
    for slot, printer in possible[:MOST_ELSEWHERE]:
        more = evaluate(problem, _moved(what_if.schedule, slot, one)).cost - cost
        found.append(Elsewhere(printer.id, slot.placement.end, more))
    yield from sorted(found, key=lambda other: other.more_cost or 0.0)
    never = [printer.id for slot, printer in slots if slot is None]
    why = {reason.printer: reason for reason in reasons(what_if, job)} if never else {}
    yield from (Elsewhere(printer, None, None, why.get(printer, why.get(None))) for printer in never)


def _moved(without: Schedule, slot: Slot, one: Placement) -> Schedule:
    here = replace(slot, placement=replace(slot.placement, copy=one.copy))
    return replace(without, placements=placed(without, here))


def _why_here(problem: Problem, job: Job, one: Placement, elsewhere: Sequence[Elsewhere]) -> str:
    if job.pin is not None:
        return f"Somebody said that it has to be printed on {job.pin.printer}."
    before = problem.previous.get((one.job, one.copy))
    if one.locked and before is not None:
        return f"It was to be begun soon, and people have been told that it is printed on {one.printer}."
    possible = [other for other in elsewhere if other.end_s is not None and other.more_cost is not None]
    if not possible:
        return f"{one.printer} is the only printer that can print it."
    best = possible[0]
    end_s, more = best.end_s or 0, best.more_cost or 0.0
    later = end_s - one.end
    when = f"done {at(problem, end_s)}" + (f", {_by(later)}" if later else "")
    wish = " It was wished for." if one.printer in job.preferred else ""
    if more >= 0:
        return f"Of all printers it costs least on {one.printer}: next best is {best.printer}, {when}.{wish}"
    return (
        f"On {best.printer} it would be {when}, and cost {-more:.0f} less; the search has not found that yet."
    )


def _by(seconds: int) -> str:
    return f"{lasting(abs(seconds))} {'later' if seconds > 0 else 'sooner'}"


# -- why not sooner ------------------------------------------------------------------------------------


def _why_then(
    what_if: WhatIf, schedule: Schedule, job: Job, printer: Printer, one: Placement
) -> tuple[Rule | None, str]:
    """What keeps it from being done sooner on its printer, all else being as it is."""
    problem = what_if.problem
    soonest = what_if.slot(job, printer)
    if soonest is not None and soonest.placement.end < one.end:
        when = at(problem, soonest.placement.start)
        return None, f"There would be room from {when}; what comes before it was thought to matter more."
    if job.pin is not None and job.pin.start_s is not None and one.start == job.pin.start_s:
        return Rule.PIN, f"Somebody said that it is not to start before {at(problem, one.start)}."
    if _is_tight(schedule, printer, one):
        return _busy(problem, schedule, printer, one)
    for rule in _BINDING:
        slot = what_if.slot(job, printer, rule)
        if slot is not None and slot.placement.end < one.end:
            return rule, _binding_words(problem, rule, printer, one)
    return _busy(problem, schedule, printer, one)


def _is_tight(schedule: Schedule, printer: Printer, one: Placement) -> bool:
    """Whether it is made ready and started just as what is before it ends."""
    ends = {other.end for other in schedule.placements if other.printer == printer.id} | {printer.ready_s}
    return one.hand_work_start in ends and one.hand_work_end == one.start


def _busy(problem: Problem, schedule: Schedule, printer: Printer, one: Placement) -> tuple[Rule | None, str]:
    line = [other for other in by_printer(schedule.placements)[printer.id] if other.end <= one.start]
    before = line[-1] if line else None
    hands = one.hand_work_end - one.hand_work_start
    then = f", then {lasting(hands)} of work at it" if hands else ""
    if before is not None:
        until = at(problem, before.end)
        return Rule.OCCUPIED, f"{printer.id} prints job {before.job} until {until}{then}."
    if printer.ready_s > 0:
        return Rule.RUNNING, f"{printer.id} is printing until {at(problem, printer.ready_s)}{then}."
    if hands:
        return Rule.HAND_WORK, f"{printer.id} is free; {lasting(hands)} of work at it come first."
    return Rule.OCCUPIED, f"It starts at once on {printer.id}."


def _binding_words(problem: Problem, rule: Rule, printer: Printer, one: Placement) -> str:
    hands_at, start = at(problem, one.hand_work_start), at(problem, one.start)
    match rule:
        case Rule.RELEASE:
            return f"It may not be begun before {hands_at}."
        case Rule.MAINTENANCE:
            window = max((span for span in printer.blocked if span[1] <= one.start), default=None)
            until = hands_at if window is None else at(problem, window[1])
            return f"{printer.id} is down for maintenance until {until}, and it would not be done before."
        case Rule.WORKING_HOURS:
            return f"Nobody is there before {hands_at} to make {printer.id} ready."
        case Rule.ATTENDED:
            return f"It has to be watched, and before {start} people are not there for all of it."
        case Rule.OPERATORS:
            people = "The one person is" if problem.operators == 1 else f"All {problem.operators} people are"
            return f"{people} at other printers until {clock(problem, one.hand_work_start)}."
        case Rule.CIRCUIT:
            return f"Before {start} others on circuit {printer.circuit} leave less than {_peak(printer)}."
        case _:
            limit = watts(problem.power_w or 0)
            return f"Before {start} other printers leave less than {_peak(printer)} of the {limit}."


def _peak(printer: Printer) -> str:
    return f"the {watts(max(printer.heat_up_w, printer.printing_w))} it draws"


# -- late, or not at all -------------------------------------------------------------------------------


def _in_time(problem: Problem, schedule: Schedule, job: Job, last: Placement) -> Iterator[Relaxed]:
    """Every rule that, given up by itself, brings the last print before the due date; and going first."""
    what_if = WhatIf(problem, taken_out(problem, schedule, last))
    due = job.due_s or 0
    for rule, placing in what_if.relaxed(job, [last.copy]):
        if placing.end_s <= due and rule is not Rule.DEADLINE:
            yield Relaxed(rule, placing.end_s)
    alone = WhatIf(problem, Schedule(())).room().anywhere(job)
    if alone is not None and alone.placement.end <= due:
        yield Relaxed("priority", alone.placement.end)


def _relaxed(what_if: WhatIf, job: Job, missing: Sequence[int]) -> Iterator[Relaxed]:
    found = [(placing.end_s, rule) for rule, placing in what_if.relaxed(job, missing)]
    for end_s, rule in sorted(found):
        yield Relaxed(rule, end_s)


def _said(problem: Problem, one: Standing, prints: int, sure: Chances) -> Iterator[str]:
    placement = one.placement
    bars = sure.bars.get((placement.job, placement.copy))
    how_sure = "" if bars is None else f", {between(problem, bars)}"
    which = f"Print {placement.copy + 1} of job {placement.job}" if prints > 1 else f"Job {placement.job}"
    hands = placement.hand_work_end - placement.hand_work_start
    ready = f" {at(problem, placement.hand_work_start)} it is made ready ({lasting(hands)})," if hands else ""
    yield (
        f"{which} is printed on {placement.printer}:{ready} {at(problem, placement.start)} it starts, "
        f"{at(problem, placement.end)} it is done{how_sure}."
    )
    yield f"Why here: {one.why_here}"
    yield f"Why then: {one.why_then}"


def _late_words(
    problem: Problem,
    job: Job,
    last: Placement | None,
    late_s: int,
    in_time: Sequence[Relaxed],
    chance: float | None,
) -> Iterator[str]:
    if last is None or job.due_s is None:
        return
    sure = "" if chance is None else f" The chance to be in time is {percent(chance)}."
    if not late_s:
        yield f"It is wanted {at(problem, job.due_s)}, and done {lasting(job.due_s - last.end)} before.{sure}"
        return
    yield f"It is wanted {at(problem, job.due_s)}: it is {lasting(late_s)} late.{sure}"
    if not in_time:
        yield "Nothing that one could give up alone would make it in time, nor a higher priority."
    for one in in_time:
        yield f"In time it would be done ({at(problem, one.end_s)}) if you could {_wish(one)}."


def _missing_words(
    problem: Problem, job: Job, missing: Sequence[int], why: Sequence[Reason], relaxed: Sequence[Relaxed]
) -> Iterator[str]:
    if not missing:
        return
    if job.copies > 1:
        yield f"{counted(len(missing), 'print')} of {job.copies} are not in the plan."
    yield why_words(job, why)
    for one in relaxed:
        yield f"It would be done {at(problem, one.end_s)} if you could {_wish(one)}."


def _wish(one: Relaxed) -> str:
    if one.constraint == "priority":
        return "put it before everything else"
    return in_words(Rule(one.constraint))
