"""After something has happened: the old plan put right, and a new one that is never worse than that."""

from dataclasses import replace

from hypothesis import given, settings

from farm.schedule.config import SearchConfig
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.problem import Running
from farm.schedule.replan import (
    JobChanged,
    JobGone,
    PrintEndsAt,
    PrinterBack,
    PrinterLost,
    PrintFailed,
    apply,
    better_of,
    repair,
    replan,
)
from farm.schedule.result import Schedule, Unscheduled
from farm.schedule.validate import validate
from tests.schedule.random_shops import shops
from tests.schedule.small_shop import BLACK, WHITE, at, job, minutes, plan, printer, shop

BOTH = ("a", "b")
CONFIG = SearchConfig(seconds=0.1)


def put_right(problem, schedule, *events):
    after = apply(problem, schedule, events)
    repaired = repair(after, schedule)
    assert validate(after, repaired) == []
    return repaired


def test_what_nothing_happened_to_stays_as_it_is():
    problem = shop(job("j"), job("k"))
    schedule = plan(at(0), at(65, "k", hands=(60, 65)))
    assert put_right(problem, schedule).placements == schedule.placements


def test_a_print_that_takes_longer_shifts_what_follows_it():
    busy = printer(ready_s=minutes(30), plate_clear=False, running=Running("x"))
    problem = shop(busy, job("j"), job("k"))
    schedule = plan(at(35, hands=(30, 35)), at(100, "k", hands=(95, 100)))
    late = put_right(problem, schedule, PrintEndsAt("a", minutes(50)))
    assert late.placements == (at(55, hands=(50, 55)), at(120, "k", hands=(115, 120)))


def test_what_was_on_a_printer_that_is_lost_goes_to_others_and_the_rest_stays():
    problem = shop(printer(), printer("b"), job("j", on=BOTH), job("k", on=BOTH), job("m", on=("a",)))
    schedule = plan(at(0), at(0, "k", "b"), at(65, "m", hands=(60, 65)))
    repaired = put_right(problem, schedule, PrinterLost("a"))
    assert set(repaired.placements) == {at(0, "k", "b"), at(65, on="b", hands=(60, 65))}
    (left_out,) = repaired.unscheduled
    assert left_out.job == "m"
    assert [why.constraint for why in left_out.reasons] == ["maintenance", "compatibility"]


def test_a_printer_that_is_back_takes_work_again():
    problem = shop(printer(blocked=((0, 10**9),)), job("j"))
    back = put_right(problem, plan(left_out=(Unscheduled("j", 1, ()),)), PrinterBack(printer()))
    assert back.placements == (at(0),)


def test_a_print_that_failed_is_printed_again_elsewhere():
    busy = printer(ready_s=minutes(300), plate_clear=False, running=Running("x"))
    problem = shop(busy, printer("b"), job("k", on=BOTH))
    schedule = plan(at(0, "k", "b"))
    again = put_right(problem, schedule, PrintFailed("a", job("x", on=("b",))))
    assert again.placements == (at(0, "k", "b"), at(65, "x", "b", hands=(60, 65)))


def test_what_is_cancelled_makes_room_and_what_is_new_is_put_last():
    problem = shop(job("j"), job("k"))
    schedule = plan(at(0), at(65, "k", hands=(60, 65)))
    assert put_right(problem, schedule, JobGone("j")).placements == (at(0, "k"),)
    new = put_right(problem, schedule, JobChanged(job("new", takes=30)))
    assert new.placements[-1] == at(130, "new", takes=30, hands=(125, 130))
    fewer = apply(shop(job(copies=2)), plan(at(0, copy=1)), [JobChanged(job(copies=1))])
    assert fewer.previous == {}


def test_filament_that_is_short_by_now_leaves_out_who_comes_last():
    problem = shop(job("j", grams=60.0), job("k", grams=60.0), stock_g={BLACK: 100.0, WHITE: 0.0})
    repaired = put_right(problem, plan(at(0), at(65, "k", hands=(60, 65))))
    assert repaired.placements == (at(0),)


def test_a_new_plan_that_is_worse_than_the_old_one_put_right_is_not_taken():
    problem = shop(job("j", due_s=minutes(60)))
    schedule = plan(at(0))
    for poor in (plan(at(30)), plan(left_out=(Unscheduled("j", 1, ()),))):
        assert replan(problem, schedule, [], CONFIG, lambda *_, poor=poor: poor).placements == (at(0),)
    late = plan(at(30))
    assert replan(problem, late, [], CONFIG, lambda *_: schedule).placements == (at(0),)


def test_of_two_that_are_as_good_the_new_one_is_taken_with_its_proof():
    problem = shop(job("j"))
    repaired = repair(apply(problem, plan(at(0)), []), plan(at(0)))
    found = replace(repaired, bound=1.0)
    assert better_of(problem, repaired, found) is found
    worse = replace(plan(at(30)), bound=2.0)
    assert better_of(problem, repaired, worse).bound == 2.0


@settings(max_examples=60)
@given(shops())
def test_an_old_plan_put_right_is_sound_and_cancelling_never_makes_it_worse(problem):
    problem = replace(problem, previous={})
    old = repair(problem, Schedule(()))
    assert validate(problem, old) == []
    for gone in problem.jobs[:1]:
        after = apply(problem, old, [JobGone(gone.id)])
        new = repair(after, old)
        assert validate(after, new) == []
        assert rank(better_of(after, new, old).metrics) <= rank(evaluate(after, new))
