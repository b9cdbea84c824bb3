"""Copies of real, made and broken files print what their originals print."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
import tracemalloc
from pathlib import Path

import pytest

from farm.domain.optimising import Comments
from farm.errors import Invalid
from farm.files.optimise.arcs import ArcSupport
from farm.files.optimise.copying import Wishes, write_copy
from tests.files.optimise.shapes import cylinder
from tests.files.optimise.slow_reader import arcs_of_same_print, read

DATA = Path(__file__).parents[2] / "data"
REAL = sorted(path.name for path in (DATA / "gcode").glob("*.gcode"))
MALFORMED = sorted(path.name for path in (DATA / "malformed").glob("*.gcode"))
SETTINGS = [(Comments.HOST, ArcSupport()), (Comments.NONE, None), (Comments.ALL, ArcSupport(0.01))]


@pytest.mark.parametrize(
    ("name", "comments", "arcs"),
    [
        (name, comments, arcs)
        for name in REAL
        for comments, arcs in SETTINGS
        if comments is Comments.HOST or (DATA / "gcode" / name).stat().st_size < 150_000
    ],
)
def test_a_copy_of_a_real_file_prints_the_same(name, comments, arcs, optimised):
    text = (DATA / "gcode" / name).read_bytes()

    copy, savings = optimised(text, comments=comments, arcs=arcs)

    assert_same(text, copy, savings, arcs)
    assert len(copy) <= len(text)
    assert (savings.before.bytes, savings.after.bytes) == (len(text), len(copy))
    assert savings.after.lines == copy.count(b"\n")


def assert_same(text, copy, savings, arcs):
    """What the copy prints, and what was said of it, against a reading that shares nothing with the farm."""
    found = arcs_of_same_print(text, copy)
    assert len(found) == savings.arcs
    assert sum(arc.lines for arc in found) == savings.arc_lines
    if found:
        strays = max(arc.strays for arc in found)
        assert strays <= arcs.tolerance_mm + 1e-6
        assert savings.deviation_mm == pytest.approx(strays, abs=0.002)
    before, after = read(text), read(copy)
    assert after.seconds == pytest.approx(before.seconds, rel=0.001)
    assert (before.box is None) == (after.box is None)
    if before.box is not None:
        assert after.box == pytest.approx(before.box, abs=arcs.tolerance_mm if arcs else 0)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_copy_of_a_broken_file_means_the_same_or_is_none(name, optimised):
    text = (DATA / "malformed" / name).read_bytes()

    for comments, arcs in SETTINGS:
        try:
            copy, savings = optimised(text, comments=comments, arcs=arcs)
        except Invalid:
            continue
        assert_same(text, copy, savings, arcs)


@pytest.mark.parametrize("counted", [True, False], ids=["E from zero", "E from line to line"])
def test_a_cylinder_needs_a_fifth_of_its_moves_at_most(counted, optimised):
    text = cylinder(counted=counted)

    copy, savings = optimised(text)

    assert_same(text, copy, savings, ArcSupport())
    assert savings.after.moves <= 0.2 * savings.before.moves
    assert savings.deviation_mm <= 0.05


HOLLOW = ["--fill-density", "0", "--top-solid-layers", "0", "--bottom-solid-layers", "0"]


@pytest.mark.parametrize(("more", "share"), [([], 0.2), (HOLLOW, 0.05)], ids=["filled", "hollow"])
def test_a_cylinder_of_a_real_slicer_loses_most_of_its_moves(more, share, tmp_path, optimised):
    slicer = shutil.which("prusa-slicer")
    if slicer is None:
        pytest.skip("prusa-slicer is not installed: apt-get install prusa-slicer")
    model, sliced = tmp_path / "cylinder.stl", tmp_path / "sliced.gcode"
    model.write_text(stl_of_cylinder())
    options = ["--center", "100,100", "--layer-height", "0.2", "--use-relative-e-distances=0"]
    command = [slicer, "--export-gcode", *options, *more, "-o", str(sliced), str(model)]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    text = sliced.read_bytes()

    copy, savings = optimised(text)

    assert_same(text, copy, savings, ArcSupport())
    assert savings.after.moves <= share * savings.before.moves
    assert savings.deviation_mm <= 0.05


def stl_of_cylinder(radius: float = 15.0, height: float = 5.0, facets: int = 360) -> str:
    """Its middle at the bed's zero. facets: as many as CAD programs make of it for a fine model."""

    def corner(n: int, z: float) -> str:
        angle = 2 * math.pi * n / facets
        return f"vertex {radius * math.cos(angle)} {radius * math.sin(angle)} {z}"

    def triangle(*corners: str) -> str:
        return "facet normal 0 0 0\nouter loop\n" + "\n".join(corners) + "\nendloop\nendfacet\n"

    low, high = "vertex 0 0 0", f"vertex 0 0 {height}"
    faces = [
        triangle(low, corner(n + 1, 0), corner(n, 0))
        + triangle(high, corner(n, height), corner(n + 1, height))
        + triangle(corner(n, 0), corner(n + 1, 0), corner(n + 1, height))
        + triangle(corner(n, 0), corner(n + 1, height), corner(n, height))
        for n in range(facets)
    ]
    return f"solid cylinder\n{''.join(faces)}endsolid cylinder\n"


@pytest.mark.parametrize(
    "name", ["ps292gui_calib20_thumbs.bgcode", "made_cube20.gcode.3mf", "made_cube20.ufp"]
)
def test_a_packed_file_is_left_as_it_is(name, tmp_path):
    with pytest.raises(Invalid, match="packed"):
        write_copy(DATA / "gcode" / name, tmp_path / "copy", Wishes(), lambda done: None)


def test_a_smaller_copy_cannot_be_made_smaller_again(optimised):
    for name in REAL:
        once, _ = optimised((DATA / "gcode" / name).read_bytes(), arcs=None)
        twice, _ = optimised(once, arcs=None)
        assert twice == once


def test_whoever_waits_is_told_how_far_it_has_come(tmp_path):
    source = tmp_path / "long.gcode"
    source.write_bytes(cylinder(layers=40))
    told = []

    write_copy(source, tmp_path / "copy.gcode", Wishes(), told.append)

    assert told == sorted(told)
    assert len(told) >= source.stat().st_size // (512 * 1024)
    assert told[-1] <= source.stat().st_size


def test_memory_does_not_grow_with_the_file(tmp_path):
    source = tmp_path / "long.gcode"
    source.write_bytes(cylinder(layers=30, facets=60))
    tracemalloc.start()
    try:
        write_copy(source, tmp_path / "copy.gcode", Wishes(arcs=ArcSupport()), lambda done: None)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.stat().st_size > 150_000
    assert most < 100_000


@pytest.mark.parametrize(
    "line",
    [b"G1 " + b" " * 60_000 + b"x", b"G1" + b" X1" * 20_000, b"N1 " + b"1" * 60_000, b"G1 X" + b"9" * 60_000],
)
def test_no_line_takes_long(line, optimised):
    began = time.process_time()
    optimised(b"\n".join([line] * 10))
    assert time.process_time() - began < 1.0
