"""The files that a worker gets ready with: whatever is compiled for a real one must be compiled for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from farm.domain.file import FileKind
from farm.files.analysis import analyse
from farm.files.samples import SAMPLES

CHECKOUT = Path(__file__).parents[2]
DATA = CHECKOUT / "tests" / "data"
REAL = (
    *("models/cube20_bin.stl", "models/cube20_ascii.stl", "models/cube20.obj", "models/two_parts.3mf"),
    *("gcode/plate20_fast.gcode", "gcode/ps292_cyl_arc_marlin2.gcode"),
)


@pytest.mark.parametrize(("kind", "content"), SAMPLES)
def test_every_sample_is_a_sound_file(tmp_path, kind, content):
    path = tmp_path / "sample"
    path.write_bytes(content)

    result = analyse(path, kind).result

    if kind.is_model:
        assert (result.triangles, result.watertight, result.warnings[1:]) == (4, True, ())


def test_nothing_is_left_to_compile_for_a_real_file(tmp_path):
    """In a process of its own: other tests have compiled all there is."""
    code = f"from tests.files.test_samples import newly_compiled; print(newly_compiled({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "{}"


def newly_compiled(folder: str) -> dict[str, int]:
    """Which kernels real models need for which the samples have compiled nothing."""
    for kind, content in SAMPLES:
        path = Path(folder, f"sample.{kind}")
        path.write_bytes(content)
        analyse(path, kind)
    before = compiled()
    for name in REAL:
        analyse(DATA / name, FileKind(name.rpartition(".")[2]))
    return {name: count for name, count in compiled().items() if count != before.get(name)}


def compiled() -> dict[str, int]:
    """How many kinds of arguments each kernel was compiled for."""
    return {
        f"{module}.{name}": len(value.signatures)
        for module in sorted(sys.modules)
        if module.startswith("farm.files.")
        for name, value in vars(sys.modules[module]).items()
        if hasattr(value, "signatures")
    }
