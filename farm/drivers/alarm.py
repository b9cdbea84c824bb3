"""A wait until a moment that may come closer meanwhile."""

from __future__ import annotations

import math

import trio


class Alarm:
    """Wakes the one task that sleeps by it.

    For what is due a while after each message: a deadline around each wait for a message would cost a
    printer as much as the message itself.
    """

    def __init__(self) -> None:
        self._sleep = trio.CancelScope(deadline=math.inf)

    async def sleep_until(self, moment: float) -> None:
        """Sleeps until `moment` of trio's clock, or until an earlier one that is set meanwhile."""
        self._sleep = trio.CancelScope(deadline=moment)
        with self._sleep:
            await trio.sleep_forever()

    def set(self, moment: float) -> None:
        """Whoever sleeps wakes at `moment`, unless that is before."""
        if moment < self._sleep.deadline:
            self._sleep.deadline = moment
