"""What a real PrusaSlicer, where one is installed, writes of settings that the test chose."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from farm.domain.analysis import GcodeAnalysis, Layers, Temperatures
from farm.domain.file import FileKind
from farm.files.analysis import glance

MODELS = Path(__file__).parents[2] / "data" / "models"
SLICER = shutil.which("prusa-slicer")

pytestmark = pytest.mark.skipif(SLICER is None, reason="no prusa-slicer is installed")


def sliced(folder: Path, **settings: str) -> GcodeAnalysis:
    """The cube of 20 mm, with these settings."""
    options = [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", value)]
    out = folder / "out.gcode"
    subprocess.run(
        [str(SLICER), "-g", "--output", str(out), *options, str(MODELS / "cube20_bin.stl")],
        check=True,
        capture_output=True,
        timeout=120,
        env={**os.environ, "HOME": str(folder)},
    )
    return glance(out, FileKind.GCODE).result


CHOSEN = {
    "layer_height": "0.24",
    "first_layer_height": "0.28",
    "nozzle_diameter": "0.6",
    "temperature": "231",
    "first_layer_temperature": "242",
    "bed_temperature": "71",
    "first_layer_bed_temperature": "83",
    "filament_type": "PETG",
    "filament_density": "1.27",
}


@pytest.mark.parametrize("flavor", ["marlin2", "marlin", "smoothie", "reprapfirmware", "repetier"])
def test_settings_come_out_as_they_went_in(tmp_path, flavor: str):
    read = sliced(tmp_path, gcode_flavor=flavor, **CHOSEN)

    assert read.slicer.name == "PrusaSlicer"
    assert read.firmware == flavor
    assert read.layers == Layers(None, 0.24, 0.28)
    assert read.temperatures == Temperatures(242, 231, 83, 71)
    assert read.nozzle_mm == 0.6
    assert read.warnings == ()
    assert 300 < read.time_s.slicer < 3600
    (used,) = read.filament
    assert used.material == "PETG"
    assert used.g == pytest.approx(used.cm3 * 1.27, abs=0.02)
    assert used.mm == pytest.approx(used.cm3 * 1000 / (3.14159 * 0.875**2), rel=0.01)


def test_filament_without_a_density_has_no_weight(tmp_path):
    (used,) = sliced(tmp_path, filament_density="0").filament

    assert used.mm > 1000
    assert used.g is None


def test_file_that_is_cut_is_told(tmp_path):
    sliced(tmp_path)
    out = tmp_path / "out.gcode"
    out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])

    (warning,) = glance(out, FileKind.GCODE).result.warnings
    assert "cut off" in warning
