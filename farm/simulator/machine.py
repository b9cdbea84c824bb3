"""A printer's heaters, motion and firmware without any I/O: lines of G-code in, time passing, readings out.

Every call that depends on time takes `now` in seconds of any steady clock, never going back. The machine
lives `speed` times as fast as that clock. Nothing happens between calls: heaters follow closed formulas,
and `tick` carries out the lines whose time has come, so a printer that stands idle costs nothing.
"""

from __future__ import annotations

import math
import random
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

AMBIENT_DEGC = 21.3
NOISE_DEGC = 0.08  # standard deviation of a thermistor's reading on a calm printer
NEVER_S = 1e9
HOT_ENOUGH_DEGC = 1.0  # below the target, where a wait for it ends
LINE_S = 0.010  # a line of 30 characters at 115200 baud, and the firmware's answer
HOMING_S = 2.0
FIRST_FEED_MM_S = 25.0  # Marlin's own until a line says otherwise
MAX_LINE = 4096  # bytes read of a line; Marlin itself takes 96
MAX_ORDERS = 64  # lines waiting beside the print; a firmware has room for fewer
LINES_A_TICK = 2000  # a tick ends within some 10 ms, however fast the machine is told to live
MAX_TARGET_DEGC = 400.0

_WORD = re.compile(rb"([A-Z])\s*(-?\d{0,9}\.?\d{1,9})")
_COMMENT = re.compile(rb";.*|\([^)]*\)")


class Activity(StrEnum):
    """What the machine makes of the file it was given."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"


class What(StrEnum):
    """What can happen at a machine by itself."""

    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    HALTED = "halted"  # M112
    HOMED = "homed"
    DWELLED = "dwelled"
    LIFTED = "lifted"  # to another height
    TARGETED = "targeted"  # a heater has a new target


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, and how high the nozzle was before and after it (None: not known)."""

    what: What
    old_z: float | None = None
    new_z: float | None = None


@dataclass(slots=True)
class Heater:
    """One heater, exactly as far as it comes in time: full power, then ever less towards its target.

    heats: degC/s at full power. settles: degC below the target where the power is taken back.
    cools_s: seconds in which the distance to the room falls to a third. dead: its wire is torn: it has a
    target all the same, and cools.
    """

    heats: float
    settles: float
    cools_s: float
    target: float = 0.0
    dead: bool = False
    _from: float = AMBIENT_DEGC
    _since: float = 0.0

    def actual(self, at: float) -> float:
        """Degrees Celsius at a moment of machine time not before the last change."""
        goal = AMBIENT_DEGC if self.dead else max(self.target, AMBIENT_DEGC)
        passed = at - self._since
        if self._from >= goal:
            fallen = AMBIENT_DEGC + (self._from - AMBIENT_DEGC) * math.exp(-passed / self.cools_s)
            return max(goal, fallen)
        full = self._full_power_s(goal)
        if passed <= full:
            return self._from + self.heats * passed
        left = goal - (self._from + self.heats * full)
        return goal - left * math.exp(-(passed - full) * self.heats / self.settles)

    def aim(self, target: float, at: float) -> None:
        self._from, self._since, self.target = self.actual(at), at, target

    def die(self, at: float) -> None:
        """Its wire tears."""
        self._from, self._since, self.dead = self.actual(at), at, True

    def hot_enough_at(self, at: float) -> float:
        """When it is as hot as its target, in machine time; `at` where it is already, or is hotter."""
        goal = max(self.target, AMBIENT_DEGC)
        if self.actual(at) >= goal - HOT_ENOUGH_DEGC:
            return at
        if self.dead:
            return at + NEVER_S
        full = self._full_power_s(goal)
        left = goal - (self._from + self.heats * full)
        rest = self.settles / self.heats * math.log(left / HOT_ENOUGH_DEGC)
        return self._since + full + max(rest, 0.0)

    def _full_power_s(self, goal: float) -> float:
        return max(0.0, (goal - self.settles - self._from) / self.heats)


@dataclass(slots=True)
class _Print:
    """The file being printed: how far it is read, and when it began, in machine time."""

    file: BinaryIO
    size: int
    position: int = 0
    done: bool = False


def nozzle() -> Heater:
    return Heater(heats=10.0, settles=10.0, cools_s=90.0)


def bed() -> Heater:
    return Heater(heats=2.0, settles=4.0, cools_s=400.0)


@dataclass
class Machine:
    """One printer. seed: of its readings' noise. emergency_parser: M108 and a cancel end a wait for heat."""

    seed: int = 0
    speed: float = 1.0
    emergency_parser: bool = False
    heaters: dict[str, Heater] = field(default_factory=lambda: {"tool0": nozzle(), "bed": bed()})
    activity: Activity = Activity.IDLE
    halted: bool = False
    fan: float = 0.0
    lines: int = 0
    """Lines carried out since it was switched on."""

    def __post_init__(self) -> None:
        self._noise = random.Random(self.seed)
        self._print: _Print | None = None
        self._orders: deque[bytes | Callable[[], bytes | None]] = deque()
        self._fed_mm = 0.0
        self._told_progress: tuple[float | None, float | None] = (None, None)
        self._happened: list[Happening] = []
        self._busy_until = 0.0  # machine time
        self._heating = False  # the line being carried out is a wait for heat
        self._frozen_at: float | None = None
        self._place = dict.fromkeys("XYZE", 0.0)
        self._height: float | None = None  # what the print host knows: from the lines it sent
        self._feed = FIRST_FEED_MM_S
        self._relative = self._relative_e = False

    # -- looking -------------------------------------------------------------------------------------

    def temperatures(self, now: float) -> dict[str, tuple[float, float]]:
        """What the sensors say: actual and target of each heater, in degC, with a thermistor's noise."""
        at = self._time(now)
        return {
            name: (round(heater.actual(at) + self._noise.gauss(0, NOISE_DEGC), 2), heater.target)
            for name, heater in self.heaters.items()
        }

    @property
    def position(self) -> tuple[float, float, float]:
        """Where the lines carried out so far lead the nozzle: millimetres."""
        return self._place["X"], self._place["Y"], self._place["Z"]

    @property
    def extruded(self) -> float:
        return self._place["E"]

    @property
    def told_progress(self) -> tuple[float | None, float | None]:
        """What the print's own lines (M73) said last: percent done, minutes left."""
        return self._told_progress

    @property
    def fed_mm(self) -> float:
        """Filament that went through the nozzle since it was switched on, less what was drawn back."""
        return self._fed_mm

    @property
    def feed_mm_s(self) -> float:
        return self._feed

    @property
    def height(self) -> float | None:
        """The last height a line led to, as a print host notes it; None before the first."""
        return self._height

    @property
    def modes(self) -> tuple[bool, bool, float]:
        """Whether it moves by the way and not to the place, the same of the extruder, and how fast: mm/s."""
        return self._relative, self._relative_e, self._feed

    @modes.setter
    def modes(self, modes: tuple[bool, bool, float]) -> None:
        self._relative, self._relative_e, self._feed = modes

    def works(self, now: float) -> bool:
        """Whether it is carrying out a line, or has one to carry out."""
        return math.isfinite(self.wake_at) or self._busy_until > self._time(now)

    @property
    def read_bytes(self) -> int:
        """How much of the file has been carried out or is being carried out."""
        return self._print.position if self._print is not None else 0

    @property
    def waits_for_heat(self) -> bool:
        return self._heating

    @property
    def awol(self) -> bool:
        return self._frozen_at is not None

    @property
    def wake_at(self) -> float:
        """When `tick` has something to do next, by the clock outside; `math.inf` for never by itself."""
        if self.halted or self.awol:
            return math.inf
        if self._orders or self.activity not in (Activity.IDLE, Activity.PAUSED):
            return self._busy_until / self.speed
        return math.inf

    # -- commanding ----------------------------------------------------------------------------------

    def begin(self, file: BinaryIO, size: int, now: float) -> None:
        """Prints a file of `size` bytes from its beginning; the machine closes it when it is done.

        Raises ValueError while it is printing: the print host looks first.
        """
        if self.activity is not Activity.IDLE:
            raise ValueError("the machine is printing")
        self._start_clock(now)
        self._print, self.activity, self._height = _Print(file, size), Activity.RUNNING, None
        self._told_progress = (None, None)

    def pause(self) -> None:
        """Pauses once the line in hand, a wait for heat too, is done."""
        if self.activity is Activity.RUNNING:
            self.activity = Activity.PAUSING

    def resume(self, now: float) -> None:
        if self.activity in (Activity.PAUSED, Activity.PAUSING):
            self._start_clock(now)
            self.activity = Activity.RUNNING

    def cancel(self, now: float) -> None:
        """Ends the print once the line in hand is done; then the heaters go off."""
        if self.activity is Activity.IDLE:
            return
        self._start_clock(now)
        self.activity = Activity.CANCELLING
        self._break_wait(now)

    def order(self, line: bytes, now: float) -> None:
        """A line beside the print: carried out between two of its lines. M112 and M108 do not wait.

        A line too many is lost, as in a full buffer.
        """
        match _command(line):
            case b"M112":
                self.halt(now)
            case b"M108":
                self._break_wait(now)
            case b"":
                pass
            case _ if len(self._orders) < MAX_ORDERS:
                self._start_clock(now)
                self._orders.append(line)

    def then(self, what: Callable[[], bytes | None], now: float) -> bool:
        """Calls `what` once the line in hand and all orders before it are carried out, within a tick.

        It answers the line to carry out in its place, if any. Never called where the machine is halted or
        reset before. False when too many orders wait: then it is lost.
        """
        if len(self._orders) >= MAX_ORDERS:
            return False
        self._start_clock(now)
        self._orders.append(what)
        return True

    def halt(self, now: float) -> None:
        """The firmware kills heat and motion at once, and answers nothing until it is reset."""
        self._kill(self._time(now))

    def abandon(self) -> None:
        """The print host is gone from the line: no line follows, and what is hot stays hot."""
        self._drop_print()
        self._orders.clear()

    def go_awol(self, now: float) -> None:
        """It stops answering: nothing moves on and no reading changes, until it comes back or is reset."""
        if self._frozen_at is None:
            self._frozen_at = now

    def lose_heat(self, now: float) -> None:
        """The nozzle's heater dies; until the machine is reset nothing heats it."""
        self.heaters["tool0"].die(self._time(now))

    def come_back(self, now: float) -> None:
        self._frozen_at = None
        self._start_clock(now)

    def reset(self, now: float) -> None:
        """As a new connection resets the board: nothing prints, the heaters are off and cool down."""
        self._frozen_at, self.halted = None, False
        at = self._time(now)
        for heater in self.heaters.values():
            heater.aim(0.0, at)
            heater.dead = False
        self._drop_print()
        self._orders.clear()
        self._happened.clear()
        self._busy_until, self._heating = at, False
        self._relative = self._relative_e = False
        self._feed, self.fan, self.lines, self._height = FIRST_FEED_MM_S, 0.0, 0, None
        self._fed_mm = 0.0

    def tick(self, now: float) -> Sequence[Happening]:
        """Carries out what is due until `now`; what happened since the last tick."""
        at = self._time(now)
        for _ in range(LINES_A_TICK):
            if self.halted or self.awol or self._busy_until > at or not self._next_line():
                break
        happened, self._happened = self._happened, []
        return happened

    # -- inside --------------------------------------------------------------------------------------

    def _time(self, now: float) -> float:
        return (now if self._frozen_at is None else self._frozen_at) * self.speed

    def _start_clock(self, now: float) -> None:
        """What comes next begins now, not when the last line was done."""
        self._busy_until = max(self._busy_until, self._time(now))

    def _kill(self, at: float) -> None:
        for heater in self.heaters.values():
            heater.aim(0.0, at)
        self.halted = True
        self._happened.append(Happening(What.HALTED))

    def _break_wait(self, now: float) -> None:
        if self._heating and self.emergency_parser:
            self._busy_until, self._heating = self._time(now), False

    def _next_line(self) -> bool:
        """Carries out one line at `_busy_until`; False when there is none to carry out."""
        self._heating = False
        if self._orders:
            order = self._orders.popleft()
            line = order() if callable(order) else order
            if line:
                self._carry_out(line)
            return True
        match self.activity:
            case Activity.RUNNING if self._print is not None:
                self._read_on(self._print)
                return True
            case Activity.PAUSING:
                self.activity = Activity.PAUSED
                self._happened.append(Happening(What.PAUSED))
            case Activity.CANCELLING:
                self._drop_print()
                for heater in self.heaters.values():
                    heater.aim(0.0, self._busy_until)
                self.fan = 0.0
                self._happened += [Happening(What.TARGETED), Happening(What.CANCELLED)]
        return False

    def _read_on(self, running: _Print) -> None:
        line = running.file.readline(MAX_LINE)
        running.position += len(line)
        if not line:
            running.position = running.size
            self._drop_print()
            self._happened.append(Happening(What.FINISHED))
        else:
            self._carry_out(line)

    def _drop_print(self) -> None:
        if self._print is not None:
            self._print.file.close()
        self._print, self.activity = None, Activity.IDLE

    def _carry_out(self, line: bytes) -> None:
        code = _command(line)
        if not code:
            return  # a comment: no print host sends it
        self.lines += 1
        self._busy_until += LINE_S
        done = _FIRMWARE.get(code)
        if done is not None:
            done(self, {name: float(value) for name, value in _WORD.findall(_stripped(line)[len(code) :])})

    def _move(self, words: dict[bytes, float]) -> None:
        # An arc is taken as its chord: short ones, as slicers fit them, differ little.
        place = self._place
        self._feed = words[b"F"] / 60 if words.get(b"F", 0) > 0 else self._feed
        before = dict(place)
        for axis in "XYZE":
            if (value := words.get(axis.encode())) is not None:
                relative = self._relative_e if axis == "E" else self._relative
                place[axis] = place[axis] + value if relative else value
        self._fed_mm += place["E"] - before["E"]
        way = math.dist([before[axis] for axis in "XYZ"], [place[axis] for axis in "XYZ"])
        self._busy_until += (way or abs(place["E"] - before["E"])) / self._feed
        if b"Z" in words and place["Z"] != self._height:
            self._happened.append(Happening(What.LIFTED, self._height, place["Z"]))
            self._height = place["Z"]

    def _home(self, words: dict[bytes, float]) -> None:
        self._place.update(dict.fromkeys("XYZ", 0.0))
        self._busy_until += HOMING_S
        self._happened.append(Happening(What.HOMED))

    def _dwell(self, words: dict[bytes, float]) -> None:
        self._busy_until += max(0.0, words.get(b"P", 0.0) / 1000 + words.get(b"S", 0.0))
        self._happened.append(Happening(What.DWELLED))

    def _set_place(self, words: dict[bytes, float]) -> None:
        self._place.update({axis: words[axis.encode()] for axis in "XYZE" if axis.encode() in words})

    def _aim(self, name: str, words: dict[bytes, float], wait: bool) -> None:
        target = words.get(b"S", words.get(b"R"))
        if target is None or words.get(b"T", 0.0) != 0:  # it has one nozzle
            return
        heater = self.heaters[name]
        heater.aim(min(max(target, 0.0), MAX_TARGET_DEGC), self._busy_until)
        self._happened.append(Happening(What.TARGETED))
        if wait:
            until = heater.hot_enough_at(self._busy_until)
            self._heating = until > self._busy_until
            self._busy_until = until

    def _note_progress(self, words: dict[bytes, float]) -> None:
        self._told_progress = (words.get(b"P"), words.get(b"R"))

    def _set_fan(self, words: dict[bytes, float]) -> None:
        self.fan = min(max(words.get(b"S", 255.0) / 255, 0.0), 1.0)


def _stripped(line: bytes) -> bytes:
    return _COMMENT.sub(b"", line).strip()


def _command(line: bytes) -> bytes:
    """The first word of a line, such as G1; empty for a comment."""
    return (_stripped(line).split(None, 1) or [b""])[0]


_Meaning = Callable[[Machine, dict[bytes, float]], None]


def _mode(relative: bool, axes: bool) -> _Meaning:
    def change(machine: Machine, words: dict[bytes, float]) -> None:
        machine._relative_e = relative
        machine._relative = relative if axes else machine._relative

    return change


def _heat(name: str, wait: bool) -> _Meaning:
    return lambda machine, words: machine._aim(name, words, wait)


_FIRMWARE: dict[bytes, _Meaning] = {
    b"G0": Machine._move,
    b"G1": Machine._move,
    b"G2": Machine._move,
    b"G3": Machine._move,
    b"G4": Machine._dwell,
    b"G28": Machine._home,
    b"G90": _mode(relative=False, axes=True),
    b"G91": _mode(relative=True, axes=True),
    b"G92": Machine._set_place,
    b"M82": _mode(relative=False, axes=False),
    b"M83": _mode(relative=True, axes=False),
    b"M104": _heat("tool0", wait=False),
    b"M109": _heat("tool0", wait=True),
    b"M140": _heat("bed", wait=False),
    b"M190": _heat("bed", wait=True),
    b"M73": Machine._note_progress,
    b"M106": Machine._set_fan,
    b"M107": lambda machine, words: machine._set_fan({b"S": 0.0}),
    b"M112": lambda machine, words: machine._kill(machine._busy_until),
}
"""What lines do; all others take their moment on the line and do nothing."""
