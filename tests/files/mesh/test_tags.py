"""Corners and triangles that are read past the XML parser are the same as those read by it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import Invalid
from farm.files.mesh import three_mf_parts
from farm.files.mesh.tags import BEHIND, Tag, rows
from farm.files.mesh.three_mf import read_three_mf
from tests.files.mesh.made import items_xml, model_xml, object_xml, package

PLAIN = [
    '<vertex x="{0}" y="{1}" z="{2}"/>',
    "<vertex x='{0}' y='{1}' z='{2}' />\r\n\t",
    '<vertex\nz="{2}"  y="{1}"\tx="{0}"/>',
    '<vertex x="{0}" y="{1}" z="{2}" p:paint_color="0C" a=">/="/>',
    '<vertex xx="7" x="{0}" other="" y="{1}" z="{2}"/>',
]
ODD = [
    '<vertex x = "{0}" y="{1}" z="{2}"/>',
    '<vertex x=" {0}" y="{1}" z="{2}"/>',
    '<vertex x="{0}" y="{1}" z="{2}"></vertex>',
    '<vertex x="{0}" y="{1}" z="{2}" a="&gt;"/>',
    '<!-- <vertex x="9" y="9" z="9"/> --><vertex x="{0}" y="{1}" z="{2}"/>',
    '<other/><vertex x="{0}" y="{1}" z="{2}"/>',
]

numbers = st.floats(-1e6, 1e6, width=32).map(lambda value: f"{value:.9g}") | st.sampled_from(
    ["1", "-0", "+2.5", ".5", "3.", "1e3", "2.5E-3"]
)
corners = st.tuples(numbers, numbers, numbers)
tags = st.lists(st.tuples(st.sampled_from(PLAIN * 5 + ODD), corners), min_size=3, max_size=40)


def document(vertices):
    triangles = "".join(
        f'<triangle v1="{at}" v2="{at + 1}" v3="{at + 2}"/>' for at in range(len(vertices) - 2)
    )
    text = "".join(form.format(*values) for form, values in vertices)
    mesh = f"<mesh><vertices>{text}</vertices><triangles>{triangles}</triangles></mesh>"
    return package(model_xml(object_xml(1, mesh), items_xml(1)))


def corners_of(path: Path):
    return np.concatenate(list(read_three_mf(path).blocks()))


@settings(deadline=None)
@given(tags, st.integers(40, 4000))
def test_runs_and_parser_agree_however_it_is_written_and_cut(tmp_path_factory, vertices, piece):
    path = tmp_path_factory.mktemp("made") / "made.3mf"
    path.write_bytes(document(vertices))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(three_mf_parts, "PIECE", piece)
        quick = corners_of(path)
        patch.setattr(three_mf_parts, "_LIST", re.compile(rb"(?!)"))
        slow = corners_of(path)

    np.testing.assert_allclose(quick, slow, rtol=1e-15)
    expected = np.array([[float(value) for value in values] for _, values in vertices])
    np.testing.assert_allclose(quick[:, 0], expected[:-2], rtol=1e-15)


def test_plain_tags_never_reach_the_parser(tmp_path, monkeypatch):
    path = tmp_path / "made.3mf"
    path.write_bytes(document([(form, ("1", "2", "3")) for form in PLAIN * 20_000]))
    monkeypatch.setattr(three_mf_parts._Part, "_vertex", lambda *_: pytest.fail("a plain tag did"))

    assert len(corners_of(path)) == 100_000 - 2


@pytest.mark.parametrize("tag", [Tag.CORNER, Tag.TRIANGLE])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "<vertex",
        "<vertexes x='1' y='2' z='3'/>",
        "<vertex x='1' y='2' z='3'>",
        "<vertex x='1' y='2'/>",
        "<vertex x='1' y='2' z='3' z='3'/>",
        "<vertex x='1' x='1' y='2' z='3'/>",
        "<vertex x='1' y='2' z='3' /",
        "<vertex x='1'y='2' z='3'/>",
        "<vertex x='1' y='2' z='3\"/>",
        "<vertex x='1' y='2' z=''/>",
        "<vertex x='1' y='2' z='nan'/>",
        "<vertex x='1' y='2' z='1e999'/>",
        "<vertex x='1' y='2' z='3' a='&x;'/>",
        "<vertex x='1' y='2' z='3' a='<'/>",
        "<vertex ='1' y='2' z='3'/>",
        "<triangle v1='1' v2='2' v3='-3'/>",
        "<triangle v1='1' v2='2' v3='2.5'/>",
        "<triangle v1='1' v2='2' v3='2147483648'/>",
        "<triangle v1='1' v2='2' v13='3'/>",
        "</vertices>",
    ],
)
def test_what_is_written_otherwise_is_left_to_the_parser(tag, text):
    good = "<vertex x='1' y='2' z='3'/>" if tag is Tag.CORNER else "<triangle v1='1' v2='2' v3='3'/>"
    data = (good + text).encode()

    found, at = rows(np.frombuffer(data + BEHIND, np.uint8), 0, len(data), tag)

    assert found.tolist() == [[1, 2, 3]]
    assert data[at:] == text.strip().encode()


def test_list_of_another_kind_inside_an_extension_is_none_of_ours(tmp_path):
    path = tmp_path / "made.3mf"
    corner, triangle = '<vertex x="1" y="2" z="3"/>', '<triangle v1="0" v2="0" v3="0"/>'
    other = f"<vertices>{corner}</vertices><triangles>{triangle}</triangles>"
    path.write_bytes(
        package(model_xml(f'<object id="1"><m xmlns="urn:other">{other}</m></object>', items_xml(1)))
    )

    with pytest.raises(Invalid, match="no triangles"):
        read_three_mf(path)
