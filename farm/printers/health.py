"""Asks one printer, now and then, whether it still answers: what it pushes by itself does not say so.

A print host that is asked every few seconds anyway (PrusaLink, and an OctoPrint behind a proxy that lets no
push socket through) shows it with each of these looks, at a pace of its kind's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from farm.domain.clock import Randomness
from farm.drivers.alarm import Alarm
from farm.drivers.base import Capability
from farm.errors import FarmError, Forbidden
from farm.printers.guarded import GuardedDriver

ANSWER_WITHIN_S = 10.0


class HealthCheck:
    """What comes of it counts in the circuit breaker, like any other request."""

    def __init__(
        self,
        driver: GuardedDriver,
        chance: Randomness,
        interval_s: float,
        can_be_seen: Callable[[], bool],
        lose_key: Callable[[str], None],
    ) -> None:
        """can_be_seen: others look for a printer that is lost. lose_key: told why our key is not taken."""
        self._driver = driver
        self._chance = chance
        self._interval_s = interval_s
        self._can_be_seen = can_be_seen
        self._lose_key = lose_key
        self._due_at = math.inf
        self._alarm: Alarm | None = None

    def set_interval(self, interval_s: float) -> None:
        """Ask this often from now on."""
        self._interval_s = interval_s
        if self._alarm is not None:
            self._due_at = self._next_at()
            self._alarm.set(self._due_at)

    async def run(self) -> None:
        """Until cancelled."""
        if Capability.PUSH not in self._driver.capabilities:
            return
        self._alarm = Alarm()
        while True:
            self._due_at = self._next_at()
            await self._alarm.sleep_past(lambda: self._due_at)
            if self._can_be_seen():
                await self._ask()

    def _next_at(self) -> float:
        return trio.current_time() + self._interval_s * self._chance.uniform(0.9, 1.1)

    async def _ask(self) -> None:
        try:
            with trio.fail_after(ANSWER_WITHIN_S):
                await self._driver.check()
        except Forbidden as refusal:
            self._lose_key(str(refusal))
        except (FarmError, trio.TooSlowError):
            pass  # the breaker has counted it, and says why when it opens
