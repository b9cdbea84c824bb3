"""Fuzzing of what reads files from strangers: real ones, bent a little, again and again.

    python -m tests.files.fuzzing NAME SECONDS SEED

Whatever comes in, a parser may read it or refuse it with a sentence (Invalid); anything else it raises, and
an input that takes it longer than a blink, is a find. Those go to the error stream with the input, and the
exit code is 1. Without a find it prints how many inputs it tried, and how many of them were read.
"""

from __future__ import annotations

import base64
import io
import json
import math
import random
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import heatshrink2.core as heatshrink

from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.platform import be_modest
from tests.files.containers import made

DATA = Path(__file__).resolve().parents[1] / "data"

MEMORY = 2 * 1024**3  # bytes of addresses; numba maps a third of a gigabyte by itself
BLINK_S = 2.0  # of processor time for one input; the slowest pictures take a half
LONGEST_SEED = 64 * 1024  # bytes: many small inputs find more than few large ones

REAL = ("ps292gui", "ps292_mm2", "cura413", "cura50", "slic3r13")  # one of each kind of remarks

ODD = [
    b"", b"\0", b"\xff", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\n", b"\r", b";", b"=", b":",
    b"{a}", b"1e309", b"nan", b"-0", b"\xff\xff\xfb", b"\xff\xff\xfa", b"\xff\xff\xf7", b"PK\3\4",
    "\u202e".encode(), b" " * 100, b"%s%n", b"; thumbnail begin 16x16 544\n", b"; thumbnail end\n",
    *(b"9" * count for count in (30, 400, 5000)),
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """seeds: what is bent. read: raises Invalid for what it refuses. mend: makes sums right again, so that
    what lies behind them is reached."""

    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[bytes], object]
    mend: Callable[[bytes], bytes] = bytes


def bent(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in a few places."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 64, 1024)))
        match chance.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.choice(ODD)
            case 2:
                data[at:end] = chance.choice(ODD)
            case 3:
                data[at:end] = chance.randbytes(end - at)
            case 4:
                data[at:at] = data[at:end] * chance.choice((1, 2, 50))
            case 5:
                other = chance.choice(seeds)
                begin = chance.randrange(len(other) + 1)
                data[at:end] = other[begin : begin + chance.randrange(200)]
            case _:
                del data[at : end if chance.random() < 0.9 else None]
    return bytes(data)


def fuzz(target: Target, seconds: float, seed: int) -> tuple[int, int]:
    """How many inputs there were, and how many of them were read. Raises what a parser raises."""
    chance, seeds = random.Random(seed), [one[:LONGEST_SEED] for one in target.seeds()]
    for whole in target.seeds():
        tried(target, whole)  # they are sound, and whatever is loaded or compiled first is now
    until = time.monotonic() + seconds
    count = read = 0
    while time.monotonic() < until:
        data = target.mend(bent(chance, seeds))
        began = time.process_time()
        try:
            read += tried(target, data)
            if time.process_time() - began > BLINK_S:
                raise TimeoutError(f"it took {time.process_time() - began:.1f} s")
        except BaseException:
            sys.stderr.write(f"{base64.b85encode(zlib.compress(data)).decode()}\n")
            raise
        count += 1
    return count, read


def tried(target: Target, data: bytes) -> bool:
    """Whether it was read."""
    try:
        target.read(data)
    except Invalid as refused:
        if not str(refused).strip():
            raise AssertionError("it was refused without a word") from refused
        return False
    return True


# -- what is fuzzed ------------------------------------------------------------------------------


def examples() -> list[bytes]:
    from tests.files.slicers import test_metadata as slicers

    texts = (slicers.ORCA, slicers.SUPERSLICER, slicers.SIMPLIFY3D_4, slicers.SIMPLIFY3D_5)
    return [text.encode() for text in (*texts, slicers.IDEAMAKER, slicers.KIRIMOTO)]


def read_binary(data: bytes) -> None:
    from farm.files.containers.binary import open_binary
    from farm.files.slicers.metadata import describe

    file = open_binary(io.BytesIO(data))
    describe(file)
    while file.text.read(100_000):
        pass


def with_sums(data: bytes) -> bytes:
    """Binary G-code with every checksum that can be found made right."""
    mended, at = bytearray(data), 10
    while at + 12 <= len(mended):
        kind, packing, size, packed = struct.unpack_from("<HHII", mended, at)
        end = (
            at + (12 if packing else 8) + (6 if kind == made.THUMBNAIL else 2) + (packed if packing else size)
        )
        if end + 4 > len(mended):
            break
        struct.pack_into("<I", mended, end, zlib.crc32(mended[at:end]))
        at = end + 4
    return bytes(mended)


def small_binaries() -> list[bytes]:
    packed = made.meatpack(made.TEXT * 9, spaces=False)
    whole = [made.block(made.GCODE, packed, packing, b"\2\0") for packing in range(4)]
    picture = made.block(made.THUMBNAIL, b"\x89PNG\r\n\x1a\n", parameters=b"\0\0\1\0\1\0")
    return [made.sound_binary(), made.binary(picture, *whole), made.binary(*whole, whole[0])]


def packed_moves() -> list[bytes]:
    return [made.meatpack(made.TEXT * 9, spaces=spaces) for spaces in (True, False)]


def read_meatpack(data: bytes) -> None:
    from farm.files.containers.meatpack import MOST_GROWTH, unpack

    if len(unpack(data)) > MOST_GROWTH * len(data):
        raise AssertionError("it grows without end")


def read_heatshrink(data: bytes) -> None:
    """As a block without a checksum, which claims the size that comes out."""
    from farm.files.containers.binary import open_binary

    packing = made.HEATSHRINK_11 + len(data) % 2
    claimed = len(heatshrink.decode(data, window_sz2=9 + packing, lookahead_sz2=4))
    header = struct.pack("<HHII", made.GCODE, packing, claimed, len(data))
    open_binary(io.BytesIO(made.binary(header + b"\0\0" + data, checksum=0))).text.read()


def packed_texts() -> list[bytes]:
    return [made.packed(made.TEXT * count, packing) for count in (1, 20, 400) for packing in (2, 3)]


def read_package(data: bytes) -> None:
    from farm.files.analysis import glance
    from farm.files.containers.opening import open_gcode

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sent")
        path.write_bytes(data)
        kind = FileKind.UFP if b"/3D/model.gcode" in data else FileKind.GCODE_3MF
        glance(path, kind)
        with open_gcode(path, kind) as file:
            while file.text.read(100_000):
                pass


def packages() -> list[bytes]:
    from tests.files.containers.test_packages import SLICE_INFO

    three_mf = {"Metadata/plate_2.gcode": made.TEXT, "Metadata/slice_info.config": SLICE_INFO}
    return [
        made.zipped({**three_mf, "Metadata/plate_2.png": b"\x89PNG"}, method)
        for method in (0, 8)
    ] + [made.zipped({"/3D/model.gcode": made.TEXT, "/Metadata/thumbnail.png": b"\x89PNG"})]  # fmt: skip


def slice_infos() -> list[bytes]:
    from tests.files.containers.test_packages import SLICE_INFO, XML_BOMB, XML_OUTSIDE

    return [SLICE_INFO, SLICE_INFO, XML_BOMB, XML_OUTSIDE]


def read_slice_info(data: bytes) -> None:
    from farm.files.containers.slice_info import remarks_in

    remarks_in(data, 2)


def read_text(data: bytes) -> None:
    from farm.files.containers.printable import Printable
    from farm.files.pictures.thumbnails import pictures
    from farm.files.slicers.ends import ends_of_stream
    from farm.files.slicers.metadata import describe
    from farm.files.slicers.remarks import Remarks

    ends = ends_of_stream(io.BytesIO(data))
    describe(Printable(io.BytesIO(), len(data), ends, Remarks.at(ends), tuple(pictures(ends.head))))


def texts() -> list[bytes]:
    """The heads and feet of real ones, where it all stands."""
    gcode = DATA / "gcode"
    wholes = [path.read_bytes() for path in gcode.glob("*.gcode") if path.name.startswith(REAL)]
    return [whole[:9000] + whole[-12_000:] for whole in wholes] + examples()


def pieces_of_moves() -> list[bytes]:
    """Of every real file the beginning, the middle and the end, and all that is known to be odd."""
    wholes = [path.read_bytes() for path in sorted((DATA / "gcode").glob("*.gcode"))]
    cut = [whole[at : at + 4000] for whole in wholes for at in (0, len(whole) // 2, len(whole) - 4000)]
    odd = [path.read_bytes()[:4000] for path in sorted((DATA / "malformed").glob("*.gcode"))]
    return cut + odd + [ODD_COMMANDS]


ODD_COMMANDS = b"""\
N1 G1X1Y2E3*7
G18
G2 X5 Z5 I2 K2 E1
G91
G3 X1 Y1 R-3
G20
M200 D1.75
M203 X0 Y1e9 Z.0001
M204 S0 T0 P0 R0
M205 X0 S9 T9
M566 X900
M220 S200 B
M220 R
M221 S0
T63
T64
M104 T63 S999999
M109 T-1 S200
G10 P63 S210
G4 P99999999
G92
SET_VELOCITY_LIMIT ACCEL=0 VELOCITY=1 SQUARE_CORNER_VELOCITY=9 ACCEL_TO_DECEL=5 MINIMUM_CRUISE_RATIO=0.99
SET_HEATER_TEMPERATURE HEATER=extruder7 TARGET=200
ACTIVATE_EXTRUDER EXTRUDER=extruder3
;LAYER:-1
; layer 3, Z = 0.6
;TYPE: Skirt / Brim
"""


def read_moves(data: bytes) -> None:
    """For each kind of firmware; what is found has to be numbers."""
    from dataclasses import replace

    from farm.domain.analysis import Box
    from farm.files.gcode.machine import Machine, Model
    from farm.files.gcode.survey import survey

    machine = Machine(Model(len(data) % 4), volume=Box((0, 250), (0, 210), (0, 220)), hottest_nozzle=300)
    found = survey(io.BytesIO(data), replace(machine, minimum_cruise_ratio=len(data) % 3 / 3))
    boxes = [edge for box in (found.printed, found.model) if box for edge in (*box.x, *box.y, *box.z)]
    times = (found.time_s.moves, found.time_s.waits, found.time_s.tool_changes, found.time_s.heating)
    if not all(map(math.isfinite, (*boxes, *times, *found.filament_mm))) or min(times) < 0:
        raise AssertionError(f"no numbers: {found}")
    if found.moves == 0:
        raise Invalid("nothing moves")


def draw_moves(data: bytes) -> None:
    """The picture of a print, in the frame that reading it has found."""
    from farm.domain.analysis import BoundingBox
    from farm.files.gcode.picture import draw_print
    from farm.files.gcode.survey import survey
    from farm.files.pictures import canvas

    canvas.WIDTH, canvas.HEIGHT = 40, 30  # most of the time would go into the PNGs
    found = survey(io.BytesIO(data))
    if draw_print(io.BytesIO(data), BoundingBox(found.printed, found.model)) is None:
        raise Invalid("nothing is drawn")


def drawn() -> list[bytes]:
    """A PNG, a JPEG and a QOI, as they stand in files."""
    from tests.files.pictures.test_thumbnails import jpeg, png, qoi

    return [png(9, 7), png(1, 1), jpeg(), qoi(5, 4)]


def pictures_drawn() -> list[bytes]:
    """Some that Pillow makes, and the QOI, which it only reads."""
    from PIL import Image

    from tests.files.pictures.test_thumbnails import qoi

    made = [qoi(5, 4), qoi(30, 20)]
    for form, mode in (("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "RGB"), ("JPEG", "CMYK")):
        out = io.BytesIO()
        Image.new("RGBA", (40, 30), (200, 90, 30, 128)).convert("RGB").convert(mode).save(out, form)
        made.append(out.getvalue())
    return made


def read_thumbnails(data: bytes) -> None:
    from farm.files.pictures.thumbnails import picture_in, pictures
    from tests.files.pictures.test_thumbnails import block

    pictures(data)
    pictures(block(data))
    picture_in(data)


def with_chunk_sums(data: bytes) -> bytes:
    """A PNG with every checksum that can be found made right."""
    mended, at = bytearray(data), 8
    while data.startswith(b"\x89PNG") and at + 12 <= len(mended):
        end = at + 8 + struct.unpack_from(">I", mended, at)[0]
        if end + 4 > len(mended):
            break
        struct.pack_into(">I", mended, end, zlib.crc32(mended[at + 4 : end]))
        at = end + 4
    return bytes(mended)


def models(kind: FileKind) -> list[bytes]:
    """Small ones of the corpus, the malformed ones too."""
    files = [path for part in ("models", "malformed") for path in (DATA / part).glob(f"*.{kind}")]
    return [path.read_bytes() for path in sorted(files) if path.stat().st_size < LONGEST_SEED]


def objs() -> list[bytes]:
    odd = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 1e-3\nf 1 2 3 4\nf -1/2/3 -2//1 -3 -4\n\\\nv \nf \nv\n"
    return [*models(FileKind.OBJ), odd.encode()]


def three_mfs() -> list[bytes]:
    from tests.files.mesh.made import package

    return [*models(FileKind.THREE_MF), *map(package, documents())]


def documents() -> list[bytes]:
    """The XML in a 3MF."""
    from tests.files.mesh.made import box, components_xml, items_xml, mesh_xml, model_xml, object_xml

    turned = 'transform="0 1 0 -1 0 0 0 0 1 5 5 5"'
    mesh, inner = object_xml(1, mesh_xml(box())), components_xml(1, 1, attributes=turned)
    part = components_xml(1, attributes='p:path="/3D/made.model"')
    return [
        model_xml(mesh, items_xml(1), "inch").encode(),
        model_xml(mesh + object_xml(2, inner), items_xml(2) + items_xml(1, attributes=turned)).encode(),
        model_xml(mesh + object_xml(2, part) + "<!-- x --><![CDATA[y]]>&amp;", items_xml(2)).encode(),
    ]


def read_model(data: bytes, kind: FileKind) -> None:
    from farm.files.mesh.analysis import READERS
    from farm.files.mesh.estimate import estimate
    from farm.files.mesh.measure import measure
    from farm.files.mesh.remarks import remarks

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sent")
        path.write_bytes(data)
        model = READERS[kind](path)
        measures = measure(model.blocks())
    if measures is None:
        raise Invalid("there is nothing to print")
    if not all(map(math.isfinite, (*measures.low, *measures.high, measures.volume_mm3))):
        raise AssertionError(f"no numbers: {measures}")
    remarks(model, measures)
    estimate(measures)


def read_document(data: bytes) -> None:
    from tests.files.mesh.made import package

    read_model(package(data), FileKind.THREE_MF)


def numbers() -> list[bytes]:
    """Corners of triangles, or ends of moves."""
    import numpy as np

    from tests.files.mesh.made import box

    odd = np.array([0.0, -0.0, 1e-300, 1e9, -1e9, 1e18, np.nan, np.inf, -np.inf, 1e300, 5e8, 20.0])
    return [box().tobytes(), (box() * 1e-4 + 1e5).tobytes(), np.resize(odd, (40, 3, 3)).tobytes()]


def draw(data: bytes) -> None:
    import numpy as np

    from farm.domain.analysis import Box
    from farm.files.pictures import canvas
    from farm.files.pictures.raster import draw_model
    from farm.files.pictures.toolpath import ToolpathPicture

    canvas.WIDTH, canvas.HEIGHT = 40, 30  # most of the time would go into the PNGs
    values = np.frombuffer(data, np.float64, len(data) // 144 * 18)
    triangles = values.reshape(-1, 3, 3).copy()
    draw_model(lambda: iter([triangles]))
    size = float(len(data) % 7)
    toolpath = ToolpathPicture(Box((0, size), (0, size), (0, size)), np.array([[250.0] * 3, [np.nan] * 3]))
    toolpath.draw(triangles.reshape(-1, 6), np.arange(len(values) // 6, dtype=np.uint8) % 3)
    toolpath.picture()


def read_picture(data: bytes) -> None:
    """As far as it is drawn anew, by Pillow."""
    from farm.files.pictures.sizes import in_sizes
    from farm.files.pictures.thumbnails import picture_in

    picture = picture_in(data)
    if picture is None:
        raise Invalid("no picture")
    in_sizes(picture)


TARGETS = {
    "binary": Target(small_binaries, read_binary, with_sums),
    "meatpack": Target(
        lambda: [made.meatpack(made.TEXT * 9, spaces=even) for even in (True, False)], read_meatpack
    ),
    "heatshrink": Target(packed_texts, read_heatshrink),
    "packages": Target(packages, read_package),
    "slice_info": Target(slice_infos, read_slice_info),
    "text": Target(texts, read_text),
    "moves": Target(pieces_of_moves, read_moves),
    "moves_drawn": Target(pieces_of_moves, draw_moves),
    "thumbnails": Target(drawn, read_thumbnails, with_chunk_sums),
    "pictures": Target(pictures_drawn, read_picture, with_chunk_sums),
    "stl": Target(lambda: models(FileKind.STL), lambda data: read_model(data, FileKind.STL)),
    "obj": Target(objs, lambda data: read_model(data, FileKind.OBJ)),
    "3mf": Target(three_mfs, lambda data: read_model(data, FileKind.THREE_MF)),
    "3mf_documents": Target(documents, read_document),
    "drawing": Target(numbers, draw),
}


if __name__ == "__main__":
    be_modest(MEMORY)
    try:
        inputs, read = fuzz(TARGETS[sys.argv[1]], float(sys.argv[2]), int(sys.argv[3]))
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
    sys.stdout.write(json.dumps({"inputs": inputs, "read": read}))
