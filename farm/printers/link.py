"""Keeps a printer in sight: connects, watches, and when it is gone tries again, for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog
import trio

from farm.domain.clock import Randomness
from farm.domain.printer import Breaker
from farm.drivers.base import Driver, Identity, Reading
from farm.errors import Forbidden, PrinterUnreachable, ProtocolError

log = structlog.get_logger(__name__)

CONNECT_WITHIN_S = 10.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 10.0  # with jitter: back within 5 s after a cut shorter than a minute
HURRY_FOR_S = 60.0  # after a loss the delays stay short for so long: most cuts are
LONGEST_HURRIED_S = 4.0
SILENT_S = 90.0  # longer than any driver looks for its printer before it says itself that it is gone
WRONG_KEY_S = 60.0  # knocking with a key that is not taken gets farms locked out


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what the link finds. Nothing here may wait.

    lost: why, and for how many seconds nothing is tried. breaker: as the circuit breaker stands.
    """

    online: Callable[[Identity], None]
    seen: Callable[[Reading], None]
    lost: Callable[[str, float], None]
    breaker: Callable[[Breaker], None]


class Link:
    """The connection loop of one printer. A printer that is away is a state, not an error."""

    def __init__(self, name: str, driver: Driver, chance: Randomness, ears: Ears) -> None:
        self._name = name
        self._driver = driver
        self._chance = chance
        self._ears = ears
        self._failures = 0
        self._lost_at = trio.current_time()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            problem = await self._hold()
            self._failures += 1
            if self._failures == 1:
                self._lost_at = trio.current_time()
                continue  # one try at once: a host that only restarted its socket is back already
            delay_s = self._delay_s(problem)
            self._ears.lost(str(problem), delay_s)
            await trio.sleep(delay_s)
            self._ears.breaker(Breaker.HALF_OPEN)

    async def _hold(self) -> Exception:
        """Connect and watch until the printer is lost. Returns why it was."""
        try:
            with trio.fail_after(CONNECT_WITHIN_S):
                identity = await self._driver.connect()
        except (PrinterUnreachable, ProtocolError, Forbidden) as problem:
            return problem
        except trio.TooSlowError:
            return PrinterUnreachable(f"{self._name} does not answer")
        self._failures = 0
        self._ears.online(identity)
        try:
            await self._watch()
        except (PrinterUnreachable, ProtocolError, Forbidden) as problem:
            return problem

    async def _watch(self) -> NoReturn:
        """Watch until the printer is lost; a driver that has stopped looking counts as a loss too."""
        with trio.move_on_after(SILENT_S) as patience:

            def seen(reading: Reading) -> None:
                patience.deadline = trio.current_time() + SILENT_S
                self._ears.seen(reading)

            await self._driver.watch(seen)
        raise PrinterUnreachable(f"nothing was seen of {self._name} for {SILENT_S:.0f} s")

    def _delay_s(self, problem: Exception) -> float:
        if isinstance(problem, Forbidden):
            return WRONG_KEY_S
        hurried = trio.current_time() - self._lost_at < HURRY_FOR_S
        longest = LONGEST_HURRIED_S if hurried else LONGEST_RETRY_S
        delay_s = min(longest, FIRST_RETRY_S * 2.0 ** min(self._failures - 2, 10))
        return delay_s * self._chance.uniform(0.5, 1.0)
