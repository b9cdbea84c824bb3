"""Filament that runs out, tears or sticks."""

from __future__ import annotations

from farm.domain.anomaly import AnomalyKind, Severity, Watchfulness
from farm.domain.printer import Operation
from tests.detect.watching import Bench, first, kinds

THERE, GONE = {"spool": True}, {"spool": False}


def printing(**setting: object) -> Bench:
    bench = Bench(**setting)  # type: ignore[arg-type]
    assert bench.tell(120, filament=THERE) == []
    return bench


def test_filament_that_runs_out_is_told_of_and_over_when_it_is_back():
    bench = printing()

    heard = bench.tell(20, filament=GONE)
    assert kinds(heard) == {(AnomalyKind.FILAMENT, "spool")}
    assert "'spool' has seen no filament" in first(heard, Severity.WARN).sentence

    assert [each.over for each in bench.tell(60, filament=THERE)] == [True]


def test_the_host_pauses_in_the_same_moment_and_it_is_told_why():
    bench = printing()

    heard = bench.tell(20, filament=GONE, operation=Operation.PAUSED, comes_on=False)

    assert first(heard, Severity.WARN).kind is AnomalyKind.FILAMENT


def test_a_sensor_that_flickers_is_no_trouble():
    bench = printing()
    for _ in range(10):
        assert bench.tell(3, filament=GONE) == []
        assert bench.tell(3, filament=THERE) == []


def test_filament_that_is_changed_in_a_pause_is_nobodys_trouble():
    bench = printing()
    assert bench.tell(30, filament=THERE, operation=Operation.PAUSED, comes_on=False) == []

    assert bench.tell(120, filament=GONE, operation=Operation.PAUSED, comes_on=False) == []


def test_a_print_that_begins_without_any_is_told_of_once_it_is_hot():
    bench = Bench()
    cold = {"tool": lambda gone: 25.0 + min(gone, 185.0), "bed": 60.0}
    assert bench.tell(180, filament=GONE, **cold) == []  # type: ignore[arg-type]

    assert kinds(bench.tell(90, filament=GONE)) == {(AnomalyKind.FILAMENT, "spool")}


def test_a_tool_that_the_print_does_without_may_be_empty():
    bench = Bench()

    assert bench.tell(600, filament={"tool 0": True, "tool 1": False}) == []
    assert kinds(bench.tell(20, filament={"tool 0": False, "tool 1": False})) == {
        (AnomalyKind.FILAMENT, "tool 0")
    }


def test_a_sensor_that_is_switched_off_says_nothing_more():
    bench = printing()
    bench.tell(20, filament=GONE)

    assert [each.over for each in bench.tell(60, filament={})] == [True]


def test_a_shop_may_have_the_print_paused_that_goes_on_in_the_air():
    assert all(each.anomaly.severity is not Severity.PAUSE for each in printing().tell(120, filament=GONE))

    bench = printing(watchfulness=Watchfulness({AnomalyKind.FILAMENT: Severity.PAUSE}))
    assert first(bench.tell(60, filament=GONE), Severity.PAUSE).evidence.values["seconds"] >= 30


def test_an_idle_printer_needs_no_filament():
    bench = Bench(operation=Operation.IDLE)

    assert bench.tell(600, filament=GONE, tool=25.0, bed=25.0, target=0.0, bed_target=0.0) == []
