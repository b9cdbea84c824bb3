"""The driver and a real Moonraker, whose stand-in for Klipper executes what it is given."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from farm.domain.printer import BUSY, Address, Operation
from farm.drivers.base import EndKind, Loss, OutcomeKind
from farm.drivers.moonraker import driver as moonraker_driver
from farm.drivers.moonraker.driver import MoonrakerDriver
from farm.drivers.moonraker.protocol import access
from farm.drivers.websocket import Vigilance
from farm.errors import Forbidden, PrinterUnreachable, ProtocolError, Refused
from tests.drivers.contract import Watch, arrange, is_doing, outcome_of, put
from tests.drivers.moonraker.moonraker_bench import MoonrakerBench
from tests.peers.moonraker import Moonraker
from tests.peers.raw_peer import answering, raw_peer

CHIP = Path(__file__).parents[2] / "data" / "gcode" / "chip6_fast.gcode"
COLD = b"GUARD_EXTRUDER S170\nG28\nM83\nG1 X10 E1 F3000\n"  # Klipper refuses that in two lines

pytestmark = pytest.mark.moonraker


@pytest.fixture
def bench(moonraker: Moonraker) -> MoonrakerBench:
    return MoonrakerBench(moonraker, Vigilance(silence_s=0.5, stale_s=2.0))


@pytest.fixture
async def driver(bench: MoonrakerBench) -> AsyncIterator[MoonrakerDriver]:
    driver = bench.driver()
    yield driver
    with trio.move_on_after(2, shield=True):
        await driver.aclose()


@pytest.fixture
async def watch(driver: MoonrakerDriver, nursery: trio.Nursery) -> Watch:
    watch = Watch()
    nursery.start_soon(watch.run, driver)
    await watch.until(is_doing(Operation.IDLE))
    return watch


def extruded_mm(gcode: str) -> float:
    """The sum of all that a file extrudes and retracts, by its own words."""
    total = last = 0.0
    relative = False
    for line in gcode.splitlines():
        code, _, words = line.partition(";")[0].strip().partition(" ")
        relative = {"M82": False, "M83": True}.get(code, relative)
        extruded = re.search(r"E(-?[\d.]+)", words)
        if extruded and code in ("G0", "G1"):
            total += float(extruded[1]) - (0.0 if relative else last)
        if extruded and code in ("G0", "G1", "G92"):
            last = float(extruded[1])
    return total


async def test_a_whole_file_is_printed_as_it_says(driver, watch, moonraker, tmp_path):
    name = await put(driver, tmp_path, CHIP.read_bytes())
    await driver.start(name)
    hottest = {"extruder": 0.0, "heater_bed": 0.0}
    while (await driver.status()).operation in BUSY:
        status = await trio.to_thread.run_sync(moonraker.status, *hottest)
        hottest = {heater: max(hottest[heater], status[heater]["target"]) for heater in hottest}

    done = await watch.until(lambda reading: reading.ended)
    assert (done.ended.remote_name, done.ended.kind) == (name, EndKind.FINISHED)
    assert await outcome_of(driver, name) is OutcomeKind.FINISHED
    status = await trio.to_thread.run_sync(moonraker.status, "virtual_sdcard", "print_stats", *hottest)
    assert status["virtual_sdcard"]["file_position"] == CHIP.stat().st_size
    assert status["print_stats"]["filament_used"] == pytest.approx(extruded_mm(CHIP.read_text()), abs=1e-6)
    assert hottest == {"extruder": 200.0, "heater_bed": 60.0}
    assert [status[heater]["target"] for heater in hottest] == [0, 0]


async def test_a_print_in_which_klipper_is_started_again_has_failed_and_is_not_taken_up(
    driver, watch, bench, moonraker, tmp_path
):
    name = await put(driver, tmp_path, bench.long)
    await driver.start(name)
    await watch.until(is_doing(Operation.PRINTING))

    await arrange(moonraker.stop_klippy, True)
    away = await watch.until(lambda reading: not reading.machine_connected)
    assert (away.loss, away.ended) == (Loss.LINK_LOST, None)
    for command in (lambda: driver.start(name), driver.cancel, driver.emergency_stop, driver.connect_machine):
        with pytest.raises(Refused, match="not running"):
            await command()
    another = await put(driver, tmp_path, bench.short)  # files are taken all the same
    await arrange(moonraker.start)

    back = await watch.until(is_doing(Operation.IDLE))
    assert (back.ended.remote_name, back.ended.kind) == (name, EndKind.FAILED)
    assert await outcome_of(driver, name) is OutcomeKind.FAILED
    await driver.start(another)
    assert await outcome_of(driver, another) is OutcomeKind.FINISHED


async def test_a_file_with_an_error_in_it_fails_with_klippers_words(driver, watch, tmp_path):
    name = await put(driver, tmp_path, COLD)
    await driver.start(name)

    over = await watch.until(lambda reading: reading.ended)

    assert over.ended.kind is EndKind.FAILED
    assert over.ended.text.startswith("Extrude below minimum temp See the")
    assert await outcome_of(driver, name) is OutcomeKind.FAILED


async def test_a_stopped_machine_is_taken_up_again_by_a_restart_of_its_firmware(driver, watch, bench):
    await driver.emergency_stop()
    stopped = await watch.until(lambda reading: not reading.machine_connected)
    assert (stopped.loss, stopped.error) == (Loss.EMERGENCY_STOP, "Shutdown due to webhooks request")
    with pytest.raises(Refused, match="Shutdown due to webhooks request"):
        await driver.home(["x"])

    await driver.connect_machine()

    await watch.until(is_doing(Operation.IDLE))
    await driver.connect_machine()  # once more does no harm


async def test_a_start_is_refused_while_klipper_is_at_work_on_something_else(
    driver, watch, bench, moonraker, tmp_path, nursery
):
    name = await put(driver, tmp_path, bench.short)
    nursery.start_soon(arrange, moonraker.script, "G4 P10000")
    await trio.sleep(0.5)

    with pytest.raises(Refused, match="at work on something else"):
        await driver.start(name)


async def test_a_start_that_waits_behind_something_else_has_not_failed_to_begin(
    driver, watch, bench, moonraker, tmp_path, nursery
):
    name = await put(driver, tmp_path, bench.short)
    nursery.start_soon(arrange, moonraker.script, "G4 P30000")  # such as a macro that heats the chamber first
    await trio.sleep(0.5)
    nursery.start_soon(arrange, bench.start_at_the_machine, name)

    assert (await driver.status()).operation is Operation.IDLE
    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING
    await watch.until(lambda reading: reading.ended)
    assert (await driver.outcome(name)).kind is OutcomeKind.FINISHED


@pytest.mark.long
async def test_a_pause_in_a_heat_up_is_accepted_long_before_it_is_done(
    driver, watch, bench, monkeypatch, tmp_path
):
    monkeypatch.setattr(moonraker_driver, "REFUSED_WITHIN_S", 0.3)
    name = await put(driver, tmp_path, bench.heating + bench.long)
    await driver.start(name)
    await watch.until(lambda reading: reading.temperatures["tool0"].target == bench.heats_to_degc)

    with trio.fail_after(1.5):
        await driver.pause()

    await watch.until(is_doing(Operation.PAUSING))
    paused = await watch.until(is_doing(Operation.PAUSED))
    assert paused.temperatures["tool0"].actual == pytest.approx(bench.heats_to_degc, abs=2)
    await driver.cancel()
    await watch.until(is_doing(Operation.IDLE))


@pytest.mark.long
async def test_a_print_goes_on_while_moonraker_alone_is_started_again(
    driver, watch, bench, moonraker, tmp_path, nursery
):
    name = await put(driver, tmp_path, bench.long[: bench.long.index(b"G1 X12")] + b"G4 P30000\n")
    await driver.start(name)
    await watch.until(is_doing(Operation.PRINTING))

    await arrange(moonraker.stop_moonraker, True)
    assert isinstance(await watch.lost(3), PrinterUnreachable)
    await arrange(moonraker.start)

    again = Watch()
    nursery.start_soon(again.run, driver)
    seen = await again.until(is_doing(Operation.PRINTING))
    assert seen.file.remote_name == name
    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING
    await again.until(lambda reading: reading.ended)
    assert again.readings[-1].ended.kind is EndKind.FINISHED
    assert (await driver.outcome(name)).kind is OutcomeKind.FINISHED  # Moonraker's history does not know it


@pytest.mark.long
async def test_a_klipper_that_hangs_is_seen(driver, watch, bench, moonraker, tmp_path):
    await driver.start(await put(driver, tmp_path, bench.long))
    await watch.until(is_doing(Operation.PRINTING))

    await arrange(moonraker.freeze_klippy)
    try:
        hanging = await watch.until(lambda reading: reading.stale)
    finally:
        await arrange(moonraker.thaw_klippy)

    assert "Klipper has not said anything" in hanging.attention
    await watch.until(lambda reading: not reading.stale)
    await driver.cancel()
    await watch.until(is_doing(Operation.IDLE))


async def test_a_user_and_a_password_open_a_session_that_is_opened_again_when_it_ends(
    moonraker, bench, tmp_path, nursery
):
    somebody = {"username": secrets.token_hex(4), "password": "no key at all"}
    await arrange(moonraker.done, "/access/user", somebody)
    driver = MoonrakerDriver(Address("moonraker", moonraker.url, **somebody), vigilance=bench.vigilance)
    try:
        assert (await driver.identify()).kind == "moonraker"
        watch = Watch()
        nursery.start_soon(watch.run, driver)
        await watch.until(is_doing(Operation.IDLE))
        name = await put(driver, tmp_path, bench.short)
        first = driver._entry._session
        driver._entry._good_until = 0.0  # as an hour later
        await trio.sleep(1)  # two tokens of the same second are the same

        await driver.start(name)

        assert driver._entry._session.renewal == first.renewal
        assert driver._entry._session.token != first.token
        assert await outcome_of(driver, name) is OutcomeKind.FINISHED
        driver._entry._session = access.Session("ended", "ended")  # by somebody who logged all of us out
        await driver.emergency_stop()
        await watch.until(lambda reading: reading.loss is Loss.EMERGENCY_STOP)
        nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(2, shield=True):
            await driver.aclose()


async def test_a_wrong_password_is_said_in_words(moonraker, bench):
    nobody = Address("moonraker", moonraker.url, username="nobody", password="guessed")
    driver = MoonrakerDriver(nobody, vigilance=bench.vigilance)
    for ask in (driver.identify, driver.emergency_stop, lambda: driver.watch(lambda reading: None)):
        with pytest.raises(Forbidden, match="does not take this user and password: Unregistered User"):
            await ask()
    await driver.aclose()


async def test_no_password_is_sent_to_who_is_no_moonraker(nursery):
    heard = []

    async def listen(stream: trio.SocketStream, request: bytes) -> None:
        heard.append(request)
        await answering("200 OK", b'{"result": {}}', "Content-Type: application/json")(stream, request)

    stranger = await raw_peer(nursery, listen)
    driver = MoonrakerDriver(Address("moonraker", stranger, username="maker", password="hush hush"))
    with pytest.raises(ProtocolError, match="This is no Moonraker"):
        await driver.identify()
    await driver.aclose()
    assert heard
    assert not any(b"hush" in request for request in heard)
