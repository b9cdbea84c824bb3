"""Whoever else stands behind a Moonraker's port, and a Moonraker that has lost its mind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio

from farm.domain.printer import Address, Operation
from farm.drivers.base import AnswerLost
from farm.drivers.http import Patience
from farm.drivers.moonraker import driver as moonraker_driver
from farm.drivers.moonraker.driver import MoonrakerDriver
from farm.drivers.websocket import Vigilance
from farm.errors import FarmError, PrinterUnreachable, ProtocolError
from tests.drivers.contract import Watch, is_doing
from tests.drivers.moonraker.recorded import ANSWERS, NAME
from tests.peers.certificates import certificate
from tests.peers.mad_peer import NAMES, WITH_A_WRONG_ONE, WITHOUT_AN_ANSWER
from tests.peers.push_peer import Pushed, push_peer
from tests.peers.raw_peer import Behaviour, answering, raw_peer, read_request

BRIEF = Patience(connect_s=0.3, silence_s=0.2, whole_s=0.4, command_s=0.4, stored_s=0.2)
VIGILANT = Vigilance(connect_s=1, ping_s=0.3, pong_s=0.5, silence_s=0.3, stale_s=0.5, paced_s=0.3)
SENTENCE = r"^[A-Z].*\.$"


@pytest.fixture
async def driver_at() -> AsyncIterator[Callable[..., MoonrakerDriver]]:
    drivers: list[MoonrakerDriver] = []

    def make(url: str, trust: str = "system") -> MoonrakerDriver:
        drivers.append(MoonrakerDriver(Address("moonraker", url, "hush" * 8), BRIEF, trust, VIGILANT))
        return drivers[-1]

    yield make
    for driver in drivers:
        await driver.aclose()


async def problem(ask: Callable[..., Any], *arguments: object) -> FarmError:
    with pytest.raises(FarmError, match=SENTENCE) as caught:
        await ask(*arguments)
    assert "hush" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("behaviour", WITHOUT_AN_ANSWER, **NAMES)
async def test_a_peer_that_gives_no_answer_is_an_answer_lost(
    nursery, driver_at, behaviour: Behaviour, monkeypatch
):
    monkeypatch.setattr(moonraker_driver, "URGENT_S", 0.3)
    driver = driver_at(await raw_peer(nursery, behaviour))

    for ask in (driver.identify, driver.status, driver.emergency_stop):
        assert isinstance(await problem(ask), AnswerLost)
    for command in (driver.cancel, lambda: driver.start(NAME)):  # not even the look before was answered
        assert type(await problem(command)) is PrinterUnreachable


@pytest.mark.parametrize("behaviour", WITH_A_WRONG_ONE, **NAMES)
async def test_a_wrong_answer_is_a_protocol_error_and_nothing_was_sent(
    nursery, driver_at, behaviour: Behaviour
):
    driver = driver_at(await raw_peer(nursery, behaviour))

    for look in (driver.identify, driver.status, lambda: driver.watch(lambda reading: None)):
        assert isinstance(await problem(look), ProtocolError)
    assert type(await problem(driver.start, NAME)) is PrinterUnreachable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("200 OK", b"<!DOCTYPE html><title>Log in</title>", "text/html"),
        ("401 Unauthorized", b'<html><form action="/login">', "text/html"),
        ("404 NOT FOUND", b"<html>OctoPrint knows no such page", "text/html"),
        ("403 FORBIDDEN", b'{"error": "You are not allowed"}', "application/json"),
        ("200 OK", b'{"api": "2.0.0", "text": "PrusaLink 0.8.1"}', "application/json"),
    ],
)
async def test_another_peer_behind_the_port_is_told_so(nursery, driver_at, status, body, kind):
    driver = driver_at(await raw_peer(nursery, answering(status, body, f"Content-Type: {kind}")))

    assert "Moonraker" in str(await problem(driver.identify))
    assert isinstance(await problem(driver.status), ProtocolError)


async def test_tls_where_none_is_expected_and_the_reverse_is_said_in_words(
    nursery, driver_at, tmp_path: Path
):
    async def never(pushed: Pushed) -> None: ...

    shown = certificate()
    tls = await push_peer(nursery, never, answering("200 OK", b"{}"), shown.server_context(tmp_path))
    plain = await raw_peer(nursery, answering("200 OK", b"{}"))

    for url in (tls.replace("https", "http"), plain.replace("http", "https")):
        driver = driver_at(url)
        for ask in (driver.identify, driver.emergency_stop, lambda d=driver: d.watch(lambda reading: None)):
            assert isinstance(await problem(ask), PrinterUnreachable | ProtocolError)
    assert "does not trust" in str(await problem(driver_at(tls).identify))


async def test_a_key_that_fits_into_no_header_is_a_problem_and_no_crash_and_stops_nobody_in_an_emergency(
    nursery,
):
    url = await raw_peer(nursery, answering("200 OK", b'{"result": "ok"}'))
    driver = MoonrakerDriver(Address("moonraker", url, " hush "), BRIEF)
    assert isinstance(await problem(driver.status), AnswerLost)
    await driver.emergency_stop()  # nothing is made of what it takes, but the shortest way
    await driver.aclose()


# -- one that answers as it should, but ----------------------------------------------------------


class Host:
    """Answers as the real one did in a situation; `odd` answers some paths its own way."""

    def __init__(self, situation: str = "printing") -> None:
        self.situation = situation
        self.odd: dict[bytes, Behaviour] = {}
        self.asked: list[bytes] = []

    async def answer(self, stream: trio.SocketStream, request: bytes) -> None:
        path = request.split(b" ", 2)[1].partition(b"?")[0]
        self.asked.append(path)
        if path in self.odd:
            await self.odd[path](stream, request)
            return
        parts = {
            b"/printer/objects/list": "objects",
            b"/printer/objects/query": "status",
            b"/printer/info": "klipper",
            b"/server/info": "moonraker",
        }
        said = ANSWERS[f"{self.situation}: {parts[path]}"]
        body = json.dumps(said["body"]).encode()
        status = f"{said['status']} OK"
        await answering(status, body, "Content-Type: application/json")(stream, request)


async def say_nothing(stream: trio.SocketStream, request: bytes) -> None:
    await trio.sleep_forever()


async def test_a_start_without_an_answer_may_be_printing(nursery, driver_at):
    host = Host("idle")
    for behaviour in (say_nothing, answering("502 Bad Gateway", b"<html>"), answering("200 OK", b"<html>")):
        host.odd = {b"/printer/print/start": behaviour}
        driver = driver_at(await raw_peer(nursery, host.answer))
        assert isinstance(await problem(driver.start, NAME), AnswerLost)


async def test_a_command_that_klipper_has_not_refused_in_time_waits_for_its_turn(
    nursery, driver_at, monkeypatch
):
    monkeypatch.setattr(moonraker_driver, "REFUSED_WITHIN_S", 0.2)
    host = Host("printing")
    host.odd = {b"/printer/print/pause": say_nothing}
    driver = driver_at(await raw_peer(nursery, host.answer))

    await driver.pause()

    assert (await driver.status()).operation is Operation.PAUSING
    host.odd |= {
        b"/printer/print/cancel": say_nothing,
        b"/server/info": say_nothing,
    }  # and Moonraker itself answers nothing any more
    assert isinstance(await problem(driver.cancel), AnswerLost)


async def test_a_command_after_which_moonraker_is_gone_may_have_been_done(nursery, driver_at, monkeypatch):
    monkeypatch.setattr(moonraker_driver, "REFUSED_WITHIN_S", 0.2)
    host = Host("idle")
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def take_it_and_let_nobody_in(stream: trio.SocketStream, request: bytes) -> None:
        await listener.aclose()
        await trio.sleep_forever()

    async def let_in() -> None:
        async def talk(stream: trio.SocketStream) -> None:
            async with stream:
                await host.answer(stream, await read_request(stream))

        with suppress(trio.ClosedResourceError):
            while True:
                nursery.start_soon(talk, await listener.accept())

    host.odd = {b"/printer/gcode/script": take_it_and_let_nobody_in}
    nursery.start_soon(let_in)
    driver = driver_at(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")

    assert isinstance(await problem(driver.send_gcode, ["G1 E50"]), AnswerLost)


async def test_a_moonraker_that_floods_is_asked_instead_and_its_people_are_told(
    nursery, driver_at, monkeypatch
):
    monkeypatch.setattr(moonraker_driver, "POLL_S", 0.05)
    cut = trio.Event()
    host = Host("printing")

    async def flood(pushed: Pushed) -> None:
        try:
            while True:
                await pushed.say(json.dumps({"method": "notify_gcode_response", "params": ["// spam"]}))
        finally:
            cut.set()

    watch = Watch()
    with structlog.testing.capture_logs() as logs:
        nursery.start_soon(watch.run, driver_at(await push_peer(nursery, flood, host.answer)))
        asked = await watch.until(lambda now: "more than 40 messages a second" in now.attention)
        await cut.wait()

    assert asked.operation is Operation.PRINTING
    assert [entry["event"] for entry in logs] == ["printer does not push"]
    host.situation = "finished"
    over = await watch.until(is_doing(Operation.IDLE))
    assert over.ended.remote_name == NAME
    host.odd = dict.fromkeys((b"/printer/objects/list", b"/printer/info", b"/server/info"), say_nothing)
    assert isinstance(await watch.lost(5), PrinterUnreachable)


async def test_a_push_socket_that_is_none_is_said_in_words(nursery, driver_at):
    for body in (b"<html>", b"{}"):
        driver = driver_at(await raw_peer(nursery, answering("200 OK", body)))
        told = await problem(driver.watch, lambda reading: None)
        assert "200 instead of opening a push socket" in str(told)
