"""How long moves take: against a slow planner, and against what can be worked out with a pencil."""

from __future__ import annotations

import io
import math
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.files.gcode.kernel.scan import QUEUED
from farm.files.gcode.machine import KLIPPER, REPRAP, Machine, Model, machine_of
from farm.files.gcode.survey import Time, survey
from farm.files.slicers.remarks import Remarks
from tests.files.gcode.slow_planner import Move, seconds

SIMPLE = Machine(
    max_speed=(0, 0, 0, 0), max_acceleration=(0, 0, 0, 0), acceleration=1000, travel_acceleration=1000,
    retract_acceleration=1000, jerk=(0, 0, 0, 0),
)  # fmt: skip
DEVIATION = Machine(Model.JUNCTION_DEVIATION)


def time_of(text: str, machine: Machine = SIMPLE) -> Time:
    return survey(io.BytesIO(text.encode()), machine).time_s


def trapezoid(length: float, speed: float, acceleration: float) -> float:
    """From and to standstill."""
    top = min(speed, math.sqrt(length * acceleration))
    return 2 * top / acceleration + (length - top**2 / acceleration) / top


# -- against the slow one

STEP = st.integers(-3000, 3000).map(lambda step: step / 100)
SHORT = st.integers(-40, 40).map(lambda step: step / 100)
PUSH = st.sampled_from([0.0, 0.0, 0.05, 0.4, -1.0, 3.0])


@st.composite
def moves(draw: st.DrawFn) -> list[Move]:
    way = draw(st.sampled_from([STEP, SHORT]))
    rise = st.sampled_from([0.0, 0.0, 0.0, 0.2, -0.2])
    by = st.tuples(way, way, rise, PUSH).filter(any)
    feed = st.sampled_from([5.0, 20.0, 60.0, 150.0])
    return draw(st.lists(st.builds(Move, by, feed), min_size=1, max_size=60))


def written(ways: list[Move]) -> str:
    lines = [f"G1 X{x:.2f} Y{y:.2f} Z{z:.2f} E{e:.2f} F{feed * 60:g}" for (x, y, z, e), feed in ways]
    return "\n".join(["G91", *lines])


@pytest.mark.parametrize("machine", [Machine(), DEVIATION], ids=["jerk", "deviation"])
@settings(max_examples=max(30, int(500 * float(os.environ.get("FARM_TEST_SCALE", "0.1")))), deadline=None)
@given(ways=moves())
def test_times_are_those_of_a_slow_planner(machine: Machine, ways: list[Move]):
    assert time_of(written(ways), machine).moves == pytest.approx(seconds(ways, machine), rel=1e-5, abs=2e-3)


def test_a_queue_that_is_full_changes_nothing():
    ways = [Move((0.3 * math.cos(n / 5), 0.3 * math.sin(n / 9), 0, 0.01), 80.0) for n in range(3 * QUEUED)]
    ways = [Move(tuple(round(part, 2) for part in move.by), move.feed) for move in ways]

    assert time_of(written(ways), Machine()).moves == pytest.approx(seconds(ways, Machine()), rel=2e-5)


# -- with a pencil


def test_one_move_is_a_trapezoid():
    assert time_of("G1 X100 F6000").moves == pytest.approx(trapezoid(100, 100, 1000), abs=1e-3)


def test_short_move_never_reaches_its_speed():
    assert time_of("G1 X4 F6000").moves == pytest.approx(2 * math.sqrt(4 / 1000), abs=1e-3)


def test_straight_on_is_one_move():
    cut = "\n".join(f"G1 X{n}" for n in range(1, 101))

    assert time_of(f"G1 F6000\n{cut}").moves == pytest.approx(trapezoid(100, 100, 1000), abs=2e-3)


def test_arc_takes_as_long_as_its_length():
    circle = time_of("G1 F3000\nG2 I50 J0", replace(SIMPLE, jerk=(99, 99, 99, 99)))

    assert circle.moves == pytest.approx(2 * math.pi * 50 / 50, rel=0.01)


def test_waits_stop_the_printer_and_count():
    through = time_of("G1 F6000\nG1 X50\nG1 X100")
    halted = time_of("G1 F6000\nG1 X50\nG4 S2\nG1 X100\nG4 P500")

    assert halted.waits == 2.5
    assert through.moves == pytest.approx(trapezoid(100, 100, 1000), abs=1e-3)
    assert halted.moves == pytest.approx(2 * trapezoid(50, 100, 1000) + 2.5, abs=1e-3)


def test_slowest_axis_decides():
    slow = replace(SIMPLE, max_speed=(100, 100, 5, 25))

    assert time_of("G1 X30 Z40 F60000", slow).moves == pytest.approx(trapezoid(50, 5 / 0.8, 1000), abs=1e-3)


def test_limits_in_the_file_count_from_there_on():
    before = time_of("G1 X100 F6000").moves
    later = time_of("M204 P500 T500\nM203 X50\nG1 X100 F6000").moves

    assert later == pytest.approx(trapezoid(100, 50, 500), abs=1e-3)
    assert later > before


def test_feed_factor_makes_it_slower():
    assert time_of("M220 S50\nG1 X100 F6000").moves == pytest.approx(trapezoid(100, 50, 1000), abs=1e-3)


def test_tool_change_takes_what_the_settings_say():
    machine = machine_of(Remarks(b"; filament_load_time = 10,20\n; filament_unload_time = 3,5\n"), "marlin2")

    assert time_of("T1\nT0\nT0", machine).tool_changes == 20 + 5 + 10  # nothing is loaded before the first


def test_heating_is_told_apart():
    time = time_of("M140 S55\nM104 S220\nM190 S55\nM109 S220", replace(SIMPLE, nozzle_heats=2, bed_heats=0.5))

    assert time.heating == pytest.approx(100)  # both at once: 35/0.5 and 200/2
    assert time.moves == 0


# -- Klipper


CALM = replace(KLIPPER, acceleration=1000, max_acceleration=(0, 0, 0, 0), max_speed=(0, 0, 0, 0))


def test_klipper_holds_back_in_short_moves():
    """Half of the acceleration decides how fast it becomes, all of it how soon."""
    top = math.sqrt(0.5 * 1000 * 4)
    along = 4 - top**2 / 1000

    assert time_of("G1 X4 F60000", CALM).moves == pytest.approx(2 * top / 1000 + along / top, abs=1e-3)


def test_klipper_takes_a_right_angle_at_its_corner_velocity():
    def legs(corner: float) -> float:
        """100 mm from standstill, at 100 mm/s, to the corner velocity."""
        up, down = 100 / 1000, (100 - corner) / 1000
        return up + down + (100 - 50 * up - (100 + corner) / 2 * down) / 100

    text = "G1 X100 F6000\nG1 Y100"
    assert time_of(text, CALM).moves == pytest.approx(2 * legs(5), abs=2e-3)
    assert time_of(f"SET_VELOCITY_LIMIT SQUARE_CORNER_VELOCITY=20\n{text}", CALM).moves == pytest.approx(
        2 * legs(20), abs=2e-3
    )


def test_klipper_does_not_slow_down_straight_on():
    cut = "\n".join(f"G1 X{n}" for n in range(1, 101))
    whole = time_of("G1 X100 F6000", CALM).moves

    assert time_of(f"G1 F6000\n{cut}", CALM).moves == pytest.approx(whole, abs=2e-3)


def test_klipper_stops_for_the_extruder():
    both = time_of("M83\nG1 X100 F6000\nG1 E-1 F1800\nG1 X200 F6000", CALM).moves
    pull = time_of("M83\nG1 E-1 F1800", CALM).moves

    assert both == pytest.approx(2 * trapezoid(100, 100, 1000) + pull, abs=3e-3)


def test_klippers_queue_that_is_full_changes_nothing():
    def zigzag(moves: int) -> float:
        return time_of(
            "G1 F6000\n" + "\n".join(f"G1 X{n % 2 * 30} Y{n}" for n in range(1, moves + 1)), CALM
        ).moves

    few, many = 300, 3 * QUEUED
    assert zigzag(many) == pytest.approx(zigzag(few) * many / few, rel=1e-3)


# -- RepRapFirmware


def test_reprap_stops_between_drawing_and_travelling():
    text = "M83\nG1 X100 E{}\nG1 X200 E5"
    same, other = (
        time_of(f"G1 F6000\n{text.format(push)}", replace(REPRAP, max_speed=(0, 0, 0, 0))).moves
        for push in (5, 0)
    )

    assert same < other


# -- what the settings in a file say


def test_settings_of_prusaslicer_are_read():
    said = Remarks(
        b"; machine_max_acceleration_x = 9000,1000\n; machine_max_acceleration_extruding = 1500,1250\n"
        b"; machine_max_acceleration_travel = 2500,1250\n; machine_max_jerk_z = 0.2,0.4\n"
        b"; machine_max_feedrate_e = 120,120\n; bed_shape = 0x0,250x0,250x210,0x210\n"
        b"; max_print_height = 220\n; machine_min_extruding_rate = 2\n"
    )
    machine = machine_of(said, "marlin2")

    assert (machine.max_acceleration[0], machine.acceleration) == (9000, 1500)
    assert (machine.travel_acceleration, machine.jerk[2], machine.max_speed[3]) == (2500, 0.2, 120)
    assert (machine.volume.x, machine.volume.y, machine.volume.z) == ((0, 250), (0, 210), (0, 220))
    assert machine.min_print_speed == 2
    assert machine_of(said, "marlin").travel_acceleration == 1500  # it has none of its own


def test_junction_deviation_is_taken_where_it_is_set():
    said = Remarks(b"; machine_max_junction_deviation = 0.02,0\n")

    assert machine_of(said, "marlin2").model is Model.JUNCTION_DEVIATION
    assert machine_of(Remarks(b""), "marlin2").model is Model.JERK
    assert machine_of(said, "reprapfirmware").model is Model.REPRAP


@pytest.mark.parametrize("shape", ["", "0x0", "axb,1x2,3x4", "nanx1,2x2,3x3", "9" * 50])
def test_bed_that_is_none_guards_nothing(shape: str):
    assert machine_of(Remarks(f"; bed_shape = {shape}\n".encode()), "marlin2").volume is None
