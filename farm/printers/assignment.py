"""The print a printer has been given: how far it has come, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from farm.domain.durations import Measured
from farm.domain.file import RemoteFile
from farm.domain.printer import Operation, Printer, PrintProgress
from farm.drivers.base import AnswerLost, Capability, Driver, LoadedFile, Reading
from farm.errors import FarmError, Forbidden, PrinterUnreachable, ProtocolError, Refused
from farm.printers.adoption import (
    ENDS,
    WATCHED,
    Conclusion,
    Evidence,
    Says,
    conclude,
    is_ours,
    remembered,
    says,
    witnessed,
)
from farm.printers.messages import PrintOrder, Report, Stage
from farm.printers.phases import Phases

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 10.0  # of one question to the print host
START_WITHIN_S = 60.0  # OctoPrint answers a start after it has read and selected the file
FLOOR_RATE = 25_000  # bytes/s; the slowest printers' own networks take about this much
COPY_FLOOR_RATE = 500_000  # bytes/s; a print host copies from a card to the same card
UPLOAD_GRACE_S = 30.0
FIRST_RETRY_S = 1.0
MOST_BETWEEN_LOOKS_S = 15.0  # while a printer can be seen
STOPPED = "an emergency stop came in between"


class Assignment:
    """One print order on its way through one printer. Its report is what the queue hears."""

    def __init__(
        self,
        order: PrintOrder,
        stage: Stage,
        printer: Printer,
        driver: Driver,
        changed: Callable[[], None],
        undisturbed_since: Callable[[], float],
    ) -> None:
        """changed: called whenever the report is another than before. undisturbed_since: the printer."""
        self.order = order
        self.report = Report(order.id, stage)
        self._bringing, self._starting = trio.CancelScope(), trio.CancelScope()
        self._stopped = False
        self._printer = printer
        self._driver = driver
        self._changed = changed
        self._undisturbed_since = undisturbed_since
        self._in_sight = False  # without a break since its start, or since it was seen at work on it
        self._waited_s = 0.0  # in sight of the printer, since the print was seen running or its start sent
        self._looked_at = trio.current_time()
        self._start_on_its_way = False
        self._certain = False  # that what runs is this very print: it has been in sight since it was
        self._elapsed_s = 0.0
        self._progress: float | None = None
        self._cancelled_by_us = False
        self._copying = bool(order.copy_of) and Capability.COPY in driver.capabilities
        self._copy_may_grow = False
        self._file: RemoteFile | None = None
        self._phases = Phases(from_the_beginning=stage is Stage.UPLOADING)

    @property
    def watched(self) -> bool:
        """Whether only the printer knows what comes next."""
        return self.report.stage in WATCHED

    @property
    def may_begin(self) -> bool:
        """Whether its start is on its way, or may be."""
        return self.report.stage is Stage.STARTING

    def works_on_it(self, reading: Reading | None) -> bool:
        """Whether the printer is at work on this print, and not on its file once more after its end."""
        return self.watched and reading is not None and is_ours(reading, self.order.remote_name)

    def progress(self, reading: Reading | None) -> PrintProgress:
        """How far it has come, for people to see."""
        file = reading.file if reading is not None and self.works_on_it(reading) else None
        return PrintProgress(
            id=self.order.id,
            job=self.order.job,
            file=self.order.file,
            name=self.order.name,
            state=self.report.stage,
            progress=file.progress if file else None,
            elapsed_s=file.elapsed_s if file else None,
            remaining_s=self._remaining_s(file),
            layer=file.layer if file else None,
            layers=file.layers if file else None,
        )

    def _remaining_s(self, file: LoadedFile | None) -> float | None:
        """As its host says; while that does not know, what is left of the slicer's estimate."""
        if file is None or file.remaining_s is not None or self.order.estimate_s is None:
            return file.remaining_s if file else None
        return self.order.estimate_s * (1 - (file.progress or 0.0))

    @property
    def _mark(self) -> str:
        return self._file.mark if self._file is not None else self.order.mark

    def note_cancel(self) -> None:
        """A person ended it through us: a host that only remembers a failure means this."""
        self._cancelled_by_us = True

    def stop_sending(self) -> None:
        """Nothing more of it goes to the printer: an emergency stop has gone out."""
        self._stopped = True
        self._bringing.cancel()
        self._starting.cancel()

    # -- bringing it onto the printer ----------------------------------------------------------

    async def bring_file(self) -> None:
        """Bring the file over, trying again when the network fails; the report says how it went."""
        problem, again = "", True
        with self._bringing:
            await trio.lowlevel.checkpoint()  # a stop may have come before this task's turn
            for attempt in range(self._printer.max_retries + 1):
                if attempt:
                    await trio.sleep(FIRST_RETRY_S * 2.0 ** (attempt - 1))
                problem, again = await (self._copy_once() if self._copying else self._upload_once())
                if not problem:
                    self._enter(Stage.UPLOADED)
                    return
                if not again:
                    break
        if self._stopped:
            problem = STOPPED
        of_the_printer = again or self._stopped or self._copy_may_grow
        self._enter(Stage.HANDED_BACK if of_the_printer else Stage.UPLOAD_FAILED, problem)

    async def _copy_once(self) -> tuple[str, bool]:
        """As `_upload_once`, from a file on the printer; where that cannot be, by an upload."""
        order = self.order
        try:
            with trio.fail_after(UPLOAD_GRACE_S + order.size / COPY_FLOOR_RATE):
                self._file = await self._driver.copy(
                    order.copy_of, order.remote_name, order.size, order.checksum
                )
        except (PrinterUnreachable, trio.TooSlowError) as error:
            self._copy_may_grow = True
            return str(error) or f"{self._printer.name} was too slow with a copy of the file", True
        except FarmError as error:
            if self._copy_may_grow:  # nothing else goes under that name; another try has another one
                return str(error), False
            log.info("not copied", printer=self._printer.id, print=order.id, problem=str(error))
            self._copying = False
            return await self._upload_once()
        return "", False

    async def _upload_once(self) -> tuple[str, bool]:
        """Why it failed, "" when it did not; and whether it is worth another try."""
        order, began_at = self.order, trio.current_time()
        try:
            with trio.fail_after(UPLOAD_GRACE_S + order.size / FLOOR_RATE):
                self._file = await self._driver.upload(order.content, order.remote_name, order.size)
        except (PrinterUnreachable, ProtocolError) as error:
            return str(error), True
        except FarmError as error:
            return str(error), False
        except trio.TooSlowError:
            return f"{self._printer.name} took less than {FLOOR_RATE // 1000} kB/s of the file", True
        self._phases.sent(trio.current_time() - began_at, order.size)
        return "", False

    def begin_start(self) -> None:
        """From now on the start may have been sent: the looks at the printer decide."""
        self._start_on_its_way = self._in_sight = True
        self._enter(Stage.STARTING)

    def withhold_start(self, why: str) -> None:
        """It certainly does not start."""
        self._enter(Stage.HANDED_BACK, why)

    async def send_start(self) -> None:
        """Send the start command. Never called twice for one print."""
        sent = False
        with self._starting:
            await trio.lowlevel.checkpoint()  # a stop may have come before this task's turn
            sent = True
            try:
                with trio.fail_after(START_WITHIN_S):
                    await self._driver.start(self.order.remote_name)
            except (AnswerLost, ProtocolError, trio.TooSlowError) as error:
                # It may be printing. Nothing is sent again.
                log.warning("start unanswered", printer=self._printer.id, print=self.order.id, why=str(error))
            except FarmError as error:  # it certainly did not start
                if self.report.stage is Stage.STARTING:
                    of_the_printer = isinstance(error, (PrinterUnreachable, Refused))
                    self._enter(Stage.HANDED_BACK if of_the_printer else Stage.NOT_STARTED, str(error))
        if not sent and self.report.stage is Stage.STARTING:
            self.withhold_start(STOPPED)
        self._start_on_its_way = False

    # -- following it --------------------------------------------------------------------------

    def lose_sight(self) -> None:
        """The printer could not be seen for a while: what runs on it may have been started meanwhile."""
        self._certain = self._in_sight = False
        self._phases.lose_sight()

    async def follow(self, reading: Reading) -> None:
        """Take in one look at the printer, and ask its host where that does not tell enough."""
        if self.see(reading):
            await trio.lowlevel.checkpoint()
            return
        conclusion = await self._asked(reading)
        if self.watched:
            self._enter(conclusion.stage, conclusion.text)

    def see(self, reading: Reading) -> bool:
        """Take in one look at the printer. False: it does not tell enough, `follow` has to ask."""
        self._count_wait(reading)
        if not self.watched:
            return True
        if self.works_on_it(reading):
            self._in_sight = True
            if reading.file is not None and reading.file.progress is not None:
                self._progress = max(self._progress or 0.0, reading.file.progress)
        conclusion = self._concluded(reading)
        if conclusion is not None:
            self._enter(conclusion.stage, conclusion.text)
        return conclusion is not None

    def _count_wait(self, reading: Reading) -> None:
        """What stands still proves nothing by its silence, and a host that cannot be seen none at all."""
        now = trio.current_time()
        self._waited_s += min(now - self._looked_at, MOST_BETWEEN_LOOKS_S)
        self._looked_at = now
        self._phases.see(now, reading.temperatures)
        if reading.stale:
            self._phases.lose_sight()
        if self._start_on_its_way or reading.stale:
            self._waited_s = 0.0

    def _concluded(self, reading: Reading) -> Conclusion | None:
        stage, name = self.report.stage, self.order.remote_name
        seen = witnessed(reading.ended, name)
        if seen is not None:
            text = reading.ended.text if reading.ended is not None else ""
            return self._ended(conclude(stage, Says.OTHERWISE, seen), text)
        doing = says(reading, name)
        if doing is not Says.OTHERWISE and self._is_certain(reading):
            self._waited_s = 0.0
            return conclude(stage, doing)
        return None

    async def _asked(self, reading: Reading) -> Conclusion:
        stage, name = self.report.stage, self.order.remote_name
        doing = says(reading, name)
        try:
            with trio.fail_after(ANSWER_WITHIN_S):
                outcome = await self._driver.outcome(name, self._mark)
        except (PrinterUnreachable, ProtocolError, Forbidden, trio.TooSlowError):
            return Conclusion(stage)  # the next look asks again
        evidence = remembered(outcome)
        if evidence is Evidence.RUNNING:  # or still to begin: nothing is missed yet
            self._waited_s = 0.0
        if evidence is Evidence.FAILED and self._cancelled_by_us:
            evidence = Evidence.CANCELLED
        self._certain = doing is not Says.OTHERWISE and evidence is Evidence.RUNNING
        if evidence in ENDS and not outcome.still_runs:
            doing = Says.OTHERWISE  # it ended after our look, and nobody began it anew
        return self._ended(conclude(stage, doing, evidence, self._waited_s), outcome.text)

    def _is_certain(self, reading: Reading) -> bool:
        """Whether the print that runs under our name is the one we began, without asking its host."""
        elapsed_s = (reading.file.elapsed_s if reading.file is not None else None) or 0.0
        if elapsed_s < self._elapsed_s:  # it may have been started anew between two looks
            self._certain = False
        self._elapsed_s = elapsed_s
        # While it is being cancelled its end is on record already; it is over when it is over.
        return self._certain or reading.operation is Operation.CANCELLING

    def _ended(self, conclusion: Conclusion, words: str) -> Conclusion:
        """With the host's own words where the table has none."""
        if conclusion.stage in (Stage.FAILED, Stage.CANCELLED) and not conclusion.text:
            return Conclusion(conclusion.stage, words)
        return conclusion

    def _enter(self, stage: Stage, text: str = "") -> None:
        if self.report.stage is not stage:
            measured = self._measured(stage)
            since = self._undisturbed_since() if self._in_sight else None
            self.report = Report(self.order.id, stage, text, self._file, self._progress, measured, since)
            self._changed()

    def _measured(self, stage: Stage) -> Measured | None:
        """What is to be told of its phases when it comes to this stage."""
        now = trio.current_time()
        if stage is Stage.PRINTING:
            self._phases.begin(now)
        elif stage is Stage.PAUSED:
            self._phases.lose_sight()
        return self._phases.ended(now) if stage is Stage.FINISHED else None
