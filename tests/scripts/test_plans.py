"""Farms by the recipe are such as the planner reads, and of the kind that was given."""

import json
from statistics import median

import pytest

from farm.schedule.reading import read_problem
from farm.schedule.translation import Names, problem_of
from scripts.benches.books import matrices
from scripts.benches.plans.beside import facts
from scripts.benches.plans.farms import farm
from tests.schedule.instances import FOLDER, instance


@pytest.mark.parametrize("seed", [1, 2])
def test_a_farm_can_be_read_and_every_job_has_a_printer(seed):
    problem = read_problem(json.dumps(farm(60, 8, seed)).encode())

    assert (len(problem.jobs), len(problem.printers)) == (60, 8)
    assert all(job.estimate_s for job in problem.jobs)


def test_the_same_seed_gives_the_same_farm_and_another_seed_another():
    assert farm(20, 4, 7) == farm(20, 4, 7) != farm(20, 4, 8)


def test_a_farm_is_as_busy_and_as_staffed_as_those_that_were_given():
    ours, given = farm(2000, 200, 1), json.loads((FOLDER / "2000x200-s1.json").read_text("utf-8"))

    assert ours["windows"][:11] == given["windows"][:11]
    assert ours["cap"] == pytest.approx(given["cap"], rel=0.05)
    for what in ("base", "due", "release", "grams"):
        ours_mean, given_mean = (
            sum(job[what] for job in one["jobs"]) / len(one["jobs"]) for one in (ours, given)
        )
        assert ours_mean == pytest.approx(given_mean, rel=0.15), what
    assert median(job["base"] for job in ours["jobs"]) == pytest.approx(210, rel=0.1)


def test_the_given_instances_are_read_in_seconds():
    assert instance("10x3-s1").printers[1].ready_s == 220 * 60


def test_matrices_are_read_as_a_problem_from_a_book():
    problem = read_problem(json.dumps(matrices(7, 3, 9)).encode())

    assert (len(problem.jobs), len(problem.printers)) == (7, 3)
    assert problem.setups is not None
    assert matrices(7, 3, 9) == matrices(7, 3, 9) != matrices(7, 3, 9, seed=2)


def test_a_farm_as_the_scheduler_knows_it_is_the_same_shop():
    instance = farm(30, 6, 1)
    known = facts(instance)
    problem = problem_of(known, Names(known))

    assert (len(problem.jobs), len(problem.printers)) == (30, 6)
    assert problem.power_w == instance["cap"]
    assert {job.weight for job in problem.jobs} == {float(plate["weight"]) for plate in instance["jobs"]}
    assert problem.staffed[0] == (0, 10 * 3600)
