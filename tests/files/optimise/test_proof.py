"""A copy is used only where a second reading finds the same print in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import farm.files.optimise.proof as module
from farm.errors import Invalid
from farm.files.optimise.arcs import ArcSupport
from farm.files.optimise.copying import Wishes
from farm.files.optimise.proof import write_proven_copy
from tests.files.optimise.shapes import cylinder

DATA = Path(__file__).parents[2] / "data"
REAL = sorted(path.name for path in (DATA / "gcode").glob("*.gcode"))

pytestmark = pytest.mark.timeout(300)  # the first time of all its kernels are compiled


@pytest.mark.parametrize("name", REAL)
def test_every_real_file_has_a_copy_that_prints_the_same(name, tmp_path):
    proven = write_proven_copy(DATA / "gcode" / name, tmp_path / "copy", Wishes(arcs=ArcSupport()))

    assert proven.savings.after.bytes == (tmp_path / "copy").stat().st_size
    assert proven.seconds[1] == pytest.approx(proven.seconds[0], rel=0.01)


def test_whoever_waits_hears_from_beginning_to_end(tmp_path):
    source = tmp_path / "long.gcode"
    source.write_bytes(cylinder(layers=60))
    told = []

    write_proven_copy(source, tmp_path / "copy", Wishes(arcs=ArcSupport()), told.append)

    assert told == sorted(told)
    assert told[0] <= 0.1
    assert told[-1] == pytest.approx(1.0)
    assert len(told) >= 5


SPOILED = {
    "filament": (b"M84", b"G1 E99\nM84", "mm of filament"),
    "box": (b"X115 ", b"X116 ", "elsewhere"),
    "heat": (b"M104 S200", b"M104 S210", "temperatures"),
    "time": (b"M104 S0", b"G4 S90\nM104 S0", " s, not "),
    "pause": (b"M104 S0", b"M0\nM104 S0", "1 pauses, not 0"),
    "danger": (b"M104 S0", b"M104 S0\nM502", "its M502 resets the printer"),
    "layers": (b";LAYER_CHANGE\n", b"", "other layers"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_copy_that_prints_anything_else_is_found_out(what, tmp_path, monkeypatch):
    good, bad, words = SPOILED[what]
    source = tmp_path / "ring.gcode"
    source.write_bytes(cylinder(layers=3))
    write = module.write_copy

    def spoil(source, target, *more):
        savings = write(source, target, *more)
        text = target.read_bytes()
        assert good in text
        target.write_bytes(text.replace(good, bad, 1))
        return savings

    monkeypatch.setattr(module, "write_copy", spoil)
    with pytest.raises(Invalid, match=f"would not print the same: .*({words})"):
        write_proven_copy(source, tmp_path / "copy", Wishes(arcs=ArcSupport()))
