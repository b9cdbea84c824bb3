"""`farm optimise` as people and scripts meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.__main__ import main
from tests.files.optimise.shapes import cylinder
from tests.files.optimise.slow_reader import arcs_of_same_print

CHECKOUT = Path(__file__).resolve().parents[2]
MALFORMED = CHECKOUT / "tests" / "data" / "malformed"

pytestmark = pytest.mark.timeout(300)  # the first time of all its kernels are compiled


@pytest.fixture
def ring(tmp_path):
    path = tmp_path / "ring.gcode"
    path.write_bytes(cylinder(layers=3))
    return path


def test_it_writes_a_copy_and_says_what_was_saved(ring, tmp_path, capsys):
    assert main(["optimise", str(ring), "-o", str(tmp_path / "copy.gcode")]) == 0

    arcs = arcs_of_same_print(ring.read_bytes(), (tmp_path / "copy.gcode").read_bytes())
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["BYTES", "LINES", "MOVES", "SECONDS"]
    assert f"{len(arcs)} arcs in the place of {sum(arc.lines for arc in arcs)} lines" in said.out
    assert "read again, the copy prints the same" in said.out
    assert said.err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.gcode", "ring.gcode"]


def test_for_programs_it_answers_in_json(ring, tmp_path, capsys):
    out = tmp_path / "copy.gcode"
    assert main(["optimise", str(ring), "-o", str(out), "--json", "--tolerance", "0.01"]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert (answer["file"], answer["out"], answer["ok"]) == (str(ring), str(out), True)
    savings = answer["result"]["savings"]
    assert savings["before"] == {
        "bytes": ring.stat().st_size,
        "lines": ring.read_bytes().count(b"\n"),
        "moves": 1633,
    }
    assert savings["after"]["bytes"] == out.stat().st_size
    assert 0 < savings["deviation_mm"] <= 0.01
    assert answer["result"]["seconds"][1] == pytest.approx(answer["result"]["seconds"][0], rel=0.01)


def test_arcs_and_comments_can_be_done_without(ring, tmp_path, capsys):
    out = tmp_path / "copy.gcode"
    assert main(["optimise", str(ring), "-o", str(out), "--no-arcs", "--comments", "none"]) == 0

    assert "no arcs" in capsys.readouterr().out
    assert b"G3" not in out.read_bytes()
    assert b";" not in out.read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [("random.gcode", "stays as it is: this is no G-code text"), ("truncated.bgcode", "it is packed")],
)
def test_a_file_that_cannot_be_copied_is_left_alone(name, words, tmp_path, capsys):
    out = tmp_path / "copy.gcode"
    assert main(["optimise", str(MALFORMED / name), "-o", str(out)]) == 1
    assert words in capsys.readouterr().err

    assert main(["optimise", str(MALFORMED / name), "-o", str(out), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert words in answer["error"]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_unless_that_is_asked_for(ring, tmp_path, capsys):
    out = tmp_path / "copy.gcode"
    out.write_text("mine")

    assert main(["optimise", str(ring), "-o", str(out)]) == 1
    assert "is there already; --force" in capsys.readouterr().err
    assert out.read_text() == "mine"

    assert main(["optimise", str(ring), "-o", str(out), "--force"]) == 0
    assert out.read_bytes().count(b"G3") > 5


def test_the_original_is_never_written_over(ring, tmp_path, capsys):
    before = ring.read_bytes()
    (tmp_path / "other.gcode").hardlink_to(ring)

    for out in ("ring.gcode", "other.gcode"):
        assert main(["optimise", str(ring), "-o", str(tmp_path / out), "--force"]) == 1
        assert "never takes the place of its original" in capsys.readouterr().err
    assert ring.read_bytes() == before


@pytest.mark.parametrize(
    ("file", "out", "words"),
    [
        ("missing.gcode", "copy.gcode", "is no file"),
        ("ring.gcode", ".", "is a folder"),
        ("ring.gcode", "nowhere/copy.gcode", "cannot be written"),
    ],
)
def test_wrong_places_are_told(file, out, words, ring, tmp_path, capsys):
    assert main(["optimise", str(tmp_path / file), "-o", str(tmp_path / out)]) == 1
    assert words in capsys.readouterr().err


def test_a_copy_can_tell_its_progress_and_push_the_print_off(ring, tmp_path, capsys):
    sweep = tmp_path / "sweep.gcode"
    sweep.write_text(
        "; from the back to the front\nG1 Z{over} F900\n\nG1 X125 Y190 F6000 ; there\nG1 Y0 F1500\n"
    )
    out = tmp_path / "copy.gcode"
    ejecting = ["--eject", str(sweep), "--release", "40", "--volume", "250,210,220"]

    assert main(["optimise", str(ring), "-o", str(out), "--progress", *ejecting]) == 0

    copy = out.read_text()
    assert "M73 P0 R1\n" in copy
    assert "M190 R40\nM107\nG1 X125 Y190 F6000\nG1 Y0 F1500\n" in copy
    assert "copy" in capsys.readouterr().out

    assert main(["optimise", str(ring), "-o", str(out), "--force", *ejecting[:-1], "99,210,220"]) == 1
    assert "leaves the printer: X125" in capsys.readouterr().err
    assert main(["optimise", str(ring), "-o", str(out), "--force", *ejecting[:-2]]) == 2
    assert main(["optimise", str(ring), "-o", str(out), "--force", "--eject", "no", *ejecting[2:]]) == 1


@pytest.mark.parametrize(
    "more", [["--tolerance", "0"], ["--tolerance", "x"], ["--comments", "some"], ["--volume", "1,2"], []]
)
def test_wrong_usage_is_told(more, ring):
    arguments = ["optimise", str(ring), *more, *(["-o", "x"] if more else [])]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_its_help_loads_no_compiler():
    code = "import sys; from farm.__main__ import main\n"
    code += "try: main(['optimise', '--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'numba', 'numpy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        timeout=60,
    )
    assert done.stdout.rstrip().endswith("[]"), done.stderr
