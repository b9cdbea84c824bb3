"""Every fault of the table, made to happen at a real OctoPrint in the middle of a print."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from farm.domain.printer import Operation
from farm.drivers.base import OutcomeKind, Reading
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.drivers.websocket import Vigilance
from farm.errors import PrinterUnreachable
from tests.drivers.contract import AT_ONCE_S, Watch, arrange, is_doing, outcome_of, put
from tests.drivers.octoprint.faults import FAULTS, RESTARTED, Shown
from tests.drivers.octoprint.octoprint_bench import OctoPrintBench
from tests.peers.octoprint import OctoPrint

pytestmark = [pytest.mark.octoprint, pytest.mark.long]

IMPATIENT = Vigilance(silence_s=1.0, stale_s=4.0)  # a fifth of the real time, and still no false alarm


@pytest.fixture
async def driver(octoprint: OctoPrint):
    driver = OctoPrintBench(octoprint, IMPATIENT).driver()
    yield driver
    await driver.aclose()


async def a_print(driver: OctoPrintDriver, folder: Path, nursery: trio.Nursery) -> tuple[str, Watch]:
    """A print that goes on, and somebody who looks at it."""
    watch = Watch()
    nursery.start_soon(watch.run, driver)
    name = await put(driver, folder, OctoPrintBench.long)
    await driver.start(name)
    await watch.until(lambda now: now.operation is Operation.PRINTING and now.file and now.file.progress)
    return name, watch


async def happen(fault: str, octoprint: OctoPrint, driver: OctoPrintDriver) -> None:
    match fault:
        case "disconnect":
            await driver.disconnect_machine()
        case "M112":
            await driver.emergency_stop()
        case _:
            await arrange(octoprint.debug, fault)


def is_shown(shown: Shown, reading: Reading) -> bool:
    ended = reading.ended.kind if reading.ended else None
    return (reading.machine_connected, reading.operation, reading.loss, ended, reading.stale) == (
        shown.connected,
        shown.operation,
        shown.loss,
        shown.ended,
        shown.stale,
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_shows_as_the_table_says(
    fault: str, octoprint: OctoPrint, driver: OctoPrintDriver, tmp_path: Path, nursery: trio.Nursery
) -> None:
    shown = FAULTS[fault]
    name, watch = await a_print(driver, tmp_path, nursery)
    assert not any(reading.stale for reading in watch.readings)

    await happen(fault, octoprint, driver)

    reading = await watch.until(
        lambda now: is_shown(shown, now), within_s=AT_ONCE_S + (IMPATIENT.stale_s if shown.stale else 0)
    )
    assert shown.words in (reading.attention if shown.stale else reading.error)
    if shown.outcome is OutcomeKind.RUNNING:
        assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING
    else:
        assert await outcome_of(driver, name) is shown.outcome
    if shown.stale:  # only this ends a machine that does not listen
        await driver.emergency_stop()
        await watch.until(lambda now: not now.machine_connected)
    if shown.comes_back:
        await driver.connect_machine()
        await watch.until(is_doing(Operation.IDLE))


async def test_a_print_host_stopped_in_good_order_remembers_nothing_of_its_print_either(
    octoprint: OctoPrint, driver: OctoPrintDriver, tmp_path: Path, nursery: trio.Nursery
) -> None:
    name, watch = await a_print(driver, tmp_path, nursery)

    await arrange(octoprint.stop)
    assert isinstance(await watch.lost(AT_ONCE_S), PrinterUnreachable)
    await arrange(octoprint.start)

    again = Watch()
    nursery.start_soon(again.run, driver)
    await again.until(is_doing(RESTARTED.operation))
    assert again.readings[0].ended is RESTARTED.ended
    assert (await driver.outcome(name)).kind is RESTARTED.outcome
