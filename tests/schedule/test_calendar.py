"""The shop's hours and maintenance become seconds from now, in the nights of the clock change, too."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.domain.constraints import WEEK, Constraints, Shift, Window
from farm.schedule.calendar import blocked_spans, staffed_spans

HOUR = 3600
DAY = 24 * HOUR
NIGHTS = Constraints(working_hours=(Shift(frozenset(WEEK), time(22), time(6)),), timezone="Europe/Berlin")
NOON = datetime(2026, 6, 5, 10, tzinfo=UTC)  # at 12:00 in Berlin


def test_without_hours_somebody_is_always_there_but_on_closed_dates():
    assert staffed_spans(Constraints(), NOON, DAY) is None
    closed = Constraints(timezone="Europe/Berlin", closed_dates=frozenset({date(2026, 6, 6)}))
    assert staffed_spans(closed, NOON, 2 * DAY) == ((0, 12 * HOUR), (36 * HOUR, 48 * HOUR))


def test_the_shift_that_is_on_began_now_and_none_goes_beyond_the_horizon():
    two_in_the_morning = NOON + timedelta(hours=14)
    assert staffed_spans(NIGHTS, two_in_the_morning, 22 * HOUR) == (
        (0, 4 * HOUR),
        (20 * HOUR, 22 * HOUR),
    )


@pytest.mark.parametrize(
    ("noon", "minutes"),
    [
        (datetime(2026, 3, 28, 11, tzinfo=UTC), 420),
        (datetime(2026, 10, 24, 10, tzinfo=UTC), 540),
        (NOON, 480),
    ],
)
def test_the_nights_of_the_clock_change_are_shorter_and_longer(noon, minutes):
    assert staffed_spans(NIGHTS, noon, DAY) == ((10 * HOUR, 10 * HOUR + minutes * 60),)


def test_broken_seconds_are_neither_staffed_nor_free_of_maintenance():
    now = NOON + timedelta(milliseconds=400)
    assert staffed_spans(NIGHTS, now, DAY) == ((10 * HOUR, 18 * HOUR - 1),)
    shop = down((13, 14))
    assert blocked_spans(shop, "mk4", now) == ((HOUR - 1, 2 * HOUR),)


def test_maintenance_that_is_over_is_forgotten_what_overlaps_is_one_and_others_are_left_alone():
    assert blocked_spans(down((9, 11), (14, 16), (13, 15)), "mk4", NOON) == ((HOUR, 4 * HOUR),)
    assert blocked_spans(down((9, 14)), "mk4", NOON) == ((0, 2 * HOUR),)
    assert blocked_spans(down((13, 14)), "other", NOON) == ()
    assert blocked_spans(down((13, 14), printers="all"), "other", NOON) == ((HOUR, 2 * HOUR),)


def down(*windows, printers=frozenset({"mk4"})):
    """Down from and to these hours of Berlin's clock."""
    day = NOON - timedelta(hours=12)
    return Constraints(
        maintenance_windows=tuple(
            Window(day + timedelta(hours=start), day + timedelta(hours=end), printers)
            for start, end in windows
        )
    )


@settings(max_examples=40)
@given(st.times(), st.times(), st.sets(st.sampled_from(WEEK), min_size=1), st.integers(0, 10**7))
def test_spans_are_whole_seconds_in_order_and_apart(start, end, days, milliseconds):
    shop = Constraints(working_hours=(Shift(frozenset(days), start, end),), timezone="Australia/Lord_Howe")
    spans = staffed_spans(shop, NOON + timedelta(milliseconds=milliseconds), 9 * DAY)
    assert all(0 <= begin < stop <= 9 * DAY for begin, stop in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
