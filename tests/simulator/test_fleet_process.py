"""The simulator as a process of its own: small, driven like a real print host, and gone with its owner."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import trio

from farm.domain.printer import Operation
from farm.drivers.base import EndKind, OutcomeKind, Reading
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.simulator.process import fleet_process

CHIP = Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode"


async def test_a_sliced_file_prints_to_its_end_behind_the_real_driver() -> None:
    seen: list[Reading] = []
    over = trio.Event()

    def look(reading: Reading) -> None:
        seen.append(reading)
        if reading.ended is not None and reading.operation is Operation.IDLE:
            over.set()

    async with fleet_process(2, speed=20) as fleet, httpx.AsyncClient(trust_env=False) as http:
        driver = OctoPrintDriver(fleet.printers["sim-002"])
        await driver.upload(CHIP, "a1_chip.gcode", CHIP.stat().st_size)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(driver.watch, look)
            await driver.start("a1_chip.gcode")
            with trio.fail_after(10):
                await over.wait()
            nursery.cancel_scope.cancel()
        outcome = await driver.outcome("a1_chip.gcode")
        await driver.aclose()
        told = (await http.get(f"{fleet.control}/printers/sim-002")).json()

    assert seen[-1].ended.kind is EndKind.FINISHED
    assert outcome.kind is OutcomeKind.FINISHED
    assert 0.3 < outcome.printed_s < 1.5  # 10 s of the machine's life
    assert told["starts"] == {"a1_chip.gcode": 1}
    assert told["files"]["a1_chip.gcode"] == {"successes": 1, "failures": 0}
    assert not psutil.pid_exists(fleet.pid)  # gone once it is left


def test_a_fleet_ends_with_its_owner_however_that_ends() -> None:
    owner = (
        "import trio\nfrom farm.simulator.process import fleet_process\n"
        "async def own():\n"
        "    async with fleet_process(1) as fleet:\n"
        "        print(fleet.pid, flush=True)\n"
        "        await trio.sleep_forever()\n"
        "trio.run(own)\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        fleet = psutil.Process(int(process.stdout.readline()))
        process.kill()

    fleet.wait(10)


def test_a_hundred_idle_printers_are_small() -> None:
    command = [sys.executable, "-m", "farm", "simulate", "--printers", "100", "--json", "--until-input-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        fleet = psutil.Process(process.pid)
        before = fleet.cpu_times()
        time.sleep(1)
        after = fleet.cpu_times()
        memory_mb = fleet.memory_info().rss / 1e6
        process.terminate()

    assert len({printer["url"] for printer in told["printers"]}) == 100
    assert len({printer["api_key"] for printer in told["printers"]}) == 100
    assert after.user + after.system - before.user - before.system < 0.1
    assert memory_mb < 80
