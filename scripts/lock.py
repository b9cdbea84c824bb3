"""Renews the lock files: every package with its version and the hashes of its files.

    python3 scripts/lock.py              after pyproject.toml or a peer's .in file changed
    python3 scripts/lock.py --upgrade    also moves every package to its newest version

Needs `uv` on the PATH (https://docs.astral.sh/uv/). Only whoever changes the dependencies runs this;
installing from the locks needs nothing but pip.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import environment
from scripts.environment import CHECKOUT, EnvironmentFailed

LOCKS: dict[str, list[str]] = {
    "requirements.txt": ["pyproject.toml"],
    "requirements-test.txt": ["pyproject.toml", "--extra", "test"],
    "scripts/peers/moonraker.txt": ["scripts/peers/moonraker.in"],
    "scripts/peers/octoprint.txt": ["scripts/peers/octoprint.in"],
    "scripts/peers/printrun.txt": [
        "scripts/peers/printrun.in",
        "--no-deps",
    ],  # to read G-code it needs none
    "scripts/peers/prusalink.txt": ["scripts/peers/prusalink.in"],
    "scripts/peers/river.txt": ["scripts/peers/river.in"],
}
"""Each lock file, and what it is made from."""


def main(arguments: list[str]) -> int:
    """Makes every lock of LOCKS. Arguments are passed on to `uv pip compile`."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    uv = shutil.which("uv")
    if uv is None:
        raise EnvironmentFailed(
            "`uv` is not on the PATH. Install it (https://docs.astral.sh/uv/) and run this again."
        )
    # One lock for every system and Python we support; the header would hold this machine's command line.
    how = [
        "--universal",
        f"--python-version=3.{environment.OLDEST[1]}",
        "--generate-hashes",
        "--no-strip-extras",  # older pips look for a package with extras apart from the one without
        "--no-header",
        "-q",
    ]
    for lock, sources in LOCKS.items():
        environment.say(f"renewing {lock}")
        command = [uv, "pip", "compile", *how, *arguments, *sources, "-o", lock]
        if subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise EnvironmentFailed(f"{lock} was not renewed; uv said why above.")
    return 0


if __name__ == "__main__":
    environment.run_script(main)
