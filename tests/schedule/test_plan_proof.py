"""What is known of a plan's quality is true, and comes with the plan."""

from dataclasses import replace

import pytest

from farm.schedule.config import Objective, SearchConfig
from farm.schedule.evaluate import evaluate
from farm.schedule.exact import best_plan
from farm.schedule.proof import proven
from farm.schedule.result import Schedule, Status
from farm.schedule.solve import solve
from farm.schedule.validate import validate
from tests.schedule.instances import instance
from tests.schedule.raw_problems import raw_problem
from tests.schedule.small_shop import job, minutes, printer, shop

FEW = SearchConfig(iterations=300)


@pytest.mark.parametrize("name", ["10x3-s1", "10x3-s2", "10x3-s4"])
def test_small_shops_get_the_best_plan_there_is(name):
    plan = solve(instance(name), FEW)

    assert plan.status is Status.OPTIMAL
    assert plan.gap == pytest.approx(0, abs=1e-6)
    assert plan.metrics.cost == pytest.approx(plan.bound)
    assert validate(instance(name), plan) == []


def test_it_says_why_nobody_looked_any_longer():
    alone = shop(job())
    proven = solve(alone, SearchConfig(seconds=5.0))
    assert (proven.status, proven.search.stopped) == (Status.OPTIMAL, "it is proven the best")
    assert solve(alone, SearchConfig(iterations=50, exact=False)).search.stopped == "all tries were made"
    assert solve(shop(), SearchConfig(iterations=50)).search.stopped == "there was nothing to plan"


def test_a_problem_from_a_book_is_proven_in_its_own_measure():
    problem = raw_problem(8, 2, 49, 1)

    plan = solve(problem, replace(FEW, objective=Objective.MAKESPAN))

    assert plan.status is Status.OPTIMAL
    assert plan.bound == pytest.approx(plan.metrics.makespan_s)


def test_a_larger_shop_gets_a_bound_and_no_proof():
    plan = solve(instance("50x8-s1"), FEW)

    assert plan.status is Status.FEASIBLE
    assert 0 < plan.bound < plan.metrics.cost
    assert 0 < plan.gap < 1


def test_a_plan_that_leaves_prints_out_for_good_reason_is_the_best_too():
    late = minutes(90)
    two = shop(printer(), job("light", deadline_s=late), job("heavy", deadline_s=late, weight=4.0))

    plan = solve(two, FEW)

    assert plan.status is Status.OPTIMAL
    assert [(one.job, one.copies) for one in plan.unscheduled] == [("light", 1)]


def test_a_plan_that_is_as_good_is_left_as_it_is():
    problem = shop(printer("a"), printer("b"), job(on=("a", "b")))
    known = Schedule(best_plan(problem, None, effort=1.0).placements)
    other = "b" if known.placements[0].printer == "a" else "a"
    mine = Schedule((replace(known.placements[0], printer=other),))

    plan = proven(problem, replace(mine, metrics=evaluate(problem, mine)), None)

    assert plan.placements == mine.placements
    assert plan.status is Status.OPTIMAL
