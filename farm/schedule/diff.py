"""What is different from the plan before, and why, in sentences for people who knew that one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from farm.schedule.problem import Placed, Printer, Problem
from farm.schedule.result import Placement, Schedule
from farm.schedule.shop import Shop, by_printer
from farm.schedule.spans import meeting
from farm.schedule.words import at, counted, lasting, listed

TOLD_FROM_S = 600  # a start that moves by less is nobody's business
MOST_TOLD = 20


class Moved(StrEnum):
    """What became of a print."""

    PRINTER = "printer"  # it is on another one
    LATER = "later"
    SOONER = "sooner"
    NEW = "new"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Change:
    """A print that is not where it was. before, after: None for in no plan. why: a sentence."""

    job: str
    copy: int
    moved: Moved
    before: Placed | None
    after: Placement | None
    why: str


def changes(problem: Problem, schedule: Schedule) -> tuple[Change, ...]:
    """Against `problem.previous`: what is left out, what is elsewhere, what moves in time; most first."""
    shop, now = Shop(problem), {(one.job, one.copy): one for one in schedule.placements}
    lines = by_printer(schedule.placements)
    found = []
    for key, before in problem.previous.items():
        if key[0] in shop.jobs and key[1] < shop.jobs[key[0]].copies:
            change = _change(shop, lines, key, before, now.get(key))
            if change is not None:
                found.append(change)
    for key, placement in now.items():
        if key not in problem.previous and problem.previous:
            found.append(Change(*key, Moved.NEW, None, placement, _when(problem, placement)))
    return tuple(sorted(found, key=_weight))


def told(problem: Problem, schedule: Schedule, most: int = MOST_TOLD) -> tuple[str, ...]:
    """The changes in sentences, the most important first; what is alike is said together."""
    found = changes(problem, schedule)
    said = [sentence_of(problem, change) for change in found[:most]]
    if len(found) > most:
        said.append(f"{counted(len(found) - most, 'more print')} moved.")
    return tuple(said)


_ORDER = (Moved.LEFT_OUT, Moved.PRINTER, Moved.LATER, Moved.SOONER, Moved.NEW)


def _weight(change: Change) -> tuple[int, int, str, int]:
    shift = 0
    if change.before is not None and change.after is not None:
        shift = abs(change.after.start - change.before.start)
    return _ORDER.index(change.moved), -shift, change.job, change.copy


def _change(
    shop: Shop,
    lines: dict[str, list[Placement]],
    key: tuple[str, int],
    before: Placed,
    after: Placement | None,
) -> Change | None:
    if after is None:
        return Change(*key, Moved.LEFT_OUT, before, None, "It has no place any more.")
    if after.printer != before.printer:
        why = _why_not_there(shop, lines, before, after)
        return Change(*key, Moved.PRINTER, before, after, why)
    shift = after.start - before.start
    if abs(shift) < TOLD_FROM_S:
        return None
    if shift < 0:
        return Change(*key, Moved.SOONER, before, after, "There is room for it before.")
    return Change(*key, Moved.LATER, before, after, _why_not_there(shop, lines, before, after))


def _why_not_there(shop: Shop, lines: dict[str, list[Placement]], before: Placed, after: Placement) -> str:
    """What is now in the place that it had."""
    problem, printer = shop.problem, shop.printers.get(before.printer)
    if printer is None:
        return f"{before.printer} is not to be had."
    length = shop.jobs[after.job].estimate_s.get(printer.id)
    if length is None:
        return f"{printer.id} cannot print it any more."
    span = (before.hand_work_start, before.start + length)
    window = meeting(printer.blocked, span)
    if window is not None:
        until = "" if window[1] > 10**9 else f" until {at(problem, window[1])}"
        return f"{printer.id} is down for maintenance{until}."
    if printer.ready_s > before.hand_work_start:
        return f"{printer.id} is printing until {at(problem, printer.ready_s)}, longer than was thought."
    return _who_is_there(printer, lines, span, after)


def _who_is_there(
    printer: Printer, lines: dict[str, list[Placement]], span: tuple[int, int], after: Placement
) -> str:
    there = [
        one.job
        for one in lines.get(printer.id, ())
        if one.hand_work_start < span[1] and span[0] < one.end and one.job != after.job
    ]
    if there:
        names = listed(list(dict.fromkeys(there)))
        return f"Job {names} is printed there then." if len(set(there)) == 1 else f"Jobs {names} are then."
    return "All in all the plan is better so."


def sentence_of(problem: Problem, change: Change) -> str:
    """What became of one print, and why."""
    job = f"Job {change.job}" + (f" (print {change.copy + 1})" if change.copy else "")
    before, after = change.before, change.after
    if before is None or after is None:
        if after is not None:
            return f"{job} is new: {change.why}"
        was = "" if before is None else f" It was to be printed on {before.printer}."
        return f"{job} is left out.{was} {change.why}"
    if change.moved is Moved.PRINTER:
        where = f"moves from {before.printer} to {after.printer}"
    else:
        where = f"stays on {after.printer}"
    shift = after.start - before.start
    when = f"starts {at(problem, after.start)}"
    if abs(shift) >= TOLD_FROM_S:
        when += f", {lasting(abs(shift))} {'later' if shift > 0 else 'sooner'}"
    return f"{job} {where} and {when}. {change.why}"


def _when(problem: Problem, placement: Placement) -> str:
    return f"on {placement.printer}, {at(problem, placement.start)} to {at(problem, placement.end)}."
