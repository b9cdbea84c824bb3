"""What there is in the demo's shop: its printers, and what people have printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from farm.domain.ejecting import Ejecting
from farm.domain.printer import SIMULATED, Address, Loaded, Printer, Profile, Simulation
from farm.domain.settings import Costs

PRINTS = tuple(sorted((Path(__file__).parent / "prints").glob("*.gcode")))
"""Test prints of our own, as the slicer wrote them; see the README beside them."""

CUSTOMERS = ("School", "Bike shop", "Museum", "Film set", "Anna", "Repair café")

COSTS = Costs("EUR", energy_per_kwh=0.32, material_per_kg=22.0, machine_per_h=0.40)

_PRUSA = Profile((250, 210, 220), 0.4, frozenset({"PLA", "PETG", "ASA"}), 290, 120, 350, 300, 100)
_MINI = replace(_PRUSA, volume_mm=(180, 180, 180), max_nozzle_degc=280, max_bed_degc=100, heat_up_w=160)
_SWEEP = ("G1 Z{over} F900", "G1 X150 Y295 F9000", "G1 Z5 F900", "G1 Y0 F3000", "M400")
_EJECTS = Ejecting(_SWEEP, 33.0, confirmed=True)  # of a simulated print nothing can come to harm
_VORON = replace(_PRUSA, volume_mm=(300, 300, 280), max_nozzle_degc=300, heat_up_w=900, printing_w=200)
_VORON = replace(_VORON, auto_eject=True, ejection=_EJECTS)
_ENDER = Profile((220, 220, 250), 0.4, frozenset({"PLA", "PETG"}), 260, 110, 350, 300, 120)
_CR10 = replace(_ENDER, volume_mm=(300, 300, 400), heat_up_w=400)


def _printer(
    id: str,
    name: str,
    speed: float,
    tags: str,
    profile: Profile,
    colour: str,
    *mishaps: dict[str, object],
    dialect: str = "octoprint",
) -> Printer:
    """speed: times real time: a print of 18 to 28 minutes takes one to three."""
    simulation = Simulation(dialect, speed, {"mishaps": list(mishaps)} if mishaps else {})
    loaded = replace(profile, loaded=(Loaded(0, "PLA", colour),))
    address = Address(SIMULATED, "", simulation=simulation)
    return Printer(id, name, address, frozenset(tags.split()), profile=loaded)


PRINTERS = (
    _printer("mk4-01", "Prusa MK4 left", 15, "mk4 window", _PRUSA, "black", dialect="prusalink"),
    _printer("mk4-02", "Prusa MK4 right", 15, "mk4 window", _PRUSA, "orange"),
    _printer("mk4-03", "Prusa MK4 new", 17, "mk4 shelf", _PRUSA, "black"),
    _printer("mini-01", "Prusa Mini", 12, "mini shelf", _MINI, "white", dialect="prusalink"),
    _printer("voron-01", "Voron 2.4", 30, "voron fast", _VORON, "red", dialect="moonraker"),
    _printer("bear-01", "Bear upgrade", 13, "mk3 shelf", replace(_PRUSA, max_bed_degc=100), "grey"),
    # These two give people something to do: one stops itself, one loses its print host.
    _printer(
        "ender-01", "Ender 3 with a loose wire", 10, "ender shelf", _ENDER, "blue",
        {"what": "firmware_error", "every_s": 420},
    ),
    _printer(
        "cr10-01", "CR-10 in the garage", 11, "ender garage", _CR10, "white",
        {"what": "restart", "every_s": 600, "for_s": 45},
    ),
)  # fmt: skip
