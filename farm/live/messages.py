"""What one can say to the broadcaster (the actor `events`), to the clients' actor and to one client.

Nobody waits here: everything is told with `tell_nowait`, whatever is lost is noticed and made good.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from farm.actors import Ask, Latest
from farm.domain.event import Fact
from farm.domain.metrics import Metrics
from farm.domain.printer import Printer, PrinterStatus
from farm.live.frame import Frame
from farm.live.protocol import Since

if TYPE_CHECKING:
    from farm.live.outbox import Outbox

# -- to the broadcaster ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactsCommitted:
    """These facts are in the database. Only a hint: a lost one is made good from the table."""

    facts: tuple[Fact, ...]


class StatusChanged(Struct, Latest, frozen=True):
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
class PrinterUnderstood(Latest):
    """What is understood of a printer that somebody listens to."""

    printer: str
    at: datetime
    metrics: Metrics

    @property
    def key(self) -> Hashable:
        return ("data", self.printer)


@dataclass(frozen=True, slots=True)
class FileProgress(Latest):
    """A file is being read. share: of it that is done, 0 to 1."""

    file: str
    share: float

    @property
    def key(self) -> Hashable:
        return ("file", self.file)


@dataclass(frozen=True, slots=True)
class ReportStatuses(Ask[Mapping[str, PrinterStatus]]):
    """The newest status of every printer, by its id."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A client has shown who it is. It is told `Welcome`."""

    client: Outbox


@dataclass(frozen=True, slots=True)
class Join:
    """Let a client hear these rooms, as far as who tells this may, beside those it hears already.

    The client is told `Joined`, or `NotJoined`. since: the last fact it saw on an earlier connection.
    """

    client: Outbox
    rooms: tuple[str, ...]
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The client hears these rooms no more."""

    client: Outbox
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configure:
    """Gather the client's events for so long, in milliseconds."""

    client: Outbox
    delay_ms: int


@dataclass(frozen=True, slots=True)
class ClientGone(Latest):
    """The client is no more. A state, so that it is never refused."""

    client: str

    @property
    def key(self) -> Hashable:
        return ("client", self.client)


BroadcasterMessage = (
    FactsCommitted
    | StatusChanged
    | StatusGone
    | PrinterUnderstood
    | FileProgress
    | ReportStatuses
    | Hello
    | Join
    | Leave
    | Configure
    | ClientGone
)

# -- to the clients' actor ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientTooSlow(Latest):
    """The client's outbox is full; it hears nothing any more and must be cut. Never refused."""

    client: str

    @property
    def key(self) -> Hashable:
        return self.client


@dataclass(frozen=True, slots=True)
class LookForLife(Latest):
    """The computer slept, or the like: every client is asked at once whether it is still there."""

    @property
    def key(self) -> Hashable:
        return LookForLife


ClientsMessage = ClientTooSlow | LookForLife

# -- to one client: its mailbox is its outbox ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """Where the history of facts stands."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Joined:
    """frames: what the rooms hold, or what happened in them since; every later fact follows, once."""

    frames: tuple[Frame, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotJoined:
    """No room was joined, and why."""

    detail: str


@dataclass(frozen=True, slots=True)
class News:
    """Facts and states of the client's rooms, as they are sent."""

    frame: Frame


class StateNews(Struct, Latest, frozen=True):
    """The newest state of `what` (a printer's id, say) in `room`. text: the whole frame."""

    room: str
    what: str
    text: str

    @property
    def key(self) -> Hashable:
        return (self.room, self.what)


@dataclass(frozen=True, slots=True)
class AskForLife(Latest):
    """The client has been silent: ask it whether it is there."""

    @property
    def key(self) -> Hashable:
        return AskForLife


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to what the client asked."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class StartOver(Latest):
    """The broadcaster was restarted and knows no rooms: the client shall connect again."""

    @property
    def key(self) -> Hashable:
        return StartOver


ClientMessage = Welcome | Joined | NotJoined | News | StateNews | AskForLife | Said | StartOver
