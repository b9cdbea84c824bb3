"""One printer: the one owner of its status. It links, follows prints, and carries out commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, assert_never

import structlog
import trio
from msgspec import structs

from farm.access.rights import Action, Target, require
from farm.actors import Address, Later, Mailbox, serve
from farm.domain.anomaly import Anomaly, Severity
from farm.domain.clock import Randomness, WallClock, new_id
from farm.domain.command import (
    Cancel,
    ClearAttention,
    ClearDoubt,
    ClearEmergency,
    Command,
    MaintenanceOff,
    MaintenanceOn,
    Pause,
    Resume,
    SendGcode,
    SetTemperature,
)
from farm.domain.job import PrintState
from farm.domain.printer import (
    BUSY,
    CONNECTIONS,
    OPERATIONS,
    Connection,
    Mode,
    Operation,
    Printer,
    PrinterStatus,
)
from farm.domain.transitions import require as require_transition
from farm.domain.user import SYSTEM, Principal
from farm.drivers.alarm import Alarm
from farm.drivers.base import Capability, Driver, Reading
from farm.drivers.flight import FlightRecorder, recording
from farm.errors import Refused
from farm.history.messages import StatusSeen
from farm.live.messages import StatusChanged
from farm.printers import commands, flights, halt, machine_line, records
from farm.printers.assignment import Assignment
from farm.printers.breaker import CircuitBreaker
from farm.printers.console import Console, Kind, Lines
from farm.printers.cool_down import CoolDown
from farm.printers.decisions import Decision, Decisions
from farm.printers.ends import Ends
from farm.printers.foreign_time import ForeignTime
from farm.printers.guarded import GuardedDriver
from farm.printers.halt import EmergencyStops
from farm.printers.health import HealthCheck
from farm.printers.lanes import Lanes
from farm.printers.link import Ears, Link
from farm.printers.lookout import Acts, Lookout
from farm.printers.machine_line import MachineLine
from farm.printers.messages import (
    EjectorIs,
    EmergencyStop,
    ForgetPrint,
    Halted,
    LookAnew,
    PlateIs,
    PrinterChanged,
    PrinterMessage,
    PrintOrder,
    ReadConsole,
    ReadFlight,
    RunCommand,
    SettingsAre,
    Stage,
    StartPrint,
    TakePrint,
    WatchPrint,
)
from farm.printers.pace import Pace
from farm.printers.records import Kept
from farm.printers.tidy import Tidying
from farm.printers.turnstile import Turnstile
from farm.printers.watching import Watching
from farm.store.database import Database
from farm.telemetry.messages import PrinterObserved

log = structlog.get_logger(__name__)

SAY_AGAIN_S = 5.0  # a status whose message was lost is made good this soon


@dataclass(frozen=True, slots=True)
class PrinterParts:
    """What a printer's actor needs of the farm; handed in by `app.py`.

    driver: makes the driver for a printer, whose api_key is already opened.
    content_of: from a file's hash to where its content lies.
    turnstile, watching: shared by all printers.
    """

    database: Database
    queue: Callable[[], Address[Any]]
    events: Callable[[], Address[Any]]
    telemetry: Callable[[], Address[Any]]
    history: Callable[[], Address[Any]]
    driver: Callable[[Printer], Driver]
    content_of: Callable[[str], Path]
    clock: WallClock
    chance: Randomness
    turnstile: Turnstile = field(default_factory=Turnstile)
    watching: Watching = field(default_factory=Watching)


class PrinterActor:
    """Owns one printer's status. Offline is a state it lives through; a crash is a bug."""

    def __init__(
        self,
        printer: Printer,
        parts: PrinterParts,
        console: Console,
        kept: Kept | None = None,
        flight: FlightRecorder | None = None,
    ) -> None:
        """kept: where it was just read. console, flight: what was said in earlier lives of this actor."""
        self._flight = flight or FlightRecorder()
        self._printer = printer
        self._console = console
        self._kept = kept
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
        self._ends = Ends(printer.id, console, parts.database, parts.clock)
        self._decisions = Decisions(printer.id, self._ends, parts.database, parts.clock)
        self._lanes = Lanes(lambda: self._printer, self._driver, self._ends, self._seen, self._is_stopped)
        self._reading: Reading | None = None
        self._pace = Pace()
        self._news = trio.lowlevel.ParkingLot()  # who waits for the next reading
        self._unfollowed = trio.Event()  # set when a reading came that `_follow_readings` has to see to
        self._is_behind = False  # from then until it has
        self._assignment: Assignment | None = None
        self._tidying = Tidying(printer, self._driver, parts.database, parts.clock, self._is_calm)
        self._foreign_time = ForeignTime(printer.id, parts.database, parts.clock)
        self._cool_down = CoolDown(printer.id, parts.database, parts.clock, self._begin)
        self._line = MachineLine(printer.id, self._driver, self._lanes, self._begin, self._hold)
        self._stops = EmergencyStops(
            lambda: self._printer, self._driver, lambda: self._mode is Mode.EMERGENCY
        )
        acts = Acts(self._pause_for, self._hold_for, self._stop_for, self._cool)
        self._lookout = Lookout(printer, parts.watching, acts, parts.database, parts.clock)
        self._undisturbed_since = trio.current_time()
        self._noted_online: bool | None = None  # in the log

    async def run(self, mailbox: Mailbox[PrinterMessage]) -> None:
        """Live until the mailbox closes. What the printer prints goes on without us."""
        recording.set(self._flight)  # for this task, and all that come of it
        try:
            if self._kept is None:
                self._kept = await self._parts.database.read(records.kept, self._printer)
            self._remember(self._kept)
            async with trio.open_nursery() as self._nursery:
                self._start_link()
                self._nursery.start_soon(self._say_again_and_again)
                self._nursery.start_soon(self._lookout.run)  # also of one that is switched off
                await serve(mailbox, self._handle)
                self._nursery.cancel_scope.cancel()
        finally:
            self._stops.give_up()
            with trio.move_on_after(1, shield=True):
                await self._leave_word()
            with trio.move_on_after(1, shield=True):  # a polite close frees the host's connection
                await self._driver.aclose()

    async def _leave_word(self) -> None:
        """Whoever comes after us has to know what was decided, and people how their commands went."""
        await self._decisions.leave_word()
        await self._ends.leave_word()
        await self._foreign_time.keep()
        await self._lookout.leave_word()

    def _remember(self, kept: Kept) -> None:
        """Take up what was decided about this printer, and adopt what it may be printing."""
        self._decisions.remember(kept.mode, kept.why)
        self._status = structs.replace(self._status, operation=self._shown_operation(), message=kept.why)
        if kept.plate is not None:
            self._status = structs.replace(self._status, plate=kept.plate, ejector=kept.ejector)
        self._lookout.remember(kept, _material(self._printer))
        self._status = structs.replace(
            self._status, anomalies=self._lookout.current, doubt=self._lookout.doubt
        )
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

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let something be done beside."""
        self._nursery.start_soon(work)

    # -- what others ask -----------------------------------------------------------------------

    async def _handle(
        self, message: PrinterMessage, by: Principal
    ) -> Later[Halted] | Later[str] | Lines | None:
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
            case EjectorIs(ejector):
                self._show(ejector=ejector)
            case RunCommand(command_id, command):
                self._run_command(command_id, command, by)
            case EmergencyStop():
                return self._stop_now(by)
            case SettingsAre(printer):
                self._take_settings(printer)
            case ReadFlight():
                return self._read_flight(by)
            case LookAnew(why):
                self._look_anew(why)
            case ReadConsole(since):
                require(by, Action.READ, Target(self._printer.id, self._printer.tags))
                return self._console.since(since, Capability.CONSOLE in self._driver.capabilities)
            case _:
                assert_never(message)
        return None

    def _read_flight(self, by: Principal) -> Later[str]:
        require(by, Action.CONTROL, Target(self._printer.id, self._printer.tags))
        later: Later[str] = Later()
        self._nursery.start_soon(self._tell_flight, later)
        return later

    async def _tell_flight(self, later: Later[str]) -> None:
        later.give(await flights.told(self._flight, self._printer, self._parts.clock()))

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
        why_not = self._why_not_start(assignment.order)
        if why_not:
            assignment.withhold_start(why_not)
        else:
            assignment.begin_start()
            self._nursery.start_soon(assignment.send_start)

    def _why_not_start(self, order: PrintOrder) -> str:
        """Why nothing is begun now after all, "" for nothing."""
        if self._mode is not Mode.NORMAL:  # somebody may have their hands in it
            return f"{self._printer.name} is in {self._mode}"
        if order.bed_at_most_degc is None:
            return ""
        if order.undisturbed_since != self._undisturbed_since:
            return "the farm did not have it in sight all the while, or somebody was at it"
        reading = self._reading
        bed = reading.temperatures.get("bed") if reading is not None and not reading.stale else None
        if bed is None or bed.actual is None:
            return "the temperature of its bed cannot be read"
        too_warm = bed.actual > order.bed_at_most_degc
        return f"its bed is at {bed.actual:.0f} °C, not yet cool" if too_warm else ""

    def _watch(self, order: PrintOrder) -> None:
        known = self._assignment
        if known is None or known.order.id != order.id or not known.watched:
            self._assign(order, Stage.STARTING)

    def _assign(self, order: PrintOrder, stage: Stage) -> Assignment:
        if order.bed_at_most_degc is None:  # an ejection is no print
            self._lookout.expect(order.id, _material(self._printer))
        self._assignment = Assignment(
            order,
            stage,
            self._printer,
            self._driver,
            self._assignment_changed,
            lambda: self._undisturbed_since,
        )
        self._assignment_changed()
        return self._assignment

    def _assignment_changed(self) -> None:
        if self._assignment is not None:
            report = self._assignment.report
            if report.stage is Stage.FINISHED:
                self._cool_down.begin(report.print)
            operation, progress = self._shown_operation(), self._assignment.progress(self._reading)
            self._show(operation=operation, print=progress)
            self._say()
            if self._assignment.report.stage in _OVER:
                self._lookout.ended(self._assignment.order.id, self._assignment.report.stage)

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

    def _online(self) -> None:
        if self._noted_online is not True:
            log.info("printer online", printer=self._printer.id)
        self._lose_sight()
        self._lookout.connected()
        self._noted_online = True

    def _lose_sight(self) -> None:
        """When it is lost, and when it is back: it may be seen again long before its link counts as calm."""
        self._undisturbed_since = trio.current_time()
        if self._assignment is not None:
            self._assignment.lose_sight()

    def _lost(self, problem: str) -> None:
        self._lose_sight()
        if self._noted_online is not False:
            last = flights.last_words(self._flight, self._printer)
            log.warning("printer offline", printer=self._printer.id, problem=problem, last=last)
        self._noted_online = False
        self._lookout.lost(problem)
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

    def _look_anew(self, why: str) -> None:
        """What was seen before says nothing any more, and what it prints is asked for as after a loss."""
        self._cool_down.give_up()
        self._lookout.begin_anew()
        self._link.look_anew()
        if self._status.connection is not Connection.ONLINE:
            return
        if self._assignment is not None:
            self._assignment.lose_sight()
        self._reading = None
        operation = self._shown_operation()
        self._show(connection=Connection.CONNECTING, operation=operation, message=why, temperatures={})

    def _see(self, reading: Reading) -> None:
        self._reading = reading
        for line in reading.said:
            self._console.add(self._parts.clock(), Kind.SAID, line)
        # Most readings, of most printers: nobody has to be woken for them.
        if not self._is_behind and (self._assignment is None or self._assignment.see(reading)):
            self._take_in(reading)
        else:
            self._is_behind = True
            self._unfollowed.set()
        if self._news:
            self._news.unpark_all()

    async def _follow_readings(self) -> None:
        """Take in the newest reading; those that come while a question is out are passed over."""
        while True:
            await self._unfollowed.wait()
            self._unfollowed = trio.Event()
            await self._follow(self._reading)
            self._is_behind = self._unfollowed.is_set()

    async def _follow(self, reading: Reading | None) -> None:
        if reading is None:  # lost meanwhile
            return
        if self._assignment is not None:
            await self._assignment.follow(reading)
            if self._reading is None:  # what was seen before says nothing any more
                return
        self._take_in(reading)

    def _take_in(self, reading: Reading) -> None:
        works_on = self._assignment
        ours = works_on if works_on is not None and works_on.works_on_it(reading) else None
        self._lookout.see(reading, ours)
        self._show_reading(reading, ours)
        self._line.see(reading, self._mode)
        self._cool_down.see(reading.temperatures.get("bed"))
        now = trio.current_time()
        if self._pace.keeps(now):
            self._parts.telemetry().tell_nowait(self._observation(reading, now))

    def _observation(self, reading: Reading, now: float) -> PrinterObserved:
        return PrinterObserved(
            self._printer.id,
            self._parts.clock().timestamp(),
            now,
            reading,
            self._status,
            self._assignment.order.estimate_s if self._assignment is not None else None,
            self._pace.passed_over(),
        )

    async def _seen(self, wanted: Callable[[Reading], bool]) -> None:
        """Wait for a reading, newer than this call, for which `wanted` is true."""
        while True:
            await self._news.park()
            if self._reading is not None and wanted(self._reading):
                return

    def _show_reading(self, reading: Reading, ours: Assignment | None) -> None:
        foreign = ours is None and reading.operation in BUSY
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
            anomalies=self._lookout.current,
            doubt=self._lookout.doubt,
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
        if self._mode is not Mode.NORMAL and self._decisions.why:
            return self._decisions.why
        if reading.attention:
            return reading.attention
        if self._lookout.current and self._lookout.current[0].severity is not Severity.NOTE:
            return self._lookout.current[0].sentence
        return self._breaker.problem if reading.machine_connected else machine_line.lost(reading)

    # -- what people want ----------------------------------------------------------------------

    @property
    def _mode(self) -> Mode:
        return self._decisions.mode

    def _run_command(self, command_id: str, command: Command, by: Principal) -> None:
        action = Action.SEND_GCODE if isinstance(command, SendGcode) else Action.CONTROL
        require(by, action, Target(self._printer.id, self._printer.tags))
        commands.check_limits(command, self._printer.profile)
        why_not = commands.why_not(
            command, self._status, self._observed(), self._mode, self._driver.capabilities
        )
        commands.refuse(why_not, self._printer.name)
        self._lanes.require_room(command)
        if by.terms.dry:
            return
        if by != SYSTEM and not isinstance(command, (Pause, Resume, Cancel)):
            self._undisturbed_since = trio.current_time()
        accepted = self._ends.accept(command_id, command, by)
        self._lookout.attended()
        if isinstance(command, SetTemperature):
            self._lookout.targeted(command.heater, command.target_degc)
        if isinstance(command, _SEEN_TO):
            self._lookout.seen_to()
            self._show(doubt=self._lookout.doubt)
        if isinstance(command, ClearDoubt):
            self._nursery.start_soon(self._ends.finish, accepted, "")
            return
        if commands.is_decision(command):
            why = command.reason if isinstance(command, MaintenanceOn) else ""
            self._decide(Decision(_DECIDED[type(command)], why, by, accepted))
            if isinstance(command, (ClearAttention, ClearEmergency)):
                self._line.looked_after(self._reading)
            return
        if isinstance(command, Cancel) and self._assignment is not None:
            self._assignment.note_cancel()
        first = self._reheat if isinstance(command, Resume) and self._lookout.is_cooled else None
        self._nursery.start_soon(self._lanes.enter(accepted, first))

    async def _reheat(self) -> str:
        return await self._lookout.reheat(self._driver, self._seen)

    # -- what the lookout wants --------------------------------------------------------------------

    def _pause_for(self, anomaly: Anomaly) -> None:
        """The print is paused, as a person would; whoever resumes it is not overruled."""
        self._command_by_itself(Pause(anomaly.sentence))

    def _cool(self, heater: str) -> bool:
        return self._command_by_itself(SetTemperature(heater, 0.0))

    def _command_by_itself(self, command: Command) -> bool:
        """Whether it can be done."""
        why_not = commands.why_not(
            command, self._status, self._observed(), self._mode, self._driver.capabilities
        )
        if why_not is not None:
            log.warning("trouble not acted on", printer=self._printer.id, why=why_not)
            return False
        accepted = self._ends.accept(new_id(self._parts.chance), command, SYSTEM)
        self._nursery.start_soon(self._lanes.enter(accepted))
        return True

    def _hold_for(self, anomaly: Anomaly) -> None:
        """Nothing is begun on it before somebody has looked."""
        if self._mode is Mode.NORMAL:
            self._hold(anomaly.sentence)

    def _stop_for(self, anomaly: Anomaly) -> None:
        log.error("stopped by itself", printer=self._printer.id, why=anomaly.sentence)
        self._stop_now(SYSTEM, anomaly.sentence)

    def _hold(self, why: str) -> None:
        self._decide(Decision(Mode.ATTENTION, why, SYSTEM))

    def _is_stopped(self) -> bool:
        return self._mode is Mode.EMERGENCY

    def _decide(self, decision: Decision) -> None:
        self._decisions.take(decision)
        self._undisturbed_since = trio.current_time()
        message = decision.why if self._reading is None else self._sentence(self._reading)
        # A latch is opened by a person alone; only then may the status leave it.
        self._show(operation=Operation.UNKNOWN, message=message)
        self._show(operation=self._shown_operation())
        self._nursery.start_soon(self._decisions.keep, decision)

    def _stop_now(self, by: Principal, why: str = "") -> Later[Halted]:
        """why: what for, where nobody stopped it by hand."""
        require(by, Action.EMERGENCY_STOP, Target(self._printer.id, self._printer.tags))
        later = self._stops.wish()
        self._nursery.start_soon(self._stops.send, later)  # first of all
        self._lanes.give_way()
        self._tidying.give_way()
        if self._assignment is not None:
            self._assignment.stop_sending()
        self._reading = None  # what was seen before says nothing any more
        self._line.stopped()
        if self._mode is not Mode.EMERGENCY:
            words = halt.WHY[self._stops.comes_to]
            self._decide(Decision(Mode.EMERGENCY, f"{words}: {why}" if why else words, by))
        return later

    # -- what others see -----------------------------------------------------------------------

    def _show(self, **changes: Any) -> None:
        """Make the next status of these changes, and let it be known if it differs."""
        before = self._status
        after = structs.replace(before, **changes)
        if after.connection is not before.connection or after.operation is not before.operation:
            require_transition(CONNECTIONS, before.connection, after.connection)
            require_transition(OPERATIONS, before.operation, after.operation)
            after = structs.replace(after, since=self._parts.clock())
            self._tidying.soon()
        if after != before:
            self._status = after
            self._tell_who_watches()
            if _DECIDES(after) != _DECIDES(before):
                self._tell_the_queue()
                self._tell_the_history()

    def _say(self) -> None:
        self._tell_the_queue()
        self._tell_the_history()
        self._tell_who_watches()

    def _tell_the_queue(self) -> None:
        report = self._assignment.report if self._assignment is not None else None
        self._parts.queue().tell_nowait(
            PrinterChanged(self._printer, self._status, report, self._undisturbed_since)
        )

    def _tell_the_history(self) -> None:
        seen = StatusSeen(self._printer.id, self._parts.clock(), trio.current_time(), self._status)
        self._parts.history().tell_nowait(seen)

    def _tell_who_watches(self) -> None:
        self._parts.events().tell_nowait(StatusChanged(self._printer, self._status))

    async def _say_again_and_again(self) -> None:
        """A restarted queue or broadcaster knows nothing until it is told again.

        With it goes what time alone changes: a long try shows as such, a short one is not worth a word.
        """
        alarm = Alarm()
        while True:
            self._lookout.pass_time()
            self._show(breaker=self._breaker.state, anomalies=self._lookout.current)
            self._say()
            again_at = trio.current_time() + SAY_AGAIN_S
            await alarm.sleep_past(lambda: again_at)  # noqa: B023 - asked in this very turn


_ADOPTED_AS = {
    PrintState.STARTING: Stage.STARTING,
    PrintState.PRINTING: Stage.PRINTING,
    PrintState.PAUSED: Stage.PAUSED,
}
"""Rows whose start may have been sent. For earlier ones the queue asks us to take the print (again)."""

_DECIDES = attrgetter("connection", "operation", "plate", "foreign", "foreign_file", "message", "doubt")
"""What of a status the queue decides by: most readings bring other temperatures and nothing more."""

_OVER = frozenset({Stage.FINISHED, Stage.FAILED, Stage.CANCELLED, Stage.UNDECIDED})

_SEEN_TO = (ClearDoubt, ClearAttention, MaintenanceOff)
"""By what a person says that they have seen to the printer."""

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


def _material(printer: Printer) -> str:
    """What is in its first tool, "" where nobody said."""
    first = next((each.material for each in printer.profile.loaded if each.tool == 0), None)
    return (first or "").upper()
