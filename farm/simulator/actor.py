"""The farm's own simulator: the one owner of the process in which its simulated printers live.

The process is started for the first of them and ends with its owner, however that ends. A printer in it is
then gone as if somebody had switched off its print host, and what becomes of its print follows the rules
for that. Until the farm stops, a process that ends by itself is started again as any actor that crashed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import NoReturn, assert_never

import httpx
import msgspec
import structlog
import trio

from farm.actors import Mailbox, serve
from farm.domain.printer import Address, Simulation
from farm.domain.user import Principal
from farm.errors import PrinterUnreachable
from farm.simulator.messages import EndSimulation, Simulate, SimulatorMessage
from farm.simulator.process import FleetProcess

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_S = 5.0  # the process, at its switches
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the switches speak plain HTTP; the usual one takes 30 ms


class SimulatorEnded(Exception):
    """The process ended although nobody wanted that."""


class Simulator:
    """Starts the process when the first printer is wanted, and tells where each printer is.

    begin: the process, for as long as its block lasts.
    """

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[FleetProcess]]) -> None:
        self._begin = begin

    async def run(self, mailbox: Mailbox[SimulatorMessage]) -> None:
        """Live until the mailbox closes; the process ends then. Raises SimulatorEnded when it did before."""
        self._fleet: FleetProcess | None = None
        self._printers: dict[str, tuple[Simulation, Address]] = {}
        async with AsyncExitStack() as self._held, trio.open_nursery() as self._nursery:
            await serve(mailbox, self._handle)
            self._nursery.cancel_scope.cancel()

    async def _handle(self, message: SimulatorMessage, by: Principal) -> Address | None:
        match message:
            case Simulate(printer, simulation):
                return await self._simulate(printer, simulation)
            case EndSimulation(printer):
                await self._end(printer)
                return None
            case _:
                assert_never(message)

    async def _simulate(self, printer: str, simulation: Simulation) -> Address:
        known = self._printers.get(printer)
        if known is not None and known[0] == simulation:
            await trio.lowlevel.checkpoint()
            return known[1]
        await self._end(printer)
        wish = {
            "id": printer,
            "dialect": simulation.dialect,
            "speed": simulation.speed,
            "faults": simulation.faults,
        }
        told = await self._ask(await self._process(), "POST", "/printers", wish)
        address = Address(simulation.dialect, told["url"], told["api_key"])
        self._printers[printer] = simulation, address
        return address

    async def _end(self, printer: str) -> None:
        if self._fleet is not None and self._printers.pop(printer, None) is not None:
            await self._ask(self._fleet, "DELETE", f"/printers/{printer}")

    async def _process(self) -> FleetProcess:
        if self._fleet is None:
            fleet = await self._held.enter_async_context(self._begin())
            http = httpx.AsyncClient(timeout=ANSWERS_WITHIN_S, trust_env=False, verify=_NO_TLS)
            self._http = await self._held.enter_async_context(http)
            self._fleet = fleet
            self._nursery.start_soon(self._mind, self._fleet)
            log.info("simulator started", pid=self._fleet.pid)
        return self._fleet

    async def _mind(self, fleet: FleetProcess) -> NoReturn:
        code = await fleet.ended()
        raise SimulatorEnded(f"the simulator's process ended with code {code}")

    async def _ask(self, fleet: FleetProcess, method: str, path: str, body: object = None) -> dict[str, str]:
        try:
            answer = await self._http.request(
                method, fleet.control + path, content=msgspec.json.encode(body) if body else None
            )
            answer.raise_for_status()
        except httpx.HTTPError as problem:
            raise PrinterUnreachable(f"The simulator does not do its work: {problem!r}.") from problem
        return dict(answer.json()) if answer.content else {}
