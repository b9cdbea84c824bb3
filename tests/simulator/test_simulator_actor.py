"""The farm's own simulator: its process, its printers, and what becomes of them when it dies."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import psutil
import pytest
import trio

from farm.actors import Address as ActorAddress
from farm.actors import ChildSpec, RestartPolicy, Runtime, Supervisor
from farm.domain.printer import Address, Printer, Simulation
from farm.drivers.base import Identity
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import ActorDown, ActorFailed, Invalid, PrinterUnreachable
from farm.simulator.actor import Simulator
from farm.simulator.driver import SimulatedDriver
from farm.simulator.messages import EndSimulation, Simulate
from farm.simulator.process import fleet_process

SOON_S = 20.0
FAST = Simulation(speed=60.0)


class Owner:
    """Runs the simulator as the farm does, and knows its processes."""

    def __init__(self, supervisor: Supervisor, address: ActorAddress[Any]) -> None:
        self.supervisor = supervisor
        self.address = address

    def processes(self) -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if "simulate" in child.cmdline()]

    def driver(self, printer: str = "sim1", simulation: Simulation = FAST) -> SimulatedDriver:
        wanted = Printer(printer, printer, Address("simulated", "", simulation=simulation))
        return SimulatedDriver(
            wanted, lambda: self.address, OctoPrintDriver, capabilities=OctoPrintDriver.capabilities
        )


@asynccontextmanager
async def owner() -> AsyncIterator[Owner]:
    async with Supervisor(Runtime()).running() as supervisor:
        simulator = Simulator(partial(fleet_process, 0, modest=True))
        spec: ChildSpec[Any] = ChildSpec(
            name="simulator", run=simulator.run, policy=RestartPolicy(first_delay_s=0.01)
        )
        yield Owner(supervisor, await supervisor.start(spec))


async def version(at: Address) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"{at.url}/api/version", headers={"X-Api-Key": at.api_key})).status_code


async def connected(driver: SimulatedDriver) -> Identity | None:
    try:
        return await driver.identify()
    except PrinterUnreachable:
        return None


async def test_one_process_simulates_every_printer_and_only_when_one_is_wanted() -> None:
    async with owner() as mine:
        assert mine.processes() == []
        first = await mine.address.ask(Simulate("sim1", FAST))
        second = await mine.address.ask(Simulate("sim2", Simulation()))
        assert await mine.address.ask(Simulate("sim1", FAST)) == first
        assert [await version(at) for at in (first, second)] == [200, 200]
        assert first.api_key != second.api_key
        (process,) = mine.processes()
        assert {at.laddr.ip for at in process.net_connections()} == {"127.0.0.1"}
    assert not process.is_running()


async def test_another_simulation_is_a_fresh_printer_and_a_removed_one_is_gone() -> None:
    async with owner() as mine:
        before = await mine.address.ask(Simulate("sim1", FAST))
        after = await mine.address.ask(Simulate("sim1", Simulation(faults={"slow_ms": 1})))
        assert after.url != before.url
        await mine.address.tell(EndSimulation("sim1"))
        await mine.address.ask(Simulate("sim2", FAST))
        for gone in (before, after):
            with pytest.raises(httpx.ConnectError):
                await version(gone)


@pytest.mark.skipif(os.name != "posix", reason="niceness and limits of memory are POSIX")
async def test_the_process_leaves_the_processor_to_others_and_has_a_limit_of_memory() -> None:
    async with owner() as mine:
        await mine.address.ask(Simulate("sim1", FAST))
        (process,) = mine.processes()
        assert process.nice() == psutil.Process().nice() + 10
        if hasattr(process, "rlimit"):
            assert process.rlimit(psutil.RLIMIT_AS)[0] == 2_000_000_000
            assert process.memory_info().vms < 1_000_000_000


@pytest.mark.skipif(os.name != "posix", reason="kills the process with a signal")
async def test_a_process_that_dies_is_started_again_and_its_printers_are_found_there() -> None:
    async with owner() as mine:
        driver = mine.driver()
        await driver.identify()
        (process,) = mine.processes()
        process.send_signal(signal.SIGKILL)

        await trio.to_thread.run_sync(process.wait)
        with pytest.raises(PrinterUnreachable):
            await driver.status()
        with trio.fail_after(SOON_S):
            while True:
                if (identity := await connected(driver)) is not None:
                    break
                await trio.sleep(0.05)
        await driver.aclose()

        (again,) = mine.processes()
        assert again.pid != process.pid
        assert (identity.version, identity.name) == ("1.11.8", "simulated printer")


async def test_a_printer_that_was_never_started_is_out_of_reach_not_a_bug() -> None:
    class Away:
        async def ask(self, message: object) -> None:
            await trio.lowlevel.checkpoint()
            raise self.problem

    for problem in (ActorDown("x"), ActorFailed("x")):
        away: Any = Away()
        away.problem = problem
        driver = Owner(Supervisor(Runtime()), away).driver()
        with pytest.raises(PrinterUnreachable, match="started again"):
            await driver.identify()
        with pytest.raises(PrinterUnreachable, match="not been started"):
            await driver.status()
        await driver.aclose()


@pytest.mark.parametrize(
    ("faults", "field"),
    [
        ({"slow_ms": -1}, "connection.faults.slow_ms"),
        ({"manner": "badly"}, "connection.faults.manner"),
        ({"moody": True}, "connection.faults.moody"),
        ({"mishaps": [{"what": "explode", "every_s": 60}]}, "connection.faults.mishaps[0].what"),
        ({"mishaps": [{"what": "restart", "every_s": 0}]}, "connection.faults.mishaps[0].every_s"),
    ],
)
def test_faults_that_cannot_be_had_are_refused_by_name(faults: dict[str, Any], field: str) -> None:
    nobody: Any = None
    with pytest.raises(Invalid) as refusal:
        Owner(nobody, nobody).driver(simulation=Simulation(faults=faults))
    assert refusal.value.field == field
