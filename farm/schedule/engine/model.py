"""A problem as numbers: every job, print and printer is an index, every name is left behind.

Prints of a job that have a printer at all are next to each other. Times are seconds from now, prices are of a
second. What is here is never written to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.schedule.problem import FOREVER, Filament, Job, Printer, Problem, Running, Setups

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Records = NDArray[np.void]

NONE = -1  # no filament, no printer, no limit
WATT_STEPS = 100  # power is counted in hundredths of a watt: whole numbers add up the same in any order
GRID_S = (
    60  # on which power and people are counted, where the plan is not so long that it takes a coarser one
)
MOST_SLOTS = 2**20  # of the grid: two years of minutes
HOUR = 3600
LOAD_SHARE = 0.5  # of the makespan's price: what the mean of all printers' last ends counts
FORTNIGHT = 14 * 24 * HOUR
NIGHTS = 4  # times as long as the prints of a printer take, with its nights and weekends in between


JOB = np.dtype(
    [
        ("first", np.int64),
        ("prints", np.int64),
        ("may_begin", np.int64),
        ("may_end", np.int64),
        ("release", np.int64),
        ("earliest", np.int64),
        ("due", np.int64),
        ("deadline", np.int64),
        ("weight", np.float64),
        ("grams", np.float64),
        ("filament", np.int64),
        ("attended", np.bool_),
    ],
    align=True,
)
"""first, prints: its prints, one after the other. may_begin, may_end: in `may`, the printers that can make
it. release: of the hand-work, earliest: of the print. due, deadline: FOREVER without. filament: NONE takes
what is loaded."""

PRINT = np.dtype(
    [
        ("job", np.int64),
        ("was_on", np.int64),
        ("was_at", np.int64),
        ("shift_price", np.float64),
        ("held", np.bool_),
    ],
    align=True,
)
"""was_on, was_at: printer and start in the plan before, NONE without. held: it is to stay where it was."""

PRINTER = np.dtype(
    [
        ("ready", np.int64),
        ("spool", np.float64),
        ("loaded", np.int64),
        ("group", np.int64),
        ("blocked_begin", np.int64),
        ("blocked_end", np.int64),
        ("first_row", np.int64),
        ("second_row", np.int64),
        ("heat_slots", np.int64),
        ("hot", np.int64),
        ("warm", np.int64),
        ("clear", np.bool_),
        ("ejects", np.bool_),
        ("watched", np.bool_),
        ("clear_s", np.int64),
    ],
    align=True,
)
"""clear_s: until its plate is clear, by a person or by itself.
loaded: row of `change`; group: which table of it. spool: grams, endless where nobody counts.
blocked_begin, blocked_end: its maintenance. first_row, second_row: the limits its power counts for, NONE for
none. hot, warm: its power while it heats up, for heat_slots of the grid, and after."""

SHOP = np.dtype(
    [
        ("grid", np.int64),
        ("hands", np.int64),
        ("clear_s", np.int64),
        ("spool_s", np.int64),
        ("new_spool_g", np.float64),
        ("tardiness", np.float64),
        ("flow", np.float64),
        ("makespan", np.float64),
        ("load", np.float64),
        ("changeover", np.float64),
        ("hand_work", np.float64),
        ("moved", np.float64),
    ],
    align=True,
)
"""grid: seconds of a slot in which power and hands are counted. hands: the row of people's hands, NONE where
there are enough. The rest are prices, of a second where they are for time. load: of a second until each
printer's last print ends, where nothing but the makespan counts: a plan in which one printer of many is done
sooner is no better for it, but nearer to a better one."""


class Calendar(NamedTuple):
    """staffed (., 2): when people are there. from_hour: the first span that ends after an hour has begun.
    blocked (., 2): maintenance, printer after printer."""

    staffed: Int64s
    from_hour: Int64s
    blocked: Int64s


class Filaments(NamedTuple):
    """change (groups, F+1, F): seconds, by what was loaded; the last row for what nobody knows. changes
    (F+1, F): whether it is a changeover. begin (F+1), prints: those that take it. Of a problem from a book,
    its jobs stand for filaments."""

    change: Int32s
    changes: Flags
    begin: Int64s
    prints: Int64s


class Model(NamedTuple):
    """Arrays of records that kernels read. J jobs, N prints, P printers, F filaments, R limits.

    length (J, P): seconds of a print, 0 where it cannot be. charge (J, P): what it costs there, whenever it
    is. may: printers. limit (R): of power in WATT_STEPS, the last may be people's hands. base (R, slots):
    what is in use already. shop: a single record.
    """

    jobs: Records
    prints: Records
    printers: Records
    length: Int32s
    charge: Floats
    may: Int64s
    calendar: Calendar
    filaments: Filaments
    limit: Int32s
    base: Int32s
    shop: Records


class Names(NamedTuple):
    """Back from numbers. prints: (job's place in the problem, copy) of each. left_out: by the job's place,
    how many of its prints have no place in the model; short: those of them for want of filament."""

    jobs: list[int]
    prints: list[tuple[int, int]]
    left_out: Counter[int]
    short: Counter[int]


def may_print(problem: Problem, job: Job, printer: Printer) -> bool:
    """Whether the printer can make the job's prints at all, by itself and with nothing else to do."""
    length = job.estimate_s.get(printer.id)
    if length is None or (job.pin is not None and job.pin.printer != printer.id):
        return False
    longest = (problem.max_print_s, job.max_print_s, printer.max_print_s)
    return all(limit is None or length <= limit for limit in longest) and _has_power(problem, printer)


def _has_power(problem: Problem, printer: Printer) -> bool:
    limits = [problem.power_w]
    if printer.circuit is not None:
        limits.append(problem.circuits_w.get(printer.circuit))
    return all(limit is None or max(printer.heat_up_w, printer.printing_w) <= limit for limit in limits)


def build(problem: Problem) -> tuple[Model, Names]:
    """The problem's numbers, and which is which."""
    places = {printer.id: number for number, printer in enumerate(problem.printers)}
    lengths = _lengths(problem)
    names = _names(problem, lengths)
    jobs = [problem.jobs[place] for place in names.jobs]
    lengths = lengths[names.jobs].reshape(len(jobs), len(places))
    may = [np.flatnonzero(row) for row in lengths]
    number_of = {place: number for number, place in enumerate(names.jobs)}
    job = np.array([number_of[place] for place, _ in names.prints], np.int64)
    copies = np.bincount(job, minlength=len(jobs))
    shop, printers = np.zeros(1, SHOP), _printers(problem.printers, problem.hand_work.clear_s)
    _fill_prices(shop, problem)
    limit, base = _limits(problem, _grid(problem, lengths, copies), shop, printers)
    records = _jobs(jobs, copies, may)
    if problem.setups is None:
        change, changes = _changes(problem, jobs, records, printers)
    else:
        change, changes = _setups(problem.setups, names.jobs, records, printers, shop)
    model = Model(
        jobs=records,
        prints=_prints(problem, names, job, places),
        printers=printers,
        length=lengths,
        charge=_charges(problem, jobs, lengths),
        may=np.concatenate([np.zeros(0, np.int64), *may]),
        calendar=_calendar(problem),
        filaments=Filaments(change, changes, *_by_filament(records["filament"][job], len(changes) - 1)),
        limit=limit,
        base=base,
        shop=shop,
    )
    return model, names


def _lengths(problem: Problem) -> Int32s:
    """(jobs, printers) seconds, 0 where it cannot be."""
    lengths = np.zeros((len(problem.jobs), len(problem.printers)), np.int32)
    limits = [
        min(
            (limit for limit in (problem.max_print_s, printer.max_print_s) if limit is not None), default=None
        )
        if _has_power(problem, printer)
        else 0
        for printer in problem.printers
    ]
    most = np.array([FOREVER if limit is None else limit for limit in limits], np.int64)
    ids = [printer.id for printer in problem.printers]
    for row, job in zip(lengths, problem.jobs, strict=True):
        given = job.estimate_s
        row[:] = [given.get(printer, 0) for printer in ids]
        row[row > most] = 0
        if job.max_print_s is not None:
            row[row > job.max_print_s] = 0
        if job.pin is not None:
            row[[number for number, printer in enumerate(ids) if printer != job.pin.printer]] = 0
    return lengths


def _names(problem: Problem, lengths: Int32s) -> Names:
    """Which prints are planned: those that some printer can make, and for which there is filament."""
    stock = dict(problem.stock_g)
    left_out: Counter[int] = Counter()
    short: Counter[int] = Counter()
    prints = []
    has_printer = [bool(row.any()) for row in lengths]
    for place, copy in sorted(_all_prints(problem), key=lambda one: _seniority(problem, *one)):
        job = problem.jobs[place]
        counted = job.filament is not None and job.filament in stock and not job.allow_short_filament
        if not has_printer[place]:
            left_out[place] += 1
        elif counted and job.grams is not None and job.filament is not None:
            if job.grams > stock[job.filament] + 1e-6:
                left_out[place] += 1
                short[place] += 1
                continue
            stock[job.filament] -= job.grams
            prints.append((place, copy))
        else:
            prints.append((place, copy))
    prints.sort()
    return Names(sorted({place for place, _ in prints}), prints, left_out, short)


def _all_prints(problem: Problem) -> Iterator[tuple[int, int]]:
    for place, job in enumerate(problem.jobs):
        yield from ((place, copy) for copy in range(job.copies))


def _seniority(problem: Problem, place: int, copy: int) -> tuple[bool, float, int, int, int]:
    """Who gets filament first: what people have been told will be begun soon, then by weight and due date."""
    job = problem.jobs[place]
    return (not _is_held(problem, job.id, copy), -job.weight, _or_forever(job.due_s), place, copy)


def _is_held(problem: Problem, job: str, copy: int) -> bool:
    before = problem.previous.get((job, copy))
    return before is not None and before.hand_work_start < problem.frozen_s


def _or_forever(time: int | None) -> int:
    return FOREVER if time is None else time


def _beginnings(counts: Iterable[int]) -> Int64s:
    """Where each of several lists, joined to one, begins; and where the last one ends."""
    return np.concatenate([[0], np.cumsum(list(counts), dtype=np.int64)])


def _jobs(jobs: Sequence[Job], copies: Int64s, may: Sequence[Int64s]) -> Records:
    records = np.zeros(len(jobs), JOB)
    records["first"], records["prints"] = _beginnings(copies)[:-1], copies
    begins = _beginnings([len(row) for row in may])
    records["may_begin"], records["may_end"] = begins[:-1], begins[1:]
    records["release"] = [max(0, job.release_s) for job in jobs]
    records["earliest"] = [(job.pin.start_s or 0) if job.pin is not None else 0 for job in jobs]
    records["due"] = [_or_forever(job.due_s) for job in jobs]
    records["deadline"] = [_or_forever(job.deadline_s) for job in jobs]
    records["weight"] = [job.weight for job in jobs]
    records["grams"] = [job.grams or 0.0 for job in jobs]
    records["attended"] = [job.attended for job in jobs]
    return records


def _charges(problem: Problem, jobs: Sequence[Job], lengths: Int32s) -> Floats:
    """What a print costs for being on a printer: not the one that was wished for, or a doubtful one."""
    prices = problem.weights
    risk = np.array([printer.risk for printer in problem.printers], np.float64)
    charges = lengths * (risk * prices.doubtful / HOUR)
    ids = [printer.id for printer in problem.printers]
    for number, job in enumerate(jobs):
        if job.preferred and prices.non_preferred:
            charges[number] += [prices.non_preferred * (printer not in job.preferred) for printer in ids]
    return charges


def _prints(problem: Problem, names: Names, job: Int64s, places: Mapping[str, int]) -> Records:
    before = [problem.previous.get((problem.jobs[place].id, copy)) for place, copy in names.prints]
    records = np.zeros(len(before), PRINT)
    records["job"] = job
    # On a printer that is gone it counts as moved wherever it goes: that cannot be helped, and costs alike.
    records["was_on"] = [
        NONE if placed is None else places.get(placed.printer, len(places)) for placed in before
    ]
    was_at = np.array([NONE if placed is None else placed.start for placed in before], np.int64)
    nearness = 0.5 ** (np.maximum(was_at, 0) / problem.weights.shift_halves_s)
    records["was_at"] = was_at
    records["shift_price"] = np.where(was_at >= 0, problem.weights.shift / 60 * nearness, 0.0)
    records["held"] = [
        placed is not None and placed.hand_work_start < problem.frozen_s and placed.printer in places
        for placed in before
    ]
    return records


def _printers(printers: Sequence[Printer], clear_s: int) -> Records:
    """All but what hangs on limits and filaments."""
    records = np.zeros(len(printers), PRINTER)
    begins = _beginnings([len(printer.blocked) for printer in printers])
    records["blocked_begin"], records["blocked_end"] = begins[:-1], begins[1:]
    records["ready"] = [max(0, printer.ready_s) for printer in printers]
    records["clear"] = [printer.plate_clear for printer in printers]
    records["spool"] = [np.inf if printer.grams_left is None else printer.grams_left for printer in printers]
    records["ejects"] = [printer.auto_eject for printer in printers]
    records["watched"] = [printer.attended for printer in printers]
    records["clear_s"] = [printer.eject_s if printer.auto_eject else clear_s for printer in printers]
    return records


def _spans(spans: Sequence[tuple[int, int]]) -> Int64s:
    return np.array(spans, np.int64).reshape(-1, 2)


def _changes(
    problem: Problem, jobs: Sequence[Job], records: Records, printers: Records
) -> tuple[Int32s, Flags]:
    """How long each change of filament takes, and whether it is one; who takes and who has which."""
    wishes = [job.filament for job in jobs] + [printer.loaded for printer in problem.printers]
    kinds = list(dict.fromkeys(wish for wish in wishes if wish is not None))
    number: dict[Filament | None, int] = {kind: place for place, kind in enumerate(kinds)}
    change = np.zeros((1, len(kinds) + 1, len(kinds)), np.int32)
    changes = np.zeros((len(kinds) + 1, len(kinds)), np.bool_)
    for before in kinds:
        change[0, number[before]] = [problem.hand_work.change_s(before, after) for after in kinds]
        changes[number[before]] = [not before.serves(after) for after in kinds]
    records["filament"] = [number.get(one.filament, NONE) for one in jobs]
    printers["loaded"] = [number.get(one.loaded, len(kinds)) for one in problem.printers]
    return change, changes


def _setups(
    setups: Setups, places: Sequence[int], records: Records, printers: Records, shop: Records
) -> tuple[Int32s, Flags]:
    """The same of a problem from a book: what was printed before is what is loaded, and that is all."""
    jobs = len(places)
    between = np.array(setups.between, np.int32).reshape(len(printers), -1, len(setups.first[0]))
    first = np.array(setups.first, np.int32).reshape(len(printers), -1)
    change = np.concatenate([between[:, places][:, :, places], first[:, None, places]], axis=1)
    records["filament"] = np.arange(jobs)
    printers["loaded"] = jobs
    printers["group"] = np.arange(len(printers))
    printers["spool"], printers["ejects"], printers["clear_s"] = np.inf, False, 0
    shop["clear_s"] = shop["spool_s"] = 0
    return np.ascontiguousarray(change), np.zeros((jobs + 1, jobs), np.bool_)


def _by_filament(taken: Int64s, kinds: int) -> tuple[Int64s, Int64s]:
    order = np.argsort(taken, kind="stable")
    return _beginnings(np.bincount(taken[taken >= 0], minlength=kinds)), order[taken[order] >= 0]


def _calendar(problem: Problem) -> Calendar:
    staffed = _spans(((0, FOREVER),) if problem.staffed is None else problem.staffed)
    hours = int(staffed[-1, 0]) // HOUR + 2 if len(staffed) else 1
    from_hour = np.searchsorted(staffed[:, 1], np.arange(hours) * HOUR, side="right")
    return Calendar(
        staffed, from_hour, _spans([span for printer in problem.printers for span in sorted(printer.blocked)])
    )


def _limits(
    problem: Problem, grid_and_slots: tuple[int, int], shop: Records, printers: Records
) -> tuple[Int32s, Int32s]:
    """Power of the farm and of its circuits, and people's hands: what may be used, and what is from now on.

    Only of what can come to its limit at all.
    """
    hot = [_steps_up(one.heat_up_w) for one in problem.printers]
    warm = [_steps_up(one.printing_w) for one in problem.printers]
    limits: list[tuple[str | None, int]] = []
    for circuit, watts in [(None, problem.power_w), *problem.circuits_w.items()]:
        most = sum(
            max(pair)
            for *pair, one in zip(hot, warm, problem.printers, strict=True)
            if circuit in (None, one.circuit)
        )
        if watts is not None and most > watts * WATT_STEPS:
            limits.append((circuit, int(watts * WATT_STEPS + 1e-4)))
    hands = problem.operators is not None and problem.operators < len(problem.printers)
    rows = [limit for _, limit in limits] + ([problem.operators] if hands else [])
    grid, slots = grid_and_slots
    base = np.zeros((len(rows), slots if rows else 0), np.int32)
    shop["grid"], shop["hands"] = grid, len(rows) - 1 if hands else NONE
    printers["hot"], printers["warm"] = hot, warm
    printers["heat_slots"] = [-(-printer.heat_up_s // grid) for printer in problem.printers]
    printers["first_row"] = printers["second_row"] = NONE
    for number, printer in enumerate(problem.printers):
        mine = [row for row, (circuit, _) in enumerate(limits) if circuit in (None, printer.circuit)]
        for name, row in zip(("first_row", "second_row"), mine, strict=False):
            printers[name][number] = row
            if printer.running is not None:
                _draw_running(base[row], printer, printer.running, grid)
    return np.array(rows, np.int32), base


def _steps_up(watts: float) -> int:
    return int(np.ceil(watts * WATT_STEPS - 1e-6))


def _draw_running(row: Int32s, printer: Printer, running: Running, grid: int) -> None:
    ends = -(-max(0, printer.ready_s) // grid)
    heats = min(ends, -(-max(0, running.heat_until_s) // grid))
    row[:heats] += _steps_up(printer.heat_up_w)
    row[heats:ends] += _steps_up(printer.printing_w)


def _grid(problem: Problem, lengths: Int32s, copies: Int64s) -> tuple[int, int]:
    """Seconds of a slot, and how many there are.

    Enough for several times the work of the printer with the most to do, were it shared out evenly, as people
    are not there at night: a plan that is longer is none.
    """
    latest = max([0, *(one.ready_s for one in problem.printers), *(job.release_s for job in problem.jobs)])
    shares = lengths / np.maximum(1, (lengths > 0).sum(axis=1, keepdims=True))
    work = float((shares * copies[:, None]).sum(axis=0).max(initial=0))
    longest = float(lengths.max(initial=0))
    seconds = latest + NIGHTS * (work + longest) + FORTNIGHT
    grid = GRID_S
    while seconds > MOST_SLOTS * grid:
        grid *= 2
    return grid, int(seconds // grid) + 1


def _fill_prices(shop: Records, problem: Problem) -> None:
    work, weights = problem.hand_work, problem.weights
    shop["clear_s"], shop["spool_s"], shop["new_spool_g"] = work.clear_s, work.spool_s, work.new_spool_g
    for name in ("tardiness", "flow", "makespan", "hand_work"):
        shop[name] = getattr(weights, name) / 60
    if weights.makespan and not weights.tardiness and not weights.flow:
        shop["load"] = LOAD_SHARE * weights.makespan / 60 / max(1, len(problem.printers))
    shop["changeover"], shop["moved"] = weights.changeover, weights.other_printer
