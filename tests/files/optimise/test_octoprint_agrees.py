"""What the real OctoPrint finds in a copy is what it finds in the original."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.files.optimise.shapes import cylinder
from tests.peers.programs import program

DATA = Path(__file__).parents[2] / "data" / "gcode"

READS = """
import json, sys
from octoprint.util.gcodeInterpreter import gcode

for path in sys.argv[1:]:
    read = gcode()
    read.load(path)
    print(json.dumps(read.get_result()))
"""


@pytest.mark.octoprint
def test_its_interpreter_finds_the_same_filament_and_the_same_box(tmp_path, optimised):
    python = next(program("OctoPrint").parent.glob("python*"))
    texts = {path.name: path.read_bytes() for path in sorted(DATA.glob("*.gcode"))}
    texts |= {"cylinder.gcode": cylinder(), "cylinder_rel.gcode": cylinder(counted=False)}
    paths = []
    arcs = 0
    for name, text in texts.items():
        copy, savings = optimised(text)
        arcs += savings.arcs
        for kind, content in (("original", text), ("copy", copy)):
            paths.append(tmp_path / f"{kind}_{name}")
            paths[-1].write_bytes(content)

    done = subprocess.run(
        [python, "-c", READS, *paths], check=True, capture_output=True, text=True, timeout=120
    )

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(paths)
    assert arcs > 20
    for name, was, now in zip(texts, found[::2], found[1::2], strict=True):
        assert now["extrusion_length"] == pytest.approx(was["extrusion_length"], abs=0.001), name
        assert now["printing_area"] == pytest.approx(was["printing_area"], abs=0.051), name
        assert was["printing_area"]["maxX"] > 0, name
