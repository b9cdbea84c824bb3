"""How long others have printed on a printer: its rods wear whoever started it."""

from __future__ import annotations

import structlog
import trio

from farm.domain.clock import WallClock
from farm.errors import FarmError
from farm.store import maintenance
from farm.store.database import Database

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 300.0
LONGEST_UNSEEN_S = 60.0  # between two looks: what happened in a longer gap nobody knows


class ForeignTime:
    """Adds up what was seen; the prints of the farm are counted with their end, see `store.prints`."""

    def __init__(self, printer: str, database: Database, clock: WallClock) -> None:
        self._printer = printer
        self._database = database
        self._clock = clock
        self._seen_at: float | None = None  # printing, for somebody else
        self._seconds = 0.0

    def see(self, printing: bool) -> None:
        """printing: whether it prints, at this moment, what the farm did not start."""
        if not printing and self._seen_at is None:  # as nearly always
            return
        now = trio.current_time()
        if self._seen_at is not None and now - self._seen_at <= LONGEST_UNSEEN_S:
            self._seconds += now - self._seen_at
        self._seen_at = now if printing else None

    async def run(self) -> None:
        """Keep it now and then, until cancelled."""
        while True:
            await trio.sleep(KEEP_EVERY_S)
            await self.keep()

    async def keep(self) -> None:
        """Write down what is not written yet; what cannot be written now is the next time."""
        seconds, self._seconds = self._seconds, 0.0
        if not seconds:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._database.write(maintenance.count, self._printer, seconds, self._clock())
        except FarmError as problem:
            self._seconds += seconds
            log.warning("printed hours not kept yet", printer=self._printer, problem=str(problem))
