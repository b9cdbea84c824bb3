"""A stand-in for an MK3 on a pseudo terminal, for a real PrusaLink to print on: `python -m tests.peers.mk3`.

It carries out what it is sent: moves take their time, heaters warm up, and every line has exactly one ok,
when the firmware would give it. On standard output it says its port, and then answers the words of `CONTROLS`
that come in on standard input, a JSON object a line. It ends with its input.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import re
import select
import sys
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

FIRMWARE, SERIAL_NUMBER = "3.14.1-8237", "CZPX1234X004XC12345"
PLANNED = 16  # moves that the planner takes in; the next one has its ok when there is room
LONGEST_LINE = 96  # bytes; MAX_CMD_SIZE
BUSY_EVERY_S, HEATING_EVERY_S = 2.0, 1.0
UNHEARD = 32 * 1024  # bytes that wait to be read; more than that, and nobody is there
RESIDENCY_S = 1.0  # at its temperature, before M109 and M190 are over
CONTROLS = ("report", "pause", "resume", "stop", "attention", "attended", "silence", "garble", "halt")
AXES = "XYZE"
JOB_ID_AT = 0x0D05


@dataclass
class Heater:
    """Warms and cools at a steady pace. degc_s: degrees a second."""

    degc_s: float
    actual: float = 22.0
    target: float = 0.0

    def live(self, seconds: float) -> None:
        wanted = max(self.target, 22.0)
        step = min(abs(wanted - self.actual), self.degc_s * seconds)
        self.actual += math.copysign(step, wanted - self.actual)

    def is_there(self) -> bool:
        return abs(self.actual - self.target) < 1


@dataclass
class Move:
    """To a place, in so many seconds that are left."""

    to: dict[str, float]
    seconds: float


@dataclass
class Machine:
    """What the firmware moves and heats. speed: how many times faster than the file says."""

    speed: float
    nozzle: Heater = field(default_factory=lambda: Heater(40.0))
    bed: Heater = field(default_factory=lambda: Heater(30.0))
    place: dict[str, float] = field(default_factory=lambda: dict.fromkeys(AXES, 0.0))
    moves: deque[Move] = field(default_factory=deque)
    held: bool = False
    extruded_mm: float = 0.0  # filament pushed forward and pulled back, in all

    def live(self, seconds: float) -> None:
        self.nozzle.live(seconds)
        self.bed.live(seconds)
        left = 0.0 if self.held else seconds
        while left > 0 and self.moves:
            left = self._move(self.moves[0], left)

    def _move(self, move: Move, seconds: float) -> float:
        share = 1.0 if move.seconds <= seconds else seconds / move.seconds
        before = self.place["E"]
        for axis, to in move.to.items():
            self.place[axis] += (to - self.place[axis]) * share
        self.extruded_mm += self.place["E"] - before
        if share < 1.0:
            move.seconds -= seconds
            return 0.0
        self.moves.popleft()
        return seconds - move.seconds

    def plan(self, to: dict[str, float], come_from: dict[str, float], mm_min: float) -> None:
        way = math.dist([come_from[axis] for axis in "XYZ"], [to[axis] for axis in "XYZ"])
        way = way or abs(to["E"] - come_from["E"])
        self.moves.append(Move(to, way / max(mm_min, 1.0) * 60 / self.speed))


class Firmware:
    """Lines in, lines out. No I/O, no clock: `tick` tells the time."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.out: list[str] = []
        self.silent = False
        self.halted = False
        self.garble = 0  # numbered lines still to be taken for damaged
        self.lines_taken = self.resends = 0
        self._now = 0.0
        self._waiting: deque[str] = deque()
        self._current: Iterator[None] | None = None
        self._said_busy_at = 0.0
        self._number = 0
        self._planned = dict(machine.place)
        self._origin_e = 0.0
        self._relative = self._relative_e = False
        self._feed_mm_min = 1500.0
        self._report_every_s = 2.0  # as a PrusaLink that was killed left it
        self._reported_at = 0.0
        self._attention = False
        self._progress = [-1, -1, -1, -1]
        self._memory = {JOB_ID_AT: bytes(4)}

    # -- coming in -----------------------------------------------------------------------------------

    def receive(self, line: str) -> None:
        """Take a line as it came; what is no command has no ok."""
        line = line.strip()
        if line.startswith(";C32u2_RM"):  # to the chip between USB and printer
            self.out.append(f"Reset mode {'activated' if line.endswith('E') else 'deactivated'}")
        elif line and not line.startswith(";"):
            self._waiting.append(line[:LONGEST_LINE])

    def tick(self, now: float) -> None:
        """Let time pass, and carry out what can be."""
        seconds, self._now = (now - self._now if self._now else 0.0), now
        self.machine.live(seconds)
        if self.halted:
            self._waiting.clear()
            return
        self._autoreport()
        while self._step():
            pass

    def _step(self) -> bool:
        """Go on with a command; whether there may be more to do at once."""
        if self._current is None:
            if not self._waiting:
                return False
            self._current = self._take(self._waiting.popleft())
            self._said_busy_at = self._now
        if next(self._current, self) is self:
            self._current = None
            return True
        if self._now - self._said_busy_at >= BUSY_EVERY_S:
            self.out.append("echo:busy: paused for user" if self._attention else "echo:busy: processing")
            self._said_busy_at = self._now
        return False

    def _take(self, line: str) -> Iterator[None]:
        while self._attention:
            yield
        code = line
        if numbered := re.match(r"N(\d+) ?(.*?)\*(\d+)$", line):
            number, summed = int(numbered[1]), line[: line.rindex("*")]
            wrong = self._what_is_wrong(number, summed, int(numbered[3]))
            if wrong:
                self.resends += 1
                self.out += [f"Error:{wrong}, Last Line: {self._number}", f"Resend: {self._number + 1}", "ok"]
                return
            self._number, code = number, numbered[2].strip()
            self.lines_taken += 1
        words = code.split(";")[0].split()
        if words:
            yield from self._carry_out(words[0], words[1:])
        self.out.append("ok")

    def _what_is_wrong(self, number: int, summed: str, checksum: int) -> str:
        reckoned = 0
        for byte in summed.encode():
            reckoned ^= byte
        if self.garble or reckoned != checksum:
            self.garble = max(0, self.garble - 1)
            return "checksum mismatch"
        return "" if number == self._number + 1 else "Line Number is not Last Line Number+1"

    # -- commands ------------------------------------------------------------------------------------

    def _carry_out(self, name: str, words: list[str]) -> Iterator[None]:
        given = {word[0]: word[1:] for word in words}
        match name:
            case "G0" | "G1":
                yield from self._go(given)
            case "G28":
                yield from self._stand_still()
                self._place_at(dict.fromkeys("XYZ", 0.0))
            case "G4":
                yield from self._stand_still()
                yield from self._pass(float(given.get("P", 0)) / 1000 + float(given.get("S", 0)))
            case "G90" | "G91":
                self._relative = self._relative_e = name == "G91"
            case "M82" | "M83":
                self._relative_e = name == "M83"
            case "G92":
                yield from self._stand_still()
                self._place_at({axis: float(given[axis]) for axis in AXES if axis in given})
            case "M104" | "M140" | "M109" | "M190":
                yield from self._heat(name, float(given.get("S") or given.get("R") or 0))
            case "M400":
                yield from self._stand_still()
            case "M601" | "M602" | "M603":
                self._hold(name)
            case "M73":
                self._set_progress(given)
            case "M110":
                self._number = int(given.get("N") or 0)
            case "M155":
                self._report_every_s = float(given.get("S") or 0)
            case "D3":
                self._remember(given)
            case "M112":
                self.halt("")
            case _:
                self.out += self._answer(name, words)

    def _go(self, given: dict[str, str]) -> Iterator[None]:
        while len(self.machine.moves) >= PLANNED or self.machine.held:
            yield
        self._feed_mm_min = float(given.get("F") or self._feed_mm_min)
        come_from, to = self._planned, dict(self._planned)
        for axis in AXES:
            if axis in given:
                relative = self._relative_e if axis == "E" else self._relative
                to[axis] = float(given[axis]) + (to[axis] if relative else 0.0)
        if to != come_from:
            self.machine.plan(to, come_from, self._feed_mm_min)
            self._planned = to

    def _stand_still(self) -> Iterator[None]:
        while self.machine.moves:
            yield

    def _pass(self, seconds: float) -> Iterator[None]:
        until = self._now + seconds / self.machine.speed
        while self._now < until:
            yield

    def _place_at(self, place: dict[str, float]) -> None:
        self.machine.place.update(place)
        self._planned = dict(self.machine.place)

    def _heat(self, name: str, target: float) -> Iterator[None]:
        heater = self.machine.nozzle if name in ("M104", "M109") else self.machine.bed
        heater.target = target
        if name in ("M104", "M140"):
            return
        there_at, said_at = math.inf, self._now
        while self._now < there_at:
            if not heater.is_there():
                there_at = math.inf
            elif there_at == math.inf:
                there_at = self._now + RESIDENCY_S
            if self._now - said_at >= HEATING_EVERY_S:
                said_at = self._said_busy_at = self._now
                nozzle, bed = self.machine.nozzle.actual, self.machine.bed.actual
                self.out.append(
                    f"T:{nozzle:.1f} E:0 W:?" if name == "M109" else f"T:{nozzle:.1f} E:0 B:{bed:.1f}"
                )
            yield

    def _hold(self, name: str) -> None:
        """Pause, resume and stop, as the firmware tells its host that it does them."""
        machine = self.machine
        if name == "M601":
            machine.held = True
            self.out.append("// action:paused")
        elif name == "M602":
            machine.held = False
            self.out.append("// action:resumed")
        else:
            machine.held = False
            machine.moves.clear()
            self._planned = dict(machine.place)
            machine.nozzle.target = machine.bed.target = 0.0
            self.out.append("// action:cancel")

    def _set_progress(self, given: dict[str, str]) -> None:
        for at, letter in enumerate("PRQS"):
            if letter in given:
                self._progress[at] = int(given[letter])
        normal, normal_min, silent, silent_min = self._progress
        for mode, done, left in (("NORMAL", normal, normal_min), ("SILENT", silent, silent_min)):
            self.out.append(
                f"{mode} MODE: Percent done: {done}; print time remaining in mins: {left}; Change in mins: -1"
            )

    def _remember(self, given: dict[str, str]) -> None:
        """Read or write the memory that outlives a reset; all but the job's number is zero."""
        at = int(given["A"].removeprefix("x"), 16)
        if "X" in given:
            self._memory[at] = bytes.fromhex(given["X"])
            return
        content = self._memory.get(at, bytes(int(given["C"])))
        for offset in range(0, len(content), 16):
            shown = " ".join(f"{byte:02x}" for byte in content[offset : offset + 16])
            self.out.append(f"{at + offset:04x}  {shown}")

    def _answer(self, name: str, words: list[str]) -> list[str]:
        match (name, *words[:1]):
            case ("PRUSA", "Fir"):
                return [FIRMWARE]
            case ("PRUSA", "SN"):
                return [SERIAL_NUMBER]
            case ("M862.1", "Q"):
                return ["0.40"]
            case ("M862.2", "Q"):
                return ["300"]
            case ("M220" | "M221",):
                return ["100%"]
            case ("M27", *_):
                return ["Print saved" if self.machine.held else "Not SD printing"]
            case ("M20", *_):
                return ["Begin file list", "End file list"]
            case ("M21",):
                return ["echo:SD init fail"]
            case ("M420",):
                return ["Mesh bed leveling not active."]
            case ("M105",):
                return [self._temperatures()]
            case ("M114",):
                return [self._position()]
        return []

    # -- going out by itself ---------------------------------------------------------------------------

    def _autoreport(self) -> None:
        if self._report_every_s and self._now - self._reported_at >= self._report_every_s:
            self._reported_at = self._now
            fans = "E0:3300 RPM PRN1:0 RPM E0@:128 PRN1@:0"
            self.out += [self._temperatures(), fans, self._position()]

    def _temperatures(self) -> str:
        noise = 0.1 * math.sin(7 * self._now)  # no sensor stands still
        nozzle, bed = self.machine.nozzle, self.machine.bed
        shown = f"{nozzle.actual + noise:.1f} /{nozzle.target:.1f}"
        warm = f"{bed.actual - noise:.1f} /{bed.target:.1f}"
        return f"T:{shown} B:{warm} T0:{shown} @:0 B@:0 P:25.1 A:31.0"

    def _position(self) -> str:
        x, y, z, e = (self.machine.place[axis] for axis in AXES)
        place = f"X:{x:.2f} Y:{y:.2f} Z:{z:.2f} E:{e:.2f}"
        return f"{place} Count X: {x:.2f} Y:{y:.2f} Z:{z:.2f} E:{e:.2f}"

    # -- by hand ---------------------------------------------------------------------------------------

    def control(self, word: str) -> dict[str, Any]:
        """What somebody does at the printer, or to it; how it stands afterwards."""
        match word:
            case "pause" | "resume":
                self.out.append(f"// action:{word}")
            case "stop":
                self._hold("M603")
            case "attention" | "attended":
                self._attention = word == "attention"
                self._waiting.append("M117")  # something has to wait for the person
            case "silence":
                self.silent = True
            case "garble":
                self.garble += 1
            case "halt":
                self.halt("Error:0: Heaters switched off. MAXTEMP triggered!")
        machine = self.machine
        return {
            "place": {axis: round(value, 3) for axis, value in machine.place.items()},
            "extruded_mm": round(machine.extruded_mm, 3),
            "targets": [machine.nozzle.target, machine.bed.target],
            "moves_left": len(machine.moves),
            "held": machine.held,
            "lines_taken": self.lines_taken,
            "resends": self.resends,
        }

    def halt(self, why: str) -> None:
        """As kill() does: nothing is answered before a reset."""
        self.machine.moves.clear()
        self.machine.nozzle.target = self.machine.bed.target = 0.0
        self.out += [*([why] if why else []), "Error:Printer halted. kill() called!"]
        self.halted = True


class Lines:
    """Whole lines out of what comes in at a descriptor, and whether its other side is gone."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._begun = b""

    def read(self) -> list[str]:
        piece = os.read(self.descriptor, 4096)
        self.ended = not piece
        *whole, self._begun = (self._begun + piece).split(b"\n")
        return [line.decode("ascii", "replace") for line in whole]


def run(firmware: Firmware, port: int, say: Callable[[dict[str, Any]], None]) -> None:
    """Until the input ends."""
    serial, orders, unsent = Lines(port), Lines(sys.stdin.fileno()), b""
    os.set_blocking(port, False)
    while not orders.ended:
        ready, _, _ = select.select([serial.descriptor, orders.descriptor], [], [], 0.01)
        if serial.descriptor in ready:
            for line in serial.read():
                firmware.receive(line)
        if orders.descriptor in ready:
            for word in orders.read():
                say(firmware.control(word))
        firmware.tick(time.monotonic())
        said, firmware.out = firmware.out, []
        if not firmware.silent:
            unsent += "".join(f"{line}\n" for line in said).encode()
        with contextlib.suppress(BlockingIOError):
            unsent = unsent[os.write(port, unsent) :] if unsent else unsent
        if len(unsent) > UNHEARD:
            unsent = b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=1.0, help="times as fast as the file says")
    chosen = parser.parse_args()
    port, other_side = os.openpty()
    tty.setraw(other_side)  # kept open: a printer is there whether or not anybody has opened its port

    def say(what: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    say({"port": os.ttyname(other_side)})
    run(Firmware(Machine(chosen.speed)), port, say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
