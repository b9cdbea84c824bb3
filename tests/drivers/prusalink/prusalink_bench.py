"""A PrusaLink on the bench: the real one, with a stand-in for its MK3."""

from __future__ import annotations

from farm.domain.printer import Address
from farm.drivers.prusalink.driver import PrusaLinkDriver, Rhythm
from tests.drivers.contract import Bench
from tests.peers.prusalink import PrusaLink, gcode

QUICK = Rhythm(every_s=0.5, sending_s=0.5, answer_s=1.5, again_s=0.3, over_s=3.0)


class PrusaLinkBench(Bench):
    """Drives the server through its own API, and its printer by hand."""

    short = gcode(seconds=5, moves_a_s=30)
    long = gcode(seconds=120)
    heats_to_degc = 250
    heating = gcode(seconds=5, before="M109 S250")
    lost_within_s = 3 * QUICK.every_s + 1.5
    noticed_within_s = 3 * (QUICK.answer_s + QUICK.every_s) + 1.5

    def __init__(self, server: PrusaLink) -> None:
        self.server = server

    def driver(self) -> PrusaLinkDriver:
        server = self.server
        address = Address("prusalink", server.url, username=server.username, password=server.password)
        return PrusaLinkDriver(address, rhythm=QUICK)

    def stranger(self) -> PrusaLinkDriver:
        return PrusaLinkDriver(Address("prusalink", self.server.url, "0" * 16), rhythm=QUICK)

    def start_at_the_machine(self, remote_name: str) -> None:
        answer = self.server.request("POST", f"/api/v1/files/local/{remote_name}")
        assert answer.status_code == 204, answer.text

    def pause_at_the_machine(self) -> None:
        self.server.mk3.do("pause")

    def stop(self, kill: bool = False) -> None:
        self.server.stop(kill)

    def start(self) -> None:
        self.server.start()

    def freeze(self) -> None:
        self.server.freeze()

    def thaw(self) -> None:
        self.server.thaw()
