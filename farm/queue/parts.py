"""What the queue is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from farm.actors import Address
from farm.domain.clock import Randomness, WallClock
from farm.printers.messages import PrinterMessage
from farm.queue.planned import FollowedPlan
from farm.store.database import Database

ANSWER_WITHIN_S = 5.0  # of a printer's actor, which only accepts or refuses


@dataclass(frozen=True, slots=True)
class QueueParts:
    """What the queue needs of the farm; handed in by `app.py`.

    printer: the address of a printer's actor by the printer's id; raises NotFound.
    content_of: from a file's hash to where its content lies.
    keep_ejection: puts what pushes a print off, under the ejection's id, where a driver can send it from.
    undo_s: how long a cleared plate can be taken back.
    """

    database: Database
    printer: Callable[[str], Address[PrinterMessage]]
    content_of: Callable[[str], Path]
    keep_ejection: Callable[[str, bytes], Awaitable[Path]]
    clock: WallClock
    chance: Randomness
    plan: FollowedPlan = field(default_factory=FollowedPlan)
    undo_s: float = 15.0
