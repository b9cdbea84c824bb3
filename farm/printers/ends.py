"""Commands that a printer has taken on. Each is owed one end, which is told once, whatever comes."""

from __future__ import annotations

import structlog

from farm.domain.clock import WallClock
from farm.domain.command import Command, SendGcode
from farm.domain.user import Principal
from farm.drivers.exchange import one_line
from farm.errors import FarmError
from farm.printers import records
from farm.printers.console import Console, Kind
from farm.printers.records import Accepted
from farm.store.audit import Stamp
from farm.store.database import Database

log = structlog.get_logger(__name__)

LEFT_ALONE = "nobody was left to see it through; look whether it was done"


class Ends:
    """The ends that are still to be told of one printer's commands."""

    def __init__(self, printer: str, console: Console, database: Database, clock: WallClock) -> None:
        """printer: its id."""
        self._printer = printer
        self._console = console
        self._database = database
        self._clock = clock
        self._owed: dict[str, Accepted] = {}

    def accept(self, command_id: str, command: Command, by: Principal) -> Accepted:
        """From now on its end has to be told."""
        accepted = Accepted(command_id, command, by)
        self.owe(accepted)
        if isinstance(command, SendGcode):
            for line in command.lines:
                self._console.add(self._clock(), Kind.SENT, one_line(line), str(by))
        return accepted

    def owe(self, accepted: Accepted) -> None:
        self._owed[accepted.id] = accepted

    def settle(self, accepted: Accepted) -> Accepted | None:
        """Whoever asks this tells its end, and nobody else; None where somebody has."""
        return self._owed.pop(accepted.id, None)

    def is_owed(self, accepted: Accepted) -> bool:
        return accepted.id in self._owed

    async def finish(self, accepted: Accepted, problem: str) -> None:
        """problem: "" when it went well."""
        self.settle(accepted)
        if problem and isinstance(accepted.command, SendGcode):
            self._console.add(self._clock(), Kind.FAILED, problem)
        stamp = Stamp.of(accepted.by, self._clock())
        try:
            await self._database.write(records.finish_command, self._printer, accepted, problem, stamp)
        except FarmError as trouble:  # the printer did it all the same
            log.warning("end of a command not kept", printer=self._printer, problem=str(trouble))

    async def leave_word(self) -> None:
        """The printer's actor ends: who waits for a command has to look for themselves."""
        for accepted in list(self._owed.values()):
            await self.finish(accepted, LEFT_ALONE)
