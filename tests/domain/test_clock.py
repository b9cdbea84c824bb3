"""Times and ids."""

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.clock import iso, new_id, parse_iso, real_clock

FIRST, LAST = datetime(1980, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis wants them naive


@given(st.datetimes(min_value=FIRST, max_value=LAST), st.integers(-14, 14))
def test_a_time_is_the_same_after_it_was_written_and_read(naive, hours):
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    written = iso(moment)
    assert written.endswith("Z")
    assert abs(parse_iso(written) - moment) < timedelta(milliseconds=1)


def test_times_sort_as_text():
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=37 * n) for n in range(100)]
    assert sorted(map(iso, moments)) == [iso(moment) for moment in moments]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01T08:00:00"])
def test_a_text_that_is_no_time_with_its_zone_is_refused(text):
    with pytest.raises(ValueError):
        parse_iso(text)


def test_the_real_clock_knows_its_zone():
    assert real_clock().utcoffset() == timedelta(0)


def test_ids_follow_their_seed_and_differ():
    assert new_id(random.Random(1)) == new_id(random.Random(1))
    chance = random.Random(2)
    assert len({new_id(chance, 6) for _ in range(1000)}) == 1000
