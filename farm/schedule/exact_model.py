"""The whole of a small planning problem as constraints for CP-SAT.

A circuit for each printer says which print follows which there, and with it what a person has to do in
between. Times are whole steps of a grid on which nothing is lost: the greatest common divisor of every time
that the problem names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations, groupby, pairwise

from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import Constraint, IntervalVar, IntVar, LinearExpr, LiteralT

from farm.schedule.problem import FOREVER, Filament, Job, Printer, Problem
from farm.schedule.result import Placement
from farm.schedule.shop import HandsOn, Loaded, Shop, by_printer
from farm.schedule.steps import Use, draws, running_draws
from farm.schedule.validate import held_in_order

Key = tuple[str, int]
"""A print: its job and copy."""

Sum = LinearExpr | IntVar | int
FINEST = 1000  # steps of a watt or a gram, where they are not whole numbers of something coarser
DEPOT = -1  # what comes before the first print of a printer


@dataclass(frozen=True, slots=True)
class Node:
    """A print on a printer, with what that is loaded with meanwhile. length: of the print, in steps."""

    print: int
    printer: Printer
    filament: Filament | None
    length: int


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that may be done before a print; `chosen` says whether it is."""

    chosen: IntVar
    hands: HandsOn


@dataclass(slots=True)
class Print:
    """A print and its variables. The printer is taken from `hands` on; it prints from `start` to `end`."""

    job: Job
    copy: int
    placed: IntVar
    hands: IntVar
    work: IntVar
    start: Sum
    end: IntVar
    grams_after: IntVar | None = None


def may_print(shop: Shop, job: Job, printer: Printer) -> bool:
    """Whether the printer can make the job's prints at all, whatever else there is to do."""
    estimate, limit = job.estimate_s.get(printer.id), shop.max_print_s(printer, job)
    if estimate is None or (limit is not None and estimate > limit):
        return False
    return job.pin is None or job.pin.printer == printer.id


def grid_of(problem: Problem) -> int:
    """The longest step in seconds that every time of the problem is a multiple of; at least 1."""
    return reduce(math.gcd, _times(problem), 0) or 1


def _times(problem: Problem) -> Iterator[int]:
    work = problem.hand_work
    yield from (work.clear_s, work.colour_s, work.material_s, work.spool_s, *work.changes.values())
    for span in problem.staffed or ():
        yield from span
    for printer in problem.printers:
        yield from (printer.ready_s, printer.heat_up_s, printer.eject_s if printer.auto_eject else 0)
        yield from (time for span in printer.blocked for time in span)
        yield 0 if printer.running is None else printer.running.heat_until_s
    for job in problem.jobs:
        yield from (job.release_s, job.due_s or 0, job.deadline_s or 0, *job.estimate_s.values())
        yield 0 if job.pin is None else job.pin.start_s or 0
    for placed in problem.previous.values():
        yield placed.start
    if problem.setups is not None:
        for rows in (problem.setups.first, *problem.setups.between):
            yield from (time for row in rows for time in row)


def scale_of(values: Iterable[float], finest: int = FINEST) -> int:
    """By what the values have to be multiplied to become whole numbers; `finest` where nothing less does."""
    known = [value for value in values if value]
    scales = (1, 2, 3, 4, 5, 6, 10, 12, 20, 30, 60, 100, 120, 300, 600, 1000, 6000, 10_000, 60_000)
    fit = (n for n in scales if n <= finest and all(_is_whole(n * value) for value in known))
    return next(fit, finest)


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) <= 1e-9 * max(1.0, abs(value))


class ExactModel:
    """The constraints of a problem. Only prints that some printer can make are in it.

    optional: whether prints may be left out; else all of them have to be placed.
    """

    def __init__(self, problem: Problem, *, optional: bool = False) -> None:
        self.problem = problem
        self.optional = optional
        self.shop = Shop(problem)
        self.grid = grid_of(problem)
        self.cp = cp_model.CpModel()
        keys = [
            (job, copy)
            for job in problem.jobs
            if any(may_print(self.shop, job, printer) for printer in problem.printers)
            for copy in range(job.copies)
        ]
        self.horizon = self._horizon([job for job, _ in keys])
        self.nodes = [node for number, (job, _) in enumerate(keys) for node in self._nodes(number, job)]
        self.on = [self.cp.new_bool_var(f"on {n}") for n in range(len(self.nodes))]
        self.prints = [self._print(number, job, copy) for number, (job, copy) in enumerate(keys)]
        self.follows: dict[tuple[int, int, int], IntVar] = {}
        self.ways: list[list[Way]] = [[] for _ in keys]
        self.makespan = self.cp.new_int_var(0, self.horizon, "makespan")
        for place, printer in enumerate(problem.printers):
            self._line(place, printer)
        for number, print_ in enumerate(self.prints):
            self._hand_work(number, print_)
            self._if_placed(print_, self.cp.add(self.makespan >= print_.end))
        self._operators()
        self._power()
        self._stock()
        self._held()
        self._alike()

    # --- times

    def steps(self, seconds: int) -> int:
        return seconds // self.grid

    def _horizon(self, jobs: Sequence[Job]) -> int:
        """By when everything is done, one after the other, when the last date of all has passed."""
        problem, work = self.problem, self.problem.hand_work
        clear_s = max([work.clear_s, *(one.eject_s for one in problem.printers if one.auto_eject)])
        hands = clear_s + work.spool_s + max(work.colour_s, work.material_s, *work.changes.values(), 0)
        if problem.setups is not None:
            rows = [row for rows in (problem.setups.first, *problem.setups.between) for row in rows]
            hands = max((time for row in rows for time in row), default=0)
        last = max(
            [0]
            + [span[1] for span in problem.staffed or ()]
            + [span[1] for printer in problem.printers for span in printer.blocked]
            + [printer.ready_s for printer in problem.printers]
            + [max(job.release_s, job.pin.start_s or 0 if job.pin else 0) for job in jobs]
        )
        last += sum(hands + max(job.estimate_s.values()) for job in jobs)
        return self.steps(min(last, FOREVER))

    def _print(self, number: int, job: Job, copy: int) -> Print:
        cp, mine = self.cp, [n for n, node in enumerate(self.nodes) if node.print == number]
        deadline = self.horizon if job.deadline_s is None else min(self.horizon, self.steps(job.deadline_s))
        placed = cp.new_bool_var(f"placed {number}")
        cp.add(sum(self.on[n] for n in mine) == placed)
        if not self.optional:
            cp.add(placed == 1)
        hands = cp.new_int_var(self.steps(job.release_s), self.horizon, f"hands {number}")
        work = cp.new_int_var(0, self.horizon, f"work {number}")
        start: Sum = hands + work
        if self._may_wait(job, copy):
            start = cp.new_int_var(0, self.horizon, f"start {number}")
            cp.add(start >= hands + work)
        end = cp.new_int_var(0, self.horizon, f"end {number}")
        cp.add(end == start + sum(self.nodes[n].length * self.on[n] for n in mine))
        print_ = Print(job, copy, placed, hands, work, start, end)
        self._if_placed(print_, cp.add(end <= deadline))
        if job.pin is not None and job.pin.start_s:
            self._if_placed(print_, cp.add(start >= self.steps(job.pin.start_s)))
        return print_

    def _may_wait(self, job: Job, copy: int) -> bool:
        """Whether a print may rightly start later than its printer is made ready."""
        problem = self.problem
        return (
            problem.power_w is not None
            or bool(problem.circuits_w)
            or job.pin is not None
            or job.attended
            or any(printer.attended for printer in problem.printers)
            or (problem.weights.shift > 0 and (job.id, copy) in problem.previous)
        )

    def _if_placed(self, print_: Print, constraint: Constraint) -> None:
        if self.optional:
            constraint.only_enforce_if(print_.placed)

    # --- what follows what

    def _nodes(self, number: int, job: Job) -> Iterator[Node]:
        for printer in self.problem.printers:
            if may_print(self.shop, job, printer):
                length = self.steps(job.estimate_s[printer.id])
                for filament in self._loads(job, printer):
                    yield Node(number, printer, filament, length)

    def _loads(self, job: Job, printer: Printer) -> Iterable[Filament | None]:
        """What the printer may be loaded with during a print of the job."""
        if job.filament is not None or self.problem.setups is not None:
            return (job.filament,)
        others = (other.filament for other in self.problem.jobs if may_print(self.shop, other, printer))
        return dict.fromkeys([printer.loaded, *(filament for filament in others if filament is not None)])

    def _line(self, place: int, printer: Printer) -> None:
        """The prints of one printer, one after the other and around its maintenance."""
        cp, mine = self.cp, [n for n, node in enumerate(self.nodes) if node.printer is printer]
        ready = self.steps(printer.ready_s)
        idle = cp.new_bool_var(f"idle {place}")
        arcs: list[tuple[int, int, LiteralT]] = [(0, 0, idle)]
        taken: list[Sum] = []
        intervals = [
            cp.new_fixed_size_interval_var(self.steps(start), self.steps(end - start), "")
            for start, end in printer.blocked
        ]
        counted = printer.grams_left is not None and self.problem.setups is None
        for at, n in enumerate(mine, 1):
            node, print_ = self.nodes[n], self.prints[self.nodes[n].print]
            arcs.append((at, at, ~self.on[n]))
            arcs.append((at, 0, cp.new_bool_var("")))
            cp.add(print_.hands >= ready).only_enforce_if(self.on[n])
            size = cp.new_int_var(0, self.horizon, "")
            intervals.append(cp.new_optional_interval_var(print_.hands, size, print_.end, self.on[n], ""))
            for at_before, before in enumerate([DEPOT, *mine]):
                if before != n and self._may_follow(printer, before, node):
                    follows = cp.new_bool_var(f"{before} then {n}")
                    arcs.append((at_before, at, follows))
                    self.follows[place, before, n] = follows
                    taken += self._follow(printer, before, n, follows, counted)
        cp.add_circuit(arcs)
        cp.add_no_overlap(intervals)
        cp.add(self.makespan >= ready * (1 - idle) + sum(taken))

    def _may_follow(self, printer: Printer, before: int, node: Node) -> bool:
        """A print that takes what is loaded leaves it there."""
        if before != DEPOT and self.nodes[before].print == node.print:
            return False
        if self.prints[node.print].job.filament is not None or self.problem.setups is not None:
            return True
        loaded = printer.loaded if before == DEPOT else self.nodes[before].filament
        return loaded == node.filament

    def _follow(self, printer: Printer, before: int, n: int, follows: IntVar, counted: bool) -> Iterator[Sum]:
        """One print after another; gives the steps that the printer is taken for by it."""
        cp, node = self.cp, self.nodes[n]
        print_ = self.prints[node.print]
        if before == DEPOT:
            state = replace(self.shop.loaded(printer), grams=None)
        else:
            cp.add(print_.hands >= self.prints[self.nodes[before].print].end).only_enforce_if(follows)
            after = self.prints[self.nodes[before].print].job.id
            state = Loaded(clear=False, filament=self.nodes[before].filament, grams=None, after=after)
        yield follows * node.length
        ways = self._spools(printer, before, n, follows, state) if counted else None
        for way in ways or [Way(follows, self.shop.hands_on(printer, state, print_.job)[0])]:
            self.ways[node.print].append(way)
            yield way.chosen * self.steps(way.hands.total_s)

    # --- spools

    def _spools(self, printer: Printer, before: int, n: int, follows: IntVar, state: Loaded) -> list[Way]:
        """What is done where the grams on the spool are counted: with a full one put on, or without."""
        cp, print_ = self.cp, self.prints[self.nodes[n].print]
        job, left = print_.job, self._grams_after(before, printer)
        need = round((job.grams or 0.0) * FINEST)
        after = self._grams_after(n, printer)
        enough, enough_left = self.shop.hands_on(printer, replace(state, grams=job.grams or 0.0), job)
        if enough.changeover:
            cp.add(after == round((enough_left.grams or 0.0) * FINEST)).only_enforce_if(follows)
            return [Way(follows, enough)]
        if not need:
            cp.add(after == left).only_enforce_if(follows)
            return [Way(follows, enough)]
        short, short_left = self.shop.hands_on(printer, replace(state, grams=-1.0), job)
        with_spool, without = cp.new_bool_var(""), cp.new_bool_var("")
        cp.add(with_spool + without == follows)
        cp.add(left < need).only_enforce_if(with_spool)
        cp.add(after == round((short_left.grams or 0.0) * FINEST)).only_enforce_if(with_spool)
        cp.add(left >= need).only_enforce_if(without)
        cp.add(after == left - need).only_enforce_if(without)
        return [Way(without, enough), Way(with_spool, short)]

    def _grams_after(self, n: int, printer: Printer) -> Sum:
        """What is left on the spool after a print, in steps of a gram."""
        if n == DEPOT:
            return round((printer.grams_left or 0.0) * FINEST)
        print_ = self.prints[self.nodes[n].print]
        if print_.grams_after is None:
            grams = [job.grams or 0.0 for job in self.problem.jobs]
            left = [one.grams_left or 0.0 for one in self.problem.printers]
            most = math.ceil(max([self.problem.hand_work.new_spool_g, *grams, *left]) * FINEST)
            print_.grams_after = self.cp.new_int_var(0, most, "")
        return print_.grams_after

    # --- people, power, stock

    def _hand_work(self, number: int, print_: Print) -> None:
        """How long it takes, and that people are there for it and for the print where that is wanted."""
        cp, ways = self.cp, self.ways[number]
        cp.add(print_.work == sum(way.chosen * self.steps(way.hands.total_s) for way in ways))
        if self.problem.staffed is None:
            return
        by_length: dict[int, list[IntVar]] = defaultdict(list)
        for way in ways:
            if way.hands.person_s:
                by_length[self.steps(way.hands.total_s)].append(way.chosen)
        for length, chosen in by_length.items():
            self._staffed(print_.hands, length, chosen)
        watched: dict[int, list[IntVar]] = defaultdict(list)
        for n, node in enumerate(self.nodes):
            if node.print == number and (print_.job.attended or node.printer.attended):
                watched[node.length].append(self.on[n])
        for length, chosen in watched.items():
            self._staffed(print_.start, length, chosen)

    def _staffed(self, start: Sum, length: int, chosen: Sequence[IntVar]) -> None:
        """That people are there for so long, where one of `chosen` is true; at most one of them is."""
        spans = [(self.steps(first), self.steps(last) - length) for first, last in self.problem.staffed or ()]
        domain = cp_model.Domain.from_intervals([[first, last] for first, last in spans if first <= last])
        any_of = chosen[0]
        if len(chosen) > 1:
            any_of = self.cp.new_bool_var("")
            self.cp.add(sum(chosen) == any_of)
        self.cp.add_linear_expression_in_domain(start, domain).only_enforce_if(any_of)

    def _operators(self) -> None:
        limit = self.problem.operators
        if limit is None:
            return
        intervals = [
            self.cp.new_optional_fixed_size_interval_var(
                print_.hands, self.steps(way.hands.total_s), way.chosen, ""
            )
            for print_, ways in zip(self.prints, self.ways, strict=True)
            for way in ways
            if way.hands.person_s
        ]
        self.cp.add_cumulative(intervals, [1] * len(intervals), limit)

    def _power(self) -> None:
        if self.problem.power_w is not None:
            self._draw(self.problem.power_w, None)
        for circuit, limit in self.problem.circuits_w.items():
            self._draw(limit, circuit)

    def _draw(self, limit_w: float, circuit: str | None) -> None:
        """What is drawn at once, the peak for as long as a printer heats up and the mean after."""
        cp = self.cp
        mine = [printer for printer in self.problem.printers if circuit in (None, printer.circuit)]
        watts = [watt for printer in mine for watt in (printer.heat_up_w, printer.printing_w)]
        scale = scale_of([limit_w, *watts])
        limit = math.floor(limit_w * scale + 1e-6)
        used: list[tuple[IntervalVar, int]] = []
        for start, end, watt in self._running(limit_w, circuit):
            interval = cp.new_fixed_size_interval_var(self.steps(start), self.steps(end - start), "")
            used.append((interval, math.floor(watt * scale)))
        for n, node in enumerate(self.nodes):
            if node.printer not in mine:
                continue
            print_ = self.prints[node.print]
            for start, end, watt in draws(node.printer, 0, node.length, self.steps(node.printer.heat_up_s)):
                if start < end and watt:
                    interval = cp.new_optional_fixed_size_interval_var(
                        print_.start + start, end - start, self.on[n], ""
                    )
                    used.append((interval, math.ceil(watt * scale - 1e-6)))
        cp.add_cumulative([interval for interval, _ in used], [demand for _, demand in used], max(0, limit))

    def _running(self, limit_w: float, circuit: str | None) -> Iterator[Use]:
        """What running prints draw at every time; no more than the limit, as they are not to be mended."""
        uses = list(running_draws(self.problem, circuit))
        times = sorted({time for start, end, _ in uses for time in (start, end)})
        for start, end in pairwise(times):
            watts = sum(watt for first, last, watt in uses if first <= start and end <= last)
            if watts > 0:
                yield start, end, min(watts, max(0.0, limit_w))

    def _stock(self) -> None:
        for filament, stock in self.problem.stock_g.items():
            needs = [
                (print_.placed, print_.job.grams)
                for print_ in self.prints
                if print_.job.filament == filament
                and print_.job.grams is not None
                and not print_.job.allow_short_filament
            ]
            scale = scale_of([stock, *(grams for _, grams in needs)])
            total = sum(placed * math.ceil(grams * scale - 1e-6) for placed, grams in needs)
            if needs:
                self.cp.add(total <= math.floor(stock * scale + 1e-6))

    # --- order that is given, and order that is free

    def _held(self) -> None:
        """What people have been told comes first on its printer, with whichever copy of the job."""
        place_of = {printer.id: place for place, printer in enumerate(self.problem.printers)}
        for name, held in held_in_order(self.problem).items():
            place, before = place_of[name], {DEPOT: self.cp.new_constant(1)}
            for job in held:
                here = {
                    n: self.cp.new_bool_var("")
                    for n, node in enumerate(self.nodes)
                    if node.printer.id == name and self.prints[node.print].job.id == job
                }
                self.cp.add_exactly_one(here.values())
                for first, is_first in before.items():
                    for second, is_second in here.items():
                        follows = self.follows.get((place, first, second), 0)
                        self.cp.add(follows >= is_first + is_second - 1)
                before = here

    def alike(self) -> list[list[int]]:
        """Prints that could change places without any loss, each list in the order in which they may end.

        Of two that differ in their due dates alone the one that is due first may end first: changing their
        places never costs more.
        """
        steady = self.problem.weights.other_printer or self.problem.weights.shift or self.problem.frozen_s
        free = [
            number
            for number, print_ in enumerate(self.prints)
            if self.problem.setups is None or print_.job.copies > 1
            if not steady or (print_.job.id, print_.copy) not in self.problem.previous
        ]

        def kind(number: int) -> str:
            job = self.prints[number].job
            if job.copies > 1:
                return repr((job.id,))
            plain = replace(job, id="", due_s=None, excluded=(), estimate_s={}, preferred=frozenset())
            return repr((plain, sorted(job.estimate_s.items()), sorted(job.preferred)))

        def due(number: int) -> tuple[int, int]:
            print_ = self.prints[number]
            return FOREVER if print_.job.due_s is None else print_.job.due_s, print_.copy

        groups = groupby(sorted(free, key=lambda number: (kind(number), due(number))), kind)
        return [group for _, numbers in groups if len(group := list(numbers)) > 1]

    def _alike(self) -> None:
        for group in self.alike():
            for first, second in combinations([self.prints[number] for number in group], 2):
                ordered = self.cp.add(first.end <= second.end)
                if self.optional:
                    ordered.only_enforce_if(first.placed, second.placed)
                    if first.job is second.job:
                        self.cp.add_implication(second.placed, first.placed)

    # --- what it costs

    def prices(self) -> Iterator[tuple[float, Sum]]:
        """The cost of a plan: a price and what is to be paid for, each not below nothing; times in steps."""
        weights, minute = self.problem.weights, self.grid / 60
        yield weights.makespan * minute, self.makespan
        by_job: dict[str, list[Print]] = defaultdict(list)
        for number, print_ in enumerate(self.prints):
            by_job[print_.job.id].append(print_)
            yield from self._prices_of(number, print_)
        for prints in by_job.values():
            yield from self._prices_of_dates(prints)

    def _prices_of_dates(self, prints: Sequence[Print]) -> Iterator[tuple[float, Sum]]:
        """Tardiness and flow of a job, by the last of its prints."""
        cp, weights, job = self.cp, self.problem.weights, prints[0].job
        minute, release = self.grid / 60, self.steps(job.release_s)
        if weights.flow:
            flow = cp.new_int_var(0, self.horizon, "")
            for print_ in prints:
                cp.add(flow >= print_.end - release)
            yield weights.flow * job.weight * minute, flow
        if weights.tardiness and job.due_s is not None:
            late = cp.new_int_var(0, self.horizon + max(0, -self.steps(job.due_s)), "")
            for print_ in prints:
                self._if_placed(print_, cp.add(late >= print_.end - self.steps(job.due_s)))
            yield weights.tardiness * job.weight * minute, late

    def _prices_of(self, number: int, print_: Print) -> Iterator[tuple[float, Sum]]:
        """What does not depend on the job's other prints."""
        weights, previous = self.problem.weights, self.problem.previous.get((print_.job.id, print_.copy))
        for way in self.ways[number]:
            yield weights.changeover * way.hands.changeover, way.chosen
            yield weights.hand_work * way.hands.person_s / 60, way.chosen
        for n, node in enumerate(self.nodes):
            if node.print == number:
                elsewhere = bool(print_.job.preferred) and node.printer.id not in print_.job.preferred
                moved = previous is not None and previous.printer != node.printer.id
                hours = node.length * self.grid / 3600
                price = weights.non_preferred * elsewhere + weights.other_printer * moved
                yield price + weights.doubtful * node.printer.risk * hours, self.on[n]
        if previous is not None and weights.shift:
            shift = self.cp.new_int_var(0, self.horizon, "")
            was = self.steps(previous.start)
            self._if_placed(print_, self.cp.add(shift >= print_.start - was))
            self._if_placed(print_, self.cp.add(shift >= was - print_.start))
            yield weights.shift * self.grid / 60 * 0.5 ** (previous.start / weights.shift_halves_s), shift

    # --- plans in and out

    def hint(self, placements: Iterable[Placement]) -> None:
        """A plan that is known, from which to go on."""
        chosen = self._matched(placements)
        place_of = {printer.id: place for place, printer in enumerate(self.problem.printers)}
        on = {number: place_of[one.printer] for number, one in chosen.items()}
        for number, print_ in enumerate(self.prints):
            one = chosen.get(number)
            self.cp.add_hint(print_.placed, one is not None)
            if one is not None:
                self.cp.add_hint(print_.hands, self.steps(one.hand_work_start))
                self.cp.add_hint(print_.work, self.steps(one.hand_work_end - one.hand_work_start))
                self.cp.add_hint(print_.end, self.steps(one.end))
                if isinstance(print_.start, IntVar):
                    self.cp.add_hint(print_.start, self.steps(one.start))
        numbers = {(one.job, one.copy): number for number, one in chosen.items()}
        steps: set[tuple[int, int, int]] = set()
        for line in by_printer(chosen.values()).values():
            order = [numbers[one.job, one.copy] for one in line]
            steps |= {(on[after], before, after) for before, after in pairwise([DEPOT, *order])}
        for n, node in enumerate(self.nodes):
            here = node.print in on and self.problem.printers[on[node.print]] is node.printer
            if len(list(self._loads(self.prints[node.print].job, node.printer))) == 1:
                self.cp.add_hint(self.on[n], here)
        for (place, first, second), follows in self.follows.items():
            before = DEPOT if first == DEPOT else self.nodes[first].print
            self.cp.add_hint(follows, (place, before, self.nodes[second].print) in steps)

    def _matched(self, placements: Iterable[Placement]) -> dict[int, Placement]:
        """The plan by the model's prints, those that are alike in the order in which they have to be."""
        keys = {(print_.job.id, print_.copy): number for number, print_ in enumerate(self.prints)}
        known = {keys[key]: one for one in placements if (key := (one.job, one.copy)) in keys}
        for group in self.alike():
            members = [number for number in group if number in known]
            inside = sorted((known[number] for number in members), key=lambda one: one.end)
            for number, one in zip(members, inside, strict=True):
                print_ = self.prints[number]
                known[number] = replace(one, job=print_.job.id, copy=print_.copy)
        return known

    def placements(self, value: cp_model.CpSolver | cp_model.CpSolverSolutionCallback) -> Iterator[Placement]:
        """The plan that was found."""
        for n, node in enumerate(self.nodes):
            if not value.boolean_value(self.on[n]):
                continue
            print_ = self.prints[node.print]
            start, work = value.value(print_.start) * self.grid, value.value(print_.work) * self.grid
            begin = value.value(print_.hands) * self.grid if work else start
            pinned = print_.job.pin is not None
            yield Placement(
                print_.job.id,
                print_.copy,
                node.printer.id,
                begin,
                begin + work,
                start,
                start + node.length * self.grid,
                locked=pinned,
            )
