"""Finds the Chromium for the browser tests, or installs the system's own where it may."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import debian
from scripts.environment import EnvironmentFailed

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ELSEWHERE = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "Google/Chrome/Application/chrome.exe",
)


def prepare(may_install: bool) -> Path:
    """The browser's program. Raises EnvironmentFailed with what to do.

    may_install: whether the system's package may be installed. That changes the machine, so it is for runs
    that require every peer, and only where we are root on a Debian.
    """
    found = find()
    if found is None and may_install and debian.can_install():
        debian.install("Chromium", "chromium")
        found = find()
    if found is None:
        raise EnvironmentFailed("no Chromium here: install one, or name its program in FARM_CHROMIUM")
    return found


def find() -> Path | None:
    """The program that FARM_CHROMIUM names, else the first one found in the usual places."""
    named = os.environ.get("FARM_CHROMIUM")
    if named:
        return Path(named) if Path(named).exists() else None
    on_path = (shutil.which(name) for name in NAMES)
    candidates = [*(Path(program) for program in on_path if program), *ELSEWHERE]
    return next((program for program in candidates if program.exists()), None)
