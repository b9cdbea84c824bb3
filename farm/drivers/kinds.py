"""The driver of each kind of print host in `PRINT_HOSTS`: a new kind is added here and there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from farm.domain.file import FileKind
from farm.domain.printer import Address
from farm.drivers.base import Capability, Driver
from farm.drivers.http import PATIENT, Patience
from farm.drivers.moonraker.driver import MoonrakerDriver
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.drivers.prusalink.driver import PrusaLinkDriver


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is driven. make: a driver for an address, which trusts as told; it has `capabilities`."""

    make: Callable[[Address, Patience, str], Driver]
    capabilities: frozenset[Capability]


KINDS: Mapping[str, Kind] = {
    "moonraker": Kind(MoonrakerDriver, MoonrakerDriver.capabilities),
    "octoprint": Kind(OctoPrintDriver, OctoPrintDriver.capabilities),
    "prusalink": Kind(PrusaLinkDriver, PrusaLinkDriver.capabilities),
}


def capabilities_at(address: Address) -> frozenset[Capability]:
    """What the driver for this address can do, also where the farm simulates the printer."""
    return KINDS[address.simulation.dialect if address.simulation else address.kind].capabilities


def kinds_for(address: Address) -> frozenset[FileKind]:
    """The kinds of files that a printer at this address prints as they are."""
    binary = Capability.BINARY_GCODE in capabilities_at(address)
    return frozenset({FileKind.GCODE, FileKind.BINARY_GCODE} if binary else {FileKind.GCODE})


def make_driver(address: Address, patience: Patience = PATIENT) -> Driver:
    """A driver for the printer at this address. Raises Invalid when that or its key cannot be used."""
    return KINDS[address.kind].make(address, patience, address.tls)
