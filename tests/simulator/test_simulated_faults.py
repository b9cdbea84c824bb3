"""Every fault as the farm's own driver meets it, and the counts that show what was done nevertheless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from farm.domain.printer import Operation
from farm.drivers.base import AnswerLost, OutcomeKind
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import PrinterUnreachable, ProtocolError
from tests.drivers.contract import outcome_of
from tests.simulator.conversation import LONG, SHORT, Conversation
from tests.simulator.fleet import HANDSHAKE, Fleet, Printer, deaf_client


async def put(driver: OctoPrintDriver, folder: Path, name: str = "a1_part.gcode", lines: str = SHORT) -> str:
    source = folder / name
    source.write_text(lines)
    await driver.upload(source, name, len(lines))
    return name


@asynccontextmanager
async def listening(printer: Printer, state: str = "Operational") -> AsyncIterator[Conversation]:
    """Somebody at the push socket who has seen this state; all that comes is noted under "now"."""
    talk = Conversation(printer.address.url, printer.address.api_key)
    talk.now("now")
    async with talk.listening():
        await talk.state(state)
        yield talk
    await talk.aclose()


@pytest.mark.parametrize(
    ("manner", "problem"),
    [
        ("500", ProtocolError),
        ("garbage", ProtocolError),
        ("half", ProtocolError),
        ("drop", AnswerLost),
        ("half_open", AnswerLost),
        ("refuse", PrinterUnreachable),
        ("silent", (AnswerLost, PrinterUnreachable)),  # lost over the connection there was
    ],
)
async def test_it_answers_in_every_wrong_manner_and_well_again(
    driver: OctoPrintDriver, printer: Printer, manner: str, problem: type[Exception] | tuple[type, ...]
) -> None:
    assert (await driver.status()).operation is Operation.IDLE
    await printer.switch(manner=manner)

    for _ in range(2):  # over the connection there was, and over a new one
        with pytest.raises(problem):
            await driver.identify()

    await printer.switch(manner="well")
    assert (await driver.identify()).kind == "octoprint"


@pytest.mark.parametrize(
    ("manner", "begun"), [("500", 0), ("drop", 0), ("refuse", 0), ("garbage", 1), ("half", 1)]
)
async def test_what_is_carried_out_in_spite_of_the_fault_is_counted(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path, manner: str, begun: int
) -> None:
    name = await put(driver, tmp_path, lines=LONG)
    await printer.switch(manner=manner)

    if begun:
        await driver.start(name)  # 204: there is no body to spoil
    else:
        with pytest.raises(PrinterUnreachable):
            await driver.start(name)

    assert (await printer.told())["starts"] == ({name: 1} if begun else {})


async def test_a_half_open_link_carries_out_late_what_was_sent_into_it(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    name = await put(driver, tmp_path, lines=LONG)
    await printer.switch(manner="half_open")
    with pytest.raises(AnswerLost):
        await driver.start(name)
    assert (await printer.told())["starts"] == {}

    await printer.switch(manner="well")

    await printer.until("Printing")
    assert (await printer.told())["starts"] == {name: 1}


async def test_half_open_holds_the_push_too(printer: Printer) -> None:
    async with listening(printer) as talk:
        heard = talk.told.pushed["now"]
        await printer.switch(manner="half_open")
        await trio.sleep(0.1)
        before = len(heard)
        await trio.sleep(0.8)
        assert len(heard) == before

        await printer.switch(manner="well")
        await trio.sleep(0.7)
        assert len(heard) > before


async def test_who_is_silent_takes_no_connection_and_does_not_refuse_it(printer: Printer) -> None:
    port = int(printer.address.url.rpartition(":")[2])
    await printer.switch(manner="silent")

    with trio.move_on_after(0.5) as patience:
        await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()

    assert patience.cancelled_caught
    await printer.switch(manner="refuse")
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream("127.0.0.1", port)


async def test_a_flood_is_pushed_as_fast_as_told_to_who_reads_it(printer: Printer) -> None:
    async with listening(printer) as talk:
        heard = talk.told.pushed["now"]
        await printer.switch(flood_per_s=1000)
        await trio.sleep(0.3)
        before = len(heard)
        await trio.sleep(1)
        assert 300 < len(heard) - before < 1100  # a busy machine may take its time

        await printer.switch(flood_per_s=0)
        await trio.sleep(0.3)
        before = len(heard)
        await trio.sleep(1)
        assert len(heard) - before <= 3


async def test_a_flood_that_nobody_reads_harms_no_other_printer(fleet: Fleet, printer: Printer) -> None:
    async with deaf_client(printer) as line:
        await printer.switch(flood_per_s=10_000)
        await trio.sleep(0.5)
        await line.send_all(b"\x89\x80" + bytes(4))  # a ping, while its answer cannot be sent
        await trio.sleep(0.2)

        await fleet.add()


@pytest.mark.parametrize("cut", ["refuse", "restart"])
async def test_refusing_and_restarting_cut_the_push(printer: Printer, cut: str) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", int(printer.address.url.rpartition(":")[2])) as line:
        await line.send_all(HANDSHAKE)
        heard = b""
        while b"connected" not in heard:
            heard += await line.receive_some()

        if cut == "refuse":
            await printer.switch(manner="refuse")
        else:
            await printer.do("restart", down_s=0.1)

        with trio.fail_after(1):
            assert await line.receive_some() == b""


async def test_slowness_is_as_slow_as_told(driver: OctoPrintDriver, printer: Printer) -> None:
    await printer.switch(slow_ms=200)

    began = trio.current_time()
    await driver.identify()

    assert trio.current_time() - began >= 0.2


@pytest.mark.parametrize("then", ["nothing", "close"])
async def test_the_answer_to_a_start_is_lost_once_and_the_print_runs(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path, then: str
) -> None:
    name = await put(driver, tmp_path, lines=LONG)
    await printer.switch(swallow={"what": "start", "then": then})

    with pytest.raises(AnswerLost):
        await driver.start(name)

    assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING
    told = await printer.told()
    assert (told["starts"], told["swallow"]) == ({name: 1}, None)
    await driver.cancel()  # answered again


async def test_the_answer_to_an_upload_is_lost_and_the_file_is_there(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    await printer.switch(swallow={"what": "upload", "times": 2, "then": "close"})

    for _ in range(2):
        with pytest.raises(AnswerLost):
            await put(driver, tmp_path)
    name = await put(driver, tmp_path)

    assert (await printer.told())["uploads"] == {name: 3}


async def test_any_post_is_swallowed_but_no_look(driver: OctoPrintDriver, printer: Printer) -> None:
    await printer.switch(swallow={"what": "post", "then": "close"})

    await driver.status()
    with pytest.raises(AnswerLost):
        await driver.send_gcode(["M105"])

    assert (await printer.told())["commands"] == {"gcode": 1}


async def test_a_print_host_that_restarts_keeps_its_files_and_loses_its_print_without_a_note(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    name = await put(driver, tmp_path, lines=LONG)
    await driver.start(name)

    await printer.do("restart", down_s=0.5)

    seen: list[object] = []
    with trio.fail_after(5):
        while not seen or seen[-1] is not None:
            try:
                await driver.identify()
                seen.append(None)
            except PrinterUnreachable as problem:
                seen.append(type(problem))
            await trio.sleep(0.02)
    assert set(seen) == {PrinterUnreachable, AnswerLost, None}  # refused; then a stand-in's 404
    await printer.until("Operational")
    assert (await driver.outcome(name)).kind is OutcomeKind.NO_RECORD
    assert (await driver.status()).file is None


async def test_a_silent_printer_is_frozen_and_not_pushed_until_the_host_gives_up(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    await printer.switch(gives_up_after_s=1.4)
    name = await put(driver, tmp_path, lines=LONG)
    await driver.start(name)
    async with listening(printer, "Printing") as talk:
        await printer.do("go_awol")
        first, heard = await driver.status(), len(talk.told.pushed["now"])
        await trio.sleep(0.8)
        again = await driver.status()
        assert (again.operation, again.file.progress) == (Operation.PRINTING, first.file.progress)
        assert len(talk.told.pushed["now"]) <= heard + 1

        await talk.state("Offline after error")

    assert not (await driver.status()).machine_connected
    assert (await driver.outcome(name)).kind is OutcomeKind.FAILED
    await printer.do("connect")
    await printer.until("Operational")


@pytest.mark.parametrize("trouble", ["drop_connection", "firmware_error"])
async def test_a_printer_lost_in_a_print_fails_it_and_is_found_again_by_hand(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path, trouble: str
) -> None:
    name = await put(driver, tmp_path, lines=LONG)
    await driver.start(name)

    await printer.do(trouble)

    assert not (await driver.status()).machine_connected
    assert (await driver.outcome(name)).kind is OutcomeKind.FAILED
    await driver.connect_machine()
    await printer.until("Operational")
    assert (await driver.status()).operation is Operation.IDLE


async def test_a_print_without_filament_waits_for_somebody(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    await driver.start(await put(driver, tmp_path, lines=LONG))
    await printer.do("filament_out")
    await printer.until("Paused")

    await printer.do("filament_in")

    await printer.until("Printing")


async def test_one_printers_fault_is_not_its_neighbours(
    fleet: Fleet, driver: OctoPrintDriver, printer: Printer
) -> None:
    neighbour = await fleet.add()
    await neighbour.switch(manner="refuse", slow_ms=5000)

    assert (await driver.status()).operation is Operation.IDLE
    assert (await printer.told())["manner"] == "well"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/printers/nobody", None, 404),
        ("PUT", "/printers/mk4-01", None, 405),
        ("PATCH", "/printers/mk4-01", {"manner": "odd"}, 422),
        ("PATCH", "/printers/mk4-01", {"maner": "well"}, 422),
        ("POST", "/printers/mk4-01/do", {"what": "dance"}, 422),
        ("POST", "/printers", {"id": "mk4-01"}, 409),
    ],
)
async def test_a_wrong_switch_is_told_so(
    fleet: Fleet, printer: Printer, method: str, path: str, body: Any, status: int
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as caught:
        await fleet.ask(method, path, body)

    assert caught.value.response.status_code == status
    assert caught.value.response.json()["error"]


async def test_a_printer_taken_away_is_gone(fleet: Fleet, driver: OctoPrintDriver, printer: Printer) -> None:
    await driver.identify()

    await fleet.ask("DELETE", f"/printers/{printer.id}")

    with pytest.raises(PrinterUnreachable):
        await driver.identify()
    assert (await fleet.ask("GET", "/printers"))["printers"] == []


async def put_to_copy(driver: OctoPrintDriver, folder: Path) -> tuple[str, int, str]:
    """A file that was printed once, its size and its checksum."""
    name = await put(driver, folder)
    stored = await driver.upload(folder / name, name, len(SHORT))
    await driver.start(name)
    assert await outcome_of(driver, name) is OutcomeKind.FINISHED
    return name, len(SHORT), stored.checksum


@pytest.mark.parametrize("then", ["nothing", "close"])
async def test_a_copy_whose_answer_was_lost_is_found_and_takes_no_end_along(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path, then: str
) -> None:
    source = await put_to_copy(driver, tmp_path)
    await printer.switch(swallow={"what": "copy", "then": then})

    stored = await driver.copy(source[0], "b2_part.gcode", *source[1:])

    assert (await driver.outcome("b2_part.gcode", stored.mark)).kind is OutcomeKind.NO_RECORD
    assert (await printer.told())["copies"] == {"b2_part.gcode": 1}


async def test_a_copy_that_nobody_answers_for_is_not_taken_for_none(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    source = await put_to_copy(driver, tmp_path)

    async def drop_later() -> None:
        await trio.sleep(0.05)
        await printer.switch(manner="drop")

    await printer.switch(slow_ms=150)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drop_later)
        with pytest.raises(AnswerLost):
            await driver.copy(source[0], "b2_part.gcode", *source[1:])


@pytest.mark.parametrize("original", ["there", "gone"])
async def test_half_a_copy_is_waited_for_and_never_taken(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path, original: str
) -> None:
    source = await put_to_copy(driver, tmp_path)
    if original == "gone":
        await driver.delete(source[0])
    half = tmp_path / "half.gcode"
    half.write_text(SHORT[: len(SHORT) // 2])
    await driver.upload(half, "b2_part.gcode", half.stat().st_size)

    with trio.move_on_after(5) as patience:
        await driver.copy(source[0], "b2_part.gcode", *source[1:])

    assert patience.cancelled_caught


async def test_a_deletion_whose_answer_was_lost_is_asked_for_again(
    driver: OctoPrintDriver, printer: Printer, tmp_path: Path
) -> None:
    name = await put(driver, tmp_path)
    await printer.switch(swallow={"what": "delete"})

    with pytest.raises(AnswerLost):
        await driver.delete(name)
    await driver.delete(name)

    assert name not in (await printer.told())["files"]


async def test_mishaps_befall_a_printer_again_and_again_until_they_are_called_off(
    driver: OctoPrintDriver, printer: Printer
) -> None:
    await printer.switch(mishaps=[{"what": "firmware_error", "every_s": 1, "for_s": 0}])
    with trio.fail_after(60):  # one a second on average
        for _ in range(2):
            await printer.until("Offline after error", within_s=60)
            await driver.connect_machine()
            await printer.until("Operational", within_s=60)

    await printer.switch(mishaps=[])
    await printer.do("connect")
    await printer.until("Operational")
    await trio.sleep(2)
    assert (await printer.told())["state"] == "Operational"


@pytest.mark.parametrize(
    "faults",
    [{"slow_ms": -1}, {"mishaps": [{"what": "explode", "every_s": 5}]}, {"gives_up_after_s": -1}, {"x": 1}],
)
async def test_a_switch_that_makes_no_sense_is_refused(printer: Printer, faults: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await printer.switch(**faults)


async def test_who_does_not_know_the_switches_secret_reaches_none(fleet: Fleet) -> None:
    start, secret, _ = fleet.control.rsplit("/", 2)
    assert len(secret) == 32
    async with httpx.AsyncClient(trust_env=False) as http:
        for url in (f"{start}/control/printers", f"{start}/{'0' * 32}/control/printers"):
            assert (await http.get(url)).status_code == 404
        assert (await http.get(f"{fleet.control}/printers")).status_code == 200
