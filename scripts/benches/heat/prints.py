"""One print on a simulated printer: heat-up, layers, fan, what disturbs it, and what breaks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from farm.domain.printer import Operation
from scripts.benches.heat.plant import STEP_S, Array, Course, cold, heat
from scripts.benches.heat.printers import ROOM_DEGC, Draw, SimulatedPrinter

HEATS_S = 2400.0  # at the longest
COOL_S = 900.0  # after each print: parts are taken off
PREPARES_S = 40.0  # at the longest: it homes, measures its bed and wipes its nozzle before the first layer


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks. what: see `break_at`. size: how much of it. part: the heater. within_s: how gradually."""

    what: str
    size: float = 0.0
    part: str = "tool0"
    within_s: float = 0.0


@dataclass(slots=True)
class Trace:
    """A printer's life, step by step: what its own firmware sees. shape (n,) each.

    shown, duty, target: by heater. operation: index into OPERATIONS. fault_at: seconds, None without one.
    """

    shown: dict[str, Array]
    duty: dict[str, Array]
    target: dict[str, Array]
    operation: NDArray[np.int8]
    progress: Array
    z_mm: Array
    fan: Array
    fault_at: float | None = None

    @property
    def hours(self) -> float:
        """How long it is."""
        return self.operation.size * STEP_S / 3600


OPERATIONS = (Operation.IDLE, Operation.PRINTING, Operation.PAUSED)
_IDLE, _PRINTING, _PAUSED = range(3)


@dataclass
class Life:
    """One printer's prints, one after the other; its heaters are as the print before left them."""

    printer: SimulatedPrinter
    draw: Draw
    states: dict[str, Array] = field(default_factory=dict)
    broken: Fault | None = None  # in an earlier print, and not repaired

    def __post_init__(self) -> None:
        self.rest()

    def rest(self) -> None:
        """It stands until everything is cold."""
        self.states = {name: cold(ROOM_DEGC) for name in ("tool0", "bed")}

    def print(self, length_s: float, fault: Fault | None = None, disturbed: bool = True) -> Trace:
        """length_s: from the first layer on. disturbed: by doors, dips, pauses and the like.

        A fault comes in the second quarter of the print, at random, and stays.
        """
        draw, printer = self.draw, self.printer
        most = int((2 * HEATS_S + length_s + COOL_S) / STEP_S)
        bed_at = int(draw.of(2, 6) / STEP_S)
        bed, tool = Course.calm(most, ROOM_DEGC), Course.calm(most, ROOM_DEGC)
        bed.target[bed_at:] = printer.bed_degc
        if self.broken is not None:
            break_at(self.broken, {"bed": bed, "tool0": tool}, None, 0)
        tool_at = _reached(self, "bed", bed, bed_at)
        tool.target[tool_at:] = printer.tool_degc
        begins = _reached(self, "tool0", tool, tool_at) + int(5 / STEP_S)
        ends = begins + int(length_s / STEP_S)
        n = ends + int(COOL_S / STEP_S)
        courses = {"bed": _cut(bed, n), "tool0": _cut(tool, n)}
        for course in courses.values():
            course.target[ends:] = 0.0
        operation = np.full(n, _IDLE, np.int8)
        operation[bed_at:ends] = _PRINTING
        fan = fan_of(printer, draw, n, begins, ends)
        flow = flow_of(draw, n, begins, ends)
        pace = np.zeros(n)
        pace[begins + int(draw.of(0, PREPARES_S) / STEP_S) : ends] = 1.0
        if disturbed:
            self._disturb(courses, operation, pace, begins, ends)
        at = None
        if fault is not None:
            at = begins + int((ends - begins) * (0.25 + 0.25 * draw.chance.random()))
            if fault.what == "fan dead":
                flow_fan = fan.copy()
                flow_fan[at:] = 0.0
            else:
                flow_fan = fan
            break_at(fault, courses, pace, at)
        else:
            flow_fan = fan
        courses["tool0"].extra[:] += printer.fan_share * flow_fan + printer.flow_share * flow
        seed = draw.chance.randrange(2**31)
        shown, duty = {}, {}
        for number, (name, course) in enumerate(courses.items()):
            plant = printer.tool if name == "tool0" else printer.bed
            shown[name], duty[name] = heat(plant, course, self.states[name], seed + number)
        progress, z_mm = self._layers(pace, begins, ends, fault, at)
        target = {name: course.target for name, course in courses.items()}
        if fault is not None:
            self.broken = fault
        return Trace(shown, duty, target, operation, progress, z_mm, fan, None if at is None else at * STEP_S)

    def _disturb(
        self,
        courses: dict[str, Course],
        operation: NDArray[np.int8],
        pace: Array,
        begins: int,
        ends: int,
    ) -> None:
        draw, tool, bed = self.draw, courses["tool0"], courses["bed"]

        def moment() -> int:
            return draw.chance.randrange(begins, ends)

        if draw.happens(0.4):  # a door is opened
            at, lasts, colder = moment(), int(draw.of(20, 300) / STEP_S), draw.of(2, 8)
            for course, more in ((bed, draw.of(0.1, 0.35)), (tool, draw.of(0.05, 0.2))):
                course.extra[at : at + lasts] += more
                course.room[at : at + lasts] -= colder
        if draw.happens(0.3):  # the chamber warms up
            soak = draw.of(5, 20) * np.clip((np.arange(tool.room.size) - begins) * STEP_S / 1800, 0, 1)
            tool.room[:] += soak
            bed.room[:] += soak
        if draw.happens(0.2):  # the mains dip
            at, lasts = moment(), max(1, int(draw.of(0.3, 2.5) / STEP_S))
            tool.power[at : at + lasts] = bed.power[at : at + lasts] = 0.0
        if draw.happens(0.5):  # the second layer is printed at another temperature
            at = begins + int(self.printer.layer_s / STEP_S)
            tool.target[at:ends] += draw.of(-10, 5)
            bed.target[at:ends] -= draw.of(0, 5)
        if draw.happens(0.05):  # a tower of temperatures
            for number, at in enumerate(range(begins + 2400, ends, 2400)):
                tool.target[at:ends] = self.printer.tool_degc - 5.0 * (number % 6)
        if draw.happens(0.1):  # M109 R: it waits until the nozzle has cooled
            at = moment()
            tool.target[at:ends] -= draw.of(10, 30)
            pace[at : at + int(draw.of(10, 60) / STEP_S)] = 0.0
        if draw.happens(0.2):  # the filament is changed
            at, lasts = moment(), int(draw.of(90, 500) / STEP_S)
            until = min(at + lasts, ends)
            operation[at:until] = _PAUSED
            pace[at:until] = 0.0
            if draw.happens(0.4):
                target = tool.target[at]
                tool.target[at : max(at, until - int(60 / STEP_S))] = draw.of(100, 170)
                tool.target[max(at, until - int(60 / STEP_S)) : until] = target
        if draw.happens(0.3):  # one long command
            at = moment()
            pace[at : at + int(draw.of(10, 80) / STEP_S)] = 0.0

    def _layers(
        self, pace: Array, begins: int, ends: int, fault: Fault | None, at: int | None
    ) -> tuple[Array, Array]:
        """How far the print is, and how high; both stand still where its pace is 0."""
        if fault is not None and fault.what == "slow layer" and at is not None:
            pace[at:] /= fault.size
        done = np.cumsum(pace)
        done /= max(float(done[-1]), 1.0)
        total_s = float(pace[begins:ends].sum()) * STEP_S
        count = max(3, int(total_s / self.printer.layer_s))
        lasts = np.array([self.draw.of(0.6, 1.6) for _ in range(count)])
        if self.draw.happens(0.3):  # from a broad foot to a narrow tower
            lasts[count // 2 :] *= self.draw.of(0.5, 1.8)
        ends_at = np.cumsum(lasts) / lasts.sum()
        layer = np.searchsorted(ends_at, done, side="right")
        # A layer of long lines has few bytes, one of small curves many.
        bytes_at = np.cumsum(lasts * np.array([self.draw.of(0.4, 2.0) for _ in range(count)]))
        knots = np.concatenate(([0.0], ends_at)), np.concatenate(([0.0], bytes_at / bytes_at[-1]))
        return np.interp(done, *knots), np.round(0.2 * (layer + 1), 2)


def fan_of(printer: SimulatedPrinter, draw: Draw, n: int, begins: int, ends: int) -> Array:
    """Off for the first layer, then on; for bridges and small layers more or less for a while, for slow
    ones now and then not at all."""
    fan = np.zeros(n)
    at = begins + int(printer.layer_s / STEP_S)
    fan[at:ends] = printer.fan
    for _ in range(draw.chance.randrange(4)):
        start = draw.chance.randrange(at, max(ends, at + 1))
        until = start + int(draw.of(5, 60) / STEP_S)
        fan[start:until] = 0.0 if draw.happens(0.2) else draw.of(0.3, 1.0)
    fan[ends:] = 0.0
    return fan


def flow_of(draw: Draw, n: int, begins: int, ends: int) -> Array:
    """Filament takes heat with it: more for infill, less for small walls; and a part may grow thin."""
    flow = np.zeros(n)
    at = begins
    thins_at = draw.chance.randrange(begins, ends) if draw.happens(0.3) else ends
    thin = draw.of(0.4, 1.2)
    while at < ends:
        lasts = int(draw.of(3, 40) / STEP_S)
        flow[at : min(at + lasts, ends)] = draw.of(0.2, 1.8) * (thin if at >= thins_at else 1.0)
        at += lasts
    return flow


def _reached(life: Life, name: str, course: Course, since: int) -> int:
    """The step at which a heater has reached its target, tried on a copy."""
    plant = life.printer.tool if name == "tool0" else life.printer.bed
    shown, _ = heat(plant, _cut(course, since + int(HEATS_S / STEP_S)), life.states[name].copy(), 1)
    there = np.flatnonzero(shown[since:] >= course.target[since] - 1.0)
    return since + (int(there[0]) if there.size else int(HEATS_S / 3 / STEP_S))


def _cut(course: Course, n: int) -> Course:
    fields = {name: getattr(course, name)[:n].copy() for name in course.__slots__}
    return replace(course, **fields)


def break_at(fault: Fault, courses: dict[str, Course], pace: Array | None, at: int) -> None:
    """From the step `at` on it is broken."""
    course = courses.get(fault.part, courses["tool0"])
    n = course.target.size
    gone_s = np.clip((np.arange(n) - at) * STEP_S, 0, None)
    ramp = np.clip(gone_s / fault.within_s, 0, 1) if fault.within_s else (gone_s > 0).astype(float)
    until = at + int(fault.size / STEP_S)
    match fault.what:
        case "power down":
            course.power[:] *= 1.0 - fault.size / 100 * ramp
        case "sensor off":
            course.offset[:] += fault.size * ramp
        case "sensor drifts":
            course.offset[:] += fault.size * gone_s / 60
        case "sensor frozen":
            course.frozen[at:until] = 1.0
        case "sensor torn":
            course.broken[at:] = fault.size
        case "relay stuck":
            course.stuck[at:] = 1.0
        case "stalled" if pace is not None:
            pace[at:until] = 0.0


def seed_of(*names: object) -> int:
    """The same number for the same names, on every machine."""
    return zlib.crc32(repr(names).encode())
