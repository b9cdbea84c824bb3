"""PrusaLink's driver at peers that answer as each test wants; the contract has what every kind does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from farm.domain.printer import Address, Operation
from farm.drivers.base import AnswerLost, Capability, Reading
from farm.drivers.prusalink import driver as driver_module
from farm.drivers.prusalink.driver import PrusaLinkDriver, Rhythm
from farm.errors import FarmError, Forbidden, NotFound, PrinterUnreachable, ProtocolError, Refused
from tests.drivers.contract import Watch, is_doing
from tests.peers.certificates import certificate
from tests.peers.push_peer import push_peer
from tests.peers.raw_peer import answering, raw_peer

NAME = "ab12cd_part.gcode"
FILE = f"/api/v1/files/usb/{NAME}"
LOOK = "GET /api/v1/status"
JOB = {"id": 7, "progress": 10.0, "time_printing": 60}
QUICK = Rhythm(every_s=0.05, sending_s=0.4, answer_s=0.3, again_s=0.05)
VERSION = {"text": "PrusaLink", "server": "2.1.2", "capabilities": {"upload-by-put": True}}
STORAGES = {"storage_list": [{"path": "/usb/", "available": True, "read_only": False}]}


class Peer:
    """A printer that speaks PrusaLink: to each wish, a method and a path, an answer of a status and JSON.

    next: answers that are given once, before those. holding: what an answer waits for.
    asked: how often for what. at_once: most that were open at the same time.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "GET /api/version": (200, VERSION),
            "GET /api/v1/info": (200, {"name": "Left"}),
            "GET /api/v1/storage": (200, STORAGES),
        }
        self.next: dict[str, list[tuple[int, Any]]] = {}
        self.holding: dict[str, trio.Event] = {}
        self.asked: Counter[str] = Counter()
        self.heads: list[bytes] = []
        self.at_once = self._open = 0
        self._news = trio.Event()
        self.idle()

    def idle(self) -> None:
        self.answers[LOOK] = (200, {"printer": {"state": "IDLE"}})
        self.answers["GET /api/v1/job"] = (204, None)

    def printing(self, name: str = NAME, state: str = "PRINTING") -> None:
        self.answers[LOOK] = (200, {"printer": {"state": state}, "job": JOB})
        self.answers["GET /api/v1/job"] = (200, {"id": 7, "file": {"name": "X~1", "display_name": name}})

    async def is_asked(self, wish: str) -> None:
        with trio.fail_after(5):
            while not self.asked[wish]:
                await self._news.wait()

    async def __call__(self, stream: trio.SocketStream, request: bytes) -> None:
        wish = " ".join(request.decode("latin-1").split()[:2])
        self.asked[wish] += 1
        self.heads.append(request)
        self._news.set()
        self._news = trio.Event()
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        try:
            await trio.sleep(0.01)
            if wish in self.holding:
                await self.holding[wish].wait()
        finally:
            self._open -= 1
        once = self.next.get(wish)
        status, body = once.pop(0) if once else self.answers.get(wish, (404, {"message": "Not found"}))
        await answering(f"{status} Said", b"" if body is None else json.dumps(body).encode())(stream, request)


@asynccontextmanager
async def driving(peer: Peer, rhythm: Rhythm = QUICK, **more: Any) -> AsyncIterator[PrusaLinkDriver]:
    async with trio.open_nursery() as nursery:
        driver = PrusaLinkDriver(Address("prusalink", await raw_peer(nursery, peer), **more), rhythm=rhythm)
        yield driver
        await driver.aclose()
        nursery.cancel_scope.cancel()


@pytest.fixture
def peer() -> Peer:
    return Peer()


def part(folder: Path, content: bytes = b"G28\n") -> Path:
    source = folder / NAME
    source.write_bytes(content)
    return source


# -- looking -------------------------------------------------------------------------------------


async def test_it_says_who_it_is_by_key(peer: Peer) -> None:
    async with driving(peer, api_key="secret-key") as driver:
        identity = await driver.identify()

    assert (identity.kind, identity.version, identity.name) == ("prusalink", "2.1.2", "Left")
    assert all(b"X-Api-Key: secret-key" in head for head in peer.heads)
    assert all(b"Accept: application/json" in head for head in peer.heads)


async def test_it_cannot_do_what_prusalink_cannot() -> None:
    assert PrusaLinkDriver.capabilities == {Capability.PAUSE, Capability.DELETE, Capability.BINARY_GCODE}
    driver = PrusaLinkDriver(Address("prusalink", "http://192.0.2.1"))
    for ask in (
        lambda: driver.send_gcode(["M115"]),
        lambda: driver.set_temperature("bed", 60),
        lambda: driver.home(["x"]),
        lambda: driver.jog(x=1),
        lambda: driver.copy(NAME, NAME, 1, ""),
        driver.connect_machine,
        driver.disconnect_machine,
    ):
        with pytest.raises(Refused, match=r"^PrusaLink .*\.$"):
            await ask()
    await driver.aclose()


async def test_only_one_question_is_open_at_a_time(peer: Peer, nursery: trio.Nursery) -> None:
    peer.printing()
    async with driving(peer) as driver:
        nursery.start_soon(Watch().run, driver)
        async with trio.open_nursery() as asking:
            for _ in range(4):
                asking.start_soon(driver.status)
                asking.start_soon(driver.resume)

    assert peer.at_once == 1
    nursery.cancel_scope.cancel()


async def test_a_print_is_asked_for_by_name_once(peer: Peer, nursery: trio.Nursery) -> None:
    peer.printing()
    watch = Watch()
    async with driving(peer) as driver:
        nursery.start_soon(watch.run, driver)
        await watch.until(lambda _: len(watch.readings) == 5)

    assert peer.asked["GET /api/v1/job"] == 1
    assert watch.readings[-1].file is not None
    assert watch.readings[-1].file.remote_name == NAME
    nursery.cancel_scope.cancel()


async def test_two_missed_looks_are_nothing_and_three_are_a_loss(peer: Peer) -> None:
    there, away = peer.answers[LOOK], (503, {"message": "PrusaLink not finished initializing"})
    peer.next[LOOK] = [there, away, away, there]
    peer.answers[LOOK] = away
    seen: list[Reading] = []
    async with driving(peer) as driver:
        with pytest.raises(PrinterUnreachable, match="starting"):
            await driver.watch(seen.append)

    assert len(seen) == 2
    assert peer.asked[LOOK] == 4 + 3


async def test_a_wrong_key_ends_the_watch_at_once(peer: Peer) -> None:
    peer.answers[LOOK] = (403, None)
    async with driving(peer) as driver:
        with pytest.raises(Forbidden):
            await driver.watch(lambda reading: None)

    assert peer.asked[LOOK] == 1


async def test_a_job_it_stumbles_over_is_a_print_without_a_name(peer: Peer) -> None:
    peer.printing()
    peer.answers["GET /api/v1/job"] = (500, None)
    async with driving(peer) as driver:
        reading = await driver.status()

    assert (reading.operation, reading.file) == (Operation.PRINTING, None)


# -- files ---------------------------------------------------------------------------------------


async def test_a_file_is_there_when_it_is_shown_whole(peer: Peer, tmp_path: Path) -> None:
    peer.answers[f"PUT {FILE}"] = (201, None)
    peer.next[f"GET {FILE}"] = [(404, None), (200, {"size": 1}), (200, {"size": 4})]
    async with driving(peer) as driver:
        await driver.upload(part(tmp_path), NAME, 4)

    (put,) = [head for head in peer.heads if head.startswith(b"PUT")]
    for said in (
        b"Content-Length: 4\r",
        b"Content-Type: text/x.gcode\r",
        b"Overwrite: ?1\r",
        b"\r\n\r\nG28\n",
    ):
        assert said in put


async def test_a_file_that_never_shows_whole_is_said_so(peer: Peer, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(driver_module, "SHOWN_WITHIN_S", 0.2)
    peer.answers[f"PUT {FILE}"] = (201, None)
    async with driving(peer) as driver:
        with pytest.raises(ProtocolError, match="does not show it"):
            await driver.upload(part(tmp_path), NAME, 4)
        peer.answers[f"GET {FILE}"] = (200, {"size": 3})
        with pytest.raises(ProtocolError, match="3 of the 4 bytes"):
            await driver.upload(part(tmp_path), NAME, 4)


async def test_a_file_of_somebody_else_is_not_written_over(peer: Peer, tmp_path: Path) -> None:
    peer.answers["PUT /api/v1/files/usb/benchy.gcode"] = (409, {"message": "File already exists."})
    async with driving(peer) as driver:
        with pytest.raises(Refused, match="File already exists"):
            await driver.upload(part(tmp_path), "benchy.gcode", 4)

    assert not any(b"Overwrite" in head for head in peer.heads)


async def test_while_a_file_goes_there_it_is_looked_at_less_often(
    peer: Peer, tmp_path: Path, nursery
) -> None:
    peer.answers[f"PUT {FILE}"] = (201, None)
    peer.answers[f"GET {FILE}"] = (200, {"size": 4})
    peer.holding[f"PUT {FILE}"] = trio.Event()
    async with driving(peer) as driver:
        nursery.start_soon(Watch().run, driver)
        nursery.start_soon(driver.upload, part(tmp_path), NAME, 4)
        await peer.is_asked(f"PUT {FILE}")
        before = peer.asked[LOOK]
        await trio.sleep(0.35)
        assert peer.asked[LOOK] - before <= 1
        peer.holding[f"PUT {FILE}"].set()
        await trio.sleep(0.6)
        assert peer.asked[LOOK] - before > 3
        nursery.cancel_scope.cancel()


async def test_a_deleted_file_is_gone_when_it_shows_no_more(peer: Peer, monkeypatch) -> None:
    monkeypatch.setattr(driver_module, "SHOWN_WITHIN_S", 0.2)
    async with driving(peer) as driver:
        peer.answers[f"DELETE {FILE}"] = (500, None)  # its bug, of a file that is gone already
        await driver.delete(NAME)
        peer.answers[f"GET {FILE}"] = (200, {"size": 4})
        with pytest.raises(AnswerLost, match="still shows"):
            await driver.delete(NAME)
        peer.answers[f"DELETE {FILE}"] = (409, {"message": "It is currently printed."})
        with pytest.raises(Refused, match="in use"):
            await driver.delete(NAME)


async def test_files_lie_where_the_shop_says(peer: Peer) -> None:
    peer.answers["POST /link/api/v1/files/local/" + NAME] = (204, None)
    async with driving(peer, endpoints={"api": "/link/api", "storage": "/local"}) as driver:
        await driver.start(NAME)

    assert list(peer.asked) == [f"POST /link/api/v1/files/local/{NAME}"]


async def test_a_printer_without_a_drive_is_no_fault_of_the_file(peer: Peer, tmp_path: Path) -> None:
    peer.answers["GET /api/v1/storage"] = (200, {"storage_list": []})
    async with driving(peer) as driver:
        with pytest.raises(PrinterUnreachable, match="put a USB drive into the printer"):
            await driver.upload(part(tmp_path), NAME, 4)


# -- commands ------------------------------------------------------------------------------------


async def test_a_start_before_which_nothing_could_be_asked_was_never_sent(peer: Peer) -> None:
    peer.answers["GET /api/v1/storage"] = (503, None)
    async with driving(peer) as driver:
        with pytest.raises(PrinterUnreachable) as caught:
            await driver.start(NAME)

    assert not isinstance(caught.value, AnswerLost)
    assert not peer.asked[f"POST {FILE}"]


@pytest.mark.parametrize(
    ("said", "problem", "words"),
    [
        ((409, {"message": "Printer is not in state to print."}), Refused, "does not start"),
        ((404, {}), NotFound, "does not have the file"),
        ((401, None), Forbidden, "key"),
        ((500, None), AnswerLost, "unknown"),
        ((302, None), AnswerLost, "unknown"),
    ],
)
async def test_a_start_that_is_not_accepted(
    peer: Peer, said: tuple[int, Any], problem: type[FarmError], words: str
) -> None:
    peer.answers[f"POST {FILE}"] = said
    async with driving(peer) as driver:
        with pytest.raises(problem, match=words):
            await driver.start(NAME)


async def test_commands_go_to_the_print_that_is_on(peer: Peer) -> None:
    peer.printing()
    for wish in ("PUT /api/v1/job/7/pause", "DELETE /api/v1/job/7"):
        peer.answers[wish] = (204, None)
    async with driving(peer) as driver:
        await driver.pause()
        assert (await driver.status()).operation is Operation.PAUSING
        await driver.resume()  # it prints already, as far as it shows
        await driver.cancel()
        assert (await driver.status()).operation is Operation.CANCELLING

    assert not peer.asked["PUT /api/v1/job/7/resume"]


async def test_a_command_before_which_nothing_could_be_seen_was_never_sent(peer: Peer) -> None:
    peer.printing()
    async with driving(peer) as driver:
        for command in (driver.pause, driver.resume, driver.cancel):
            for answer in ((503, None), (200, {"printer": 7})):
                peer.next[LOOK] = [answer]
                with pytest.raises(PrinterUnreachable, match="Nothing was sent") as caught:
                    await command()
                assert caught.type is PrinterUnreachable


async def test_a_print_that_ended_in_between_is_nothing_to_command(peer: Peer) -> None:
    peer.printing()
    async with driving(peer) as driver:
        with pytest.raises(Refused, match="just ended"):
            await driver.cancel()


async def test_after_a_command_it_is_looked_at_at_once(peer: Peer, nursery: trio.Nursery) -> None:
    peer.printing()
    peer.answers["PUT /api/v1/job/7/pause"] = (204, None)
    watch = Watch()
    async with driving(peer, Rhythm(every_s=60)) as driver:
        nursery.start_soon(watch.run, driver)
        await watch.until(is_doing(Operation.PRINTING))
        await driver.pause()
        await watch.until(is_doing(Operation.PAUSING), within_s=1)
    nursery.cancel_scope.cancel()


# -- in an emergency -----------------------------------------------------------------------------


async def test_an_emergency_stop_ends_the_print_and_waits_for_nothing(peer: Peer, nursery) -> None:
    peer.printing()
    peer.answers["DELETE /api/v1/job/7"] = (204, None)
    peer.holding[f"POST {FILE}"] = trio.Event()
    async with driving(peer) as driver:
        nursery.start_soon(driver.start, NAME)
        await peer.is_asked(f"POST {FILE}")
        with trio.fail_after(0.5):
            await driver.emergency_stop()
        nursery.cancel_scope.cancel()

    assert peer.asked["DELETE /api/v1/job/7"] == 1


async def test_an_emergency_stop_of_a_printer_that_prints_nothing_sends_nothing(peer: Peer) -> None:
    async with driving(peer) as driver:
        await driver.emergency_stop()

    assert list(peer.asked) == [LOOK]


async def test_an_emergency_stop_ends_a_print_that_was_accepted_and_does_not_show_yet(peer: Peer) -> None:
    peer.answers[f"POST {FILE}"] = peer.answers["DELETE /api/v1/job/7"] = (204, None)
    unnumbered = {"printer": {"state": "PRINTING"}, "job": {**JOB, "id": None}}
    peer.next[LOOK] = [(200, {"printer": {"state": "IDLE"}})] * 2 + [(200, unnumbered)]
    async with driving(peer) as driver:
        await driver.start(NAME)
        peer.printing()
        await driver.emergency_stop()

    assert peer.asked["DELETE /api/v1/job/7"] == 1


async def test_an_emergency_stop_does_not_pass_for_sent_while_a_print_may_begin(
    peer: Peer, monkeypatch
) -> None:
    monkeypatch.setattr(driver_module, "URGENT_S", 1.1)
    peer.answers[f"POST {FILE}"] = (204, None)
    async with driving(peer) as driver:
        await driver.start(NAME)
        with pytest.raises(PrinterUnreachable, match="at the plug"):
            await driver.emergency_stop()
        peer.printing()
        await driver.status()
        peer.idle()
        await driver.emergency_stop()  # it has begun, and is over


async def test_an_emergency_stop_that_is_not_taken_is_told(peer: Peer) -> None:
    peer.printing(state="ATTENTION")
    peer.answers["DELETE /api/v1/job/7"] = (409, {"message": "Only when printer is printing."})
    async with driving(peer) as driver:
        with pytest.raises(Refused, match="Only when printer is printing"):
            await driver.emergency_stop()


async def test_an_emergency_stop_that_hangs_is_given_up_in_time(peer: Peer) -> None:
    peer.printing()
    peer.holding["DELETE /api/v1/job/7"] = trio.Event()
    async with driving(peer) as driver:
        with pytest.raises(PrinterUnreachable), trio.fail_after(3.5):
            await driver.emergency_stop()


# -- who is no PrusaLink -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answering("200 OK", b"<!DOCTYPE html><form>Log in</form>", "Content-Type: text/html"), "not JSON"),
        (answering("302 Found", b"", "Location: /login"), "leads on"),
        (answering("200 OK", json.dumps({"text": "OctoPrint 1.11.8"}).encode()), "no PrusaLink"),
        (answering("401 Unauthorized", b'{"error": {}}'), "no PrusaLink"),
        (answering("404 Not Found", b"<html>nginx"), "out of turn"),
    ],
)
async def test_another_peer_behind_the_address_is_told(nursery: trio.Nursery, behaviour, words: str) -> None:
    driver = PrusaLinkDriver(Address("prusalink", await raw_peer(nursery, behaviour), "key"))

    with pytest.raises(ProtocolError, match=words):
        await driver.identify()
    await driver.aclose()


async def test_tls_where_none_is_expected_and_the_reverse(nursery: trio.Nursery, tmp_path: Path) -> None:
    shown = certificate(address="127.0.0.1")
    said = json.dumps(VERSION).encode()

    async def never(pushed: object) -> None: ...

    secure = await push_peer(nursery, never, answering("200 OK", said), shown.server_context(tmp_path))
    plain = await raw_peer(nursery, answering("200 OK", said))

    for url in (secure.replace("https", "http"), plain.replace("http", "https")):
        driver = PrusaLinkDriver(Address("prusalink", url, "key"))
        with pytest.raises((PrinterUnreachable, ProtocolError), match=r"PrusaLink at .*\.$"):
            await driver.identify()
        await driver.aclose()
    trusted = PrusaLinkDriver(Address("prusalink", secure, "key"), trust=shown.fingerprint)
    assert (await trusted.identify()).version == "2.1.2"
    await trusted.aclose()
