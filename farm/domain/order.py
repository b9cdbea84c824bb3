"""Orders: jobs that belong together, with the customer's reference and the day they are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farm.domain.terms import version_of


class OrderState(StrEnum):
    """Where an order stands: it follows from its jobs, unless it was cancelled."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Order:
    """What one customer wants. reference: how the customer calls it. due_at: for jobs without their own."""

    id: str
    reference: str
    created_by: str
    created_at: datetime
    note: str = ""
    due_at: datetime | None = None
    state: OrderState = OrderState.OPEN
    cancelled_at: datetime | None = None

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self.reference, self.note, self.due_at, self.cancelled_at)
