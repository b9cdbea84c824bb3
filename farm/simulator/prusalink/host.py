"""One simulated PrusaLink and its printer as a state machine: files, the job, and what it says of both.

What it does and in which order was recorded from PrusaLink 0.8.1 on an MK3. It looks at its folder once a
second: a file that just came is not there yet, and one that just went still is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from farm.simulator import host
from farm.simulator.host import Host, Json
from farm.simulator.machine import Activity, Happening, Machine, What
from farm.simulator.stamp import stamped

RESCANS_EVERY_S = 1.0
BOOTS_S = 2.0  # the printer's board, when the line to it is opened
SENSES_AFTER_S = 2.0  # from then on it has asked for temperatures
END_SHOWS_S = 11.0  # for a photograph of the print; so long it takes no other
HARDWARE_ISSUE = "Firmware detected a hardware issue"
NO_LINE = "Serial device does not exist"
FOLDER = "gcodes"

StoredFile = host.StoredFile


class State(StrEnum):
    """What the printer does, in PrusaLink's words."""

    IDLE = "IDLE"
    BUSY = "BUSY"
    PRINTING = "PRINTING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    ATTENTION = "ATTENTION"


@dataclass
class Job:
    """The print that is on: when it began, and how long it stood paused."""

    id: int
    file: StoredFile
    began: float
    paused_at: float | None = None
    paused_s: float = 0.0

    def time_s(self, now: float) -> float:
        return (self.paused_at if self.paused_at is not None else now) - self.began - self.paused_s


class PrusaLinkHost(Host):
    """One PrusaLink, as far as it has nothing to do with how one talks to it."""

    kind: ClassVar[str] = "prusalink"

    def __init__(self, machine: Machine, folder: Path, api_key: str, now: float, wall_offset: float) -> None:
        super().__init__(machine, folder, api_key, wall_offset)
        self.files: dict[str, StoredFile] = {}
        self.shown: dict[str, StoredFile] = {}
        """The files as it last saw its folder."""
        self.end_shows_s = END_SHOWS_S
        self.state = State.IDLE
        self.problem = ""
        self.job: Job | None = None
        self._jobs = 0
        self._unattended = False  # the pause that comes is one for want of filament
        self._life = 0  # grows with each opening of the line, each start and each end of a print
        self._scanned = -math.inf
        self._senses_from = now
        self._heat: dict[str, tuple[float, float]] = {}
        machine.reset(now)

    # -- time ----------------------------------------------------------------------------------------

    @property
    def wake_at(self) -> float:
        machine_at = math.inf if self.state in (State.ERROR, State.BUSY) else self.machine.wake_at
        return min(machine_at, self._steps[0][0]) if self._steps else machine_at

    def tick(self, now: float) -> None:
        self._take_steps(now)
        if self.state not in (State.ERROR, State.BUSY):
            for happening in self.machine.tick(now):
                self._happened(happening, now)
        scan = now // RESCANS_EVERY_S
        if scan != self._scanned:
            self._scanned, self.shown = scan, dict(self.files)

    def when_shown(self, name: str, now: float, what: Callable[[float], None]) -> None:
        """Calls `what` once it has seen this file in its folder."""
        if self.shown.get(name) is self.files.get(name):
            what(now)
        else:
            self.later((now // RESCANS_EVERY_S + 1) * RESCANS_EVERY_S, what)

    def _happened(self, happening: Happening, now: float) -> None:
        match happening.what:
            case What.PAUSED:
                self.state = State.ATTENTION if self._unattended else State.PAUSED
                self._unattended = False
                if self.job is not None:
                    self.job.paused_at = now
            case What.FINISHED:
                self._end(State.FINISHED, now)
            case What.CANCELLED:
                self._end(State.STOPPED, now)
            case What.HALTED:
                self._fail(HARDWARE_ISSUE)
            case _:
                pass

    # -- looking -------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        return str(self.state)

    @property
    def readings(self) -> Json:
        """Temperatures and targets; nothing while it has not asked for any."""
        if not self._heat:
            return {}
        (nozzle, target), (bed, bed_target) = self._heat["tool0"], self._heat["bed"]
        return {"temp_nozzle": nozzle, "target_nozzle": target, "temp_bed": bed, "target_bed": bed_target}

    def sense(self, now: float) -> None:
        """Takes a reading of the heaters, unless the printer answers nothing or was not asked yet."""
        if now < self._senses_from:
            self._heat = {}
        elif self.state is not State.ERROR and not self.machine.awol:
            found = self.machine.temperatures(now)
            self._heat = {name: (round(actual, 1), target) for name, (actual, target) in found.items()}
            if self.stamped:
                actual, target = found["tool0"]
                self._heat["tool0"] = (stamped(actual, self.wall(now)), target)

    @property
    def progress(self) -> float:
        """In percent: as the file's own lines say it, else by how much of it has been read."""
        percent, _ = self.machine.told_progress
        if percent is not None:
            return float(percent)
        size = self.job.file.size if self.job is not None else 0
        return float(100 * self.machine.read_bytes // size) if size else 0.0

    @property
    def left_s(self) -> int | None:
        """What the file's own lines say is left; seconds."""
        _, minutes = self.machine.told_progress
        return None if minutes is None else int(60 * minutes)

    # -- files ---------------------------------------------------------------------------------------

    def in_use(self, name: str) -> bool:
        return self.job is not None and self.job.file.name == name

    def store(self, name: str, path: Path, size: int, digest: str, now: float) -> StoredFile:
        """Takes over an uploaded file."""
        old = self.files.get(name)
        if old is not None:
            old.path.unlink(missing_ok=True)
        self.files[name] = StoredFile(name, path, size, digest, int(self.wall(now)))
        self.counted.uploads[name] += 1
        return self.files[name]

    def remove(self, name: str) -> None:
        self.files.pop(name).path.unlink(missing_ok=True)

    # -- printing ------------------------------------------------------------------------------------

    @property
    def last_job(self) -> int | None:
        """The number of the print that is on, or was on last; None before the first."""
        return self._jobs or None

    @property
    def may_start(self) -> bool:
        return self.state is State.IDLE

    def start(self, file: StoredFile, now: float) -> None:
        """Prints a file; the printer has to be idle."""
        self._jobs += 1
        self._life += 1
        self.counted.starts[file.name] += 1
        self.job, self.state = Job(self._jobs, file, now), State.PRINTING
        self.machine.begin(file.path.open("rb"), file.size, now)

    def pause(self) -> None:
        self.machine.pause()

    def resume(self, now: float) -> None:
        if self.machine.activity is not Activity.PAUSED or self.job is None:
            return
        if self.job.paused_at is not None:
            self.job.paused_s += now - self.job.paused_at
            self.job.paused_at = None
        self.machine.resume(now)
        self.state = State.PRINTING

    def cancel(self, now: float) -> None:
        self.machine.cancel(now)

    def _end(self, how: State, now: float) -> None:
        job, self.job, self.state = self.job, None, how
        if job is not None:
            if how is State.FINISHED:
                job.file.successes += 1
                self.counted.finished[job.file.name] += 1
            else:
                job.file.failures += 1
        self._life += 1
        self._in_this_life(now + self.end_shows_s, self._be_idle)

    def _be_idle(self, now: float) -> None:
        self.state = State.IDLE

    def _fail(self, problem: str) -> None:
        self._life += 1
        if self.job is not None:
            self.job.file.failures += 1
        self.job, self.state, self.problem = None, State.ERROR, problem
        self.machine.abandon()

    def _in_this_life(self, when: float, what: Callable[[float], None]) -> None:
        """Calls `what` unless something comes between."""
        life = self._life
        self.later(when, lambda now: what(now) if life == self._life else None)

    # -- what can befall it --------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        if self.state is State.ERROR:
            self._open_line(now)

    def _open_line(self, now: float) -> None:
        """Opening the line resets the board."""
        self._life += 1
        self.machine.reset(now)
        self.job, self.state, self.problem = None, State.BUSY, ""
        self._senses_from = now + BOOTS_S + SENSES_AFTER_S
        self._in_this_life(now + BOOTS_S, self._be_idle)

    def lose_line(self, now: float) -> None:
        self._fail(NO_LINE)

    def break_down(self, now: float) -> None:
        self.machine.halt(now)
        self._fail(HARDWARE_ISSUE)

    def go_awol(self, now: float) -> None:
        """It waits for an answer for ever."""
        self.machine.go_awol(now)
        if math.isfinite(self.gives_up_after_s):
            self._in_this_life(now + self.gives_up_after_s, self._give_up)

    def run_out(self, now: float) -> None:
        if self.state is State.PRINTING:
            self._unattended = True
            self.machine.pause()

    def be_tended(self, now: float) -> None:
        self.resume(now)

    def _give_up(self, now: float) -> None:
        if self.machine.awol:
            self._fail(NO_LINE)

    def restarted(self, now: float) -> None:
        """A print going on is lost without a note; the numbers of jobs go on."""
        self._steps.clear()
        self.machine.abandon()
        self._open_line(now)
