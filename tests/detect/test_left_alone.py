"""Heat that nobody has seen to: the time it was left goes on, whoever watches and whatever was missed."""

from __future__ import annotations

import pytest

from farm.detect.guard import GRACE_S
from farm.detect.values import Sample
from farm.domain.anomaly import AnomalyKind, Watchfulness
from farm.domain.printer import Operation
from tests.detect.watching import Bench, kinds

IDLE_S, PAUSED_S = 600.0, 300.0
TWO_HEATERS = {"tool0": 210.0, "bed": 60.0}
UNATTENDED = {(AnomalyKind.HEATED_UNATTENDED, "heaters")}
PAUSED_HOT = {(AnomalyKind.PAUSED_HOT, "tool0")}


def left(operation: Operation, seconds: float) -> Bench:
    """A printer that was hot for so long with nobody there."""
    watchfulness = Watchfulness(heated_idle_s=IDLE_S, paused_hot_s=PAUSED_S)
    bench = Bench(operation=operation, watchfulness=watchfulness)
    assert bench.tell(seconds, comes_on=False) == []
    return bench


@pytest.mark.parametrize(
    ("operation", "limit_s", "found"),
    [(Operation.IDLE, IDLE_S, UNATTENDED), (Operation.PAUSED, PAUSED_S, PAUSED_HOT)],
)
def test_another_guard_goes_on_counting_where_the_one_before_left_off(operation, limit_s, found):
    bench = left(operation, limit_s - 60).taken_up(operation)
    assert bench.tell(50, comes_on=False) == []

    assert kinds(bench.tell(15, comes_on=False)) == found


def test_what_passed_while_nobody_watched_counts_too():
    bench = left(Operation.IDLE, 60)
    bench.at += IDLE_S
    bench.taken_up(Operation.IDLE)

    assert kinds(bench.tell(GRACE_S + 2)) == UNATTENDED
    assert bench.guard.to_cool() == TWO_HEATERS


def test_a_guard_that_saw_nothing_leaves_to_the_next_what_it_was_told():
    bench = left(Operation.IDLE, 60).taken_up(Operation.UNKNOWN).taken_up(Operation.UNKNOWN)
    bench.guard.see(Sample(bench.at + GRACE_S + 1, {}, Operation.UNKNOWN))  # its host has no line to it yet
    bench.at += IDLE_S

    assert kinds(bench.tell(5, operation=Operation.IDLE)) == UNATTENDED


def test_whoever_set_another_target_meanwhile_was_there():
    bench = left(Operation.IDLE, IDLE_S - 60).taken_up(Operation.IDLE)

    assert bench.tell(IDLE_S, target=200.0) == []
    assert kinds(bench.tell(GRACE_S + 5, target=200.0)) == UNATTENDED


def test_whoever_did_something_before_the_printer_was_seen_was_there():
    bench = left(Operation.IDLE, IDLE_S - 60).taken_up(Operation.IDLE)
    bench.guard.attended(bench.at)

    assert bench.tell(IDLE_S) == []


@pytest.mark.parametrize("operation", [Operation.PRINTING, Operation.PREPARING, Operation.IDLE])
def test_a_pause_that_is_over_counts_no_more_not_even_in_the_next_pause(operation):
    bench = left(Operation.PAUSED, PAUSED_S - 60).taken_up(Operation.PRINTING)
    bench.tell(60, operation=operation)

    assert bench.tell(PAUSED_S - 5, operation=Operation.PAUSED, comes_on=False) == []


def test_it_goes_on_counting_when_the_computer_has_slept_or_the_line_was_lost():
    bench = left(Operation.IDLE, IDLE_S - 60)
    bench.guard.begin_anew(bench.at)
    assert bench.tell(20) == []
    bench.guard.lost(bench.at, "no answer.")

    assert kinds(bench.tell(45)) == UNATTENDED


def test_a_heater_that_the_farm_switched_off_leaves_no_more_time_to_the_other():
    bench = left(Operation.IDLE, IDLE_S)
    assert kinds(bench.tell(5)) == UNATTENDED
    bench.guard.targeted("tool0", 0.0)
    bench.tell(5, target=0.0, tool=205.0)

    assert bench.guard.to_cool() == {"bed": 60.0}
    bench.tell(60, target=0.0, tool=180.0)
    assert bench.guard.to_cool() == {"bed": 60.0}


@pytest.mark.parametrize(
    ("before", "after"),
    [(Operation.IDLE, Operation.PREPARING), (Operation.PAUSED, Operation.RESUMING)],
)
def test_a_print_that_begins_or_goes_on_keeps_the_heat_that_could_not_be_taken_away(before, after):
    bench = left(before, PAUSED_S)
    bench.tell(IDLE_S - PAUSED_S + 5, comes_on=False)
    assert bench.guard.to_cool()

    bench.tell(1, operation=after)
    assert bench.guard.to_cool() == {}
