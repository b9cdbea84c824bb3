"""What CP-SAT calls the best plan keeps to every rule, and nothing that could be planned is better."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from farm.schedule.config import Objective
from farm.schedule.evaluate import evaluate
from farm.schedule.exact import best_plan, cannot_be_placed
from farm.schedule.problem import Pin, Running
from farm.schedule.reading import read_problem
from farm.schedule.validate import validate
from tests.schedule.raw_problems import LONGEST_SETUPS, raw_problem
from tests.schedule.small_problems import better_plan, problems, schedule_of
from tests.schedule.small_shop import BLACK, PETG, WHITE, at, before, job, minutes, printer, shop

MANY = max(10, round(150 * float(os.environ.get("FARM_TEST_SCALE", "1"))))
INSTANCES = Path(__file__).parents[1] / "data" / "instances"
LONG_ENOUGH_S = 120.0
TWO_SECONDS = 2.0  # of CP-SAT's own measure of work, which is the same on a busy machine


def best(problem):
    """The best plan, by job and copy."""
    found = best_plan(problem, LONG_ENOUGH_S)
    assert found.proven
    plan = schedule_of(problem, found.placements)
    assert validate(problem, plan) == []
    assert evaluate(problem, plan).cost == pytest.approx(found.bound, abs=1e-4)
    return {(one.job, one.copy): one for one in found.placements}


@settings(max_examples=MANY)
@given(problems())
def test_no_plan_is_better_than_the_one_that_is_proven(problem):
    found = best_plan(problem, LONG_ENOUGH_S)

    assert found.proven
    plan = schedule_of(problem, found.placements)
    assert validate(problem, plan) == []
    assert abs(evaluate(problem, plan).cost - found.bound) < 1e-4
    assert better_plan(problem, plan) is None


_TOLD = shop(
    printer(),
    job("late", due_s=minutes(60), weight=8.0),
    job("told", due_s=minutes(600)),
    previous=before(at(5, "told", hands=(0, 5))),
)


@settings(max_examples=MANY // 2)
@given(problems(steady=True))
@example(_TOLD)
def test_no_plan_is_better_where_people_have_been_told_of_one(problem):
    found = best_plan(problem, LONG_ENOUGH_S)

    plan = schedule_of(problem, found.placements)
    assert validate(problem, plan) == []
    assert better_plan(problem, plan) is None


def test_what_people_have_been_told_comes_first():
    plan = best(_TOLD)

    assert plan["told", 0].start < plan["late", 0].start
    assert best(replace(_TOLD, frozen_s=0))["late", 0].start == 0


def test_one_person_is_at_one_printer_at_a_time():
    printers = printer("a", plate_clear=False), printer("b", plate_clear=False)
    two = shop(*printers, job("i", on="a"), job("j", on="b"), operators=1)

    assert sorted(one.hand_work_start for one in best(two).values()) == [0, minutes(5)]
    assert {one.hand_work_start for one in best(replace(two, operators=2)).values()} == {0}


def test_a_print_waits_until_others_have_heated_up_or_ended():
    printers = printer("a"), printer("b", ready_s=minutes(30), running=Running("now", minutes(5)))
    two = shop(*printers, job("i", on="a"), job("j", on="b"))

    assert best(replace(two, power_w=400.0))["i", 0].start == minutes(5)
    assert best(replace(two, power_w=399.0))["i", 0].start == minutes(30)
    together = best(replace(two, power_w=299.0))
    assert together == {}


def test_hand_work_is_done_while_people_are_there_and_the_print_goes_on():
    day = shop(printer(plate_clear=False), job(takes=600), staffed=(minutes(0, 4), minutes(10, 15)))

    only = best(day)["j", 0]

    assert (only.hand_work_start, only.hand_work_end, only.start) == minutes(10, 15, 15)


def test_the_filament_that_is_loaded_is_printed_first():
    jobs = [job(name, filament=what) for name, what in (("p", PETG), ("w", WHITE), ("b", BLACK))]

    plan = best(shop(printer(), *jobs))

    order = sorted(jobs, key=lambda one: plan[one.id, 0].start)
    assert [one.id for one in order] == ["b", "w", "p"] or [one.id for one in order] == ["b", "p", "w"]


def test_a_pin_and_its_time_are_kept():
    only = best(shop(printer("a"), printer("b"), job(on=("a", "b"), pin=Pin("b", minutes(7)))))["j", 0]

    assert (only.printer, only.start, only.locked) == ("b", minutes(7), True)


def test_the_lighter_job_is_left_out_where_there_is_time_for_one():
    late = minutes(90)
    two = shop(printer(), job("light", deadline_s=late), job("heavy", deadline_s=late, weight=4.0))

    assert set(best(two)) == {("heavy", 0)}
    assert not cannot_be_placed(two, "light", LONG_ENOUGH_S)


@pytest.mark.parametrize(
    "wish",
    [
        job(takes=60, deadline_s=minutes(59)),
        job(takes=60, attended=True),
        job(takes=60, max_print_s=minutes(59)),
        job(takes=60, pin=Pin("b")),
    ],
)
def test_what_can_never_be_placed_is_proven_to_be_so(wish):
    assert cannot_be_placed(shop(wish, staffed=(minutes(0, 50), minutes(60, 110))), "j", LONG_ENOUGH_S)


def test_a_known_plan_is_where_the_search_begins():
    problem = raw_problem(10, 3, 49, seed=2)
    known = best_plan(problem, LONG_ENOUGH_S).placements
    heard = []

    best_plan(problem, LONG_ENOUGH_S, hint=known, on_plan=heard.append)

    costs = [evaluate(problem, schedule_of(problem, one)).cost for one in heard]
    assert len(set(costs)) == 1


def test_each_better_plan_is_told():
    problem = raw_problem(8, 2, 49, seed=1, objective=Objective.TARDINESS)
    heard = []

    best_plan(problem, LONG_ENOUGH_S, on_plan=heard.append)

    costs = [evaluate(problem, schedule_of(problem, one)).cost for one in heard]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) > 1


def test_it_ends_when_it_is_told_to_and_when_its_time_is_up():
    endless = raw_problem(40, 2, 124, seed=1, objective=Objective.TARDINESS)
    begin = time.monotonic()

    found = best_plan(endless, LONG_ENOUGH_S, should_stop=lambda: time.monotonic() > begin + 0.5)
    stopped = time.monotonic() - begin
    best_plan(endless, 0.3)
    limited = time.monotonic() - begin - stopped

    assert not found.proven
    assert stopped < LONG_ENOUGH_S / 4
    assert limited < LONG_ENOUGH_S / 4
    assert best_plan(endless, 0.0).placements is None


def test_the_same_effort_gives_the_same_plan():
    problem = raw_problem(14, 3, 99, seed=3, objective=Objective.TARDINESS)

    first, second = (best_plan(problem, LONG_ENOUGH_S, effort=0.1) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("objective", [Objective.MAKESPAN, Objective.TARDINESS])
@pytest.mark.parametrize("size", [(6, 2), (8, 3), (10, 2), (12, 4), (12, 6)])
def test_small_problems_from_books_are_proven_within_two_seconds(objective, size):
    for seed, longest_setup in enumerate(LONGEST_SETUPS if size[0] < 10 else LONGEST_SETUPS[-1:]):
        problem = raw_problem(*size, longest_setup, seed, objective)

        found = best_plan(problem, LONG_ENOUGH_S, effort=TWO_SECONDS)

        assert found.proven, f"{size}, set-ups up to {longest_setup}"
        plan = schedule_of(problem, found.placements)
        assert validate(problem, plan) == []
        assert evaluate(problem, plan).cost == pytest.approx(found.bound)


def test_a_small_shop_is_proven_within_two_seconds():
    problem = read_problem((INSTANCES / "10x3-s1.json").read_bytes())

    found = best_plan(problem, LONG_ENOUGH_S, effort=TWO_SECONDS)

    assert found.proven
    assert validate(problem, schedule_of(problem, found.placements)) == []
    assert found.bound == pytest.approx(59176)  # FIFO: 81686


def test_the_server_does_not_load_what_proves():
    heavy = {"ortools", "scipy", "pandas", "farm.schedule.exact"}
    program = f"import sys, farm.app; print({heavy} & set(sys.modules))"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "set()"
