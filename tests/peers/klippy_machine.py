"""The machine below the stand-in for Klipper's host: heaters and motion, G-code line by line.

Written from what Klipper documents, on purpose apart from the farm's own simulator: what the farm says of a
print is held against another's sums.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import trio

ROOM_DEGC = 21.3
LONGEST_STEP_S = 0.05  # of real time; shorter moves are gathered, as a planner does
HOMING_S = 1.0
VOLUME_MM = (300.0, 300.0, 300.0)
HOT_ENOUGH_DEGC = 0.5
FIRST_READING_S = 0.5  # of real time until the sensors have given anything

_WORD = re.compile(r"([A-Z])(-?\d*\.?\d+)")
_NAMED = re.compile(r"(\w+)=(\S+)")
Words = Mapping[str, float]


class GcodeError(Exception):
    """Klipper's words for what it does not do; they may have several lines."""


@dataclass(slots=True)
class Heater:
    """Goes straight towards its target. rate: degrees Celsius a second."""

    rate: float
    target: float = 0.0
    _from: float = ROOM_DEGC
    _since: float = 0.0

    def actual(self, now: float) -> float:
        goal = max(self.target, ROOM_DEGC)
        way = (now - self._since) * self.rate
        return goal if abs(goal - self._from) <= way else self._from + math.copysign(way, goal - self._from)

    def aim(self, target: float, now: float) -> None:
        self._from, self._since, self.target = self.actual(now), now, target


class Machine:
    """Carries lines out one after the other. speed: how many times faster than real time it lives."""

    def __init__(self, speed: float, say: Callable[[str], None]) -> None:
        """say: hears what the console shows."""
        self.speed = speed
        self._say = say
        self._began = trio.current_time()
        self._jitter = random.Random(7)
        self.heaters = {
            "extruder": Heater(20.0),
            "heater_bed": Heater(10.0),
            "heater_generic drybox": Heater(5.0),
        }
        self.position = [0.0, 0.0, 0.0, 0.0]  # as the lines say it, after G92
        self.homed = ""
        self.feed_mm_s = 25.0
        self.filament_mm = 0.0
        self.message = ""
        self.told_progress: float | None = None  # by M73
        self.min_extrude_degc = 0.0
        self._absolute = self._absolute_e = True
        self._saved: dict[str, tuple[bool, bool, float]] = {}
        self._owed_s = 0.0

    @property
    def now(self) -> float:
        """Machine time in seconds."""
        return (trio.current_time() - self._began) * self.speed

    def readings(self) -> dict[str, dict[str, float]]:
        """Temperature and target of each heater; 0 before the sensors have given anything."""
        blind = trio.current_time() - self._began < FIRST_READING_S
        found = {
            name: {
                "temperature": 0.0
                if blind
                else round(heater.actual(self.now) + self._jitter.gauss(0, 0.05), 2),
                "target": heater.target,
            }
            for name, heater in self.heaters.items()
        }
        found["temperature_sensor board"] = {"temperature": 0.0 if blind else 38.5}
        return found

    def cool_down(self) -> None:
        for heater in self.heaters.values():
            heater.aim(0.0, self.now)

    async def run(self, line: str) -> None:
        """One line, as long as it takes. Raises GcodeError."""
        code = line.partition(";")[0].strip()
        name = code.split(None, 1)[0].upper() if code else ""
        if not name:
            return
        done = _COMMANDS.get(name)
        if done is None:
            self._say(f'// Unknown command:"{name}"')
            return
        await done(self, code[len(name) :].strip())

    async def settle(self) -> None:
        """Wait until all that was gathered has been moved."""
        owed, self._owed_s = self._owed_s, 0.0
        await trio.sleep(owed / self.speed)

    async def _take(self, seconds: float) -> None:
        self._owed_s += seconds
        if self._owed_s / self.speed >= LONGEST_STEP_S:
            await self.settle()

    async def _move(self, words: str) -> None:
        given = _words(words)
        if given.get("F"):
            self.feed_mm_s = given["F"] / 60
        place = list(self.position)
        for axis, letter in enumerate("XYZE"):
            if letter in given:
                absolute = self._absolute_e and self._absolute if letter == "E" else self._absolute
                place[axis] = given[letter] if absolute else place[axis] + given[letter]
        self._require_possible(place)
        extruded = place[3] - self.position[3]
        way = math.dist(place[:3], self.position[:3]) or abs(extruded)
        self.position = place
        await self._take(way / self.feed_mm_s)
        self.filament_mm += extruded

    def _require_possible(self, place: list[float]) -> None:
        where = "{:.3f} {:.3f} {:.3f} [{:.3f}]".format(*place)
        for axis, name in enumerate("xyz"):
            if place[axis] == self.position[axis]:
                continue
            if name not in self.homed:
                raise GcodeError(f"Must home axis first: {where}")
            if not 0 <= place[axis] <= VOLUME_MM[axis]:
                raise GcodeError(f"Move out of range: {where}")
        if place[3] > self.position[3] and self.heaters["extruder"].actual(self.now) < self.min_extrude_degc:
            raise GcodeError(
                "Extrude below minimum temp\nSee the 'min_extrude_temp' config option for details"
            )

    async def _home(self, words: str) -> None:
        axes = [name for name in "xyz" if name.upper() in words.upper()] or list("xyz")
        await self._take(HOMING_S)
        await self.settle()
        for name in axes:
            self.position["xyz".index(name)] = 0.0
        self.homed = "".join(name for name in "xyz" if name in self.homed or name in axes)

    async def _dwell(self, words: str) -> None:
        await self._take(_words(words).get("P", 0.0) / 1000)
        await self.settle()

    async def _set_place(self, words: str) -> None:
        for letter, value in _words(words).items():
            if letter in "XYZE":
                self.position["XYZE".index(letter)] = value
        await trio.lowlevel.checkpoint()

    async def _heat(self, name: str, words: str, wait: bool) -> None:
        await self._aim(name, _words(words).get("S", 0.0))
        heater = self.heaters[name]
        while wait and abs(heater.actual(self.now) - max(heater.target, ROOM_DEGC)) > HOT_ENOUGH_DEGC:  # noqa: ASYNC110
            await trio.sleep(LONGEST_STEP_S)

    async def _set_heater(self, words: str) -> None:
        given = {name.upper(): value for name, value in _NAMED.findall(words)}
        name = given.get("HEATER", "")
        known = next((each for each in self.heaters if name in (each, each.split()[-1])), None)
        if known is None:
            raise GcodeError(f"The value '{name}' is not valid for HEATER")
        await self._aim(known, float(given.get("TARGET", "0")))

    async def _aim(self, name: str, degc: float) -> None:
        if not 0 <= degc <= 300:
            raise GcodeError(f"Requested temperature ({degc:.1f}) out of range (0.0:300.0)")
        await self.settle()
        self.heaters[name].aim(degc, self.now)

    async def _save(self, words: str) -> None:
        self._saved[words] = (self._absolute, self._absolute_e, self.feed_mm_s)
        await trio.lowlevel.checkpoint()

    async def _restore(self, words: str) -> None:
        if words not in self._saved:
            raise GcodeError(f"Unknown g-code state: {words.removeprefix('NAME=')}")
        self._absolute, self._absolute_e, self.feed_mm_s = self._saved[words]
        await trio.lowlevel.checkpoint()

    async def _say_progress(self, words: str) -> None:
        percent = _words(words).get("P")
        self.told_progress = None if percent is None else percent / 100
        await trio.lowlevel.checkpoint()

    async def _show(self, words: str) -> None:
        self.message = words
        await trio.lowlevel.checkpoint()

    async def _turn_heaters_off(self, words: str) -> None:
        await self.settle()
        self.cool_down()

    async def _guard_extruder(self, words: str) -> None:
        """Not Klipper's: what its configuration says otherwise."""
        self.min_extrude_degc = _words(words).get("S", 0.0)
        await trio.lowlevel.checkpoint()


def _words(text: str) -> dict[str, float]:
    return {letter: float(value) for letter, value in _WORD.findall(text.upper())}


_Command = Callable[[Machine, str], Awaitable[None]]


def _mode(absolute: bool, axes: bool) -> _Command:
    async def change(machine: Machine, words: str) -> None:
        await trio.lowlevel.checkpoint()
        if axes:
            machine._absolute = absolute
        else:
            machine._absolute_e = absolute

    return change


def _heating(name: str, wait: bool) -> _Command:
    return lambda machine, words: machine._heat(name, words, wait)


async def _nothing(machine: Machine, words: str) -> None:
    await trio.lowlevel.checkpoint()


_COMMANDS: dict[str, _Command] = {
    "G0": Machine._move,
    "G1": Machine._move,
    "G4": Machine._dwell,
    "G28": Machine._home,
    "G90": _mode(absolute=True, axes=True),
    "G91": _mode(absolute=False, axes=True),
    "G92": Machine._set_place,
    "M82": _mode(absolute=True, axes=False),
    "M83": _mode(absolute=False, axes=False),
    "M104": _heating("extruder", wait=False),
    "M109": _heating("extruder", wait=True),
    "M140": _heating("heater_bed", wait=False),
    "M190": _heating("heater_bed", wait=True),
    "M73": Machine._say_progress,
    "M117": Machine._show,
    "SET_HEATER_TEMPERATURE": Machine._set_heater,
    "TURN_OFF_HEATERS": Machine._turn_heaters_off,
    "SAVE_GCODE_STATE": Machine._save,
    "RESTORE_GCODE_STATE": Machine._restore,
    "GUARD_EXTRUDER": Machine._guard_extruder,
    **dict.fromkeys(("G21", "M105", "M106", "M107", "M114", "M84"), _nothing),
}
