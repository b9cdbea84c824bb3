"""What is left out of imports, and for how long."""

from __future__ import annotations

import subprocess
import sys

import pytest

from farm.workers.imports import without

KERNELS_AND_THEN = (
    "import sys, farm.files.gcode.survey\n"
    "print([name for name in ('scipy', 'coverage', 'trimesh', 'lxml', 'PIL') if name in sys.modules])\n"
    "import scipy.linalg; print(scipy.linalg.norm([3, 4]))"
)


def test_what_is_left_out_is_missing_meanwhile_and_there_afterwards():
    sys.modules.pop("colorsys", None)
    with without("colorsys", "json"):
        import json  # which is here already

        with pytest.raises(ImportError):
            import colorsys
    import colorsys

    assert colorsys.rgb_to_hsv(1, 1, 1)[2] == json.loads("1")


def test_a_mistake_meanwhile_leaves_nothing_out_for_ever():
    sys.modules.pop("colorsys", None)
    with pytest.raises(KeyError), without("colorsys"):
        raise KeyError
    import colorsys

    assert colorsys.hsv_to_rgb(0, 0, 1) == (1, 1, 1)


def test_g_code_is_read_without_what_only_models_and_plans_need():
    ended = subprocess.run(
        [sys.executable, "-c", KERNELS_AND_THEN], check=True, capture_output=True, text=True
    )
    assert ended.stdout.split("\n")[:2] == ["[]", "5.0"]
