"""Where messages go that no actor will ever handle: kept, counted and visible."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from farm.domain.user import Principal

KEPT = 256  # the newest ones; the counts go on


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not handled to its end. at: seconds on the runtime's monotonic clock."""

    at: float
    actor: str
    message: Any
    by: Principal
    why: str


class DeadLetters:
    """The newest undeliverable messages and how many there were for each actor."""

    def __init__(self, kept: int = KEPT) -> None:
        self._newest: deque[DeadLetter] = deque(maxlen=kept)
        self._counts: Counter[str] = Counter()

    def add(self, letter: DeadLetter) -> None:
        """Keep `letter`, letting the oldest go when there are too many."""
        self._newest.append(letter)
        self._counts[letter.actor] += 1

    def count(self, actor: str) -> int:
        """How many messages to `actor` died since the process started."""
        return self._counts[actor]

    def forget(self, actor: str) -> None:
        """Drop the count of an actor that is gone for good, so that passing clients leave nothing."""
        del self._counts[actor]

    def newest(self) -> list[DeadLetter]:
        """The kept ones, oldest first."""
        return list(self._newest)
