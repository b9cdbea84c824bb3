"""What the shop allows: when people are there, how long, how much power, and when printers are spoken for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from farm.domain.terms import version_of
from farm.errors import Invalid

MOST_SHIFTS, MOST_CLOSED, MOST_WINDOWS, MOST_CIRCUITS = 100, 2000, 2000, 200
LONGEST_PRINT_S = 366 * 86_400.0
MOST_KW = 10_000.0
MOST_OPERATORS = 1000


class Day(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK = tuple(Day)
"""As `date.weekday` counts them."""


@dataclass(frozen=True, slots=True)
class Shift:
    """When people are there. days: those on which it starts. Wall-clock times in the shop's zone.

    end: on the next day where it is not after `start`; the same time is 24 hours.
    """

    days: frozenset[Day]
    start: time
    end: time


Affected: TypeAlias = frozenset[str] | Literal["all"]
"""Printers by their ids, or every one there is."""


@dataclass(frozen=True, slots=True)
class Window:
    """Printers are spoken for from `start` up to `end`: nothing is printed, and no hand put to a print."""

    start: datetime
    end: datetime
    affected_printers: Affected

    def affects(self, printer: str) -> bool:
        return self.affected_printers == "all" or printer in self.affected_printers


@dataclass(frozen=True, slots=True)
class Constraints:
    """What nobody and no plan may overrule, but for `preferred_printers`, which are a wish.

    max_print_time_s: of one print, without the work of hands; None where there is no limit, as everywhere
    here. working_hours: empty where somebody is always there. timezone: the shop's, in which its hours and
    closed dates are meant. operators: how many can put their hands to printers at once. circuits: kilowatts
    by the name that printers give as their circuit; power_limit_kw: of all printers together.
    """

    max_print_time_s: float | None = None
    preferred_printers: frozenset[str] = frozenset()
    working_hours: tuple[Shift, ...] = ()
    timezone: str = "UTC"
    closed_dates: frozenset[date] = frozenset()
    operators: int | None = None
    power_limit_kw: float | None = None
    circuits: Mapping[str, float] = field(default_factory=dict)
    maintenance_windows: tuple[Window, ...] = ()

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self)

    @property
    def zone(self) -> ZoneInfo:
        """The shop's."""
        return ZoneInfo(self.timezone)

    def on_the_wall(self, moment: datetime) -> str:
        """A moment as the clock in the shop shows it."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def without(self, printer: str) -> Constraints:
        """The same for a farm from which a printer was taken out."""
        left = [(window, _others(window, printer)) for window in self.maintenance_windows]
        return replace(
            self,
            preferred_printers=self.preferred_printers - {printer},
            maintenance_windows=tuple(
                replace(window, affected_printers=those) for window, those in left if those
            ),
        )


NO_CONSTRAINTS = Constraints()


def _others(window: Window, printer: str) -> Affected:
    return "all" if window.affected_printers == "all" else window.affected_printers - {printer}


_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def wall_time(text: str, field: str, *, ends: bool = False) -> time:
    """The time of day that people write "08:00". ends: 24:00 is a time, too. Raises Invalid."""
    told = _TIME.fullmatch("00:00" if ends and text == "24:00" else text)
    if told is None:
        raise Invalid(f"{field}: a time of day from 00:00 to 23:59, like 08:00", field)
    return time(int(told[1]), int(told[2]))


def require_sound(wanted: Constraints, printers: Collection[str]) -> None:
    """Look whether these can be a shop's. printers: the ids of all there are. Raises Invalid by the field."""
    _require_within(wanted.max_print_time_s, LONGEST_PRINT_S, "max_print_time_s", "seconds")
    _require_printers(wanted.preferred_printers, printers, "preferred_printers")
    _require_zone(wanted.timezone)
    _require_few(len(wanted.closed_dates), MOST_CLOSED, "closed_dates")
    _require_few(len(wanted.working_hours), MOST_SHIFTS, "working_hours")
    for number, shift in enumerate(wanted.working_hours):
        if not shift.days:
            name = f"working_hours[{number}].days"
            raise Invalid(f"{name}: name at least one day, of {', '.join(WEEK)}", name)
    if wanted.operators is not None and not 1 <= wanted.operators <= MOST_OPERATORS:
        raise Invalid(
            f"operators: from 1 to {MOST_OPERATORS}, or null where nobody counts them; a shop in which nobody"
            " works has closed dates",
            "operators",
        )
    _require_power(wanted)
    _require_few(len(wanted.maintenance_windows), MOST_WINDOWS, "maintenance_windows")
    for number, window in enumerate(wanted.maintenance_windows):
        _require_window(window, printers, f"maintenance_windows[{number}]")


def _require_power(wanted: Constraints) -> None:
    _require_within(wanted.power_limit_kw, MOST_KW, "power_limit_kw", "kilowatts")
    _require_few(len(wanted.circuits), MOST_CIRCUITS, "circuits")
    for name, most_kw in wanted.circuits.items():
        if not name.strip():
            raise Invalid("circuits: give each a name, the one that its printers' profiles have", "circuits")
        _require_within(most_kw, MOST_KW, f"circuits.{name}", "kilowatts")


def _require_window(window: Window, printers: Collection[str], field: str) -> None:
    if window.end <= window.start:
        raise Invalid(f"{field}.end: it has to be after the start", f"{field}.end")
    those, name = window.affected_printers, f"{field}.affected_printers"
    if not those:
        raise Invalid(f'{name}: name at least one printer, or say "all"', name)
    if those != "all":
        _require_printers(those, printers, name)


def _require_within(value: float | None, most: float, field: str, unit: str) -> None:
    if value is not None and not 0 < value <= most:
        raise Invalid(f"{field}: more than 0 and at most {most:g} {unit}, or null for no limit", field)


def _require_few(number: int, most: int, field: str) -> None:
    if number > most:
        raise Invalid(f"{field}: at most {most} of them, not {number}", field)


def _require_printers(named: Collection[str], printers: Collection[str], field: str) -> None:
    for name in sorted(named):
        if name not in printers:
            close = difflib.get_close_matches(name, printers, n=1)
            raise Invalid(
                f"{field}: there is no printer {name}" + (f"; did you mean {close[0]}?" if close else ""),
                field,
            )


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # "Europe" alone is a folder of zones
        zones = {zone.casefold(): zone for zone in available_timezones()}
        close = difflib.get_close_matches(name.casefold(), zones, n=1)
        hint = f"did you mean {zones[close[0]]}?" if close else "it is called like Europe/Berlin or UTC"
        raise Invalid(f"timezone: there is no zone {name[:40]!r}; {hint}", "timezone") from error
