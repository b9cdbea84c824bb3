"""Problems to measure plans with: matrices as in books, and whole farms in minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from farm.domain.constraints import Constraints, require_sound
from farm.errors import Invalid
from farm.schedule import schema as sent
from farm.schedule.config import Objective
from farm.schedule.evaluate import weights_for
from farm.schedule.problem import Filament, HandWork, Job, Printer, Problem, Running, Setups, Weights
from farm.schedule.sound import moment, names_of, require_known, spans

MINUTE = 60
HEAT_UP_MIN = 10  # of all printers of the instances; their hand-work is HandWork()'s


def of_matrices(told: sent.MatricesSent) -> Problem:
    jobs, machines = len(told.duration), len(told.duration[0])
    if not machines:
        raise Invalid("duration: a problem needs at least one printer", "duration")
    _require_size("duration", told.duration, jobs, machines)
    _require_size("setup", told.setup, machines, jobs, jobs)
    _require_size("initial_setup", told.initial_setup, machines, jobs)
    _require_size("eligible", told.eligible, jobs, machines)
    for name in ("release", "due", "deadline", "weights", "jobs"):
        _require_size(name, getattr(told, name), jobs)
    for name in ("ready", "printers"):
        _require_size(name, getattr(told, name), machines)
    names = told.jobs or [str(number) for number in range(jobs)]
    printers = told.printers or [str(number) for number in range(machines)]
    names_of(names, "jobs")
    names_of(printers, "printers")
    ready = told.ready or [0] * machines
    return Problem(
        now=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        printers=tuple(Printer(name, ready_s=at) for name, at in zip(printers, ready, strict=True)),
        jobs=tuple(_matrix_job(told, number, name, printers) for number, name in enumerate(names)),
        setups=_setups(told, machines, jobs),
        weights=weights_for(Objective(told.objective), Weights()),
    )


def _matrix_job(told: sent.MatricesSent, number: int, name: str, printers: Sequence[str]) -> Job:
    eligible = told.eligible[number] if told.eligible else [True] * len(printers)
    took = zip(printers, told.duration[number], eligible, strict=True)
    return Job(
        id=name,
        estimate_s={printer: length for printer, length, may in took if may and length is not None},
        weight=told.weights[number] if told.weights else 1.0,
        release_s=told.release[number] if told.release else 0,
        due_s=told.due[number] if told.due else None,
        deadline_s=told.deadline[number] if told.deadline else None,
    )


def _setups(told: sent.MatricesSent, machines: int, jobs: int) -> Setups:
    none = [0] * jobs
    first = told.initial_setup or [none] * machines
    between = told.setup or [[none] * jobs] * machines
    return Setups(tuple(map(tuple, first)), tuple(tuple(map(tuple, rows)) for rows in between))


def _require_size(field: str, value: Sequence[Any] | None, size: int, *inner: int) -> None:
    """That it is a list of that many, each a list of that many, and so on."""
    if value is None:
        return
    if len(value) != size:
        raise Invalid(f"{field}: {size} of them, not {len(value)}", field)
    for number, row in enumerate(value if inner else ()):
        _require_size(f"{field}[{number}]", row, *inner)


def of_instance(told: sent.InstanceSent) -> Problem:
    """The rules of the instances: see the recipe in the documentation of the benchmark."""
    names_of([str(printer.id) for printer in told.printers], "printers")
    names_of([str(job.id) for job in told.jobs], "jobs", any_number=True)
    known = {printer.id for printer in told.printers}
    for number, job in enumerate(told.jobs):
        require_known(job.preferred, known, f"jobs[{number}].preferred")
    require_sound(Constraints(timezone=told.tz), ())
    return Problem(
        now=moment(told.t0, "t0"),
        printers=tuple(
            _instance_printer(one, f"printers[{number}]") for number, one in enumerate(told.printers)
        ),
        jobs=tuple(_instance_job(one, told.printers) for one in told.jobs),
        staffed=spans(told.windows, "windows", MINUTE),
        power_w=told.cap,
        hand_work=HandWork(),
        zone=told.tz,
    )


def _instance_printer(told: sent.InstancePrinter, field: str) -> Printer:
    return Printer(
        id=str(told.id),
        ready_s=told.avail * MINUTE,
        plate_clear=False,
        loaded=Filament(told.material, told.color),
        heat_up_w=told.heat,
        heat_up_s=HEAT_UP_MIN * MINUTE,
        printing_w=told.steady,
        running=Running("") if told.avail else None,  # nobody knows which, but it draws its power
        blocked=spans(told.maint, f"{field}.maint", MINUTE),
    )


def _instance_job(told: sent.InstanceJob, printers: Iterable[sent.InstancePrinter]) -> Job:
    fits = [
        printer
        for printer in printers
        if told.size <= printer.bed
        and told.nozzle == printer.nozzle
        and (told.material != "ABS" or printer.enclosed)
    ]
    return Job(
        id=str(told.id),
        estimate_s={str(one.id): round(told.base * one.speed) * MINUTE for one in fits},
        filament=Filament(told.material, told.color),
        grams=told.grams,
        weight=told.weight,
        release_s=told.release * MINUTE,
        due_s=told.due * MINUTE,
        preferred=frozenset(map(str, told.preferred)),
    )
