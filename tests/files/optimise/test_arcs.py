"""Arcs are fitted where lines were one, and nowhere else."""

from __future__ import annotations

import math

import pytest

from farm.files.optimise.arcs import ArcSupport
from farm.files.optimise.circles import Path, fit
from tests.files.optimise.shapes import E_PER_MM, Pen
from tests.files.optimise.slow_reader import arcs_of_same_print


def round_about(radius: float, facets: int, turn: float = 2 * math.pi, start: float = 0.0) -> list:
    return [
        (
            100 + radius * math.cos(start + turn * n / facets),
            100 + radius * math.sin(start + turn * n / facets),
        )
        for n in range(facets + 1)
    ]


@pytest.mark.parametrize("radius", [1.0, 15.0, 400.0])
@pytest.mark.parametrize(("turn", "start"), [(1.0, 0.1), (-2.0, 3.0), (5.5, 0.1), (1.0, -0.5)])
def test_the_arc_of_a_circle_is_found(radius, turn, start):
    points = round_about(radius, 60, turn, start)
    path = Path.through(points)

    arc = fit(path, 0, 60, 0.5)

    assert arc is not None
    assert arc.clockwise == (turn < 0)
    assert (arc.i, arc.j) == pytest.approx((100 - points[0][0], 100 - points[0][1]), abs=0.002)
    sagitta = radius * (1 - math.cos(turn / 120))
    assert arc.deviation == pytest.approx(sagitta, abs=0.0015)
    assert arc.length == pytest.approx(radius * abs(turn), rel=0.001)


@pytest.mark.parametrize(
    "points",
    [
        [(n, 0) for n in range(9)],
        [(n, n % 2) for n in range(9)],
        [(0, 0)] * 9,
        [(0, 0), (5, 0), (5, 5), (0, 5), (0, 0)],
        [(n, 0.01 * n**3) for n in range(9)],
        round_about(10, 8),  # as long as that, its sides are no rounding
        round_about(10, 90)[:45] + round_about(10, 90)[43:20:-1],  # there and back
        round_about(0.05, 20)[:-2],
        round_about(3000, 20, 0.01),
        round_about(10, 60, 2 * math.pi),  # all the way round
    ],
)
def test_what_is_no_arc_is_taken_for_none(points):
    assert fit(Path.through(points), 0, len(points) - 1, 0.05) is None


@pytest.mark.parametrize(("start", "turn"), [(-0.5, 2.2), (1.7, -1.8), (4.0, 3.0), (2.0, -2.5), (6.0, -6.2)])
def test_no_arc_reaches_farther_than_octoprint_sees(start, turn):
    points = round_about(10, 60, turn, start)
    assert fit(Path.through(points), 0, 60, 0.05) is None


def drawn(points, *, rates=None, counted=False, between=None) -> bytes:
    pen = Pen(counted)
    pen.travel(*points[0])
    for number, point in enumerate(points[1:]):
        if between and number in between:
            pen.lines.append(between[number])
        pen.print_to(*point, rates[number] if rates else E_PER_MM)
    return pen.text


RING = round_about(10, 120, 5.5, 0.1)


def arcs_in(text, optimised, **how):
    copy, savings = optimised(text, **how)
    arcs = arcs_of_same_print(text, copy)
    assert len(arcs) == savings.arcs
    return [arc.lines for arc in arcs]


def test_a_ring_becomes_one_arc(optimised):
    assert arcs_in(drawn(RING), optimised) == [120]


@pytest.mark.parametrize(
    "line", [";LAYER:2", ";TYPE:Wall", "T1", "M106 S99", "G1 F900", "G1 Z.4", "G92 E0", "M73 P50 R1", "PARK"]
)
def test_no_arc_goes_across_a_line_that_is_no_part_of_it(line, optimised):
    arcs = arcs_in(drawn(RING, between={60: line}), optimised)

    assert len(arcs) == 2
    assert max(arcs) <= 60


def test_no_arc_goes_on_where_more_or_less_filament_is_pushed(optimised):
    rates = [E_PER_MM] * 60 + [E_PER_MM * 1.1] * 60
    assert arcs_in(drawn(RING, rates=rates), optimised) == [60, 60]


def test_an_uneven_line_stays_as_it_is(optimised):
    rates = [E_PER_MM * (1 + 0.2 * (n % 2)) for n in range(120)]
    assert arcs_in(drawn(RING, rates=rates), optimised) == []


def test_corners_stay_sharp(optimised):
    """Rounded corners between straight edges: the edges are no part of an arc."""
    corner = round_about(4, 30, math.pi / 2)
    other = [(x - 40, y) for x, y in round_about(4, 30, math.pi / 2, math.pi / 2)]
    square = [(104, 60), *corner, *other, (56, 60), (104, 60)]

    arcs = arcs_in(drawn(square), optimised)

    assert arcs
    assert max(arcs) <= 31


def test_a_printer_that_makes_long_pieces_of_arcs_gets_no_small_ones(optimised):
    small = drawn(round_about(1.5, 40, 5.5, 0.1))

    assert arcs_in(small, optimised, arcs=ArcSupport(0.05, step_mm=1.0)) == []
    assert arcs_in(small, optimised, arcs=ArcSupport(0.05, step_mm=0.25)) == [40]


@pytest.mark.parametrize("tolerance", [0.005, 0.02, 0.2])
def test_the_tolerance_is_kept(tolerance, optimised):
    wavy = [(n / 4, 20 + 5 * math.sin(n / 20)) for n in range(400)]
    text = drawn(wavy)

    copy, savings = optimised(text, arcs=ArcSupport(tolerance))

    arcs = arcs_of_same_print(text, copy)
    assert arcs
    assert max(arc.strays for arc in arcs) <= tolerance + 1e-6
    assert savings.deviation_mm <= tolerance
