"""One printer: the one owner of its status. It links, follows prints, and carries out commands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

import structlog
import trio

from farm.access.rights import Action, Target, require
from farm.actors import Address, Later, Mailbox, serve
from farm.domain.clock import Randomness, WallClock
from farm.domain.command import (
    NAMES,
    Cancel,
    ClearAttention,
    ClearEmergency,
    Command,
    MaintenanceOff,
    MaintenanceOn,
    Pause,
    Resume,
    SendGcode,
)
from farm.domain.job import PrintState
from farm.domain.printer import (
    BUSY,
    CONNECTIONS,
    MODES,
    OPERATIONS,
    Connection,
    Mode,
    Operation,
    Printer,
    PrinterStatus,
)
from farm.domain.transitions import require as require_transition
from farm.domain.user import SYSTEM, Principal
from farm.drivers.base import Capability, Driver, Identity, Loss, Reading
from farm.drivers.exchange import one_line
from farm.errors import ActorFailed, FarmError, Overloaded, PrinterUnreachable, Refused
from farm.live.messages import StatusChanged
from farm.printers import commands, records
from farm.printers.assignment import Assignment
from farm.printers.breaker import CircuitBreaker
from farm.printers.console import Console, Kind, Lines
from farm.printers.foreign_time import ForeignTime
from farm.printers.guarded import GuardedDriver
from farm.printers.health import HealthCheck
from farm.printers.link import Ears, Link
from farm.printers.messages import (
    EmergencyStop,
    ForgetPrint,
    Halted,
    PlateIs,
    PrinterChanged,
    PrinterMessage,
    PrintOrder,
    ReadConsole,
    RunCommand,
    SettingsAre,
    Stage,
    StartPrint,
    TakePrint,
    WatchPrint,
)
from farm.printers.records import Accepted
from farm.printers.tidy import Tidying
from farm.printers.turnstile import Turnstile
from farm.store.audit import Stamp
from farm.store.database import Database
from farm.telemetry.messages import TemperaturesRead

log = structlog.get_logger(__name__)

SAY_AGAIN_S = 5.0  # a status whose message was lost is made good this soon
MOST_COMMANDS = 8  # that wait in a lane; people who press a button ten times mean it once
STOP_WITHIN_S = 4.0  # for one try of an emergency stop; drivers give up before
STOP_TRIES = 3  # of an emergency stop: a lost packet must not leave it unsent
LEFT_ALONE = "nobody was left to see it through; look whether it was done"
TAKE_UP_AGAIN_S = 15.0  # between two tries to have the host take up a printer whose line dropped


@dataclass(frozen=True, slots=True)
class PrinterParts:
    """What a printer's actor needs of the farm; handed in by `app.py`.

    driver: makes the driver for a printer, whose api_key is already opened.
    content_of: from a file's hash to where its content lies.
    turnstile: shared by all printers.
    """

    database: Database
    queue: Callable[[], Address[Any]]
    events: Callable[[], Address[Any]]
    telemetry: Callable[[], Address[Any]]
    driver: Callable[[Printer], Driver]
    content_of: Callable[[str], Path]
    clock: WallClock
    chance: Randomness
    turnstile: Turnstile = field(default_factory=Turnstile)


@dataclass(frozen=True, slots=True)
class _Decision:
    """accepted: the command by which a person wanted it; None when nobody did."""

    mode: Mode
    why: str
    by: Principal
    accepted: Accepted | None = None


class PrinterActor:
    """Owns one printer's status. Offline is a state it lives through; a crash is a bug."""

    def __init__(self, printer: Printer, parts: PrinterParts, console: Console) -> None:
        """console: what was sent and said in earlier lives of this actor."""
        self._printer = printer
        self._console = console
        self._parts = parts
        self._breaker = CircuitBreaker(printer.name, parts.clock, parts.chance)
        self._driver = GuardedDriver(parts.driver(printer), self._breaker)
        ears = Ears(self._online, self._see, self._lost)
        self._link = Link(printer.name, self._driver, self._breaker, parts.turnstile, parts.chance, ears)
        self._health = HealthCheck(
            self._driver,
            parts.chance,
            printer.health_check_interval_s,
            lambda: self._status.connection is Connection.ONLINE,
            self._link.lose_key,
        )
        self._status = PrinterStatus(connection=Connection.CONNECTING)
        self._mode, self._mode_why = Mode.NORMAL, ""
        self._unkept: _Decision | None = None  # not in the database yet
        self._reading: Reading | None = None
        self._news = trio.Event()  # set, and replaced, with every reading
        self._assignment: Assignment | None = None
        self._tidying = Tidying(printer, self._driver, parts.database, parts.clock, self._is_calm)
        self._foreign_time = ForeignTime(printer.id, parts.database, parts.clock)
        self._one_at_a_time = trio.Lock()  # for commands that may wait for each other
        self._overtaken = trio.CancelScope()  # of the newest pause, resume or cancel, waiting to be seen
        self._in_turn = trio.CancelScope()  # of the command whose turn it is
        self._pending: list[Later[Halted]] = []
        self._accepted: dict[str, Accepted] = {}  # commands whose end nobody was told yet
        self._followed = self._came = 0  # readings
        self._seen_to = ""  # the firmware error a person has cleared
        self._looked_after = False  # by a person, while nothing could be seen of the printer
        self._take_up_at = 0.0
        self._noted_online: bool | None = None  # in the log

    async def run(self, mailbox: Mailbox[PrinterMessage]) -> None:
        """Live until the mailbox closes. What the printer prints goes on without us."""
        try:
            await self._remember()
            async with trio.open_nursery() as self._nursery:
                self._start_link()
                self._nursery.start_soon(self._say_again_and_again)
                await serve(mailbox, self._handle)
                self._nursery.cancel_scope.cancel()
        finally:
            for later in self._pending:
                later.fail(ActorFailed(f"{self._printer.name}: its actor failed; look at the printer"))
            with trio.move_on_after(1, shield=True):
                await self._leave_word()
            with trio.move_on_after(1, shield=True):  # a polite close frees the host's connection
                await self._driver.aclose()

    async def _leave_word(self) -> None:
        """Whoever comes after us has to know what was decided, and people how their commands went."""
        if self._unkept is not None:
            with suppress(FarmError):
                await self._write_mode(self._unkept)
        for accepted in list(self._accepted.values()):
            await self._finished(accepted, LEFT_ALONE)
        await self._foreign_time.keep()

    async def _remember(self) -> None:
        """Take up what was decided about this printer, and adopt what it may be printing."""
        kept = await self._parts.database.read(records.kept, self._printer.id)
        self._mode, self._mode_why = kept.mode, kept.why
        self._status = replace(self._status, operation=self._shown_operation(), message=self._mode_why)
        if kept.plate is not None:
            self._status = replace(self._status, plate=kept.plate)
        if kept.order is not None and kept.order.state in _ADOPTED_AS:
            order = PrintOrder.of(kept.order, self._parts.content_of)
            self._assign(order, _ADOPTED_AS[kept.order.state])

    def _start_link(self) -> None:
        if not self._printer.enabled:
            self._show(connection=Connection.DISABLED, message="switched off in the farm's settings")
            return
        self._nursery.start_soon(self._link.run)
        self._nursery.start_soon(self._health.run)
        self._nursery.start_soon(self._follow_readings)
        self._nursery.start_soon(self._tidying.run)
        self._nursery.start_soon(self._foreign_time.run)

    # -- what others ask -----------------------------------------------------------------------

    async def _handle(self, message: PrinterMessage, by: Principal) -> Later[Halted] | Lines | None:
        await trio.lowlevel.checkpoint()
        match message:
            case TakePrint(order):
                self._take(order)
            case StartPrint(print_id):
                self._start(print_id)
            case WatchPrint(order):
                self._watch(order)
            case ForgetPrint(print_id):
                self._forget(print_id)
            case PlateIs(plate):
                self._show(plate=plate)
            case RunCommand(command_id, command):
                self._run_command(command_id, command, by)
            case EmergencyStop():
                return self._stop_now(by)
            case SettingsAre(printer):
                self._take_settings(printer)
            case ReadConsole(since):
                require(by, Action.READ, Target(self._printer.id, self._printer.tags))
                return self._console.since(since, Capability.CONSOLE in self._driver.capabilities)
            case _:
                assert_never(message)
        return None

    def _take_settings(self, printer: Printer) -> None:
        """Another name is shown at once; for another address the actor is begun anew and adopts its print."""
        before, self._printer = self._printer, printer
        if (before.address, before.enabled) != (printer.address, printer.enabled):
            self._nursery.cancel_scope.cancel()
        else:
            self._health.set_interval(printer.health_check_interval_s)
            self._say()

    def _take(self, order: PrintOrder) -> None:
        if self._assignment is not None and self._assignment.order.id == order.id:
            return
        if self._status.connection is not Connection.ONLINE:
            raise Refused(f"{self._printer.name} is {self._status.connection}")
        if self._assignment is not None or self._status.operation is not Operation.IDLE:
            raise Refused(f"{self._printer.name} is at work on something else")
        self._tidying.give_way()
        self._nursery.start_soon(self._assign(order, Stage.UPLOADING).bring_file)

    def _start(self, print_id: str) -> None:
        assignment = self._assignment
        if assignment is None or assignment.order.id != print_id:
            raise Refused(f"{self._printer.name} knows nothing of this print")
        if assignment.report.stage is not Stage.UPLOADED:
            return
        if self._mode is not Mode.NORMAL:  # somebody may have their hands in it
            assignment.withhold_start(f"{self._printer.name} is in {self._mode}")
        else:
            assignment.begin_start()
            self._nursery.start_soon(assignment.send_start)

    def _watch(self, order: PrintOrder) -> None:
        known = self._assignment
        if known is None or known.order.id != order.id or not known.watched:
            self._assign(order, Stage.STARTING)

    def _assign(self, order: PrintOrder, stage: Stage) -> Assignment:
        self._assignment = Assignment(order, stage, self._printer, self._driver, self._assignment_changed)
        self._assignment_changed()
        return self._assignment

    def _assignment_changed(self) -> None:
        if self._assignment is not None:
            operation, progress = self._shown_operation(), self._assignment.progress(self._reading)
            self._show(operation=operation, print=progress)
            self._say()

    def _forget(self, print_id: str) -> None:
        if self._assignment is not None and self._assignment.order.id == print_id:
            self._assignment = None
            self._show(operation=self._shown_operation(), print=None)
            self._tidying.soon()

    def _is_calm(self) -> bool:
        status = self._status
        online = status.connection is Connection.ONLINE
        return online and status.operation is Operation.IDLE and self._assignment is None

    # -- looking at the printer ----------------------------------------------------------------

    def _online(self, identity: Identity) -> None:
        if self._noted_online is not True:
            log.info("printer online", printer=self._printer.id, host=identity.version)
        if self._assignment is not None:
            self._assignment.lose_sight()
        self._noted_online = True

    def _lost(self, problem: str) -> None:
        if self._noted_online is not False:
            log.warning("printer offline", printer=self._printer.id, problem=problem)
        self._noted_online = False
        self._reading = None
        self._show(
            connection=Connection.OFFLINE,
            operation=self._shown_operation(),
            breaker=self._breaker.state,
            next_try_at=self._breaker.next_try_at,
            message=problem,
            temperatures={},
            foreign=False,
            foreign_file="",
        )

    def _see(self, reading: Reading) -> None:
        self._reading = reading
        for line in reading.said:
            self._console.add(self._parts.clock(), Kind.SAID, line)
        self._came += 1
        news, self._news = self._news, trio.Event()
        news.set()

    async def _follow_readings(self) -> None:
        """Take in the newest reading; those that come while a question is out are passed over."""
        while True:
            if self._followed == self._came:
                await self._news.wait()
            self._followed, reading = self._came, self._reading
            if reading is None:  # lost meanwhile
                continue
            if self._assignment is not None:
                await self._assignment.follow(reading)
                if self._reading is None:  # what was seen before says nothing any more
                    continue
            self._show_reading(reading)
            self._mind_the_machine(reading)
            if reading.temperatures:
                at = self._parts.clock().timestamp()
                read = TemperaturesRead(self._printer.id, at, reading.temperatures)
                self._parts.telemetry().tell_nowait(read)

    async def _seen(self, wanted: Callable[[Reading], bool]) -> None:
        """Wait for a reading, newer than this call, for which `wanted` is true."""
        while True:
            await self._news.wait()
            if self._reading is not None and wanted(self._reading):
                return

    def _show_reading(self, reading: Reading) -> None:
        ours = self._assignment is not None and self._assignment.works_on_it(reading)
        foreign = reading.operation in BUSY and not ours
        self._foreign_time.see(foreign and reading.operation is Operation.PRINTING)
        self._show(
            connection=Connection.ONLINE,
            operation=self._shown_operation(),
            breaker=self._breaker.state,
            next_try_at=self._breaker.next_try_at,
            message=self._sentence(reading),
            temperatures=reading.temperatures,
            position=reading.position,
            foreign=foreign,
            foreign_file=reading.file.remote_name if foreign and reading.file is not None else "",
            print=self._assignment.progress(reading) if self._assignment is not None else None,
        )

    def _observed(self) -> Operation:
        """What the printer itself does, as far as can be seen."""
        if self._reading is None or not self._reading.machine_connected:
            return Operation.UNKNOWN
        if self._reading.operation is Operation.IDLE and self._assignment is not None:
            return Operation.PREPARING if self._assignment.may_begin else Operation.IDLE
        return self._reading.operation

    def _print_is_on(self) -> bool:
        """Whether it prints, or may, for all that can be seen."""
        ours = self._assignment is not None and self._assignment.watched
        return ours or self._observed() in BUSY

    def _shown_operation(self) -> Operation:
        observed = self._observed()
        if self._mode is Mode.MAINTENANCE and self._print_is_on():
            return observed  # maintenance begins when the print is over
        if self._mode is not Mode.NORMAL:
            return _SHOWN_AS[self._mode]
        if self._reading is not None and self._reading.stale:
            return Operation.ATTENTION
        return observed

    def _sentence(self, reading: Reading) -> str:
        if self._mode is Mode.MAINTENANCE and self._print_is_on():
            return "maintenance begins when the print on it is over"
        if self._mode is not Mode.NORMAL and self._mode_why:
            return self._mode_why
        if reading.attention:
            return reading.attention
        return self._breaker.problem if reading.machine_connected else _lost_machine(reading)

    def _mind_the_machine(self, reading: Reading) -> None:
        """After a stop or a firmware error wait for a person; take up a dropped line again by ourselves."""
        if self._looked_after:
            self._go_on_after(reading)
        if reading.loss is None:
            self._seen_to = ""
        elif reading.loss in _FOR_A_PERSON and self._mode is Mode.NORMAL:
            if reading.error != self._seen_to:
                self._decide(_Decision(Mode.ATTENTION, _lost_machine(reading), SYSTEM))
        elif reading.loss is Loss.LINK_LOST and self._mode is not Mode.EMERGENCY and self._can_take_up:
            now = trio.current_time()
            if now >= self._take_up_at:
                self._take_up_at = now + TAKE_UP_AGAIN_S
                self._nursery.start_soon(self._take_up_the_machine)

    def _go_on_after(self, reading: Reading | None) -> None:
        """A person has looked: what stopped the printer stops it no longer."""
        self._looked_after = reading is None  # then the next look shows what to go on from
        if reading is not None and not reading.machine_connected:
            self._seen_to = reading.error
            if self._can_take_up:
                self._nursery.start_soon(self._take_up_the_machine)

    @property
    def _can_take_up(self) -> bool:
        """Whether its host takes up its printer when it is told; others do so by themselves."""
        return Capability.TAKE_UP in self._driver.capabilities

    async def _take_up_the_machine(self) -> None:
        if self._mode is Mode.EMERGENCY:  # it came before this task's turn
            return
        try:
            with trio.fail_after(commands.MACHINE_WITHIN_S):
                await self._driver.connect_machine()
        except (FarmError, trio.TooSlowError) as problem:
            log.info("printer not taken up", printer=self._printer.id, problem=str(problem))

    # -- what people want ----------------------------------------------------------------------

    def _run_command(self, command_id: str, command: Command, by: Principal) -> None:
        action = Action.SEND_GCODE if isinstance(command, SendGcode) else Action.CONTROL
        require(by, action, Target(self._printer.id, self._printer.tags))
        commands.check_limits(command, self._printer.profile)
        why_not = commands.why_not(
            command, self._status, self._observed(), self._mode, self._driver.capabilities
        )
        commands.refuse(why_not, self._printer.name)
        self._require_room(command)
        if by.terms.dry:
            return
        if commands.is_decision(command):
            why = command.reason if isinstance(command, MaintenanceOn) else ""
            accepted = self._accept(command_id, command, by)
            self._decide(_Decision(_DECIDED[type(command)], why, by, accepted))
            if isinstance(command, (ClearAttention, ClearEmergency)):
                self._go_on_after(self._reading)
            return
        if isinstance(command, Cancel) and self._assignment is not None:
            self._assignment.note_cancel()
        if isinstance(command, _URGENT):
            self._overtaken.cancel()
            self._overtaken = trio.CancelScope()
            self._nursery.start_soon(self._carry_out, self._accept(command_id, command, by), self._overtaken)
            return
        self._nursery.start_soon(self._carry_out_in_turn, self._accept(command_id, command, by))

    def _require_room(self, command: Command) -> None:
        """Raise Overloaded where the command would have to wait its turn, and too many do already."""
        at_once = commands.is_decision(command) or isinstance(command, _URGENT)
        if not at_once and self._one_at_a_time.statistics().tasks_waiting >= MOST_COMMANDS:
            raise Overloaded(
                f"{self._printer.name} has {MOST_COMMANDS} commands to do already; wait for them"
            )

    def _accept(self, command_id: str, command: Command, by: Principal) -> Accepted:
        """From now on its end has to be told, whatever comes."""
        accepted = self._accepted[command_id] = Accepted(command_id, command, by)
        if isinstance(command, SendGcode):
            for line in command.lines:
                self._console.add(self._parts.clock(), Kind.SENT, one_line(line), str(by))
        return accepted

    async def _carry_out_in_turn(self, accepted: Accepted) -> None:
        async with self._one_at_a_time:
            if self._mode is Mode.EMERGENCY:
                await self._finished(accepted, "an emergency stop came first")
            else:
                self._in_turn = trio.CancelScope()
                await self._carry_out(accepted, self._in_turn)

    async def _carry_out(self, accepted: Accepted, overtaken: trio.CancelScope) -> None:
        problem = await commands.carry_out(
            self._driver, accepted.command, self._seen, overtaken, self._printer.max_retries
        )
        name = NAMES[type(accepted.command)]
        log.info("command over", printer=self._printer.id, command=name, problem=problem)
        await self._finished(accepted, problem)

    async def _finished(self, accepted: Accepted, problem: str) -> None:
        self._accepted.pop(accepted.id, None)
        if problem and isinstance(accepted.command, SendGcode):
            self._console.add(self._parts.clock(), Kind.FAILED, problem)
        stamp = Stamp.of(accepted.by, self._parts.clock())
        try:
            await self._parts.database.write(
                records.finish_command, self._printer.id, accepted, problem, stamp
            )
        except FarmError as trouble:  # the printer did it all the same
            log.warning("end of a command not kept", printer=self._printer.id, problem=str(trouble))

    def _decide(self, decision: _Decision) -> None:
        """Change the mode at once, and keep it as soon as the database can."""
        self._mode, self._mode_why = require_transition(MODES, self._mode, decision.mode), decision.why
        message = decision.why if self._reading is None else self._sentence(self._reading)
        # A latch is opened by a person alone; only then may the status leave it.
        self._show(operation=Operation.UNKNOWN, message=message)
        self._show(operation=self._shown_operation())
        self._unkept = decision
        self._nursery.start_soon(self._keep_mode, decision)

    async def _keep_mode(self, decision: _Decision) -> None:
        while self._unkept is decision:
            try:
                await self._write_mode(decision)
            except FarmError as problem:  # until it is kept a restart would forget it
                log.warning("mode not kept yet", printer=self._printer.id, problem=str(problem))
                await trio.sleep(1)
        if decision.accepted is not None and decision.accepted.id in self._accepted:
            await self._finished(decision.accepted, "overtaken by a later decision")

    async def _write_mode(self, decision: _Decision) -> None:
        """Keep a decision, together with the end of its command: told once, however often this is tried."""
        stamp = Stamp.of(decision.by, self._parts.clock())
        owed = None if decision.accepted is None else self._accepted.pop(decision.accepted.id, None)
        try:
            await self._parts.database.write(
                records.decide, self._printer.id, decision.mode, decision.why, owed, stamp
            )
        except FarmError:
            if owed is not None:
                self._accepted[owed.id] = owed
            raise
        if self._unkept is decision:
            self._unkept = None

    def _stop_now(self, by: Principal) -> Later[Halted]:
        require(by, Action.EMERGENCY_STOP, Target(self._printer.id, self._printer.tags))
        later: Later[Halted] = Later()
        self._pending.append(later)
        self._nursery.start_soon(self._send_stop, later)  # first of all
        self._overtaken.cancel()
        self._in_turn.cancel()
        self._tidying.give_way()
        if self._assignment is not None:
            self._assignment.stop_sending()
        self._reading, self._looked_after = None, False  # what was seen before says nothing any more
        if self._mode is not Mode.EMERGENCY:
            self._decide(_Decision(Mode.EMERGENCY, _WHY_HALTED[self._halted], by))
        return later

    @property
    def _halted(self) -> Halted:
        """What an emergency stop comes to on this kind of printer."""
        stops = Capability.EMERGENCY_STOP in self._driver.capabilities
        return Halted.STOPPED if stops else Halted.ONLY_CANCELLED

    async def _send_stop(self, later: Later[Halted]) -> None:
        problem: FarmError = PrinterUnreachable(f"{self._printer.name} was not reached")
        for attempt in range(STOP_TRIES):
            if attempt and self._mode is not Mode.EMERGENCY:  # a person has looked, and goes on with it
                later.fail(problem)
                break
            try:
                with trio.fail_after(STOP_WITHIN_S):
                    await self._driver.emergency_stop()
            except FarmError as error:
                problem = error
            except trio.TooSlowError:
                problem = PrinterUnreachable(f"{self._printer.name} did not answer")
            else:
                later.give(self._halted)
                break
        else:
            log.error("emergency stop not sent", printer=self._printer.id, problem=str(problem))
            later.fail(problem)
        self._pending.remove(later)

    # -- what others see -----------------------------------------------------------------------

    def _show(self, **changes: Any) -> None:
        """Make the next status of these changes, and let it be known if it differs."""
        before = self._status
        after = replace(before, **changes)
        require_transition(CONNECTIONS, before.connection, after.connection)
        require_transition(OPERATIONS, before.operation, after.operation)
        if (after.connection, after.operation) != (before.connection, before.operation):
            after = replace(after, since=self._parts.clock())
            self._tidying.soon()
        if after != before:
            self._status = after
            self._say()

    def _say(self) -> None:
        report = self._assignment.report if self._assignment is not None else None
        self._parts.queue().tell_nowait(PrinterChanged(self._printer, self._status, report))
        self._parts.events().tell_nowait(StatusChanged(self._printer, self._status))

    async def _say_again_and_again(self) -> None:
        """A restarted queue or broadcaster knows nothing until it is told again.

        With it goes what time alone changes: a long try shows as such, a short one is not worth a word.
        """
        while True:
            self._show(breaker=self._breaker.state)
            self._say()
            await trio.sleep(SAY_AGAIN_S)


_ADOPTED_AS = {
    PrintState.STARTING: Stage.STARTING,
    PrintState.PRINTING: Stage.PRINTING,
    PrintState.PAUSED: Stage.PAUSED,
}
"""Rows whose start may have been sent. For earlier ones the queue asks us to take the print (again)."""

_URGENT = (Pause, Resume, Cancel)
"""Sent at once, whatever else is on its way; a later one ends the wait for the one before."""

_WHY_HALTED = {
    Halted.STOPPED: "stopped in an emergency; look at it before you go on",
    Halted.ONLY_CANCELLED: (
        "its print was cancelled in an emergency, and it can be told no more: its heaters may stay on; "
        "switch it off at the plug, and look at it before you go on"
    ),
}

_FOR_A_PERSON = (Loss.FIRMWARE_ERROR, Loss.EMERGENCY_STOP)
"""What somebody has to look into before the machine is taken up again, whoever stopped it."""

_SHOWN_AS = {
    Mode.MAINTENANCE: Operation.MAINTENANCE,
    Mode.ATTENTION: Operation.ATTENTION,
    Mode.EMERGENCY: Operation.EMERGENCY,
}

_DECIDED: dict[type[Command], Mode] = {
    MaintenanceOn: Mode.MAINTENANCE,
    MaintenanceOff: Mode.NORMAL,
    ClearAttention: Mode.NORMAL,
    ClearEmergency: Mode.NORMAL,
}


def _lost_machine(reading: Reading) -> str:
    what = reading.error or reading.text
    return "the print host has no connection to its printer" + (f": {what}" if what else "")
