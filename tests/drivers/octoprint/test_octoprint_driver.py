"""The driver against a real OctoPrint and its virtual printer."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from farm.domain.file import remote_name
from farm.domain.printer import Address, Operation
from farm.drivers.base import OutcomeKind, Reading
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import Forbidden, NotFound, PrinterUnreachable, ProtocolError, Refused, WrongFileType
from tests.peers.octoprint import OctoPrint, slow_gcode

pytestmark = pytest.mark.octoprint

CHIP = Path(__file__).parents[2] / "data" / "chip6_fast.gcode"
SOON_S = 15.0


@pytest.fixture
async def driver(octoprint: OctoPrint) -> AsyncIterator[OctoPrintDriver]:
    driver = OctoPrintDriver(Address("octoprint", octoprint.url, octoprint.api_key))
    yield driver
    await driver.aclose()


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A print that takes two minutes: nobody waits for its end."""
    path = tmp_path / "slow.gcode"
    path.write_bytes(slow_gcode(seconds=120))
    return path


async def put(driver: OctoPrintDriver, source: Path) -> str:
    """Uploads a file under a name of its own, as each attempt has one."""
    name = f"{secrets.token_hex(3)}_{source.name}"
    await driver.upload(source, name, source.stat().st_size)
    return name


async def until(driver: OctoPrintDriver, wanted: Callable[[Reading], bool]) -> Reading:
    with trio.fail_after(SOON_S):
        while True:
            reading = await driver.status()
            if wanted(reading):
                return reading
            await trio.sleep(0.05)


def target_of(reading: Reading, heater: str) -> float | None:
    return reading.temperatures[heater].target if heater in reading.temperatures else None


async def until_operation(driver: OctoPrintDriver, operation: Operation) -> Reading:
    return await until(driver, lambda reading: reading.operation is operation)


async def ended(driver: OctoPrintDriver, name: str) -> OutcomeKind:
    """How it ended, once OctoPrint has noted it."""
    with trio.fail_after(SOON_S):
        while True:
            outcome = await driver.outcome(name)
            if outcome.kind not in (OutcomeKind.RUNNING, OutcomeKind.UNKNOWN):
                return outcome.kind
            await trio.sleep(0.05)


async def test_a_real_octoprint_says_who_it_is(driver: OctoPrintDriver) -> None:
    identity = await driver.connect()

    assert identity.kind == "octoprint"
    assert identity.version.startswith("1.")


async def test_a_wrong_key_is_refused_with_what_to_do(octoprint: OctoPrint) -> None:
    stranger = OctoPrintDriver(Address("octoprint", octoprint.url, "0" * 32))

    for ask in (stranger.connect, stranger.status, stranger.cancel):
        with pytest.raises(Forbidden, match="make an application key"):
            await ask()
    await stranger.aclose()


async def test_a_file_from_a_slicer_prints_to_its_end(driver: OctoPrintDriver) -> None:
    name = await put(driver, CHIP)
    assert (await driver.outcome(name)).kind is OutcomeKind.NO_RECORD

    await driver.start(name)
    reading = await driver.status()
    assert reading.file is not None
    assert reading.file.remote_name == name  # taken up by the time the start is accepted

    assert await ended(driver, name) is OutcomeKind.FINISHED
    done = await until_operation(driver, Operation.IDLE)
    assert done.file is not None
    assert done.file.progress == 1.0
    assert (await driver.outcome(name)).printed_s is not None


async def test_a_print_is_paused_resumed_and_cancelled(driver: OctoPrintDriver, slow: Path) -> None:
    name = await put(driver, slow)
    await driver.start(name)
    printing = await until(driver, lambda reading: reading.file is not None and bool(reading.file.elapsed_s))
    assert printing.operation is Operation.PRINTING
    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING

    await driver.pause()
    paused = await until_operation(driver, Operation.PAUSED)
    await driver.pause()  # once more does no harm
    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING

    await driver.resume()
    await until_operation(driver, Operation.PRINTING)
    await driver.resume()
    assert paused.file is not None
    await until(
        driver,
        lambda reading: reading.file is not None and (reading.file.progress or 0) > paused.file.progress,
    )

    await driver.cancel()
    await until_operation(driver, Operation.IDLE)
    assert await ended(driver, name) is OutcomeKind.FAILED


async def test_nothing_second_starts_beside_a_print(driver: OctoPrintDriver, slow: Path) -> None:
    running, waiting = await put(driver, slow), await put(driver, CHIP)
    await driver.start(running)

    for name in (running, waiting):
        with pytest.raises(Refused, match="busy, or its printer is away"):
            await driver.start(name)
    with pytest.raises(Refused, match="of that name is printing"):
        await driver.upload(CHIP, running, CHIP.stat().st_size)
    with pytest.raises(Refused, match="in use"):
        await driver.delete(running)

    await driver.cancel()
    await until_operation(driver, Operation.IDLE)
    assert (await driver.outcome(waiting)).kind is OutcomeKind.NO_RECORD


async def test_commands_without_a_print_are_refused_with_octoprints_words(driver: OctoPrintDriver) -> None:
    for command in (driver.pause, driver.resume, driver.cancel):
        with pytest.raises(Refused, match="neither printing nor paused"):
            await command()


async def test_a_cancel_accepted_in_a_heat_up_is_done_only_after_it(
    driver: OctoPrintDriver, tmp_path: Path
) -> None:
    heating = tmp_path / "heating.gcode"
    heating.write_bytes(b"M109 S60\nG28\n")  # 1 to 4 s; the virtual printer does not know M108
    name = await put(driver, heating)
    await driver.start(name)
    await until(driver, lambda reading: target_of(reading, "tool0") == 60)

    await driver.cancel()

    assert (await driver.status()).operation is Operation.CANCELLING
    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING
    await until_operation(driver, Operation.IDLE)
    assert await ended(driver, name) is OutcomeKind.FAILED


async def test_a_missing_file_does_not_start(driver: OctoPrintDriver) -> None:
    with pytest.raises(NotFound):
        await driver.start("000000_gone.gcode")
    assert (await driver.outcome("000000_gone.gcode")).kind is OutcomeKind.UNKNOWN


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_fine(driver: OctoPrintDriver) -> None:
    name = await put(driver, CHIP)

    await driver.delete(name)
    await driver.delete(name)

    assert "does not have the file" in (await driver.outcome(name)).text


async def test_a_file_of_a_foreign_kind_is_not_taken(driver: OctoPrintDriver, tmp_path: Path) -> None:
    picture = tmp_path / "part.png"
    picture.write_bytes(b"\x89PNG")

    with pytest.raises(WrongFileType):
        await put(driver, picture)


@pytest.mark.parametrize("name", ["50% Größe (x) #1?.gcode", "日本.gcode", 'a"b;c&d.gcode', "..gcode"])
async def test_the_names_we_make_are_kept_as_they_are(driver: OctoPrintDriver, name: str) -> None:
    ours = remote_name(secrets.token_hex(3), name)

    await driver.upload(CHIP, ours, CHIP.stat().st_size)

    assert (await driver.outcome(ours)).kind is OutcomeKind.NO_RECORD
    await driver.delete(ours)


async def test_a_name_that_octoprint_changes_is_noticed(driver: OctoPrintDriver) -> None:
    with pytest.raises(ProtocolError, match=r"under another name: 'ab12cd_ab\.gcode'"):
        await driver.upload(CHIP, "ab12cd_a;b.gcode", CHIP.stat().st_size)


async def test_a_name_with_spaces_and_umlauts_comes_through(driver: OctoPrintDriver) -> None:
    name = f"{secrets.token_hex(3)} 50% Größe (x).gcode"

    await driver.upload(CHIP, name, CHIP.stat().st_size)
    await driver.start(name)

    assert await ended(driver, name) is OutcomeKind.FINISHED


async def test_an_octoprint_without_its_printer_is_a_state_not_an_error(
    octoprint: OctoPrint, driver: OctoPrintDriver
) -> None:
    name = await put(driver, CHIP)
    octoprint.disconnect()

    reading = await driver.status()

    assert not reading.machine_connected
    assert reading.text == "Offline"
    await driver.connect()  # OctoPrint itself is there
    await put(driver, CHIP)  # and takes files
    with pytest.raises(Refused, match="its printer is away"):
        await driver.start(name)
    assert (await driver.outcome(name)).kind is OutcomeKind.NO_RECORD


async def test_a_firmware_error_ends_the_print_with_its_words(
    octoprint: OctoPrint, driver: OctoPrintDriver, slow: Path
) -> None:
    name = await put(driver, slow)
    await driver.start(name)
    octoprint.debug("trigger_fatal_error_marlin")

    away = await until(driver, lambda reading: not reading.machine_connected and bool(reading.error))

    assert "Thermal Runaway" in away.error
    assert await ended(driver, name) is OutcomeKind.FAILED


async def test_an_octoprint_killed_in_the_middle_leaves_no_record_of_the_print(
    octoprint: OctoPrint, driver: OctoPrintDriver, slow: Path
) -> None:
    name = await put(driver, slow)
    await driver.start(name)
    await until_operation(driver, Operation.PRINTING)

    octoprint.stop(kill=True)
    with pytest.raises(PrinterUnreachable):
        await driver.status()
    octoprint.start()

    # The plate is not empty, and yet nothing here says so: whoever reads NO_RECORD has to know that.
    assert (await driver.outcome(name)).kind is OutcomeKind.NO_RECORD
    assert (await driver.status()).operation is Operation.IDLE
