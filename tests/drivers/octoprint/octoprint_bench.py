"""An OctoPrint on the bench: the real one, or a simulated one that speaks its API."""

from __future__ import annotations

from farm.domain.printer import Address
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.drivers.websocket import VIGILANT, Vigilance
from tests.drivers.contract import Bench
from tests.peers.octoprint import OctoPrint, slow_gcode


class OctoPrintBench(Bench):
    """Drives the server through its own API, faults too."""

    short = slow_gcode(seconds=2)
    long = slow_gcode(seconds=120)
    heats_to_degc = 65
    heating = b"M109 S65\nG28\n"  # 1 to 5 s; the virtual printer does not know M108

    def __init__(self, server: OctoPrint, vigilance: Vigilance = VIGILANT) -> None:
        self.server = server
        self.vigilance = vigilance

    def driver(self) -> OctoPrintDriver:
        address = Address("octoprint", self.server.url, self.server.api_key)
        return OctoPrintDriver(address, vigilance=self.vigilance)

    def stranger(self) -> OctoPrintDriver:
        return OctoPrintDriver(Address("octoprint", self.server.url, "0" * 32))

    def start_at_the_machine(self, remote_name: str) -> None:
        path, body = f"/api/files/local/{remote_name}", {"command": "select", "print": True}
        assert self.server.request("POST", path, body).status_code == 204

    def pause_at_the_machine(self) -> None:
        self.server.debug("action_pause")

    def stop(self, kill: bool = False) -> None:
        self.server.stop(kill)

    def start(self) -> None:
        self.server.start()

    def freeze(self) -> None:
        self.server.freeze()

    def thaw(self) -> None:
        self.server.thaw()
