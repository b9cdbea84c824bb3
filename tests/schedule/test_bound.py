"""The bound is below what any plan costs, and says more than that each print takes its time."""

import os

import pytest
from hypothesis import given, settings

from farm.schedule.bound import lower_bound
from farm.schedule.config import Objective
from farm.schedule.evaluate import evaluate
from farm.schedule.exact import best_plan
from farm.schedule.problem import Pin, Weights
from tests.schedule.instances import instance
from tests.schedule.raw_problems import raw_problem
from tests.schedule.small_problems import problems, schedule_of
from tests.schedule.small_shop import job, minutes, printer, shop

MANY = max(20, round(300 * float(os.environ.get("FARM_TEST_SCALE", "1"))))
LONG_ENOUGH_S = 60.0


def optimum(problem):
    """The plan that costs least, where nothing is left out; and None where something has to be."""
    found = best_plan(problem, LONG_ENOUGH_S)
    assert found.proven
    plan = schedule_of(problem, found.placements)
    return None if plan.unscheduled else evaluate(problem, plan).cost


@settings(max_examples=MANY)
@given(problems(prints=5))
def test_the_best_plan_costs_no_less_than_the_bound(problem):
    bound, cost = lower_bound(problem, LONG_ENOUGH_S), optimum(problem)

    assert cost is None or (bound is not None and bound <= cost + 1e-6)


@pytest.mark.parametrize("objective", [Objective.MAKESPAN, Objective.TARDINESS])
def test_it_holds_for_problems_from_books(objective):
    for seed in range(4):
        problem = raw_problem(8, 2, 49, seed, objective)

        assert 0 <= lower_bound(problem, LONG_ENOUGH_S) <= optimum(problem)


def test_prints_that_are_in_each_others_way_are_counted_together():
    four = shop(printer(), *(job(f"j{number}") for number in range(4)), weights=Weights(makespan=0.0))

    alone, cost = 4 * 60.0, optimum(four)

    assert cost == 60 + 125 + 190 + 255
    assert alone * 1.8 < lower_bound(four, LONG_ENOUGH_S) <= cost


def test_the_last_end_comes_after_all_that_is_to_be_made():
    problem = raw_problem(12, 2, 9, 1)
    shortest = sum(min(wish.estimate_s.values()) for wish in problem.jobs)

    assert lower_bound(problem, LONG_ENOUGH_S) >= shortest / 2


def test_people_and_maintenance_and_a_pin_hold_up_a_print():
    blocked = printer(plate_clear=False, blocked=((minutes(25), minutes(30)),))
    only = shop(
        blocked,
        job(pin=Pin("a", minutes(50))),
        staffed=(minutes(20, 60),),
        weights=Weights(tardiness=0, makespan=0),
    )

    assert lower_bound(only, LONG_ENOUGH_S) == pytest.approx(110, rel=1e-5) == optimum(only)


def test_there_is_none_where_a_print_has_no_printer():
    assert lower_bound(shop(job(on=("b",))), LONG_ENOUGH_S) is None
    assert lower_bound(shop(job(deadline_s=minutes(59))), LONG_ENOUGH_S) is None


def test_there_is_no_bound_where_there_is_no_time_for_one():
    large = instance("200x20-s1")

    assert lower_bound(large, 0.0) is None
    assert lower_bound(large, LONG_ENOUGH_S) > 0
