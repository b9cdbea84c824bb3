"""The coarse estimate against what slicers really made of the same models.

The pairs are files of the corpus: the slicer's own seconds and millimetres of filament (Cura's of 2.85 mm
filament turned into 1.75). Each was sliced with settings of its own; the estimate knows only the model.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.domain.file import FileKind
from farm.files.mesh.analysis import analyse_model
from farm.files.mesh.estimate import USUAL, estimate
from farm.files.mesh.measure import measure
from farm.files.mesh.stl import read_stl
from tests.files.mesh.made import box, stl

MODELS = Path(__file__).parents[2] / "data" / "models"

# model, layer height, seconds, millimetres of filament
SLICED = {
    "ps25_cube20_marlin2_abs": ("cube20_bin.stl", 0.2, 1088, 1372.0),
    "ps25_cube20_comments_legacy": ("cube20_bin.stl", 0.3, 744, 1272.2),
    "ps292_cube20_smoothie": ("cube20_bin.stl", 0.3, 759, 1275.0),
    "cura413_cube20": ("cube20_bin.stl", 0.2, 1161.6, 1364.8),
    "ps292_calib20_klipper": ("calib20.stl", 0.2, 2288, 1899.6),
    "ps292gui_calib20_thumbs": ("calib20.stl", 0.3, 1691, 1989.1),
    "cura50_calib20_griffin": ("calib20.stl", 0.2, 1526.8, 619.5 * (2.85 / 1.75) ** 2),
}
FILAMENT_OFF = 0.15
TIME_OFF = 0.40  # with the layers as they were sliced; speeds are anybody's choice


def measures(name):
    return measure(read_stl(MODELS / name).blocks())


@pytest.mark.parametrize("name", SLICED)
def test_estimate_comes_near_what_a_slicer_says(name):
    model, layer_mm, seconds, filament_mm = SLICED[name]

    usual = estimate(measures(model))
    alike = estimate(measures(model), replace(USUAL, layer_mm=layer_mm))

    assert usual.filament_mm == pytest.approx(filament_mm, rel=FILAMENT_OFF)
    assert alike.filament_mm == pytest.approx(filament_mm, rel=FILAMENT_OFF)
    assert alike.time_s == pytest.approx(seconds, rel=TIME_OFF)


def test_estimate_says_that_it_is_coarse_and_what_it_assumes():
    found, _ = analyse_model(MODELS / "cube20_bin.stl", FileKind.STL)

    assert found.estimate.precision == "coarse"
    assert (found.estimate.assumed.infill, found.estimate.assumed.layer_mm) == (0.15, 0.2)
    assert found.estimate.filament_g == pytest.approx(found.estimate.filament_cm3 * 1.24, abs=0.01)


def test_box_without_infill_is_its_shell():
    """20 x 20 x 20 with three walls of 0.45 and three layers of 0.2 at each end: the inside is hollow."""
    hollow = estimate(measures("cube20_bin.stl"), replace(USUAL, infill=0))

    assert hollow.filament_cm3 == pytest.approx((8000 - 17.3**2 * 18.8) / 1000, abs=0.01)


def test_box_full_of_infill_is_its_volume():
    full = estimate(measures("cube20_bin.stl"), replace(USUAL, infill=1))

    assert full.filament_cm3 == 8.0


def test_thin_model_is_no_more_than_its_volume(tmp_path):
    path = tmp_path / "card.stl"
    path.write_bytes(stl(box(80, 50, 0.6)))

    found, _ = analyse_model(path, FileKind.STL)

    assert found.estimate.filament_cm3 == pytest.approx(2.4, abs=0.01)


def test_small_layers_are_given_time_to_cool():
    assert estimate(measures("tiny_1mm.stl")).time_s == 5 * USUAL.least_layer_s


def test_sheet_without_thickness_has_no_estimate(tmp_path):
    path = tmp_path / "sheet.stl"
    path.write_bytes(stl(box(80, 50, 0)))

    assert analyse_model(path, FileKind.STL)[0].estimate is None
