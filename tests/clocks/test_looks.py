"""What two looks at the computer's clocks show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.clocks.looks import NOTICED_S, STOOD_S, Gap, Look, gap, span

BEFORE = Look(wall=1_780_000_000.0, steady=5_000.0, lived=90_000.0)
A_DAY = 86_400.0


def after(passed_s=1.0, slept_s=0.0, set_by_s=0.0):
    """The look after this."""
    lived_s = passed_s + slept_s
    return Look(BEFORE.wall + lived_s + set_by_s, BEFORE.steady + passed_s, BEFORE.lived + lived_s)


def test_a_second_like_any_other_is_nothing_of_note():
    assert gap(BEFORE, after(), 1.0) is None


def test_what_a_time_server_corrects_and_a_busy_moment_are_nothing_of_note():
    assert gap(BEFORE, after(set_by_s=NOTICED_S - 0.01), 1.0) is None
    assert gap(BEFORE, after(set_by_s=0.01 - NOTICED_S), 1.0) is None
    assert gap(BEFORE, after(passed_s=1.0 + STOOD_S), 1.0) is None


def test_sleep_is_told_from_a_clock_that_was_set_and_from_standing_still():
    slept = gap(BEFORE, after(slept_s=25_920), 1.0)
    assert slept == Gap(slept_s=25_920)
    assert slept.was_away
    assert slept.sentence == ("The computer slept for 7 h 12 min. Every printer is asked anew what it does.")
    stood = gap(BEFORE, after(passed_s=21.0), 1.0)
    assert stood == Gap(stood_s=20.0)
    assert stood.was_away
    assert stood.sentence.startswith("The farm stood still for 20 s: ")


@pytest.mark.parametrize(("by_s", "words"), [(3600, "forward by 1 h"), (-A_DAY, "back by 1 day")])
def test_a_clock_that_was_set_is_told_with_its_direction(by_s, words):
    found = gap(BEFORE, after(set_by_s=by_s), 1.0)
    assert found == Gap(set_by_s=by_s)
    assert found.sentence.startswith(f"The computer's clock was set {words}.")


def test_a_clock_that_was_set_back_is_no_absence_and_one_set_forward_may_be():
    assert not gap(BEFORE, after(set_by_s=-3600), 1.0).was_away
    assert gap(BEFORE, after(set_by_s=3600), 1.0).was_away  # a virtual machine that was halted


def test_all_at_once_are_told_each():
    found = gap(BEFORE, after(passed_s=31.0, slept_s=600.0, set_by_s=-7200.0), 1.0)
    assert found == Gap(slept_s=600.0, stood_s=30.0, set_by_s=-7200.0)
    for words in ("slept for 10 min", "stood still for 30 s", "set back by 2 h"):
        assert words in found.sentence


def test_a_process_that_is_stopped_between_two_clocks_tells_of_no_sleep_that_was_not():
    """All clocks are read one after the other: what is counted too much at first lacks at the next look."""
    torn = Look(BEFORE.wall + 1, BEFORE.steady + 1, BEFORE.lived + 21)  # stopped before the last was read
    next_one = Look(BEFORE.wall + 22, BEFORE.steady + 22, BEFORE.lived + 22)
    second = gap(torn, next_one, 1.0)
    assert second is not None
    assert (second.slept_s, second.stood_s, second.set_by_s) == (0.0, 20.0, 0.0)


@given(st.floats(0, 10 * A_DAY), st.floats(0, 10 * A_DAY), st.floats(-400 * A_DAY, 400 * A_DAY))
def test_nothing_is_made_up_and_nothing_large_is_missed(stood_s, slept_s, set_by_s):
    found = gap(BEFORE, after(1.0 + stood_s, slept_s, set_by_s), 1.0) or Gap()
    for told, true, least in (
        (found.stood_s, stood_s, STOOD_S),
        (found.slept_s, slept_s, NOTICED_S),
        (found.set_by_s, set_by_s, NOTICED_S),
    ):
        assert abs(told - true) <= max(least, 0.001) + 0.001
        assert told == 0.0 or abs(told) >= least - 0.001


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "3 s"),
        (59.4, "59 s"),
        (59.9, "1 min"),
        (75, "1 min"),
        (2700, "45 min"),
        (3600, "1 h"),
        (25_920, "7 h 12 min"),
        (A_DAY, "1 day"),
        (2 * A_DAY + 3 * 3600 + 60, "2 days 3 h"),
    ],
)
def test_times_in_words(seconds, words):
    assert span(seconds) == words
