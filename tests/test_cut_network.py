"""The network between the farm and its printers is cut without a word, and comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from farm.drivers.prusalink.driver import GENTLE

CHECKOUT = Path(__file__).resolve().parents[1]
PUSHED_WITHIN_S = 10.0  # where the peer pushes
THREE_LOOKS_S = 3 * (GENTLE.every_s + GENTLE.answer_s)  # where it is asked
BACK_WITHIN_S = 5.0  # after a cut of less than a minute
BUSY_S = 2.0  # what a busy machine may add


def needs_networks_of_its_own() -> None:
    if not sys.platform.startswith("linux") or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("makes networks with Linux's unshare and ip, which are not here")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, timeout=10).returncode:
        pytest.skip("must not make a network of its own here")


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    needs_networks_of_its_own()
    command = ["unshare", "--net", sys.executable, "-m", "tests.peers.cut_network"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "FARM_LOG__LEVEL": "error"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.timeout(180)
def test_a_printer_that_pushes_is_shown_offline_soon_and_one_that_is_asked_after_three_looks(measured):
    for name, seconds in measured["offline_s"].items():
        if name.startswith("prusalink"):
            assert seconds < THREE_LOOKS_S + BUSY_S, name
        else:
            assert seconds < PUSHED_WITHIN_S + BUSY_S, name


@pytest.mark.timeout(180)
def test_printers_are_back_soon_after_a_short_cut(measured):
    for name, seconds in measured["back_s"].items():
        assert seconds < BACK_WITHIN_S + BUSY_S, name
