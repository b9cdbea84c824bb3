"""Progress that the printer is told of, and prints that are pushed off the plate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from farm.errors import Invalid
from farm.files.optimise.additions import Ejection, Progress
from farm.files.optimise.arcs import ArcSupport
from farm.files.optimise.copying import Wishes
from farm.files.optimise.proof import write_proven_copy
from tests.files.optimise.shapes import cylinder
from tests.files.optimise.slow_reader import read

DATA = Path(__file__).parents[2] / "data" / "gcode"
SWEEP = ("G1 Z{over} F900", "G1 X125 Y190 F6000", "G1 Z4", "G1 Y0 F1500")
EJECTION = Ejection(35.0, SWEEP, (250, 210, 220))
ARCS = ArcSupport()

pytestmark = pytest.mark.timeout(300)  # the first time of all its kernels are compiled


def copied(text: bytes | Path, wishes: Wishes, tmp_path: Path) -> str:
    source = text
    if isinstance(text, bytes):
        source = tmp_path / "source.gcode"
        source.write_bytes(text)
    write_proven_copy(source, tmp_path / "copy.gcode", wishes)
    return (tmp_path / "copy.gcode").read_text()


def test_each_minute_stands_before_the_line_it_begins_with():
    progress = Progress(150.0, [2, 3, 5])
    lines = [b"1", b"2", b"3", b"4", b"5"]

    told = [*progress.among(lines[:3]), *progress.among(lines[3:])]

    assert told == [b"1", b"M73 P0 R3", b"2", b"M73 P40 R2", b"3", b"4", b"M73 P80 R1", b"5"]


def test_of_minutes_that_begin_at_once_the_last_one_is_told():
    assert list(Progress(150.0, [1, 1, 1]).among([b"a", b"b"])) == [b"M73 P80 R1", b"a", b"b"]


def test_no_block_is_cut_in_two():
    lines = [b"while true", b"  G1 X1", b"G1 X2"]
    assert list(Progress(9.0, [2]).among(lines)) == [b"while true", b"  G1 X1", b"M73 P0 R1", b"G1 X2"]


def test_a_copy_tells_its_progress_where_the_original_does_not(tmp_path):
    copy = copied(DATA / "ps25_cube20_marlin2_abs.gcode", Wishes(arcs=ARCS, progress=True), tmp_path)

    told = [(int(p), int(r)) for p, r in re.findall(r"^M73 P(\d+) R(\d+)$", copy, re.MULTILINE)]
    assert told[0] == (0, 19)  # the slicer says 18 min 8 s
    assert told[-1] == (100, 0)
    assert told == sorted(told, key=lambda mark: (mark[0], -mark[1]))
    assert 18 <= len(told) <= 21
    assert copied(DATA / "ps25_cube20_marlin2_abs.gcode", Wishes(), tmp_path).count("M73") == 0


def test_progress_stands_at_the_same_moves_whatever_ends_a_line(tmp_path):
    text = cylinder(layers=40)
    wishes = Wishes(progress=True)
    assert copied(text.replace(b"\n", b"\r\n"), wishes, tmp_path) == copied(text, wishes, tmp_path)


def test_a_file_that_tells_its_progress_keeps_its_own(tmp_path):
    text = (DATA / "ps292_cyl_arc_marlin2.gcode").read_text()
    copy = copied(DATA / "ps292_cyl_arc_marlin2.gcode", Wishes(progress=True), tmp_path)
    assert re.findall("M73.*", copy) == re.findall("M73.*", text)


def test_a_print_is_pushed_off_when_all_moves_are_done_and_the_motors_still_hold(tmp_path):
    text = cylinder(layers=3).replace(b"M104 S0\n", b"M104 S0\nG91\nG1 Z5 F300\nG90\nG0 X0 Y200 F7200\n")

    copy = copied(text, Wishes(ejection=EJECTION), tmp_path)

    own = ["M104 S0", "G91", "G1 Z5 F300", "G90", "G0 X0 Y200 F7200"]
    cools = ["G21", "G90", "G1 Z5.6 F900", "M104 S0", "M140 S0", "M106 S255", "M190 R35", "M107"]
    sweeps = ["G1 X125 Y190 F6000", "G1 Z4", "G1 Y0 F1500", "M400", "M140 S0"]
    assert copy.splitlines()[-19:] == [*own, *cools, *sweeps, "M84"]
    assert read(copy.encode()).filament() == read(text).filament()


def test_klipper_waits_for_a_bed_to_cool_in_its_own_words(tmp_path):
    copy = copied(DATA / "ps292_calib20_klipper.gcode", Wishes(ejection=EJECTION), tmp_path)
    assert "TEMPERATURE_WAIT SENSOR=heater_bed MAXIMUM=35\n" in copy
    assert "M190 R" not in copy


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.gcode")))
def test_every_real_file_can_be_given_both(name, tmp_path):
    copied(DATA / name, Wishes(arcs=ARCS, progress=True, ejection=EJECTION), tmp_path)


def test_nothing_is_pushed_off_by_a_toolhead_that_is_lost(tmp_path):
    text = cylinder(layers=3).replace(b"M84\n", b"M84\nG1 X0 F900\n")
    with pytest.raises(Invalid, match="after its motors are off"):
        copied(text, Wishes(ejection=EJECTION), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: b"N1 " + line,
        lambda line: line.replace(b" ", b"", 1),
        bytes.lower,
        lambda line: b" " + line,
    ],
)
def test_a_print_is_pushed_off_at_its_end_however_its_moves_are_written(change, tmp_path):
    lines = cylinder(layers=2).splitlines()
    text = b"\n".join(change(line) if line.startswith(b"G1") else line for line in lines)

    copy = copied(text, Wishes(ejection=EJECTION), tmp_path)

    cools = copy.index("M190 R35")
    assert cools > len(copy) - 150
    assert re.search("(?i)g1 ?x11", copy[:cools])


def test_nothing_is_pushed_off_where_nothing_is_printed(tmp_path):
    with pytest.raises(Invalid, match="prints nothing"):
        copied(b"G28\nG1 X10 F900\n", Wishes(ejection=EJECTION), tmp_path)


def test_the_toolhead_goes_over_a_high_print_as_far_as_it_can():
    lines = EJECTION.lines(218.0, klipper=False)
    assert b"G1 Z220.00 F900" in lines


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("G1 X300", "leaves the printer: X300"),
        ("G1 Y-1", "leaves the printer: Y-1"),
        ("G1 X10 E5", "no plain move"),
        ("G91", "no plain move"),
        ("M109 S200", "no plain move"),
        ("G28", "no plain move"),
        ("G28 Z", "no plain move"),
        ("G1 X1; G1 E5", "no plain move"),
        ("G1 X1\nG1 E5", "no plain move"),
    ],
)
def test_a_sweep_does_nothing_but_sweep(line, words):
    sweep = Ejection(35.0, (*SWEEP, line), (250, 210, 220))
    with pytest.raises(Invalid, match=re.escape(words)):
        sweep.lines(20.0, klipper=False)


@pytest.mark.parametrize(
    ("ejection", "words"),
    [
        (Ejection(200.0, SWEEP, (250, 210, 220)), "come loose"),
        (Ejection(35.0, SWEEP[1:], (250, 210, 220)), "begins by going up"),
        (Ejection(35.0, SWEEP[:1], (250, 210, 220)), "two to 200 lines"),
        (Ejection(35.0, ("G1 Z{over} F900", "G1 Z5"), (250, 210, 220)), "across the plate"),
    ],
)
def test_a_sweep_that_would_not_do_is_told(ejection, words):
    with pytest.raises(Invalid, match=words):
        ejection.lines(20.0, klipper=False)
