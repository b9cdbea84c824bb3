"""What one can say to the broadcaster (the actor `events`)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from farm.actors import Address, Ask, Latest
from farm.domain.event import Fact
from farm.domain.printer import Printer, PrinterStatus


@dataclass(frozen=True, slots=True)
class FactsCommitted:
    """These facts are in the database. Only a hint: a lost one is made good from the table."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class StatusChanged(Latest):
    """A printer's newest status, for everybody who watches."""

    printer: Printer
    status: PrinterStatus

    @property
    def key(self) -> Hashable:
        return self.printer.id


@dataclass(frozen=True, slots=True)
class StatusGone(Latest):
    """The printer was taken out of the farm."""

    printer: str

    @property
    def key(self) -> Hashable:
        return self.printer


@dataclass(frozen=True, slots=True)
class ReportStatuses(Ask[Mapping[str, PrinterStatus]]):
    """The newest status of every printer, by its id."""


@dataclass(frozen=True, slots=True)
class Join(Ask["Joined"]):
    """Let a client hear these rooms from now on, together with the rooms it hears already.

    client: where its facts and states are told. Rooms it has no right to are left out and named.
    """

    client: Address[Any]
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """snapshots: what each room holds at fact number `seq`; later facts follow by themselves."""

    epoch: str
    seq: int
    snapshots: Mapping[str, Any]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leave:
    """The client hears these rooms no more; an empty tuple means none at all."""

    client: Address[Any]
    rooms: tuple[str, ...] = ()


BroadcasterMessage = FactsCommitted | StatusChanged | StatusGone | ReportStatuses | Join | Leave
