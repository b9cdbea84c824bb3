"""Box, volume, holes and pieces, against trimesh and against what cannot depend on how a model lies."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.files.mesh import bodies
from farm.files.mesh.bodies import Bodies
from farm.files.mesh.measure import measure
from tests.files.mesh.made import box

SHAPES = {
    "box": trimesh.creation.box((3, 4, 5)),
    "ball": trimesh.creation.icosphere(subdivisions=3, radius=7),
    "ring": trimesh.creation.torus(10, 3),
    "tube": trimesh.creation.annulus(4, 6, 9),
    "cone": trimesh.creation.cone(5, 12),
    "pill": trimesh.creation.capsule(8, 3),
}

shapes = st.sampled_from(sorted(SHAPES))
seeds = st.integers(0, 2**32 - 1)


def placed(name, seed):
    """Turned and moved somewhere, its triangles in any order, each begun at any corner."""
    chance = np.random.default_rng(seed)
    shape = SHAPES[name].copy()
    shape.apply_transform(trimesh.transformations.random_rotation_matrix(chance.random(3)))
    shape.apply_translation(chance.uniform(-1000, 1000, 3))
    triangles = np.asarray(shape.triangles)[chance.permutation(len(shape.faces))]
    begins = chance.integers(0, 3, len(triangles))
    corners = (np.arange(3) + begins[:, None]) % 3
    return shape, np.ascontiguousarray(triangles[np.arange(len(triangles))[:, None], corners])


def in_blocks(triangles, size):
    return [np.ascontiguousarray(triangles[at : at + size]) for at in range(0, len(triangles), size)]


@settings(deadline=None)  # the first one compiles
@given(shapes, seeds, st.integers(1, 500))
def test_agrees_with_trimesh_wherever_the_model_lies(name, seed, size):
    shape, triangles = placed(name, seed)

    found = measure(in_blocks(triangles, size))

    assert found.triangles == len(shape.faces)
    assert found.volume_mm3 == pytest.approx(shape.volume, rel=1e-9)
    assert (found.low, found.high) == (tuple(shape.bounds[0]), tuple(shape.bounds[1]))
    across = np.abs(shape.face_normals * shape.area_faces[:, None])
    assert found.level_mm2 == pytest.approx(across[:, 2].sum())
    assert found.walls_mm2 == pytest.approx(np.hypot(across[:, 0], across[:, 1]).sum())
    assert (found.is_closed, found.is_in_order) == (shape.is_watertight, shape.is_winding_consistent)
    assert found.is_closed
    assert found.bodies == 1


@settings(deadline=None)  # the first one compiles
@given(shapes, seeds)
def test_volume_is_the_same_however_the_model_lies(name, seed):
    _, triangles = placed(name, seed)

    assert measure([triangles]).volume_mm3 == pytest.approx(SHAPES[name].volume, rel=1e-6)


@settings(deadline=None)  # the first one compiles
@given(shapes, seeds, st.data())
def test_any_missing_triangle_is_a_hole(name, seed, data):
    _, triangles = placed(name, seed)
    missing = data.draw(st.integers(0, len(triangles) - 1))

    found = measure([np.delete(triangles, missing, axis=0)])

    assert not found.is_closed


@settings(deadline=None)  # the first one compiles
@given(shapes, seeds, st.data())
def test_any_turned_triangle_is_seen_and_is_no_hole(name, seed, data):
    _, triangles = placed(name, seed)
    turned = data.draw(st.integers(0, len(triangles) - 1))
    triangles[turned] = triangles[turned, ::-1]

    found = measure([triangles])

    assert found.is_closed
    assert not found.is_in_order


@settings(deadline=None)  # the first one compiles
@given(shapes)
def test_model_inside_out_has_a_negative_volume(name):
    triangles = np.ascontiguousarray(np.asarray(SHAPES[name].triangles)[:, ::-1])

    found = measure([triangles])

    assert found.volume_mm3 == pytest.approx(-SHAPES[name].volume)
    assert found.is_closed
    assert found.is_in_order


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(shapes, st.integers(0, 20)), min_size=1, max_size=12, unique_by=lambda one: one[1]))
def test_pieces_apart_are_counted(pieces):
    triangles = [np.add(SHAPES[name].triangles, (100.0 * at, 0, 0)) for name, at in pieces]

    assert measure(triangles).bodies == len(pieces)


def test_two_boxes_that_share_an_edge_are_closed():
    """trimesh says they are not: four triangles meet there. Slicers print both."""
    both = np.concatenate([box(), np.add(box(), (20, 20, 0))])

    found = measure([both])

    assert (found.is_closed, found.is_in_order, found.bodies) == (True, True, 1)
    assert found.volume_mm3 == pytest.approx(16_000)


def test_minus_zero_is_the_same_place_as_zero():
    triangles = box()
    triangles[::2][triangles[::2] == 0] = -0.0

    assert measure([triangles]).is_closed


def test_triangles_without_area_are_no_holes():
    a, b = [0.0, 0, 0], [20.0, 0, 0]
    flat = np.array([[a, a, b], [a, a, a], [b, a, b]])

    found = measure([box(), flat])

    assert (found.flat, found.is_closed, found.volume_mm3) == (3, True, pytest.approx(8000))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e10, 1e300])
def test_damaged_triangles_are_left_out_of_everything(value):
    damaged = np.full((1, 3, 3), 5.0)
    damaged[0, 1, 2] = value

    found = measure([damaged, box()])

    assert (found.damaged, found.triangles) == (1, 13)
    assert (found.high, found.volume_mm3, found.is_closed) == ((20, 20, 20), pytest.approx(8000), True)


@pytest.mark.parametrize("triangles", [np.empty((0, 3, 3)), np.full((5, 3, 3), np.nan), np.ones((5, 3, 3))])
def test_nothing_to_print_measures_as_nothing(triangles):
    assert measure([triangles]) is None


def test_volume_of_an_open_model_does_not_depend_on_where_it_lies():
    lid_off = box()[2:]
    volumes = [measure([lid_off + shift]).volume_mm3 for shift in (0.0, 1e4)]

    assert volumes[0] == pytest.approx(volumes[1], rel=1e-6)
    assert 0 < volumes[0] < 8000


def test_more_pieces_than_the_table_holds_are_not_counted(monkeypatch):
    monkeypatch.setattr(bodies, "LARGEST", bodies.SMALLEST * 2)
    many, counts = Bodies(), []
    for names in np.arange(1, 240_001, dtype=np.uint64).reshape(8, -1, 3):
        many.add(names)
        counts.append(many.count)

    assert counts == [10_000, 20_000, 30_000, None, None, None, None, None]


def test_table_that_grew_still_knows_what_hangs_together():
    chain = Bodies()
    names = np.arange(1, 300_001, dtype=np.uint64)
    linked = np.stack([names[:-2], names[1:-1], names[2:]], axis=1)
    for at in range(0, len(linked), 16_384):
        chain.add(np.ascontiguousarray(linked[at : at + 16_384]))

    assert chain.count == 1
