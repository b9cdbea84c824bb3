"""Keeps a printer in sight: watches, and when it is gone tries again, for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog
import trio

from farm.domain.clock import Randomness
from farm.drivers.base import Driver, Reading
from farm.errors import Forbidden, PrinterUnreachable, ProtocolError
from farm.printers.breaker import LONGEST_REST_S, CircuitBreaker, rest_s
from farm.printers.turnstile import Turnstile

log = structlog.get_logger(__name__)

SEEN_WITHIN_S = 10.0  # from the first request until the first look at the printer
AGAIN_WITHIN_S = 1.2  # the try right after a loss: what takes longer is shown as lost meanwhile
AT_ONCE_S = 0.3  # until the first new try, with jitter: a switch that restarts loses half the shop
HURRY_FOR_S = 60.0  # after a loss the rests stay short for so long, as most cuts are: then it is back
LONGEST_HURRIED_S = 3.0  # within 5 s after a cut shorter than that, what hangs at that moment included
CALM_S = 5.0  # a printer seen for so long is back; one that is lost again before rests ever longer
SILENT_S = 90.0  # longer than any driver looks for its printer before it says itself that it is gone
ABOUT_S = 10.0  # finer, and moving the alarm would cost as much as a look at the printer
WRONG_KEY_S = 60.0  # knocking with a key that is not taken gets farms locked out


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what the link finds. Nothing here may wait.

    online: the printer is there, and not for a moment only; told before it is seen. lost: why.
    """

    online: Callable[[], None]
    seen: Callable[[Reading], None]
    lost: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Loss:
    """Why a printer was lost. A value and no error: an error keeps all that went on when it was raised, and
    while hundreds rest that makes each collection of garbage stop the loop for longer."""

    words: str
    wrong_key: bool = False

    @classmethod
    def of(cls, problem: Exception) -> _Loss:
        return cls(str(problem), isinstance(problem, Forbidden))


class Link:
    """The connection loop of one printer. A printer that is away is a state, not an error."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        breaker: CircuitBreaker,
        turnstile: Turnstile,
        chance: Randomness,
        ears: Ears,
    ) -> None:
        self._name = name
        self._driver = driver
        self._breaker = breaker
        self._turnstile = turnstile
        self._chance = chance
        self._ears = ears
        self._patience = self._rest = trio.CancelScope()
        self._is_doubted = False  # what it shows, and whether its line still stands
        self._refusal = ""
        self._failures = 0  # without CALM_S in between
        self._lost_at = trio.current_time()

    def lose_key(self, refusal: str) -> None:
        """Our key is not taken any more: the printer is lost, whatever it still pushes."""
        self._refusal = refusal
        self._patience.cancel()

    def look_anew(self) -> None:
        """Connect anew, now: the computer slept, or the like, and nobody knows what became of the line.

        That is no loss. A printer that was lost is tried at once, too.
        """
        self._is_doubted = True
        self._failures = 0
        self._patience.cancel()
        self._rest.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            loss = await (self._hold_in_turn() if self._failures == 0 else self._hold(lambda: None))
            if self._is_doubted:
                continue
            self._failures += 1
            if self._failures == 1:
                self._lost_at = trio.current_time()
                await self._rest_for(self._chance.uniform(0, AT_ONCE_S))
                continue  # a host that only restarted its socket is back already
            delay_s = self._delay_s(loss)
            self._breaker.lose(loss.words, delay_s)
            self._ears.lost(loss.words)
            await self._rest_for(delay_s)

    async def _rest_for(self, seconds: float) -> None:
        with trio.move_on_after(seconds) as self._rest:
            await trio.sleep_forever()

    async def _hold_in_turn(self) -> _Loss:
        """Hold it, beginning when not too many others do. Further tries come each at their own time."""
        place = await self._turnstile.enter()
        try:
            return await self._hold(place.leave)
        finally:
            place.leave()

    async def _hold(self, connected: Callable[[], None]) -> _Loss:
        """Watch until the printer is lost. Returns why. connected: told when it is seen."""
        seen = False

        def on_first_look() -> None:
            nonlocal seen
            seen = True
            connected()
            self._breaker.find()
            if self._failures < 2:
                self._ears.online()

        try:
            await self._watch(on_first_look)
        except ProtocolError as problem:
            return _Loss.of(problem if seen else await self._asked_who_it_is(problem))
        except (PrinterUnreachable, Forbidden) as problem:
            return _Loss.of(problem)

    async def _watch(self, on_first_look: Callable[[], None]) -> NoReturn:
        """Watch until the printer is lost; a driver that has stopped looking counts as a loss too."""
        began = trio.current_time()
        seen = self._is_doubted = False
        self._refusal = ""
        with trio.move_on_after(AGAIN_WITHIN_S if self._failures == 1 else SEEN_WITHIN_S) as self._patience:

            def look(reading: Reading) -> None:
                nonlocal seen
                now = trio.current_time()
                if self._patience.deadline < now + SILENT_S:
                    self._patience.deadline = now + SILENT_S + ABOUT_S
                if not seen:
                    seen = True
                    on_first_look()
                if self._failures and now - began >= CALM_S:
                    self._failures = 0
                    self._ears.online()
                self._ears.seen(reading)

            await self._driver.watch(look)
        if self._refusal:
            raise Forbidden(self._refusal)
        if not seen:
            raise PrinterUnreachable(f"{self._name} does not answer")
        raise PrinterUnreachable(f"nothing was seen of {self._name} for {SILENT_S:.0f} s")

    async def _asked_who_it_is(self, problem: ProtocolError) -> Exception:
        """What is wrong with a host that cannot be watched: asked who it is, it may say more of itself."""
        try:
            with trio.fail_after(SEEN_WITHIN_S):
                await self._driver.identify()
        except (ProtocolError, Forbidden) as better:
            return better
        except (PrinterUnreachable, trio.TooSlowError):
            pass
        return problem

    def _delay_s(self, loss: _Loss) -> float:
        if loss.wrong_key:
            return WRONG_KEY_S
        hurried = trio.current_time() - self._lost_at < HURRY_FOR_S
        return rest_s(self._failures - 1, self._chance, LONGEST_HURRIED_S if hurried else LONGEST_REST_S)
