"""Finds the libraries of the system that PrusaLink is built and run with, or installs them where it may."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from ctypes.util import find_library
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import debian
from scripts.environment import EnvironmentFailed

LIBRARIES: Mapping[str, Callable[[], bool]] = {
    "libcap-dev": lambda: Path("/usr/include/sys/capability.h").exists(),
    "libturbojpeg0": lambda: find_library("turbojpeg") is not None,
    "libmagic1": lambda: find_library("magic") is not None,
}
"""Debian's packages, and whether what they bring is here."""


def prepare(may_install: bool) -> None:
    """Sees that the libraries are here. Raises EnvironmentFailed with what to do.

    may_install: as for `chromium.prepare`.
    """
    if sys.platform != "linux":
        raise EnvironmentFailed("PrusaLink runs on Linux alone")
    if missing() and may_install and debian.can_install():
        debian.install("PrusaLink's libraries", *missing())
    if missing():
        lacks = " ".join(missing())
        raise EnvironmentFailed(f"PrusaLink lacks libraries here: `sudo apt install {lacks}` adds them")


def missing() -> list[str]:
    """The packages whose libraries are not here."""
    return [package for package, is_here in LIBRARIES.items() if not is_here()]
