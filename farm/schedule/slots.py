"""Room for one more print in a plan: the earliest time it fits, with all the rest left where it is.

Straightforward and exact, for one print at a time: to answer when something would be done and why not sooner.
A whole plan is made by the search, on arrays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from farm.schedule.problem import FOREVER, Job, Pin, Printer, Problem, Span
from farm.schedule.result import Placement, Schedule
from farm.schedule.shop import HandsOn, Loaded, Shop, by_printer
from farm.schedule.spans import gaps, holding
from farm.schedule.steps import Steps, Use, planned_draws, running_draws

_ALWAYS: Sequence[Span] = ((-FOREVER, FOREVER),)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a print fits. others: the printer's later prints whose hand-work changes with it."""

    placement: Placement
    hands: HandsOn
    others: tuple[Placement, ...] = ()


class Room:
    """A plan as it is seen by a print that looks for a place in it. It may be put there."""

    def __init__(self, problem: Problem, placements: Iterable[Placement]) -> None:
        self.shop = Shop(problem)
        self.problem = problem
        self._on = by_printer(placements)
        self._power = Steps(running_draws(problem))
        self._circuits = {name: Steps(running_draws(problem, name)) for name in problem.circuits_w}
        self._busy = Steps()  # people's hands
        self._persons: dict[tuple[str, int], bool] = {}  # whether one makes ready what a printer starts then
        for printer in self._on:
            self._draw(self._on[printer])
            self._work(self.shop.printers[printer])

    @property
    def placements(self) -> tuple[Placement, ...]:
        return tuple(one for line in self._on.values() for one in line)

    def put(self, slot: Slot) -> None:
        """Put the print there, and change the others as it needs."""
        changed = {one.start: one for one in slot.others}
        name = slot.placement.printer
        printer = self.shop.printers[name]
        self._rest(printer)
        line = [changed.get(one.start, one) for one in self._on.get(name, ())]
        self._on[name] = sorted([*line, slot.placement], key=lambda one: one.start)
        self._draw([slot.placement])
        self._work(printer)

    def _draw(self, placements: Sequence[Placement]) -> None:
        self._power.add(planned_draws(self.shop, placements))
        for circuit, steps in self._circuits.items():
            steps.add(planned_draws(self.shop, placements, circuit))

    def _work(self, printer: Printer) -> None:
        """People go to that printer."""
        for placement, hands in self.shop.hands_in_order(printer, self._on.get(printer.id, ())):
            self._persons[printer.id, placement.start] = hands.person
        self._busy.add(self._at_hand(printer, 1.0))

    def _rest(self, printer: Printer) -> None:
        """People do not go to that printer."""
        self._busy.add(self._at_hand(printer, -1.0))

    def _at_hand(self, printer: Printer, people: float) -> Iterator[Use]:
        for one in self._on.get(printer.id, ()):
            if self._persons[printer.id, one.start]:
                yield one.hand_work_start, one.hand_work_end, people

    def earliest(self, job: Job, printer: Printer, copy: int = 0, *, last: bool = False) -> Slot | None:
        """Where a print of the job ends soonest on that printer; None where it never fits.

        last: after all that is there.
        """
        duration = job.estimate_s.get(printer.id)
        limit = self.shop.max_print_s(printer, job)
        if duration is None or (limit is not None and duration > limit) or not _pinned_here(job.pin, printer):
            return None
        line = self._on.get(printer.id, [])
        first = len(line) if last else _frozen(self.problem, line)
        states = list(self._states(printer, line))
        self._rest(printer)
        try:
            slots = (
                self._between(job, printer, copy, line, position, states[position])
                for position in range(first, len(line) + 1)
            )
            return next((slot for slot in slots if slot is not None), None)
        finally:
            self._work(printer)

    def anywhere(self, job: Job, copy: int = 0) -> Slot | None:
        """Where a print of the job ends soonest in the shop."""
        slots = [self.earliest(job, printer, copy) for printer in self.problem.printers]
        found = [slot for slot in slots if slot is not None]
        return min(found, key=lambda slot: (slot.placement.end, slot.placement.printer), default=None)

    def _states(self, printer: Printer, line: Iterable[Placement]) -> Iterator[Loaded]:
        """How the printer stands at first, and after each of its prints."""
        state = self.shop.loaded(printer)
        yield state
        for before in line:
            state = self.shop.hands_on(printer, state, self.shop.jobs[before.job])[1]
            yield state

    def _between(
        self,
        job: Job,
        printer: Printer,
        copy: int,
        line: Sequence[Placement],
        position: int,
        state: Loaded,
    ) -> Slot | None:
        """The earliest place before the print at that position of the printer's line. state: there."""
        hands, _ = self.shop.hands_on(printer, state, job)
        frame = (
            max(job.release_s, printer.ready_s, line[position - 1].end if position else 0),
            line[position].start if position < len(line) else FOREVER,
        )
        for free in gaps(printer.blocked, frame):
            placement = self._in(free, job, printer, copy, hands)
            if placement is None:
                continue
            others = self._later([*line[:position], placement], line[position:], printer)
            if others is not None:
                return Slot(placement, hands, others)
        return None

    def _in(self, free: Span, job: Job, printer: Printer, copy: int, hands: HandsOn) -> Placement | None:
        begin = hands_at(self.problem, free, hands, self._busy)
        if begin is None:
            return None
        end_s = free[1] if job.deadline_s is None else min(free[1], job.deadline_s)
        ready = begin + hands.total_s
        earliest = ready if job.pin is None or job.pin.start_s is None else max(ready, job.pin.start_s)
        start = self._start(earliest, end_s, job, printer)
        if start is None:
            return None
        if hands.total_s == 0:
            begin = ready = start
        end = start + job.estimate_s[printer.id]
        return Placement(job.id, copy, printer.id, begin, ready, start, end, locked=job.pin is not None)

    def _start(self, at: int, end: int, job: Job, printer: Printer) -> int | None:
        """The earliest time from `at` on at which it can start to print, to have ended by `end`."""
        duration = job.estimate_s[printer.id]
        attended = job.attended or printer.attended
        if any(max(printer.heat_up_w, printer.printing_w) > limit for _, limit in self._limits(printer)):
            return None
        while at + duration <= end:
            later = self._power_at(at, duration, printer)
            if later is None and attended and holding(staffed(self.problem), (at, at + duration)) is None:
                opens = (start for start, _ in staffed(self.problem) if start > at)
                later = next(opens, None)
                if later is None:
                    return None
            if later is None:
                return at
            at = later
        return None

    def _power_at(self, start: int, duration: int, printer: Printer) -> int | None:
        """When it is worth trying again, where there is not enough power; None where there is."""
        hot = (start, start + min(printer.heat_up_s, duration))
        warm = (hot[1], start + duration)
        for used, limit in self._limits(printer):
            for span, watts in ((hot, printer.heat_up_w), (warm, printer.printing_w)):
                later = used.free_after(span, limit - watts) if span[0] < span[1] else None
                if later is not None:
                    return later
        return None

    def _limits(self, printer: Printer) -> Iterator[tuple[Steps, float]]:
        if self.problem.power_w is not None:
            yield self._power, self.problem.power_w
        if printer.circuit is not None and printer.circuit in self.problem.circuits_w:
            yield self._circuits[printer.circuit], self.problem.circuits_w[printer.circuit]

    def _later(
        self, before: Sequence[Placement], line: Sequence[Placement], printer: Printer
    ) -> tuple[Placement, ...] | None:
        """The prints after it, that start when they did, where their hand-work changes; None where one of
        them cannot be made ready any more."""
        changed = []
        free_from = before[-1].end
        needed = list(self.shop.hands_in_order(printer, [*before, *line]))[len(before) :]
        for placement, hands in needed:
            if not self._stays(placement, hands, free_from):
                again = self._made_ready(placement, hands, free_from, printer)
                if again is None:
                    return None
                changed.append(again)
            free_from = placement.end
        return tuple(changed)

    def _stays(self, placement: Placement, hands: HandsOn, free_from: int) -> bool:
        """Whether its hand-work is what it was, by those who did it."""
        planned = placement.hand_work_end - placement.hand_work_start
        same = hands.person == self._persons[placement.printer, placement.start]
        return same and hands.total_s == planned and free_from <= placement.hand_work_start

    def _made_ready(
        self, placement: Placement, hands: HandsOn, free_from: int, printer: Printer
    ) -> Placement | None:
        """The print with its hand-work done as soon as can be, before it starts."""
        blocked_until = max((end for _, end in printer.blocked if end <= placement.start), default=0)
        earliest = max(free_from, self.shop.jobs[placement.job].release_s, blocked_until)
        free = (earliest, placement.start)
        begin = hands_at(self.problem, free, hands, self._busy) if free[0] <= free[1] else None
        if begin is None:
            return None
        if not hands.total_s:
            begin = placement.start
        return replace(placement, hand_work_start=begin, hand_work_end=begin + hands.total_s)


def staffed(problem: Problem) -> Sequence[Span]:
    """When people are there; one span without end where they always are."""
    return _ALWAYS if problem.staffed is None else problem.staffed


def hands_at(problem: Problem, free: Span, hands: HandsOn, busy: Steps | None = None) -> int | None:
    """The earliest time in `free` at which that can be done. busy: people's hands that are at other printers;
    None where that is not asked."""
    if not hands.person_s:
        return free[0] if free[0] + hands.total_s <= free[1] else None
    most = None if busy is None else problem.operators
    if most is not None and most < 1:
        return None
    there = staffed(problem)
    first = max(0, bisect_right(there, (free[0], FOREVER)) - 1)
    for span in there[first:]:
        if span[0] >= free[1]:
            return None
        at, end = max(span[0], free[0]), min(span[1], free[1])
        while at + hands.total_s <= end:
            later = (
                None if busy is None or most is None else busy.free_after((at, at + hands.total_s), most - 1)
            )
            if later is None:
                return at
            at = later
    return None


def _pinned_here(pin: Pin | None, printer: Printer) -> bool:
    return pin is None or pin.printer == printer.id


def _frozen(problem: Problem, line: Sequence[Placement]) -> int:
    """How many prints of a printer's line nothing is put before."""
    held = [
        number
        for number, placement in enumerate(line, 1)
        if (before := problem.previous.get((placement.job, placement.copy))) is not None
        and before.printer == placement.printer
        and before.hand_work_start < problem.frozen_s
    ]
    return max(held, default=0)


def taken_out(problem: Problem, schedule: Schedule, gone: Placement) -> Schedule:
    """The plan without that print. What comes after it on its printer starts when it did; its hand-work is
    what is needed then, as late as it was to end."""
    shop = Shop(problem)
    line = [one for one in schedule.placements if one.printer == gone.printer and one != gone]
    line.sort(key=lambda one: one.start)
    changed = {}
    for one, hands in shop.hands_in_order(shop.printers[gone.printer], line):
        if one.start >= gone.end and hands.total_s != one.hand_work_end - one.hand_work_start:
            changed[one] = replace(one, hand_work_start=one.hand_work_end - hands.total_s)
    kept = (changed.get(one, one) for one in schedule.placements if one != gone)
    return replace(schedule, placements=tuple(kept))


def placed(schedule: Schedule, slot: Slot) -> tuple[Placement, ...]:
    """The plan with the print in its place."""
    changed = {(one.job, one.copy): one for one in slot.others}
    kept = [changed.get((one.job, one.copy), one) for one in schedule.placements]
    return (*kept, slot.placement)
