"""A whole shop to measure: the farm as users run it and its simulated printers, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import trio

from farm.simulator.process import FleetProcess, fleet_process

STARTS_WITHIN_S, STOPS_WITHIN_S = 60.0, 15.0
ANSWERS_WITHIN_S = 60.0
AT_ONCE = 8  # requests to the farm or to the printers' switches
SETTINGS = {
    "FARM_FILES__MIN_FREE_MB": "0",
    "FARM_QUEUE__PLATE_UNDO_S": "0",
    "FARM_LOG__LEVEL": "error",  # a terminal's speed is not the farm's
    "FARM_LIVE__RATE_LIMIT": "0",  # one subscriber hears everything
}


class Shop:
    """A farm, started and stopped at will on one data folder, and the printers it can be given."""

    def __init__(self, fleet: FleetProcess, folder: Path, http: httpx.AsyncClient) -> None:
        self.fleet = fleet
        self.url = ""
        self.key = ""
        self._folder = folder
        self._http = http
        self._process: trio.Process | None = None

    @property
    def farm(self) -> psutil.Process:
        """The farm's process. Raises ValueError while it is stopped."""
        if self._process is None:
            raise ValueError("the farm is stopped")
        return psutil.Process(self._process.pid)

    async def start(self) -> None:
        """Returns when the farm answers. Raises trio.TooSlowError."""
        command = [sys.executable, "-P", "-m", "farm", "serve", "--data", str(self._folder), "--port", "0"]
        self._process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, env={**os.environ, **SETTINGS}
        )
        told = b""
        with trio.fail_after(STARTS_WITHIN_S):
            while b"\n" not in told:
                told += await self._process.stdout.receive_some()  # type: ignore[union-attr]
        self.url = told.split(b"\n")[0].split()[-1].decode()
        if not self.key:
            await self._set_up()

    async def stop(self) -> None:
        """As a service manager stops it; killed where that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        with trio.move_on_after(STOPS_WITHIN_S, shield=True):
            process.terminate()
            await process.wait()
        if process.returncode is None:
            process.kill()
        with trio.move_on_after(1, shield=True):
            await process.stdout.aclose()  # type: ignore[union-attr]

    async def ask(self, method: str, path: str, **what: Any) -> Any:
        """One request to the farm, and its answer's JSON. Raises httpx.HTTPStatusError."""
        headers = {"X-Api-Key": self.key} if self.key else {}
        answer = await self._http.request(method, self.url + path, headers=headers, **what)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def add(self, printer: str) -> None:
        """Give the farm one of the simulated printers."""
        address = self.fleet.printers[printer]
        connection = {"kind": address.kind, "url": address.url, "api_key": address.api_key}
        await self.ask(
            "POST", "/v1/printers", json={"id": printer, "name": printer, "connection": connection}
        )

    async def take_out(self, printer: str) -> None:
        """The farm no longer has this printer."""
        await self.ask("DELETE", f"/v1/printers/{printer}")

    async def clear_plate(self, printer: str) -> None:
        await self.ask("POST", f"/v1/printers/{printer}/commands", json={"command": "plate_cleared"})

    async def switch(self, printer: str, **faults: Any) -> None:
        """Change how a simulated printer behaves."""
        await self._control("PATCH", printer, faults)

    async def messages(self) -> int:
        """What all simulated printers together have pushed, and answered, so far."""
        answer = await self._http.get(f"{self.fleet.control}/traffic")
        return sum(answer.raise_for_status().json().values())

    async def restart(self, printer: str) -> None:
        """Cut all connections to a simulated print host; it is back at once."""
        await self._control("POST", f"{printer}/do", {"what": "restart", "down_s": 0})

    async def told(self) -> dict[str, dict[str, Any]]:
        """All about each simulated printer, as it knows it itself."""
        answer = await self._http.get(f"{self.fleet.control}/printers")
        return {printer["id"]: printer for printer in answer.raise_for_status().json()["printers"]}

    async def _control(self, method: str, path: str, body: object) -> None:
        answer = await self._http.request(method, f"{self.fleet.control}/printers/{path}", json=body)
        answer.raise_for_status()

    async def _set_up(self) -> None:
        code = (self._folder / "setup-code").read_text("utf-8").strip()
        boss = {"code": code, "username": "boss", "password": "three or four words"}
        token = (await self.ask("POST", "/v1/setup", json=boss))["access_token"]
        answer = await self._http.post(
            f"{self.url}/v1/keys",
            headers={"Authorization": f"Bearer {token}"},
            json={"name": "bench", "scopes": ["admin"]},
        )
        answer.raise_for_status()
        self.key = answer.json()["key"]


@asynccontextmanager
async def open_shop(printers: int | Mapping[str, int]) -> AsyncIterator[Shop]:
    """A shop with so many simulated printers, or so many of each dialect; none is set up in the farm yet."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-", ignore_cleanup_errors=True) as folder:
        async with fleet_process(printers) as fleet, _client() as http:
            shop = Shop(fleet, Path(folder) / "data", http)
            try:
                await shop.start()
                yield shop
            finally:
                await shop.stop()


async def each(names: Sequence[str], do: Callable[[str], Awaitable[None]]) -> None:
    """Does something for every printer, for AT_ONCE of them at the same time."""
    limiter = trio.CapacityLimiter(AT_ONCE)

    async def in_turn(name: str) -> None:
        async with limiter:
            await do(name)

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(in_turn, name)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=ANSWERS_WITHIN_S)
