"""A printer and its print host in memory: virtual time, seeded faults, and a count of every start."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import trio

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


@dataclass(frozen=True, slots=True)
class Faults:
    """How often things go wrong, as chances between 0 and 1 for each request or print."""

    unreachable: float = 0.0
    upload_cut: float = 0.0
    start_lost_before: float = 0.0  # the command never arrives, and nobody says so
    start_lost_after: float = 0.0  # it is carried out, but the answer is lost
    start_refused: float = 0.0
    print_fails: float = 0.0
    stop_lost: float = 0.0
    bug: float = 0.0  # in our own driver: the printer's actor crashes


@dataclass
class Machine:
    """The physical printer: what it does is true whatever the farm believes."""

    chance: random.Random
    faults: Faults = Faults()
    on_start: Callable[[str], None] = lambda name: None
    files: set[str] = field(default_factory=set)
    running: str | None = None
    began_at: float = 0.0
    ends_at: float = 0.0
    starts: dict[str, int] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    paused: bool = False
    loss: Loss | None = None
    complaint: str = ""
    stops: int = 0
    heard: list[str] = field(default_factory=list)

    def happens(self, chance: float) -> bool:
        return self.chance.random() < chance

    def begin(self, name: str) -> None:
        self.on_start(name)
        self.starts[name] = self.starts.get(name, 0) + 1
        self.running = name
        self.began_at = trio.current_time()
        self.ends_at = self.began_at + PRINT_S * self.chance.uniform(0.5, 1.5)

    def advance(self) -> None:
        """Let a print that is over be over."""
        if self.paused:
            self.ends_at = max(self.ends_at, trio.current_time() + 1)
        if self.running is not None and trio.current_time() >= self.ends_at:
            self.ended[self.running] = not self.happens(self.faults.print_fails)
            self.running = None


class MachineDriver:
    """Drives a `Machine` as the OctoPrint driver drives an OctoPrint, with its losses."""

    capabilities = frozenset(Capability)

    def __init__(self, machine: Machine, look_every_s: float) -> None:
        self._machine = machine
        self._look_every_s = look_every_s

    async def _travel(self) -> None:
        await trio.sleep(self._machine.chance.uniform(0.001, 0.05))
        self._machine.advance()
        if self._machine.happens(self._machine.faults.bug):
            raise ZeroDivisionError("a planted bug")
        if self._machine.happens(self._machine.faults.unreachable):
            raise PrinterUnreachable("the simulated network lost a request")

    async def connect(self) -> Identity:
        await self._travel()
        return Identity("simulated", "1")

    async def status(self) -> Reading:
        await self._travel()
        machine = self._machine
        if machine.loss is not None:
            return Reading(False, Operation.UNKNOWN, error=machine.complaint, loss=machine.loss)
        if machine.running is None:
            return Reading(True, Operation.IDLE, temperatures={"tool0": Temperature(21.0, 0.0)})
        elapsed_s, left_s = trio.current_time() - machine.began_at, machine.ends_at - trio.current_time()
        progress = elapsed_s / (elapsed_s + left_s)
        file = LoadedFile(machine.running, progress=progress, elapsed_s=elapsed_s, remaining_s=left_s)
        operation = Operation.PAUSED if machine.paused else Operation.PRINTING
        return Reading(True, operation, file=file, temperatures={"tool0": Temperature(210.0, 210.0)})

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
            await trio.sleep(self._look_every_s)

    async def upload(self, source: Path, remote_name: str, size: int) -> None:
        await self._travel()
        await trio.sleep(size / 1e6)
        if self._machine.happens(self._machine.faults.upload_cut):
            raise AnswerLost("the simulated upload was cut")
        self._machine.files.add(remote_name)

    async def start(self, remote_name: str) -> None:
        machine, faults = self._machine, self._machine.faults
        await self._travel()
        if machine.running is not None or machine.happens(faults.start_refused):
            raise Refused("the simulated printer is busy")
        if remote_name not in machine.files:
            raise NotFound(f"no file {remote_name}")
        if machine.happens(faults.start_lost_before):
            raise AnswerLost("the start was lost")
        machine.begin(remote_name)
        if machine.happens(faults.start_lost_after):
            raise AnswerLost("the answer was lost")

    async def pause(self) -> None:
        await self._travel()
        if self._machine.running is None:
            raise Refused("nothing prints")
        self._machine.paused = True

    async def resume(self) -> None:
        await self._travel()
        self._machine.paused = False

    async def cancel(self) -> None:
        await self._travel()
        machine = self._machine
        if machine.running is None:
            raise Refused("nothing prints")
        machine.ended[machine.running] = False
        machine.running, machine.paused = None, False

    async def emergency_stop(self) -> None:
        await trio.sleep(0.01)
        machine = self._machine
        machine.stops += 1
        if machine.happens(machine.faults.stop_lost):
            raise PrinterUnreachable("the stop was lost")
        if machine.running is not None:
            machine.ended[machine.running] = False
            machine.running = None

    async def send_gcode(self, lines: Sequence[str]) -> None:
        await self._travel()
        self._machine.heard += lines

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        await self.send_gcode([f"{heater} {target_degc:g}"])

    async def home(self, axes: Sequence[str]) -> None:
        await self.send_gcode(["home " + "".join(axes)])

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        await self.send_gcode([f"jog {x:g} {y:g} {z:g}"])

    async def connect_machine(self) -> None:
        await self._travel()
        self._machine.loss = None

    async def disconnect_machine(self) -> None:
        await self._travel()
        self._machine.loss = Loss.CLOSED

    async def delete(self, remote_name: str) -> None:
        await self._travel()
        self._machine.files.discard(remote_name)

    async def outcome(self, remote_name: str) -> Outcome:
        await self._travel()
        machine = self._machine
        if machine.running == remote_name:
            return Outcome(OutcomeKind.RUNNING, "printing")
        if remote_name in machine.ended:
            good = machine.ended[remote_name]
            return Outcome(
                OutcomeKind.FINISHED if good else OutcomeKind.FAILED, "over" if good else "spoiled"
            )
        return Outcome(OutcomeKind.NO_RECORD, "never started")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
