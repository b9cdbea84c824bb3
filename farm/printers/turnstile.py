"""Lets printers be connected to a few at a time: a thousand at once would keep each other from being done.

A start, or a network that comes back, wants every printer at the same moment. Each costs a few milliseconds
of work, and all of them together so many seconds that the first ones' deadlines would pass meanwhile.
"""

from __future__ import annotations

import trio

MOST = 64  # printers that are being connected to at the same time
TURN_S = 0.05
CALM_S = 1.0
PATIENCE_TURNS = 10  # half a second where nothing else goes on; on a busy loop a turn takes longer


class Turnstile:
    """Who waits comes in by order of arrival, as soon as there is a place.

    One that keeps us waiting gives its place up: printers that are switched off never hold up the others
    for long. Patience is counted in turns of the loop, so that it does not run out because we are busy.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._inside: dict[Place, int] = {}  # and the turn in which each came
        self._turn = 0
        self._came = 0
        self._next_turn_at = 0.0
        self._first_in_line = trio.Lock()
        self._freed = trio.Event()

    async def enter(self) -> Place:
        """Wait for a place; it is left with `leave`."""
        async with self._first_in_line:
            while len(self._inside) >= self._most:
                with trio.move_on_at(self._next_turn_at):
                    await self._freed.wait()
                if trio.current_time() >= self._next_turn_at:
                    self._next_turn_at = trio.current_time() + TURN_S
                    self._turn += 1
                    self._show_out()
            place = Place(self)
            self._inside[place] = self._turn
            self._came += 1
            return place

    async def calm(self) -> None:
        """Wait until nobody is in line, and nobody has come in for CALM_S: all have had their turn."""
        came = -1
        while self._came != came or self._first_in_line.locked():
            came = self._came
            await trio.sleep(CALM_S)

    def leave(self, place: Place) -> None:
        if self._inside.pop(place, None) is not None:
            self._freed.set()
            self._freed = trio.Event()

    def _show_out(self) -> None:
        for place, came in list(self._inside.items()):
            if self._turn - came >= PATIENCE_TURNS:
                del self._inside[place]


class Place:
    """A place at the turnstile."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile

    def leave(self) -> None:
        """Let the next one in. Leaving twice is harmless."""
        self._turnstile.leave(self)
