"""Pushes prints off: the steps from a print that has ended to a plate that is clear, or to a person.

As with prints, the queue compares what is committed with what the printer reports, and takes the one step
that brings them closer; each is committed before anything is sent. Nothing is tried twice: whatever goes
otherwise than it should leaves the print to a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import assert_never

import structlog
import trio

from farm.actors import Address
from farm.domain.clock import new_id
from farm.domain.command import SetTemperature
from farm.domain.ejecting import Ejection, EjectionState
from farm.domain.job import PrintState
from farm.domain.printer import Plate, Printer
from farm.domain.user import SYSTEM
from farm.errors import FarmError, Refused
from farm.printers.messages import (
    EjectorIs,
    PrinterChanged,
    PrinterMessage,
    PrintOrder,
    Report,
    RunCommand,
    StartPrint,
    TakePrint,
    WatchPrint,
)
from farm.queue import ejections as changes
from farm.queue.cooling import Then, Watch, disturbance, judge
from farm.queue.parts import ANSWER_WITHIN_S, QueueParts
from farm.queue.steps import Do, Step, next_step
from farm.store import ejections
from farm.store.ejections import AS_PRINT

log = structlog.get_logger(__name__)

NextStep = Callable[[], Awaitable[bool]]

_AS_EJECTION: Mapping[PrintState | None, EjectionState] = {
    PrintState.PRINTING: EjectionState.PUSHING,
    PrintState.PAUSED: EjectionState.PAUSED,
}
_AWAY = "the farm was not running all the while its bed cooled"
_UNSEEN = "nobody saw its print being pushed off to the end; look at the plate"
_NOT_SENT = frozenset({EjectionState.COOLING, EjectionState.UPLOADING})


class Ejections:
    """The ejections of all printers, at most one each."""

    def __init__(self, parts: QueueParts, plate_changed: Callable[[str], Awaitable[None]]) -> None:
        """plate_changed: called with a printer whose plate is another by now, as is committed."""
        self._parts = parts
        self._plate_changed = plate_changed
        self._open: dict[str, Ejection] = {}
        self._watched: dict[str, Watch] = {}
        self._done_as: dict[str, str] = {}  # the name of the file that cleared the plate last

    async def remember(self) -> None:
        """Take up what is committed. What has not been sent is left to a person: nobody watched meanwhile."""
        for ejection in await self._parts.database.read(ejections.every_open):
            self._open[ejection.printer] = ejection

    def of(self, printer: str) -> Ejection | None:
        """The one that holds this printer."""
        return self._open.get(printer)

    def is_over(self, printer: str, remote_name: str) -> bool:
        """Whether this file has just pushed a print off: its host may show it for a moment after its end.

        It lays nothing on the plate, whoever should start it again.
        """
        return bool(remote_name) and self._done_as.get(printer) == remote_name

    def forget(self, printer: str) -> None:
        """The printer was taken out of the farm."""
        self._open.pop(printer, None)
        self._watched.pop(printer, None)

    def wished(self, printer: Printer, report: Report | None) -> changes.Wished | None:
        """What may come after a good end on this printer; None where a person clears its plates."""
        if not printer.profile.auto_eject:
            return None
        chance, seen = self._parts.chance, report is not None and report.undisturbed_since is not None
        theirs = report is not None and bool(report.text)  # it was not plain how it ended
        return changes.Wished(printer, new_id(chance), new_id(chance, 6), seen and not theirs)

    async def begin(self, printer: Printer, report: Report | None) -> None:
        """A print of it has ended well, which is committed; watch its bed cool."""
        await self.read_again(printer.id)
        if report is not None and report.undisturbed_since is not None:
            now = trio.current_time()
            self._watched[printer.id] = Watch(report.undisturbed_since, now, now)
        await self.show(printer)

    async def read_again(self, printer: str) -> None:
        """Take up what is committed for a printer. Raises FarmError."""
        ejection = await self._parts.database.read(ejections.open_on, printer)
        if ejection is None:
            self.forget(printer)
        else:
            self._open[printer] = ejection

    async def read_and_show(self, printer: Printer) -> None:
        """Somebody has cleared its plate: what cooled need not be pushed off."""
        try:
            await self.read_again(printer.id)
        except FarmError as problem:  # what is committed on a wrong belief is refused
            log.info("ejection not read again yet", printer=printer.id, problem=str(problem))
        await self.show(printer)

    async def show(self, printer: Printer) -> None:
        """Let the printer show how it stands with its ejections."""
        try:
            ejector = await self._parts.database.read(ejections.ejector, printer)
            self._at(printer.id).tell_nowait(EjectorIs(ejector))
        except FarmError as problem:
            log.info("ejections not shown", printer=printer.id, problem=str(problem))

    def next(self, news: PrinterChanged, ejection: Ejection) -> NextStep | None:
        """The step to take now, None for nothing. It answers whether to look again at once."""
        printer = news.printer.id
        if ejection.state is EjectionState.COOLING:
            return self._while_it_cools(news, ejection)
        if ejection.state in _NOT_SENT and (why := disturbance(self._watched.get(printer), news)):
            return partial(self._leave, news.printer, ejection, None, why)
        step = next_step(AS_PRINT[ejection.state], news.report.stage if news.report else None)
        return None if step.do is Do.NOTHING else partial(self._bring_closer, news, ejection, step)

    def _while_it_cools(self, news: PrinterChanged, ejection: Ejection) -> NextStep | None:
        printer, now = news.printer, trio.current_time()
        watch = self._watched.get(printer.id)
        if watch is None:
            return partial(self._leave, printer, ejection, None, _AWAY)
        self._watched[printer.id] = watch = watch.seen(news, now)
        verdict = judge(ejection, watch, news, now)
        match verdict.then:
            case Then.WAIT:
                return None
            case Then.COOL:
                return partial(self._cool, printer.id)
            case Then.PUSH:
                return partial(self._enter, printer, ejection, EjectionState.UPLOADING, verdict.bed_degc)
            case Then.LEAVE:
                return partial(self._leave, printer, ejection, None, verdict.why)
            case _:
                assert_never(verdict.then)

    async def _cool(self, printer: str) -> bool:
        """Once; a printer that cannot be told so is left to a person when its time is over."""
        watch = self._watched[printer]
        self._watched[printer] = Watch(
            watch.undisturbed_since, watch.began_at, watch.read_at, trio.current_time()
        )
        off = RunCommand(new_id(self._parts.chance), SetTemperature("bed", 0.0))
        try:
            await self._at(printer).ask(off, timeout=ANSWER_WITHIN_S, by=SYSTEM)
        except FarmError as problem:
            log.info("bed not switched off", printer=printer, problem=str(problem))
        return False

    async def _bring_closer(self, news: PrinterChanged, ejection: Ejection, step: Step) -> bool:
        printer, report = news.printer, news.report
        match step.do:
            case Do.SEND_FILE:
                return await self._send_file(printer, ejection)
            case Do.SEND_START:
                return await self._send_start(news, ejection)
            case Do.WATCH:
                order = PrintOrder.to_eject(ejection)  # its file is there, if it is anywhere
                await self._at(printer.id).ask(WatchPrint(order), timeout=ANSWER_WITHIN_S)
                return False
            case Do.TAKE_BACK:
                return await self._leave(printer, ejection, None, report.text if report else "")
            case Do.NOTE if report is not None and step.state is PrintState.FINISHED:
                return await self._finish(printer, ejection, report)
            case Do.NOTE if step.state in _AS_EJECTION:
                return await self._enter(printer, ejection, _AS_EJECTION[step.state])
            case _:
                plate = None if step.plate is None else Plate.UNKNOWN
                why = (report.text if report else "") or f"its print was not pushed off: {step.state}"
                return await self._leave(printer, ejection, plate, why)

    async def _send_file(self, printer: Printer, ejection: Ejection) -> bool:
        try:
            content = await self._parts.keep_ejection(ejection.id, ejection.gcode.encode())
            watch = self._watched[printer.id]
            order = PrintOrder.to_eject(ejection, content, watch.undisturbed_since)
            await self._at(printer.id).ask(TakePrint(order), timeout=ANSWER_WITHIN_S)
        except Refused as refusal:
            return await self._leave(printer, ejection, None, str(refusal))
        return False

    async def _send_start(self, news: PrinterChanged, ejection: Ejection) -> bool:
        """The printer itself looks at its bed once more."""
        printer, report = news.printer, news.report
        why_not = disturbance(self._watched.get(printer.id), news)
        if why_not:  # the printer has not been asked to start it, or says that nothing was sent
            return await self._leave(printer, ejection, None, why_not)
        if ejection.state is not EjectionState.STARTING:
            mark = report.file.mark if report is not None and report.file is not None else ""
            await self._enter(printer, ejection, EjectionState.STARTING, mark=mark)
        await self._at(printer.id).ask(StartPrint(ejection.id), timeout=ANSWER_WITHIN_S)
        return False

    async def _finish(self, printer: Printer, ejection: Ejection, report: Report) -> bool:
        if report.undisturbed_since is None or report.text:
            return await self._leave(printer, ejection, Plate.UNKNOWN, report.text or _UNSEEN)
        wish = printer.profile.ejection
        at_most = wish.at_most if wish is not None else 0
        at, who = self._parts.clock(), str(SYSTEM)
        await self._parts.database.write(changes.finish, ejection, at_most, at, who)
        self._done_as[printer.id] = ejection.remote_name
        self.forget(printer.id)
        await self._ended(printer)
        return True

    async def _enter(
        self,
        printer: Printer,
        ejection: Ejection,
        state: EjectionState,
        bed_degc: float | None = None,
        mark: str = "",
    ) -> bool:
        at, who = self._parts.clock(), str(SYSTEM)
        self._open[printer.id] = await self._parts.database.write(
            changes.enter, ejection, state, at, who, bed_degc, mark
        )
        await self.show(printer)
        return True

    async def _leave(self, printer: Printer, ejection: Ejection, plate: Plate | None, why: str) -> bool:
        log.info("print not pushed off", printer=printer.id, why=why)
        at, who = self._parts.clock(), str(SYSTEM)
        await self._parts.database.write(changes.leave, ejection, plate, at, who, why)
        self.forget(printer.id)
        await self._ended(printer)
        return True

    async def _ended(self, printer: Printer) -> None:
        await self._plate_changed(printer.id)
        await self.show(printer)

    def _at(self, printer: str) -> Address[PrinterMessage]:
        return self._parts.printer(printer)
