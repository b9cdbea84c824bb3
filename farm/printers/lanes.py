"""Which of a printer's commands go out at once, and which wait for each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import trio

from farm.domain.command import NAMES, Cancel, Command, Pause, Resume
from farm.domain.printer import Printer
from farm.drivers.base import Driver, Reading
from farm.errors import Overloaded
from farm.printers import commands
from farm.printers.ends import Ends
from farm.printers.records import Accepted

log = structlog.get_logger(__name__)

MOST_COMMANDS = 8  # that wait in a lane; people who press a button ten times mean it once

_URGENT = (Pause, Resume, Cancel)
"""Sent at once, whatever else is on its way; a later one ends the wait for the one before."""


class Lanes:
    """The lanes of one printer: one for what is urgent, and one in which a command waits for its turn."""

    def __init__(
        self,
        printer: Callable[[], Printer],
        driver: Driver,
        ends: Ends,
        seen: Callable[[Callable[[Reading], bool]], Awaitable[None]],
        stopped: Callable[[], bool],
    ) -> None:
        """seen: waits for a reading like that. stopped: whether the printer was stopped in an emergency."""
        self._printer = printer
        self._driver = driver
        self._ends = ends
        self._seen = seen
        self._turn = trio.Lock()
        self._stopped = stopped
        self._overtaken = trio.CancelScope()  # of the newest urgent command, waiting to be seen
        self._first = trio.CancelScope()  # of what has to be done before an urgent command
        self._in_turn = trio.CancelScope()  # of the command whose turn it is
        self._sending: set[trio.CancelScope] = set()

    def require_room(self, command: Command) -> None:
        """Raises Overloaded where the command would have to wait its turn, and too many do already."""
        at_once = commands.is_decision(command) or isinstance(command, _URGENT)
        if not at_once and self._turn.statistics().tasks_waiting >= MOST_COMMANDS:
            name = self._printer().name
            raise Overloaded(f"{name} has {MOST_COMMANDS} commands to do already; wait for them")

    def enter(
        self, accepted: Accepted, first: Callable[[], Awaitable[str]] | None = None
    ) -> Callable[[], Awaitable[None]]:
        """What carries the command out, to be begun at once; the end is told then.

        first: what has to be done before an urgent one is sent; the problem in words, "" for none.
        """
        if not isinstance(accepted.command, _URGENT):
            return lambda: self._carry_out_in_turn(accepted)
        self._overtaken.cancel()
        self._first.cancel()
        overtaken = self._overtaken = trio.CancelScope()
        if first is None:
            return lambda: self._carry_out(accepted, overtaken)
        before = self._first = trio.CancelScope()
        return lambda: self._carry_out_after(first, before, accepted, overtaken)

    def give_way(self) -> None:
        """An emergency stop came: nothing more is sent, and nobody waits for anything any more."""
        for scope in (*self._sending, self._first, self._overtaken, self._in_turn):
            scope.cancel()

    @contextmanager
    def until_stopped(self) -> Iterator[trio.CancelScope]:
        """Around what sends something: an emergency stop cuts it off, or keeps it from being begun."""
        with trio.CancelScope() as sending:
            self._sending.add(sending)
            if self._stopped():
                sending.cancel()
            try:
                yield sending
            finally:
                self._sending.discard(sending)

    async def _carry_out_in_turn(self, accepted: Accepted) -> None:
        async with self._turn:
            if self._stopped():
                await self._ends.finish(accepted, "an emergency stop came first")
            else:
                self._in_turn = trio.CancelScope()
                await self._carry_out(accepted, self._in_turn)

    async def _carry_out_after(
        self,
        first: Callable[[], Awaitable[str]],
        before: trio.CancelScope,
        accepted: Accepted,
        overtaken: trio.CancelScope,
    ) -> None:
        problem = commands.OVERTAKEN
        with before:
            problem = await first()
        if problem:
            await self._ends.finish(accepted, problem)
        else:
            await self._carry_out(accepted, overtaken)

    async def _carry_out(self, accepted: Accepted, overtaken: trio.CancelScope) -> None:
        printer = self._printer()
        problem = await commands.carry_out(
            self._driver, accepted.command, self._seen, overtaken, self.until_stopped, printer.max_retries
        )
        name = NAMES[type(accepted.command)]
        log.info("command over", printer=printer.id, command=name, problem=problem)
        await self._ends.finish(accepted, problem)
