"""The circuit breaker of one printer: a host that does not answer is left alone for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import trio

from farm.domain.clock import Randomness, WallClock
from farm.domain.printer import Breaker
from farm.errors import (
    Forbidden,
    NotFound,
    PrinterUnreachable,
    ProtocolError,
    Refused,
    TooLarge,
    WrongFileType,
)

MOST_FAILURES = 3  # requests in a row without a sound answer; a busy host misses one now and then
FIRST_REST_S, LONGEST_REST_S = 0.5, 10.0
_ANSWERS = (Refused, NotFound, Forbidden, TooLarge, WrongFileType)
LONG_S = 5.0  # an answer for which somebody waited so long and then gave up counts as missing


def rest_s(failures: int, chance: Randomness, longest_s: float = LONGEST_REST_S) -> float:
    """How long to leave a host alone after so many failures, at least 1: doubling, and not for all alike."""
    return min(longest_s, FIRST_REST_S * 2.0 ** min(failures - 1, 10)) * chance.uniform(0.5, 1.0)


class CircuitBreaker:
    """Closed, it lets requests pass. Open, it refuses them at once. Half open, it lets one try.

    It opens when the printer is lost, until it is found again, and when requests fail although the printer
    can be seen, for a while that doubles with every try that fails as well.
    """

    def __init__(self, name: str, clock: WallClock, chance: Randomness) -> None:
        """name: the printer's, for sentences."""
        self.problem = ""
        """Why it is open, in a sentence; "" while it is closed."""
        self.next_try_at: datetime | None = None
        self._name = name
        self._clock = clock
        self._chance = chance
        self._lost = self._trying = False
        self._failures = 0  # in a row
        self._opens_half_at = 0.0

    @property
    def state(self) -> Breaker:
        if not self.problem:
            return Breaker.CLOSED
        return Breaker.OPEN if trio.current_time() < self._opens_half_at else Breaker.HALF_OPEN

    def lose(self, problem: str, rest_s: float) -> None:
        """The printer is lost, and looked for again after a rest: until it is found nothing else passes."""
        self._lost = True
        self._open(problem, rest_s)

    def find(self) -> None:
        """The printer has answered."""
        self._lost = False
        self._close()

    @contextmanager
    def request(self, *, urgent: bool = False) -> Iterator[None]:
        """Around one request. Raises PrinterUnreachable at once where it may not pass.

        urgent: somebody wants to save a print or a printer; it passes wherever the printer can be seen.
        """
        is_try = self._admit(urgent)
        began = trio.current_time()
        try:
            yield
        except (PrinterUnreachable, ProtocolError) as problem:
            self._failed(str(problem))
            raise
        except trio.Cancelled:
            if trio.current_time() - began >= LONG_S:
                self._failed(f"{self._name} does not answer")
            raise
        except _ANSWERS:
            self._passed()
            raise
        else:
            self._passed()
        finally:
            self._trying = self._trying and not is_try

    def _admit(self, urgent: bool) -> bool:
        """Whether this request is the one that tries. Raises PrinterUnreachable."""
        state = self.state
        if state is Breaker.CLOSED or (urgent and not self._lost):
            return False
        if self._lost or self._trying or state is Breaker.OPEN:
            raise PrinterUnreachable(f"{self._name} is left alone for a moment: {self.problem}")
        self._trying = True
        return True

    def _failed(self, problem: str) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES and not self._lost:
            self._open(problem, rest_s(self._failures - MOST_FAILURES + 1, self._chance))

    def _passed(self) -> None:
        if not self._lost:
            self._close()

    def _open(self, problem: str, rest_s: float) -> None:
        self.problem = problem
        self.next_try_at = self._clock() + timedelta(seconds=rest_s)
        self._opens_half_at = trio.current_time() + rest_s

    def _close(self) -> None:
        self.problem, self.next_try_at, self._failures = "", None, 0
