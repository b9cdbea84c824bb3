"""Whatever a file does, its copy does the same; arcs stray no farther than was allowed."""

from __future__ import annotations

import math
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farm.domain.optimising import Comments
from farm.errors import Invalid
from farm.files.optimise.arcs import ArcSupport
from tests.files.optimise.slow_reader import arcs_of_same_print

EXAMPLES = max(30, int(600 * float(os.environ.get("FARM_TEST_SCALE", "0.1"))))

places = st.decimals(0, 60, places=3).map(str)
amounts = st.sampled_from(["E0", "E1", "E1.0", "E.04", "E-.8", "E2.50000"])
words = st.builds(
    lambda name, *rest: " ".join([name, *filter(None, rest)]),
    st.sampled_from(["G1", "G1", "G1", "G0"]),
    st.one_of(st.just(""), places.map("X{}".format)),
    st.one_of(st.just(""), places.map("Y{}".format)),
    st.sampled_from(["", "", "", "Z.2", "Z0.200", "Z.4"]),
    st.one_of(st.just(""), amounts),
    st.sampled_from(["", "", "F1800", "F1800.0", "F600"]),
)
MODES = ["G90", "G91", "M82", "M83", "G20", "G21", "G17", "M121", "G92 E0", "G92 X1 Y2", "G92 E1.0"]
FOREIGN = ["G28", "T0", "T1", "PARK", "M486 S1", "; printing object a", "G2 X10 Y10 I2 J1 E1", " G1 X10"]
QUIET = [
    "M104 S200",
    "M73 P1 R2",
    "M106",
    "M117 X1 ; E2",
    ";LAYER:1",
    ";TYPE:Fill",
    "G1 X10 ; said",
    "G1 F900",
]
others = st.sampled_from(MODES + FOREIGN + QUIET + ["G1 F1800"]).map(lambda line: [line])


@st.composite
def curves(draw) -> list[str]:
    """Lines round a part of a circle or a spiral, a little off, E as said before them."""
    counted = draw(st.booleans())
    radius, turn = draw(st.floats(0.3, 30)), draw(st.floats(-7, 7))
    steps, grows = draw(st.integers(3, 60)), draw(st.sampled_from([0.0, 0.0, 0.001, 0.05]))
    noise = draw(st.sampled_from([0.0, 0.001, 0.02, 0.1]))
    chance = random.Random(draw(st.integers(0, 2**32)))  # hypothesis's own takes ten times as long
    lines, e, before = ["G90", "M82" if counted else "M83", "G92 E0"], 0.0, None
    for n in range(steps + 1):
        r = radius * (1 + grows * n) + chance.uniform(-noise, noise)
        at = (round(50 + r * math.cos(turn * n / steps), 3), round(50 + r * math.sin(turn * n / steps), 3))
        mm = 0.04 * math.dist(at, before) if before else 0.0
        e += mm
        lines.append(f"G1 X{at[0]} Y{at[1]}" + (f" E{e if counted else mm:.5f}" if before else " F1800"))
        before = at
    return lines


parts = st.one_of(words.map(lambda line: [line]), others, curves())
files = st.lists(parts, max_size=25).map(
    lambda some: "\n".join(line for part in some for line in part).encode()
)


@pytest.mark.parametrize("tolerance", [0.05, 0.005])
def test_a_copy_prints_what_its_original_prints(tolerance, optimised):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=files, comments=st.sampled_from(Comments), arcs=st.booleans())
    def check(text, comments, arcs):
        support = ArcSupport(tolerance, step_mm=0.1) if arcs else None
        try:
            copy, savings = optimised(text, comments=comments, arcs=support)
        except Invalid:
            return
        found = arcs_of_same_print(text, copy)
        assert arcs_of_same_print(text, copy, e_follows_axes=True) == found
        assert len(found) == savings.arcs
        assert all(arc.strays <= tolerance + 1e-6 for arc in found)

    check()


def test_a_copy_without_arcs_is_its_own_copy(optimised):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=files, comments=st.sampled_from(Comments))
    def check(text, comments):
        once, _ = optimised(text, comments=comments, arcs=None)
        assert optimised(once, comments=comments, arcs=None)[0] == once

    check()


def test_any_bytes_are_copied_or_refused(optimised):
    pieces = st.sampled_from(
        [
            b"G1 ",
            b"G0",
            b"G2",
            b"X1",
            b" Y-.5",
            b"E",
            b" ",
            b"\n",
            b";",
            b"F",
            b"N1 ",
            b"*33",
            b"M117",
            b"\r",
            b"\0",
        ]
    )

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(text=st.one_of(st.binary(max_size=200), st.lists(pieces, max_size=60).map(b"".join)))
    def check(text):
        try:
            optimised(text)
        except Invalid:
            return

    check()
