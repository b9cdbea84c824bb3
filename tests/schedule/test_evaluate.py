"""What a plan costs, term by term, against sums done by hand."""

import pytest

from farm.schedule.config import Objective
from farm.schedule.evaluate import cost_of_job, costs_by_job, evaluate, rank, weights_for
from farm.schedule.problem import Running, Weights
from tests.schedule.small_shop import PETG, WHITE, at, before, job, minutes, plan, printer, shop


def terms(problem, *placements):
    """Those that cost anything."""
    return {name: cost for name, cost in evaluate(problem, plan(*placements)).terms.items() if cost}


def test_tardiness_and_flow_count_once_for_a_job_by_its_last_print():
    problem = shop(job(copies=2, weight=4.0, due_s=minutes(100), release_s=minutes(5)))
    found = evaluate(problem, plan(at(5), at(70, copy=1, hands=(65, 70))))
    assert found.weighted_tardiness_s == 4 * minutes(30)
    assert found.terms["tardiness"] == 10 * 4 * 30
    assert found.terms["flow"] == 1 * 4 * 125
    assert found.terms["makespan"] == 10 * 130
    assert (found.max_tardiness_s, found.late_jobs, found.mean_flow_s) == (minutes(30), 1, minutes(125))


def test_a_job_in_time_is_not_rewarded_for_being_early():
    assert "tardiness" not in terms(shop(job(due_s=minutes(60))), at(0))


def test_each_wish_of_the_shop_has_its_price():
    weights = Weights(0.0, 0.0, 0.0, 100.0, 2.0, 200.0, 50.0, 3.0, minutes(60), 7.0)
    away = job(on=("a", "b"), filament=WHITE, preferred=frozenset("b"))
    planned = before(at(60, on="b"))
    problem = shop(printer(risk=0.5), printer("b"), away, weights=weights, previous=planned)
    assert terms(problem, at(20, hands=(0, 10))) == {
        "changeover": 100.0,
        "hand_work": 2.0 * 10,
        "non_preferred": 200.0,
        "other_printer": 50.0,
        "shift": 3.0 * 40 / 2,
        "doubtful": 7.0 * 0.5,
    }


def test_the_cost_is_the_sum_of_its_terms_and_jobs_have_all_of_it_but_the_makespan():
    jobs = job("j", due_s=0, filament=PETG), job("k", weight=2.0, preferred=frozenset("b"))
    problem = shop(printer(), printer("b"), *jobs)
    schedule = plan(at(20, hands=(0, 20)), at(105, "k", hands=(80, 105)))
    found = evaluate(problem, schedule)
    by_job = costs_by_job(problem, schedule)
    assert found.cost == pytest.approx(sum(found.terms.values()))
    assert sum(sum(one.values()) for one in by_job.values()) + found.terms["makespan"] == found.cost
    assert cost_of_job(problem, schedule, "k") == by_job["k"]
    assert by_job["k"]["non_preferred"] == 200.0


def test_what_is_left_out_goes_before_any_cost():
    problem = shop(job("j", weight=8.0, copies=3), job("k"))
    some, more = (
        evaluate(problem, plan(at(0))),
        evaluate(problem, plan(at(0), at(65, copy=1, hands=(60, 65)))),
    )
    assert (some.left_out, more.left_out) == (17.0, 9.0)
    assert some.cost < more.cost
    assert rank(more) < rank(some)
    assert cost_of_job(problem, plan(at(0)), "k") == {}


def test_how_busy_printers_are_and_how_much_is_printed_with_nobody_there():
    busy = printer("b", ready_s=minutes(30), running=Running("x"))
    problem = shop(printer(), busy, job(), staffed=(minutes(0, 20), minutes(100, 200)))
    found = evaluate(problem, plan(at(60)))
    assert found.makespan_s == minutes(120)
    assert found.utilisation == pytest.approx((60 + 30) / 240)
    assert found.unattended_s == minutes(40) + minutes(10)
    assert evaluate(shop(job()), plan(at(0))).unattended_s == 0


def test_hands_and_power_at_their_peaks():
    printers = [printer(name, plate_clear=False, auto_eject=name == "c") for name in "abc"]
    jobs = [job(name, on=(name,)) for name in "abc"]
    problem = shop(*printers, *jobs, power_w=1000.0)
    found = evaluate(problem, plan(*(at(5, name, name, hands=(0, 5)) for name in "abc")))
    assert (found.hand_works_at_once, found.hand_work_s) == (2, minutes(10))
    assert (found.peak_w, found.headroom_w) == (900.0, 100.0)
    assert evaluate(shop(job()), plan(at(0))).headroom_w is None


def test_the_share_of_wishes_that_are_met_and_the_changes_people_see():
    jobs = [job(name, on=("a", "b"), preferred=frozenset("a")) for name in "jk"]
    problem = shop(printer(), printer("b"), *jobs, previous=before(at(0, on="b"), at(0, "k", "b")))
    found = evaluate(problem, plan(at(0), at(0, "k", "b")))
    assert (found.preferred_share, found.changed) == (0.5, 1)
    assert evaluate(shop(job()), plan(at(0))).preferred_share is None


def test_a_plan_of_nothing_costs_nothing():
    found = evaluate(shop(), plan())
    assert (found.cost, found.makespan_s, found.utilisation, found.mean_flow_s) == (0.0, 0, 0.0, 0.0)


def test_the_objectives_of_books_are_told_in_seconds():
    problem = shop(job(due_s=minutes(10), weight=3.0))
    for objective, seconds in [
        (Objective.MAKESPAN, minutes(60)),
        (Objective.TARDINESS, 3 * minutes(50)),
    ]:
        priced = shop(*problem.jobs, weights=weights_for(objective, problem.weights))
        assert evaluate(priced, plan(at(0))).cost == seconds
    assert weights_for(Objective.COST, problem.weights) is problem.weights
