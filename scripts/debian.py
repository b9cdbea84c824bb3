"""The system's own packages, for runs that may change the machine: as root, on a Debian."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import environment


def can_install() -> bool:
    """Whether packages can be installed here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(what: str, *packages: str) -> None:
    """Install packages; `what` they are is for the sentence. Raises EnvironmentFailed."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    environment.run_quietly("renewing the list of packages", ["apt-get", "update", "-qq"], quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    environment.run_quietly(f"installing {what}", command, quiet)
