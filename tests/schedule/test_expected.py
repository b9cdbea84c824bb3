"""When customers' orders will be done, and how sure that is."""

from __future__ import annotations

from farm.schedule.chances import UNKNOWN, chances
from farm.schedule.expected import Expected, Orders, expected
from farm.schedule.problem import Running
from farm.schedule.result import Unscheduled
from tests.schedule.small_shop import at, job, minutes, plan, printer, shop

BOTH = Orders(of_job={"k": "o", "l": "o"}, on={}, due={"o": minutes(100)})


def test_an_order_is_done_with_the_last_of_its_prints():
    problem = shop(printer(), printer("b"), job("k"), job("l", on=("b",), takes=90), job("m"))
    planned = plan(at(0, "k"), at(0, "l", "b", takes=90), at(65, "m", hands=(60, 65)))
    assert expected(problem, planned, UNKNOWN, BOTH) == {"o": Expected(minutes(90))}


def test_what_a_printer_is_at_now_counts_too():
    problem = shop(
        printer(ready_s=minutes(300), running=Running(""), spread=0.1),
        printer("b", spread=0.1),
        job("k", on=("b",)),
    )
    planned = plan(at(0, "k", "b"))
    orders = Orders(of_job={"k": "o"}, on={"a": "o"}, due={"o": minutes(300)})
    found = expected(problem, planned, chances(problem, planned), orders)["o"]
    assert found.end_s == minutes(300)
    assert found.bars.early_s < minutes(300) < found.bars.late_s
    assert 0.4 < found.in_time < 0.65


def test_two_prints_at_once_are_less_likely_both_in_time_than_one():
    problem = shop(printer(spread=0.1), printer("b", spread=0.1), job("k"), job("l", on=("b",)))
    planned = plan(at(0, "k"), at(0, "l", "b"))
    sure = chances(problem, planned)
    one = expected(problem, planned, sure, Orders({"k": "o"}, {}, {"o": minutes(60)}))["o"]
    both = expected(problem, planned, sure, Orders({"k": "o", "l": "o"}, {}, {"o": minutes(60)}))["o"]
    assert both.in_time < one.in_time - 0.1


def test_of_an_order_with_something_left_out_or_held_nothing_is_said():
    problem = shop(printer(), job("k"), job("l"))
    short = plan(at(0, "k"), left_out=(Unscheduled("l", 1, ()),))
    assert expected(problem, short, UNKNOWN, BOTH) == {}
    held = Orders({"k": "o"}, {}, {}, frozenset({"o"}))
    assert expected(problem, plan(at(0, "k")), UNKNOWN, held) == {}


def test_where_of_one_printer_nothing_was_learned_there_are_no_bars():
    problem = shop(printer(spread=0.1), printer("b"), job("k"), job("l", on=("b",)))
    planned = plan(at(0, "k"), at(0, "l", "b"))
    found = expected(problem, planned, chances(problem, planned), BOTH)["o"]
    assert found == Expected(minutes(60))
