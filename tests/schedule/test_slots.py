"""Room for one more print: it is sound wherever it is found, and there is none before it."""

from dataclasses import replace

from hypothesis import given, settings

from farm.schedule.problem import HandWork
from farm.schedule.relax import WhatIf
from farm.schedule.result import Placement, Schedule, Unscheduled
from farm.schedule.slots import Room, placed, taken_out
from farm.schedule.validate import validate
from tests.schedule.random_shops import shops
from tests.schedule.small_shop import PETG, WHITE, at, before, job, minutes, plan, printer, shop


def laid_in(problem):
    """Every print in turn where it ends soonest, as a plan."""
    room, left_out = Room(problem, ()), []
    for wanted in problem.jobs:
        for copy in range(wanted.copies):
            short = WhatIf(problem, Schedule(room.placements)).stock_left(wanted) is not None
            slot = None if short else room.anywhere(wanted, copy)
            if slot is None:
                left_out.append(Unscheduled(wanted.id, 1, ()))
            else:
                assert Room(problem, room.placements).anywhere(wanted, copy) == slot  # nothing is forgotten
                room.put(slot)
    return Schedule(room.placements, tuple(left_out))


@settings(max_examples=100)
@given(shops())
def test_a_plan_of_prints_laid_in_one_by_one_is_sound(problem):
    problem = replace(problem, previous={})
    schedule = laid_in(problem)
    assert validate(problem, schedule) == []


def slot(problem, *placements, of="j", on="a"):
    room = Room(problem, placements)
    return room.earliest(room.shop.jobs[of], room.shop.printers[on])


def test_a_gap_is_used_where_all_that_follows_still_fits():
    problem = shop(job("j", takes=30), job("k"), job("m"))
    line = at(0, "k"), at(100, "m", hands=(95, 100))
    assert slot(problem, *line).placement == at(65, takes=30, hands=(60, 65))
    assert slot(problem, at(0, "k"), at(99, "m", hands=(94, 99))).placement.start == minutes(164)


def test_another_filament_in_a_gap_needs_time_for_both_changes():
    problem = shop(job("j", takes=30, filament=WHITE), job("k"), job("m"))
    line = at(0, "k"), at(120, "m", hands=(115, 120))
    found = slot(problem, *line)
    assert found.placement == at(75, takes=30, hands=(60, 75))
    assert found.others == (at(120, "m", hands=(105, 120)),)
    assert validate(problem, plan(*placed(plan(*line), found))) == []
    assert slot(problem, at(0, "k"), at(119, "m", hands=(114, 119))).placement.start > minutes(119)


def test_what_is_taken_out_leaves_the_others_with_what_they_need():
    problem = shop(job("k"), job("m"))
    full = shop(job("j", takes=30, filament=PETG), *problem.jobs)
    line = at(0, "k"), at(85, takes=30, hands=(60, 85)), at(140, "m", hands=(115, 140))
    assert validate(full, plan(*line)) == []
    without = taken_out(full, plan(*line), line[1])
    assert validate(problem, without) == []


def test_nothing_is_put_before_what_people_have_been_told_is_next():
    held = at(50, "k", hands=(0, 0))
    problem = shop(job("j", takes=30), job("k"), previous=before(held))
    assert slot(problem, at(50, "k")).placement.start == minutes(115)
    free = replace(problem, previous={})
    assert slot(free, at(50, "k"), of="j").placement == at(0, takes=30)


def test_power_that_is_never_enough_is_no_place():
    assert slot(shop(job(), power_w=299.0)) is None


def test_hours_that_are_too_short_are_no_place():
    short = shop(printer(plate_clear=False), job(), staffed=(minutes(0, 4), minutes(10, 14)))
    assert slot(short) is None
    quick = replace(short, hand_work=HandWork(clear_s=minutes(4)))
    assert slot(quick).placement == Placement("j", 0, "a", 0, minutes(4), minutes(4), minutes(64))
