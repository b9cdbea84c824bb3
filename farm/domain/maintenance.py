"""What is to be done on printers after so many hours of printing: "lubricate the rods, every 300 h"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farm.domain.terms import version_of

OVERDUE_AFTER = 1.25  # of its hours


class ChoreState(StrEnum):
    """Whether a chore waits for somebody."""

    OK = "ok"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done again and again, on one printer or on all with a tag.

    every_h: hours of printing in between. blocks: whether a printer begins no print while it is due.
    """

    id: str
    what: str
    every_h: float
    created_by: str
    created_at: datetime
    printer: str | None = None
    tag: str | None = None
    blocks: bool = False

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self.what, self.every_h, self.blocks)


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody has done a chore. printed_h: hours the printer had printed by then."""

    at: datetime
    who: str
    note: str
    printed_h: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a chore stands on one printer. since_h: hours printed since it was done last."""

    chore: Chore
    printer: str
    since_h: float
    last: Done | None

    @property
    def state(self) -> ChoreState:
        if self.since_h < self.chore.every_h:
            return ChoreState.OK
        overdue = self.since_h >= self.chore.every_h * OVERDUE_AFTER
        return ChoreState.OVERDUE if overdue else ChoreState.DUE
