"""The languages that simulated print hosts speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from farm.simulator.host import Host
from farm.simulator.machine import Machine
from farm.simulator.moonraker.dialect import Moonraker
from farm.simulator.octoprint.dialect import OctoPrint
from farm.simulator.prusalink.dialect import PrusaLink

DIALECTS: Mapping[str, Callable[[Machine, Path, str, float, float], Host]] = {
    dialect.kind: dialect for dialect in (OctoPrint, Moonraker, PrusaLink)
}
"""What makes a host of each dialect: of a machine, a folder for its files, a key, the time, and the seconds
to add to that for those since 1970."""
