"""Rings when facts were committed, for those who wait for them without a socket."""

from __future__ import annotations

import trio

from farm.errors import Overloaded

MOST_WAITING = 200  # each reads the table when it rings


class Bell:
    """One for the whole farm. Take `next` first, then look, and wait only when nothing is there yet."""

    def __init__(self) -> None:
        self._next = trio.Event()
        self._waiting = 0
        self._silent = False

    @property
    def next(self) -> trio.Event:
        """Set when it rings the next time."""
        return self._next

    def ring(self) -> None:
        """Facts were committed."""
        rung = self._next
        if not self._silent:
            self._next = trio.Event()
        rung.set()

    def fall_silent(self) -> None:
        """The farm stops: nobody waits any longer, now or later."""
        self._silent = True
        self.ring()

    async def wait(self, event: trio.Event, deadline: float) -> bool:
        """Whether `event`, taken from `next` before, was set by the deadline. Raises Overloaded."""
        if self._waiting >= MOST_WAITING:
            raise Overloaded(f"{MOST_WAITING} programs wait for facts already; use the live socket instead")
        self._waiting += 1
        try:
            with trio.move_on_at(deadline):
                await event.wait()
        finally:
            self._waiting -= 1
        return event.is_set() and not self._silent
