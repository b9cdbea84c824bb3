"""What is compiled is that of the sources as they are, not as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.workers.kernels import KEPT, OURS, folder_for

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source.py"
    source.write_text("A = 1\n")
    return source


def test_changed_source_has_another_folder_and_the_same_one_the_same(tmp_path, source):
    before = folder_for(tmp_path, [source])
    source.write_text("A = 2\n")
    changed = folder_for(tmp_path, [source])
    source.write_text("A = 1\n")

    assert changed != before
    assert folder_for(tmp_path, [source]) == before
    assert before.parent == tmp_path


def test_only_the_newest_folders_are_kept(tmp_path, source):
    root = tmp_path / "compiled"
    others = root / "somebody_elses"
    others.mkdir(parents=True)
    os.utime(others, (0, 0))
    for state in range(3 * KEPT):
        source.write_text(f"A = {state}\n")
        folder = folder_for(root, [source])
        folder.mkdir(parents=True)
        (folder / "kernel.nbc").write_bytes(b"x")
        os.utime(folder, (state, state))

    assert len(list(root.iterdir())) == KEPT + 1
    assert others.exists()
    assert folder.exists()


def test_kernels_are_compiled_into_a_folder_below_the_one_that_is_named(tmp_path):
    code = "from farm.files.mesh.measure import measure; import numpy as np; measure([np.zeros((0, 3, 3))])"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=environment, check=True)

    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith(OURS)
    assert list(folder.rglob("*.nbc"))
