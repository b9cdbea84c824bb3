"""Klipper as Moonraker sees it: whether it is there, its queue of G-code, and the print it is at.

Klipper has one queue: what it is told while it heats up waits until it is hot, a pause and a cancel too. Only
the emergency stop does not. Who asked is answered when it is done, by `Reply`, with a result or a `Refusal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO, Protocol, TypeAlias

from farm.simulator.machine import Activity, Machine

MAX_NOZZLE_DEGC, MAX_BED_DEGC = 300.0, 130.0
VOLUME_MM = (250.0, 220.0, 220.0)
PAUSE_SHOWS_AFTER_S = 0.1  # after the answer to it, in the state of the print
STARTS_AFTER_S, READY_AFTER_S = 1.2, 1.75  # of a restart
SENSES_AFTER_S = 0.3  # from ready on; the sensors show 0.0 before
COMMUNICATION_LOST_AFTER_S = 5.0

STARTUP_MESSAGE = (
    "Printer is not ready\nThe klippy host software is attempting to connect.  Please\n"
    "retry in a few moments.\n"
)
_AFTER_SHUTDOWN = (
    '\nOnce the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the firmware, '
    "reload the\nconfig, and restart the host software.\nPrinter is shutdown\n"
)
STOPPED_BY_WEBHOOKS = "Shutdown due to webhooks request"
STOPPED_BY_GCODE = "Shutdown due to M112 command"
RUNAWAY = (
    "Heater heater_bed not heating at expected rate\nSee the 'verify_heater' section in "
    "docs/Config_Reference.md\nfor the parameters that control this check."
)
COMMUNICATION_LOST = "Lost communication with MCU 'mcu'"

_ARGUMENT = re.compile(r"""([A-Za-z_]+)=("[^"]*"|'[^']*'|\S*)""")
_MOVE = re.compile(r"([XYZ])(-?\d{0,9}\.?\d{1,9})")
_HEATERS = {"extruder": "M104", "heater_bed": "M140"}
_LIMITS = {"M104": MAX_NOZZLE_DEGC, "M109": MAX_NOZZLE_DEGC, "M140": MAX_BED_DEGC, "M190": MAX_BED_DEGC}
_G_CODES = "0 1 2 3 4 10 11 17 18 19 20 21 28 90 91 92"
_M_CODES = (
    "18 73 82 83 84 104 105 106 107 109 110 114 115 117 118 140 190 201 203 204 205 220 221 400 486 572 900"
)
_KNOWN_CODES = {f"G{code}" for code in _G_CODES.split()} | {f"M{code}" for code in _M_CODES.split()}


class State(StrEnum):
    """Where Klippy is."""

    DISCONNECTED = "disconnected"
    STARTUP = "startup"
    READY = "ready"
    SHUTDOWN = "shutdown"


class Printing(StrEnum):
    """What `print_stats` calls the state of the print."""

    STANDBY = "standby"
    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    ERROR = "error"


UNDER_WAY = frozenset({Printing.PRINTING, Printing.PAUSED})


class Refusal(Exception):
    """What was asked is not done. code: an HTTP status. words: the truth, on as many lines as it takes."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


Reply: TypeAlias = Callable[[Any], None]
"""Takes the result of a call, or a Refusal, once."""


@dataclass(slots=True)
class PrintStats:
    """The print going on, or the last one. Times are of the clock outside; durations in seconds."""

    state: Printing = Printing.STANDBY
    filename: str = ""
    message: str = ""
    size: int = 0
    began: float = 0.0
    paused_at: float | None = None
    paused_s: float = 0.0
    total_s: float = 0.0  # when it is over
    print_s: float = 0.0  # the same
    before_extruding_s: float | None = None
    fed_at_start: float = 0.0
    fed_mm: float = 0.0  # the same
    file_position: int = 0  # the same


@dataclass(slots=True)
class Command:
    """One line of G-code. arguments: of Klipper's own kind of command, by their names in capitals."""

    name: str
    line: str
    arguments: dict[str, str] = field(default_factory=dict)


def commands(script: str) -> Iterator[Command]:
    """The lines of a script, without comments."""
    for line in script.splitlines():
        code = line.partition(";")[0].strip()
        if code:
            arguments = {name.upper(): value.strip("\"'") for name, value in _ARGUMENT.findall(code)}
            yield Command(code.split()[0].upper(), code, arguments)


class Surroundings(Protocol):
    """What Klipper finds in its computer."""

    def say(self, line: str) -> None:
        """Hears a line of Klipper's terminal."""
        ...

    def open_to_print(self, name: str) -> tuple[BinaryIO, int]:
        """The bytes of a file whose print begins now, and its size. Raises KeyError where there is none."""
        ...

    def print_ended(self, how: Printing) -> None: ...

    def restart_klippy(self, now: float) -> None: ...


class Klippy:
    """One Klipper with its machine."""

    def __init__(self, machine: Machine, around: Surroundings) -> None:
        self.machine = machine
        self.state = State.READY
        self.message = "Printer is ready"
        self.stats = PrintStats()
        self.paused = False
        self.display = ""
        self.homed: set[str] = set()
        self._saved: dict[str, tuple[bool, bool, float]] = {}
        self.senses_from = 0.0
        self.version = 0
        """Grows with everything that changes what its objects show, beside heat, motion and time."""
        self._around = around
        self._waiting: dict[int, Reply] = {}
        self._asked = 0
        self._now = 0.0

    # -- asking --------------------------------------------------------------------------------------

    def wait(self, reply: Reply) -> Reply:
        """Remembers who waits, so that a shutdown or a lost Klippy answers them. The reply to call later."""
        self._asked += 1
        number = self._asked
        self._waiting[number] = reply

        def answered(result: Any) -> None:
            if self._waiting.pop(number, None) is not None:
                reply(result)

        return answered

    def run(self, script: str, now: float, reply: Reply) -> None:
        """Runs G-code in its turn, and replies when it is through or one line is refused."""
        if script.strip().upper() in ("RESTART", "FIRMWARE_RESTART"):
            self._around.restart_klippy(now)
            reply("ok")
            return
        if self.state is not State.READY:
            raise Refusal(400, self.message)
        self._now = now
        answered = self.wait(reply)
        refused = False

        def one(command: Command) -> bytes | None:
            nonlocal refused
            try:
                return None if refused else self._obey(command)
            except Refusal as refusal:
                refused = True
                self._around.say(f"!! {refusal.words}")
                answered(refusal)
                return None

        for command in commands(script):
            self._queue(partial(one, command), now)
        self._queue(lambda: answered("ok"), now)

    def _queue(self, what: Callable[[], bytes | None], now: float) -> None:
        if not self.machine.then(what, now):
            raise Refusal(400, "Too much G-code waits")

    def _obey(self, command: Command) -> bytes | None:
        """Carries out what is Klipper's own; the line that is left to the machine."""
        own = _OWN.get(command.name)
        if own is not None:
            return own(self, command)
        if command.name not in _KNOWN_CODES:
            self._around.say(f'// Unknown command:"{command.name}"')
            return None
        if command.name in _LIMITS:
            _check_target(command)
        elif command.name in ("G0", "G1"):
            self._check_move(command)
        return command.line.encode()

    def _check_move(self, command: Command) -> None:
        """Whether it may move there. Only what comes by hand is looked at: files were sliced for it."""
        relative, place = self.machine.modes[0], dict(zip("XYZ", self.machine.position, strict=True))
        words = {axis: float(by) for axis, by in _MOVE.findall(command.line.upper())}
        for axis, by in words.items():
            place[axis] = place[axis] + by if relative else by
        where = "{X:.3f} {Y:.3f} {Z:.3f}".format(**place) + f" [{self.machine.extruded:.3f}]"
        for axis in words:
            if axis.lower() not in self.homed:
                raise Refusal(400, f"Must home axis first: {where}")
            if not 0 <= place[axis] <= VOLUME_MM["XYZ".index(axis)]:
                raise Refusal(400, f"Move out of range: {where}")

    # -- printing ------------------------------------------------------------------------------------

    def _start(self, command: Command) -> None:
        name = command.arguments.get("FILENAME", "").lstrip("/")
        if self.machine.activity is not Activity.IDLE:
            raise Refusal(400, "SD busy")
        try:
            file, size = self._around.open_to_print(name)
        except KeyError:
            raise Refusal(400, "Unable to open file") from None
        self.machine.begin(file, size, self._now)
        self.stats = PrintStats(
            Printing.PRINTING, name, "", size, began=self._now, fed_at_start=self.machine.fed_mm
        )
        self.paused = False
        self.version += 1
        self._around.say(f"File opened:{name} Size:{size}")

    def _pause(self, command: Command) -> None:
        if self.paused or self.stats.state is not Printing.PRINTING:
            self._around.say("// Print already paused")
        self.machine.pause()
        self.paused = True
        self.version += 1

    def _resume(self, command: Command) -> None:
        if not self.paused:
            self._around.say("// Print is not paused, resume aborted")
            return
        self.paused = False
        self.version += 1
        if self.printing:
            if self.stats.paused_at is not None:
                self.stats.paused_s += self._now - self.stats.paused_at
                self.stats.paused_at = None
            self.machine.resume(self._now)
            self.stats.state = Printing.PRINTING

    def _cancel(self, command: Command) -> None:
        self.paused = False
        self.version += 1
        if self.printing:
            self.end_print(Printing.CANCELLED, self._now)
            self.machine.cancel(self._now)

    def note_paused(self, now: float) -> None:
        """The machine stands still since a moment."""
        if self.paused and self.stats.state is Printing.PRINTING:
            self.stats.state, self.stats.paused_at = Printing.PAUSED, now
            self.version += 1

    def end_print(self, how: Printing, now: float, why: str = "") -> None:
        stats = self.stats
        stats.total_s, stats.print_s, stats.fed_mm = self.total_s(now), self.print_s(now), self.filament_mm
        stats.file_position = 0 if how is Printing.CANCELLED else self.machine.read_bytes or stats.size
        if how is Printing.CANCELLED:
            stats.size = 0
        stats.state, stats.message, self.paused = how, why, False
        self.version += 1
        if how is Printing.COMPLETE:
            self._around.say("Done printing file")
        self._around.print_ended(how)

    @property
    def printing(self) -> bool:
        """Whether a print is under way, paused ones too."""
        return self.stats.state in UNDER_WAY

    def total_s(self, now: float) -> float:
        """How long the print takes, or took, pauses too."""
        return max(0.0, now - self.stats.began) if self.printing else self.stats.total_s

    def print_s(self, now: float) -> float:
        """The same without pauses, and from the first extrusion on."""
        stats = self.stats
        if not self.printing:
            return stats.print_s
        paused = stats.paused_s + (0.0 if stats.paused_at is None else now - stats.paused_at)
        if stats.before_extruding_s is None:
            if not self.filament_mm:
                return 0.0
            stats.before_extruding_s = self.total_s(now) - paused
        return max(0.0, self.total_s(now) - paused - stats.before_extruding_s)

    @property
    def filament_mm(self) -> float:
        stats = self.stats
        return self.machine.fed_mm - stats.fed_at_start if self.printing else stats.fed_mm

    # -- its life ------------------------------------------------------------------------------------

    def let_pass(self, now: float) -> None:
        """The moment that what comes next belongs to."""
        self._now = now

    def stop(self, why: str, now: float) -> None:
        """It shuts down: no heat, no motion, until its firmware is restarted."""
        if self.state is not State.READY:
            return
        self.state, self.message = State.SHUTDOWN, why + _AFTER_SHUTDOWN
        if self.printing:
            self.end_print(Printing.ERROR, now, self.message)
        self.machine.halt(now)
        self.machine.abandon()
        self.version += 1
        self._around.say(f"!! {self.message}")
        self._answer_all(Refusal(400, self.message))

    def leave(self, now: float) -> None:
        """Its process ends: the print is lost, what is hot stays hot until it starts again."""
        self.state, self.message = State.DISCONNECTED, "Klippy Disconnected"
        self.machine.abandon()
        self.stats, self.paused = PrintStats(), False
        self.version += 1
        self._answer_all(Refusal(503, "Klippy Disconnected"))

    def start_up(self, now: float) -> None:
        """Its process is there again; the board was reset."""
        self.state, self.message = State.STARTUP, STARTUP_MESSAGE
        self.machine.reset(now)
        self.stats, self.paused, self.display = PrintStats(), False, ""
        self.homed.clear()
        self._saved.clear()
        self.version += 1

    def get_ready(self, now: float) -> None:
        self.state, self.message = State.READY, "Printer is ready"
        self.senses_from = now + SENSES_AFTER_S
        self.version += 1

    def _answer_all(self, refusal: Refusal) -> None:
        waiting, self._waiting = self._waiting, {}
        for reply in waiting.values():
            reply(refusal)

    # -- its own commands ----------------------------------------------------------------------------

    def _heat(self, command: Command) -> bytes:
        heater = command.arguments.get("HEATER", "")
        code = _HEATERS.get(heater)
        if code is None:
            raise Refusal(400, f"The value '{heater}' is not valid for HEATER")
        target = command.arguments.get("TARGET", "0")
        line = Command(code, f"{code} S{target}")
        _check_target(line)
        return line.line.encode()

    def _cool(self, command: Command) -> None:
        for code in _HEATERS.values():
            self.machine.order(f"{code} S0".encode(), self._now)

    def _save(self, command: Command) -> None:
        self._saved[command.arguments.get("NAME", "default")] = self.machine.modes

    def _restore(self, command: Command) -> None:
        name = command.arguments.get("NAME", "default")
        if name not in self._saved:
            raise Refusal(400, f"Unknown g-code state: {name}")
        self.machine.modes = self._saved[name]

    def _show(self, command: Command) -> None:
        self.display = command.line.partition(" ")[2]
        self.version += 1

    def _report(self, command: Command) -> None:
        heat = self.machine.temperatures(self._now)
        (bed, bed_target), (nozzle, target) = heat["bed"], heat["tool0"]
        self._around.say(f"B:{bed:.1f} /{bed_target:.1f} T0:{nozzle:.1f} /{target:.1f}")

    def _locate(self, command: Command) -> None:
        x, y, z = self.machine.position
        self._around.say(f"X:{x:.3f} Y:{y:.3f} Z:{z:.3f} E:{self.machine.extruded:.3f}")

    def _halt(self, command: Command) -> None:
        self.stop(STOPPED_BY_GCODE, self._now)

    def _nothing(self, command: Command) -> None:
        pass


def _check_target(command: Command) -> None:
    found = re.search(r"\bS(-?[\d.]+)", command.line)
    tool = re.search(r"\bT(\d+)", command.line)
    try:
        target = float(found[1]) if found else 0.0
    except ValueError:
        raise Refusal(
            400, f"Error on '{command.line}': unable to parse {found[1] if found else ''}"
        ) from None
    if tool is not None and int(tool[1]) > 0 and target > 0:
        raise Refusal(400, "Extruder not configured")
    most = _LIMITS[command.name]
    if not 0 <= target <= most:
        raise Refusal(400, f"Requested temperature ({target:.1f}) out of range (0.0:{most:.1f})")


_OWN: dict[str, Callable[[Klippy, Command], bytes | None]] = {
    "SDCARD_PRINT_FILE": Klippy._start,
    "PAUSE": Klippy._pause,
    "RESUME": Klippy._resume,
    "CANCEL_PRINT": Klippy._cancel,
    "SET_HEATER_TEMPERATURE": Klippy._heat,
    "TURN_OFF_HEATERS": Klippy._cool,
    "M117": Klippy._show,
    "M105": Klippy._report,
    "M114": Klippy._locate,
    "M112": Klippy._halt,
    "CLEAR_PAUSE": Klippy._nothing,
    "SAVE_GCODE_STATE": Klippy._save,
    "RESTORE_GCODE_STATE": Klippy._restore,
    "STATUS": Klippy._nothing,
    "RESPOND": Klippy._nothing,
}
"""The commands that Klipper carries out itself; G and M codes else go to the machine as they are."""
