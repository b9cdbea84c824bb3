"""The actor `events`: sends committed facts and newest states on to the rooms that hear them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection
from typing import Any, assert_never

import structlog
import trio
from msgspec import Raw

from farm.actors import Address, ChildSpec, Delivery, Exhausted, Mailbox, RestartPolicy
from farm.config import Live
from farm.domain.clock import WallClock, real_clock
from farm.domain.event import Fact
from farm.domain.file import FileState
from farm.domain.metrics import Metrics
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import Principal
from farm.errors import FarmError, NotFound
from farm.live import data_shapes, protocol, snapshots
from farm.live.audience import Hearing, Member
from farm.live.audiences import Audiences
from farm.live.messages import (
    BroadcasterMessage,
    ClientGone,
    ClientMessage,
    ClientsMessage,
    ClientTooSlow,
    Configure,
    FactsCommitted,
    FileProgress,
    Hello,
    Join,
    Joined,
    Leave,
    NotJoined,
    PrinterUnderstood,
    ReportStatuses,
    StartOver,
    StateNews,
    StatusChanged,
    StatusGone,
    Welcome,
)
from farm.live.outbox import Outbox
from farm.live.printer_words import PrinterWords
from farm.live.rooms import FILES, OF_A_PRINTER, PRINTERS, may_enter
from farm.live.snapshots import Entered, Entry, Followed, Told
from farm.store import events, printers
from farm.store.database import Database
from farm.telemetry.messages import PrintersHeard, TelemetryMessage

log = structlog.get_logger(__name__)

MAILBOX = 4096  # a thousand clients returning at once say hello and join, and hints go on meanwhile
LOOK_EVERY_S = 2.0  # how late a fact can come whose hint was lost, when no later hint follows
MOST_AT_ONCE = 256  # deliveries worked on together: those who join together share one look
CHUNK = 500  # facts read at once when hints were lost


class Broadcaster:
    """Routes facts and states to rooms.

    Each client of a room gets its snapshot at some fact number, or the facts it missed up to then, and
    after that every fact of its rooms once and in order. Nobody is waited for: a client whose outbox is
    full is cut.

    The same object serves every run of the actor. What printers told last outlives a crash, for it is
    shown at once to who joins next; of the clients only the addresses do. They are told to start over:
    a crash may have come between any two of them, and with a fresh snapshot they miss nothing.
    """

    def __init__(
        self,
        database: Database,
        clients: Callable[[], Address[ClientsMessage]],
        live: Live,
        plan: Followed,
        *,
        telemetry: Callable[[], Address[TelemetryMessage]],
        clock: WallClock = real_clock,
    ) -> None:
        """clients: finds the actor that cuts clients; telemetry: the data processor.

        Both raise NotFound while there is none.
        """
        self._plan = plan
        self._database = database
        self._clients = clients
        self._telemetry = telemetry
        self._heard: frozenset[str] | None = None  # the printers that the data processor was told last
        self._live = live
        self._clock = clock
        self._told: dict[str, Told] = {}
        self._words = PrinterWords()
        self._printers: dict[str, Printer] = {}
        self._audiences = Audiences(live, self._cut)
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
        known, self._audiences = self._audiences.everybody(), Audiences(self._live, self._cut)
        for member in known:
            member.outbox.put(StartOver())
        self._epoch, self._published, found = await self._database.read(_beginning)
        self._printers = {printer.id: printer for printer in found}
        self._told = {id: told for id, told in self._told.items() if id in self._printers}
        self._look_at = trio.current_time() + LOOK_EVERY_S

    async def _listen(self, mailbox: Mailbox[BroadcasterMessage]) -> None:
        """Work on what has come, and send what is due.

        When it is time, look for lost hints first, however much has come. States wait until somebody is due
        to be sent them: a turn of the loop for each would cost more than the state itself.
        """
        came: list[Delivery[BroadcasterMessage]] = []
        if not mailbox.has_mail:
            self._audiences.nothing_came()
        with trio.move_on_at(min(self._look_at, self._audiences.due_at)) as waiting:

            def let_states_wait() -> None:
                waiting.deadline = min(waiting.deadline, self._audiences.something_came())

            is_patient = not self._audiences.are_in_a_hurry
            came.append(await mailbox.receive(patient=let_states_wait if is_patient else None))
        if not came and trio.current_time() >= self._look_at:
            await self._catch_up()
            self._look_at = trio.current_time() + LOOK_EVERY_S
        await self._handle([*came, *mailbox.take_waiting(MOST_AT_ONCE - 1)])
        self._tell_who_is_heard()
        await self._audiences.flush()

    async def _handle(self, deliveries: Sequence[Delivery[BroadcasterMessage]]) -> None:
        for delivery in deliveries:  # first of all: a crash must not forget who waits for an answer
            if isinstance(delivery.message, (Hello, Join)):
                self._audiences.member(delivery.message.client)
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
        message: FactsCommitted
        | StatusChanged
        | StatusGone
        | PrinterUnderstood
        | FileProgress
        | ReportStatuses
        | Hello
        | Leave
        | Configure
        | ClientGone,
    ) -> Mapping[str, PrinterStatus] | None:
        match message:
            case FactsCommitted(facts):
                await self._go_on_with(facts)
            case StatusChanged(printer, status):
                self._show_status(printer, status)
            case StatusGone(printer_id):
                self._show_gone(printer_id)
            case PrinterUnderstood(printer_id, at, metrics):
                self._show_metrics(printer_id, at, metrics)
            case FileProgress(file, share):
                self._show_progress(file, share)
            case ReportStatuses():
                return {id: told.status for id, told in self._told.items()}
            case Hello(client):
                self._tell(self._audiences.member(client), Welcome(self._epoch, self._published))
            case Leave(client, rooms):
                await self._change(client, lambda hears: replace(hears, rooms=hears.rooms - set(rooms)))
            case Configure(client, delay_ms):
                await self._change(client, lambda hears: replace(hears, delay_ms=delay_ms))
            case ClientGone(name):
                self._audiences.forget(name)
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
        self._audiences.add_fact(fact, self._printers)

    # -- states --------------------------------------------------------------------------------

    def _show_status(self, printer: Printer, status: PrinterStatus) -> None:
        """Keep a printer's status, and show it to who watches if it says anything new."""
        before = self._told.get(printer.id)
        if before is not None and (before.printer, before.status) == (printer, status):
            return  # printers repeat themselves, for a broadcaster that was restarted
        at = self._clock()
        data = self._words.of(printer, status, at)
        # Not before it is in words: one that cannot be said would fell every run of this actor.
        self._told[printer.id] = Told(printer, status, at)
        self._printers[printer.id] = printer
        self._show("printer.statusUpdate", printer.id, at, data)

    def _show_gone(self, printer_id: str) -> None:
        self._told.pop(printer_id, None)
        self._words.forget(printer_id)
        self._show("printer.gone", printer_id, self._clock(), protocol.encoded({"id": printer_id}))
        self._printers.pop(printer_id, None)

    def _show_metrics(self, printer_id: str, at: datetime, metrics: Metrics) -> None:
        """To those alone who look at this printer; nothing is kept, for soon there is more."""
        room = OF_A_PRINTER + printer_id
        if self._audiences.is_heard(room):
            told = self._told.get(printer_id)
            wrong = told.status.anomalies if told is not None else ()
            data = protocol.encoded(data_shapes.of_understood(printer_id, metrics, wrong))
            news = StateNews(room, f"data:{printer_id}", protocol.state("data.update", room, at, data))
            self._audiences.add_state(news, printer_id, self._printers)

    def _tell_who_is_heard(self) -> None:
        """What nobody listens to need not be understood."""
        heard = self._audiences.printers_heard
        if heard is not self._heard:
            with contextlib.suppress(NotFound):  # it starts later than we do
                self._telemetry().tell_nowait(PrintersHeard(heard))
                self._heard = heard

    def _show_progress(self, file: str, share: float) -> None:
        if self._audiences.is_heard(FILES):
            data = protocol.encoded({"file": file, "state": FileState.PROCESSING, "share": round(share, 3)})
            news = StateNews(
                FILES, f"file:{file}", protocol.state("file.progress", FILES, self._clock(), data)
            )
            self._audiences.add_state(news, None, self._printers)

    def _show(self, type: str, printer_id: str, at: datetime, data: Raw) -> None:
        for room in (PRINTERS, OF_A_PRINTER + printer_id):
            if self._audiences.is_heard(room):
                news = StateNews(room, printer_id, protocol.state(type, room, at, data))
                self._audiences.add_state(news, printer_id, self._printers)

    # -- clients -------------------------------------------------------------------------------

    async def _admit(self, joining: Sequence[tuple[Join, Principal]]) -> None:
        """Let clients in, with a snapshot of each room, or what they missed in it.

        What was committed up to then goes to those who are in already, then the new ones come in: so for
        everybody the facts go on exactly where their snapshot ends.
        """
        entries = [self._entry(join, by) for join, by in joining]
        try:
            picture = await self._database.read(
                snapshots.take,
                self._published,
                frozenset(entries),
                dict(self._told),
                self._plan,
                self._clock(),
            )
        except FarmError as problem:
            for join, _ in joining:
                self._tell(self._audiences.member(join.client), NotJoined(str(problem)))
            return
        for fact in picture.missed:
            self._publish(fact)
        self._printers = dict(picture.printers)
        for (join, by), entry in zip(joining, entries, strict=True):
            await self._let_in(join, by, picture.entered[entry])

    def _entry(self, join: Join, by: Principal) -> Entry:
        """Who is in a room already has seen facts newer than those it missed: it looks afresh."""
        rooms = tuple(room for room in join.rooms if may_enter(room, by))
        member = self._audiences.member(join.client)
        if join.since is None:
            return Entry(rooms, by.grant)
        if member.hearing.rooms or (member.sent or 0) > join.since.seq:
            return Entry(rooms, by.grant, reason="heard already")
        return Entry(rooms, by.grant, join.since, member.sent)

    async def _let_in(self, join: Join, by: Principal, entered: Entered) -> None:
        member = self._audiences.member(join.client)
        hears = Hearing(member.hearing.delay_ms, member.hearing.rooms.union(entered.rooms), by.grant)
        await self._audiences.change(member, hears)
        if entered.sent is not None:
            member.sent = entered.sent
        refused = tuple(room for room in join.rooms if room not in entered.rooms)
        self._tell(member, Joined(entered.frames, refused))

    async def _change(self, client: Outbox, change: Callable[[Hearing], Hearing]) -> None:
        member = self._audiences.member(client)
        await self._audiences.change(member, change(member.hearing))

    def _tell(self, member: Member, message: ClientMessage) -> None:
        if not member.outbox.put(message):
            self._audiences.cut(member)

    def _cut(self, member: Member) -> None:
        with contextlib.suppress(NotFound):
            self._clients().tell_nowait(ClientTooSlow(member.outbox.name))


def _beginning(db: Connection) -> tuple[str, int, list[Printer]]:
    """The epoch, the number of the newest fact, and the farm's printers."""
    found: Any = printers.everything(db)
    return events.epoch(db), events.last_seq(db), [printer for printer, _ in found]
