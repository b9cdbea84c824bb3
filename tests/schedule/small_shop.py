"""Small problems and plans, in minutes, for tests that say only what they are about."""

from datetime import UTC, datetime

from farm.schedule.problem import Filament, Job, Placed, Printer, Problem
from farm.schedule.result import Placement, Schedule

NOW = datetime(2026, 6, 5, 6, tzinfo=UTC)  # Friday, 08:00 in Berlin
BLACK, WHITE, PETG = Filament("PLA", "black"), Filament("PLA", "white"), Filament("PETG", "black")


def minutes(*times):
    """One span or time, in seconds."""
    return tuple(time * 60 for time in times) if len(times) > 1 else times[0] * 60


def printer(name="a", **changes):
    """Free, with black PLA on it and an empty plate."""
    values = {"loaded": BLACK, "heat_up_w": 300.0, "heat_up_s": minutes(10), "printing_w": 100.0}
    return Printer(name, **{**values, **changes})


def job(name="j", on=("a",), takes=60, **changes):
    """takes: minutes."""
    return Job(name, dict.fromkeys(on, minutes(takes)), **{"filament": BLACK, **changes})


def shop(*things, **changes):
    """A problem with these printers and jobs."""
    printers = tuple(thing for thing in things if isinstance(thing, Printer))
    jobs = tuple(thing for thing in things if isinstance(thing, Job))
    return Problem(NOW, printers or (printer(),), jobs, **{"zone": "Europe/Berlin", **changes})


def at(start, job="j", on="a", takes=60, hands=None, copy=0):
    """A print from that minute on. hands: the minutes in which it is prepared."""
    begin, ready = hands or (start, start)
    times = minutes(begin, ready, start, start + takes)
    return Placement(job, copy, on, *times)


def plan(*placements, left_out=()):
    return Schedule(placements, left_out)


def before(*placements):
    """What was planned before, as a problem tells it."""
    return {(one.job, one.copy): Placed(one.printer, one.hand_work_start, one.start) for one in placements}
