"""One printer's guard: what it says to heaters and prints that go wrong, and what it leaves unsaid."""

from __future__ import annotations

import math
import time

import pytest

from farm.detect.baseline import Baseline, HeaterBaseline
from farm.detect.guard import CALM_S, GRACE_S
from farm.detect.values import CADENCES, Sample
from farm.domain.anomaly import AnomalyKind, Severity, Watchfulness
from farm.domain.printer import Operation, Temperature
from farm.drivers.base import Fan
from tests.detect.watching import Bench, first, kinds

HEALTHY_S = 300.0


def printing(**settings: object) -> Bench:
    bench = Bench(**settings)  # type: ignore[arg-type]
    assert bench.tell(HEALTHY_S) == []
    return bench


def test_a_heater_that_has_lost_its_power_is_told_of_and_then_the_print_is_paused():
    bench = printing()
    heard = bench.tell(60, tool=lambda s: 210 - 1.2 * s)

    warned, paused = first(heard, Severity.WARN), first(heard, Severity.PAUSE)
    assert warned.kind is paused.kind is AnomalyKind.DROP
    assert warned.evidence.channel == "tool0"
    assert warned.evidence.values["target_degc"] == 210
    assert warned.evidence.values["below_degc"] >= 6
    assert "too cold" in warned.sentence
    assert [each.anomaly.severity for each in heard] == [Severity.WARN, Severity.PAUSE]


def test_a_fan_that_comes_on_is_no_trouble():
    bench = printing()

    assert bench.tell(60, tool=lambda s: 210 - 4.5 * (s / 8 if s < 8 else max(0.0, 1 - (s - 8) / 25))) == []


def test_a_small_lasting_drop_is_told_of_later():
    bench = printing()

    assert kinds(bench.tell(20, tool=205.0)) == set()
    assert kinds(bench.tell(100, tool=205.0)) == {(AnomalyKind.DROP, "tool0")}


@pytest.mark.parametrize(("at_s", "severity"), [(9, Severity.WARN), (14, Severity.PAUSE)])
def test_a_welded_relay_is_told_of_within_seconds(at_s, severity):
    bench = printing()
    heard = bench.tell(at_s, tool=lambda s: 210 + 1.2 * s)

    assert heard[-1].anomaly.kind is AnomalyKind.RUNAWAY
    assert heard[-1].anomaly.severity is severity


def test_a_heater_that_is_off_and_gets_warmer_is_told_of():
    bench = Bench(operation=Operation.IDLE)
    bench.tell(60, tool=70.0, target=0.0, bed=30.0, bed_target=0.0)
    heard = bench.tell(60, tool=lambda s: 70 + s, target=0.0, bed=30.0, bed_target=0.0)

    assert kinds(heard) == {(AnomalyKind.RUNAWAY, "tool0")}


def test_a_print_too_short_to_be_looked_at_leaves_a_nozzle_that_is_warm_and_not_a_runaway():
    bench = Bench(operation=Operation.IDLE)
    off = {"target": 0.0, "bed": 22.0, "bed_target": 0.0, "step_s": 10.0}
    bench.tell(60, tool=21.0, **off)
    for warm in (101.0, 72.0, 53.0, 42.0, 35.0):
        bench.tell(40, tool=warm, noise=0.0, **off)  # told of four times
    assert kinds(bench.heard) == set()


def test_a_nozzle_that_warms_up_over_a_hot_bed_is_none():
    bench = Bench(operation=Operation.IDLE)

    assert bench.tell(600, tool=lambda s: 22 + s / 25, target=0.0, bed=100.0, bed_target=100.0) == []


def test_a_heater_that_does_not_get_warmer_is_told_of_and_a_slow_one_near_its_target_is_not():
    bench = Bench()
    heard = bench.tell(30, tool=30.0)
    assert kinds(heard) == {(AnomalyKind.NOT_HEATING, "tool0")}
    assert first(heard, Severity.WARN).evidence.window_s <= 12

    bench = Bench()
    assert bench.tell(90, tool=lambda s: min(210, 30 + 3 * s)) == []
    assert bench.tell(30, tool=lambda s: 210 - 8 * 2.7 ** (-s / 15)) == []


def test_a_heater_slower_than_it_was_is_told_of():
    usual = Baseline(3, {"tool0": HeaterBaseline(rise_s=25.0)})
    bench = Bench(usual=usual)

    heard = bench.tell(120, tool=lambda s: min(210, 30 + 1.8 * s))

    assert kinds(heard) == {(AnomalyKind.HEATS_SLOWLY, "tool0")}
    assert first(heard, Severity.WARN).evidence.values["usual_seconds"] == 25


def test_what_was_learned_from_one_print_alone_is_not_held_against_it():
    usual = Baseline(1, {"tool0": HeaterBaseline(rise_s=25.0)})

    assert Bench(usual=usual).tell(120, tool=lambda s: min(210, 30 + 1.8 * s)) == []


def test_a_temperature_that_swings_is_told_of():
    bench = printing()
    heard = bench.tell(300, tool=lambda s: 210 + (5 if s % 30 < 15 else -5))

    assert kinds(heard) == {(AnomalyKind.OSCILLATION, "tool0")}
    assert first(heard, Severity.WARN).evidence.values["period_s"] == pytest.approx(30, abs=3)


def test_a_sensor_that_stands_still_is_told_of_and_then_paused_for():
    bench = printing()
    heard = bench.tell(90, tool=lambda s: 210.0, noise=0.0, bed=lambda s: 60 + 0.1 * (s % 3))

    assert kinds(heard) == {(AnomalyKind.SENSOR_FROZEN, "tool0")}
    assert first(heard, Severity.WARN).evidence.values["seconds"] <= 25
    assert first(heard, Severity.PAUSE).evidence.values["seconds"] <= 61


def test_a_sensor_that_always_stands_still_is_believed():
    """OctoPrint's own virtual printer has no noise at all."""
    bench = Bench()

    assert bench.tell(3600, noise=0.0) == []


def test_everything_standing_still_is_no_dead_sensor_but_a_hung_printer():
    bench = printing()
    heard = bench.tell(100, tool=210.0, noise=0.0, comes_on=False)

    assert kinds(heard) == {(AnomalyKind.TELEMETRY_FROZEN, "telemetry")}


def test_one_jump_is_noted_and_many_are_a_loose_contact():
    bench = printing()
    heard = bench.tell(3, tool=lambda s: 230 if s == 2 else 210)
    assert [(each.anomaly.kind, each.anomaly.severity) for each in heard] == [
        (AnomalyKind.SENSOR_JUMP, Severity.NOTE)
    ]

    heard = bench.tell(40, tool=lambda s: 230 if s % 5 == 0 else 210)
    assert first(heard, Severity.PAUSE).kind is AnomalyKind.SENSOR_JUMP


def test_a_contact_that_is_loose_at_every_look_is_many_jumps():
    bench = printing()

    heard = bench.tell(20, tool=lambda s: 230 if s % 2 else 210)

    assert first(heard, Severity.PAUSE).kind is AnomalyKind.SENSOR_JUMP


def test_whoever_went_on_in_spite_of_a_value_that_fell_is_not_overruled_when_it_jumps():
    bench = printing()
    fallen = bench.tell(40, tool=lambda s: max(160, 210 - 2 * s))
    assert first(fallen, Severity.PAUSE).kind is AnomalyKind.DROP
    bench.tell(2, tool=160, operation=Operation.PAUSED)

    heard = bench.tell(60, tool=lambda s: 210 if s % 2 else 160, operation=Operation.PRINTING)

    assert AnomalyKind.SENSOR_JUMP in {each.anomaly.kind for each in heard}
    assert Severity.PAUSE not in {each.anomaly.severity for each in heard}


def test_a_value_that_falls_after_somebody_went_on_in_spite_of_jumps_pauses_it_anew():
    bench = printing()
    bench.tell(20, tool=lambda s: 230 if s % 2 else 210)
    bench.tell(2, operation=Operation.PAUSED)

    heard = bench.tell(60, tool=lambda s: max(160, 210 - 2 * s), operation=Operation.PRINTING)

    assert first(heard, Severity.PAUSE).kind is AnomalyKind.DROP


@pytest.mark.parametrize("off", [-9.0, 9.0])
def test_sensor_that_slips_at_once_is_noted_before_the_control_takes_it_up(off):
    usual = Baseline(prints=3, heaters={"tool0": HeaterBaseline(below_degc=1.2, above_degc=0.9)})
    cases = [
        (CADENCES["prusalink"], 5.0, [0.7]),  # a single look, before it is where it was
        (CADENCES["serial"], 1.0, [0.3, 0.75, 0.6, 0.4, 0.2]),  # in the midst of it, and then
    ]
    for cadence, step_s, shares in cases:
        bench = Bench(cadence=cadence, usual=usual)
        bench.tell(200, step_s=step_s)

        heard = [bench.tell(step_s, tool=210 + off * share, step_s=step_s) for share in shares]

        found = [(each.anomaly.kind, each.anomaly.severity) for changes in heard for each in changes]
        assert found == [(AnomalyKind.SENSOR_JUMP, Severity.NOTE)]


def test_what_strays_as_on_good_days_is_no_jump():
    usual = Baseline(prints=3, heaters={"tool0": HeaterBaseline(below_degc=2.5, above_degc=1.0)})
    bench = Bench(cadence=CADENCES["prusalink"], usual=usual)
    bench.tell(200, step_s=5.0)

    assert not bench.tell(60, tool=lambda s: 204 if s == 20 else 210, step_s=5.0)  # the mains dip


@pytest.mark.parametrize("shown", [-60.0, 900.0, float("inf")])
def test_a_temperature_that_cannot_be_is_told_of_and_counts_for_nothing_else(shown):
    bench = printing()
    heard = bench.tell(20, tool=lambda s: shown)

    assert kinds(heard) == {(AnomalyKind.SENSOR_IMPOSSIBLE, "tool0")}
    assert first(heard, Severity.PAUSE)


def test_a_target_that_nobody_set_is_told_of():
    known = {"tool0": frozenset({210.0, 215.0}), "bed": frozenset({60.0})}
    bench = Bench()
    bench.progress = 0.2
    assert bench.tell(HEALTHY_S, file_targets=known) == []
    assert bench.tell(60, target=215.0, tool=lambda s: min(215, 210 + s), file_targets=known) == []

    heard = bench.tell(5, target=0.0, tool=214.0, file_targets=known)

    assert kinds(heard) == {(AnomalyKind.TARGET_CHANGED, "tool0")}
    assert first(heard, Severity.WARN)


def test_a_small_file_that_switches_off_long_before_the_comments_at_its_end_is_nobodys_trouble():
    known = {"tool0": frozenset({210.0}), "bed": frozenset({60.0})}
    bench = Bench()
    bench.progress = 0.6
    bench.tell(HEALTHY_S, file_targets=known)

    done = {"file_targets": known, "elapsed_s": 100.0, "estimate_s": 110.0}
    bench.tell(5, **done)

    off = {"target": 0.0, "bed_target": 0.0, **done}
    assert bench.tell(15, tool=lambda s: 210.0 - s, **off) == []
    assert bench.tell(60, tool=lambda s: 195.0 - s, operation=Operation.IDLE, **off) == []


def test_a_nozzle_switched_off_late_in_a_print_that_goes_on_is_told_of():
    known = {"tool0": frozenset({210.0}), "bed": frozenset({60.0})}
    bench = Bench()
    bench.progress = 0.6
    late = {"file_targets": known, "elapsed_s": 100.0, "estimate_s": 110.0}
    bench.tell(HEALTHY_S, **late)

    heard = bench.tell(25, target=0.0, tool=lambda s: 210.0 - s, **late)

    assert kinds(heard) == {(AnomalyKind.TARGET_CHANGED, "tool0")}
    assert first(heard, Severity.WARN)


def test_a_target_set_through_the_farm_is_nobodys_trouble():
    known = {"tool0": frozenset({210.0}), "bed": frozenset({60.0})}
    bench = Bench()
    bench.progress = 0.2
    bench.tell(HEALTHY_S, file_targets=known)
    bench.guard.targeted("tool0", 195.0)

    assert bench.tell(60, target=195.0, tool=lambda s: max(195, 210 - s), file_targets=known) == []


def test_a_print_that_does_not_come_on_is_told_of_and_one_that_waits_for_heat_is_not():
    bench = printing()
    assert kinds(bench.tell(118, comes_on=False)) == {(AnomalyKind.STALLED, "progress")}

    bench = printing()
    assert bench.tell(130, comes_on=False, target=250.0, tool=lambda s: min(246, 210 + s / 3)) == []


def test_a_layer_that_takes_far_too_long_is_noted():
    bench = Bench()
    for layer in range(10):
        assert bench.tell(30, z_mm=0.2 * (layer + 1)) == []
    heard = bench.tell(100, z_mm=2.2)

    assert kinds(heard) == {(AnomalyKind.LAYER_TIME, "layer")}


def test_a_print_beyond_its_estimate_is_noted_and_then_told_of():
    bench = printing()
    assert bench.tell(2, elapsed_s=4000.0, estimate_s=3600.0) == []

    heard = bench.tell(2, elapsed_s=6000.0, estimate_s=3600.0)
    assert heard[0].anomaly.severity is Severity.NOTE
    assert first(bench.tell(2, elapsed_s=9000.0, estimate_s=3600.0), Severity.WARN)


def test_lines_sent_again_are_told_of():
    bench = Bench()
    bench.tell(2, sent=0, resent=0)
    assert bench.tell(40, sent=1000, resent=3) == []

    heard = bench.tell(40, sent=2000, resent=253)
    assert first(heard, Severity.WARN).evidence.values["percent"] == 25


def test_a_fan_that_stands_still_is_told_of():
    bench = printing()
    assert bench.tell(60, fans={"fan": Fan(1.0, 3000.0)}) == []

    assert kinds(bench.tell(20, fans={"fan": Fan(1.0, 0.0)})) == {(AnomalyKind.FAN, "fan")}


def test_a_board_that_comes_too_late_is_told_of():
    bench = printing()
    assert bench.tell(60, load={"mcu": 0.3}) == []

    assert first(bench.tell(30, load={"mcu": 1.2}), Severity.WARN).kind is AnomalyKind.BOARD_LOAD


def test_a_nozzle_that_needs_more_power_than_usual_is_told_of():
    usual = Baseline(3, {"tool0": HeaterBaseline(duty_calm=0.4 / 185)})
    bench = Bench(usual=usual)
    assert bench.tell(600, duty={"tool0": 0.42}) == []

    assert kinds(bench.tell(400, duty={"tool0": 0.6})) == {(AnomalyKind.DUTY, "tool0")}


def test_a_print_paused_hot_for_too_long_has_its_nozzle_cooled_and_its_bed_kept():
    bench = printing(watchfulness=Watchfulness(paused_hot_s=300.0))
    assert bench.tell(290, operation=Operation.PAUSED, comes_on=False) == []

    assert kinds(bench.tell(20, comes_on=False)) == {(AnomalyKind.PAUSED_HOT, "tool0")}
    assert bench.guard.to_cool() == {"tool0": 210.0}


def test_heat_with_nobody_there_is_switched_off():
    bench = Bench(operation=Operation.IDLE, watchfulness=Watchfulness(heated_idle_s=600.0))
    assert bench.tell(590) == []
    bench.guard.attended(bench.at)
    assert bench.tell(590) == []

    assert kinds(bench.tell(30)) == {(AnomalyKind.HEATED_UNATTENDED, "heaters")}
    assert bench.guard.to_cool() == {"tool0": 210.0, "bed": 60.0}


def test_a_printer_out_of_reach_while_it_prints_is_told_of_and_never_paused_for():
    bench = printing()
    bench.guard.lost(bench.at, "no answer.")
    assert list(bench.guard.unseen(bench.at + 100)) == []

    (change,) = bench.guard.unseen(bench.at + 130)
    assert (change.anomaly.kind, change.anomaly.severity) == (AnomalyKind.SILENT, Severity.WARN)


def test_an_idle_cold_printer_may_be_switched_off():
    bench = Bench(operation=Operation.IDLE)
    bench.tell(60, tool=22.0, bed=22.0, target=0.0, bed_target=0.0)
    bench.guard.lost(bench.at, "no answer.")

    assert list(bench.guard.unseen(bench.at + 3600)) == []


def test_nothing_is_said_in_the_first_seconds_after_connecting():
    bench = printing()
    bench.guard.lost(bench.at, "")
    bench.at += 30
    bench.guard.connected(bench.at)

    assert bench.tell(GRACE_S - 1, tool=0.0, bed=0.0, noise=0.0) == []
    assert bench.tell(120) == []


def test_a_printer_that_shows_before_its_link_is_calm_is_not_listened_to_either():
    bench = printing()
    bench.guard.lost(bench.at, "")
    bench.at += 30

    assert bench.tell(GRACE_S - 1, tool=0.0, bed=0.0, noise=0.0) == []


def test_who_goes_on_in_spite_of_it_is_not_paused_again_for_the_same_cause():
    bench = printing()
    bench.tell(40, tool=lambda s: max(180, 210 - 1.2 * s))
    bench.tell(30, tool=180.0, operation=Operation.PAUSED)
    heard = bench.tell(600, tool=180.0, operation=Operation.PRINTING)
    heard += bench.tell(120, tool=lambda s: min(210, 180 + s))
    heard += bench.tell(120, tool=lambda s: max(180, 210 - 1.2 * s))

    assert Severity.PAUSE not in {each.anomaly.severity for each in heard if not each.over}


def test_the_next_print_is_looked_at_anew():
    bench = printing()
    bench.tell(40, tool=lambda s: max(180, 210 - 1.2 * s))
    bench.tell(30, tool=180.0, operation=Operation.PAUSED)
    bench.tell(60, operation=Operation.PRINTING)
    bench.tell(120, operation=Operation.IDLE)
    bench.tell(HEALTHY_S, operation=Operation.PRINTING)

    assert first(bench.tell(60, tool=lambda s: 210 - 1.2 * s), Severity.PAUSE)


def test_it_is_over_when_it_has_been_calm_for_a_while():
    bench = printing()
    bench.tell(12, tool=202.0)
    assert [each.kind for each in bench.guard.current] == [AnomalyKind.DROP]

    heard = bench.tell(CALM_S + 10)
    assert [each.over for each in heard] == [True]
    assert bench.guard.current == ()


def test_the_shop_says_how_far_it_goes():
    bench = printing(watchfulness=Watchfulness(ends={AnomalyKind.DROP: Severity.NOTE}))
    assert {each.anomaly.severity for each in bench.tell(60, tool=180.0)} == {Severity.NOTE}

    bench = printing(watchfulness=Watchfulness(ends={AnomalyKind.DROP: None}))
    assert bench.tell(60, tool=lambda s: max(180, 210 - s)) == []


def test_it_is_stopped_only_where_the_shop_wants_that_and_only_after_a_pause():
    bench = printing(watchfulness=Watchfulness(ends={AnomalyKind.RUNAWAY: Severity.STOP}))
    heard = bench.tell(60, tool=lambda s: 210 + 1.2 * s)

    assert [each.anomaly.severity for each in heard] == [Severity.WARN, Severity.PAUSE, Severity.STOP]


def test_a_clock_that_runs_back_and_values_that_are_none_are_passed_over():
    bench = printing()
    bench.at -= 200
    assert bench.tell(100, tool=500.0) == []
    bench.at += 200

    def nothing(_: float) -> float:
        return float("nan")

    assert kinds(bench.tell(3, tool=nothing)) == {(AnomalyKind.SENSOR_IMPOSSIBLE, "tool0")}


def test_a_printer_with_heaters_without_end_is_watched_as_far_as_there_is_room():
    bench = printing()
    many = {f"tool{number}": Temperature(20.0, 0.0) for number in range(1000)}
    for _ in range(10):
        bench.at += 1
        bench.guard.see(Sample(bench.at, many, Operation.PRINTING))

    assert len(bench.guard._heaters) <= 32


def test_a_good_print_teaches_and_one_with_trouble_does_not():
    bench = Bench()
    bench.tell(100, tool=lambda s: min(210, 30 + 3 * s), bed=lambda s: min(60, 22 + s / 2))
    bench.tell(600)
    lesson = bench.guard.lesson()
    assert lesson is not None
    assert lesson.heaters["tool0"].rise_s == pytest.approx(70 / 3, abs=2)
    assert 0 < lesson.heaters["tool0"].below_degc < 1

    bench.tell(30, tool=195.0)
    assert bench.guard.lesson() is None


def test_a_bed_that_swings_by_nature_is_told_of_until_that_is_known_and_when_it_swings_further():
    def swinging(by: float, usual: Baseline) -> tuple[set[tuple[AnomalyKind, str]], Baseline | None]:
        bench = Bench(usual=usual)
        heard = bench.tell(900, bed=lambda s: 60 + by * math.sin(s / 8))
        return kinds(heard), bench.guard.lesson()

    swings, usual = {(AnomalyKind.OSCILLATION, "bed")}, Baseline()
    for _ in range(2):
        found, lesson = swinging(3.0, usual)
        assert found == swings
        assert lesson is not None
        usual = usual.with_print(lesson)

    assert swinging(3.0, usual)[0] == set()
    assert swinging(5.0, usual)[0] >= swings


def test_a_print_that_was_out_of_sight_teaches_nothing():
    bench = printing()
    bench.tell(600)
    bench.guard.lost(bench.at, "")

    assert bench.guard.lesson() is None


def test_held_values_of_a_slow_host_are_no_frozen_sensor():
    """OctoPrint pushes twice a second what it asked its printer for every five."""
    bench = Bench(cadence=CADENCES["octoprint"])
    held = {"at": -10.0, "shown": 210.0}

    def holds(gone: float) -> float:
        if bench.at - held["at"] >= 5:
            held.update(at=bench.at, shown=210 + 0.1 * (bench.at * 7 % 5 - 2))
        return held["shown"]

    assert bench.tell(3600, tool=holds, bed=lambda s: 60.0, noise=0.0, step_s=0.5) == []


def test_a_look_costs_next_to_nothing():
    """A thousand printers tell their values each second; processor time, for others are at work here too."""
    bench = Bench()
    began = time.process_time()
    bench.tell(5000)

    assert (time.process_time() - began) / 5000 < 200e-6


def test_after_sleep_what_was_seen_before_is_held_against_nothing():
    """The clock stood still while the bed cooled down: a fall by forty degrees in no time is none."""
    bench = printing()
    bench.guard.begin_anew(bench.at)

    cooled = bench.tell(300, tool=25.0, bed=25.0, target=0.0, bed_target=0.0, operation=Operation.IDLE)
    assert cooled == []


def test_a_print_through_which_the_computer_slept_teaches_nothing_and_is_watched_on():
    bench = printing()
    bench.guard.begin_anew(bench.at)
    assert bench.tell(HEALTHY_S + 100) == []
    assert bench.guard.lesson() is None

    heard = bench.tell(60, tool=lambda s: 210 - 1.2 * s)
    assert first(heard, Severity.PAUSE).kind is AnomalyKind.DROP
