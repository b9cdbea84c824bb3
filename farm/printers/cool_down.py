"""Teaches how long a printer's bed takes from the end of a print until it lets go of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio

from farm.domain.clock import WallClock
from farm.domain.durations import Phase
from farm.domain.printer import Temperature
from farm.errors import FarmError
from farm.printers.phases import Cooling
from farm.store import durations
from farm.store.database import Database

log = structlog.get_logger(__name__)


class CoolDown:
    """Watches over the bed after the print that was printed last."""

    def __init__(
        self,
        printer: str,
        database: Database,
        clock: WallClock,
        begin: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        """printer: its id. begin: lets something be done beside."""
        self._printer = printer
        self._database = database
        self._clock = clock
        self._begin = begin
        self._cooling: Cooling | None = None

    def begin(self, print_id: str) -> None:
        """A print came out well just now."""
        self._cooling = Cooling(print_id, trio.current_time())

    def give_up(self) -> None:
        """Something was missed."""
        self._cooling = None

    def see(self, bed: Temperature | None) -> None:
        """Take in one look at the bed; None where nothing of it is told."""
        cooling = self._cooling
        if cooling is None:
            return
        goes_on = cooling.see(trio.current_time(), bed)
        took_s = cooling.took_s(bed) if goes_on else None
        if took_s is not None:
            print_id, lasted_s = cooling.print, took_s
            self._begin(lambda: self._keep(print_id, lasted_s))
        if not goes_on or took_s is not None:
            self._cooling = None

    async def _keep(self, print_id: str, took_s: float) -> None:
        try:
            await self._database.write(
                durations.teach, print_id, self._printer, Phase.COOL, took_s, self._clock()
            )
        except FarmError as problem:  # others will teach it
            log.info("time to cool down not kept", printer=self._printer, problem=str(problem))
