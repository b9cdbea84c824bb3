"""What somebody decided about a printer: it holds at once, and is kept as soon as the database can."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import structlog
import trio

from farm.domain.clock import WallClock
from farm.domain.printer import MODES, Mode
from farm.domain.transitions import require as require_transition
from farm.domain.user import Principal
from farm.errors import FarmError
from farm.printers import records
from farm.printers.ends import Ends
from farm.printers.records import Accepted
from farm.store.audit import Stamp
from farm.store.database import Database

log = structlog.get_logger(__name__)

TRY_AGAIN_S = 1.0  # a decision that is not kept yet: a restart would forget it


@dataclass(frozen=True, slots=True)
class Decision:
    """accepted: the command by which a person wanted it; None when nobody did."""

    mode: Mode
    why: str
    by: Principal
    accepted: Accepted | None = None


class Decisions:
    """The mode of one printer, and who decided on it last."""

    def __init__(self, printer: str, ends: Ends, database: Database, clock: WallClock) -> None:
        """printer: its id."""
        self.mode, self.why = Mode.NORMAL, ""
        self._printer = printer
        self._ends = ends
        self._database = database
        self._clock = clock
        self._unkept: Decision | None = None  # not in the database yet

    def remember(self, mode: Mode, why: str) -> None:
        """As it was decided in an earlier life."""
        self.mode, self.why = mode, why

    def take(self, decision: Decision) -> None:
        """From now on it holds; `keep` is to be begun. Raises ValueError for a mode that cannot follow."""
        self.mode, self.why = require_transition(MODES, self.mode, decision.mode), decision.why
        self._unkept = decision

    async def keep(self, decision: Decision) -> None:
        """Keep it, however long that takes, unless another comes first."""
        while self._unkept is decision:
            try:
                await self._write(decision)
            except FarmError as problem:
                log.warning("mode not kept yet", printer=self._printer, problem=str(problem))
                await trio.sleep(TRY_AGAIN_S)
        if decision.accepted is not None and self._ends.is_owed(decision.accepted):
            await self._ends.finish(decision.accepted, "overtaken by a later decision")

    async def leave_word(self) -> None:
        """Whoever comes after us has to know what was decided."""
        if self._unkept is not None:
            with suppress(FarmError):
                await self._write(self._unkept)

    async def _write(self, decision: Decision) -> None:
        """Keep a decision, together with the end of its command: told once, however often this is tried."""
        stamp = Stamp.of(decision.by, self._clock())
        owed = None if decision.accepted is None else self._ends.settle(decision.accepted)
        try:
            await self._database.write(
                records.decide, self._printer, decision.mode, decision.why, owed, stamp
            )
        except FarmError:
            if owed is not None:
                self._ends.owe(owed)
            raise
        if self._unkept is decision:
            self._unkept = None
