"""How sure a plan's ends are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.schedule.chances import UNKNOWN, Bars, _Hours, between, chances
from farm.schedule.problem import FOREVER
from farm.schedule.shop import HandsOn
from farm.schedule.slots import hands_at
from tests.schedule.small_shop import at, job, minutes, plan, printer, shop

SPREAD = 0.1


def test_nine_of_ten_prints_end_within_their_bars_and_the_first_chance_is_its_own():
    problem = shop(printer(spread=SPREAD), job(takes=600, due_s=minutes(600)))
    found = chances(problem, plan(at(0, takes=600)))
    early, late = (minutes(600) * math.exp(-(SPREAD**2) / 2 + way * 1.645 * SPREAD) for way in (-1, 1))
    assert found.bars["j", 0].early_s == pytest.approx(early, rel=0.03)
    assert found.bars["j", 0].late_s == pytest.approx(late, rel=0.03)
    assert found.in_time["j"] == pytest.approx(0.52, abs=0.06)  # half of them, and a little: it is the mean


def test_what_stands_behind_others_is_less_sure_but_begins_sooner_where_it_can():
    jobs = [job(name, takes=600) for name in "klm"]
    line = plan(at(0, "k", takes=600), at(605, "l", hands=(600, 605), takes=600), at(2000, "m", takes=600))
    found = chances(shop(printer(spread=SPREAD), *jobs), line)
    first, second, third = (found.bars[name, 0] for name in "klm")
    assert second.late_s - second.early_s > 1.2 * (first.late_s - first.early_s)
    assert second.early_s < minutes(1205) < second.late_s
    assert third.early_s > minutes(2000)  # it was to wait for something else


def test_a_print_that_may_end_after_hours_may_be_done_the_next_day():
    problem = shop(printer(spread=0.2), job("k"), job("l"), staffed=(minutes(0, 70), minutes(900, 1000)))
    found = chances(problem, plan(at(0, "k"), at(65, "l", hands=(60, 65))))
    assert found.bars["l", 0].early_s < minutes(125)
    assert found.bars["l", 0].late_s > minutes(900)


def test_of_printers_of_which_nothing_was_learned_nothing_is_said():
    problem = shop(printer(spread=SPREAD), printer("b"), job("k"), job("l", on=("b",), due_s=1))
    found = chances(problem, plan(at(0, "k"), at(0, "l", "b")))
    assert list(found.bars) == [("k", 0)]
    assert found.in_time == {}
    assert chances(shop(printer(), job()), plan(at(0))) == UNKNOWN


def test_a_job_whose_prints_are_not_all_planned_has_no_chance_told():
    problem = shop(printer(spread=SPREAD), job(copies=2, due_s=minutes(5000)))
    assert chances(problem, plan(at(0))).in_time == {}
    assert chances(problem, plan(at(0), at(65, hands=(60, 65), copy=1))).in_time == {"j": 1.0}


@given(
    st.lists(st.integers(1, 50), max_size=8),
    st.integers(0, 300),
    st.integers(0, 30),
    st.booleans(),
)
def test_people_are_there_as_everybody_else_reads_it(steps, free, seconds, always):
    times = np.cumsum(steps).tolist()
    spans = tuple(zip(times[::2], times[1::2], strict=False))
    problem = shop(printer(), staffed=None if always else spans)
    hands = HandsOn(clear_s=seconds)
    wanted = hands_at(problem, (free, FOREVER), hands)
    (found,) = _Hours(problem).hands_at(np.array([free]), hands)
    assert found == (FOREVER if wanted is None else wanted)


def test_bars_are_told_on_the_shops_clock():
    problem = shop(printer())
    assert between(problem, Bars(minutes(60), minutes(90))) == "between 09:00 and 09:30 nine times of ten"
    days = "between Fri 23:30 and Sat 00:30 nine times of ten"
    assert between(problem, Bars(minutes(930), minutes(990))) == days
