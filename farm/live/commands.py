"""What one client tells printers through its connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from farm.live.protocol import Command

MOST = 16  # commands under way; a person has two hands


class Commands:
    """Carries commands out: to each printer one after the other, to several printers at once.

    So the order a person meant is kept, and a printer that hangs holds up no other.
    """

    def __init__(self, carry_out: Callable[[Command], Awaitable[None]]) -> None:
        self._carry_out = carry_out
        self._waiting: dict[str, deque[Command]] = {}

    def take(self, command: Command, nursery: trio.Nursery) -> bool:
        """Carry this out when its turn comes; False when too many are under way already."""
        if sum(map(len, self._waiting.values())) >= MOST:
            return False
        waiting = self._waiting.get(command.printer)
        if waiting is None:
            self._waiting[command.printer] = deque([command])
            nursery.start_soon(self._work_off, command.printer)
        else:
            waiting.append(command)
        return True

    async def _work_off(self, printer: str) -> None:
        waiting = self._waiting[printer]
        while waiting:
            await self._carry_out(waiting[0])
            waiting.popleft()
        del self._waiting[printer]
