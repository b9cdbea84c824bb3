"""The line between a print host and its printer: where it dropped it is taken up again by itself, where
something stopped the printer only after a person has looked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio

from farm.domain.printer import Mode
from farm.drivers.base import Capability, Driver, Loss, Reading
from farm.errors import FarmError
from farm.printers import commands
from farm.printers.lanes import Lanes

log = structlog.get_logger(__name__)

AGAIN_S = 15.0  # between two tries

_FOR_A_PERSON = (Loss.FIRMWARE_ERROR, Loss.EMERGENCY_STOP)
"""What somebody has to look into before the machine is taken up again, whoever stopped it."""


class MachineLine:
    """Minds one printer's line, and what a person has seen to."""

    def __init__(
        self,
        printer: str,
        driver: Driver,
        lanes: Lanes,
        begin: Callable[[Callable[[], Awaitable[None]]], None],
        hold: Callable[[str], None],
    ) -> None:
        """printer: its id. begin: lets something be done beside. hold: begins nothing on the printer before
        a person has looked; told why."""
        self._printer = printer
        self._driver = driver
        self._lanes = lanes
        self._begin = begin
        self._hold = hold
        self._seen_to = ""  # the firmware error a person has cleared
        self._looked_after = False  # by a person, while nothing could be seen of the printer
        self._take_up_at = 0.0

    def see(self, reading: Reading, mode: Mode) -> None:
        """Take in one look at the printer. mode: what was decided about it."""
        if self._looked_after:
            self.looked_after(reading)
        if reading.loss is None:
            self._seen_to = ""
        elif reading.loss in _FOR_A_PERSON and mode is Mode.NORMAL:
            if reading.error != self._seen_to:
                self._hold(lost(reading))
        elif reading.loss is Loss.LINK_LOST and mode is not Mode.EMERGENCY and self._can_take_up:
            now = trio.current_time()
            if now >= self._take_up_at:
                self._take_up_at = now + AGAIN_S
                self._begin(self._take_up_again)

    def looked_after(self, reading: Reading | None) -> None:
        """A person has looked: what stopped the printer stops it no longer. reading: the newest look; None
        where there is none, then the next one shows what to go on from."""
        self._looked_after = reading is None
        if reading is not None and not reading.machine_connected:
            self._seen_to = reading.error
            if self._can_take_up:
                self._begin(self._take_up)

    def stopped(self) -> None:
        """In an emergency: what a person has looked after before is another matter."""
        self._looked_after = False

    @property
    def _can_take_up(self) -> bool:
        """Whether its host takes up its printer when it is told; others do so by themselves."""
        return Capability.TAKE_UP in self._driver.capabilities

    async def _take_up_again(self) -> None:
        """Without a person, so only a line that dropped: by now there may be an error behind it."""
        try:
            with trio.fail_after(commands.MACHINE_WITHIN_S):
                reading = await self._driver.status()
        except (FarmError, trio.TooSlowError):
            return
        if reading.loss is Loss.LINK_LOST:
            await self._take_up()

    async def _take_up(self) -> None:
        try:
            with self._lanes.until_stopped(), trio.fail_after(commands.MACHINE_WITHIN_S):
                await self._driver.connect_machine()
        except (FarmError, trio.TooSlowError) as problem:
            log.info("printer not taken up", printer=self._printer, problem=str(problem))


def lost(reading: Reading) -> str:
    """In a sentence, that there is no line, and what the host says about it."""
    what = reading.error or reading.text
    return "the print host has no connection to its printer" + (f": {what}" if what else "")
