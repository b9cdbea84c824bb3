"""Zip files with G-code in them, and what strangers may put there."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.domain.analysis import Filament, Slicer
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.analysis import glance
from farm.files.containers import archive
from farm.files.containers.opening import open_gcode
from farm.files.slicers.ends import WINDOW
from tests.files.containers.made import TEXT, zipped
from tests.files.pictures.test_thumbnails import png

DATA = Path(__file__).parents[2] / "data"

SLICE_INFO = b"""<?xml version="1.0" encoding="UTF-8"?>
<config>
  <header><header_item key="X-BBL-Client-Version" value="02.08.02.61"/></header>
  <plate><metadata key="index" value="1"/><metadata key="prediction" value="60"/></plate>
  <plate>
    <metadata key="index" value="2"/>
    <metadata key="printer_model_id" value="C12"/>
    <metadata key="nozzle_diameters" value="0.4"/>
    <metadata key="prediction" value="1634"/>
    <metadata key="weight" value="5.08"/>
    <object identify_id="1330" name="cube.stl" skipped="false" />
    <filament id="1" tray_info_idx="GFL99" type="PLA" color="#0DFF00" used_m="1.20" used_g="3.58" />
    <filament id="3" tray_info_idx="GFL98" type="PETG" color="#000000" used_m="0.5" used_g="1.50" />
    <warning msg="bed_temperature_too_high_than_filament" level="1" error_code ="1000C001"  />
  </plate>
</config>
"""


@pytest.fixture
def sent(tmp_path):
    def keep(content: bytes) -> Path:
        path = tmp_path / "sent"
        path.write_bytes(content)
        return path

    return keep


def text_of(path: Path, kind: FileKind = FileKind.GCODE_3MF) -> bytes:
    with open_gcode(path, kind) as file:
        return file.text.read()


# -- what slicers pack


def test_3mf_holds_the_text_it_was_made_of():
    made = DATA / "gcode" / "made_cube20.gcode.3mf"

    assert text_of(made) == (DATA / "gcode" / "ps292_cube20_smoothie.gcode").read_bytes()
    assert glance(made, FileKind.GCODE_3MF).result.slicer == Slicer("PrusaSlicer", "2.9.2")
    assert glance(made, FileKind.GCODE_3MF).result.kind == "gcode.3mf"


def test_ufp_holds_its_text_and_a_picture_that_is_none_is_left_out():
    made = DATA / "gcode" / "made_cube20.ufp"

    assert text_of(made, FileKind.UFP).count(b"\n;LAYER:") == 100
    assert glance(made, FileKind.UFP).result.thumbnails == ()


def test_pictures_beside_the_text_are_found(sent):
    ufp = sent(zipped({"/3D/model.gcode": TEXT, "/Metadata/thumbnail.png": png(30, 20)}))
    assert [(one.width, one.height) for one in glance(ufp, FileKind.UFP).result.thumbnails] == [(30, 20)]

    three_mf = sent(
        zipped(
            {
                "Metadata/plate_2.gcode": TEXT,
                "Metadata/plate_2.png": png(50, 50),
                "Metadata/plate_2_small.png": png(12, 12),
                "Metadata/plate_3.png": png(99, 99),
            }
        )
    )
    found = glance(three_mf, FileKind.GCODE_3MF)
    assert [one.width for one in found.result.thumbnails] == [50, 12]
    assert found.picture.width == 50


def test_first_of_several_plates_is_looked_at_and_that_is_said(sent):
    path = sent(
        zipped({f"Metadata/plate_{number}.gcode": TEXT + b"; plate %d\n" % number for number in (10, 2, 3)})
    )
    assert text_of(path).endswith(b"; plate 2\n")
    assert glance(path, FileKind.GCODE_3MF).result.warnings == (
        "this file holds 3 plates; only plate 2 was looked at",
    )


def test_what_stands_beside_a_plate_is_read(sent):
    result = glance(
        sent(zipped({"Metadata/plate_2.gcode": TEXT, "Metadata/slice_info.config": SLICE_INFO})),
        FileKind.GCODE_3MF,
    ).result

    assert result.time_s.slicer == 1634
    assert result.printer_model == "C12"
    assert result.nozzle_mm == 0.4
    assert result.objects == ("cube.stl",)
    assert result.filament == (
        Filament(0, 1200, None, 3.58, "PLA"),
        Filament(1, 0, None, 0, None),
        Filament(2, 500, None, 1.5, "PETG"),
    )


@pytest.mark.parametrize(
    "info", [b"<config/>", b"<config><plate/></config>", SLICE_INFO.replace(b'"2"', b'"7"')]
)
def test_plate_of_which_nothing_stands_there_is_read_without(sent, info: bytes):
    path = sent(zipped({"Metadata/plate_2.gcode": TEXT, "Metadata/slice_info.config": info}))

    assert glance(path, FileKind.GCODE_3MF).result.time_s.slicer is None


def test_text_says_more_than_what_stands_beside_it(sent):
    told = TEXT + b"; estimated printing time (normal mode) = 2m 0s\n"
    path = sent(zipped({"Metadata/plate_2.gcode": told, "Metadata/slice_info.config": SLICE_INFO}))

    assert glance(path, FileKind.GCODE_3MF).result.time_s.slicer == 120


def test_both_ends_of_a_long_text_are_read(sent):
    moves = b"".join(b"G1 X%d Y%d\n" % (n % 997, n % 991) for n in range(3 * WINDOW // 9))
    content = b"; generated by OrcaSlicer 2.3.1 on x\n" + moves + b"; layer_height = 0.2\n"
    result = glance(sent(zipped({"Metadata/plate_1.gcode": content})), FileKind.GCODE_3MF).result

    assert result.slicer == Slicer("OrcaSlicer", "2.3.1")
    assert result.layers.height_mm == 0.2


def test_large_text_is_unpacked_in_little_memory(sent):
    line = b"G1 X%d.%03d Y%d.%03d E.01234\n"
    text = b"".join(line % (n % 200, n % 997, n % 180, n % 991) for n in range(1_000_000))
    path = sent(zipped({"Metadata/plate_1.gcode": text}))
    size, buffer = 0, bytearray(1024 * 1024)
    tracemalloc.start()
    try:
        with open_gcode(path, FileKind.GCODE_3MF) as file:
            while got := file.text.readinto(buffer):
                size += got
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == file.size == len(text)
    assert peak < 8 * 1024 * 1024


# -- what strangers pack

XML_BOMB = b"""<?xml version="1.0"?><!DOCTYPE config [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>
<config><plate><metadata key="index" value="&b;"/></plate></config>"""
XML_OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<config><plate><metadata key="printer_model_id" value="1"/>&f;</plate></config>"""


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (XML_BOMB, "declares"),
        (XML_OUTSIDE, "declares"),
        (b"<config><plate>", "damaged"),
        (b"\xff\xfe\x00junk", "damaged"),
        (b'<?xml version="1.0" encoding="UTF-99"?><config/>', "damaged"),
        (b"<a>" * 1000 + b"</a>" * 1000, "longer or deeper"),
        (b"<a>" + b"<b/>" * 100_001 + b"</a>", "longer or deeper"),
        (b"<a>" + b" " * 1024 * 1024 + b"</a>", "larger than any slicer"),
    ],
)
def test_hostile_xml_is_refused(sent, xml: bytes, words: str):
    path = sent(
        zipped({"Metadata/plate_1.gcode": TEXT, "Metadata/slice_info.config": xml}, zipfile.ZIP_STORED)
    )
    with pytest.raises(Invalid, match=words):
        glance(path, FileKind.GCODE_3MF)


NAMES = ["../../evil.gcode", "/etc/passwd", "C:\\evil", "Metadata/plate_1.gcode/../../x", "\x00", "a" * 5000]


def test_names_lead_nowhere(sent, tmp_path):
    path = sent(zipped({"Metadata/plate_1.gcode": TEXT, **dict.fromkeys(NAMES, b"evil")}))

    assert text_of(path) == TEXT
    assert [one.name for one in tmp_path.iterdir()] == ["sent"]


def test_text_that_is_a_zip_file_again_is_no_gcode(sent):
    inner = zipped({"Metadata/plate_1.gcode": TEXT})
    with pytest.raises(Invalid, match="no G-code text"):
        glance(sent(zipped({"Metadata/plate_1.gcode": inner})), FileKind.GCODE_3MF)


def locked(content: bytes) -> bytes:
    """The mark of a password in both headers of a member."""
    broken = bytearray(content)
    broken[6] |= 1
    broken[content.rindex(b"PK\1\2") + 8] |= 1
    return bytes(broken)


def claiming(content: bytes, at: int, value: int) -> bytes:
    """Another number in the directory's entry, `at` bytes from its beginning."""
    broken = bytearray(content)
    struct.pack_into("<I", broken, content.rindex(b"PK\1\2") + at, value)
    return bytes(broken)


CRC, PACKED, UNPACKED, PLACE = 16, 20, 24, 42
ONE = zipped({"Metadata/plate_1.gcode": TEXT * 100})
BOMB = zipped({"Metadata/plate_1.gcode": bytes(40_000_000)})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no zip file"),
        (b"PK\3\4", "no zip file"),
        (ONE[:-30], "no zip file"),
        (ONE[:200] + ONE[:200], "no zip file"),
        (zipped({"3D/3dmodel.model": b"<model/>"}), "no sliced plate"),
        (zipped([("Metadata/plate_1.gcode", TEXT), ("Metadata/plate_1.gcode", b"M112\n")]), "same name"),
        (zipped({"Metadata/plate_1.gcode": TEXT}, zipfile.ZIP_BZIP2), "packed in a way"),
        (zipped({"Metadata/plate_1.gcode": TEXT}, zipfile.ZIP_LZMA), "packed in a way"),
        (locked(ONE), "password"),
        (BOMB, "packed tighter"),
        (claiming(BOMB, UNPACKED, 1000), "damaged"),
        (claiming(ONE, CRC, 1), "damaged"),
        (claiming(ONE, UNPACKED, 10), "damaged"),
        (claiming(ONE, UNPACKED, 0xFFFFFFF0), "larger than"),
        (claiming(ONE, PLACE, 0x7FFFFFFF), "damaged|no zip file"),
        (claiming(ONE, PACKED, 0x7FFFFFF0), "damaged"),
        (zipped({f"{n}": b"" for n in range(2001)}), "2001 parts"),
        (zipped({f"{n}{'x' * 60_000}": b"" for n in range(20)}), "more parts"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(sent, content: bytes, words: str):
    with pytest.raises(Invalid, match=words):
        text_of(sent(content))


def test_sizes_are_limited_one_by_one_and_together(sent, monkeypatch):
    noise = os.urandom(300)
    path = sent(zipped({"Metadata/plate_1.gcode": noise, "b": noise}))
    monkeypatch.setattr(archive, "MOST_TOGETHER", 500)
    with pytest.raises(Invalid, match="unpacked this file is larger"):
        text_of(path)
    monkeypatch.setattr(archive, "MOST_OF_ONE", 200)
    monkeypatch.setattr(archive, "MOST_TOGETHER", 5000)
    with pytest.raises(Invalid, match="a part of this file is larger"):
        text_of(path)


def test_model_is_not_gcode(sent):
    with pytest.raises(Invalid, match="slice it first"):
        text_of(sent(b""), FileKind.STL)


@settings(deadline=None)
@given(st.data())
def test_no_zip_file_brings_it_down(tmp_path_factory, data):
    content = bytearray(ONE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "mutated.3mf"
    path.write_bytes(content)
    try:
        glance(path, FileKind.GCODE_3MF)
        text_of(path)
    except Invalid:
        pass


def test_directory_of_a_zip_file_is_not_read_beyond_its_limit(sent):
    """Whatever the end record claims."""
    content = bytearray(b"x" * 3_000_000 + zipped({"a": b""}))
    struct.pack_into("<II", content, content.rindex(b"PK\5\6") + 12, 3_000_000, 0)

    with pytest.raises(Invalid, match="more parts"):
        text_of(sent(bytes(content)))
