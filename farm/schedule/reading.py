"""Problems and plans from JSON. What is wrong is refused by the field it is in, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from farm.domain import misshapen
from farm.domain.constraints import Constraints, Day, Shift, require_sound, wall_time
from farm.errors import Invalid
from farm.schedule import books
from farm.schedule import schema as sent
from farm.schedule.calendar import staffed_spans
from farm.schedule.problem import (
    Filament,
    HandWork,
    Job,
    Pin,
    Placed,
    Printer,
    Problem,
    Reason,
    Running,
    Span,
    Weights,
)
from farm.schedule.result import Placement, Schedule, Unscheduled
from farm.schedule.rules import Rule
from farm.schedule.sound import calendar_date, moment, names_of, require_ahead, require_known, spans
from farm.schedule.spans import merged

Shape = TypeVar("Shape")


def read_problem(text: bytes) -> Problem:
    """A problem of any of the three kinds that `schema` describes. Raises Invalid by the field."""
    keys = _decoded(text)
    if isinstance(keys, dict) and "duration" in keys:
        return books.of_matrices(_shaped(keys, sent.MatricesSent))
    if isinstance(keys, dict) and "t0" in keys:
        return books.of_instance(_shaped(keys, sent.InstanceSent))
    return _of_shop(_shaped(keys, sent.ProblemSent))


def read_plan(text: bytes) -> Schedule:
    """A plan as `solve` prints it; what it says of its own quality is not believed. Raises Invalid."""
    plan = _shaped(_decoded(text), sent.PlanSent)
    return Schedule(
        tuple(Placement(**msgspec.structs.asdict(one)) for one in plan.placements),
        tuple(Unscheduled(one.job, one.copies, ()) for one in plan.unscheduled),
    )


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"this is no JSON: {error}") from error


def _shaped(keys: Any, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(keys, shape)
    except msgspec.ValidationError as error:
        raise misshapen.invalid(error, shape, keys) from error


def _of_shop(told: sent.ProblemSent) -> Problem:
    now = moment(told.now, "now")
    printers = names_of([printer.id for printer in told.printers], "printers")
    names_of([job.id for job in told.jobs], "jobs", any_number=True)
    if sum(job.copies for job in told.jobs) > sent.MOST_PRINTS:
        raise Invalid(f"jobs: at most {sent.MOST_PRINTS} prints at once, all copies counted", "jobs")
    hours = _constraints(told, printers)
    down = _maintenance(told.maintenance_windows, printers)
    return Problem(
        now=now,
        printers=tuple(
            _printer(one, down, f"printers[{number}]") for number, one in enumerate(told.printers)
        ),
        jobs=tuple(_job(one, printers, f"jobs[{number}]") for number, one in enumerate(told.jobs)),
        staffed=_staffed(told, hours, now),
        operators=told.operators,
        power_w=told.power_w,
        circuits_w=told.circuits_w,
        stock_g={Filament(one.material, one.colour): one.grams for one in told.stock},
        max_print_s=told.max_print_s,
        hand_work=_hand_work(told.hand_work),
        weights=Weights(**msgspec.structs.asdict(told.weights)),
        previous={
            (one.job, one.copy): Placed(one.printer, one.hand_work_start, one.start) for one in told.previous
        },
        frozen_s=told.frozen_s,
        zone=told.timezone,
    )


def _constraints(told: sent.ProblemSent, printers: Collection[str]) -> Constraints:
    """The hours that a shop keeps, as the rest of the farm knows them."""
    shifts = []
    for number, shift in enumerate(told.working_hours or ()):
        field = f"working_hours[{number}]"
        start = wall_time(shift.start, f"{field}.start")
        end = wall_time(shift.end, f"{field}.end", ends=True)
        shifts.append(Shift(frozenset(map(Day, shift.days)), start, end))
    closed = frozenset(
        calendar_date(day, f"closed_dates[{number}]") for number, day in enumerate(told.closed_dates)
    )
    hours = Constraints(working_hours=tuple(shifts), timezone=told.timezone, closed_dates=closed)
    require_sound(hours, printers)
    return hours


def _staffed(told: sent.ProblemSent, hours: Constraints, now: datetime) -> tuple[Span, ...] | None:
    if told.staffed is None:
        return staffed_spans(hours, now, told.horizon_s)
    if told.working_hours is not None or told.closed_dates:
        raise Invalid("staffed: give either these spans, or working_hours and closed_dates", "staffed")
    return spans(told.staffed, "staffed")


def _maintenance(windows: Sequence[sent.WindowSent], printers: Collection[str]) -> dict[str, list[Span]]:
    """Of each printer."""
    down: dict[str, list[Span]] = {}
    for number, window in enumerate(windows):
        field = f"maintenance_windows[{number}]"
        require_ahead(window.start, window.end, field, f"{field}.end")
        if not window.affected_printers:
            name = f"{field}.affected_printers"
            raise Invalid(f'{name}: name at least one printer, or say "all"', name)
        everywhere = isinstance(window.affected_printers, str)
        those = printers if everywhere else window.affected_printers
        require_known(those, printers, f"{field}.affected_printers")
        for printer in those:
            down.setdefault(printer, []).append((max(0, window.start), window.end))
    return down


def _printer(told: sent.PrinterSent, down: dict[str, list[Span]], field: str) -> Printer:
    values = msgspec.structs.asdict(told)
    running = told.running and Running(told.running.job, told.running.heat_until_s)
    blocked = merged([*spans(told.blocked, f"{field}.blocked"), *down.get(told.id, ())])
    return Printer(**{**values, "loaded": _filament(told.loaded), "blocked": blocked, "running": running})


def _job(told: sent.JobSent, printers: Collection[str], field: str) -> Job:
    estimates = told.estimate_s
    if isinstance(estimates, int):
        estimates = dict.fromkeys(printers, estimates)
    require_known(estimates, printers, f"{field}.estimate_s")
    require_known(told.preferred_printers, printers, f"{field}.preferred_printers")
    require_known(told.required_printers, printers, f"{field}.required_printers")
    if told.pin is not None:
        require_known([told.pin.printer], printers, f"{field}.pin.printer")
    if told.weight is not None and told.priority is not None:
        raise Invalid(f"{field}.weight: give either a weight or a priority", f"{field}.weight")
    required = told.required_printers or estimates
    excluded = [Reason(one.printer, one.constraint, one.needed, one.have) for one in told.excluded]
    excluded += [
        Reason(printer, Rule.PIN, f"one of {', '.join(sorted(required))}", printer)
        for printer in estimates
        if printer not in required
    ]
    return Job(
        id=told.id,
        estimate_s={printer: took for printer, took in estimates.items() if printer in required},
        copies=told.copies,
        filament=_filament(told.filament),
        grams=told.grams,
        allow_short_filament=told.allow_short_filament,
        weight=2.0 ** (told.priority or 0) if told.weight is None else told.weight,
        release_s=told.release_s,
        due_s=told.due_s,
        deadline_s=told.deadline_s,
        max_print_s=told.max_print_s,
        attended=told.attended,
        preferred=frozenset(told.preferred_printers),
        pin=None if told.pin is None else Pin(told.pin.printer, told.pin.start_s),
        excluded=tuple(excluded),
    )


def _hand_work(told: sent.HandWorkSent) -> HandWork:
    changes = {(_loaded(one.before), _loaded(one.after)): one.seconds for one in told.changes}
    return HandWork(**{**msgspec.structs.asdict(told), "changes": changes})


def _filament(told: sent.FilamentSent | None) -> Filament | None:
    return None if told is None else _loaded(told)


def _loaded(told: sent.FilamentSent) -> Filament:
    return Filament(told.material, told.colour)
