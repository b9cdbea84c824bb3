"""One simulated Moonraker with its Klipper as a state machine: files, history, notifications. No sockets.

What it does and in which order was recorded from Moonraker 0.11.0. Klipper tells its state four times a
second; questions about it are answered on that tick too.
"""

from __future__ import annotations

import math
import random
import secrets
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias

import msgspec

from farm.simulator import host
from farm.simulator.host import Host, Json
from farm.simulator.machine import Happening, Machine, What
from farm.simulator.moonraker import klippy as firmware
from farm.simulator.moonraker.history import History
from farm.simulator.moonraker.klippy import Klippy, Printing, Refusal, State
from farm.simulator.moonraker.objects import OBJECTS, exists
from farm.simulator.stamp import stamped

TICK_S = 0.25
STATISTICS_EVERY_S = 1.0
FILES_TOLD_AFTER_S = 0.005
_HISTORY_SAYS = {
    Printing.COMPLETE: "completed",
    Printing.CANCELLED: "cancelled",
    Printing.ERROR: "klippy_shutdown",
}
_LEFT = "klippy_disconnect"

Listener: TypeAlias = Callable[[str, bytes], None]
"""Called with each notification's name and message, as it happens."""


@dataclass
class StoredFile(host.StoredFile):
    """A file as Moonraker keeps it. digest: SHA-256. job_id, print_start: of its last print."""

    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    job_id: str | None = None
    print_start: float | None = None


class MoonrakerHost(Host):
    """One Moonraker, as far as it has nothing to do with how one talks to it."""

    kind: ClassVar[str] = "moonraker"

    def __init__(self, machine: Machine, folder: Path, api_key: str, now: float, wall_offset: float) -> None:
        super().__init__(machine, folder, api_key, wall_offset)
        self.files: dict[str, StoredFile] = {}
        self.listeners: set[Listener] = set()
        self.history = History(self._history_changed)
        self.gives_up_after_s = firmware.COMMUNICATION_LOST_AFTER_S
        self.one_shots: set[str] = set()
        """Tokens that open a connection once."""
        self.known = True
        """Whether Klippy has been there since Moonraker was started: before, its routes do not exist."""
        self.has_filament = True
        self.booted = now
        self._phase = random.Random(machine.seed).random()  # so that a fleet does not tick in step
        self._heat_at = -math.inf
        self._heat: dict[str, tuple[float, float, float]] = {}
        self.now = now
        self._life = 0  # of Klippy: grows with each
        self.klippy = Klippy(machine, self)
        machine.reset(now)
        self.klippy.senses_from = now

    @property
    def root(self) -> str:
        """Where Moonraker says that its G-code files lie; nothing really lies there."""
        return "/home/pi/printer_data/gcodes"

    # -- time ----------------------------------------------------------------------------------------

    @property
    def wake_at(self) -> float:
        machine_at = self.machine.wake_at if self.klippy.state is State.READY else math.inf
        return min(machine_at, self._steps[0][0]) if self._steps else machine_at

    def tick(self, now: float) -> None:
        self.now = now
        self._take_steps(now)
        if self.klippy.state is State.READY:
            self.klippy.let_pass(now)
            for happening in self.machine.tick(now):
                self._happened(happening, now)

    def next_tick(self, now: float, every_s: float = TICK_S) -> float:
        """When Klipper next looks round after `now`; with another period, when that next is due."""
        return (math.floor((now - self._phase) / every_s) + 1) * every_s + self._phase

    def heat(self, now: float) -> dict[str, tuple[float, float, float]]:
        """Of each heater: what its sensor says, its target, its power 0..1. The same until `now` changes."""
        if now != self._heat_at and not self.machine.awol:
            self._heat_at = now
            senses = now >= self.klippy.senses_from
            for name, (actual, target) in self.machine.temperatures(now).items():
                power = min(1.0, max(0.0, (target - actual) / 10 + target / 1000))
                self._heat[name] = (actual if senses else 0.0, target, round(power, 4))
            if self.stamped:
                actual, *rest = self._heat["tool0"]
                self._heat["tool0"] = (stamped(actual, self.wall(now)), *rest)  # type: ignore[assignment]
        return self._heat

    def _happened(self, happening: Happening, now: float) -> None:
        match happening.what:
            case What.PAUSED:
                self.later(now + firmware.PAUSE_SHOWS_AFTER_S, self.klippy.note_paused)
            case What.FINISHED:
                self.klippy.end_print(Printing.COMPLETE, now)
            case What.HALTED:
                self.stop_klippy(firmware.STOPPED_BY_GCODE, now)
            case What.HOMED:
                self.klippy.homed.update("xyz")
            case _:
                self.klippy.version += 1

    # -- looking -------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The state of the print; that of Klippy where it is not ready."""
        return str(self.klippy.stats.state if self.klippy.state is State.READY else self.klippy.state)

    def look(self, wanted: dict[str, list[str] | None], now: float) -> Json:
        """These printer objects, or only some fields of them."""
        found: Json = {}
        for name, fields in wanted.items():
            if not exists(self, name):
                continue
            seen = OBJECTS[name].look(self, now)
            found[name] = seen if fields is None else {key: seen[key] for key in fields if key in seen}
        return found

    def must_have_klippy(self) -> None:
        """Raises Refusal while Klippy is not there."""
        if self.klippy.state is State.DISCONNECTED:
            raise Refusal(503, "Klippy Host not connected")

    def on_tick(self, now: float, reply: firmware.Reply, what: Callable[[float], Any]) -> None:
        """Replies with what there is to say when Klipper next looks round."""
        answered = self.klippy.wait(reply)
        self.later(self.next_tick(now), lambda at: answered(what(at)))

    # -- files ---------------------------------------------------------------------------------------

    def in_use(self, name: str) -> bool:
        return self.klippy.printing and self.klippy.stats.filename == name

    def store(self, name: str, path: Path, size: int, digest: str, now: float) -> Json:
        """Takes over an uploaded file. What Moonraker tells of it."""
        old = self.files.get(name)
        if old is not None:
            old.path.unlink(missing_ok=True)
        self.files[name] = StoredFile(name, path, size, digest, self.wall(now))
        self.counted.uploads[name] += 1
        return self._file_changed("create_file", self.files[name], now)

    def copy(self, file: StoredFile, name: str, now: float) -> Json:
        """Puts a file there once more, with a history of its own."""
        path = file.path.with_name(secrets.token_hex(8))
        shutil.copyfile(file.path, path)
        old = self.files.get(name)
        if old is not None:
            old.path.unlink(missing_ok=True)
        self.files[name] = StoredFile(name, path, file.size, file.digest, file.date)
        self.counted.copies[name] += 1
        return self._file_changed("create_file" if old is None else "modify_file", self.files[name], now)

    def move(self, file: StoredFile, name: str, now: float) -> Json:
        old = self.files.pop(name, None)
        if old is not None:
            old.path.unlink(missing_ok=True)
        source = file.name
        del self.files[source]
        file.name = name
        self.files[name] = file
        return self._file_changed("move_file", file, now, source_item={"path": source, "root": "gcodes"})

    def remove(self, file: StoredFile, now: float) -> Json:
        del self.files[file.name]
        file.path.unlink(missing_ok=True)
        gone = {"path": file.name, "root": "gcodes", "size": 0, "modified": 0, "permissions": ""}
        told = {"item": gone, "action": "delete_file"}
        self._tell_of_files(told, now)
        return told

    def metadata(self, file: StoredFile) -> Json:
        """What a slicer wrote into a file is not read: the farm analyses files itself."""
        return {
            "size": file.size,
            "modified": file.date,
            "uuid": file.uuid,
            "file_processors": [],
            "slicer": "Unknown",
            "slicer_version": "?",
            "gcode_start_byte": 0,
            "gcode_end_byte": file.size,
        }

    def _file_changed(self, action: str, file: StoredFile, now: float, **more: Json) -> Json:
        item = {
            "path": file.name,
            "root": "gcodes",
            "modified": file.date,
            "size": file.size,
            "permissions": "rw",
        }
        told = {"item": item, "action": action, **more}
        self._tell_of_files(told, now)
        return told

    def _tell_of_files(self, told: Json, now: float) -> None:
        self.later(now + FILES_TOLD_AFTER_S, lambda at: self.announce("filelist_changed", told))

    # -- printing ------------------------------------------------------------------------------------

    def run(self, script: str, now: float, reply: firmware.Reply) -> None:
        """Has Klipper run G-code. Raises Refusal while it is not there or not ready."""
        self.must_have_klippy()
        self.klippy.run(script, now, reply)

    def open_to_print(self, name: str) -> tuple[BinaryIO, int]:
        """Moonraker notes the print when Klipper next tells its state."""
        file = self.files[name]
        self.counted.starts[name] += 1
        self.later(self.next_tick(self.now), lambda at: self._note_start(file, at))
        return file.path.open("rb"), file.size

    def _note_start(self, file: StoredFile, now: float) -> None:
        file.print_start = self.wall(now)
        entry = self.history.begin(file.name, self.metadata(file), file.print_start)
        file.job_id = entry["job_id"]

    def print_ended(self, how: Printing) -> None:
        """Klipper is through with a print. The history has it when Klipper next tells its state."""
        figures = self._figures(self.now)
        if how is Printing.COMPLETE:
            name = self.klippy.stats.filename
            self.counted.finished[name] += 1
            if name in self.files:
                self.files[name].successes += 1
        else:
            self._print_failed()
        end = partial(self.history.end, _HISTORY_SAYS[how], figures)
        self.later(self.next_tick(self.now), lambda at: end(self.wall(at)))

    def _print_failed(self) -> None:
        file = self.files.get(self.klippy.stats.filename)
        if file is not None:
            file.failures += 1

    def _figures(self, now: float) -> Json:
        return {
            "total_duration": self.klippy.total_s(now),
            "print_duration": self.klippy.print_s(now),
            "filament_used": self.klippy.filament_mm,
        }

    # -- Klippy's life -------------------------------------------------------------------------------

    def stop_klippy(self, why: str, now: float) -> None:
        """It shuts down at once, whatever it is at."""
        if self.klippy.state is State.READY:
            self.now = now
            self.later(self.next_tick(now), lambda at: self.announce("klippy_shutdown"))
            self.klippy.stop(why, now)

    def restart_klippy(self, now: float) -> None:
        """As after FIRMWARE_RESTART: gone, starting, ready; whoever subscribed has to do so again."""
        self._start_klippy(now)
        self.later(now, self._lose_klippy)  # once that is answered

    def _start_klippy(self, now: float) -> None:
        self._life += 1
        for after_s, what in (
            (firmware.STARTS_AFTER_S, self._klippy_starts),
            (firmware.READY_AFTER_S, self._klippy_ready),
        ):
            self.later(now + after_s, partial(self._in_this_life, self._life, what))

    def _in_this_life(self, life: int, what: Callable[[float], None], now: float) -> None:
        if life == self._life:
            what(now)

    def _lose_klippy(self, now: float) -> None:
        if self.klippy.state is State.DISCONNECTED:
            return
        figures = self._figures(now)
        if self.klippy.printing:
            self._print_failed()
        self.say("// Klipper state: Disconnect")
        self.klippy.leave(now)
        self.announce("klippy_disconnected")
        self.history.end(_LEFT, figures, self.wall(now))

    def _klippy_starts(self, now: float) -> None:
        self.known = True
        self.klippy.start_up(now)

    def _klippy_ready(self, now: float) -> None:
        self.klippy.get_ready(now)
        self.announce("klippy_ready")

    # -- what can befall it --------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        if self.klippy.state is not State.READY:
            self.restart_klippy(now)

    def lose_line(self, now: float) -> None:
        """Klipper's own process ends."""
        self._life += 1
        self._lose_klippy(now)

    def break_down(self, now: float) -> None:
        self.stop_klippy(firmware.RUNAWAY, now)

    def go_awol(self, now: float) -> None:
        if self.klippy.state is State.READY:
            self.machine.go_awol(now)
            self.later(now + self.gives_up_after_s, self._give_up)

    def run_out(self, now: float) -> None:
        if self.klippy.state is State.READY and self.klippy.printing:
            self.has_filament = False
            self.say("// Filament Sensor switch: runout event detected")
            self.klippy.run("PAUSE", now, lambda result: None)

    def be_tended(self, now: float) -> None:
        self.has_filament = True
        if self.klippy.state is State.READY:
            self.klippy.run("RESUME", now, lambda result: None)

    def _give_up(self, now: float) -> None:
        if self.machine.awol:
            self.stop_klippy(firmware.COMMUNICATION_LOST, now)

    def restarted(self, now: float) -> None:
        """A print going on is found broken off; Klippy takes a moment longer than Moonraker."""
        self._steps.clear()
        self.history.break_off()
        self.klippy.leave(now)
        self.known = False
        self.one_shots.clear()
        self._start_klippy(now)

    # -- telling -------------------------------------------------------------------------------------

    def announce(self, name: str, *params: Any) -> None:
        """Tells everybody who listens. name: without `notify_`."""
        if not self.listeners:
            return
        message: Json = {"jsonrpc": "2.0", "method": f"notify_{name}"}
        if params:
            message["params"] = params
        text = msgspec.json.encode(message)
        for listener in list(self.listeners):
            listener(name, text)

    def say(self, line: str) -> None:
        """Klipper says a line in its terminal."""
        self.announce("gcode_response", line)

    def _history_changed(self, action: str, entry: Json) -> None:
        self.announce("history_changed", {"action": action, "job": entry})
