"""The machine alone: time is a number, a file is a handful of lines."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.simulator.machine import (
    AMBIENT_DEGC,
    HOMING_S,
    LINE_S,
    MAX_ORDERS,
    Activity,
    Happening,
    Machine,
    What,
    bed,
    nozzle,
)

CHIP = (Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode").read_bytes()
STEP_S = 0.01


def begun(lines: str | bytes, machine: Machine | None = None, now: float = 0.0) -> Machine:
    machine = machine or Machine()
    content = lines if isinstance(lines, bytes) else lines.encode()
    machine.begin(io.BytesIO(content), len(content), now)
    return machine


def run(machine: Machine, until: float, since: float = 0.0) -> list[tuple[float, Happening]]:
    """Everything that happens in a stretch of time, with the moment at which it is noticed."""
    happened = []
    for step in range(round((until - since) / STEP_S) + 1):
        now = since + step * STEP_S
        happened += [(now, happening) for happening in machine.tick(now)]
    return happened


def when(happened: list[tuple[float, Happening]], what: What) -> float | None:
    return next((now for now, happening in happened if happening.what is what), None)


def duration(lines: str | bytes, machine: Machine | None = None) -> float:
    found = when(run(begun(lines, machine), 120), What.FINISHED)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("G1 X100 F6000\n", 1.0),
        ("G1 X30 Y40 F3000\n", 1.0),  # the straight way: 50 mm
        ("G1 X10 F600\nG0 X0\n", 2.0),  # a feed rate holds until another one
        ("G91\nG1 X10 F600\nG1 X10\n", 2.0),
        ("G90\nG1 X10 F600\nG1 X10\n", 1.0),
        ("G92 X10\nG1 X10 F60\n", 0.0),
        ("G1 E10 F600\n", 1.0),  # no way but filament
        ("M83\nG1 E10 F600\nG1 E10\n", 2.0),
        ("M82\nG1 E10 F600\nG1 E10\n", 1.0),
        ("G4 P1500\n", 1.5),
        ("G4 S2\n", 2.0),
        ("G28\n", HOMING_S),
        ("M117 nothing\nFOO X100\nT0\n", 0.0),
        ("; G4 S100\n\n(G4 S100)\n", 0.0),
    ],
)
def test_lines_take_the_time_of_their_motion(lines: str, seconds: float) -> None:
    of_the_line = sum(LINE_S for line in lines.splitlines() if line and line[0] not in ";(")

    assert duration(lines) == pytest.approx(seconds + of_the_line, abs=2 * STEP_S)


def test_a_small_part_prints_in_ten_seconds_and_sixty_times_faster_when_told() -> None:
    assert duration(CHIP) == pytest.approx(10.0, abs=1.0)
    assert duration(CHIP, Machine(speed=60)) == pytest.approx(10.0 / 60, abs=0.05)


def test_how_often_it_is_looked_at_changes_nothing() -> None:
    often, seldom = begun(CHIP), begun(CHIP)
    seen = [happening for _, happening in run(often, 12)]

    assert list(seldom.tick(12)) == seen
    assert (seldom.position, seldom.lines) == (often.position, often.lines)
    assert seldom.temperatures(12).keys() == often.temperatures(12).keys()


@given(st.lists(st.floats(0, 0.5), max_size=40))
def test_the_place_in_the_file_only_grows_and_ends_lines(steps: list[float]) -> None:
    machine, now, last = begun(CHIP), 0.0, 0

    for step in steps:
        now += step
        machine.tick(now)
        assert machine.read_bytes >= last
        last = machine.read_bytes
        assert last == 0 or CHIP[last - 1 : last] == b"\n"


def test_the_nozzle_heats_ten_degrees_a_second_and_the_bed_more_slowly() -> None:
    hot, warm = nozzle(), bed()
    hot.aim(200, at=0)
    warm.aim(60, at=0)

    assert hot.actual(10) == pytest.approx(AMBIENT_DEGC + 100)
    assert warm.actual(10) == pytest.approx(AMBIENT_DEGC + 20)
    assert hot.actual(100) == pytest.approx(200, abs=0.01)
    assert hot.actual(hot.hot_enough_at(0)) == pytest.approx(199)


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), min_size=1, max_size=8), st.floats(0.001, 5))
def test_a_heater_never_jumps_and_stays_between_the_room_and_its_targets(
    aims: list[tuple[float, float]], moment: float
) -> None:
    heater, at, hottest = nozzle(), 0.0, AMBIENT_DEGC
    for target, wait in aims:
        before = heater.actual(at)
        heater.aim(target, at)
        hottest = max(hottest, target)
        assert heater.actual(at) == pytest.approx(before)
        assert abs(heater.actual(at + moment) - before) <= heater.heats * moment + 1e-6 or target < before
        at += wait
        assert AMBIENT_DEGC - 1e-6 <= heater.actual(at) <= hottest + 1e-6


def test_a_heater_that_is_off_cools_down_to_the_room() -> None:
    heater = nozzle()
    heater.aim(200, at=0)
    heater.aim(0, at=60)

    assert 60 < heater.actual(120) < 130
    assert heater.actual(3000) == pytest.approx(AMBIENT_DEGC, abs=0.01)


def test_the_same_seed_gives_the_same_noise() -> None:
    one, same, other = Machine(seed=1), Machine(seed=1), Machine(seed=2)
    readings = [one.temperatures(now) for now in range(50)]

    assert [same.temperatures(now) for now in range(50)] == readings
    assert [other.temperatures(now) for now in range(50)] != readings
    nozzles = [reading["tool0"][0] for reading in readings]
    assert 0 < max(nozzles) - min(nozzles) < 1


def test_a_wait_for_heat_lasts_until_it_is_hot() -> None:
    machine = begun("M109 S121.3\n")
    run(machine, 1)
    assert machine.waits_for_heat

    happened = run(machine, 30, since=1)

    end = when(happened, What.FINISHED)
    assert end is not None
    assert 10 < end < 14
    assert not machine.waits_for_heat


def test_a_pause_waits_for_the_line_in_hand_and_holds_the_next() -> None:
    machine = begun("G1 X100 F6000\nG1 X200\n")
    run(machine, 0.5)
    machine.pause()
    assert machine.activity is Activity.PAUSING

    paused = when(run(machine, 5, since=0.5), What.PAUSED)

    assert paused == pytest.approx(1 + LINE_S, abs=2 * STEP_S)
    assert machine.position[0] == 100
    machine.resume(5)
    assert when(run(machine, 10, since=5), What.FINISHED) == pytest.approx(6 + LINE_S, abs=2 * STEP_S)


def test_a_cancel_in_a_heat_up_waits_for_the_heat_unless_the_firmware_listens_meanwhile() -> None:
    deaf, listening = begun("M109 S221\n"), begun("M109 S221\n", Machine(emergency_parser=True))
    for machine in (deaf, listening):
        run(machine, 2)
        machine.cancel(2)
        assert machine.activity is Activity.CANCELLING

    assert when(run(listening, 3, since=2), What.CANCELLED) == pytest.approx(2, abs=STEP_S)
    late = when(run(deaf, 40, since=2), What.CANCELLED)
    assert late is not None
    assert late > 15
    for machine in (deaf, listening):
        assert machine.activity is Activity.IDLE
        assert machine.heaters["tool0"].target == 0


def test_m108_ends_a_wait_of_a_firmware_that_listens() -> None:
    machine = begun("M109 S221\nG4 S1\n", Machine(emergency_parser=True))
    run(machine, 2)

    machine.order(b"M108", 2)

    assert when(run(machine, 10, since=2), What.FINISHED) == pytest.approx(3, abs=0.05)


def test_a_line_beside_the_print_goes_between_two_of_its_lines() -> None:
    machine = begun("G4 S1\nG4 S1\n")
    run(machine, 0.5)

    machine.order(b"M140 S60", 0.5)

    run(machine, 0.9, since=0.5)
    assert machine.heaters["bed"].target == 0
    run(machine, 1.2, since=0.9)
    assert machine.heaters["bed"].target == 60


def test_lines_too_many_are_lost_and_the_rest_is_carried_out() -> None:
    machine = Machine()
    for number in range(MAX_ORDERS + 10):
        machine.order(f"G1 X{number} F60000".encode(), 0)

    run(machine, 5)

    assert machine.lines == MAX_ORDERS


@pytest.mark.parametrize("where", ["beside", "in the file"])
def test_m112_kills_heat_and_motion_until_a_reset(where: str) -> None:
    machine = begun("M104 S200\nG4 S1\n" + ("M112\n" if where == "in the file" else "") + "G4 S100\n")
    happened = run(machine, 0.5)
    if where == "beside":
        machine.order(b"M112", 0.5)
    happened += run(machine, 5, since=0.5)

    assert when(happened, What.HALTED) is not None
    assert machine.heaters["tool0"].target == 0
    assert machine.wake_at == math.inf
    machine.reset(6)
    assert machine.activity is Activity.IDLE
    assert when(run(begun("G28\n", machine, 6), 10, since=6), What.FINISHED) is not None


def test_a_silent_printer_stands_still_with_its_readings_and_may_come_back() -> None:
    machine = begun("M104 S200\n" + "G1 X10 F600\nG1 X0\n" * 50)
    run(machine, 3)
    machine.go_awol(3)
    read, warm = machine.read_bytes, machine.heaters["tool0"].actual(3)

    assert run(machine, 20, since=3) == []
    assert machine.read_bytes == read
    assert machine.temperatures(20)["tool0"][0] == pytest.approx(warm, abs=1)

    machine.come_back(20)
    run(machine, 20.5, since=20)
    assert read <= machine.read_bytes <= read + 40  # it goes on, and catches up with nothing


def test_a_second_print_beside_the_first_is_a_bug_of_the_caller() -> None:
    machine = begun("G4 S1\n")

    with pytest.raises(ValueError, match="is printing"):
        begun("G28\n", machine)


def test_a_file_of_comments_or_at_a_thousand_times_the_speed_does_not_hold_up_a_tick() -> None:
    machine = begun(b"; nothing\n" * 100_000, Machine(speed=1000))

    machine.tick(1000.0)

    assert 0 < machine.read_bytes < 100_000 * 10


def test_a_heater_that_died_cools_with_its_target_kept_until_the_machine_is_reset():
    machine = Machine()
    machine.order(b"M104 S200", 0.0)
    machine.tick(60.0)
    machine.lose_heat(60.0)
    machine.tick(120.0)
    (shown, target) = machine.temperatures(120.0)["tool0"]
    assert target == 200.0
    assert 100 < shown < 150

    machine.reset(120.0)
    machine.order(b"M104 S200", 120.0)
    machine.tick(200.0)
    assert machine.temperatures(200.0)["tool0"][0] > 195
