"""What is begun while a plan is in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farm.domain.job import Job, JobState
from farm.domain.plan import Plan, Planned, Unplanned
from farm.domain.printer import Address, Printer
from farm.queue.planned import LAPSES, PATIENCE, FollowedPlan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(hours=1)
A = Printer("a", "A", Address("octoprint", "http://a"))
B = Printer("b", "B", Address("octoprint", "http://b"))


def job(name, created_at=LONG_AGO, **fields):
    return Job(name, "f", name, 1, JobState.QUEUED, "user:1", created_at, **fields)


def anything(wanted):
    return True


def planned(name, printer, after_min, copy=0):
    start = NOON + timedelta(minutes=after_min)
    return Planned(name, copy, printer, start, start, start, start + timedelta(hours=1))


@pytest.fixture
def followed():
    return FollowedPlan()


def follow(followed, *placements, unplanned=()):
    plan = Plan("p", NOON, "time_first", placements, tuple(Unplanned(one, 1) for one in unplanned))
    followed.follow(plan, NOON)


def test_without_a_plan_the_list_says_what_is_begun(followed):
    assert followed.next_for(A, [job("first"), job("second")], NOON, anything).id == "first"


def test_what_is_planned_there_is_begun_when_it_is_due_whatever_the_list_says(followed):
    follow(followed, planned("second", "a", 0), planned("first", "b", 0))

    assert followed.next_for(A, [job("first"), job("second")], NOON, anything).id == "second"
    assert followed.next_for(B, [job("first"), job("second")], NOON, anything).id == "first"


def test_nothing_is_begun_before_its_time(followed):
    follow(followed, planned("first", "a", 30))

    assert followed.next_for(A, [job("first")], NOON, anything) is None
    assert followed.next_for(A, [job("first")], NOON + timedelta(minutes=30), anything).id == "first"


def test_what_is_begun_makes_room_for_the_next_copy(followed):
    follow(followed, planned("many", "a", 0), planned("many", "a", 60, copy=1), planned("many", "b", 0, 2))
    followed.note_begun("many", "a")

    assert followed.next_for(A, [job("many")], NOON, anything) is None
    assert followed.next_for(A, [job("many")], NOON + timedelta(hours=1), anything).id == "many"
    assert followed.next_for(B, [job("many")], NOON, anything).id == "many"


def test_a_job_that_was_held_lets_the_next_one_go_first(followed):
    follow(followed, planned("held", "a", 0), planned("next", "a", 0))

    assert followed.next_for(A, [job("next")], NOON, anything).id == "next"


def test_a_new_job_waits_for_the_plan_and_not_for_ever(followed):
    follow(followed, planned("other", "b", 0))
    new = job("new", created_at=NOON)

    assert followed.next_for(A, [new], NOON, anything) is None
    followed.follow(followed.in_force, NOON + PATIENCE)
    assert followed.next_for(A, [new], NOON + PATIENCE, anything) == new


def test_what_the_plan_leaves_out_is_not_begun_by_the_list(followed):
    follow(followed, planned("other", "b", 0), unplanned=["impossible"])

    assert followed.next_for(A, [job("impossible")], NOON, anything) is None


def test_a_plan_that_nobody_confirms_lapses(followed):
    follow(followed, planned("first", "a", 600))

    assert followed.next_for(A, [job("first")], NOON + LAPSES, anything) is None
    assert followed.next_for(A, [job("first")], NOON + LAPSES + timedelta(seconds=1), anything).id == "first"


def test_what_was_begun_is_remembered_when_the_same_plan_is_confirmed(followed):
    follow(followed, planned("once", "a", 0))
    followed.note_begun("once", "a")
    followed.follow(followed.in_force, NOON)

    assert followed.next_for(A, [job("once")], NOON, anything) is None


def test_what_may_not_be_begun_yet_is_passed_over_whatever_the_plan_says(followed):
    follow(followed, planned("first", "a", 0), planned("second", "a", 0))

    jobs = [job("first"), job("second")]
    assert followed.next_for(A, jobs, NOON, lambda wanted: wanted.id != "first").id == "second"
    assert followed.next_for(A, jobs, NOON, lambda wanted: False) is None


def test_it_says_when_the_next_print_of_a_job_comes(followed):
    follow(followed, planned("many", "a", 0), planned("many", "b", 30, copy=1))
    assert followed.next_of("many").printer == "a"
    followed.note_begun("many", "a")
    assert followed.next_of("many").printer == "b"
    assert followed.next_of("other") is None


def test_it_says_why_the_plan_leaves_a_job_out(followed):
    follow(followed, planned("other", "b", 0), unplanned=["impossible"])
    assert followed.left_out("impossible").copies == 1
    assert followed.left_out("other") is None


def test_a_job_has_a_place_when_every_print_that_is_to_be_begun_has_one(followed):
    two = replace(job("two"), copies=2)
    assert not followed.has_a_place_for(two, NOON)
    follow(followed, planned("two", "a", 0), planned("two", "b", 30, copy=1))
    assert followed.has_a_place_for(two, NOON)
    assert not followed.has_a_place_for(replace(two, copies=3), NOON)
    assert not followed.has_a_place_for(replace(two, good=2), NOON)  # nothing is left to begin

    followed.note_begun("two", "a")
    assert not followed.has_a_place_for(two, NOON)
    assert followed.has_a_place_for(replace(two, running=1), NOON)
    assert not followed.has_a_place_for(replace(two, running=1), NOON + LAPSES + timedelta(minutes=1))
