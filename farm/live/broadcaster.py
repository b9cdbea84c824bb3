"""The actor `events`: sends committed facts and newest states on to the rooms that hear them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import Any, assert_never

import structlog
import trio
from msgspec import Raw

from farm.actors import Address, ChildSpec, Delivery, Exhausted, Mailbox, RestartPolicy
from farm.domain.clock import WallClock, real_clock
from farm.domain.event import Fact
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import Principal
from farm.errors import FarmError, NotFound
from farm.live import protocol, shapes, snapshots
from farm.live.messages import (
    BroadcasterMessage,
    ClientGone,
    ClientMessage,
    ClientsMessage,
    ClientTooSlow,
    FactNews,
    FactsCommitted,
    Hello,
    Join,
    Joined,
    Leave,
    NotJoined,
    ReportStatuses,
    StartOver,
    StateNews,
    StatusChanged,
    StatusGone,
    Welcome,
)
from farm.live.rooms import OF_A_PRINTER, PRINTERS, Rooms, may_enter, may_hear, may_see
from farm.live.snapshots import Told, Wanted
from farm.store import events, printers
from farm.store.database import Database

log = structlog.get_logger(__name__)

MAILBOX = 4096  # a thousand clients returning at once say hello and join, and hints go on meanwhile
LOOK_EVERY_S = 2.0  # how late a fact can come whose hint was lost, when no later hint follows
MOST_AT_ONCE = 256  # deliveries worked on together: those who join together share one look
CHUNK = 500  # facts read at once when hints were lost


class Broadcaster:
    """Routes facts and states to rooms.

    Each client of a room gets its snapshot at some fact number, and then every later fact of its rooms
    once and in order. Nobody is waited for: a client whose outbox is full is cut.

    The same object serves every run of the actor. What printers told last outlives a crash, for it is
    shown at once to who joins next; of the clients only the addresses do. They are told to start over:
    a crash may have come between any two of them, and with a fresh snapshot they miss nothing.
    """

    def __init__(
        self,
        database: Database,
        clients: Callable[[], Address[ClientsMessage]],
        *,
        clock: WallClock = real_clock,
    ) -> None:
        """clients: finds the actor that cuts clients; raises NotFound while there is none."""
        self._database = database
        self._clients = clients
        self._clock = clock
        self._told: dict[str, Told] = {}
        self._printers: dict[str, Printer] = {}
        self._known: dict[str, Address[ClientMessage]] = {}
        self._rooms = Rooms()
        self._epoch = ""
        self._published = 0
        self._look_at = 0.0
        self._blind = False

    def spec(self) -> ChildSpec[BroadcasterMessage]:
        """The actor as a child of the tree. Without it nobody sees what happens, so it escalates."""
        policy = RestartPolicy(exhausted=Exhausted.ESCALATE)
        return ChildSpec(name="events", run=self.run, mailbox_size=MAILBOX, policy=policy)

    async def run(self, mailbox: Mailbox[BroadcasterMessage]) -> None:
        """The actor."""
        await self._start_over()
        with contextlib.suppress(trio.EndOfChannel):
            while True:
                await self._listen(mailbox)

    async def _start_over(self) -> None:
        known, self._known, self._rooms = self._known, {}, Rooms()
        for client in known.values():
            client.tell_nowait(StartOver())
        self._epoch, self._published, found = await self._database.read(_beginning)
        self._printers = {printer.id: printer for printer in found}
        self._told = {id: told for id, told in self._told.items() if id in self._printers}
        self._look_at = trio.current_time() + LOOK_EVERY_S

    async def _listen(self, mailbox: Mailbox[BroadcasterMessage]) -> None:
        """Work on what has come. When it is time, look for lost hints first, however much has come."""
        first = None
        with trio.move_on_at(self._look_at):
            first = await mailbox.receive()
        if first is not None:
            await self._handle([first, *mailbox.take_waiting(MOST_AT_ONCE - 1)])
        else:
            await self._catch_up()
            self._look_at = trio.current_time() + LOOK_EVERY_S

    async def _handle(self, deliveries: Sequence[Delivery[BroadcasterMessage]]) -> None:
        for delivery in deliveries:  # first of all: a crash must not forget who waits for an answer
            if isinstance(delivery.message, Hello | Join):
                self._known[delivery.message.client.name] = delivery.message.client
        joining: list[tuple[Join, Principal]] = []
        for delivery in deliveries:
            message = delivery.message
            if isinstance(message, Join):
                joining.append((message, delivery.by))
                continue
            if joining:
                await self._admit(joining)
                joining = []
            delivery.answer(await self._obey(message))
        if joining:
            await self._admit(joining)

    async def _obey(
        self,
        message: FactsCommitted | StatusChanged | StatusGone | ReportStatuses | Hello | Leave | ClientGone,
    ) -> Mapping[str, PrinterStatus] | None:
        match message:
            case FactsCommitted(facts):
                await self._go_on_with(facts)
            case StatusChanged(printer, status):
                self._show_status(printer, status)
            case StatusGone(printer_id):
                self._show_gone(printer_id)
            case ReportStatuses():
                return {id: told.status for id, told in self._told.items()}
            case Hello(client):
                self._tell(client, Welcome(self._epoch, self._published))
            case Leave(client, rooms):
                self._rooms.leave(client.name, rooms)
            case ClientGone(name):
                self._forget(name)
            case _:
                assert_never(message)
        return None

    # -- facts ---------------------------------------------------------------------------------

    async def _go_on_with(self, facts: Sequence[Fact]) -> None:
        """Publish what a hint brings, as far as it follows what was published; else read the table."""
        for fact in facts:
            if fact.seq == self._published + 1:
                self._publish(fact)
            elif fact.seq > self._published:  # a hint before this one was lost
                await self._catch_up()
                return

    async def _catch_up(self) -> None:
        """Publish what is in the table and was not published. What cannot be read is read later."""
        try:
            while True:
                facts = await self._database.read(events.since, self._published, CHUNK)
                for fact in facts:
                    self._publish(fact)
                if len(facts) < CHUNK:
                    break
        except FarmError as problem:
            self._note_blindness(problem)
        else:
            self._note_sight()

    def _note_blindness(self, problem: FarmError) -> None:
        if not self._blind:
            log.error("facts cannot be read", problem=str(problem))
        self._blind = True

    def _note_sight(self) -> None:
        if self._blind:
            log.info("facts can be read again")
        self._blind = False

    def _publish(self, fact: Fact) -> None:
        self._published = fact.seq
        listeners = self._rooms.listeners(fact.rooms)
        if not listeners:
            return
        news = FactNews(fact.seq, protocol.fact(fact))
        for member in listeners:
            if may_hear(fact, member.principal, self._printers):
                self._tell(member.address, news)

    # -- states --------------------------------------------------------------------------------

    def _show_status(self, printer: Printer, status: PrinterStatus) -> None:
        """Keep a printer's status, and show it to who watches if it says anything new."""
        before = self._told.get(printer.id)
        if before is not None and (before.printer, before.status) == (printer, status):
            return  # printers repeat themselves, for a broadcaster that was restarted
        at = self._clock()
        data = protocol.encoded(shapes.of_printer(printer, status, at))
        # Not before it is in words: one that cannot be said would fell every run of this actor.
        self._told[printer.id] = Told(printer, status, at)
        self._printers[printer.id] = printer
        self._show("printer.statusUpdate", printer.id, at, data)

    def _show_gone(self, printer_id: str) -> None:
        self._told.pop(printer_id, None)
        self._show("printer.gone", printer_id, self._clock(), protocol.encoded({"id": printer_id}))
        self._printers.pop(printer_id, None)

    def _show(self, type: str, printer_id: str, at: datetime, data: Raw) -> None:
        for room in (PRINTERS, OF_A_PRINTER + printer_id):
            listeners = self._rooms.listeners([room])
            if not listeners:
                continue
            news = StateNews(room, printer_id, protocol.state(type, room, at, data))
            for member in listeners:
                if may_see(printer_id, member.principal, self._printers):
                    self._tell(member.address, news)

    # -- clients -------------------------------------------------------------------------------

    async def _admit(self, joining: Sequence[tuple[Join, Principal]]) -> None:
        """Let clients in, with a snapshot of each room.

        What was committed up to the snapshot goes to those who are in already, then the new ones come
        in: so for everybody the facts go on exactly where their snapshot ends.
        """
        wanted = frozenset(
            (room, by.grant) for join, by in joining for room in join.rooms if may_enter(room, by)
        )
        try:
            picture = await self._database.read(
                snapshots.take, self._published, wanted, dict(self._told), self._clock()
            )
        except FarmError as problem:
            for join, _ in joining:
                self._tell(join.client, NotJoined(str(problem)))
            return
        for fact in picture.missed:
            self._publish(fact)
        self._printers = dict(picture.printers)
        for join, by in joining:
            self._let_in(join, by, picture.frames)

    def _let_in(self, join: Join, by: Principal, frames: Mapping[Wanted, str]) -> None:
        entered = [room for room in join.rooms if may_enter(room, by) and (room, by.grant) in frames]
        refused = tuple(room for room in join.rooms if room not in entered)
        self._rooms.join(join.client, by, entered)
        self._tell(join.client, Joined(tuple(frames[room, by.grant] for room in entered), refused))

    def _tell(self, client: Address[ClientMessage], message: ClientMessage) -> None:
        """Put `message` into the client's outbox; cut the client when there is no room."""
        if client.tell_nowait(message):
            return
        self._forget(client.name)
        with contextlib.suppress(NotFound):
            self._clients().tell_nowait(ClientTooSlow(client.name))

    def _forget(self, client: str) -> None:
        self._rooms.remove(client)
        self._known.pop(client, None)


def _beginning(db: Connection) -> tuple[str, int, list[Printer]]:
    """The epoch, the number of the newest fact, and the farm's printers."""
    found: Any = printers.everything(db)
    return events.epoch(db), events.last_seq(db), [printer for printer, _ in found]
