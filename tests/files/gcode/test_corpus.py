"""Real files, each with what is in it: counted by other means, or said by the slicer that made it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from farm.domain.analysis import Box, GcodeAnalysis, Layers, Temperatures
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.containers.opening import open_gcode
from farm.files.gcode.analyse import analyse_gcode

DATA = Path(__file__).parents[2] / "data"
KINDS = {
    ".gcode": FileKind.GCODE,
    ".bgcode": FileKind.BINARY_GCODE,
    ".3mf": FileKind.GCODE_3MF,
    ".ufp": FileKind.UFP,
}


class Expected(NamedTuple):
    """mm: of filament by tool, from the slicer where it says so, else what the last E words come to.
    slicer_s: as the slicer says. counts: moves, those that draw, and retractions. printed, model: from and
    to for x, y and z; the first as a reader of end points sees it in files without arcs."""

    layers: Layers
    temperatures: Temperatures
    nozzle_mm: float | None
    mm: tuple[float, ...]
    slicer_s: float | None
    counts: tuple[int, int, int]
    printed: tuple[float, ...]
    model: tuple[float, ...] | None


HOT, LUKEWARM = Temperatures(215, 210, 65, 60), Temperatures(200, 200, 60, 60)
CURA, GRIFFIN = Temperatures(215, 205, 60, 60), Temperatures(215, 205, 60, None)
PS25 = Expected(
    Layers(100, 0.2, 0.2), HOT, 0.4, (1372.01,), 1088, (4525, 3829, 294),
    (108.643, 141.357, 88.643, 121.357, 0.2, 20.0), (115.2, 134.8, 95.2, 114.8, 0.2, 20.0),
)  # fmt: skip
SMOOTHIE = Expected(
    Layers(67, 0.3, 0.3), HOT, 0.4, (1274.95,), 759, (2831, 2417, 136),
    (108.732, 141.268, 88.732, 121.268, 0.3, 20.1), (115.225, 134.775, 95.225, 114.775, 0.3, 20.1),
)  # fmt: skip
THUMBS = Expected(
    Layers(66, 0.3, 0.35), Temperatures(200, 200, 0, 0), 0.4, (1989.10,), 1691, (14727, 13614, 551),
    (108.688, 141.312, 88.688, 121.312, 0.35, 19.85), (115.225, 134.775, 95.225, 114.775, 0.35, 19.85),
)  # fmt: skip
EXPECTED = {
    "chip6_fast.gcode": Expected(
        Layers(3, 0.3, 0.3), LUKEWARM, 0.4, (13.93,), 10, (115, 106, 6),
        (97.225, 102.775, 97.225, 102.775, 0.3, 0.9), (97.225, 102.775, 97.225, 102.775, 0.3, 0.9),
    ),
    "plate20_fast.gcode": Expected(
        Layers(4, 0.3, 0.3), LUKEWARM, 0.4, (120.19,), 34, (307, 295, 9),
        (90.225, 109.775, 90.225, 109.775, 0.3, 1.2), (90.225, 109.775, 90.225, 109.775, 0.3, 1.2),
    ),
    "ps25_cube20_marlin2_abs.gcode": PS25,
    "ps25_cube20_marlin2_rel.gcode": PS25,
    "ps25_cube20_comments_legacy.gcode": Expected(
        Layers(67, 0.3, 0.3), HOT, 0.4, (1272.21,), 744, (2730, 2326, 134),
        (108.464, 141.536, 88.464, 121.536, 0.3, 20.1), (115.225, 134.775, 95.225, 114.775, 0.3, 20.1),
    ),
    "ps292_calib20_klipper.gcode": Expected(
        Layers(100, 0.2, 0.25), HOT, 0.4, (1899.58,), 2288, (21164, 19606, 717),
        (108.777, 141.223, 88.777, 121.223, 0.25, 20.05), (115.225, 134.775, 95.225, 114.775, 0.25, 20.05),
    ),
    "ps292_cube20_smoothie.gcode": SMOOTHIE,
    "made_cube20.gcode.3mf": SMOOTHIE,  # around the same G-code
    "ps292_cyl_arc_marlin2.gcode": Expected(  # its twin without arcs: 103.83..146.17, 83.83..126.17
        Layers(125, 0.2, 0.2), HOT, 0.4, (2153.47,), 1697, (5394, 4379, 493),
        (103.831, 146.171, 83.8215, 126.162, 0.2, 25.0), (110.207, 139.795, 90.206, 119.794, 0.2, 25.0),
    ),
    "ps292_mm2_toolchange.gcode": Expected(
        Layers(66, 0.3, 0.35), Temperatures(215, 210, 0, 80), 0.4, (734.45, 759.54), 842, (3596, 3157, 137),
        (108.688, 141.312, 88.688, 121.312, 0.35, 19.85), (115.225, 134.775, 95.225, 114.775, 0.35, 19.85),
    ),
    "ps292_sequential_two.gcode": Expected(  # 67 layers each
        Layers(134, 0.3, 0.3), HOT, 0.4, (2547.28,), 1513, (5642, 4815, 270),
        (68.732, 141.268, 88.732, 121.268, 0.3, 20.1), (75.225, 134.775, 95.225, 114.775, 0.3, 20.1),
    ),
    "ps292_vase.gcode": Expected(
        Layers(83, 0.3, 0.3), HOT, 0.4, (633.12,), 685, (11299, 11279, 7),
        (103.737, 146.263, 83.737, 126.263, 0.3, 24.9), (110.225, 139.775, 90.225, 119.775, 0.3, 24.9),
    ),
    "ps292gui_calib20_thumbs.gcode": THUMBS,
    "ps292gui_calib20_thumbs.bgcode": THUMBS,
    "cura413_cube20.gcode": Expected(  # with the 30 mm of the purge line
        Layers(100, 0.2, 0.3), CURA, None, (1394.75,), 1161.624837, (6720, 3497, 3),
        (0.1, 145.3, 20.0, 200.0, 0.3, 20.1), (117.7, 137.3, 117.7, 137.3, 0.3, 20.1),
    ),
    "made_cube20.ufp": Expected(
        Layers(100, 0.2, 0.3), CURA, None, (1402.05,), 1127.737771, (6739, 3537, 2),
        (0.1, 145.3, 20.0, 200.0, 0.3, 20.1), (117.7, 137.3, 117.7, 137.3, 0.3, 20.1),
    ),
    "cura50_calib20_griffin.gcode": Expected(
        Layers(100, 0.2, 0.3), GRIFFIN, 0.4, (619.54,), 1526.809347, (20067, 13680, 2),
        (108.7, 144.3, 99.7, 135.3, 0.3, 20.1), (116.7, 136.3, 107.7, 127.3, 0.3, 20.1),
    ),
    "slic3r13_cube20.gcode": Expected(  # it marks no layers and names nothing that it draws
        Layers(100, 0.2, 0.2), Temperatures(200, 205, 0, 60), 0.4, (1490.9,), None, (3845, 2773, 5),
        (83.643, 116.357, 83.643, 116.357, 0.2, 20.0), None,
    ),
}  # fmt: skip
PRUSA = [name for name in EXPECTED if name.startswith(("ps", "chip", "plate")) or name.endswith(".3mf")]


@cache
def analysed(name: str) -> GcodeAnalysis:
    path = DATA / name
    with open_gcode(path, KINDS[path.suffix]) as file:
        return analyse_gcode(file)


def corners(box: Box | None) -> tuple[float, ...] | None:
    return None if box is None else (*box.x, *box.y, *box.z)


@pytest.mark.parametrize("name", EXPECTED)
def test_everything_in_a_real_file_is_found(name: str):
    found, expected = analysed(f"gcode/{name}"), EXPECTED[name]

    assert found.layers == expected.layers
    assert found.temperatures == expected.temperatures
    assert found.nozzle_mm == expected.nozzle_mm
    assert found.time_s.slicer == expected.slicer_s
    assert (found.moves, found.extruding_moves, found.retractions) == expected.counts
    assert [tool.mm for tool in found.filament] == pytest.approx(expected.mm, rel=1e-5)
    assert corners(found.bounding_box.printed) == pytest.approx(expected.printed, abs=1e-3)
    assert corners(found.bounding_box.model) == (expected.model and pytest.approx(expected.model, abs=1e-3))
    assert (found.dangerous, found.pauses, found.filament_changes) == ((), 0, 0)


def test_every_file_is_in_the_table():
    assert {path.name for path in (DATA / "gcode").iterdir()} == set(EXPECTED)


def test_tool_changes_are_counted():
    assert analysed("gcode/ps292_mm2_toolchange.gcode").tool_changes == 66


@pytest.mark.parametrize("name", PRUSA)
def test_time_is_near_what_the_slicer_estimates(name: str):
    time_s = analysed(f"gcode/{name}").time_s

    assert abs(time_s.motion - time_s.slicer) <= max(0.03 * time_s.slicer, 1)


def test_times_are_within_one_percent_in_the_middle():
    times = [analysed(f"gcode/{name}").time_s for name in PRUSA]

    assert median(abs(time_s.motion / time_s.slicer - 1) for time_s in times) <= 0.01


@pytest.mark.parametrize(
    "name", ["ps25_cube20_marlin2_abs", "ps292_mm2_toolchange", "slic3r13_cube20", "ps292_cyl_arc_marlin2"]
)
def test_moves_take_as_much_filament_as_the_slicer_says(name: str):
    from farm.files.gcode.survey import survey

    with (DATA / "gcode" / f"{name}.gcode").open("rb") as file:
        pushed = survey(file).filament_mm

    tolerance = 0.02 if "mm2" in name else 0.001
    assert pushed == pytest.approx(EXPECTED[f"{name}.gcode"].mm, rel=tolerance)


# -- what is no file a slicer has made ------------------------------------------------------------

SQUARE = (10, 60, 10, 60, 0.2, 0.2)
READ = {
    "arcs_r_form.gcode": ((0, 10, -5, 5, 0.2, 0.2), 6.0),
    "bom_utf8.gcode": (SQUARE, 20.0),
    "crlf.gcode": (SQUARE, 20.0),
    "inches_g20.gcode": ((25.4, 60, 25.4, 25.4, 0.2032, 0.2032), 2.54),
    "metadata_lies.gcode": (SQUARE, 20.0),
    "relative_g91.gcode": ((10, 30, 0, 0, 0.2, 0.2), 2.0),
    "thumb_bad_base64.gcode": (SQUARE, 20.0),
    "thumb_unterminated.gcode": (SQUARE, 20.0),
    "truncated_mid_line.gcode": ((108.688, 141.312, 88.688, 121.312, 0.35, 7.85), 676.48),
    "weird_numbers.gcode": ((0, 1, 10, 10, 0, 0), 309.0),
}
WARNED = {
    "arcs_r_form.gcode": "arc",
    "metadata_lies.gcode": "cannot be true",
    "truncated_mid_line.gcode": "cut off",
    "weird_numbers.gcode": "first in line 1",
}
REFUSED = {
    "empty.gcode": "no G-code in this file",
    "only_comments.gcode": "no G-code in this file",
    "random.gcode": "no G-code text",
    "truncated.bgcode": "cut off",
}


@pytest.mark.parametrize("name", READ)
def test_malformed_file_is_read_as_far_as_it_goes(name: str):
    found, (box, mm) = analysed(f"malformed/{name}"), READ[name]

    assert corners(found.bounding_box.printed) == pytest.approx(box, abs=1e-3)
    assert found.filament[0].mm == pytest.approx(mm, abs=0.01)
    assert WARNED.get(name, "") in " ".join(found.warnings)


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_is_none_is_refused_in_words(name: str):
    with pytest.raises(Invalid, match=REFUSED[name]):
        analysed(f"malformed/{name}")


def test_every_malformed_gcode_is_named_here():
    named = {path.name for path in (DATA / "malformed").iterdir() if "gcode" in path.suffix}

    assert named == set(READ) | set(REFUSED)
