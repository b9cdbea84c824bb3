"""So many a second: never more, never fewer when they are wanted, and all when there is no limit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.live.allowance import Allowance


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400)), max_size=40),
)
def test_no_more_than_a_second_s_worth_above_the_rate_is_ever_taken(rate, tries):
    allowance, now, taken = Allowance(rate), 1000.0, 0
    for later, wanted in tries:
        now += later
        got = allowance.take(wanted, now)
        assert 0 <= got <= wanted
        taken += got
        assert taken <= rate * (now - 1000.0) + rate + 1e-3


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.floats(0, 1e6))
def test_who_waits_as_long_as_told_gets_one(rate, now):
    allowance = Allowance(rate)
    allowance.take(rate, now)
    for _ in range(3 * rate):
        assert allowance.take(1, now) == 0
        now += allowance.wait_s(now)
        assert allowance.take(1, now) == 1


def test_who_wants_more_than_there_is_gets_it_at_the_rate():
    allowance = Allowance(100)

    assert [allowance.take(1000, now / 10) for now in range(21)] == [100] + 20 * [10]


@pytest.mark.parametrize("wanted", [0, 1, 10_000])
def test_rate_of_0_is_no_limit(wanted):
    allowance = Allowance(0)

    assert [allowance.take(wanted, 1.0) for _ in range(3)] == [wanted] * 3
    assert allowance.wait_s(1.0) == 0
