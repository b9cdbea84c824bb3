"""Plans keep to all that they must, are better than what rules make, and come when they are wanted."""

import time
from dataclasses import replace

import pytest

from farm.schedule.config import SearchConfig
from farm.schedule.result import Status
from farm.schedule.solve import solve
from farm.schedule.validate import validate
from tests.schedule.instances import BASELINES, instance
from tests.schedule.small_shop import before, job, printer, shop


def searched(problem, tries=20_000, **changes):
    return solve(problem, SearchConfig(iterations=tries, exact=False, **changes))


@pytest.mark.parametrize("name", ["10x3-s2", "50x8-s1"])
def test_a_plan_for_a_farm_is_sound_and_much_better_than_the_list(name):
    plan = searched(instance(name), 60_000)

    assert validate(instance(name), plan) == []
    assert plan.unscheduled == ()
    assert plan.metrics.weighted_tardiness_s < 0.5 * 3600 * BASELINES[name]["fifo"]["wtard_h"]


def test_the_same_seed_and_tries_give_the_same_plan_and_another_seed_another():
    problem = instance("50x8-s2")

    first, again, other = (searched(problem, seed=seed).placements for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_there_is_an_answer_when_the_time_is_up():
    searched(instance("50x8-s3"), tries=1)  # compiles
    begin = time.monotonic()
    plan = solve(instance("50x8-s3"), SearchConfig(seconds=0.5, exact=False))
    took = time.monotonic() - begin

    assert 0.3 < took < 2.0  # of a machine that does other things, too
    assert plan.search.stopped == "the time was up"


def test_somebody_may_stop_it_and_hears_of_plans_until_then():
    heard = []

    plan = solve(
        instance("50x8-s1"),
        SearchConfig(seconds=60, exact=False),
        on_incumbent=heard.append,
        should_stop=lambda: len(heard) > 1,
    )

    assert plan.search.stopped == "somebody stopped it"
    costs = [one.metrics.cost for one in [*heard, plan]]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("name", ["50x8-s1", "50x8-s2", "200x20-s1"])
def test_a_plan_made_from_its_own_best_is_not_worse(name):
    problem = instance(name)
    plan = searched(problem)

    again = searched(replace(problem, previous=before(*plan.placements), frozen_s=0), tries=1)

    assert again.metrics.cost <= plan.metrics.cost + 1e-6


def test_what_is_about_to_be_begun_keeps_its_printer_and_order():
    problem = instance("50x8-s1")
    plan = searched(problem)
    frozen = [one for one in plan.placements if one.hand_work_start < 3600]
    problem = replace(problem, previous=before(*plan.placements))

    again = searched(problem, seed=9)

    assert frozen
    assert validate(problem, again) == []
    kept = {(one.job, one.printer) for one in again.placements if one.locked}
    assert kept == {(one.job, one.printer) for one in frozen}


def test_what_has_no_printer_is_left_out_with_a_reason_and_the_rest_is_planned():
    problem = shop(printer(), job("can"), job("cannot", on=()))

    plan = searched(problem, 100)

    assert [one.job for one in plan.placements] == ["can"]
    assert [one.job for one in plan.unscheduled] == ["cannot"]
    assert validate(problem, plan) == []


def test_nothing_to_plan_is_a_plan():
    plan = searched(shop(printer()), 10)

    assert plan.status is Status.NOTHING_TO_PLAN
    assert plan.placements == ()


def test_a_shop_without_printers_leaves_everything_out():
    problem = replace(shop(job("x", on=()), job("y", on=())), printers=())

    plan = searched(problem)

    assert plan.placements == ()
    assert [one.job for one in plan.unscheduled] == ["x", "y"]
    assert validate(problem, plan) == []
