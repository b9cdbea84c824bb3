"""One simulated OctoPrint and its printer as a state machine: files, connection, job, events. No sockets.

What it does and in which order was recorded from OctoPrint 1.11.8; tests/simulator holds it against the
record. Times are `now`, seconds of any steady clock; what the API shows as a date is that plus `wall_offset`.
"""

from __future__ import annotations

import math
import secrets
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from farm.simulator import host
from farm.simulator.host import Host, Json
from farm.simulator.machine import Activity, Happening, Machine, What
from farm.simulator.stamp import stamped

VERSION = "1.11.8"
USER = "admin"
PORT, BAUDRATE = "VIRTUAL", 115200
EXTENSIONS = (".gcode", ".gco", ".g")
SAMPLE_S, SAMPLE_HEATING_S = 2.0, 1.0  # how often the firmware reports temperatures, asked once to do so
OPENS_AFTER_S, CONNECTED_AFTER_S = 0.03, 0.5
GIVES_UP_AFTER_S = 180.0  # on a printer that answers nothing: six time-outs of 30 s
SAMPLES_KEPT = 300
MARKINGS_KEPT = 50  # they go out with every push
LINEAR_FROM = 0.3  # of the file: from there on OctoPrint guesses the time left without knowing better
_TIMEOUTS = "Too many consecutive timeouts, printer still connected and alive?"
_RUNAWAY = "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!"
_FAQ = "firmware-thermal-runaway"
_EMERGENCY = "Closing serial port due to emergency stop M112."
_LINE_CUT = "SerialTimeoutException: "
_PICTURED = ("Connecting", "PrinterStateChanged", "FileSelected", "FileDeselected")
_NOWHERE = dict.fromkeys(("y", "x", "t", "e", "f", "z"))


class Link(StrEnum):
    """The line between the print host and its printer."""

    CLOSED = "closed"
    OPENING = "opening"
    CONNECTING = "connecting"
    OPEN = "open"


_LINK_TEXTS = {Link.OPENING: "Opening serial connection", Link.CONNECTING: "Connecting"}
_ACTIVITY_TEXTS = {
    Activity.IDLE: "Operational",
    Activity.RUNNING: "Printing",
    Activity.PAUSING: "Pausing",
    Activity.PAUSED: "Paused",
    Activity.CANCELLING: "Cancelling",
}


@dataclass
class StoredFile(host.StoredFile):
    """A file as OctoPrint keeps it. digest: SHA-1. date: whole seconds. last: how its last print ended."""

    last: Json | None = None
    print_times: list[float] = field(default_factory=list)


@dataclass
class _Job:
    """The print going on: when it began, and how long it stood paused."""

    file: StoredFile
    began: float
    paused_at: float | None = None
    paused_s: float = 0.0

    def time(self, now: float) -> float:
        return (self.paused_at if self.paused_at is not None else now) - self.began - self.paused_s


Listener: TypeAlias = Callable[[str, Json | None], None]
"""Called with each event's type and payload, as it happens."""


class PrintHost(Host):
    """One OctoPrint, as far as it has nothing to do with how one talks to it."""

    def __init__(self, machine: Machine, folder: Path, api_key: str, now: float, wall_offset: float) -> None:
        super().__init__(machine, folder, api_key, wall_offset)
        self.files: dict[str, StoredFile] = {}
        self.listeners: set[Listener] = set()
        self.changes = 0
        """Grows with everything that makes OctoPrint push a picture of this printer."""
        self.version = 0
        """Grows with everything that changes its state, its job or its markings."""
        self.gives_up_after_s = GIVES_UP_AFTER_S
        self._power_on(now)
        self._steps.clear()  # a fleet is there at once; what starts later takes its time
        self._connected(now)

    def _power_on(self, now: float) -> None:
        self.link = Link.CLOSED
        self.error = ""
        self.samples: deque[Json] = deque(maxlen=SAMPLES_KEPT)
        self.sampled = 0
        self.markings: deque[Json] = deque(maxlen=MARKINGS_KEPT)
        self._selected: StoredFile | None = None
        self._ever_selected = False
        self._job: _Job | None = None
        self._printed: StoredFile | None = None  # the file of the print going on, or of the last one
        self._progress = _no_progress()
        self._steps.clear()
        self._next_sample = 0.0
        self._connect_now(now)

    # -- time ----------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        self._take_steps(now)
        if self.link is not Link.OPEN:
            return
        for happening in self.machine.tick(now):
            self._happened(happening, now)
        if self.link is Link.OPEN and now >= self._next_sample:
            self.sample(now)

    @property
    def wake_at(self) -> float:
        machine_at = self.machine.wake_at if self.link is Link.OPEN else math.inf
        return min(machine_at, self._steps[0][0]) if self._steps else machine_at

    def sample(self, now: float) -> None:
        """Takes a reading of the heaters, unless the printer answers nothing."""
        slow = not self.machine.waits_for_heat
        self._next_sample = now + (SAMPLE_S if slow else SAMPLE_HEATING_S)
        if self.machine.awol or self.machine.halted:
            return
        heaters = {
            name: {"actual": actual, "target": target}
            for name, (actual, target) in self.machine.temperatures(now).items()
        }
        if self.stamped:
            heaters["tool0"]["actual"] = stamped(heaters["tool0"]["actual"], self.wall(now))
        heaters["chamber"] = {"actual": None, "target": None}  # type: ignore[dict-item]
        self._keep_sample({"time": int(self.wall(now)), **heaters})

    def _keep_sample(self, sample: Json) -> None:
        self.samples.append(sample)
        self.sampled += 1
        self.changes += 1

    # -- looking -------------------------------------------------------------------------------------

    @property
    def operational(self) -> bool:
        return self.link is Link.OPEN

    @property
    def printing(self) -> bool:
        """Whether a print is going on, paused or ending ones too."""
        return self.operational and self.machine.activity is not Activity.IDLE

    @property
    def quiet(self) -> bool:
        """Whether nothing comes over the line from the printer."""
        return self.link is not Link.OPEN or self.machine.awol or self.machine.halted

    def state(self) -> Json:
        flags = dict.fromkeys(
            (
                "operational",
                "printing",
                "cancelling",
                "pausing",
                "resuming",
                "finishing",
                "closedOrError",
                "error",
                "paused",
                "ready",
                "sdReady",
            ),
            False,
        )
        doing = self.machine.activity
        if self.operational:
            flags["operational"] = flags["sdReady"] = True
            flags["ready"] = doing is Activity.IDLE
            flags["paused"] = doing is Activity.PAUSED
            flags["pausing"] = doing is Activity.PAUSING
            flags["cancelling"] = doing is Activity.CANCELLING
            flags["printing"] = doing in (Activity.RUNNING, Activity.PAUSING, Activity.CANCELLING)
        flags["closedOrError"] = self.link is Link.CLOSED
        return {"text": self.text, "flags": flags, "error": self.error}

    @property
    def text(self) -> str:
        if self.link is Link.OPEN:
            return _ACTIVITY_TEXTS[self.machine.activity]
        if self.link is Link.CLOSED:
            return "Offline after error" if self.error else "Offline"
        return _LINK_TEXTS[self.link]

    def job(self) -> Json:
        """The selected file; OctoPrint shows other fields before the first one was selected."""
        file = self._selected
        chosen: Json = dict.fromkeys(("name", "path", "size", "origin", "date"))
        job: Json = {"file": chosen, "estimatedPrintTime": None, "lastPrintTime": None, "user": None}
        if not self._ever_selected:
            return {**job, "filament": {"length": None, "volume": None}}
        job |= {"averagePrintTime": None, "filament": None}
        chosen["display"] = None
        if file is not None:
            shown = {"name": file.name, "path": file.name, "display": file.name}
            chosen |= {**shown, "size": file.size, "origin": "local", "date": file.date}
            job["user"] = USER
            if file.print_times:
                average = sum(file.print_times) / len(file.print_times)
                job |= {"averagePrintTime": average, "lastPrintTime": file.print_times[-1]}
        return job

    def progress(self, now: float) -> Json:
        if self._job is None:
            return self._progress
        done = self._done()
        time = self._job.time(now)
        left = int(time / done - time) if done >= LINEAR_FROM else None
        return {
            "completion": done * 100,
            "filepos": self.machine.read_bytes,
            "printTime": int(time),
            "printTimeLeft": left,
            "printTimeLeftOrigin": "linear",
        }

    def _done(self) -> float:
        """How much of the file has been sent: 0..1."""
        size = self._job.file.size if self._job is not None else 0
        return self.machine.read_bytes / size if size else 0.0

    def busy_files(self) -> list[Json]:
        return [{"origin": "local", "path": self._printed.name}] if self._printed and self.printing else []

    # -- files ---------------------------------------------------------------------------------------

    def in_use(self, name: str) -> bool:
        return self.printing and self._printed is not None and self._printed.name == name

    def store(self, name: str, path: Path, size: int, digest: str, now: float) -> StoredFile:
        """Takes over an uploaded file; the history of a name goes on while its content is the same."""
        old = self.files.get(name)
        new = StoredFile(name, path, size, digest, int(self.wall(now)))
        if old is not None:
            if old.digest == digest:
                new.successes, new.failures = old.successes, old.failures
                new.last, new.print_times = old.last, old.print_times
            old.path.unlink(missing_ok=True)
        self.files[name] = new
        self.counted.uploads[name] += 1
        self._fire("FileAdded", {**_storage(name), "type": ["machinecode", "gcode"], "operation": "add"})
        self._files_changed()
        return new

    def copy(self, file: StoredFile, name: str) -> StoredFile:
        """Puts a file there once more. It takes its history along, and each goes on with its own."""
        new = replace(file, name=name, path=file.path.with_name(secrets.token_hex(8)))
        new.print_times = list(file.print_times)
        shutil.copyfile(file.path, new.path)
        self.files[name] = new
        self.counted.copies[name] += 1
        self._fire("FileAdded", {**_storage(name), "type": ["machinecode", "gcode"], "operation": "copy"})
        self._files_changed()
        return new

    def remove(self, name: str) -> None:
        if self._selected is not None and self._selected.name == name:
            self._selected = None
            self._fire("FileDeselected", None)
        self.files.pop(name).path.unlink(missing_ok=True)
        self._fire("FileRemoved", {**_storage(name), "type": ["machinecode", "gcode"], "operation": "remove"})
        self._files_changed()

    def uploaded(self, name: str, asked: tuple[bool, bool], effective: tuple[bool, bool]) -> None:
        """Tells of an upload. asked, effective: to select it, to print it."""
        self._fire(
            "Upload",
            {
                "name": name,
                "path": name,
                "target": "local",
                "select": asked[0],
                "print": asked[1],
                "effective_select": effective[0],
                "effective_print": effective[1],
            },
        )

    def _files_changed(self) -> None:
        self._fire("UpdatedFiles", {"type": "printables"})

    # -- printing ------------------------------------------------------------------------------------

    def select(self, file: StoredFile) -> None:
        self._selected, self._ever_selected = file, True
        self._progress = _no_progress()
        self._fire("FileSelected", {**_origin(file), "size": None, **_people()})

    def start(self, now: float) -> None:
        """Prints the selected file; nothing happens where none is selected, as with the real one."""
        file = self._selected
        if file is None or not self.operational or self.printing:
            return
        self.counted.starts[file.name] += 1
        self._job, self._printed = _Job(file, now), file
        self._state_changed("STARTING", "Starting")
        self._fire("PrintStarted", self._payload(file))
        self._mark("print", "Start", now)
        self.machine.begin(file.path.open("rb"), file.size, now)
        self.later(now, self._started)

    def _started(self, now: float) -> None:
        self._state_changed("PRINTING", "Printing")

    def restart(self, now: float) -> None:
        """From the beginning, out of a pause."""
        self.machine.abandon()
        self._job = None
        self.start(now)

    def pause(self, now: float) -> None:
        if self.machine.activity is Activity.RUNNING:
            self.machine.pause()
            self._state_changed("PAUSING", "Pausing")

    def resume(self, now: float) -> None:
        job = self._job
        if self.machine.activity is not Activity.PAUSED or job is None:
            return
        if job.paused_at is not None:
            job.paused_s += now - job.paused_at
            job.paused_at = None
        self.machine.resume(now)
        self._state_changed("RESUMING", "Resuming")
        self._fire("PrintResumed", self._payload(job.file))
        self._mark("resume", "Resume", now)
        self._state_changed("PRINTING", "Printing")

    def cancel(self, now: float) -> None:
        """Ends the print. It is in the history at once; the state shows it when the machine is done."""
        job = self._job
        if job is None or self.machine.activity is Activity.CANCELLING:
            return
        about = self._payload(job.file)
        self._fire("PrintCancelling", about)
        self._state_changed("CANCELLING", "Cancelling")
        where = {"position": _NOWHERE, "fileposition": self.machine.read_bytes}
        about |= {**where, "progress": int(self._done() * 100), "time": job.time(now)}
        self._fire("PrintCancelled", about)
        self._mark("cancel", "Cancel", now)
        self._failed(job, {**about, "reason": "cancelled"}, now)
        self.machine.cancel(now)

    def _failed(self, job: _Job, payload: Json, now: float) -> None:
        job.file.failures += 1
        job.file.last = {"date": self.wall(now), "success": False}
        self._job, self._progress = None, _no_progress()
        self._fire("MetadataStatisticsUpdated", {"storage": "local", "path": job.file.name})
        self._fire("PrintFailed", payload)

    def _happened(self, happening: Happening, now: float) -> None:
        match happening.what:
            case What.PAUSED:
                self._paused(now)
            case What.CANCELLED:
                self._state_changed("OPERATIONAL", "Operational")
            case What.FINISHED:
                self._finished(now)
            case What.HALTED:
                self._halted(now)
            case What.HOMED:
                self._fire("Home", None)
            case What.DWELLED:
                self._fire("Dwelling", None)
            case What.LIFTED:
                self._fire("ZChange", {"new": happening.new_z, "old": happening.old_z})
            case What.TARGETED:
                self.sample(now)

    def _paused(self, now: float) -> None:
        job, machine = self._job, self.machine
        if job is None:
            return
        job.paused_at = now
        x, y, z = machine.position
        place = {"y": y, "x": x, "t": 0, "e": machine.extruded, "f": machine.feed_mm_s * 60, "z": z}
        where = {"position": place, "fileposition": machine.read_bytes, "progress": int(self._done() * 100)}
        self._fire("PrintPaused", {**self._payload(job.file), **where})
        self._mark("pause", "Pause", now)
        self._fire("PositionUpdate", {"reason": "pause", **place})
        self._state_changed("PAUSED", "Paused")

    def _finished(self, now: float) -> None:
        job = self._job
        if job is None:
            return
        time = job.time(now)
        self._job = None
        self._progress = {
            "completion": 100.0,
            "filepos": job.file.size,
            "printTime": int(time),
            "printTimeLeft": 0,
            "printTimeLeftOrigin": None,
        }
        self._state_changed("FINISHING", "Finishing")
        self._mark("done", "Done", now)
        owner = {"size": job.file.size, "owner": USER, "time": time}
        self._fire("PrintDone", {**_origin(job.file), **owner})
        self.counted.finished[job.file.name] += 1
        job.file.successes += 1
        job.file.print_times.append(time)
        job.file.last = {"date": self.wall(now), "printTime": time, "success": True}
        self._state_changed("OPERATIONAL", "Operational")
        self._fire("MetadataStatisticsUpdated", {"storage": "local", "path": job.file.name})

    # -- the line to the printer ---------------------------------------------------------------------

    def connect(self, now: float) -> None:
        """Opens the line, which resets the printer. Nothing happens where it is open."""
        if self.link is Link.CLOSED:
            self._fire("Connecting", None)
            self._connect_now(now)

    def _connect_now(self, now: float) -> None:
        self.link, self.error = Link.OPENING, ""
        self.later(now + OPENS_AFTER_S, self._opened)
        self.later(now + CONNECTED_AFTER_S, self._connected)

    def _opened(self, now: float) -> None:
        self._state_changed("OPEN_SERIAL", "Opening serial connection")
        self.link = Link.CONNECTING
        self._state_changed("CONNECTING", "Connecting")

    def _connected(self, now: float) -> None:
        self.machine.reset(now)
        self.link = Link.OPEN
        self._next_sample = now + SAMPLE_S
        self._state_changed("OPERATIONAL", "Operational")
        self.markings.append({"type": "connected", "label": "Connected", "time": self.wall(now)})
        self._fire("Connected", {"port": PORT, "baudrate": BAUDRATE})
        firmware = {"FIRMWARE_NAME": "Virtual Marlin 1.0", "PROTOCOL_VERSION": "1.0"}
        self._fire("FirmwareData", {"name": firmware["FIRMWARE_NAME"], "data": firmware})
        self._files_changed()

    def disconnect(self, now: float) -> None:
        """A person closes the line."""
        if self.link is not Link.CLOSED:
            self._fire("Disconnecting", None)
            self._close(now)

    def lose_line(self, now: float, error: str = _LINE_CUT) -> None:
        """The line breaks; a print on it fails. What is hot stays hot until somebody connects again."""
        if self.link is not Link.CLOSED:
            self._close(now, error)

    def break_down(self, now: float) -> None:
        """The firmware sees a thermal runaway and kills everything."""
        if self.link is not Link.OPEN:
            return
        self._state_changed("ERROR", "Error")
        about = {"error": _RUNAWAY, "reason": "firmware", "consequence": "emergency"}
        self._fire("Error", {**about, "logs": [f"Recv: Error:{_RUNAWAY}"], "faq": _FAQ})
        self._fire("EStop", None)
        self.machine.halt(now)
        self._close(now, _RUNAWAY)

    def go_awol(self, now: float) -> None:
        """The printer answers nothing more; after three minutes the host gives up."""
        if self.link is Link.OPEN:
            self.machine.go_awol(now)
            self.later(now + self.gives_up_after_s, self._give_up)

    def run_out(self, now: float) -> None:
        self.pause(now)  # its printer asks it to

    def be_tended(self, now: float) -> None:
        self.resume(now)

    def _give_up(self, now: float) -> None:
        if self.machine.awol:
            self.lose_line(now, _TIMEOUTS)

    def _halted(self, now: float) -> None:
        if self.link is Link.OPEN:
            self.counted.stopped_at = self.wall(now)
            self._close(now, _EMERGENCY, emergency=True)

    def _close(self, now: float, error: str = "", emergency: bool = False) -> None:
        job, done = self._job, self._done()
        self.machine.abandon()
        self.link, self.error = Link.CLOSED, error
        self._steps.clear()
        self._files_changed()
        if self._selected is not None:
            self._selected = None
            self._fire("FileDeselected", None)
        self._fire("Disconnected", None)
        self.markings.append({"type": "disconnected", "label": "Disconnected", "time": self.wall(now)})
        self._state_changed("OFFLINE", "Offline")
        self._keep_sample({"time": int(self.wall(now))})
        if emergency:
            self._fire("EStop", None)
        if job is not None:
            about = {**_origin(job.file), "size": job.file.size, "owner": USER, "time": job.time(now)}
            why = {"reason": "error", "error": error, "progress": done}
            self._failed(job, {**about, **why}, now)
        self._progress = _no_progress()

    def restarted(self, now: float) -> None:
        """The print host itself went away and comes back: its files and their history are all it keeps.

        A print going on is lost without a note, for nobody was there to write one.
        """
        self.machine.abandon()
        self._power_on(now)

    # -- inside --------------------------------------------------------------------------------------

    def _fire(self, kind: str, payload: Json | None) -> None:
        self.version += 1
        self.changes += kind in _PICTURED
        for listener in list(self.listeners):
            listener(kind, payload)

    def _state_changed(self, state_id: str, text: str) -> None:
        self._fire("PrinterStateChanged", {"state_id": state_id, "state_string": text})

    def _mark(self, kind: str, label: str, now: float) -> None:
        self.markings.append({"type": kind, "label": label, "time": self.wall(now)})
        self._fire("ChartMarked", {"type": kind, "label": label})

    def _payload(self, file: StoredFile) -> Json:
        return {**_origin(file), "size": file.size, **_people()}


def _no_progress() -> Json:
    return dict.fromkeys(("completion", "filepos", "printTime", "printTimeLeft", "printTimeLeftOrigin"))


def _storage(name: str) -> Json:
    return {"storage": "local", "path": name, "name": name}


def _origin(file: StoredFile) -> Json:
    return {"name": file.name, "path": file.name, "origin": "local"}


def _people() -> Json:
    return {"owner": USER, "user": USER}
