"""What is read from a text: against a slow reader, and each thing by itself."""

from __future__ import annotations

import io
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from farm.domain.analysis import Box, Layers, Temperatures
from farm.files.gcode import survey as module
from farm.files.gcode.kernel.scan import MOST_DANGERS, MOST_OF_A_RULE
from farm.files.gcode.kernel.text import LONGEST_COMMAND
from farm.files.gcode.machine import Machine
from farm.files.gcode.policy import OUTSIDE, RULES
from farm.files.gcode.survey import Survey, survey
from tests.files.gcode import oracle

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
GCODE = Path(__file__).parents[2] / "data" / "gcode"
UNLIMITED = Machine(
    max_speed=(0, 0, 0, 0), max_acceleration=(0, 0, 0, 0), acceleration=1e12, travel_acceleration=1e12,
    retract_acceleration=1e12, jerk=(1e9, 1e9, 1e9, 1e9),
)  # fmt: skip


def read(text: str | bytes, machine: Machine = UNLIMITED) -> Survey:
    return survey(io.BytesIO(text.encode() if isinstance(text, str) else text), machine)


def corners(box: Box | None) -> tuple[float, ...] | None:
    return None if box is None else (*box.x, *box.y, *box.z)


def assert_same(fast: Survey, slow: oracle.Seen) -> None:
    assert fast.lines == slow.lines
    assert (fast.moves, fast.extruding_moves) == (slow.moves, slow.extruding_moves)
    assert (fast.retractions, fast.tool_changes) == (slow.retractions, slow.tool_changes)
    for tool, mm in slow.used.items():
        assert (*fast.filament_mm, *[0.0] * 9)[tool] == pytest.approx(mm, abs=1e-4)
    assert corners(fast.printed) == (slow.box and pytest.approx(slow.box, abs=2e-3))
    assert fast.time_s.moves == pytest.approx(slow.seconds, rel=0.015, abs=2e-3)  # arcs are chords


# -- against the slow one


@pytest.mark.parametrize(
    "name",
    ["cura413_cube20", "ps292_mm2_toolchange", "ps25_cube20_marlin2_rel", "slic3r13_cube20", "ps292_vase"],
)
def test_a_real_file_is_read_as_the_slow_reader_does(name: str):
    text = (GCODE / f"{name}.gcode").read_text("utf-8")

    assert_same(read(text), oracle.read(text))


NUMBER = st.one_of(
    st.integers(-200_000, 200_000).map(lambda number: f"{number / 1000:.3f}"),
    st.integers(-300, 300).map(str),
    st.sampled_from(["0", ".5", "-.25", "+7.", "12.3456789", "0.000123456789", "-0", "007.50"]),
)
FEED = st.sampled_from(["600", "1800.5", "12000", "0"])


@st.composite
def move(draw: st.DrawFn) -> str:
    words = [f"{axis}{draw(NUMBER)}" for axis in "XYZE" if draw(st.booleans())]
    if draw(st.integers(0, 3)) == 0:
        words.append(f"F{draw(FEED)}")
    return " ".join([draw(st.sampled_from(["G0", "G1", "G1", "G01"])), *draw(st.permutations(words))])


@st.composite
def arc(draw: st.DrawFn) -> str:
    """To where the nozzle is in G91 after a turn about a centre; whole circles too."""
    radius, begin = draw(st.integers(5, 400)) / 10, draw(st.integers(0, 359))
    turn = draw(st.sampled_from([360, 15, 90, 135, 180, 270, 333]))
    i, j = -radius * math.cos(math.radians(begin)), -radius * math.sin(math.radians(begin))
    end = math.radians(begin + turn)
    x, y = i + radius * math.cos(end), j + radius * math.sin(end)
    ends = "" if turn == 360 else f"X{x:.5f} Y{y:.5f} "
    clockwise = draw(st.booleans())
    if clockwise:  # the same the other way round: mirrored
        j, ends = -j, "" if turn == 360 else f"X{x:.5f} Y{-y:.5f} "
    rise = draw(st.sampled_from(["", "Z1 "]))
    return f"G91\n{'G2' if clockwise else 'G3'} {ends}{rise}I{i:.5f} J{j:.5f} E{draw(NUMBER)}\nG90"


COMMAND = st.one_of(
    move(), move(), move(), move(), arc(),
    st.sampled_from([
        "G90", "G91", "M82", "M83", "G20", "G21", "G28", "G28 X", "G28 X0 Y", "G92 E0", "G92 X10 Y-5", "G92",
        "T0", "T1", "T2", "G4 P250", "G4 S1", "M117 G1 X500 E99", "M118 T5", "M104 S200", "M73 P5 R10",
        "M862.3 P1", "G29", "; G1 X999 E99", "", "SOME_MACRO X=3", "M106 S255", "M486 A\"G1 X900\"", "M25.5",
        "G92.1",
    ]),
)  # fmt: skip


@st.composite
def line(draw: st.DrawFn) -> str:
    """As people, hosts and old scripts write it."""
    command: str = draw(COMMAND)
    if "\n" in command or not command or command[0] not in "GMT":
        return command
    dress = draw(st.integers(0, 9))
    if dress == 0 and command[0] == "G":
        command = command.lower()
    elif dress == 1 and command[0] == "G":
        command = command.replace(" ", "")
    elif dress == 2:
        command = f"N{draw(st.integers(0, 99999))} {command}*{draw(st.integers(0, 255))}"
    elif dress == 3:
        command += draw(st.sampled_from([" ; X5 E9", ";", " (E7) ", "(an X9 open", "\t"]))
    elif dress == 4:
        command = f"  \t{command}"
    return command


@settings(max_examples=max(60, int(1000 * SCALE)), deadline=None)
@given(lines=st.lists(line(), max_size=30), end=st.sampled_from(["\n", "\r\n", "\r"]), last=st.booleans())
def test_any_text_is_read_as_the_slow_reader_does(lines: list[str], end: str, last: bool):
    text = end.join("\n".join(lines).split("\n")) + (end if last else "")
    note(repr(text))

    assert_same(read(text), oracle.read(text))


@settings(max_examples=max(100, int(1000 * SCALE)), deadline=None)
@given(text=NUMBER | st.decimals(-(10**7), 10**7, places=9).map("{:f}".format))
def test_numbers_are_what_python_makes_of_them(text: str):
    assert read(f"G92 Z0\nG1 Z{text}\nM83\nG1 X1 E1").printed.z[0] == pytest.approx(float(text), abs=1e-4)


# -- pieces

LINES = "\n".join(
    f"G1 X{n * 7 % 50} Y{n * 3 % 40} E{n * 0.01:.4f} ; {'x' * (n % 23)}\r" if n % 3 else f";LAYER:{n}"
    for n in range(400)
)


@pytest.mark.parametrize("size", [*range(64, 200), 1000])
def test_where_a_piece_ends_changes_nothing(size: int, monkeypatch):
    whole = read(LINES)

    monkeypatch.setattr(module, "PIECE", size)

    assert repr(read(LINES)) == repr(whole)


class Drip(io.BytesIO):
    """Gives one byte at a time."""

    def readinto(self, buffer) -> int:
        return super().readinto(buffer[:1])


def test_how_a_stream_gives_its_bytes_changes_nothing():
    assert repr(survey(Drip(LINES.encode()), UNLIMITED)) == repr(read(LINES))


def test_what_is_read_is_told():
    told: list[int] = []

    survey(io.BytesIO(LINES.encode()), UNLIMITED, told.append)

    assert told[-1] == len(LINES)


@pytest.mark.parametrize(
    "filling", [";" + "x" * 4_000_000, "G1 " + "X1 " * 1_300_000, "M117 " + "G1 X9 " * 600_000]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_of_four_megabytes_harms_nothing(filling: str, end: str):
    found = read(end.join(["M83", "G1 X10 E1", filling, "G1 X20 E1", ""]))

    assert (found.lines, found.too_long) == (4, 1)
    assert found.filament_mm == (2.0,)
    assert found.printed.x[1] == 20


def test_long_command_is_read_as_far_as_firmwares_might():
    found = read("G1 X5" + " " * LONGEST_COMMAND + "Y7")

    assert (found.moves, found.unread) == (1, 1)


# -- each thing by itself


def test_text_is_never_read_as_words():
    found = read(
        'M117 G1 X500 E99\nM118 E1 T1\nM23 T3.G\nM486 A"T2 G1 X9"\nM862.3 P"MK3S"\n; G1 X9 E9\n(G1 X9)'
    )

    assert (found.moves, found.tool_changes, found.unread) == (0, 0, 0)


def test_an_e_is_the_extruder_and_no_exponent():
    assert read("M83\nG1 X1E3").filament_mm == (3.0,)


@pytest.mark.parametrize("word", ["Xnan", "Xinf", "X--5", "X.5.5", "X1,5", "X", "X99999999999"])
def test_number_that_is_none_is_passed_over_and_counted(word: str):
    found = read(f"M83\nG1 Y5 {word}\nG1 Y6 E1")

    assert found.printed.x == (0, 0)
    assert (found.unread, found.first_unread) == (1, 2)


def test_arc_goes_further_than_its_ends():
    found = read("G1 X10 Y0\nM83\nG3 X-10 Y0 I-10 J0 E1")

    assert corners(found.printed) == pytest.approx((-10, 10, 0, 10, 0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("G3 X-10 Y0 R10 E1", (-10, 10, 0, 10, 0, 0)),
        ("G2 X-10 Y0 R10 E1", (-10, 10, -10, 0, 0, 0)),
        ("G3 X0 Y10 R10 E1", (0, 10, 0, 10, 0, 0)),
        ("G3 X0 Y10 R-10 E1", (0, 20, 0, 20, 0, 0)),  # the longer way, about 10, 10
        ("G2 I-10 E1", (-10, 10, -10, 10, 0, 0)),
        ("G3 X-10 Y0 Z2 I-10 E1", (-10, 10, 0, 10, 0, 2)),
        ("G18\nG2 X-10 Z0 I-10 K0 E1", (-10, 10, 0, 0, 0, 10)),
        ("G19\nG3 Y20 J10 E1", (10, 10, 0, 20, -10, 0)),
    ],
)
def test_arcs_in_all_forms(text: str, box: tuple[float, ...]):
    assert corners(read(f"G1 X10 Y0\nM83\n{text}").printed) == pytest.approx(box, abs=1e-6)


def test_cylinder_with_and_without_arcs_has_the_same_boxes():
    """A pair with one outline, made here; in 360 lines, and in two arcs."""
    lines, arcs = (["M83", ";TYPE:Perimeter"] for _ in range(2))
    for layer in range(1, 11):
        z, points = layer * 0.2, [math.radians(degree) for degree in range(361)]
        for text in (lines, arcs):
            text.append(f";LAYER_CHANGE\nG1 X140 Y105 Z{z:.1f} F6000")
        lines += [f"G1 X{125 + 15 * math.cos(p):.4f} Y{105 + 15 * math.sin(p):.4f} E.01" for p in points[1:]]
        arcs += ["G3 X110 Y105 I-15 J0 E1.8", "G3 X140 Y105 I15 J0 E1.8"]

    straight, round_ = read("\n".join(lines)), read("\n".join(arcs))

    assert corners(round_.printed) == pytest.approx(corners(straight.printed), abs=1e-3)
    assert corners(round_.model) == pytest.approx((110, 140, 90, 120, 0.2, 2.0), abs=1e-6)
    assert round_.filament_mm == pytest.approx(straight.filament_mm)
    assert round_.time_s.moves == pytest.approx(straight.time_s.moves, rel=2e-3)
    assert (round_.layers, round_.arcs) == (straight.layers, 20)


@pytest.mark.parametrize("text", ["G2 X5 Y5", "G3 X5 Y5 R0", "G2 X5 Y5 I0 J0", "G3 R5"])
def test_arc_that_is_none_is_a_line(text: str):
    found = read(f"M83\n{text} E1")

    assert (found.bad_arcs, found.first_bad_arc, found.arcs) == (1, 2, 0)
    assert found.filament_mm == (1.0,)


def test_layers_are_counted_by_the_heights_without_marks():
    text = "\n".join(
        f"G1 Z{z / 10} F600\nG1 X{z} E{z}\nG1 Z{z / 10 + 1}\nG1 X0\nG1 Z{z / 10}" for z in range(2, 22, 2)
    )

    assert read(text).layers == Layers(10, 0.2, 0.2)


def test_vase_without_marks_has_a_layer_each_turn():
    first = "G1 Z0.2 F600\nG1 X10 Y0 E1\nG1 Z0.4\nG1 X0 E2"
    turn = "\n".join(f"G1 X{n % 2 * 5} Z{0.4 + n * 0.01:.2f} E{2 + n * 0.1}" for n in range(1, 201))

    assert read(f"{first}\n{turn}").layers.count == 2 + 10


def test_marks_of_a_script_beside_the_slicers_are_one_layer():
    text = "\n".join(f";LAYER_CHANGE\n;Z:{n}\n;LAYER:{n}\nG1 Z{n}\nG1 X{n} E{n}" for n in range(1, 6))

    assert read(text).layers.count == 5


@pytest.mark.parametrize(
    ("mark", "layers"),
    [(";LAYER_CHANGE", 1), ("; CHANGE_LAYER", 1), (";LAYER:0", 1), (";LAYER:-3", 1),
     ("; layer 1, Z = 0.2", 1), ("; layer 1 of 5", 0), ("; layer_height = 0.2", 0),
     ("; layer num/total_layer_count: 1/9", 0)],
)  # fmt: skip
def test_marks_of_all_slicers(mark: str, layers: int):
    text = f"G1 X1 E1\nG1 Z5\nG1 X2 E2\n{mark}\nG1 X0 E3"

    assert read(text).layers.count == (layers or 2)


@pytest.mark.parametrize(
    ("name", "counts"),
    [(";TYPE:External perimeter", True), (";TYPE:WALL-OUTER", True), ("; FEATURE: Outer wall", True),
     ("; feature outer perimeter", True), (";TYPE:Something new", True), (";TYPE:Skirt/Brim", False),
     (";TYPE:SKIRT", False), (";TYPE:Custom", False), ("; FEATURE: Prime tower", False),
     (";TYPE:Wipe tower", False), ("; feature prime pillar", False),
     (";TYPE:SUPPORT-INTERFACE", False), ("; FEATURE: Support", False)],
)  # fmt: skip
def test_what_counts_as_the_part(name: str, counts: bool):
    assert (read(f"M83\n{name}\nG1 X5 E1").model is not None) is counts


def test_purge_line_before_any_name_is_no_part():
    found = read("M83\nG1 X90 E1\nG1 X10\n;TYPE:FILL\nG1 X20 E1")

    assert (found.printed.x, found.model.x) == ((0, 90), (10, 20))


def test_nothing_named_is_no_part():
    assert read("M83\nG1 X90 E1").model is None


def test_temperatures_are_those_of_the_tool_that_prints():
    text = (
        "M104 T0 S200\nM104 T1 S240\nM140 S80\nT1\nM83\n;LAYER_CHANGE\nG1 X5 E1\nM104 S235\nM140 S70\n"
        ";LAYER_CHANGE\nG1 X6 E1\n;LAYER_CHANGE\nM104 S100\nG1 X7 E1"
    )

    assert read(text).temperatures == Temperatures(240, 235, 80, 70)


@pytest.mark.parametrize(
    "text",
    [
        "M109 R210",
        "G10 P0 S210 R150",
        "M568 P0 S210",
        "SET_HEATER_TEMPERATURE HEATER=extruder TARGET=210",
        "m104s210",
    ],
)
def test_temperature_in_all_forms(text: str):
    assert read(f"{text}\nM83\nG1 X5 E1").temperatures.nozzle_first == 210


def test_unknown_temperature_is_none():
    assert read("M83\nG1 X5 E1").temperatures == Temperatures()


def test_volume_of_filament_becomes_its_length():
    found = read("M200 D1.75\nM83\nG1 X1 E2.40528\nM200 D0\nG1 X2 E1")

    assert found.filament_mm == pytest.approx((2.0,), abs=1e-4)
    assert found.volumetric


def test_flow_changes_what_is_pushed():
    assert read("M83\nG1 X1 E1\nM221 S50\nG1 X2 E1").filament_mm == (1.5,)


def test_retractions_of_the_firmware_count():
    assert read("M83\nG1 X1 E1\nG10\nG1 X2\nG11\nG1 X3 E1\nG1 E-1\nG1 E1").retractions == 2


def test_what_stops_for_people_is_counted():
    found = read("M0\nM1 5\nM25\nM226\nM601\nPAUSE\nM600\nM600 E-1\nM117 M600")

    assert (found.pauses, found.filament_changes) == (6, 2)


def test_progress_that_the_slicer_wrote_is_found():
    found = read("M73 Q0 S9\nM73 P0 R38\nM73 P50 R19")

    assert (found.progress_lines, found.minutes_left) == (3, 38)


def test_line_at_which_each_minute_begins():
    found = read("\n".join(["G1 F600", *(f"G1 X{n * 300}" for n in range(1, 11))]))  # 30 s each

    assert list(found.minute_lines) == [2, 3, 5, 7, 9, 11]


# -- what may do harm

HARMFUL = {
    "M104": "M104 S600", "M109": "M109 R1 S600", "M140": "M140 S300", "M190": "M190 S300",
    "M302": "M302 P1", "M211": "M211 S0", "moves": "G1 X900",
}  # fmt: skip
HARMLESS = {
    "M104": "M104 S200", "M109": "M109 S200", "M140": "M140 S60", "M190": "M190 S60", "M302": "M302 S180",
    "M211": "M211 S1", "moves": "G1 X100 Y-3 Z50",
}  # fmt: skip
GUARDED = replace(UNLIMITED, hottest_nozzle=300, hottest_bed=120, volume=Box((0, 250), (0, 210), (0, 220)))


@pytest.mark.parametrize("rule", RULES, ids=[rule.command for rule in RULES])
def test_each_rule_finds_what_it_is_for(rule):
    found = read(f"G28\n{HARMFUL.get(rule.command, f'{rule.command} S1')}\nG1 X1", GUARDED)

    assert [(danger.line, danger.why) for danger in found.dangerous] == [(2, rule.why)]
    assert found.dangerous[0].command.startswith(rule.command.rstrip("s"))


@pytest.mark.parametrize("rule", RULES, ids=[rule.command for rule in RULES])
def test_each_rule_leaves_alone_what_is_harmless(rule):
    text = HARMLESS.get(rule.command, f"; {rule.command} S1\nM117 {rule.command} S1\nM500.5")

    assert read(text, GUARDED).dangerous == ()


@pytest.mark.parametrize("text", ["M92", "M851", "M906", "M301"])
def test_asking_what_is_set_is_harmless(text: str):
    assert read(text).dangerous == ()


def test_nozzle_below_the_bed_is_found():
    found = read("G1 Z-3", GUARDED)

    assert found.dangerous[0].why == RULES[OUTSIDE].why


def test_dangers_are_bounded_and_the_rest_is_counted():
    found = read("\n".join(["M500"] * 5000 + ["M502"] * 5000))

    assert len(found.dangerous) == 2 * MOST_OF_A_RULE <= MOST_DANGERS
    assert found.more_dangers == 10_000 - 2 * MOST_OF_A_RULE


def test_tool_that_no_printer_has_is_counted():
    found = read("T99999\nM104 T1000 S200\nT-1\nTx\nT?")

    assert (found.unknown_tools, found.tool_changes) == (2, 0)
