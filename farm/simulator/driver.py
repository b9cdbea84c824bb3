"""A simulated printer as its actor drives it: by its dialect's real driver, wherever it is at the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import trio

from farm.actors import Address as ActorAddress
from farm.domain import misshapen
from farm.domain.file import RemoteFile
from farm.domain.printer import Address, Printer, Simulation
from farm.drivers.base import Capability, Driver, Identity, Outcome, Reading
from farm.errors import ActorDown, ActorFailed, AskExpired, PrinterUnreachable
from farm.simulator.control import Change
from farm.simulator.messages import Simulate

HANG_UP_WITHIN_S = 1.0


class SimulatedDriver:
    """Has the farm's simulator start the printer, then drives it by what `drive` makes for its address."""

    def __init__(
        self,
        printer: Printer,
        simulator: Callable[[], ActorAddress[Any]],
        drive: Callable[[Address], Driver],
        capabilities: frozenset[Capability],
    ) -> None:
        """capabilities: of the drivers that `drive` makes. Raises Invalid for faults that cannot be had."""
        self.capabilities = capabilities
        self._printer = printer.id
        self._simulation = _checked(printer.address.simulation or Simulation())
        self._simulator = simulator
        self._drive = drive
        self._at: Address | None = None
        self._driver: Driver | None = None

    async def identify(self) -> Identity:
        return await (await self._arrive()).identify()

    async def _arrive(self) -> Driver:
        """The driver for where the printer is simulated, which may have changed."""
        try:
            at = await self._simulator().ask(Simulate(self._printer, self._simulation))
        except (ActorDown, ActorFailed, AskExpired) as problem:
            raise PrinterUnreachable("the farm's simulator is being started again") from problem
        if at != self._at:
            await self.aclose()
            self._at, self._driver = at, self._drive(at)
        return self._there

    async def check(self) -> None:
        await (await self._arrive()).check()

    async def status(self) -> Reading:
        return await self._there.status()

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        await (await self._arrive()).watch(tell)

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        return await self._there.upload(source, remote_name, size)

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        return await self._there.copy(source, remote_name, size, checksum)

    async def start(self, remote_name: str) -> None:
        await self._there.start(remote_name)

    async def pause(self) -> None:
        await self._there.pause()

    async def resume(self) -> None:
        await self._there.resume()

    async def cancel(self) -> None:
        await self._there.cancel()

    async def emergency_stop(self) -> None:
        await self._there.emergency_stop()

    async def send_gcode(self, lines: Sequence[str]) -> None:
        await self._there.send_gcode(lines)

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        await self._there.set_temperature(heater, target_degc)

    async def home(self, axes: Sequence[str]) -> None:
        await self._there.home(axes)

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        await self._there.jog(x, y, z)

    async def connect_machine(self) -> None:
        await self._there.connect_machine()

    async def disconnect_machine(self) -> None:
        await self._there.disconnect_machine()

    async def delete(self, remote_name: str) -> None:
        await self._there.delete(remote_name)

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        return await self._there.outcome(remote_name, mark)

    async def aclose(self) -> None:
        driver, self._driver, self._at = self._driver, None, None
        if driver is None:
            await trio.lowlevel.checkpoint()
        else:
            with trio.move_on_after(HANG_UP_WITHIN_S, shield=True):
                await driver.aclose()

    @property
    def _there(self) -> Driver:
        if self._driver is None:
            raise PrinterUnreachable("the simulated printer has not been started yet")
        return self._driver


class _Connection(msgspec.Struct):
    faults: Change


class _Sent(msgspec.Struct):
    """Where the faults stand in what people send, so that what is wrong is named by its whole way."""

    connection: _Connection


def _checked(simulation: Simulation) -> Simulation:
    sent = {"connection": {"faults": simulation.faults}}
    try:
        msgspec.convert(sent, _Sent)
    except msgspec.ValidationError as error:
        raise misshapen.invalid(error, _Sent, sent) from error
    return simulation
