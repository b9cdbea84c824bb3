"""When somebody is in the shop: across nights, weekends, closed dates and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.constraints import WEEK, Constraints, Day, Shift
from farm.domain.hours import Span, is_staffed, next_opening, staffed

BERLIN = "Europe/Berlin"
DAYLIGHT = Shift(frozenset(WEEK[:5]), time(8), time(18))
NIGHT = Shift(frozenset(WEEK), time(22), time(6))


def shop(*shifts, zone=BERLIN, closed=()):
    return Constraints(working_hours=shifts, timezone=zone, closed_dates=frozenset(closed))


def utc(*when):
    return datetime(*when, tzinfo=UTC)


def local(span, of):
    """Start and end as the clock on the wall shows them."""
    return tuple(moment.astimezone(of.zone).strftime("%a %d %H:%M") for moment in (span.start, span.end))


def during(of, first, last):
    return [local(span, of) for span in staffed(of, Span(first, last))]


def test_a_day_shift_is_there_on_its_days_and_ends_on_the_minute():
    of = shop(DAYLIGHT)
    assert during(of, utc(2026, 3, 6, 12), utc(2026, 3, 9, 12)) == [
        ("Fri 06 08:00", "Fri 06 18:00"),
        ("Mon 09 08:00", "Mon 09 18:00"),
    ]
    assert is_staffed(of, Span(utc(2026, 3, 6, 16), utc(2026, 3, 6, 17)))  # 17 to 18 in Berlin
    assert not is_staffed(of, Span(utc(2026, 3, 6, 16), utc(2026, 3, 6, 17, 0, 1)))


def test_a_night_shift_belongs_to_the_day_on_which_it_starts():
    of = shop(Shift(frozenset({Day.FRI}), time(22), time(6)))
    assert during(of, utc(2026, 3, 6), utc(2026, 3, 8)) == [("Fri 06 22:00", "Sat 07 06:00")]


def test_the_same_time_twice_is_a_day_and_a_night():
    of = shop(Shift(frozenset({Day.FRI}), time(6), time(6)))
    assert during(of, utc(2026, 3, 6), utc(2026, 3, 8)) == [("Fri 06 06:00", "Sat 07 06:00")]


def test_shifts_that_touch_or_overlap_are_one():
    of = shop(NIGHT, Shift(frozenset(WEEK), time(6), time(14)), Shift(frozenset(WEEK), time(13), time(15)))
    assert during(of, utc(2026, 3, 4, 0), utc(2026, 3, 4, 12)) == [("Tue 03 22:00", "Wed 04 15:00")]


@pytest.mark.parametrize(
    ("evening", "minutes"), [(date(2026, 3, 28), 420), (date(2026, 10, 24), 540), (date(2026, 6, 1), 480)]
)
def test_the_night_in_which_the_clocks_change_is_shorter_or_longer(evening, minutes):
    of = shop(Shift(frozenset(WEEK), time(22), time(6)))
    begin = datetime.combine(evening, time(23), of.zone).astimezone(UTC)
    (span,) = staffed(of, Span(begin, begin + timedelta(minutes=1)))
    assert span.end - span.start == timedelta(minutes=minutes)


def test_a_time_that_the_clocks_jump_over_comes_as_much_later():
    of = shop(Shift(frozenset(WEEK), time(2, 30), time(5)), Shift(frozenset(WEEK), time(1), time(2, 15)))
    first, second = staffed(of, Span(utc(2026, 3, 29, 0), utc(2026, 3, 29, 3)))
    assert local(first, of) == ("Sun 29 01:00", "Sun 29 03:15")
    assert local(second, of) == ("Sun 29 03:30", "Sun 29 05:00")


def test_of_an_hour_that_comes_twice_a_shift_has_both():
    of = shop(Shift(frozenset(WEEK), time(2), time(3)), Shift(frozenset(WEEK), time(5), time(5, 30)))
    first, _ = staffed(of, Span(utc(2026, 10, 25, 0), utc(2026, 10, 25, 5)))
    assert first == Span(utc(2026, 10, 25, 0), utc(2026, 10, 25, 2))
    ending = shop(Shift(frozenset(WEEK), time(1), time(2, 30)))  # the second half past two
    assert staffed(ending, Span(utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)))[0].end == utc(
        2026, 10, 25, 1, 30
    )


def test_nobody_is_there_on_a_closed_date():
    of = shop(NIGHT, closed=[date(2026, 12, 25)])
    assert during(of, utc(2026, 12, 24), utc(2026, 12, 26, 23)) == [
        ("Wed 23 22:00", "Thu 24 06:00"),
        ("Thu 24 22:00", "Fri 25 00:00"),
        ("Sat 26 22:00", "Sun 27 06:00"),
    ]


def test_a_shop_without_hours_is_always_staffed_but_on_closed_dates():
    assert is_staffed(shop(), Span(utc(2026, 1, 1), utc(2026, 2, 1)))
    of = shop(closed=[date(2026, 1, 6)], zone="UTC")
    assert is_staffed(of, Span(utc(2026, 1, 5), utc(2026, 1, 6)))
    assert not is_staffed(of, Span(utc(2026, 1, 5), utc(2026, 1, 6, 0, 1)))
    assert next_opening(of, utc(2026, 1, 6, 12)) == utc(2026, 1, 7)


def test_the_next_opening_is_found_over_a_long_closure():
    closed = [date(2026, 3, 1) + timedelta(days=number) for number in range(60)]
    assert next_opening(shop(DAYLIGHT, closed=closed), utc(2026, 3, 1)) == utc(2026, 4, 30, 6)
    every_day = [date(2026, 1, 1) + timedelta(days=number) for number in range(1000)]
    assert next_opening(shop(DAYLIGHT, closed=every_day), utc(2026, 3, 1)) is None


SHIFTS = st.builds(
    Shift,
    days=st.frozensets(st.sampled_from(WEEK), min_size=1),
    start=st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    end=st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
)


@given(
    st.lists(SHIFTS, max_size=3),
    st.sampled_from([BERLIN, "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.integers(0, 400),
    st.integers(0, 200),
)
def test_spans_are_apart_in_order_and_the_same_however_little_is_asked_for(shifts, zone, days, hours):
    of = shop(*shifts, zone=zone)
    first = utc(2025, 12, 1) + timedelta(days=days)
    moment = first + timedelta(hours=hours)
    spans = staffed(of, Span(first, first + timedelta(days=9)))
    assert all(one.end < other.start for one, other in pairwise(spans))
    assert all(span.start < span.end for span in spans)
    at = Span(moment, moment + timedelta(seconds=1))
    assert is_staffed(of, at) == any(span.covers(at) for span in spans)
