"""A Moonraker on the bench: the real one, with the stand-in for Klipper behind it."""

from __future__ import annotations

from farm.domain.printer import Address
from farm.drivers.moonraker.driver import MoonrakerDriver
from farm.drivers.websocket import VIGILANT, Vigilance
from tests.drivers.contract import Bench
from tests.peers.moonraker import SPEED, Moonraker


def moving_gcode(seconds: float) -> bytes:
    """G-code whose moves take the stand-in that long, a quarter of a second each."""
    moves = (
        f"G1 X{10 + 2 * (step % 2)} E0.1 F{60 * 2 * 4 / SPEED:g}\n" for step in range(round(4 * seconds))
    )
    return f"G28\nG90\nM83\nG1 X10 F6000\nM104 S50\n{''.join(moves)}".encode()


class MoonrakerBench(Bench):
    """Drives the server through its own API, faults too."""

    short = moving_gcode(seconds=1)
    long = moving_gcode(seconds=120)
    heats_to_degc = 260
    heating = b"M109 S260\nG28\n"  # some seconds at the stand-in's speed

    def __init__(self, server: Moonraker, vigilance: Vigilance = VIGILANT) -> None:
        self.server = server
        self.vigilance = vigilance

    def driver(self) -> MoonrakerDriver:
        address = Address("moonraker", self.server.url, self.server.api_key)
        return MoonrakerDriver(address, vigilance=self.vigilance)

    def stranger(self) -> MoonrakerDriver:
        return MoonrakerDriver(Address("moonraker", self.server.url, "0" * 32))

    def start_at_the_machine(self, remote_name: str) -> None:
        self.server.script(f'SDCARD_PRINT_FILE FILENAME="{remote_name}"')

    def pause_at_the_machine(self) -> None:
        self.server.script("PAUSE")

    def stop(self, kill: bool = False) -> None:
        self.server.stop(kill)

    def start(self) -> None:
        self.server.start()

    def freeze(self) -> None:
        self.server.freeze()

    def thaw(self) -> None:
        self.server.thaw()
