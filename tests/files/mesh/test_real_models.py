"""Every model of the corpus, the malformed ones too: what is known of it must be right.

The expected numbers are trimesh 5.2.0's (volume, box, triangles) or plain geometry. Where trimesh sees holes
in calib20 and lattice4 it means edges of four triangles, where two bodies touch: nothing is open there.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from farm.domain.analysis import Box, Thumbnail
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.analysis import analyse

DATA = Path(__file__).parents[2] / "data"


class Expected(NamedTuple):
    """size: the edges of the box. warnings: a word of each."""

    triangles: int
    volume: float | None
    low: tuple[float, float, float]
    size: tuple[float, float, float]
    watertight: bool = True
    objects: int = 1
    warnings: tuple[str, ...] = ()


ORIGIN = (0.0, 0.0, 0.0)
CUBE = (20.0, 20.0, 20.0)

EXPECTED = {
    "models/calib20.stl": Expected(2156, 6875.656, ORIGIN, CUBE),
    "models/chip6.stl": Expected(12, 32.4, ORIGIN, (6.0, 6.0, 0.9)),
    "models/cube20.3mf": Expected(12, 8000, ORIGIN, CUBE),
    "models/cube20.obj": Expected(12, 8000, ORIGIN, CUBE),
    "models/cube20_ascii.stl": Expected(12, 8000, ORIGIN, CUBE),
    "models/cube20_bin.stl": Expected(12, 8000, ORIGIN, CUBE),
    "models/far_away.stl": Expected(12, 8000, (99990.0, 99990.0, -10.0), CUBE, warnings=("from the origin",)),
    "models/gear24.stl": Expected(1152, 9147.851, ORIGIN, (41.9101, 41.9101, 8.0)),
    "models/inverted_cube.stl": Expected(12, 8000, (-10.0,) * 3, CUBE, warnings=("inside out",)),
    "models/lattice4.stl": Expected(900, 6451.199, ORIGIN, (33.6, 33.6, 33.6), objects=61),
    "models/open_cube.stl": Expected(9, None, (-10.0,) * 3, CUBE, watertight=False, warnings=("holes",)),
    "models/tiny_1mm.stl": Expected(12, 1.0, (-0.5,) * 3, (1.0, 1.0, 1.0), warnings=("25.4 mm",)),
    "models/two_parts.3mf": Expected(24, 2000, ORIGIN, (20.0, 20.0, 8.0), objects=2),
    "malformed/nan_vertices.stl": Expected(
        12, None, ORIGIN, CUBE, watertight=False, warnings=("1 of 12 triangles", "holes")
    ),
    "malformed/ok_tetra.3mf": Expected(4, 166.667, ORIGIN, (10.0, 10.0, 10.0)),
    "malformed/traversal.3mf": Expected(4, 166.667, ORIGIN, (10.0, 10.0, 10.0)),
}

REFUSED = {
    "malformed/bad_index.obj": "no face of this OBJ names three of its 3 corners",
    "malformed/count_4g.stl": "announces 4,294,967,295 triangles and has room for 12",
    "malformed/no_model.3mf": "holds no model",
    "malformed/not_zip.3mf": "no zip file",
    "malformed/zero_tri.stl": "no triangles",
}


def models() -> set[str]:
    endings = {f".{kind}" for kind in FileKind if kind.is_model}
    return {
        path.relative_to(DATA).as_posix()
        for folder in ("models", "malformed")
        for path in (DATA / folder).iterdir()
        if path.suffix in endings
    }


def test_every_model_of_the_corpus_is_expected_to_be_something():
    assert models() == EXPECTED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_model_is_understood(name):
    expected, kind = EXPECTED[name], FileKind(name.rpartition(".")[2])

    found = analyse(DATA / name, kind)

    result = found.result
    assert (result.kind, result.unit) == (kind, "mm")
    assert result.triangles == expected.triangles
    assert result.watertight is expected.watertight
    assert result.objects == expected.objects
    assert result.volume_mm3 == (
        None if expected.volume is None else pytest.approx(expected.volume, rel=1e-6)
    )
    edges = zip(expected.low, expected.size, strict=True)
    x, y, z = (pytest.approx((low, low + size), abs=1e-4) for low, size in edges)
    assert result.bounding_box.printed is None
    assert result.bounding_box.model == Box(x, y, z)
    assert len(result.warnings) == len(expected.warnings)
    assert all(word in said for word, said in zip(expected.warnings, result.warnings, strict=True))
    assert result.thumbnails == (Thumbnail(400, 300, "rendered"),)
    assert (found.picture.media, found.picture.width, found.picture.height) == ("image/png", 400, 300)


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_is_no_model_is_refused_in_words(name):
    with pytest.raises(Invalid, match=REFUSED[name]):
        analyse(DATA / name, FileKind(name.rpartition(".")[2]))


def test_names_inside_an_archive_name_nothing_on_our_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(Path("/tmp").glob("evil*")) | set(Path("/").glob("abs*"))  # noqa: S108 - named in the file

    analyse(DATA / "malformed" / "traversal.3mf", FileKind.THREE_MF)

    assert set(Path("/tmp").glob("evil*")) | set(Path("/").glob("abs*")) == before  # noqa: S108
    assert not list(tmp_path.iterdir())


def test_share_of_the_work_that_is_done_only_grows():
    told = []

    analyse(DATA / "models" / "gear24.stl", FileKind.STL, told.append)

    assert told == sorted(told)
    assert all(0 < share <= 1 for share in told)
