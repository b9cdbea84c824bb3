"""3MF: units, items, objects within objects, and what is made to harm."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest

from farm.errors import Invalid
from farm.files.containers import archive
from farm.files.mesh import three_mf_parts as reader
from farm.files.mesh.measure import measure
from farm.files.mesh.three_mf import read_three_mf
from tests.files.mesh.made import (
    box,
    box_3mf,
    components_xml,
    items_xml,
    mesh_xml,
    model_xml,
    object_xml,
    package,
    zipped,
)

BOX = object_xml(1, mesh_xml(box()))


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "made.3mf"
        path.write_bytes(content)
        return read_three_mf(path)

    return read


def measured(model):
    return measure(model.blocks())


@pytest.mark.parametrize(
    ("unit", "said", "edge"),
    [
        ("micron", "micron", 0.02),
        ("millimeter", "mm", 20),
        ("centimeter", "cm", 200),
        ("inch", "inch", 508),
        ("foot", "foot", 6096),
        ("meter", "m", 20_000),
    ],
)
def test_every_unit_comes_to_millimetres(read, unit, said, edge):
    model = read(box_3mf(unit))

    assert model.unit == said
    assert measured(model).size_mm == pytest.approx((edge,) * 3)
    assert measured(model).volume_mm3 == pytest.approx(edge**3)


def test_items_move_and_turn_what_they_place(read):
    items = items_xml(1) + items_xml(1, attributes='transform="0 1 0 -1 0 0 0 0 1 100 50 0"')

    model = read(box_3mf(items=items))

    assert model.objects == 2
    assert (measured(model).low, measured(model).high) == ((0, 0, 0), (100, 70, 20))
    assert measured(model).bodies == 2


def test_components_are_placed_within_components(read):
    shifted = components_xml(1, attributes='transform="2 0 0 0 2 0 0 0 2 0 0 5"')
    objects = BOX + object_xml(2, shifted) + object_xml(3, components_xml(1, 2))

    model = read(package(model_xml(objects, items_xml(3, attributes='transform="1 0 0 0 1 0 0 0 1 10 0 0"'))))

    assert (measured(model).low, measured(model).high) == ((10, 0, 0), (50, 40, 45))
    assert measured(model).volume_mm3 == pytest.approx(9 * 8000)
    assert model.objects == 1


def test_mirrored_object_is_not_inside_out(read):
    model = read(box_3mf(items=items_xml(1, attributes='transform="-1 0 0 0 1 0 0 0 1 0 0 0"')))

    assert measured(model).volume_mm3 == pytest.approx(8000)
    assert measured(model).is_in_order


def test_objects_in_parts_of_their_own_as_bambu_studio_writes_them(read):
    part = "/3D/Objects/object_1.model"
    inside = components_xml(1, attributes=f'p:path="{part}" transform="1 0 0 0 1 0 0 0 1 0 0 3"')
    more = [(part.lstrip("/"), model_xml(BOX, "").encode())]

    model = read(package(model_xml(object_xml(8, inside), items_xml(8)), more))

    assert (measured(model).low, measured(model).high) == ((0, 0, 3), (20, 20, 23))


def test_items_that_are_not_printed_are_left_out(read):
    items = items_xml(1) + items_xml(1, attributes='printable="0" transform="1 0 0 0 1 0 0 0 1 500 0 0"')

    assert measured(read(box_3mf(items=items))).high == (20, 20, 20)


def test_plate_without_items_shows_all_objects_and_says_so(read):
    model = read(box_3mf(items=""))

    assert measured(model).triangles == 12
    assert "nothing on the plate" in model.remarks[0]


def test_volumes_that_are_not_printed_are_told(read):
    notes = b'<config><object><part id="2" subtype="modifier_part"/></object></config>'

    model = read(package(model_xml(BOX, items_xml(1)), [("Metadata/model_settings.config", notes)]))

    assert "counted as if they were printed" in model.remarks[0]


def test_colours_and_slices_of_extensions_are_no_corners(read):
    other = '<s:vertex xmlns:s="http://schemas.microsoft.com/3dmanufacturing/slice/2015/07" x="900" y="9"/>'

    assert measured(read(package(model_xml(other + BOX, items_xml(1))))).high == (20, 20, 20)


def test_other_encodings_are_understood(read):
    text = model_xml(BOX, items_xml(1)).replace("UTF-8", "UTF-16")

    assert measured(read(package(text.encode("utf-16")))).triangles == 12


@pytest.mark.parametrize("encoding", ["UTF08", "shift_jis", "idna"])
def test_letters_that_nobody_knows_are_refused(read, encoding):
    with pytest.raises(Invalid, match=r"letters the farm does not know|damaged"):
        read(package(model_xml(BOX, items_xml(1)).replace("UTF-8", encoding)))


def test_triangles_without_their_corners_are_left_out_and_told(read):
    broken = BOX.replace('v1="0"', 'v1="8"', 1).replace('v2="3"', 'v2="-1"', 1)

    model = read(package(model_xml(broken, items_xml(1))))

    assert measured(model).triangles < 12
    assert "name corners that are not there" in model.remarks[0]


LAUGHS = (
    '<!DOCTYPE model [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
SECRET = '<!DOCTYPE model [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE model SYSTEM "http://127.0.0.1:9/model.dtd">'


@pytest.mark.parametrize("prolog", [LAUGHS, SECRET, REMOTE])
def test_document_types_are_refused(read, prolog):
    with pytest.raises(Invalid, match="document type"):
        read(package(model_xml(BOX, items_xml(1), prolog=prolog)))


@pytest.mark.parametrize(
    ("objects", "items", "words"),
    [
        (object_xml(1, components_xml(1)), items_xml(1), "object 1 of this 3MF contains itself"),
        (
            BOX + object_xml(2, components_xml(1, 3)) + object_xml(3, components_xml(2)),
            items_xml(2),
            "contains itself",
        ),
        (BOX + object_xml(2, components_xml(7)), items_xml(2), "not there, number 7"),
        (BOX, items_xml(9), "not there, number 9"),
        (BOX + BOX, items_xml(1), "two objects of this 3MF have the number 1"),
        (BOX, items_xml(1, attributes='transform="1 2 3"'), "a item in this 3MF"),
        (BOX, items_xml(1, attributes='transform="' + "nan " * 12 + '"'), "a item in this 3MF"),
        (BOX.replace('x="0.0"', 'x="zero"', 1), items_xml(1), "a vertex in this 3MF"),
        (BOX.replace('x="0.0"', "", 1), items_xml(1), "a vertex in this 3MF"),
        (BOX.replace('v1="0"', 'v1="99999999999"', 1), items_xml(1), "a triangle in this 3MF"),
        (object_xml(1, "<mesh/>"), items_xml(1), "no triangles"),
        ("<a>" * 40 + "</a>" * 40, items_xml(1), "nested deeper"),
        ("<a>", items_xml(1), "XML of this 3MF is damaged"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(read, objects, items, words):
    with pytest.raises(Invalid, match=words):
        read(package(model_xml(objects, items)))


def test_unit_that_is_none_is_refused(read):
    with pytest.raises(Invalid, match="'furlong', which is no unit"):
        read(box_3mf("furlong"))


def test_part_that_is_named_and_missing_is_refused(read):
    inside = components_xml(1, attributes='p:path="/../../etc/passwd"')

    with pytest.raises(Invalid, match="lacks a part"):
        read(package(model_xml(object_xml(1, inside), items_xml(1))))


def test_objects_that_multiply_are_refused_before_they_are_put_together(read):
    layers = [object_xml(number, components_xml(*[number - 1] * 10)) for number in range(2, 20)]

    with pytest.raises(Invalid, match="more often than any plate holds"):
        read(package(model_xml(BOX + "".join(layers), items_xml(19))))


def test_objects_nested_without_end_are_refused(read):
    layers = [object_xml(number, components_xml(number - 1)) for number in range(2, 9000)]

    for items in (items_xml(8999), "".join(items_xml(number) for number in range(1, 9000))):
        with pytest.raises(Invalid, match="nested more than 32 deep"):
            read(package(model_xml(BOX + "".join(layers), items)))


def test_tag_without_an_end_is_refused_before_it_fills_memory(read, monkeypatch):
    monkeypatch.setattr(archive, "MOST_RATIO", 10_000)
    endless = f'<object id="1" name="{"x" * 30_000_000}"/>'
    content = package(model_xml(endless + BOX, items_xml(1)))

    tracemalloc.start()
    with pytest.raises(Invalid, match="tag longer"):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8_000_000


def test_more_corners_than_the_farm_takes_are_refused_while_they_are_read(read, monkeypatch):
    monkeypatch.setattr(reader, "MOST_CORNERS", 1000)
    monkeypatch.setattr(archive, "MOST_RATIO", 10_000)
    corners = '<vertex x="0" y="0" z="0"/>' * 50_000

    with pytest.raises(Invalid, match="simplify"):
        read(package(model_xml(f'<object id="1"><mesh><vertices>{corners}', "")))


def test_two_gigabytes_in_two_megabytes_are_refused_unread(read):
    """The directory claims it; a real one of that size takes ten seconds to make."""
    content = bytearray(box_3mf())
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 2**31)

    with pytest.raises(Invalid, match="larger than 512 MiB"):
        read(bytes(content))


def test_packed_tighter_than_any_model_is_refused_unread(read):
    content = package(model_xml(BOX + " " * 20_000_000, items_xml(1)))

    with pytest.raises(Invalid, match="packed tighter"):
        read(content)


def test_directory_that_lies_about_a_size_is_no_way_round_the_limits(read):
    content = bytearray(package(model_xml(BOX + " " * 20_000_000, items_xml(1))))
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 1000)

    with pytest.raises(Invalid):
        read(bytes(content))


def test_sliced_package_is_sent_where_it_belongs(read):
    with pytest.raises(Invalid, match=r"\.gcode\.3mf"):
        read(package(model_xml("", ""), [("Metadata/plate_1.gcode", b"G28\n")]))


def test_zip_without_a_model_is_refused(read):
    with pytest.raises(Invalid, match="holds no model"):
        read(zipped([("readme.txt", b"hello")]))


def test_triangles_are_the_same_as_written(read):
    made = box(1, 2, 3)

    model = read(package(model_xml(object_xml(1, mesh_xml(made)), items_xml(1))))

    np.testing.assert_array_equal(np.concatenate(list(model.blocks())), made)
