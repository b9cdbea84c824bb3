"""Looks out for trouble at one printer, and says what is to be done about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import NoReturn

import structlog
import trio

from farm.detect.baseline import NOTHING_LEARNED, Baseline
from farm.detect.care import Left
from farm.detect.guard import Guard
from farm.detect.values import CADENCES, UNKNOWN_CADENCE, Cadence, Change, Sample
from farm.domain.anomaly import MAY_STOP, Anomaly, AnomalyKind, Severity
from farm.domain.clock import WallClock
from farm.domain.job import PrintState
from farm.domain.printer import BUSY, SURE, Doubt, LeftHot, Operation, Printer
from farm.drivers.base import Driver, Reading
from farm.errors import FarmError
from farm.printers.assignment import Assignment
from farm.printers.messages import Stage
from farm.printers.records import Kept
from farm.printers.watching import Watching
from farm.store import anomalies, baselines, printers
from farm.store.database import Database

log = structlog.get_logger(__name__)

UNTOLD = 256  # facts that wait for the database; beyond that the oldest go
TRY_AGAIN_S = 2.0
KEEP_LEFT_S = 10.0  # at least between two times: a printer gone mad may be told another target twice a second
COOL_AGAIN_S = 60.0  # until a heater that was switched off, and shows it not, is switched off again
SEND_WITHIN_S = 35.0
HOT_WITHIN_S = 900.0
HOT_ENOUGH_DEGC = 3.0

_DOUBTFUL = MAY_STOP | {
    AnomalyKind.HEATS_SLOWLY,
    AnomalyKind.OSCILLATION,
    AnomalyKind.DUTY,
    AnomalyKind.FAN,
    AnomalyKind.RESENDS,
    AnomalyKind.BOARD_LOAD,
}
"""What makes a printer one that had better print nothing dear until it has printed well again."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What the printer's actor does when it is told to; nothing here waits.

    pause: the print, for this. hold: begin nothing before somebody has looked. stop: as in an emergency.
    cool: switch a heater off; whether it can be done.
    """

    pause: Callable[[Anomaly], None]
    hold: Callable[[Anomaly], None]
    stop: Callable[[Anomaly], None]
    cool: Callable[[str], bool]


class Lookout:
    """Owns the guard of one printer, and what it has found that was not told yet."""

    def __init__(
        self, printer: Printer, watching: Watching, acts: Acts, database: Database, clock: WallClock
    ) -> None:
        self._printer = printer.id
        self._watched = printer.enabled
        self._speed = printer.address.simulation.speed if printer.address.simulation is not None else 1.0
        self._watching = watching
        self._acts = acts
        self._database = database
        self._clock = clock
        self._guard = Guard(_cadence(printer, self._speed), watching.now)
        self._usual: dict[str, Baseline] = {}
        self._untold: deque[tuple[datetime, Change]] = deque(maxlen=UNTOLD)
        self._unkept: dict[str, Baseline] = {}
        self._news = trio.Event()
        self._to_pause: Anomaly | None = None
        self._cooled: dict[str, float] = {}  # in this pause, and the targets they had
        self._cooled_kept: Mapping[str, float] = {}
        self._cooled_at: dict[str, float] = {}
        self._machine_there = True
        self._print = ""
        self._material = ""
        self._overridden_kept = self._guard.overridden
        self._current_kept = self._guard.current
        self._left_kept = self._guard.left
        self._keep_left_at = float("-inf")
        self.doubt = self._doubt_kept = SURE
        """What was wrong with it, until it has printed well or somebody has seen to it."""

    @property
    def current(self) -> tuple[Anomaly, ...]:
        """What is wrong with it now, the worst first."""
        return self._guard.current

    def remember(self, kept: Kept, material: str) -> None:
        """What is known from before, with what the printer prints, if it does.

        What was wrong with a printer that is switched off is told when somebody looks at it again.
        """
        self._usual = dict(kept.usual)
        self._cooled, self._cooled_kept = dict(kept.cooled), kept.cooled
        self.doubt = self._doubt_kept = kept.doubt
        doing = Operation.UNKNOWN
        if kept.order is not None:
            self._print, self._material = kept.order.print, material
            self._guard.expect(self._usual.get(material, NOTHING_LEARNED))
            doing = _DOING.get(kept.order.state, doing)
        if self._watched:
            self._guard.take_up(self._now(), doing, kept.anomalies, self._left_before(kept.left_hot))
            self._current_kept, self._left_kept = self._guard.current, self._guard.left
        self._guard.override(kept.overridden)
        self._overridden_kept = self._guard.overridden

    def connected(self) -> None:
        """The printer is there again."""
        self._guard.connected(self._now())

    def lost(self, problem: str) -> None:
        """It cannot be seen any more: nothing is sent to it, either."""
        self._guard.lost(self._now(), problem)
        self._to_pause = None

    def begin_anew(self) -> None:
        """The computer slept, or the like: what was seen before is held against nothing."""
        self._guard.begin_anew(self._now())
        self._to_pause = None
        if self._guard.left is not None:  # it is kept by the time of day, which may have been set
            self._news.set()

    def attended(self) -> None:
        """Somebody does something with it."""
        self._guard.attended(self._now())

    def seen_to(self) -> None:
        """Somebody has seen to what was wrong with it. What still is says more than they do."""
        if self.doubt and all(found.severity is Severity.NOTE for found in self.current):
            self.doubt = SURE
            self._news.set()

    def targeted(self, heater: str, degc: float) -> None:
        """Somebody sets a target through the farm."""
        self._cooled.pop(heater, None)
        self._guard.targeted(heater, degc)
        self.attended()

    def expect(self, print_id: str, material: str) -> None:
        """A print is given to it: what is usual with its material is expected from now on."""
        if print_id != self._print:
            self._print, self._material = print_id, material
            self._guard.overridden = frozenset()  # of the print before, whose end may not have been seen
        self._guard.expect(self._usual.get(material, NOTHING_LEARNED))

    def see(self, reading: Reading, ours: Assignment | None) -> None:
        """Take in one look at it, whoever prints on it. ours: what it is at work on, where that is ours."""
        guard = self._guard
        if guard.watchfulness is not self._watching.now:
            guard.watchfulness = self._watching.now
        if reading.machine_connected and not self._machine_there:
            guard.connected(self._now())
        self._machine_there = reading.machine_connected
        changes = guard.see(_sample(reading, ours, self._now()))
        if changes:
            self._note(changes)
            self._act_on(changes, reading, ours is not None)
        if self._to_pause is not None and reading.operation is Operation.PRINTING and ours is not None:
            wanted, self._to_pause = self._to_pause, None
            self._acts.pause(wanted)
        if guard.overridden is not self._overridden_kept:
            self._news.set()
        if guard.current and (ours or reading.operation not in BUSY):
            self._cool()
        if self._cooled and reading.operation not in _IN_A_PAUSE:
            self._cooled.clear()  # the pause is over, whoever ended it
        if self._cooled != self._cooled_kept:
            self._news.set()
        if guard.left is not self._left_kept and trio.current_time() >= self._keep_left_at:
            self._keep_left_at = trio.current_time() + KEEP_LEFT_S
            self._news.set()

    def pass_time(self) -> None:
        """Time passes, whether or not it is seen."""
        changes = self._guard.unseen(self._now())
        if changes:
            self._note(changes)

    def ended(self, print_id: str, stage: Stage) -> None:
        """The print that was given to it is over; a good one teaches what is usual."""
        self._to_pause = None
        if stage is not Stage.FINISHED or print_id != self._print:
            return
        lesson = self._guard.lesson()
        if lesson is None:
            return
        self.doubt = SURE
        usual = self._usual.get(self._material, NOTHING_LEARNED).with_print(lesson)
        self._usual[self._material] = self._unkept[self._material] = usual
        self._news.set()

    async def reheat(
        self, driver: Driver, seen: Callable[[Callable[[Reading], bool]], Awaitable[None]]
    ) -> str:
        """Bring back the heat that was taken away in a pause. The problem in words, "" for none.

        Until it is seen to be there it is wanted, also by whoever resumes the print after a problem.
        """
        wanted = dict(self._cooled)
        try:
            with trio.fail_after(SEND_WITHIN_S):
                for heater, degc in wanted.items():
                    self._guard.targeted(heater, degc)
                    self.attended()
                    await driver.set_temperature(heater, degc)
            with trio.fail_after(HOT_WITHIN_S):
                await seen(lambda reading: _is_hot(reading, wanted))
        except FarmError as problem:
            return f"its nozzle was cooled in the pause, and cannot be heated again: {problem}"
        except trio.TooSlowError:
            return "its nozzle was cooled in the pause, and does not get hot again; look at it"
        for heater in wanted:
            self._cooled.pop(heater, None)
        return ""

    @property
    def is_cooled(self) -> bool:
        """Whether heat was taken away in a pause, that has to come back before the print goes on."""
        return bool(self._cooled)

    async def run(self) -> NoReturn:
        """Tell and keep what there is, until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            try:
                await self._keep()
            except FarmError as problem:
                log.warning("what is wrong not told yet", printer=self._printer, problem=str(problem))
                await trio.sleep(TRY_AGAIN_S)
                self._news.set()

    async def leave_word(self) -> None:
        """Whoever comes after us has to know."""
        if self._untold or self._unkept or self._changed:
            try:
                await self._keep()
            except FarmError as problem:
                log.warning("what was wrong is not told", printer=self._printer, problem=str(problem))

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _changed(self) -> bool:
        """Whether anything of what is kept whole is another than was kept."""
        guard = self._guard
        return (
            self._cooled != self._cooled_kept
            or self.doubt is not self._doubt_kept
            or guard.current is not self._current_kept
            or guard.left is not self._left_kept
            or guard.overridden is not self._overridden_kept
        )

    def _left_before(self, known: LeftHot | None) -> Left | None:
        """On the guard's clock. The time of day is all that goes on while nobody watches; where it was set
        back meanwhile, less has passed by it than has."""
        if known is None:
            return None
        passed_s = max(0.0, (self._clock() - known.since).total_seconds())
        return Left(known.paused, self._now() - passed_s * self._speed, known.targets)

    def _left_hot(self, left: Left | None) -> LeftHot | None:
        if left is None:
            return None
        passed_s = (self._now() - left.since) / self._speed
        return LeftHot(left.paused, self._clock() - timedelta(seconds=passed_s), left.targets)

    def _now(self) -> float:
        """A simulated printer may live faster than we do."""
        return trio.current_time() * self._speed

    def _note(self, changes: Sequence[Change]) -> None:
        at = self._clock()
        for change in changes:
            self._untold.append((at, change))
            found = change.anomaly
            if not change.over and found.severity.rank >= _WARN and found.kind in _DOUBTFUL:
                self.doubt = Doubt(found.sentence, self.doubt.since or at)
        self._news.set()

    def _act_on(self, changes: Sequence[Change], reading: Reading, ours: bool) -> None:
        """What others print is shown and told, never touched."""
        for change in changes:
            found = change.anomaly
            if change.over:
                if self._to_pause is not None and _same(found, self._to_pause):
                    self._to_pause = None
            elif found.severity is Severity.STOP:
                self._acts.stop(found)
            elif found.severity is Severity.PAUSE and ours:
                self._to_pause = found
            elif found.severity is Severity.PAUSE and reading.operation not in BUSY:
                self._acts.hold(found)

    def _cool(self) -> None:
        now = trio.current_time()
        for heater, target in self._guard.to_cool().items():
            if now - self._cooled_at.get(heater, float("-inf")) >= COOL_AGAIN_S:
                self._cooled_at[heater] = now
                if self._acts.cool(heater):
                    self._cooled.setdefault(heater, target)
                    self._guard.targeted(heater, 0.0)

    async def _keep(self) -> None:
        left = self._guard.left
        now = _Unkept(
            untold=list(self._untold),
            usual=dict(self._unkept),
            print=self._print,
            overridden=self._guard.overridden,
            cooled=dict(self._cooled) if self._cooled != self._cooled_kept else None,
            current=self._guard.current,
            doubt=self.doubt,
            left_hot=self._left_hot(left),
        )
        await self._database.write(now.write, self._printer, self._clock())
        self._current_kept, self._doubt_kept, self._left_kept = now.current, now.doubt, left
        self._overridden_kept = now.overridden
        if now.cooled is not None:
            self._cooled_kept = now.cooled
        for told in now.untold:
            if self._untold and self._untold[0] is told:
                self._untold.popleft()
        for material, usual in now.usual.items():
            if self._unkept.get(material) is usual:
                del self._unkept[material]


@dataclass(frozen=True, slots=True)
class _Unkept:
    """What is to be told and kept, as it was at one moment. cooled: None where nothing changed."""

    untold: Sequence[tuple[datetime, Change]]
    usual: Mapping[str, Baseline]
    print: str
    overridden: frozenset[tuple[str, str]]
    cooled: Mapping[str, float] | None
    current: tuple[Anomaly, ...]
    doubt: Doubt
    left_hot: LeftHot | None

    def write(self, db: Connection, printer: str, at: datetime) -> None:
        """One transaction: what was told once is known, and not told again."""
        if printers.plate(db, printer) is None:  # it was taken out of the farm, with all that was known of it
            return
        anomalies.note(db, printer, self.untold)
        anomalies.keep_current(db, printer, self.current)
        printers.keep_doubt(db, printer, self.doubt)
        printers.keep_left_hot(db, printer, self.left_hot)
        if self.print and self.overridden:
            anomalies.override(db, self.print, self.overridden)
        if self.print and self.cooled is not None:
            anomalies.keep_cooled(db, self.print, self.cooled)
        for material, usual in self.usual.items():
            baselines.keep(db, printer, material, usual, at)


_WARN = Severity.WARN.rank
_DOING = {
    PrintState.STARTING: Operation.PREPARING,
    PrintState.PRINTING: Operation.PRINTING,
    PrintState.PAUSED: Operation.PAUSED,
}
"""What a printer was seen doing last, by the state of its print."""
_IN_A_PAUSE = frozenset({Operation.PAUSING, Operation.PAUSED, Operation.RESUMING, Operation.UNKNOWN})
"""What a printer may be doing before its print goes on; of one that says nothing nobody knows."""


def _cadence(printer: Printer, speed: float) -> Cadence:
    simulation = printer.address.simulation
    kind = simulation.dialect if simulation is not None else printer.address.kind
    told = CADENCES.get(kind, UNKNOWN_CADENCE)
    return replace(told, fresh_s=told.fresh_s * speed, held_s=told.held_s * speed)


def _sample(reading: Reading, ours: Assignment | None, now: float) -> Sample:
    file, line = reading.file, reading.line
    return Sample(
        at=now,
        heaters=reading.temperatures,
        operation=reading.operation,
        progress=file.progress if file is not None else None,
        z_mm=reading.z_mm,
        position=reading.position,
        elapsed_s=file.elapsed_s if file is not None else None,
        estimate_s=ours.order.estimate_s if ours is not None else None,
        sent=line.sent if line is not None else None,
        resent=line.resent if line is not None else None,
        duty=reading.duty,
        fans=reading.fans,
        load=reading.load,
        filament=reading.filament,
        file_targets=ours.order.targets if ours is not None else _NO_TARGETS,
    )


_NO_TARGETS: Mapping[str, frozenset[float]] = {}


def _same(one: Anomaly, other: Anomaly) -> bool:
    return (one.kind, one.evidence.channel) == (other.kind, other.evidence.channel)


def _is_hot(reading: Reading, wanted: Mapping[str, float]) -> bool:
    shown = {heater: reading.temperatures.get(heater) for heater in wanted}
    return all(
        read is not None and read.actual is not None and read.actual >= wanted[heater] - HOT_ENOUGH_DEGC
        for heater, read in shown.items()
    )
