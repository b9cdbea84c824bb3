"""Watches over one printer: what is wrong with it now, and what has just begun, grown worse or ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from farm.detect import care, line
from farm.detect.baseline import NOTHING_LEARNED, Baseline
from farm.detect.care import Alone, Left
from farm.detect.channel import Phase
from farm.detect.filament import Supply
from farm.detect.heater import HeaterWatch
from farm.detect.line import Resends, Standstill
from farm.detect.power import Load, Standing
from farm.detect.values import Cadence, Change, Sample
from farm.detect.work import Layers, Overrun, Stall
from farm.domain.anomaly import AS_SHIPPED, MAY_STOP, Anomaly, AnomalyKind, Severity, Watchfulness
from farm.domain.printer import BUSY, Operation

GRACE_S = 10.0  # after connecting: hosts tell 0 degC, nothing, or what was true an hour ago
CALM_S = 30.0  # without a finding, then it is over
FIND_AGAIN_S = 300.0  # more, where it was found before the printer is watched anew: detectors need time
MOST_HEATERS = 32  # more is a peer gone mad; so are more fans, or boards
PART_FAN = "fan"  # the one that blows at the part
LESSON_S = 300.0  # of printing; less teaches nothing
HOT_DEGC = 50.0
NOTHING: Sequence[Change] = ()

_PAUSED = frozenset({Operation.PAUSED, Operation.PAUSING})
_GOES_ON = frozenset({Operation.PRINTING, Operation.RESUMING})

_COLD = "cold"
_CAUSES: Mapping[AnomalyKind, str] = {
    AnomalyKind.NOT_HEATING: _COLD,
    AnomalyKind.DROP: _COLD,
    AnomalyKind.SENSOR_FROZEN: "sensor",
    AnomalyKind.SENSOR_JUMP: "sensor",
    AnomalyKind.SENSOR_IMPOSSIBLE: "sensor",
}
"""Kinds that have one cause: who overrode the one overrode the others."""


@dataclass(slots=True)
class _Wrong:
    """Something that is wrong now. paused_at: when it became bad enough for a pause.

    taken_up: it was found before the printer was watched anew, and not again since.
    """

    anomaly: Anomaly
    seen_at: float
    paused_at: float | None = None
    taken_up: bool = False

    def look_for_it(self, since: float) -> None:
        """It was not looked for before: that it was not found says nothing."""
        again_s = FIND_AGAIN_S if self.taken_up and self.anomaly.kind is not AnomalyKind.SILENT else 0.0
        self.seen_at = max(self.seen_at, since + again_s)


class Guard:
    """Owns what is wrong with one printer. Time comes in with each call: seconds of a steady clock that runs
    as fast as the printer lives."""

    def __init__(
        self, cadence: Cadence, watchfulness: Watchfulness = AS_SHIPPED, usual: Baseline = NOTHING_LEARNED
    ) -> None:
        """usual: of the printer, with the material that is on it."""
        self._cadence = cadence
        self._usual = usual
        self._wrong: dict[tuple[AnomalyKind, str], _Wrong] = {}
        self.overridden: frozenset[tuple[str, str]] = frozenset()
        """Causes and channels that somebody went on in spite of, in this print."""
        self._ours: dict[str, float] = {}  # targets set through the farm
        self._at = self._from = float("-inf")
        self._operation = Operation.UNKNOWN
        self._alone = Alone()
        self._lost_at: float | None = None
        self._problem = ""
        self._last: Sample | None = None
        self._taken_up = False  # in the midst of a print, which was not seen since
        self._fans: dict[str, Standing] = {}
        self._loads: dict[str, Load] = {}
        self._resends = Resends()
        self.current: tuple[Anomaly, ...] = ()
        """What is wrong now, the worst first."""
        self.watchfulness = watchfulness
        self._begin()

    @property
    def watchfulness(self) -> Watchfulness:
        """How closely it watches; another holds from the next sample on."""
        return self._watchfulness

    @watchfulness.setter
    def watchfulness(self, watchfulness: Watchfulness) -> None:
        self._watchfulness = watchfulness
        self._ends = {kind: watchfulness.end(kind) for kind in AnomalyKind}

    def expect(self, usual: Baseline) -> None:
        """What is usual for the next print."""
        self._usual = usual

    @property
    def left(self) -> Left | None:
        """Heat that no print needs now, and since when; another object whenever anything of it changes."""
        return self._alone.left

    def take_up(
        self, at: float, operation: Operation, wrong: Iterable[Anomaly], left: Left | None = None
    ) -> None:
        """Somebody else has watched it before: the printer was seen doing this, and so much was wrong.

        What is known already is not told again, and it is over when it is not found again. left: as it was
        then; that goes on where the same heaters still have the same targets.
        """
        self._operation = operation
        self._alone.recall(left)
        self._begin()
        self._in_sight, self._taken_up = False, operation in BUSY
        for anomaly in wrong:
            paused_at = at if anomaly.severity.rank >= _PAUSE else None
            found = _Wrong(anomaly, at, paused_at, taken_up=True)
            found.look_for_it(at)
            self._wrong[anomaly.kind, anomaly.evidence.channel] = found
        self._order()

    def override(self, causes: Iterable[tuple[str, str]]) -> None:
        """Somebody goes on in spite of these: they are no reason for another pause of this print."""
        more = frozenset(causes) - self.overridden
        if more:
            self.overridden |= more

    def connected(self, at: float) -> None:
        """The printer is there (again): what it tells in its first seconds is not listened to."""
        self._from, self._lost_at = at + GRACE_S, None
        for wrong in self._wrong.values():
            wrong.look_for_it(self._from)

    def lost(self, at: float, problem: str) -> None:
        """It cannot be seen any more. problem: a sentence why. Not being seen is never a reason to pause."""
        if self._lost_at is None:
            self._lost_at, self._problem = at, problem
        self._in_sight = False

    def begin_anew(self, at: float) -> None:
        """The computer slept, or the like: what was seen before does not lie as long ago as its clock says.

        What is wrong stays so until it is over, and the printer's first seconds are not listened to.
        """
        self._alone.recall(self._alone.left)
        self._begin()
        self._in_sight = False
        self._last = None
        self._fans.clear()
        self._loads.clear()
        self._resends = Resends()
        for wrong in self._wrong.values():
            wrong.taken_up = True
        self.connected(at)

    def attended(self, at: float) -> None:
        """Somebody does something with the printer."""
        self._alone.attended(at)

    def targeted(self, heater: str, degc: float) -> None:
        """A target is set through the farm."""
        self._ours[heater] = degc

    def see(self, sample: Sample) -> Sequence[Change]:
        """Take in one look at the printer. What came of it; mostly nothing."""
        at = sample.at
        if at <= self._at:  # time never runs back; a printer's host may
            return NOTHING
        if self._lost_at is not None:  # it may be seen again before it counts as being there
            self.connected(at)
        passed_s = at - self._at
        self._at = at
        if at < self._from:
            return NOTHING
        if self._taken_up:
            self._go_on_with(sample.operation)
        if sample.operation is not self._operation:
            self._enter(sample.operation)
        found: list[Anomaly] = []
        moved, waits = self._see_heaters(sample, found)
        if sample.fans or sample.load:
            self._see_boards(sample, found)
        if sample.sent is not None:
            _add(self._resends.see(sample), found)
        if sample.filament and sample.operation in BUSY:
            found += self._supply.see(sample, waits)
        self._see_work(sample, moved, waits, passed_s, found)
        self._last = sample
        if not found and not self._wrong:
            return NOTHING
        return self._compared(at, found)

    def unseen(self, at: float) -> Sequence[Change]:
        """Time passes while the printer cannot be seen."""
        limit_s = self._watchfulness.silent_s
        if self._lost_at is None or at - self._lost_at < limit_s:
            return NOTHING
        printing = self._operation in BUSY
        if not (printing or self._heated()):
            return NOTHING
        found = [line.silent(at - self._lost_at, limit_s, printing, self._problem)]
        return self._compared(max(at, self._at), found)

    def to_cool(self) -> Mapping[str, float]:
        """Heaters that are to be switched off, with their targets: hot for too long with nobody there, or in
        a paused print, where the bed stays warm."""
        heated = self._heated()
        # What was found before it was watched anew is not enough: somebody may have been there since.
        found = [wrong.anomaly for wrong in self._wrong.values() if not wrong.taken_up]
        if self._operation in _PAUSED:
            hot = {each.evidence.channel for each in found if each.kind is AnomalyKind.PAUSED_HOT}
            return {name: target for name, target in heated.items() if name in hot}
        idle = self._operation not in BUSY
        return heated if idle and any(each.kind is AnomalyKind.HEATED_UNATTENDED for each in found) else {}

    def lesson(self) -> Baseline | None:
        """What the print that is just over has shown; None where it is no example for others.

        It has to have gone without a warning that matters to a print, and in sight from its beginning to its
        end.
        """
        if self._troubled or not self._in_sight or self._printed_s < LESSON_S:
            return None
        heaters = {name: watch.lesson() for name, watch in self._heaters.items()}
        return Baseline(0, heaters, self._stall.longest_s)

    # -- a look ------------------------------------------------------------------------------------

    def _see_heaters(self, sample: Sample, found: list[Anomaly]) -> tuple[bool, bool]:
        """Whether any value moved, and whether the printer waits for heat."""
        moved = waits = False
        at, duty, part_fan = sample.at, sample.duty, sample.fans.get(PART_FAN)
        fan = part_fan.speed if part_fan is not None else None
        for name, temperature in sample.heaters.items():
            watch = self._heaters.get(name)
            if watch is None:
                watch = self._met(name)
                if watch is None:
                    continue
            channel = watch.channel
            was = channel.target
            own = duty.get(name) if duty else None
            if watch.see(at, temperature.actual, temperature.target, own, fan, found):
                self._retargeted(watch, was, sample)
            if channel.changed:
                moved = True
            if channel.phase is Phase.HEATING or channel.phase is Phase.COOLING:
                waits = True
        found += self._unwanted.found(at)
        return moved, waits

    def _see_boards(self, sample: Sample, found: list[Anomaly]) -> None:
        for name, fan in sample.fans.items():
            standing = self._fans.get(name)
            if standing is None and fan.rpm is not None and len(self._fans) < MOST_HEATERS:
                standing = self._fans[name] = Standing(name)
            if standing is not None:
                _add(standing.see(name, sample.at, fan.speed, fan.rpm), found)
        for name, share in sample.load.items():
            load = self._loads.get(name)
            if load is None and len(self._loads) < MOST_HEATERS:
                load = self._loads[name] = Load()
            if load is not None:
                _add(load.see(name, sample.at, share), found)

    def _met(self, name: str) -> HeaterWatch | None:
        if len(self._heaters) >= MOST_HEATERS:
            return None
        usual = self._usual.heaters.get(name) if self._usual.is_sound else None
        watch = self._heaters[name] = HeaterWatch(name, self._cadence, usual, self._others_moved)
        return watch

    def _others_moved(self, name: str, since: float) -> bool:
        if self._progress_at > since:
            return True
        return any(
            watch.channel.changed_at > since for other, watch in self._heaters.items() if other != name
        )

    def _retargeted(self, watch: HeaterWatch, was: float, sample: Sample) -> None:
        channel = watch.channel
        ours = self._ours.pop(channel.name, None) == channel.target
        if channel.gap == 0.0:  # it is seen for the first time
            return
        if not ours:  # somebody is at the machine
            self.attended(sample.at)
        if sample.operation is Operation.PRINTING and channel.gap <= channel.longest_step_s:
            known = sample.file_targets.get(channel.name, frozenset())
            self._unwanted.changed(sample, channel, was, known, ours)

    def _see_work(
        self, sample: Sample, moved: bool, waits: bool, passed_s: float, found: list[Anomaly]
    ) -> None:
        last, operation = self._last, sample.operation
        if last is None or (
            sample.progress != last.progress or sample.position != last.position or sample.z_mm != last.z_mm
        ):
            self._progress_at = sample.at
            moved = True
        if operation is Operation.PRINTING:
            self._printed_s += passed_s
            _add(self._standstill.working(sample.at, moved), found)
            if waits:
                self._rest(sample.at, passed_s)
            else:
                _add(self._stall.printing(sample), found)
                _add(self._layers.printing(sample), found)
            if sample.estimate_s is not None:
                _add(self._overrun.printing(sample), found)
            return
        self._standstill.rest()
        if operation in BUSY:
            self._rest(sample.at, passed_s)
            if operation in _PAUSED:
                self._see_pause(sample.at, found)
        else:
            self._see_idle(sample.at, found)

    def _rest(self, at: float, passed_s: float) -> None:
        self._stall.rest(at)
        self._layers.rest(passed_s)

    def _see_pause(self, at: float, found: list[Anomaly]) -> None:
        heated, limit_s = self._heated(), self._watchfulness.paused_hot_s
        since_s = self._alone.see(at, True, heated)
        if since_s < limit_s:
            return
        for name, target in heated.items():
            if name.startswith("tool") and target > HOT_DEGC:
                found.append(care.paused_hot(name, target, since_s, limit_s))

    def _see_idle(self, at: float, found: list[Anomaly]) -> None:
        heated, limit_s = self._heated(), self._watchfulness.heated_idle_s
        since_s = self._alone.see(at, False, heated) if self._heaters else 0.0
        if heated and since_s >= limit_s:
            found.append(care.heated_unattended(heated, since_s, limit_s))

    def _heated(self) -> dict[str, float]:
        """The targets of the heaters that are on."""
        heaters = self._heaters.items()
        return {name: watch.channel.target for name, watch in heaters if watch.channel.target > 0.0}

    # -- prints ------------------------------------------------------------------------------------

    def _enter(self, operation: Operation) -> None:
        was, self._operation = self._operation, operation
        if was in _PAUSED and operation in _GOES_ON:
            self.override(
                _cause(key) for key, wrong in self._wrong.items() if wrong.anomaly.severity.rank >= _PAUSE
            )
        if operation in BUSY and operation not in _PAUSED:
            self._alone.over()
        if was not in BUSY and operation in BUSY:
            self._begin()
        elif was in BUSY and operation not in BUSY:
            self.overridden = frozenset()
            self._unwanted.forget()

    def _go_on_with(self, operation: Operation) -> None:
        """A print that was on when it was seen last is seen again.

        Where it was to be paused and prints all the same, that did not come about: then it is found anew.
        """
        self._taken_up = False
        if operation not in _PAUSED:
            self._alone.over()
        if operation is self._operation is Operation.PRINTING:
            for wrong in self._wrong.values():
                if wrong.anomaly.severity.rank >= _PAUSE:
                    wrong.anomaly, wrong.paused_at = replace(wrong.anomaly, severity=Severity.WARN), None
            self._order()

    def _begin(self) -> None:
        """A print begins: what is learned is learned of it alone."""
        self._heaters: dict[str, HeaterWatch] = {}
        usual_gap_s = self._usual.gap_s if self._usual.is_sound else 0.0
        self._stall, self._layers, self._overrun = Stall(self._cadence, usual_gap_s), Layers(), Overrun()
        self._standstill, self._unwanted = Standstill(), care.Unwanted()
        self._supply = Supply()
        self._progress_at = float("-inf")
        self._printed_s = 0.0
        self._troubled, self._in_sight = False, True

    # -- what is wrong -----------------------------------------------------------------------------

    def _compared(self, at: float, found: Sequence[Anomaly]) -> Sequence[Change]:
        changes: list[Change] = []
        for anomaly in found:
            key = (anomaly.kind, anomaly.evidence.channel)
            severity = self._on_the_ladder(at, key, anomaly.severity)
            if severity is None:
                continue
            wrong = self._wrong.get(key) or self._known_as(key)
            if wrong is None or severity.rank > wrong.anomaly.severity.rank:
                changes.append(Change(self._worse(at, key, anomaly, severity)))
                continue
            wrong.seen_at = at
            if wrong.anomaly.kind is anomaly.kind:
                wrong.taken_up = False
        for key, wrong in list(self._wrong.items()):
            if at - wrong.seen_at >= CALM_S:
                del self._wrong[key]
                changes.append(Change(wrong.anomaly, over=True))
        if not changes:
            return NOTHING
        self._order()
        return changes

    def _order(self) -> None:
        wrongs = (wrong.anomaly for wrong in self._wrong.values())
        self.current = tuple(sorted(wrongs, key=lambda each: -each.severity.rank))

    def _known_as(self, key: tuple[AnomalyKind, str]) -> _Wrong | None:
        """The same trouble, as it was known before it is watched anew: a heater that fell from its target is
        from then on one that does not get there."""
        wrongs = self._wrong.items()
        cause = _cause(key)
        return next((wrong for known, wrong in wrongs if wrong.taken_up and _cause(known) == cause), None)

    def _on_the_ladder(self, at: float, key: tuple[AnomalyKind, str], severity: Severity) -> Severity | None:
        """How far up it is: not beyond what the shop wants, nor what somebody overrode."""
        end = self._ends[key[0]]
        if end is None:
            return None
        if severity.rank >= _PAUSE and self._is_overridden(key):
            return Severity.WARN
        if end is Severity.STOP and severity is Severity.PAUSE and key[0] in MAY_STOP:
            wrong = self._wrong.get(key)
            since = wrong.paused_at if wrong is not None else None
            if since is not None and at - since >= self._watchfulness.stop_after_s:
                return Severity.STOP
        return severity if severity.rank <= end.rank else end

    def _is_overridden(self, key: tuple[AnomalyKind, str]) -> bool:
        """Whoever went on in spite of a value that fell knows that it may not be true, and so may jump."""
        kind, channel = key
        if kind is AnomalyKind.SENSOR_JUMP and (_COLD, channel) in self.overridden:
            return True
        return _cause(key) in self.overridden

    def _worse(
        self, at: float, key: tuple[AnomalyKind, str], anomaly: Anomaly, severity: Severity
    ) -> Anomaly:
        now = replace(anomaly, severity=severity)
        wrong = self._wrong.setdefault(key, _Wrong(now, at))
        wrong.anomaly, wrong.seen_at, wrong.taken_up = now, at, False
        if severity.rank >= _PAUSE and wrong.paused_at is None:
            wrong.paused_at = at
        if severity.rank >= _WARN and anomaly.kind not in _SPOILS_NOTHING:
            self._troubled = True
        return now


_WARN, _PAUSE = Severity.WARN.rank, Severity.PAUSE.rank

_SPOILS_NOTHING = frozenset({AnomalyKind.OSCILLATION})
"""What a print comes out well with: a bed that is switched on and off swings with every print, and is told
of no more once that is known to be its nature. One that swings further than it did is told of again."""


def _cause(key: tuple[AnomalyKind, str]) -> tuple[str, str]:
    kind, channel = key
    return _CAUSES.get(kind, kind.value), channel


def _add(anomaly: Anomaly | None, found: list[Anomaly]) -> None:
    if anomaly is not None:
        found.append(anomaly)
