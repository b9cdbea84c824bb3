"""What the driver sees and does at a real PrusaLink, whose stand-in for an MK3 executes what it is sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from farm.domain.printer import Address, Operation
from farm.drivers.base import AnswerLost, EndKind, Loss
from farm.drivers.prusalink.driver import PrusaLinkDriver
from farm.errors import Forbidden, PrinterUnreachable
from tests.drivers.contract import Watch, arrange, is_doing, put, status_until
from tests.drivers.prusalink.prusalink_bench import QUICK
from tests.peers.prusalink import Mk3, PrusaLink, gcode

pytestmark = pytest.mark.prusalink


@pytest.fixture
async def driver(prusalink: PrusaLink) -> AsyncIterator[PrusaLinkDriver]:
    driver = PrusaLinkDriver(Address("prusalink", prusalink.url, prusalink.api_key), rhythm=QUICK)
    yield driver
    await driver.aclose()


async def test_it_is_let_in_by_key_and_by_password_alike(prusalink: PrusaLink) -> None:
    for way_in in (
        {"api_key": prusalink.api_key},
        {"username": prusalink.username, "password": prusalink.password},
    ):
        driver = PrusaLinkDriver(Address("prusalink", prusalink.url, **way_in))
        identity = await driver.identify()
        assert (identity.kind, identity.version, identity.name) == ("prusalink", "0.8.1", "Row A")
        await driver.aclose()


async def test_nobody_is_let_in_by_a_wrong_key_or_password_or_by_none(prusalink: PrusaLink) -> None:
    for way_in in ({"api_key": "0" * 16}, {"username": prusalink.username, "password": "wrong"}, {}):
        driver = PrusaLinkDriver(Address("prusalink", prusalink.url, **way_in))
        for ask in (driver.identify, driver.status, driver.cancel):
            with pytest.raises(Forbidden, match="Settings, Network, PrusaLink"):
                await ask()
        await driver.aclose()


async def test_every_line_is_executed_once_though_it_is_paused_and_a_line_is_damaged(
    driver: PrusaLinkDriver, prusalink: PrusaLink, tmp_path: Path, nursery: trio.Nursery
) -> None:
    content = gcode(seconds=7, moves_a_s=30)
    before, watch = prusalink.mk3.do("report"), Watch()
    nursery.start_soon(watch.run, driver)
    name = await put(driver, tmp_path, content)
    await driver.start(name)
    await watch.until(lambda seen: seen.file is not None and seen.file.progress)

    await driver.pause()
    paused = await watch.until(is_doing(Operation.PAUSED))
    stands = prusalink.mk3.do("garble")
    await driver.resume()
    done = await watch.until(lambda seen: seen.ended is not None, within_s=20)

    assert stands["held"]
    assert paused.file is not None
    assert paused.file.remote_name == name
    assert (done.ended.remote_name, done.ended.kind) == (name, EndKind.FINISHED)
    await status_until(driver, lambda _: prusalink.mk3.do("report")["moves_left"] == 0)
    after = prusalink.mk3.do("report")
    filament = sum(float(length) for length in re.findall(rb"E([0-9.]+)", content))
    assert after["extruded_mm"] - before["extruded_mm"] == pytest.approx(filament, abs=0.01)
    assert after["place"]["X"] == float(re.findall(rb"X([0-9.]+)", content)[-1])
    assert after["resends"] == before["resends"] + 1
    nursery.cancel_scope.cancel()


@pytest.mark.long
@pytest.mark.parametrize(
    ("befalls", "loss", "words"),
    [
        (lambda printer: printer.do("halt"), Loss.FIRMWARE_ERROR, "Firmware detected a hardware issue"),
        (lambda printer: printer.stop(), Loss.LINK_LOST, "Serial device does not exist"),
    ],
    ids=["halted", "unplugged"],
)
async def test_what_stops_its_printer_is_told_and_ends_the_print(
    driver: PrusaLinkDriver,
    prusalink: PrusaLink,
    tmp_path: Path,
    nursery: trio.Nursery,
    befalls: Callable[[Mk3], object],
    loss: Loss,
    words: str,
) -> None:
    watch = Watch()
    nursery.start_soon(watch.run, driver)
    name = await put(driver, tmp_path, gcode(seconds=60))
    await driver.start(name)
    await watch.until(is_doing(Operation.PRINTING))

    await arrange(befalls, prusalink.mk3)
    broken = await watch.until(lambda seen: not seen.machine_connected)

    assert (broken.loss, broken.error) == (loss, words)
    assert (broken.ended.remote_name, broken.ended.kind) == (name, EndKind.FAILED)
    await arrange(prusalink.with_another_printer)
    nursery.cancel_scope.cancel()


@pytest.mark.long
async def test_while_it_starts_it_is_away_and_then_there(
    driver: PrusaLinkDriver, prusalink: PrusaLink
) -> None:
    await arrange(prusalink.stop)
    await arrange(prusalink.launch)
    problems: list[PrinterUnreachable] = []
    with trio.fail_after(60):
        while True:
            try:
                assert (await driver.identify()).version == "0.8.1"
                break
            except PrinterUnreachable as problem:
                problems.append(problem)
            await trio.sleep(0.02)

    assert any(isinstance(problem, AnswerLost) and "starting" in str(problem) for problem in problems)
