"""What slicers say of their files. The data are what real ones wrote."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.analysis import (
    Filament,
    GcodeAnalysis,
    Layers,
    PrintTime,
    Slicer,
    Temperatures,
    Thumbnail,
)
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.analysis import glance
from farm.files.containers.opening import open_gcode
from farm.files.containers.printable import Printable
from farm.files.slicers.ends import WINDOW, Ends
from farm.files.slicers.metadata import describe
from farm.files.slicers.remarks import Remarks, number, word

DATA = Path(__file__).parents[2] / "data"

USUAL = (215, 210, 65, 60)
LEGACY = (1272.21, 3.06, 3.79)
CUBE = ("cube20_bin.stl",)

REAL = {
    "gcode/chip6_fast.gcode": GcodeAnalysis(
        slicer=Slicer("PrusaSlicer", "2.5.0"),
        firmware="marlin2",
        time_s=PrintTime(slicer=10),
        filament=(Filament(0, 13.93, 0.03, 0.04, "PLA"),),
        layers=Layers(None, 0.3, 0.3),
        temperatures=Temperatures(200, 200, 60, 60),
        nozzle_mm=0.4,
    ),
    "gcode/ps292_calib20_klipper.gcode": GcodeAnalysis(
        slicer=Slicer("PrusaSlicer", "2.9.2"),
        printer_model="VORON24",
        firmware="klipper",
        time_s=PrintTime(slicer=38 * 60 + 8),
        filament=(Filament(0, 1899.58, 4.57, 5.67, "PLA"),),
        layers=Layers(None, 0.2, 0.25),
        temperatures=Temperatures(215, 210, 65, 60),
        nozzle_mm=0.4,
        objects=("calib20_stl",),
    ),
    "gcode/ps292_mm2_toolchange.gcode": GcodeAnalysis(
        slicer=Slicer("PrusaSlicer", "2.9.2"),
        firmware="marlin2",
        time_s=PrintTime(slicer=14 * 60 + 2),
        filament=(Filament(0, 734.45, 1.77, 2.19, "PLA"), Filament(1, 759.54, 1.83, 2.32, "PETG")),
        layers=Layers(None, 0.3, 0.35),
        temperatures=Temperatures(215, 210, 0, 60),
        nozzle_mm=0.4,
    ),
    "gcode/ps292gui_calib20_thumbs.gcode": GcodeAnalysis(  # from the window, with pictures
        slicer=Slicer("PrusaSlicer", "2.9.2"),
        firmware="marlin2",
        time_s=PrintTime(slicer=28 * 60 + 11),
        filament=(Filament(0, 1989.10, 4.78, None, "PLA"),),  # 0.00 g: its filament has no density
        layers=Layers(None, 0.3, 0.35),
        temperatures=Temperatures(200, 200, 0, 0),
        nozzle_mm=0.4,
        thumbnails=(Thumbnail(16, 16, "slicer"), Thumbnail(220, 124, "slicer")),
    ),
    "gcode/cura413_cube20.gcode": GcodeAnalysis(  # the header holds placeholders, the end the time
        slicer=Slicer("Cura", "4.13.0"),
        firmware="marlin",
        time_s=PrintTime(slicer=1161.624837),
        layers=Layers(100, 0.2, None),
        temperatures=Temperatures(nozzle_first=215, bed_first=60),
        warnings=(
            "the slicer left {machine_depth} in the G-code; look at its start and end scripts",
        ),
        objects=("cube20_bin.stl",),
    ),
    "gcode/cura50_calib20_griffin.gcode": GcodeAnalysis(
        slicer=Slicer("Cura", "5.0.0"),
        printer_model="Ultimaker 3",
        firmware="griffin",
        time_s=PrintTime(slicer=1526.809347),
        layers=Layers(100, None, None),
        temperatures=Temperatures(nozzle_first=215, bed_first=60),
        nozzle_mm=0.4,
        objects=("calib20.stl",),
    ),
    "gcode/slic3r13_cube20.gcode": GcodeAnalysis(
        slicer=Slicer("Slic3r", "1.3.0"),
        firmware="reprap",
        filament=(Filament(0, 1490.9, 3.6, 4.4, None),),
        layers=Layers(None, 0.2, 0.2),
        temperatures=Temperatures(200, 205, 0, 60),
        nozzle_mm=0.4,
    ),
    **{
        f"gcode/{name}": GcodeAnalysis(
            kind="gcode.3mf" if name.endswith(".3mf") else "gcode",
            slicer=Slicer("PrusaSlicer", version),
            firmware=firmware,
            time_s=PrintTime(slicer=seconds),
            filament=(Filament(0, *used, "PLA"),),
            layers=Layers(None, height, height),
            temperatures=Temperatures(*degc),
            nozzle_mm=0.4,
            objects=objects,
        )
        for name, version, firmware, seconds, used, height, degc, objects in [
            ("plate20_fast.gcode", "2.5.0", "marlin2", 34, (120.19, 0.29, 0.36), 0.3, (200, 200, 60, 60), ()),
            ("ps25_cube20_comments_legacy.gcode", "2.5.0", "marlin", 744, LEGACY, 0.3, USUAL, ()),
            ("ps25_cube20_marlin2_abs.gcode", "2.5.0", "marlin2", 1088, (1372.01, 3.3, 4.09), 0.2, USUAL, ()),
            ("ps25_cube20_marlin2_rel.gcode", "2.5.0", "marlin2", 1088, (1372.01, 3.3, 4.09), 0.2, USUAL, ()),
            ("ps292_cube20_smoothie.gcode", "2.9.2", "smoothie", 759, (1274.95, 3.07, 3.8), 0.3, USUAL, ()),
            ("ps292_cyl_arc_marlin2.gcode", "2.9.2", "marlin2", 1697, (2153.47, 5.18, 6.42), 0.2, USUAL, ()),
            ("ps292_sequential_two.gcode", "2.9.2", "marlin2", 1513, (2547.28, 6.13, 7.6), 0.3, USUAL, CUBE),
            ("ps292_vase.gcode", "2.9.2", "klipper", 685, (633.12, 1.52, 1.89), 0.3, USUAL, ()),
            ("made_cube20.gcode.3mf", "2.9.2", "smoothie", 759, (1274.95, 3.07, 3.8), 0.3, USUAL, ()),
        ]
    },
    "gcode/made_cube20.ufp": GcodeAnalysis(
        kind="ufp",
        slicer=Slicer("Cura", "5.0.0"),
        firmware="marlin",
        time_s=PrintTime(slicer=1127.737771),
        layers=Layers(100, 0.2, None),
        temperatures=Temperatures(nozzle_first=215, bed_first=60),
        warnings=(
            "the slicer left {machine_depth} in the G-code; look at its start and end scripts",
        ),
        objects=("cube20_bin.stl",),
    ),
    "gcode/ps292gui_calib20_thumbs.bgcode": GcodeAnalysis(
        kind="bgcode",
        slicer=Slicer("PrusaSlicer", "2.9.2"),
        printer_model="MK4",
        firmware="marlin2",
        time_s=PrintTime(slicer=28 * 60 + 11),
        filament=(Filament(0, 1989.10, 4.78, None, "PLA"),),
        layers=Layers(None, 0.3, 0.35),
        temperatures=Temperatures(200, 200, 0, 0),
        nozzle_mm=0.4,
        thumbnails=(Thumbnail(16, 16, "slicer"), Thumbnail(220, 124, "slicer")),
    ),
}  # fmt: skip


def kind(name: str) -> FileKind:
    return FileKind(name.partition(".")[2])


@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "gcode").iterdir()))
def test_what_a_slicer_wrote_is_read(name: str):
    path = DATA / "gcode" / name

    assert glance(path, kind(name)).result == REAL[f"gcode/{name}"]


CUT_OFF = "the end of the file, where PrusaSlicer sums up, is missing; was it cut off on its way?"
DOUBT = "the printing time in this file cannot be true, so it counts as unknown"

MALFORMED = {
    "arcs_r_form.gcode": (),
    "bom_utf8.gcode": (),
    "crlf.gcode": (),
    "empty.gcode": "there is no G-code in this file",
    "inches_g20.gcode": (),
    "metadata_lies.gcode": (DOUBT,),
    "only_comments.gcode": "there is no G-code in this file",
    "random.gcode": "this is no G-code text",
    "relative_g91.gcode": (),
    "thumb_bad_base64.gcode": (),
    "thumb_unterminated.gcode": (),
    "truncated.bgcode": "cut off, its end is missing",
    "truncated_mid_line.gcode": (CUT_OFF,),
    "weird_numbers.gcode": (),
}
"""Of each file the reason why it is refused, or the warnings it is read with."""


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_file_is_refused_in_words_or_read_with_a_warning(name: str):
    path = DATA / "malformed" / name
    if isinstance(expected := MALFORMED[name], str):
        with pytest.raises(Invalid, match=expected):
            glance(path, kind(name))
    else:
        assert glance(path, kind(name)).result.warnings == expected


def test_no_malformed_file_is_left_out():
    there = {path.name for path in (DATA / "malformed").iterdir() if path.suffix in (".gcode", ".bgcode")}

    assert there == set(MALFORMED)


def read(path: Path) -> GcodeAnalysis:
    with open_gcode(path, FileKind.GCODE) as file:
        return describe(file)


def of_text(content: bytes) -> GcodeAnalysis:
    ends = Ends(content, content, complete=True)
    return describe(Printable(io.BytesIO(content), len(content), ends, Remarks.at(ends)))


def said(text: str) -> GcodeAnalysis:
    return of_text(text.encode() + b"\nG28\n")


ORCA = """\
; HEADER_BLOCK_START
; generated by OrcaSlicer 2.3.1 on 2026-10-06 at 12:32:49
; total layer number: 100
; filament_density: 1.24
; max_z_height: 20.00
; HEADER_BLOCK_END
G28
; filament used [mm] = 1174.80, 0.00
; filament used [cm3] = 2.83, 0.00
; filament used [g] = 3.53, 0.00
; total filament used [g] = 3.53
; total layers count = 100
; estimated printing time (normal mode) = 1h 19m 52s
; estimated first layer printing time (normal mode) = 1m 2s

; CONFIG_BLOCK_START
; bed_temperature_difference = 10
; curr_bed_type = Textured PEI Plate
; filament_type = PETG;PLA
; gcode_flavor = klipper
; hot_plate_temp = 55,55
; hot_plate_temp_initial_layer = 55,55
; initial_layer_print_height = 0.25
; layer_height = 0.2
; nozzle_diameter = 0.6
; nozzle_temperature = 245,220
; nozzle_temperature_initial_layer = 250,220
; printer_model = Voron 2.4 350
; textured_plate_temp = 70,60
; textured_plate_temp_initial_layer = 75,60
; CONFIG_BLOCK_END
"""


def test_orcaslicer_is_read():
    assert said(ORCA) == GcodeAnalysis(
        slicer=Slicer("OrcaSlicer", "2.3.1"),
        printer_model="Voron 2.4 350",
        firmware="klipper",
        time_s=PrintTime(slicer=4792),
        filament=(Filament(0, 1174.8, 2.83, 3.53, "PETG"), Filament(1, 0, 0, 0, "PLA")),
        layers=Layers(100, 0.2, 0.25),
        temperatures=Temperatures(250, 245, 75, 70),
        nozzle_mm=0.6,
    )


def test_header_of_bambu_studio_is_read():
    read = said(
        "; BambuStudio 02.03.00.70\n"
        "; model printing time: 1m 39s; total estimated time: 9m 22s\n"
        "; total layer number: 1\n"
        "; total filament length [mm] : 32.85\n"
        "; total filament volume [cm^3] : 79.01\n"
        "; total filament weight [g] : 0.10\n"
    )

    assert read.slicer == Slicer("BambuStudio", "02.03.00.70")
    assert read.time_s.slicer == 9 * 60 + 22
    assert read.filament == (Filament(0, 32.85, None, 0.10, None),)
    assert read.layers.count == 1


def test_header_of_cura_from_its_window_is_read():
    read = said(
        ";FLAVOR:Marlin\n;TIME:7036\n;Filament used: 1.20047m, 0.5m\n;Layer height: 0.2\n"
        ";TARGET_MACHINE.NAME:Creality Ender-3\n;Generated with Cura_SteamEngine 5.4.0\n"
        "M140 S60\nM190 S60\nM104 S150\nM109 S200\n;LAYER_COUNT:1\n;LAYER:0\nM104 S195\n"
        ";TIME_ELAPSED:7036.12\n"
    )

    assert read.time_s.slicer == 7036
    assert read.filament == (Filament(0, 1200.47), Filament(1, 500.0))
    assert read.printer_model == "Creality Ender-3"
    assert read.temperatures == Temperatures(nozzle_first=200, bed_first=60)


SUPERSLICER = """\
; generated by SuperSlicer 2.5.59 on 2025-08-26 at 10:51:42 UTC
; object:{"name":"snap_lid","id":"snap_lid.stl id:0 copy 0"}
G28
; printing object snap_lid.stl id:0 copy 0
; filament used [mm] = 1052.3
; filament used [cm3] = 2.5
; filament used [g] = 3.2
; estimated printing time (normal mode) = 17m 6s
; estimated printing time (silent mode) = 17m 7s
; bed_temperature = 90
; filament_type = PETG
; first_layer_bed_temperature = 105
; first_layer_height = 50%
; first_layer_temperature = 240
; gcode_flavor = marlin
; layer_height = 0.2
; nozzle_diameter = 0.4
; printer_model = MK3S
; temperature = 235
"""


def test_superslicer_is_read():
    assert said(SUPERSLICER) == GcodeAnalysis(
        slicer=Slicer("SuperSlicer", "2.5.59"),
        printer_model="MK3S",
        firmware="marlin",
        time_s=PrintTime(slicer=1026),
        filament=(Filament(0, 1052.3, 2.5, 3.2, "PETG"),),
        layers=Layers(None, 0.2, 0.1),
        temperatures=Temperatures(240, 235, 105, 90),
        nozzle_mm=0.4,
        objects=("snap_lid.stl",),
    )


def test_bambu_studio_names_the_filaments_it_counts():
    read = said(
        "; BambuStudio 02.03.00.70\n; total filament length [mm] : 1000.5,20\n"
        "; total filament weight [g] : 3.0,0.06\n; filament: 1,3\n; filament_type = PLA;PETG;ABS\n"
    )

    assert read.filament == (
        Filament(0, 1000.5, None, 3.0, "PLA"),
        Filament(1, 0.0, None, 0.0, "PETG"),
        Filament(2, 20.0, None, 0.06, "ABS"),
    )


SIMPLIFY3D_4 = """\
; G-Code generated by Simplify3D(R) Version 4.1.2
; Jul 15, 2020 at 3:14:15 PM
; Settings Summary
;   processName,Process1
;   extruderName,Primary Extruder
;   extruderDiameter,0.6
;   layerHeight,0.3
;   firstLayerHeightPercentage,90
;   temperatureName,Extruder 1,Heated Bed
;   temperatureSetpointTemperatures,210,60
;   printMaterial,PLA
G28
; Build Summary
;   Build time: 2 hours 40 minutes
;   Filament length: 5610.0 mm (5.61 m)
;   Plastic volume: 13495.50 mm^3 (13.50 cc)
;   Plastic weight: 16.87 g (0.04 lb)
;   Material cost: 0.78
"""

SIMPLIFY3D_5 = """\
; G-Code generated by Simplify3D(R) Version 5.1.2
;   nozzleDiameter,0.4
;   layerHeight,0.2
;   temperatureController,Primary Extruder
;   temperatureType,extruder
;   temperatureSetpoints,1|220
;   temperatureController,Heated Bed
;   temperatureType,platform
;   temperatureSetpoints,1|65
G28
;   Build Time: 1 hour 2 min 3 sec
;   Material Length: 120.5 mm (0.12 m)
;   Material Weight: 2.5 g (0.01 lb)
"""


def test_simplify3d_is_read():
    assert said(SIMPLIFY3D_4) == GcodeAnalysis(
        slicer=Slicer("Simplify3D", "4.1.2"),
        time_s=PrintTime(slicer=9600),
        filament=(Filament(0, 5610, 13.495, 16.87, "PLA"),),
        layers=Layers(None, 0.3, 0.27),
        temperatures=Temperatures(nozzle_first=210, bed_first=60),
        nozzle_mm=0.6,
    )
    assert said(SIMPLIFY3D_5) == GcodeAnalysis(
        slicer=Slicer("Simplify3D", "5.1.2"),
        time_s=PrintTime(slicer=3723),
        filament=(Filament(0, 120.5, None, 2.5),),
        layers=Layers(None, 0.2),
        temperatures=Temperatures(nozzle_first=220, bed_first=65),
        nozzle_mm=0.4,
    )


def test_sum_of_several_extruders_is_taken_for_none_of_them():
    text = SIMPLIFY3D_4.replace("Primary Extruder\n", "Left Extruder,Right Extruder\n")

    assert said(text).filament is None


IDEAMAKER = """\
;Sliced by ideaMaker 5.4.2.8790, 2025-08-09 10:27:06 UTC+0800
;Dimension: 305.000 305.000 605.000 0.400 0.600
;Filament Diameter #1: 1.750
;Filament Diameter #2: 1.750
;Filament Type #1: PLA
;Filament Type #2: PETG
;Filament Density #1: 1250.000
;Printer Type: RAISE3D Pro2 Plus - Hyper Speed
M140 S60
M190 S60
M109 T1 S240
M109 T0 S205
;LAYER:0
;Z:0.300
;HEIGHT:0.300
G1 X1
;LAYER:1
;Z:0.500
;HEIGHT:0.200
;LAYER:2
;HEIGHT:0.250
;Print Time: 5028
;Material#1 Used: 868.0
;Material#2 Used: 0.0
"""


def test_ideamaker_is_read():
    assert said(IDEAMAKER) == GcodeAnalysis(
        slicer=Slicer("ideaMaker", "5.4.2.8790"),
        printer_model="RAISE3D Pro2 Plus",
        time_s=PrintTime(slicer=5028),
        filament=(Filament(0, 868, None, 2.61, "PLA"), Filament(1, 0, None, None, "PETG")),
        layers=Layers(None, 0.2, 0.3),
        temperatures=Temperatures(nozzle_first=205, bed_first=60),
        nozzle_mm=0.4,
    )


KIRIMOTO = """\
; Generated by Kiri:Moto 4.1.4
; Bed left:0 right:220 top:220 bottom:0
; Target: Any.Generic.Marlin
; --- process ---
; sliceHeight = 0.25
; firstSliceHeight = 0.3
; firstLayerNozzleTemp = 220
; firstLayerBedTemp = 65
; outputTemp = 210
; outputBedTemp = 60
G28
; --- shutdown ---
; --- filament used: 1234.5 mm ---
; --- print time: 5400s ---
"""


def test_kirimoto_is_read():
    assert said(KIRIMOTO) == GcodeAnalysis(
        slicer=Slicer("Kiri:Moto", "4.1.4"),
        time_s=PrintTime(slicer=5400),
        filament=(Filament(0, 1234.5),),
        layers=Layers(None, 0.25, 0.3),
        temperatures=Temperatures(220, 210, 65, 60),
    )


@pytest.mark.parametrize(
    ("line", "slicer"),
    [
        ("; generated by PrusaSlicer 2.9.2 on 2026-11-23", Slicer("PrusaSlicer", "2.9.2")),
        ("; generated by Slic3r Prusa Edition 1.41.3+x on y", Slicer("Slic3r Prusa Edition", "1.41.3+x")),
        (";Generated with Cura_SteamEngine main", Slicer("Cura")),
        (";Generated with Cura_SteamEngine 5.4.0", Slicer("Cura", "5.4.0")),
        ("; generated by by by", Slicer("by")),
        (f"; generated by {'x' * 500}", Slicer("x" * 60)),
        ("; generated by", None),
        ("; by Mara", None),
    ],
)  # fmt: skip
def test_slicer_is_known_by_the_line_it_writes(line: str, slicer: Slicer | None):
    assert said(line).slicer == slicer


def test_heir_of_a_known_slicer_is_read_as_that():
    read = said(
        "; generated by CrealityPrint 6.1 on x\n; estimated printing time (normal mode) = 1m 1s\n"
        "; nozzle_temperature = 230\n; filament used [mm] = 10\n"
    )

    assert (read.time_s.slicer, read.temperatures.nozzle) == (61, 230)
    assert read.filament == (Filament(0, 10.0),)


def test_objects_are_named_once():
    assert said("; printing object a.stl id:0 copy 0\n; printing object a.stl id:0 copy 1\n").objects == (
        "a.stl",
    )
    assert said(";MESH:b.stl\n;MESH:NONMESH\n;MESH:c.stl\n;MESH:b.stl\n").objects == ("b.stl", "c.stl")
    assert said("EXCLUDE_OBJECT_DEFINE NAME='a b' CENTER=1,2\nEXCLUDE_OBJECT_DEFINE NAME=c").objects == (
        "a b",
        "c",
    )
    assert said('; objects_info = {"objects":[{"name":"d"},{"name":5}]}\n').objects == ()


def test_tool_that_prints_says_the_temperatures():
    read = said(
        "; filament used [mm] = 0.00, 759.54\n; temperature = 210,230\n; first_layer_temperature = 215,240\n"
        "; nozzle_diameter = 0.4,0.6\n"
    )

    assert (read.temperatures.nozzle_first, read.temperatures.nozzle) == (240, 230)
    assert read.nozzle_mm == 0.6


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("28s", 28), ("1m 0s", 60), ("1h 58m 28s", 7108), ("2d 1h 0m 5s", 176_405), ("1d", 86_400),
        ("0s", None), ("", None), ("soon", None), ("999999d 99h 99m 99s", None), ("9" * 5000 + "s", None),
        ("1h " + " " * 8000 + "x", None), ("-5m", None),
    ],
)  # fmt: skip
def test_printing_time_in_words_is_seconds(text: str, seconds: float | None):
    assert said(f"; estimated printing time (normal mode) = {text}").time_s.slicer == seconds


def test_lies_are_left_out_and_said():
    read = said(
        "; estimated printing time (normal mode) = 999999d 99h 99m 99s\n; filament used [mm] = -5\n"
        "; filament used [g] = nan\n;TIME:-1\n;LAYER_COUNT:9999999999\n; layer_height = 0\n"
        "; temperature = 9000\n; nozzle_diameter = inf\n; first_layer_height = 1e309\n"
    )

    assert read == GcodeAnalysis(warnings=(DOUBT,))


@pytest.mark.parametrize("digits", [30, 400, 5000])
def test_number_of_many_digits_is_no_mistake_of_ours(digits: int):
    """Python makes no number of some, and infinity of others."""
    many = "9" * digits
    texts = (
        f"; thumbnail begin 1x1 {many}\n; AAAA\n; thumbnail end\n",
        f";Generated with Cura_SteamEngine 5\nM104 T{many} S{many}\nM109 S200\n;LAYER:0\n",
        f"; estimated printing time (normal mode) = {many}d\n;LAYER_COUNT:{many}\n;TIME:{many}\n",
        f"; generated by Slic3r 1.3.0\n; filament used = {many}mm ({many}cm3)\n; layer_height = {many}\n",
    )
    for text in texts:
        assert said(text).time_s.slicer is None
    assert said(texts[1]).temperatures == Temperatures(nozzle_first=200)


def test_what_a_hand_wrote_is_all_unknown():
    assert said("; a cube, by Mara\nG1 X10") == GcodeAnalysis()


def test_first_layer_in_percent_is_of_the_layer():
    assert said("; layer_height = 0.2\n; first_layer_height = 150%").layers == Layers(None, 0.2, 0.3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no G-code in this file"),
        (b"; only\n; comments\n", "no G-code in this file"),
        (bytes(range(256)) * 10, "no G-code text"),
        (b"GCDE" + bytes(100), "call it .bgcode"),
        ("G28\nG1 X10\n".encode("utf-16"), "no G-code text"),
    ],
)
def test_what_is_no_gcode_is_said(content: bytes, words: str):
    with pytest.raises(Invalid, match=words):
        of_text(content)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_as_they_like(end: bytes):
    content = end.join([b"; generated by PrusaSlicer 2.9.2 on x", b"G28", b"; layer_height = 0.2", b""])

    read = of_text(content)

    assert (read.slicer, read.layers.height_mm) == (Slicer("PrusaSlicer", "2.9.2"), 0.2)


def test_names_are_fit_to_be_shown():
    read = said(f"; printer_model = <b>\x1b[31m{'x' * 500}\n; filament_type = ;\u202e;{'P' * 500}")

    assert read.printer_model == "<b>[31m" + "x" * 73
    assert read.filament == (Filament(0), Filament(1), Filament(2, material="P" * 80))


@given(st.binary(max_size=3000))
def test_no_bytes_bring_it_down(content: bytes):
    for text in (content, b"G28\n" + content.replace(b"\0", b""), b";" + content.replace(b"\n", b"\n;")):
        try:
            of_text(text)
        except Invalid:
            continue


_KEYS = ["filament used [mm]", "estimated printing time", "layer_height", "temperature", "filament_type"]


@given(
    st.sampled_from(_KEYS),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    st.sampled_from([" = ", ":", "=", ": "]),
)
def test_no_value_brings_it_down(key: str, value: str, mark: str):
    said(f"; {key}{mark}{value}")
    said(f";{key.upper()}{mark}{value}")


@pytest.mark.parametrize(
    "line",
    [
        b"; a" + b" " * 8000 + b"x\n", b"; a=" + b" =" * 4000 + b"\n", b"{a}" * 80_000, b"\n", b";\n",
        b"; thumbnail begin 1x1 4\n", b"; estimated printing time = 1h" + b" 1m" * 2000 + b"\n",
        b"G1 X1 ; " + b"{" * 8000 + b"\n", b"M109 S" * 4000, b"; generated by " + b"v1 " * 2000 + b"\n",
        b"; filament used = 1.1" + b".1" * 3000 + b"mm\n",
    ],
    ids=lambda line: line[:24].decode(),
)  # fmt: skip
def test_no_file_keeps_it_busy(line: bytes):
    """Patterns that go back and forth over a long line could hold a processor for minutes."""
    content = b"G28\n" + (line * (WINDOW // len(line) + 1))[:WINDOW]
    begun = time.process_time()

    of_text(content)

    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), (" 5.5 ", 5.5), ("-1", None), ("11", None), ("nan", None), ("x", None)]
)
def test_number_is_one_that_can_be_true(text: str, value: float | None):
    assert number(text, most=10) == value


def test_word_of_nothing_is_none():
    assert word(' "" ') is None


# -- the two ends


def test_large_file_is_read_at_its_ends_only(tmp_path: Path):
    head = b"; generated by PrusaSlicer 2.9.2 on x\nG28\n"
    foot = b"; filament used [mm] = 5\n; estimated printing time (normal mode) = 1h\n"
    path = tmp_path / "large.gcode"
    path.write_bytes(head + b"G1 X1 Y1 ; temperature = 1\n" * 100_000 + foot)

    with open_gcode(path, FileKind.GCODE) as file:
        ends = file.ends

    assert not ends.complete
    assert len(ends.head) <= WINDOW
    assert len(ends.foot) <= WINDOW
    assert ends.head.endswith(b"\n")
    assert ends.foot.startswith(b"G1 ")
    assert read(path) == GcodeAnalysis(
        slicer=Slicer("PrusaSlicer", "2.9.2"), time_s=PrintTime(slicer=3600), filament=(Filament(0, 5.0),)
    )


def test_time_of_an_early_layer_is_not_taken_for_the_whole(tmp_path: Path):
    path = tmp_path / "cura.gcode"
    path.write_bytes(b";TIME:6666\n;LAYER:0\nG28\n;TIME_ELAPSED:60\n" + b"G1 X1 Y1\n" * 100_000)

    assert read(path).time_s.slicer is None


def test_mark_in_front_is_passed_over(tmp_path: Path):
    path = tmp_path / "marked.gcode"
    path.write_bytes(b"\xef\xbb\xbf; generated by Slic3r 1.3.0 on x\nG28\n")

    assert read(path).slicer == Slicer("Slic3r", "1.3.0")
