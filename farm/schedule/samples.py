"""Small shops with all there is in them, for a worker process to meet before the first real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from farm.schedule.problem import Filament, Job, Placed, Printer, Problem

HOUR_S = 3600
_BLACK, _WHITE = Filament("PLA", "black"), Filament("PETG", "white")


def _printer(name: str, loaded: Filament) -> Printer:
    return Printer(
        name,
        ready_s=600,
        plate_clear=False,
        loaded=loaded,
        grams_left=500.0,
        heat_up_w=350.0,
        heat_up_s=300,
        printing_w=120.0,
        circuit="a",
        blocked=((20 * HOUR_S, 21 * HOUR_S),),
    )


def _job(number: int) -> Job:
    return Job(
        f"j{number}",
        {"a": 2 * HOUR_S, "b": 3 * HOUR_S},
        copies=1 + number % 2,
        filament=_WHITE if number % 3 else _BLACK,
        grams=100.0,
        due_s=number * HOUR_S,
        preferred=frozenset({"b"}),
    )


_AGAIN = Problem(
    now=datetime(2026, 3, 2, 8, tzinfo=UTC),
    printers=(_printer("a", _BLACK), _printer("b", _WHITE)),
    jobs=tuple(_job(number) for number in range(16)),
    staffed=((0, 10 * HOUR_S), (24 * HOUR_S, 34 * HOUR_S), (48 * HOUR_S, 500 * HOUR_S)),
    operators=1,
    power_w=600.0,
    circuits_w={"a": 500.0},
    previous={("j1", 0): Placed("a", 0, 600)},
)

SAMPLES = (_AGAIN, replace(_AGAIN, previous={}), replace(_AGAIN, jobs=_AGAIN.jobs[:3], previous={}))
"""One that was planned before, one that was not, and one that is small enough to be proven the best."""
