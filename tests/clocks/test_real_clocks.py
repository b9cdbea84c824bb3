"""The clocks as they really are, set for one process by libfaketime where that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farm.platform import lived_s

CHECKOUT = Path(__file__).resolve().parents[2]
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
LIBRARY = os.environ.get("FARM_FAKETIME") or (str(LIBRARIES[0]) if LIBRARIES else "")

PROGRAM = """
import sys, trio
from pathlib import Path
from farm.clocks.looks import Look, gap
from farm.domain.clock import real_clock
from farm.platform import lived_s

def look():
    return Look(real_clock().timestamp(), trio.current_time(), lived_s())

async def run():
    for offset in sys.argv[2:]:
        before = look()
        Path(sys.argv[1]).write_text(offset)
        await trio.sleep(1)
        found = gap(before, look(), 1)
        print(0 if found is None else round(found.set_by_s), found is not None and found.slept_s)

trio.run(run)
"""


def test_what_the_computer_lived_goes_on_with_the_other_clocks():
    began, lived = time.monotonic(), lived_s()
    time.sleep(0.05)
    assert lived_s() - lived == pytest.approx(time.monotonic() - began, abs=0.5)


@pytest.mark.skipif(not LIBRARY, reason="libfaketime is not installed (apt install libfaketime)")
def test_a_clock_that_is_set_under_a_running_process_is_seen_and_moves_no_deadline(tmp_path):
    stamp = tmp_path / "stamp"
    stamp.write_text("+0")
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-c", PROGRAM, str(stamp), "+0", "+86400", "-3600", "+0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0 False", "86400 0.0", "-90000 0.0", "3600 0.0"]
