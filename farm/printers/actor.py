"""One printer: its connection, its status, and the print it is working on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, assert_never

import structlog
import trio

from farm.actors import Address, Mailbox, serve
from farm.domain.clock import Randomness, WallClock
from farm.domain.job import PrintState
from farm.domain.printer import (
    BUSY,
    CONNECTIONS,
    OPERATIONS,
    Breaker,
    Connection,
    Operation,
    Printer,
    PrinterStatus,
    PrintProgress,
)
from farm.domain.transitions import require
from farm.domain.user import Principal
from farm.drivers.base import AnswerLost, Driver, Reading
from farm.errors import FarmError, Forbidden, PrinterUnreachable, ProtocolError, Refused
from farm.live.messages import StatusChanged
from farm.printers.adoption import WATCHED, Conclusion, from_outcome, from_reading, is_ours
from farm.printers.messages import (
    ForgetPrint,
    PlateIs,
    PrinterChanged,
    PrinterMessage,
    PrintOrder,
    Report,
    Stage,
    StartPrint,
    TakePrint,
    WatchPrint,
)
from farm.store import printers
from farm.store.database import Database
from farm.store.orders import OpenOrder, open_order
from farm.telemetry.messages import TemperaturesRead

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 10.0  # of one question to the print host
START_WITHIN_S = 60.0  # OctoPrint answers a start after it has read and selected the file
MISSED_LOOKS = 3  # in a row, before a printer is shown as offline
SAY_AGAIN_S = 5.0  # a status whose message was lost is made good this soon
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 10.0  # with jitter; back within 5 s after a short cut
FLOOR_RATE = 25_000  # bytes/s; the slowest printers' own networks take about this much
UPLOAD_GRACE_S = 30.0

_PROBLEMS = (PrinterUnreachable, ProtocolError, Forbidden)


@dataclass(frozen=True, slots=True)
class PrinterParts:
    """What a printer's actor needs of the farm; handed in by `app.py`.

    driver: makes the driver for a printer, whose api_key is already opened.
    content_of: from a file's hash to where its content lies.
    """

    database: Database
    queue: Callable[[], Address[Any]]
    events: Callable[[], Address[Any]]
    telemetry: Callable[[], Address[Any]]
    driver: Callable[[Printer], Driver]
    content_of: Callable[[str], Any]
    clock: WallClock
    chance: Randomness
    poll_interval_s: float = 1.0


class PrinterActor:
    """Owns one printer's status. Offline is a state it lives through; a crash is a bug."""

    def __init__(self, printer: Printer, parts: PrinterParts) -> None:
        self._printer = printer
        self._parts = parts
        self._driver = parts.driver(printer)
        self._status = PrinterStatus(connection=Connection.CONNECTING)
        self._reading: Reading | None = None
        self._order: PrintOrder | None = None
        self._report: Report | None = None
        self._seen_running_at = 0.0  # or its start sent, on the monotonic clock

    async def run(self, mailbox: Mailbox[PrinterMessage]) -> None:
        """Live until the mailbox closes. What the printer prints goes on without us."""
        await self._take_up_the_open_print()
        async with trio.open_nursery() as self._nursery:
            if self._printer.enabled:
                self._nursery.start_soon(self._keep_connected)
            else:
                self._show(connection=Connection.DISABLED, message="switched off in the farm's settings")
            self._nursery.start_soon(self._say_again_and_again)
            try:
                await serve(mailbox, self._handle)
            finally:
                self._nursery.cancel_scope.cancel()
                with trio.move_on_after(1, shield=True):  # a polite close frees the host's connection
                    await self._driver.aclose()

    async def _take_up_the_open_print(self) -> None:
        """Adopt what this printer may be printing: the row tells how far it had come."""
        row = await self._parts.database.read(printers.plate, self._printer.id)
        if row is not None:
            self._status = replace(self._status, plate=row.plate)
        found = await self._parts.database.read(open_order, self._printer.id)
        if found is not None and found.state in _ADOPTED_AS:
            self._watch(_print_order(found, self._parts.content_of), _ADOPTED_AS[found.state])

    # -- what others ask -----------------------------------------------------------------------

    async def _handle(self, message: PrinterMessage, by: Principal) -> None:
        await trio.lowlevel.checkpoint()
        match message:
            case TakePrint(order):
                self._take(order)
            case StartPrint(print_id):
                self._start(print_id)
            case WatchPrint(order):
                self._watch(order, Stage.STARTING)
            case ForgetPrint(print_id):
                self._forget(print_id)
            case PlateIs(plate):
                self._show(plate=plate)
            case _:
                assert_never(message)

    def _take(self, order: PrintOrder) -> None:
        if self._order is not None and self._order.id == order.id:
            return
        if self._status.connection is not Connection.ONLINE:
            raise Refused(f"{self._printer.name} is {self._status.connection}")
        if self._order is not None or self._status.operation is not Operation.IDLE:
            raise Refused(f"{self._printer.name} is at work on something else")
        self._order = order
        self._tell(Stage.UPLOADING)
        self._nursery.start_soon(self._upload, order)

    def _start(self, print_id: str) -> None:
        order = self._order
        if order is None or order.id != print_id or self._report is None:
            raise Refused(f"{self._printer.name} knows nothing of this print")
        if self._report.stage is not Stage.UPLOADED:
            return  # sent already
        self._watch(order, Stage.STARTING)
        self._nursery.start_soon(self._send_start, order)

    def _watch(self, order: PrintOrder, stage: Stage) -> None:
        if self._report is not None and self._report.print == order.id and self._report.stage in WATCHED:
            return
        self._order = order
        self._seen_running_at = trio.current_time()
        self._tell(stage)

    def _forget(self, print_id: str) -> None:
        if self._order is not None and self._order.id == print_id:
            self._order = self._report = None
            self._show(print=None)

    # -- bringing a print onto the printer -----------------------------------------------------

    async def _upload(self, order: PrintOrder) -> None:
        problem = ""
        for attempt in range(self._printer.max_retries + 1):
            if attempt:
                await trio.sleep(self._retry_delay_s(attempt))
            try:
                with trio.fail_after(UPLOAD_GRACE_S + order.size / FLOOR_RATE):
                    await self._driver.upload(order.content, order.remote_name, order.size)
            except (PrinterUnreachable, ProtocolError) as error:  # worth another try
                problem = str(error)
            except FarmError as error:
                problem = str(error)
                break
            except trio.TooSlowError:
                problem = f"{self._printer.name} took less than {FLOOR_RATE // 1000} kB/s of the file"
            else:
                self._tell_about(order, Stage.UPLOADED)
                return
        self._tell_about(order, Stage.UPLOAD_FAILED, problem)

    async def _send_start(self, order: PrintOrder) -> None:
        try:
            with trio.fail_after(START_WITHIN_S):
                await self._driver.start(order.remote_name)
        except (AnswerLost, ProtocolError, trio.TooSlowError) as error:
            # It may be printing. Nothing is sent again; the looks at the printer decide.
            log.warning("start unanswered", printer=self._printer.id, print=order.id, problem=str(error))
        except FarmError as error:  # it certainly did not start
            self._tell_about(order, Stage.NOT_STARTED, str(error))
        self._seen_running_at = trio.current_time()

    def _tell_about(self, order: PrintOrder, stage: Stage, text: str = "") -> None:
        if self._order is order:
            self._tell(stage, text)

    # -- looking at the printer ----------------------------------------------------------------

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                with trio.fail_after(ANSWER_WITHIN_S):
                    identity = await self._driver.connect()
                failures = 0
                log.info("printer online", printer=self._printer.id, host=identity.version)
                await self._look_until_lost()
            except _PROBLEMS as problem:
                failures += 1
                await self._stay_offline(str(problem), failures)
            except trio.TooSlowError:
                failures += 1
                await self._stay_offline(f"{self._printer.name} does not answer", failures)

    async def _stay_offline(self, problem: str, failures: int) -> None:
        delay_s = self._retry_delay_s(failures)
        if self._status.connection is Connection.ONLINE:
            log.warning("printer offline", printer=self._printer.id, problem=problem)
        self._reading = None
        self._show(
            connection=Connection.OFFLINE,
            operation=Operation.UNKNOWN,
            breaker=Breaker.OPEN,
            next_try_at=self._parts.clock() + timedelta(seconds=delay_s),
            message=problem,
            temperatures={},
        )
        await trio.sleep(delay_s)
        self._show(breaker=Breaker.HALF_OPEN, next_try_at=None)

    def _retry_delay_s(self, failures: int) -> float:
        longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 10))
        return longest * self._parts.chance.uniform(0.5, 1.0)

    async def _look_until_lost(self) -> None:
        missed = 0
        while True:
            try:
                with trio.fail_after(ANSWER_WITHIN_S):
                    reading = await self._driver.status()
            except PrinterUnreachable:
                missed += 1
                if missed >= MISSED_LOOKS:
                    raise
            except trio.TooSlowError:
                missed += 1
                if missed >= MISSED_LOOKS:
                    raise PrinterUnreachable(f"{self._printer.name} does not answer") from None
            else:
                missed = 0
                await self._take_in(reading)
            await trio.sleep(self._parts.poll_interval_s)

    async def _take_in(self, reading: Reading) -> None:
        self._reading = reading
        order, report = self._order, self._report
        if order is not None and report is not None and report.stage in WATCHED:
            conclusion = await self._conclude(order, report.stage, reading)
            self._tell_about(order, conclusion.stage, conclusion.text)
        self._show_reading(reading)
        if reading.temperatures:
            at = self._parts.clock().timestamp()
            self._parts.telemetry().tell_nowait(TemperaturesRead(self._printer.id, at, reading.temperatures))

    async def _conclude(self, order: PrintOrder, stage: Stage, reading: Reading) -> Conclusion:
        if is_ours(reading, order.remote_name):
            self._seen_running_at = trio.current_time()
            return from_reading(reading)
        try:
            with trio.fail_after(ANSWER_WITHIN_S):
                outcome = await self._driver.outcome(order.remote_name)
        except (*_PROBLEMS, trio.TooSlowError):
            return Conclusion(stage)  # the next look asks again
        return from_outcome(stage, outcome, trio.current_time() - self._seen_running_at)

    # -- what others see -----------------------------------------------------------------------

    def _show_reading(self, reading: Reading) -> None:
        ours = self._order is not None and is_ours(reading, self._order.remote_name)
        operation = reading.operation if reading.machine_connected else Operation.UNKNOWN
        self._show(
            connection=Connection.ONLINE,
            operation=operation,
            breaker=Breaker.CLOSED,
            next_try_at=None,
            message="" if reading.machine_connected else _lost_machine(reading),
            temperatures=reading.temperatures,
            foreign=operation in BUSY and not ours,
            print=self._progress(),
        )

    def _progress(self) -> PrintProgress | None:
        order, report, reading = self._order, self._report, self._reading
        if order is None or report is None:
            return None
        file = reading.file if reading is not None and is_ours(reading, order.remote_name) else None
        return PrintProgress(
            id=order.id,
            job=order.job,
            file=order.file,
            name=order.name,
            state=report.stage,
            progress=file.progress if file else None,
            elapsed_s=file.elapsed_s if file else None,
            remaining_s=file.remaining_s if file else None,
        )

    def _tell(self, stage: Stage, text: str = "") -> None:
        """Change what we report about the print order."""
        if self._order is None:
            return
        if self._report is None or (self._report.print, self._report.stage) != (self._order.id, stage):
            self._report = Report(self._order.id, stage, text)
            self._show(print=self._progress())
            self._say()

    def _show(self, **changes: Any) -> None:
        """Make the next status of these changes, and let it be known if it differs."""
        before = self._status
        after = replace(before, **changes)
        require(CONNECTIONS, before.connection, after.connection)
        require(OPERATIONS, before.operation, after.operation)
        if (after.connection, after.operation) != (before.connection, before.operation):
            after = replace(after, since=self._parts.clock())
        if after != before:
            self._status = after
            self._say()

    def _say(self) -> None:
        self._parts.queue().tell_nowait(PrinterChanged(self._printer, self._status, self._report))
        self._parts.events().tell_nowait(StatusChanged(self._printer, self._status))

    async def _say_again_and_again(self) -> None:
        """A restarted queue or broadcaster knows nothing until it is told again."""
        while True:
            self._say()
            await trio.sleep(SAY_AGAIN_S)


_ADOPTED_AS = {
    PrintState.STARTING: Stage.STARTING,
    PrintState.PRINTING: Stage.PRINTING,
    PrintState.PAUSED: Stage.PAUSED,
}
"""Rows whose start may have been sent. For earlier ones the queue asks us to take the print (again)."""


def _print_order(found: OpenOrder, content_of: Callable[[str], Any]) -> PrintOrder:
    return PrintOrder(
        id=found.print,
        job=found.job,
        file=found.file,
        name=found.name,
        remote_name=found.remote_name,
        content=content_of(found.sha256),
        size=found.size,
    )


def _lost_machine(reading: Reading) -> str:
    what = reading.error or reading.text
    return "the print host has no connection to its printer" + (f": {what}" if what else "")
