"""A guard that takes up a printer another one has watched: nothing is told twice, and nothing forgotten."""

from __future__ import annotations

from farm.detect.guard import CALM_S, FIND_AGAIN_S, GRACE_S
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity, Watchfulness
from farm.domain.printer import Operation
from tests.detect.watching import Bench, first, kinds

COLD = 180.0


def fallen(**settings: object) -> Bench:
    """A print whose nozzle has gone cold, so that it was to be paused."""
    bench = Bench(**settings)  # type: ignore[arg-type]
    bench.tell(300)
    heard = bench.tell(60, tool=lambda s: max(COLD, 210 - 1.2 * s))
    assert first(heard, Severity.PAUSE).kind is AnomalyKind.DROP
    return bench


def test_what_is_known_is_shown_at_once_and_not_told_again_whatever_it_is_called_now():
    bench = fallen()
    before = bench.guard.current
    bench.taken_up(Operation.PAUSED)
    assert bench.guard.current == before

    assert bench.tell(600, tool=COLD, operation=Operation.PAUSED) == []
    assert bench.guard.current == before


def test_what_is_found_no_more_is_told_to_be_over_when_it_would_have_been_found():
    bench = fallen().taken_up(Operation.PAUSED)
    assert bench.tell(CALM_S + GRACE_S + 60, operation=Operation.PAUSED) == []

    (change,) = bench.tell(FIND_AGAIN_S, operation=Operation.PAUSED)
    assert change.over
    assert change.anomaly.kind is AnomalyKind.DROP
    assert bench.guard.current == ()


def test_whoever_went_on_while_nobody_watched_is_not_overruled():
    bench = fallen().taken_up(Operation.PAUSED)
    heard = bench.tell(600, tool=COLD, operation=Operation.PRINTING)

    assert heard == []
    assert bench.guard.overridden == {("cold", "tool0")}


def test_a_pause_that_did_not_come_about_is_wanted_again():
    bench = fallen().taken_up(Operation.PRINTING)

    assert first(bench.tell(120, tool=COLD), Severity.PAUSE)


def test_a_pause_that_came_about_unseen_is_not_wanted_again():
    bench = fallen().taken_up(Operation.PRINTING)

    assert bench.tell(120, tool=COLD, operation=Operation.PAUSED) == []


def test_it_is_stopped_only_after_a_while_in_which_it_was_seen_to_be_paused():
    bench = fallen(watchfulness=Watchfulness(ends={AnomalyKind.NOT_HEATING: Severity.STOP}))
    (found,) = bench.guard.current
    stuck = Anomaly(AnomalyKind.NOT_HEATING, Severity.PAUSE, found.sentence, found.evidence)
    bench.taken_up(Operation.PAUSED, (stuck,))

    heard = bench.tell(60, tool=COLD, operation=Operation.PAUSED)
    assert [each.anomaly.severity for each in heard] == [Severity.STOP]


def test_a_print_that_was_taken_up_teaches_nothing_and_the_next_one_does():
    bench = Bench().taken_up(Operation.PRINTING, ())
    bench.tell(900)
    assert bench.guard.lesson() is None

    bench.tell(60, operation=Operation.IDLE)
    bench.tell(900, operation=Operation.PRINTING)
    assert bench.guard.lesson() is not None


def test_a_print_that_was_to_begin_and_is_seen_to_begin_teaches():
    bench = Bench(operation=Operation.IDLE).taken_up(Operation.PREPARING, ())
    bench.tell(30)
    bench.tell(900, operation=Operation.PRINTING)

    assert bench.guard.lesson() is not None


def test_a_print_that_is_out_of_reach_from_the_beginning_is_told_of_once():
    bench = Bench().taken_up(Operation.PRINTING, ())
    bench.guard.lost(bench.at, "no answer.")
    (change,) = bench.guard.unseen(bench.at + 130)
    assert change.anomaly.kind is AnomalyKind.SILENT

    bench.taken_up(Operation.PRINTING)
    bench.guard.lost(bench.at, "no answer.")
    assert list(bench.guard.unseen(bench.at + 130)) == []


def test_silence_is_over_soon_after_the_printer_is_there_again():
    bench = Bench().taken_up(Operation.PRINTING, ())
    bench.guard.lost(bench.at, "no answer.")
    bench.guard.unseen(bench.at + 130)
    bench.at += 140
    bench.taken_up(Operation.PRINTING)

    assert [each.over for each in bench.tell(GRACE_S + CALM_S + 5)] == [True]


def test_a_break_in_the_line_tells_nothing_twice():
    bench = Bench()
    bench.tell(300)
    assert kinds(bench.tell(60, tool=202.0)) == {(AnomalyKind.DROP, "tool0")}
    bench.guard.lost(bench.at, "")
    bench.at += 90
    bench.guard.connected(bench.at)

    assert bench.tell(60, tool=202.0) == []


def test_what_was_cooled_before_is_cooled_again_only_once_it_is_found_again():
    bench = Bench(watchfulness=Watchfulness(paused_hot_s=60.0))
    bench.tell(300)
    bench.tell(90, operation=Operation.PAUSED, comes_on=False)
    assert bench.guard.to_cool() == {"tool0": 210.0}

    bench.taken_up(Operation.PAUSED)
    assert bench.tell(GRACE_S - 1, comes_on=False) == []
    assert bench.guard.to_cool() == {}
    assert bench.tell(5, comes_on=False) == []
    assert bench.guard.to_cool() == {"tool0": 210.0}
