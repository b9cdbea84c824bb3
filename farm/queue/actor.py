"""The one owner of what prints where: jobs, prints and plates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

import structlog
import trio

from farm.access.rights import Action, Target, require
from farm.actors import Address, Mailbox, serve
from farm.domain.clock import ATTEMPT_ID_LENGTH, new_id
from farm.domain.constraints import Constraints
from farm.domain.job import ACTIVE_PRINTS, Job, Print, PrintState
from farm.domain.order import Order
from farm.domain.printer import BUSY, Connection, Operation, Plate, Printer
from farm.domain.settings import Settings
from farm.domain.user import SYSTEM, Principal
from farm.errors import FarmError, NotFound, Refused
from farm.printers.messages import (
    ForgetPrint,
    ObstacleGone,
    PlateIs,
    PrinterChanged,
    PrinterGone,
    PrinterMessage,
    PrintOrder,
    Report,
    Stage,
    StartPrint,
    TakePrint,
    WatchPrint,
)
from farm.queue import approvals, dispatch, plates
from farm.queue.clerk import Clerk
from farm.queue.dispatch import Idle, Note
from farm.queue.ejecting import Ejections
from farm.queue.messages import (
    AddJob,
    AddOrder,
    AmendJob,
    ApproveJob,
    CancelOrder,
    ChangeJob,
    ChangeOrder,
    ChangeSettings,
    ClearPlate,
    ExplainPrint,
    FileRead,
    PlanIs,
    QueueMessage,
    SetConstraints,
    UndoPlate,
)
from farm.queue.parts import ANSWER_WITHIN_S, QueueParts
from farm.queue.power import Fuses
from farm.queue.settling import settle_late_start
from farm.queue.steps import Do, Step, next_step
from farm.store import jobs, printers, prints, remote_files, shop, spools
from farm.store.audit import Stamp
from farm.store.orders import order_of
from farm.store.printers import PlateRow

log = structlog.get_logger(__name__)

STEP_WITHIN_S = 60.0  # for one step; everything in it that asks has a shorter deadline
LOOK_AT_FUSES_S = 2.0  # how late a job is begun that waits for power
LOOK_AT_THE_CLOCK_S = 10.0  # how late a job is begun that waits for its time
STOOD_S = 2.0  # woken so late, the whole farm stood still, and nobody could take anything back meanwhile
REST_S, LONGEST_REST_S = 10.0, 300.0  # for a printer that turned prints away, before it is offered one

_NOT_BEGUN = frozenset({PrintState.RESERVED, PrintState.UPLOADING})
_NOT_WARM = _NOT_BEGUN | {PrintState.STARTING}
_LOST_FROM_SIGHT = Step(Do.NOTE, PrintState.UNKNOWN)


class Queue:
    """Compares, for each printer, what is committed with what it reports, and takes the next step.

    One task at a time works for a printer, so that a slow one holds up nobody but itself.
    """

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._clerk = Clerk(parts.database, parts.clock, parts.chance, self._target)
        self._printers: dict[str, PrinterChanged] = {}
        self._active: dict[str, Print] = {}
        self._plates: dict[str, PlateRow] = {}
        self._settled_at: dict[str, float] = {}  # of plates that may be taken back; no one sets this clock
        self._gone: set[str] = set()  # printers taken out, some of them under their print
        self._at_work: set[str] = set()
        self._look_again: set[str] = set()
        self._rests_until: dict[str, float] = {}  # after it turned a print away
        self._turned_away: dict[str, int] = {}  # prints in a row
        self._nothing_for: set[str] = set()  # printers for which no job waited when last looked
        self._nothing_yet: set[str] = set()  # those for which one waits, until what is in its way has passed
        self._foreign: dict[str, str] = {}  # files that printers work on, looked up
        self._fuses = Fuses()
        self._ejections = Ejections(parts, self._plate_ejected)

    async def run(self, mailbox: Mailbox[QueueMessage]) -> None:
        """Live until the mailbox closes."""
        await self._remember()
        async with trio.open_nursery() as self._nursery:
            for printer, plate in self._plates.items():
                self._settle_anew(printer, plate)
            self._nursery.start_soon(self._look_at_the_clock)
            self._nursery.start_soon(self._look_at_the_fuses)
            await serve(mailbox, self._handle)
            self._nursery.cancel_scope.cancel()

    async def _remember(self) -> None:
        database = self._parts.database
        self._active = {attempt.printer: attempt for attempt in await database.read(prints.active)}
        self._plates = await database.read(printers.plates)
        self._gone = set(self._active) - set(self._plates)
        await self._ejections.remember()
        self._fuses.are(await database.read(shop.constraints))
        for attempt in self._active.values():
            if attempt.state in _NOT_WARM:
                self._fuses.begin(attempt.printer)

    def _settle_anew(self, printer: str, plate: PlateRow) -> None:
        if plate.settles_at is None:
            return
        is_waited_for = printer in self._settled_at
        # A full term again: how long we were away is not known.
        self._settled_at[printer] = trio.current_time() + self._parts.undo_s
        if not is_waited_for:
            self._nursery.start_soon(self._wake_when_settled, printer)

    # -- what others ask -----------------------------------------------------------------------

    async def _handle(
        self, message: QueueMessage, by: Principal
    ) -> Job | Order | Print | PlateRow | Constraints | Settings | None:
        match message:
            case ExplainPrint():
                return await self._clerk.explain(message, by)
            case (
                AddJob()
                | ChangeJob()
                | AmendJob()
                | ApproveJob()
                | AddOrder()
                | ChangeOrder()
                | CancelOrder()
            ):
                taken = await self._clerk.take(message, by)
                self._jobs_changed()
                return taken
            case SetConstraints() | ChangeSettings():
                told = await self._clerk.take_rule(message, by)
                if isinstance(told, Constraints):
                    self._fuses.are(told)
                self._jobs_changed()
                return told
            case ClearPlate():
                return await self._clear_plate(message, by)
            case UndoPlate():
                return await self._undo_plate(message, by)
            case PrinterChanged():
                await self._hear(message)
            case PrinterGone(printer):
                await trio.lowlevel.checkpoint()
                self._forget(printer)
                self._gone.add(printer)
                self._look_soon(printer)
            case FileRead(file):
                await self._take_up(file)
            case ObstacleGone():
                await trio.lowlevel.checkpoint()
                self._jobs_changed()
            case PlanIs(plan, begun):
                await trio.lowlevel.checkpoint()
                self._parts.plan.follow(plan, self._parts.clock(), begun)
                self._jobs_changed()
            case _:
                assert_never(message)
        return None

    async def _take_up(self, file: str) -> None:
        """What was not known of a file may be in the way of its jobs now, or not be any more."""
        at, who = self._parts.clock(), str(SYSTEM)
        try:
            if await self._parts.database.write(approvals.settle_file, file, at, who):
                self._jobs_changed()
        except FarmError as problem:  # whether it fits is looked at again before a print is begun
            log.warning("jobs of a file not looked at again", file=file, problem=str(problem))

    def _stamp(self, by: Principal) -> Stamp:
        return Stamp.of(by, self._parts.clock())

    def _target(self, printer: str) -> Target:
        known = self._printers.get(printer)
        return Target(printer, known.printer.tags if known else frozenset())

    async def _clear_plate(self, wish: ClearPlate, by: Principal) -> PlateRow:
        printer = wish.printer
        require(by, Action.CLEAR_PLATE, self._target(printer))
        news = self._printers.get(printer)
        if news is not None and news.status.operation in BUSY:
            raise Refused(
                f"{printer} is {news.status.operation}; its plate can be cleared when that has ended"
            )
        try:
            plate = await self._parts.database.change(
                by, plates.clear_plate, wish, self._parts.undo_s, self._stamp(by)
            )
        except FarmError:
            await self._read_plate_again(printer)  # it may be committed all the same
            raise
        self._settle_anew(printer, plate)
        self._remember_plate(printer, plate)
        self._jobs_changed()  # one whose parts were not all good goes on
        if news is not None:
            await self._ejections.read_and_show(news.printer)
        return plate

    async def _undo_plate(self, wish: UndoPlate, by: Principal) -> PlateRow:
        printer = wish.printer
        require(by, Action.CLEAR_PLATE, self._target(printer))
        if printer not in self._settled_at:
            raise Refused("the time to take it back is over; pause or cancel what started instead")
        try:
            plate = await self._parts.database.change(by, plates.undo_plate, wish, self._stamp(by))
        except FarmError:
            await self._read_plate_again(printer)
            raise
        self._remember_plate(printer, plate)
        self._jobs_changed()
        return plate

    async def _wake_when_settled(self, printer: str) -> None:
        while trio.current_time() < (due_at := self._settled_at.get(printer, 0.0)):
            await trio.sleep_until(due_at)
            if trio.current_time() - due_at > STOOD_S and printer in self._settled_at:
                self._settled_at[printer] = trio.current_time() + self._parts.undo_s
        self._settled_at.pop(printer, None)
        self._look_soon(printer)

    async def _hear(self, news: PrinterChanged) -> None:
        printer = news.printer.id
        self._gone.discard(printer)
        if printer not in self._plates:  # newly set up
            self._plates[printer] = await self._parts.database.read(plates.existing_plate, printer)
        else:
            await trio.lowlevel.checkpoint()
        known = self._printers.get(printer)
        self._printers[printer] = news
        self._fuses.hear(printer, news.status)
        if known is None or known.printer != news.printer:
            await self._ejections.show(news.printer)
            self._nothing_for.discard(printer)
            self._nothing_yet.discard(printer)
        self._look_soon(printer)

    def _forget(self, printer: str) -> None:
        for known in (
            self._printers,
            self._plates,
            self._settled_at,
            self._rests_until,
            self._turned_away,
            self._foreign,
        ):
            known.pop(printer, None)
        self._ejections.forget(printer)

    # -- one step after the other --------------------------------------------------------------

    def _jobs_changed(self) -> None:
        self._nothing_for.clear()
        self._nothing_yet.clear()
        for printer in self._printers:
            self._look_soon(printer)

    async def _give_up(self, attempt: Print) -> bool:
        """Its printer was taken out of the farm: nobody will know how the print ends."""
        await self._note(attempt, _LOST_FROM_SIGHT, None, "its printer was taken out of the farm")
        self._gone.discard(attempt.printer)
        return False

    async def _look_at_the_clock(self) -> None:
        """Look for work when the time has come before which a job is not to be begun, or something that
        passes by itself may have passed."""
        looked_at = self._parts.clock()
        for printer in self._gone:
            self._look_soon(printer)
        while True:
            await trio.sleep(LOOK_AT_THE_CLOCK_S)
            for printer in self._gone:  # what could not be committed is tried again
                self._look_soon(printer)
            may_have_passed, self._nothing_yet = self._nothing_yet, set()
            for printer in may_have_passed:
                self._look_soon(printer)
            try:
                released_at = await self._parts.database.read(jobs.next_release, looked_at)
            except FarmError:
                continue
            before, looked_at = looked_at, self._parts.clock()
            released = released_at is not None and released_at <= looked_at
            if released or self._parts.plan.falls_due(before, looked_at):
                self._jobs_changed()

    async def _look_at_the_fuses(self) -> None:
        """Others become warm, or end: there may be power for those that wait for it."""
        while True:
            await trio.sleep(LOOK_AT_FUSES_S)
            for printer in tuple(self._fuses.waiting):
                self._look_soon(printer)

    def _look_soon(self, printer: str) -> None:
        if printer in self._at_work:
            self._look_again.add(printer)
        elif self._next(printer) is not None:
            self._at_work.add(printer)
            self._nursery.start_soon(self._work_for, printer)

    async def _work_for(self, printer: str) -> None:
        try:
            while True:
                self._look_again.discard(printer)
                step = self._next(printer)
                if step is None:
                    return
                with trio.fail_after(STEP_WITHIN_S):
                    again = await step()
                if not again and printer not in self._look_again:
                    return
        except (FarmError, trio.TooSlowError) as problem:  # tried again with the printer's next word
            log.warning("dispatch put off", printer=printer, problem=str(problem) or "it took too long")
            await self._read_again(printer)
        finally:
            self._at_work.discard(printer)

    async def _read_again(self, printer: str) -> None:
        """Take up what is committed for a printer: how far a step came that failed is not known."""
        try:
            attempt = await self._parts.database.read(prints.active_on, printer)
        except FarmError as problem:  # what is committed on a wrong belief is refused, see `dispatch.note`
            log.warning("not read again yet", printer=printer, problem=str(problem))
            return
        if attempt is None:
            self._active.pop(printer, None)
        else:
            self._active[printer] = attempt
        await self._read_ejection_again(printer)
        await self._read_plate_again(printer)

    async def _read_ejection_again(self, printer: str) -> None:
        try:
            await self._ejections.read_again(printer)
        except FarmError as problem:
            log.warning("ejection not read again yet", printer=printer, problem=str(problem))

    async def _plate_ejected(self, printer: str) -> None:
        """What became of a print that was to be pushed off is committed, and so is its plate."""
        await self._read_plate_again(printer)
        self._jobs_changed()  # its parts are counted

    async def _read_plate_again(self, printer: str) -> None:
        known = self._plates.get(printer)
        try:
            plate = await self._parts.database.read(printers.plate, printer)
        except FarmError as problem:
            log.warning("plate not read again yet", printer=printer, problem=str(problem))
            return
        if plate is not None and plate != known and self._plates.get(printer) is known:
            self._settle_anew(printer, plate)
            self._remember_plate(printer, plate)

    def _next(self, printer: str) -> Callable[[], Awaitable[bool]] | None:
        """What there is to do for a printer now, None for nothing.

        The step answers whether to look again at once, instead of waiting for the printer's next word.
        """
        news, attempt = self._printers.get(printer), self._active.get(printer)
        ejection = self._ejections.of(printer)
        if news is None:
            lost = attempt is not None and printer in self._gone
            return partial(self._give_up, attempt) if attempt is not None and lost else None
        held = attempt.id if attempt is not None else ejection.id if ejection is not None else None
        if news.report is not None and news.report.print != held:
            return partial(self._dismiss, news, news.report)
        foreign, foreign_file = news.status.foreign, news.status.foreign_file
        if self._ejections.is_over(printer, foreign_file):
            foreign, foreign_file = False, ""
        if foreign_file != self._foreign.get(printer, ""):
            return partial(self._look_up, printer, foreign_file)
        not_begun = attempt is None or attempt.state in _NOT_BEGUN
        if not_begun and foreign and self._plates[printer].plate is Plate.CLEAR:
            return partial(self._raise_plate, printer)
        if attempt is not None:
            step = next_step(attempt.state, news.report.stage if news.report else None)
            return None if step.do is Do.NOTHING else partial(self._bring_closer, attempt, step, news.report)
        if ejection is not None:
            return self._ejections.next(news, ejection)
        if self._is_free(news) and self._may_have_work(printer) and self._has_power(news.printer):
            return partial(self._begin, news.printer)
        return None

    async def _dismiss(self, news: PrinterChanged, report: Report) -> bool:
        """What it reports about is over, or was never ours."""
        await trio.lowlevel.checkpoint()
        self._parts.printer(news.printer.id).tell_nowait(ForgetPrint(report.print))
        if self._printers.get(news.printer.id) is news:
            self._printers[news.printer.id] = replace(news, report=None)
        return True

    async def _look_up(self, printer: str, file: str) -> bool:
        """Somebody else prints on it. It may be a start of ours that was given up, and came late."""
        if file:
            at, who = self._parts.clock(), str(SYSTEM)
            late = await self._parts.database.write(settle_late_start, printer, file, at, who)
            if late is not None:
                log.warning("a start came late", printer=printer, print=late.id)
            await self._parts.database.write(spools.lose_count, printer, at)
        else:
            await trio.lowlevel.checkpoint()
        self._foreign[printer] = file
        return True

    async def _begin(self, printer: Printer) -> bool:
        at, chance = self._parts.clock(), self._parts.chance
        ticket = dispatch.Ticket(new_id(chance), new_id(chance, ATTEMPT_ID_LENGTH))
        self._fuses.begin(printer.id)  # before another one asks
        attempt: Print | Idle = Idle.NOTHING
        try:
            attempt = await self._parts.database.write(
                dispatch.reserve, printer, self._parts.plan, ticket, at, str(SYSTEM)
            )
        finally:
            if isinstance(attempt, Idle):
                self._fuses.end(printer.id)
        if isinstance(attempt, Idle):
            (self._nothing_for if attempt is Idle.NOTHING else self._nothing_yet).add(printer.id)
            return False
        self._parts.plan.note_begun(attempt.job, printer.id)
        self._active[printer.id] = attempt
        self._remember_plate(printer.id, PlateRow(Plate.CLEAR))
        return True

    def _is_free(self, news: PrinterChanged) -> bool:
        printer, status = news.printer.id, news.status
        return (
            status.connection is Connection.ONLINE
            and status.operation is Operation.IDLE
            and self._plates[printer].plate is Plate.CLEAR
            and printer not in self._settled_at
            and trio.current_time() >= self._rests_until.get(printer, 0.0)
        )

    def _may_have_work(self, printer: str) -> bool:
        """Whether it is worth to look for a job, or what was found the last time may have changed."""
        return printer not in self._nothing_for and printer not in self._nothing_yet

    def _has_power(self, printer: Printer) -> bool:
        return self._fuses.allow(printer, ((one.printer, one.status) for one in self._printers.values()))

    async def _raise_plate(self, printer: str) -> bool:
        """Somebody else prints on it: what lies on the plate afterwards is not ours to know."""
        plate, at, who = PlateRow(Plate.OCCUPIED), self._parts.clock(), str(SYSTEM)
        await self._parts.database.write(
            plates.change_plate, printer, plate, at, who, "somebody else prints on it"
        )
        await self._parts.database.write(spools.lose_count, printer, at)
        self._remember_plate(printer, plate)
        return False

    async def _bring_closer(self, attempt: Print, step: Step, report: Report | None) -> bool:
        match step.do:
            case Do.NOTHING:
                await trio.lowlevel.checkpoint()
            case Do.NOTE:
                await self._note(attempt, step, report)
                return True
            case Do.TAKE_BACK:
                await self._take_back(attempt, report.text if report else "", report)
                return True
            case Do.SEND_FILE:
                return await self._send_file(attempt)
            case Do.SEND_START:
                return await self._send_start(attempt, report)
            case Do.WATCH:
                order = await self._order(attempt)
                await self._at(attempt).ask(WatchPrint(order), timeout=ANSWER_WITHIN_S)
            case _:
                assert_never(step.do)
        return False

    def _at(self, attempt: Print) -> Address[PrinterMessage]:
        return self._parts.printer(attempt.printer)

    async def _send_start(self, attempt: Print, report: Report | None) -> bool:
        why_not = self._why_not_start(attempt)
        if why_not:
            await self._take_back(attempt, why_not, report)
            return True
        self._turned_away.pop(attempt.printer, None)
        attempt = await self._enter(attempt, PrintState.STARTING, report)
        await self._at(attempt).ask(StartPrint(attempt.id), timeout=ANSWER_WITHIN_S)
        return False

    def _why_not_start(self, attempt: Print) -> str:
        """What has come in between while the file was brought over, "" for nothing."""
        status, plate = self._printers[attempt.printer].status, self._plates[attempt.printer].plate
        if attempt.state is PrintState.STARTING:
            return ""  # the printer knows whether the start went out, and has the last word
        if plate is not Plate.CLEAR:
            return f"the plate is {plate}"
        if status.connection is not Connection.ONLINE:
            return f"the printer is {status.connection}"
        return "" if status.operation is Operation.IDLE else f"the printer is {status.operation}"

    async def _take_back(self, attempt: Print, why: str, report: Report | None = None) -> None:
        """Nothing was begun: the job goes to whoever is free next."""
        times = self._turned_away[attempt.printer] = self._turned_away.get(attempt.printer, 0) + 1
        rest_s = min(REST_S * 2.0 ** min(times - 1, 10), LONGEST_REST_S)
        self._rests_until[attempt.printer] = trio.current_time() + rest_s
        file = report.file if report is not None else None
        await self._commit(attempt, Note(PrintState.CANCELLED, why=why, file=file, begun=False))
        self._jobs_changed()

    async def _send_file(self, attempt: Print) -> bool:
        connection = self._printers[attempt.printer].status.connection
        if connection is Connection.CONNECTING:
            await trio.lowlevel.checkpoint()
            return False  # it has only just begun to look for its printer
        try:
            if connection is not Connection.ONLINE:
                raise Refused(f"the printer is {connection}")
            attempt = await self._enter(attempt, PrintState.UPLOADING)
            order = await self._order(attempt)
            await self._at(attempt).ask(TakePrint(order), timeout=ANSWER_WITHIN_S)
        except Refused as refusal:
            await self._take_back(attempt, str(refusal))
            return True
        return False

    async def _order(self, attempt: Print) -> PrintOrder:
        found = await self._parts.database.read(order_of, attempt.id)
        if found is None:
            raise LookupError(f"print {attempt.id} has no file")
        original = await self._parts.database.read(remote_files.to_copy, found.printer, found.sha256)
        return PrintOrder.of(found, self._parts.content_of, original)

    # -- committing ----------------------------------------------------------------------------

    async def _enter(self, attempt: Print, state: PrintState, report: Report | None = None) -> Print:
        if attempt.state is state:
            return attempt
        return await self._commit(attempt, Note(state, file=report.file if report else None))

    async def _note(self, attempt: Print, step: Step, report: Report | None, why: str = "") -> None:
        if step.state is None:
            raise ValueError("a note without a state")
        told = report or Report(attempt.id, Stage.UNDECIDED)
        news, ejects = self._printers.get(attempt.printer), None
        if step.state is PrintState.FINISHED and news is not None:
            ejects = self._ejections.wished(news.printer, report)
        note = Note(
            step.state,
            step.plate,
            why or told.text,
            told.file,
            progress=told.progress,
            measured=told.measured,
            ejects=ejects,
        )
        await self._commit(attempt, note)
        if ejects is not None:
            await self._ejections.begin(ejects.printer, report)
        if step.state not in ACTIVE_PRINTS:
            self._jobs_changed()

    async def _commit(self, attempt: Print, note: Note) -> Print:
        after = await self._parts.database.write(
            dispatch.note, attempt, note, self._parts.clock(), str(SYSTEM)
        )
        if after.state in ACTIVE_PRINTS:
            self._active[attempt.printer] = after
        else:
            del self._active[attempt.printer]
            self._fuses.end(attempt.printer)
        if note.plate is not None:
            self._remember_plate(attempt.printer, PlateRow(note.plate))
        return after

    def _remember_plate(self, printer: str, plate: PlateRow) -> None:
        self._plates[printer] = plate
        try:
            self._parts.printer(printer).tell_nowait(PlateIs(plate.plate))
        except NotFound:
            log.info("plate of a printer that is gone", printer=printer)
