"""What a shop may say of its hours, its power and its printers, and what it may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from farm.domain.constraints import (
    NO_CONSTRAINTS,
    Constraints,
    Day,
    Shift,
    Window,
    require_sound,
    wall_time,
)
from farm.errors import Invalid

PRINTERS = ("mk4-01", "mk4-02")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DUSK = datetime(2026, 3, 2, 18, tzinfo=UTC)
SHIFT = Shift(frozenset({Day.MON}), time(8), time(18))
WINDOW = Window(NOON, DUSK, "all")
SHOP = Constraints(
    max_print_time_s=14_400,
    preferred_printers=frozenset({"mk4-01"}),
    working_hours=(SHIFT,),
    timezone="Europe/Berlin",
    operators=2,
    power_limit_kw=2.0,
    circuits={"a": 1.9},
    maintenance_windows=(WINDOW, replace(WINDOW, affected_printers=frozenset({"mk4-02"}))),
)


def test_what_a_shop_may_say_is_taken():
    require_sound(SHOP, PRINTERS)
    require_sound(NO_CONSTRAINTS, ())


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"max_print_time_s": 0.0}, "max_print_time_s", "more than 0"),
        ({"max_print_time_s": -1.0}, "max_print_time_s", "more than 0"),
        ({"max_print_time_s": float("nan")}, "max_print_time_s", "more than 0"),
        ({"preferred_printers": frozenset({"mk4-1"})}, "preferred_printers", "did you mean mk4-01"),
        ({"timezone": "Europe/Berin"}, "timezone", "did you mean Europe/Berlin"),
        ({"timezone": "europe/berlin2"}, "timezone", "did you mean Europe/Berlin"),
        ({"timezone": "Europe"}, "timezone", "no zone"),
        ({"timezone": ""}, "timezone", "no zone"),
        ({"timezone": "/etc/passwd"}, "timezone", "no zone"),
        ({"timezone": "../UTC"}, "timezone", "no zone"),
        ({"working_hours": (SHIFT, replace(SHIFT, days=frozenset()))}, "working_hours[1].days", "mon"),
        ({"working_hours": (SHIFT,) * 101}, "working_hours", "at most 100"),
        ({"operators": 0}, "operators", "from 1"),
        ({"power_limit_kw": 0.0}, "power_limit_kw", "more than 0"),
        ({"power_limit_kw": -2.0}, "power_limit_kw", "more than 0"),
        ({"circuits": {"a": 0.0}}, "circuits.a", "more than 0"),
        ({"circuits": {" ": 1.0}}, "circuits", "name"),
        ({"maintenance_windows": (Window(DUSK, NOON, "all"),)}, "maintenance_windows[0].end", "after"),
        ({"maintenance_windows": (Window(NOON, NOON, "all"),)}, "maintenance_windows[0].end", "after"),
        (
            {"maintenance_windows": (WINDOW, Window(NOON, DUSK, frozenset()))},
            "maintenance_windows[1].affected_printers",
            'say "all"',
        ),
        (
            {"maintenance_windows": (Window(NOON, DUSK, frozenset({"mk5"})),)},
            "maintenance_windows[0].affected_printers",
            "no printer mk5",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(changes, field, words):
    with pytest.raises(Invalid, match=words) as refusal:
        require_sound(replace(SHOP, **changes), PRINTERS)
    assert refusal.value.field == field


@pytest.mark.parametrize("text", ["8:00", "24:01", "25:00", "08:60", "08:00:00", "", "08:00 ", "٠٨:٠٠"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(Invalid, match="08:00"):
        wall_time(text, "working_hours[0].end", ends=True)


def test_midnight_may_end_a_day_and_does_not_begin_one_at_24():
    assert wall_time("24:00", "end", ends=True) == time(0)
    assert wall_time("23:59", "start") == time(23, 59)
    with pytest.raises(Invalid):
        wall_time("24:00", "start")


def test_a_printer_that_is_taken_out_leaves_nothing_behind():
    left = SHOP.without("mk4-02").without("mk4-01")
    assert left.preferred_printers == frozenset()
    assert left.maintenance_windows == (WINDOW,)  # that of "all" stays, for those that come
    require_sound(left, ())


def test_its_version_tells_one_state_from_another():
    assert SHOP.version == replace(SHOP, circuits={"a": 1.9}).version
    assert SHOP.version != replace(SHOP, circuits={"a": 1.8}).version
