"""The emergency stop of one printer: sent at once, again where it was lost, and told to who asked for it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from farm.actors import Later
from farm.domain.printer import Printer
from farm.drivers.base import Capability, Driver
from farm.errors import ActorFailed, FarmError, PrinterUnreachable
from farm.printers.messages import Halted

log = structlog.get_logger(__name__)

STOP_WITHIN_S = 4.0  # for one try of an emergency stop; drivers give up before
STOP_TRIES = 3  # of an emergency stop: a lost packet must not leave it unsent
AGAIN_AFTER_S = 1.0  # a host that is just starting refuses at once, and would all of them

WHY = {
    Halted.STOPPED: "stopped in an emergency; look at it before you go on",
    Halted.ONLY_CANCELLED: (
        "its print was cancelled in an emergency, and it can be told no more: its heaters may stay on; "
        "switch it off at the plug, and look at it before you go on"
    ),
}


class EmergencyStops:
    """Those that were asked for and not answered yet."""

    def __init__(self, printer: Callable[[], Printer], driver: Driver, wanted: Callable[[], bool]) -> None:
        """wanted: whether it is still to be stopped; a person may have looked, and gone on with it."""
        self._printer = printer
        self._driver = driver
        self._wanted = wanted
        self._pending: list[Later[Halted]] = []

    @property
    def comes_to(self) -> Halted:
        """What an emergency stop comes to on this kind of printer."""
        stops = Capability.EMERGENCY_STOP in self._driver.capabilities
        return Halted.STOPPED if stops else Halted.ONLY_CANCELLED

    def wish(self) -> Later[Halted]:
        """The answer to one, for which `send` is to be begun at once."""
        later: Later[Halted] = Later()
        self._pending.append(later)
        return later

    async def send(self, later: Later[Halted]) -> None:
        """Send it, and answer who asked."""
        printer = self._printer()
        problem: FarmError = PrinterUnreachable(f"{printer.name} was not reached")
        for attempt in range(STOP_TRIES):
            if attempt:
                await trio.sleep(AGAIN_AFTER_S)
            if attempt and not self._wanted():
                later.fail(problem)
                break
            try:
                with trio.fail_after(STOP_WITHIN_S):
                    await self._driver.emergency_stop()
            except FarmError as error:
                problem = error
            except trio.TooSlowError:
                problem = PrinterUnreachable(f"{printer.name} did not answer")
            else:
                later.give(self.comes_to)
                break
        else:
            log.error("emergency stop not sent", printer=printer.id, problem=str(problem))
            later.fail(problem)
        self._pending.remove(later)

    def give_up(self) -> None:
        """The printer's actor ends."""
        for later in self._pending:
            later.fail(ActorFailed(f"{self._printer().name}: its actor failed; look at the printer"))
