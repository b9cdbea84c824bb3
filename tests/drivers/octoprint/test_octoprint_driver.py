"""What only OctoPrint does, with a real one; the contract has what every kind does."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farm.domain.file import remote_name
from farm.domain.printer import Address, Operation
from farm.drivers.base import OutcomeKind
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import ProtocolError, Refused, WrongFileType
from tests.drivers.contract import is_doing, outcome_of, put, status_until
from tests.peers.octoprint import OctoPrint

pytestmark = pytest.mark.octoprint

CHIP = Path(__file__).parents[2] / "data" / "gcode" / "chip6_fast.gcode"


@pytest.fixture
async def driver(octoprint: OctoPrint) -> AsyncIterator[OctoPrintDriver]:
    driver = OctoPrintDriver(Address("octoprint", octoprint.url, octoprint.api_key))
    yield driver
    await driver.aclose()


async def test_a_real_octoprint_says_who_it_is(driver: OctoPrintDriver) -> None:
    identity = await driver.identify()

    assert identity.kind == "octoprint"
    assert identity.version.startswith("1.")


async def test_a_file_from_a_slicer_prints_to_its_end(driver: OctoPrintDriver, tmp_path: Path) -> None:
    name = await put(driver, tmp_path, CHIP.read_bytes())

    await driver.start(name)
    reading = await driver.status()
    assert reading.file is not None
    assert reading.file.remote_name == name  # taken up by the time the start is accepted

    assert await outcome_of(driver, name) is OutcomeKind.FINISHED
    done = await status_until(driver, is_doing(Operation.IDLE))
    assert done.file is not None
    assert done.file.progress == 1.0
    assert (await driver.outcome(name)).printed_s is not None


async def test_a_file_of_a_foreign_kind_is_not_taken(driver: OctoPrintDriver, tmp_path: Path) -> None:
    picture = tmp_path / "part.png"
    picture.write_bytes(b"\x89PNG")

    with pytest.raises(WrongFileType):
        await driver.upload(picture, "ab12cd_part.png", 4)


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

    assert await outcome_of(driver, name) is OutcomeKind.FINISHED


async def test_an_octoprint_without_its_printer_takes_files_and_starts_none(
    octoprint: OctoPrint, driver: OctoPrintDriver, tmp_path: Path
) -> None:
    octoprint.disconnect()

    reading = await driver.status()

    assert (reading.machine_connected, reading.text) == (False, "Offline")
    await driver.identify()  # OctoPrint itself is there
    name = await put(driver, tmp_path, CHIP.read_bytes())
    with pytest.raises(Refused, match="its printer is away"):
        await driver.start(name)
    assert (await driver.outcome(name)).kind is OutcomeKind.NO_RECORD
