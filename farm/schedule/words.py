"""How a plan is talked about in the shop: times on the shop's clock, durations, watts, grams, lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from farm.schedule.problem import Filament, Problem

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WITHIN_A_WEEK = 6  # days ahead in which a weekday alone cannot be misunderstood


def on_the_clock(problem: Problem, seconds: int) -> datetime:
    """In the shop's zone."""
    return (problem.now + timedelta(seconds=seconds)).astimezone(ZoneInfo(problem.zone))


def at(problem: Problem, seconds: int) -> str:
    """ "Thu 14:05", with its date where another Thursday could be meant: "Thu 9 Apr 14:05"."""
    moment = on_the_clock(problem, seconds)
    day = _DAYS[moment.weekday()]
    if 0 <= (moment.date() - on_the_clock(problem, 0).date()).days <= WITHIN_A_WEEK:
        return f"{day} {moment:%H:%M}"
    return f"{day} {moment.day} {_MONTHS[moment.month - 1]} {moment:%H:%M}"


def clock(problem: Problem, seconds: int) -> str:
    """ "14:05"."""
    return f"{on_the_clock(problem, seconds):%H:%M}"


def lasting(seconds: float) -> str:
    """ "45 s", "5 min", "3 h 20 min", "2 days 4 h"."""
    if abs(seconds) < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return _two(f"{days} day{'s' * (days > 1)}", hours, "h")
    if hours:
        return _two(f"{hours} h", minutes % 60, "min")
    return f"{minutes} min"


def _two(larger: str, smaller: int, unit: str) -> str:
    return f"{larger} {smaller} {unit}" if smaller else larger


def percent(share: float) -> str:
    """ "83 %"; what is not certain is not told as if it were."""
    if 0.0 < share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if 0.99 < share < 1.0 else f"{round(100 * share)} %"


def watts(power: float) -> str:
    """ "350 W", "1.9 kW"."""
    return f"{power / 1000:.4g} kW" if power >= 1000 else f"{power:.4g} W"


def grams(weight: float) -> str:
    """ "181 g"."""
    return f"{weight:.4g} g" if weight < 1000 else f"{weight / 1000:.4g} kg"


def filament(what: Filament | None) -> str:
    """ "black PLA"."""
    return "any filament" if what is None else f"{what.colour} {what.material}".strip()


def listed(names: Sequence[str], last: str = "and") -> str:
    """ "a, b and c"."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def counted(number: int, thing: str) -> str:
    """ "1 print", "3 prints"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
