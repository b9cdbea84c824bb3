"""Deletes from one printer the files of prints that are over: when it has nothing else to do.

What is owed stands in the database, so that a crash, a lost answer or a printer that is away only delays it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from farm.domain.clock import WallClock
from farm.domain.printer import Printer
from farm.drivers.base import Capability, Driver
from farm.errors import FarmError, Refused
from farm.store import remote_files
from farm.store.database import Database
from farm.store.remote_files import LeftThere

log = structlog.get_logger(__name__)

REST_S = 5.0  # after an end: print hosts write down what became of a file a moment later
LOOK_EVERY_S = 600.0  # for files that were kept for some days, and those that were in use
DELETE_WITHIN_S = 10.0
LOOK_UP_WITHIN_S = 10.0  # in the database
MOST_AT_ONCE = 20


class Tidying:
    """Goes on beside everything else that a printer's actor does, and gives way to all of it."""

    def __init__(
        self,
        printer: Printer,
        driver: Driver,
        database: Database,
        clock: WallClock,
        is_calm: Callable[[], bool],
    ) -> None:
        """is_calm: whether the printer is there and has nothing to do."""
        self._printer = printer
        self._driver = driver
        self._database = database
        self._clock = clock
        self._is_calm = is_calm
        self._woken = trio.Event()
        self._round = trio.CancelScope()

    def soon(self) -> None:
        """There may be something to delete."""
        self._woken.set()

    def give_way(self) -> None:
        """Something else is to be done now. A deletion that was sent may still be carried out."""
        self._round.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        if Capability.DELETE not in self._driver.capabilities:
            return
        while True:
            with trio.move_on_after(LOOK_EVERY_S):
                await self._woken.wait()
            await trio.sleep(REST_S)
            self._woken = trio.Event()
            with trio.CancelScope() as self._round:
                await self._delete_what_is_due()

    async def _delete_what_is_due(self) -> None:
        try:
            while self._is_calm():
                with trio.fail_after(LOOK_UP_WITHIN_S):
                    due = await self._database.read(
                        remote_files.due, self._printer.id, self._clock(), MOST_AT_ONCE
                    )
                deleted = [await self._delete(file) for file in due if self._is_calm()]
                if not any(deleted):  # or nothing was due
                    return
        except (FarmError, trio.TooSlowError) as problem:  # the next round begins anew
            log.info("files left on printer", printer=self._printer.id, problem=str(problem))

    async def _delete(self, file: LeftThere) -> bool:
        """Whether the file is gone; not while somebody prints it."""
        try:
            with trio.fail_after(DELETE_WITHIN_S):
                await self._driver.delete(file.name)
        except Refused as refusal:
            log.info("file kept on printer", printer=self._printer.id, file=file.name, why=str(refusal))
            return False
        with trio.fail_after(LOOK_UP_WITHIN_S):
            await self._database.write(remote_files.gone, file.print)
        log.info("file deleted from printer", printer=self._printer.id, file=file.name)
        return True
