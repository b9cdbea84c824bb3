"""A driver behind a circuit breaker: what the breaker refuses never reaches the printer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from farm.domain.file import RemoteFile
from farm.drivers.base import Capability, Driver, Identity, Outcome, Reading
from farm.printers.breaker import CircuitBreaker


class GuardedDriver:
    """See `base.Driver`. An emergency stop passes whatever was before, and looking is the link's business."""

    def __init__(self, driver: Driver, breaker: CircuitBreaker) -> None:
        self._driver = driver
        self._breaker = breaker

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._driver.capabilities

    async def identify(self) -> Identity:
        return await self._driver.identify()

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        await self._driver.watch(tell)

    async def emergency_stop(self) -> None:
        await self._driver.emergency_stop()

    async def aclose(self) -> None:
        await self._driver.aclose()

    async def check(self) -> None:
        with self._breaker.request():
            await self._driver.check()

    async def status(self) -> Reading:
        with self._breaker.request():
            return await self._driver.status()

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        with self._breaker.request():
            return await self._driver.upload(source, remote_name, size)

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        with self._breaker.request():
            return await self._driver.copy(source, remote_name, size, checksum)

    async def start(self, remote_name: str) -> None:
        with self._breaker.request():
            await self._driver.start(remote_name)

    async def pause(self) -> None:
        with self._breaker.request(urgent=True):
            await self._driver.pause()

    async def resume(self) -> None:
        with self._breaker.request():
            await self._driver.resume()

    async def cancel(self) -> None:
        with self._breaker.request(urgent=True):
            await self._driver.cancel()

    async def send_gcode(self, lines: Sequence[str]) -> None:
        with self._breaker.request():
            await self._driver.send_gcode(lines)

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        with self._breaker.request():
            await self._driver.set_temperature(heater, target_degc)

    async def home(self, axes: Sequence[str]) -> None:
        with self._breaker.request():
            await self._driver.home(axes)

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        with self._breaker.request():
            await self._driver.jog(x, y, z)

    async def connect_machine(self) -> None:
        with self._breaker.request():
            await self._driver.connect_machine()

    async def disconnect_machine(self) -> None:
        with self._breaker.request():
            await self._driver.disconnect_machine()

    async def delete(self, remote_name: str) -> None:
        with self._breaker.request():
            await self._driver.delete(remote_name)

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        with self._breaker.request():
            return await self._driver.outcome(remote_name, mark)
