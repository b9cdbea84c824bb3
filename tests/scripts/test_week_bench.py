"""A week is the same for all who decide in it, and nobody can do there what cannot be done in a shop."""

from collections import Counter
from itertools import pairwise

import pytest

from farm.schedule.spans import holding
from farm.schedule.steps import Steps, draws
from scripts.benches.week import OFF, compared, figures, with_a_slow_model
from scripts.benches.weeks.fate import week
from scripts.benches.weeks.floor import Floor
from scripts.benches.weeks.learning import learned
from scripts.benches.weeks.policies import RULES, ByPlan, ByRule, noticed
from tests.schedule.small_shop import at, plan

TRIES = 300
POLICIES = {name: lambda urgency=urgency: ByRule(urgency) for name, urgency in RULES.items()}
POLICIES["ours"] = lambda: ByPlan(TRIES)


@pytest.fixture(scope="module")
def small():
    """Some of its prints fail: see the test of that."""
    return week(24, 3, seed=5)


@pytest.fixture(scope="module", params=POLICIES)
def outcome(request, small):
    return Floor(small).play(POLICIES[request.param]())


def test_every_job_is_done_once(small, outcome):
    well = sorted(work.job.id for _, work in outcome.done if work.well)

    assert well == sorted(job.id for job in small.problem.jobs)


def test_some_fail_and_are_printed_again(small, outcome):
    tries = [(work.job.id, work.starts_s, work.well) for _, work in outcome.done]
    again = {name for name, _, well in tries if not well}

    assert again
    for name in again:
        *before, last = sorted((start, well) for other, start, well in tries if other == name)
        assert last[1]
        assert not any(well for _, well in before)


def test_hands_are_there_only_while_people_are(small, outcome):
    for _, work in outcome.done:
        assert not work.person or holding(small.problem.staffed, work.hands)


def test_a_printer_does_one_thing_after_the_other(small, outcome):
    for printer in small.problem.printers:
        works = sorted((work for name, work in outcome.done if name == printer.id), key=lambda one: one.hands)

        assert all(work.job.release_s <= work.hands[0] for work in works)
        assert all(work.hands[1] <= work.starts_s < work.ends_s for work in works)
        assert all(one.ends_s <= other.hands[0] for one, other in pairwise(works))
        assert all(printer.id in work.job.estimate_s for work in works)


def test_no_more_power_is_drawn_than_there_is(small, outcome):
    printers = {printer.id: printer for printer in small.problem.printers}
    power = Steps(
        use
        for name, work in outcome.done
        for use in draws(printers[name], work.starts_s, work.ends_s, work.starts_s + printers[name].heat_up_s)
    )

    assert 0 < power.peak <= small.problem.power_w


def test_all_meet_the_same_fate(small):
    """As often as a job fails with one, it fails with the others, wherever and whenever they print it."""
    failed = [
        Counter(work.job.id for _, work in Floor(small).play(policy()).done if not work.well)
        for policy in POLICIES.values()
    ]

    assert all(one == failed[0] for one in failed)


def test_the_same_week_goes_the_same_way_again(small):
    first, again = (compared(week(24, 3, seed=5), TRIES, TRIES) for _ in range(2))

    assert figures([first]) == figures([again])
    assert first.ours.done == again.ours.done


def test_a_week_teaches_which_printers_are_slow_and_how_much():
    slow = with_a_slow_model(week(60, 4, seed=2))
    floor = Floor(slow)
    before = learned(floor)
    assert {round(one.typical, 6) for one in before.values()} == {1.0}
    floor.play(ByPlan(TRIES, learns=True))
    after = learned(floor)
    for printer in slow.problem.printers:
        low, high = after[printer.id].bars
        assert low < slow.off.get(printer.id, 1.0) < high
        assert printer.id not in slow.off or after[printer.id].typical > 1 + (OFF - 1) / 2


def test_changes_are_seen_on_prints_that_come_soon_and_move_far():
    known = plan(at(60, "stays"), at(60, "moves", "b"), at(60, "waits", "c"), at(13 * 60, "tomorrow", "d"))
    new = plan(at(85, "stays"), at(60, "moves", "c"), at(95, "waits", "c"), at(20 * 60, "tomorrow", "a"))

    assert noticed(known, new) == 2
    assert noticed(known, plan()) == 3
