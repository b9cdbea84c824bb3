"""Where messages go that no actor will ever handle: kept, counted and visible."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import structlog

from farm.domain.user import Principal

log = structlog.get_logger(__name__)

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
    """The newest undeliverable messages and how many there were; each mailbox counts its own."""

    def __init__(self, kept: int = KEPT) -> None:
        self._newest: deque[DeadLetter] = deque(maxlen=kept)
        self.total = 0

    def add(self, letter: DeadLetter) -> None:
        """Keep `letter`, letting the oldest go when there are too many."""
        self._newest.append(letter)
        self.total += 1
        log.info("message died", actor=letter.actor, message=type(letter.message).__name__, why=letter.why)

    def newest(self) -> list[DeadLetter]:
        """The kept ones, oldest first."""
        return list(self._newest)
