"""A printer and its print host in memory: virtual time, seeded faults, and a count of every start."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import trio
from msgspec import structs

from farm.domain.file import RemoteFile
from farm.domain.printer import Operation, Temperature
from farm.drivers.base import (
    AnswerLost,
    Capability,
    Identity,
    LoadedFile,
    Loss,
    Outcome,
    OutcomeKind,
    Reading,
)
from farm.errors import NotFound, PrinterUnreachable, Refused

PRINT_S = 600.0
LATEST_START_S = 30.0  # after its answer was lost
LATEST_OF_ALL_S = 300.0  # when everybody has given it up
SLOWEST_COPY_S = 40.0
SLOWEST_ANSWER_S = 90.0  # of a host that reads the file before it answers a start
CHECKSUM = "a1" * 20  # of every file: the shop has one content
GIVE_UP_S = 5.0  # of the transport, when nobody answers
EJECTION = "_eject.gcode"  # what files end with that push a print off
EJECTION_S = 20.0
PRINTS_DEGC = 210.0  # of the nozzle
ROOM_DEGC, WARM_DEGC, COOLS_S = 21.0, 60.0, 400.0  # of the bed; it falls to a third of it in COOLS_S
SEEN_FOR_S = 15.0  # a foreign print that could be seen for so long is to be known


@dataclass(frozen=True, slots=True)
class Faults:
    """How often things go wrong, as chances between 0 and 1 for each request or print."""

    unreachable: float = 0.0
    upload_cut: float = 0.0
    upload_slow: float = 0.0  # it takes nearly as long as it may
    copy_lost: float = 0.0  # it is made, and the answer is lost
    copy_slow: float = 0.0  # it is made in up to SLOWEST_COPY_S, and the answer is lost
    copy_refused: float = 0.0
    delete_lost: float = 0.0  # it is carried out, and the answer is lost
    start_lost_before: float = 0.0  # the command never arrives, and nobody says so
    start_lost_after: float = 0.0  # it is carried out, but the answer is lost
    start_late: float = 0.0  # it is carried out up to LATEST_START_S after its answer was lost
    start_given_up: float = 0.0  # it is carried out up to LATEST_OF_ALL_S after its answer was lost
    start_slow: float = 0.0  # it is carried out and answered after up to SLOWEST_ANSWER_S, unless we leave
    start_refused: float = 0.0
    print_fails: float = 0.0
    stop_lost: float = 0.0
    bug: float = 0.0  # in our own driver: the printer's actor crashes


@dataclass
class Machine:
    """The physical printer and its host: what they do is true whatever the farm believes.

    on_start: told the name of each print that the farm has begun; whether it still waits for it.
    on_delete: told the name of each file that it deletes. sent: told what each command is called when it
    leaves the farm. later: runs an async function beside everything else. wait: lets the time pass that a
    request takes.
    files: names, and for each the ends that the host remembers. growing: until when, for unfinished copies.
    finished: the names of prints that came out well; over: of those whose end the host remembers; seen: of
    foreign ones that could be seen for a while. dirty: whether plastic lies on the plate.
    spoiled: the names of files that were written by two at the same time.
    """

    chance: random.Random
    faults: Faults = Faults()
    print_s: float = PRINT_S
    on_start: Callable[[str], bool] = lambda name: True
    on_delete: Callable[[str], None] = lambda name: None
    sent: Callable[[str], None] = lambda command: None
    later: Callable[..., None] | None = None
    wait: Callable[[float], Awaitable[None]] = trio.sleep
    files: dict[str, list[bool]] = field(default_factory=dict)
    growing: dict[str, float] = field(default_factory=dict)
    copies: int = 0
    uploads: int = 0
    spoiled: set[str] = field(default_factory=set)
    running: str | None = None
    foreign: bool = False
    began_at: float = 0.0
    ends_at: float = 0.0
    starts: dict[str, int] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    paused: bool = False
    dirty: bool = False
    seen: set[str] = field(default_factory=set)
    loss: Loss | None = None
    complaint: str = ""
    stops: int = 0
    heard: list[str] = field(default_factory=list)
    away_until: float = 0.0
    frozen_until: float = 0.0
    boots: int = 0
    bed_target: float | None = 0.0  # after a print; None where it says nothing of a bed
    bed_from: float = ROOM_DEGC
    bed_since: float = 0.0
    cools_s: float = COOLS_S
    nozzle: Callable[[], float] = lambda: 210.0  # what its sensor shows while it prints
    nozzle_target: float = PRINTS_DEGC
    idle_target: float = 0.0
    _seen_since: float | None = None  # of a foreign print

    def grows(self, name: str) -> bool:
        """Whether a copy of this name is not whole yet; the host goes on with it whoever has gone."""
        return self.growing.get(name, 0.0) > trio.current_time()

    def happens(self, chance: float) -> bool:
        return self.chance.random() < chance

    @property
    def frozen(self) -> bool:
        return trio.current_time() < self.frozen_until

    def begin(self, name: str) -> None:
        """Carry out a start that the farm has sent."""
        awaited = self.on_start(name)
        self.starts[name] = self.starts.get(name, 0) + 1
        ejects = name.endswith(EJECTION)
        seconds = EJECTION_S if ejects else self.print_s * self.chance.uniform(0.5, 1.5)
        self._begin(name, seconds)
        self.foreign = not awaited
        self.dirty = self.dirty or (awaited and not ejects)

    def begin_foreign(self, name: str, seconds: float) -> None:
        """Somebody starts a print at the machine."""
        self._begin(name, seconds)
        self.foreign = True

    def _begin(self, name: str, seconds: float) -> None:
        self.running, self.foreign, self.paused = name, False, False
        self._seen_since = None
        self.nozzle_target = PRINTS_DEGC  # as every file sets it at its beginning
        self.began_at = trio.current_time()
        self.ends_at = self.began_at + seconds

    async def begin_later(self, name: str, seconds: float) -> None:
        """Carry out a start that took its time, unless the host forgot it or is busy by then."""
        boots = self.boots
        await trio.sleep(max(seconds, self.frozen_until - trio.current_time()))
        self.advance()
        if self.boots == boots and self.running is None and self.loss is None and name in self.files:
            self.begin(name)

    def advance(self) -> None:
        """Let a print that is over be over."""
        if self.paused:
            self.ends_at = max(self.ends_at, trio.current_time() + 1)
        if self.running is not None and trio.current_time() >= self.ends_at:
            self.end(good=not self.happens(self.faults.print_fails))

    def end(self, *, good: bool) -> None:
        """The print that runs is over, and the host remembers how it ended."""
        if self.running is not None:
            if not self.running.endswith(EJECTION):
                self.bed_from, self.bed_since = WARM_DEGC, trio.current_time()
            elif good:
                self.dirty = False
            if self.running in self.files:
                self.files[self.running].append(good)
                self.over.add(self.running)
            if good and not self.foreign:
                self.finished.add(self.running)
            self.running, self.paused = None, False

    def restart_host(self, away_s: float, loss: Loss | None) -> None:
        """The host falls over and comes back without a memory of the print that ran."""
        self.boots += 1
        self.running, self.paused = None, False
        self.away_until = trio.current_time() + away_s
        self.loss = loss

    def lose(self, loss: Loss, complaint: str = "") -> None:
        """The host loses its printer, and with it the print."""
        self.end(good=False)
        self.loss, self.complaint = loss, complaint

    @property
    def bed_degc(self) -> float:
        """How warm the bed is while nothing prints."""
        passed = trio.current_time() - self.bed_since
        cooled = ROOM_DEGC + (self.bed_from - ROOM_DEGC) * math.exp(-passed / self.cools_s)
        return max(cooled, self.bed_target or 0.0)

    def _bed(self) -> dict[str, Temperature]:
        if self.bed_target is None:
            return {}
        if self.running is not None and not self.running.endswith(EJECTION):
            return {"bed": Temperature(WARM_DEGC, WARM_DEGC)}
        return {"bed": Temperature(self.bed_degc, self.bed_target)}

    def look(self) -> Reading:
        """What the host would say now, were it asked."""
        if self.loss is not None:
            return Reading(False, Operation.UNKNOWN, error=self.complaint, loss=self.loss)
        if self.running is None:
            return Reading(
                True,
                Operation.IDLE,
                temperatures={
                    "tool0": Temperature(max(ROOM_DEGC, self.idle_target), self.idle_target),
                    **self._bed(),
                },
            )
        self._note_seen()
        elapsed_s, left_s = trio.current_time() - self.began_at, self.ends_at - trio.current_time()
        progress = elapsed_s / (elapsed_s + left_s)
        file = LoadedFile(self.running, progress=progress, elapsed_s=elapsed_s, remaining_s=left_s)
        operation = Operation.PAUSED if self.paused else Operation.PRINTING
        warm = {"tool0": Temperature(self.nozzle(), self.nozzle_target), **self._bed()}
        return Reading(True, operation, file=file, temperatures=warm)

    def _note_seen(self) -> None:
        if self.foreign:
            now = trio.current_time()
            self._seen_since = now if self._seen_since is None else self._seen_since
            if now - self._seen_since >= SEEN_FOR_S:
                self.dirty = True
                self.seen.add(self.running or "")


class MachineDriver:
    """Drives a `Machine` as the OctoPrint driver drives an OctoPrint, with its losses."""

    capabilities = frozenset(Capability)

    def __init__(self, machine: Machine, look_every_s: float) -> None:
        self._machine = machine
        self._look_every_s = look_every_s
        self._last: Reading | None = None

    async def _travel(self, command: str = "") -> None:
        machine = self._machine
        if command:
            machine.sent(command)
        await self._machine.wait(machine.chance.uniform(0.001, 0.05))
        if trio.current_time() < machine.away_until:
            await self._machine.wait(min(GIVE_UP_S, machine.away_until - trio.current_time()))
            raise PrinterUnreachable("the simulated host is away")
        machine.advance()
        if machine.happens(machine.faults.bug):
            raise ZeroDivisionError("a planted bug")
        if machine.happens(machine.faults.unreachable):
            raise PrinterUnreachable("the simulated network lost a request")

    async def _need_machine(self, command: str) -> None:
        await self._travel(command)
        if self._machine.loss is not None:
            raise Refused("the simulated host has no printer")
        if self._machine.frozen:  # the host takes it, and the printer never hears of it
            await self._machine.wait(GIVE_UP_S)
            raise AnswerLost("the simulated printer does not answer its host")

    async def identify(self) -> Identity:
        await self._travel()
        return Identity("simulated", "1")

    async def check(self) -> None:
        await self._travel()

    async def status(self) -> Reading:
        await self._travel()
        if self._machine.frozen and self._last is not None:
            return structs.replace(self._last, stale=True, attention="the values stand still")
        self._last = self._machine.look()
        return self._last

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        missed = 0
        while True:
            try:
                tell(await self.status())
                missed = 0
            except PrinterUnreachable:
                missed += 1
                if missed == 3:
                    raise
            await self._machine.wait(self._look_every_s)

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        await self._travel("upload")
        slow_s = size / 25_000 if self._machine.happens(self._machine.faults.upload_slow) else size / 1e6
        await self._machine.wait(slow_s)
        if self._machine.happens(self._machine.faults.upload_cut):
            raise AnswerLost("the simulated upload was cut")
        if self._machine.grows(remote_name):
            self._machine.spoiled.add(remote_name)
        self._machine.files.setdefault(remote_name, [])
        self._machine.uploads += 1
        return self._lies_there(remote_name)

    def _lies_there(self, name: str) -> RemoteFile:
        return RemoteFile(CHECKSUM, str(len(self._machine.files[name])))

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        machine, faults = self._machine, self._machine.faults
        await self._travel("copy")
        if remote_name not in machine.files:
            if source not in machine.files or machine.grows(source):
                raise NotFound(f"no file {source}")
            if checksum != CHECKSUM or machine.happens(faults.copy_refused):
                raise Refused("the simulated host does not copy")
            machine.files[remote_name] = list(machine.files[source])
            machine.copies += 1
            if machine.happens(faults.copy_slow):
                machine.growing[remote_name] = trio.current_time() + machine.chance.uniform(0, SLOWEST_COPY_S)
        if machine.happens(faults.copy_lost):
            raise AnswerLost("the answer was lost")
        while machine.grows(remote_name):
            await self._travel()
            await machine.wait(1)
        machine.growing.pop(remote_name, None)
        return self._lies_there(remote_name)

    async def start(self, remote_name: str) -> None:
        machine, faults = self._machine, self._machine.faults
        await self._travel("eject" if remote_name.endswith(EJECTION) else "start")
        if machine.running is not None or machine.loss is not None or machine.happens(faults.start_refused):
            raise Refused("the simulated printer is busy")
        if remote_name not in machine.files:
            raise NotFound(f"no file {remote_name}")
        if machine.happens(faults.start_lost_before):
            raise AnswerLost("the start was lost")
        if machine.frozen or machine.happens(faults.start_late):
            self._begin_later(remote_name, machine.chance.uniform(0, LATEST_START_S))
            raise AnswerLost("the host took the start, and says nothing more")
        if machine.happens(faults.start_given_up):
            self._begin_later(remote_name, machine.chance.uniform(LATEST_START_S, LATEST_OF_ALL_S))
            raise AnswerLost("the host took the start, and says nothing more")
        if machine.happens(faults.start_slow):
            await self._read_first(remote_name, machine.chance.uniform(0, SLOWEST_ANSWER_S))
        machine.begin(remote_name)
        if machine.happens(faults.start_lost_after):
            raise AnswerLost("the answer was lost")

    async def _read_first(self, remote_name: str, seconds: float) -> None:
        """The host reads the whole file before it begins and answers."""
        machine, ready_at = self._machine, trio.current_time() + seconds
        boots = machine.boots
        try:
            await machine.wait(seconds)
        except trio.Cancelled:  # who asked has gone; the host goes on
            self._begin_later(remote_name, min(ready_at - trio.current_time(), LATEST_START_S))
            raise
        machine.advance()
        if machine.boots != boots:
            raise AnswerLost("the host fell over")
        if machine.running is not None or machine.loss is not None:
            raise Refused("the simulated printer is busy")

    def _begin_later(self, remote_name: str, seconds: float) -> None:
        """Whoever asked may be gone by then: the command is with the host."""
        if self._machine.later is None:
            raise ValueError("this machine has nobody who could begin a print later")
        self._machine.later(self._machine.begin_later, remote_name, seconds)

    async def pause(self) -> None:
        await self._need_machine("pause")
        if self._machine.running is None:
            raise Refused("nothing prints")
        self._machine.paused = True

    async def resume(self) -> None:
        await self._need_machine("resume")
        self._machine.paused = False

    async def cancel(self) -> None:
        await self._need_machine("cancel")
        if self._machine.running is None:
            raise Refused("nothing prints")
        self._machine.end(good=False)

    async def emergency_stop(self) -> None:
        machine = self._machine
        machine.sent("emergency_stop")
        await self._machine.wait(0.01)
        machine.stops += 1
        if machine.happens(machine.faults.stop_lost) or trio.current_time() < machine.away_until:
            raise PrinterUnreachable("the stop was lost")
        if machine.loss is not None:
            raise Refused("the simulated host has no printer")
        machine.lose(Loss.EMERGENCY_STOP, "stopped")

    async def send_gcode(self, lines: Sequence[str]) -> None:
        await self._need_machine("send_gcode")
        self._machine.heard += lines

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        await self.send_gcode([f"{heater} {target_degc:g}"])
        if heater == "bed" and self._machine.bed_target is not None:
            self._machine.bed_target = target_degc
        elif self._machine.running is None:
            self._machine.idle_target = target_degc
        else:
            self._machine.nozzle_target = target_degc

    async def home(self, axes: Sequence[str]) -> None:
        await self.send_gcode(["home " + "".join(axes)])

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        await self.send_gcode([f"jog {x:g} {y:g} {z:g}"])

    async def connect_machine(self) -> None:
        await self._travel("connect_machine")
        self._machine.loss = None

    async def disconnect_machine(self) -> None:
        await self._travel("disconnect_machine")
        self._machine.lose(Loss.CLOSED)

    async def delete(self, remote_name: str) -> None:
        await self._travel("delete")
        machine = self._machine
        if machine.running == remote_name:
            raise Refused("the simulated host keeps what is in use")
        machine.on_delete(remote_name)
        machine.files.pop(remote_name, None)
        if machine.happens(machine.faults.delete_lost):
            raise AnswerLost("the answer was lost")

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        await self._travel()
        machine = self._machine
        ends = machine.files.get(remote_name, [])[int(mark or 0) :]
        if ends:  # the first is ours, others were begun at the machine
            good = ends[0]
            kind, words = (OutcomeKind.FINISHED, "over") if good else (OutcomeKind.FAILED, "spoiled")
            return Outcome(kind, words, still_runs=machine.running == remote_name)
        if machine.running == remote_name:
            return Outcome(OutcomeKind.RUNNING, "printing")
        if remote_name not in machine.files:
            return Outcome(OutcomeKind.UNKNOWN, "the file is gone")
        return Outcome(OutcomeKind.NO_RECORD, "never started")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
