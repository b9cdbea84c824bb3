"""`farm analyse` as people and programs meet it: real files, in the worker process that the farm uses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import farm.commands.analyse as module
from farm.__main__ import main
from farm.commands.analyse import Outcome
from farm.domain.analysis import (
    BoundingBox,
    Box,
    Danger,
    Estimate,
    Filament,
    GcodeAnalysis,
    Layers,
    MeshAnalysis,
    PrintSettings,
    PrintTime,
    Slicer,
    Temperatures,
    Thumbnail,
)

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = CHECKOUT / "tests" / "data"
SENT = (
    "gcode/ps292gui_calib20_thumbs.gcode",
    "gcode/ps292gui_calib20_thumbs.bgcode",
    "gcode/made_cube20.gcode.3mf",
    "gcode/made_cube20.ufp",
    "gcode/ps292_mm2_toolchange.gcode",
    "models/cube20_bin.stl",
    "malformed/random.gcode",
    "malformed/truncated.bgcode",
)
FARM = [sys.executable, "-P", "-m", "farm", "analyse"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def analyse(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FARM, *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT, timeout=250, cwd=folder
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in SENT:
        shutil.copy(DATA / name, folder)
    shutil.copy(DATA / "gcode" / "chip6_fast.gcode", folder / "Würfel 20.gcode")
    (folder / "notes.txt").write_text("G28\n")
    return folder


@pytest.fixture(scope="module")
def lines(folder) -> dict[str, dict[str, object]]:
    """What `--json` says of each file, a broken one and a missing one among them."""
    names = sorted(path.name for path in folder.iterdir())
    done = analyse("--json", *names, "nothing.gcode", folder=folder)
    assert done.returncode == 1
    assert done.stderr == ""
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in said] == [*names, "nothing.gcode"]
    return {line["file"]: line for line in said}


pytestmark = pytest.mark.timeout(300)  # the first time of all its kernels are compiled


def test_each_file_is_told_in_a_line_of_its_own(lines):
    text = lines["ps292gui_calib20_thumbs.gcode"]

    assert text["ok"] is True
    assert text["result"]["slicer"] == {"name": "PrusaSlicer", "version": "2.9.2"}
    assert text["result"]["time_s"]["slicer"] == 1691.0
    assert [(used["mm"], used["g"]) for used in text["result"]["filament"]] == [(1989.1, None)]
    assert lines["Würfel 20.gcode"]["result"]["time_s"]["slicer"] == 10.0


def test_every_kind_is_known(lines):
    kinds = {name: line["result"]["kind"] for name, line in lines.items() if line["ok"]}

    assert kinds == {
        "Würfel 20.gcode": "gcode",
        "cube20_bin.stl": "stl",
        "made_cube20.gcode.3mf": "gcode.3mf",
        "made_cube20.ufp": "ufp",
        "ps292_mm2_toolchange.gcode": "gcode",
        "ps292gui_calib20_thumbs.bgcode": "bgcode",
        "ps292gui_calib20_thumbs.gcode": "gcode",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("random.gcode", "this is no G-code text"),
        ("truncated.bgcode", "this file is cut off"),
        ("notes.txt", "no file the farm prints"),
        ("nothing.gcode", "this file cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_one_sentence(lines, name: str, words: str):
    assert lines[name]["ok"] is False
    assert words in lines[name]["error"]
    assert set(lines[name]) == {"file", "ok", "error"}


def test_one_file_is_shown_on_a_sheet_and_its_picture_written(folder):
    done = analyse("ps292gui_calib20_thumbs.gcode", "--thumbnail", "out.png", folder=folder)

    assert done.returncode == 0, done.stderr
    assert "time, by the slicer  28 min\n" in done.stdout
    assert done.stderr == ""
    with Image.open(folder / "out.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (220, 124))


def test_process_that_cannot_be_had_is_one_sentence(tmp_path):
    (tmp_path / "cache").write_text("no folder")
    (tmp_path / "a.gcode").write_text("G28\n")
    places = dict.fromkeys(("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"), str(tmp_path / "cache"))
    done = subprocess.run(
        [*FARM, "a.gcode", "a.gcode"],
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, **places},
        cwd=tmp_path,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be made" in done.stderr


# -- without a process: what is said of what was found -------------------------------------------

FOUND = GcodeAnalysis(
    slicer=Slicer("PrusaSlicer", "2.9.2"),
    printer_model="MK4",
    time_s=PrintTime(93_780, 59),
    filament=(
        Filament(0, 1372.01, 3.3, 4.09, "PLA"),
        Filament(1, 0.0, 0.0, 0.0, "PETG"),
        Filament(2, None, 1.5),
    ),
    bounding_box=BoundingBox(printed=Box((0, 30), (10, 40.26), (0.2, 20))),
    layers=Layers(100, 0.2, 0.25),
    temperatures=Temperatures(215, 210, 60, 60),
    nozzle_mm=0.4,
    moves=10,
    extruding_moves=7,
    thumbnails=(Thumbnail(220, 124, "slicer"),),
    dangerous=(Danger(12, "M500", "keeps settings for good"),),
    warnings=("one", "two"),
    objects=("a", "b"),
)  # fmt: skip
ESTIMATE = Estimate(1359, 1786.6, 4.3, 5.33, PrintSettings())
MODEL = MeshAnalysis(
    "stl", BoundingBox(model=Box((0, 1), (0, 2), (0, 3))), 12, 6000.0, True, objects=1, estimate=ESTIMATE
)


@pytest.fixture
def says(monkeypatch, capsys):
    """The command, with its files already read."""

    def run(*outcomes: Outcome, words: tuple[str, ...] = ()) -> tuple[int, str, str]:
        async def found(paths, as_lines):
            return list(outcomes)

        monkeypatch.setattr(module, "_analyse", found)
        code = main(["analyse", *words, *(str(outcome.path) for outcome in outcomes)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_sheet_holds_everything_that_is_known(says):
    assert says(Outcome(Path("a.gcode"), FOUND)) == (0, """\
file                 a.gcode
kind                 gcode
slicer               PrusaSlicer 2.9.2
printer              MK4
time, by the slicer  1 d 2 h 3 min
time, by its moves   59 s
filament of tool 0   1.37 m, 4.1 g PLA
filament of tool 1   0 mm, 0.00 g PETG
filament of tool 2   1.50 cm3
printed size         30.0 x 30.3 x 19.8
layers               100, 0.2 mm, the first 0.25 mm
temperatures         nozzle 210 C (first layer 215 C), bed 60 C
nozzle               0.4 mm
moves                10, 7 of them extruding
objects              a, b
pictures             220 x 124
danger               line 12: M500: keeps settings for good
warning              one
warning              two
""", "")  # fmt: skip


TABLE = [
    ["FILE", "KIND", "FOR", "TIME", "FILAMENT", "SIZE (MM)", "NOTES"],
    ["a.gcode", "gcode", "MK4", "59 s", "1.37 m, 4.1 g PLA + 1.50 cm3", "30.0 x 30.3 x 19.8",
     "1 dangerous line, 2 warnings"],
    ["b.stl", "stl", "-", "about 23 min", "about 1.79 m, 5.3 g", "1.0 x 2.0 x 3.0", "-"],
]  # fmt: skip


def test_several_files_are_shown_in_a_table_and_problems_below(says):
    broken = Outcome(Path("c.gcode"), problem="this is no G-code text")
    code, out, err = says(Outcome(Path("a.gcode"), FOUND), Outcome(Path("b.stl"), MODEL), broken)

    assert (code, err) == (1, "c.gcode: this is no G-code text\n")
    assert [re.split("  +", line) for line in out.splitlines()] == TABLE


def test_model_has_a_sheet_too(says):
    assert says(Outcome(Path("b.stl"), MODEL))[1] == """\
file             b.stl
kind             stl
size             1.0 x 2.0 x 3.0
triangles        12
volume           6.00 cm3
watertight       yes
unit             mm
objects          1
time to print    about 23 min
filament for it  about 1.79 m, 5.3 g
"""  # fmt: skip


def test_picture_that_is_not_there_is_said(says, tmp_path):
    code, _, err = says(Outcome(Path("a.gcode"), FOUND), words=("--thumbnail", str(tmp_path / "out.png")))

    assert (code, err) == (1, "a.gcode holds no picture, and none can be drawn of it.\n")
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_told(capsys):
    assert main(["analyse", "a.gcode", "b.gcode", "--thumbnail", "out.png"]) == 2
    assert "one file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["analyse"])
    assert stopped.value.code == 2
