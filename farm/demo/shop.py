"""What there is in the demo's shop: its printers, and what people have printed."""

from __future__ import annotations

from pathlib import Path

from farm.domain.printer import SIMULATED, Address, Printer, Simulation

PRINTS = tuple(sorted((Path(__file__).parent / "prints").glob("*.gcode")))
"""Test prints of our own, as the slicer wrote them; see the README beside them."""

CUSTOMERS = ("School", "Bike shop", "Museum", "Film set", "Anna", "Repair café")


def _printer(id: str, name: str, speed: float, *tags: str, mishap: str = "", every_s: float = 0) -> Printer:
    mishaps = [{"what": mishap, "every_s": every_s, "for_s": 45}] if mishap else []
    simulation = Simulation(speed=speed, faults={"mishaps": mishaps} if mishaps else {})
    return Printer(id, name, Address(SIMULATED, "", simulation=simulation), frozenset(tags))


PRINTERS = (
    _printer("mk4-01", "Prusa MK4 left", 15, "mk4", "window"),
    _printer("mk4-02", "Prusa MK4 right", 15, "mk4", "window"),
    _printer("mk4-03", "Prusa MK4 new", 17, "mk4", "shelf"),
    _printer("mini-01", "Prusa Mini", 12, "mini", "shelf"),
    _printer("voron-01", "Voron 2.4", 30, "voron", "fast"),
    _printer("bear-01", "Bear upgrade", 13, "mk3", "shelf"),
    # These two give people something to do: one stops itself, one loses its print host.
    _printer(
        "ender-01", "Ender 3 with a loose wire", 10, "ender", "shelf", mishap="firmware_error", every_s=420
    ),
    _printer("cr10-01", "CR-10 in the garage", 11, "ender", "garage", mishap="restart", every_s=600),
)
"""A print of 18 to 28 minutes takes one to three."""
