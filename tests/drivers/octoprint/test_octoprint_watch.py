"""Watching an OctoPrint that is hard to watch: behind an old proxy, forgetful, mad; and stopping it then."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
import trio
import trio.testing

from farm.domain.printer import Address, Operation
from farm.drivers import http
from farm.drivers.base import Reading
from farm.drivers.octoprint import driver as octoprint_driver
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.drivers.octoprint.protocol import Login
from farm.drivers.websocket import Hear, Vigilance
from farm.errors import Forbidden, PrinterUnreachable, ProtocolError
from tests.drivers.contract import Watch, is_doing
from tests.peers.push_peer import Pushed, push_peer
from tests.peers.raw_peer import answering, raw_peer

RECORDED = json.loads(
    (Path(__file__).parents[2] / "transcripts" / "octoprint" / "octoprint-1.11.8.json").read_text()
)
CURRENT = {
    "state": {"text": "Operational", "flags": {"operational": True, "ready": True}, "error": ""},
    "job": {"file": {"path": None}},
    "progress": {},
    "temps": [],
}
PRINTING = {"text": "Printing", "flags": {"operational": True, "printing": True}, "error": ""}
BRIEF = Vigilance(connect_s=1, ping_s=0.3, pong_s=0.5, silence_s=0.3, stale_s=0.5, paced_s=0.3)


class Rest:
    """Answers requests as the real one did; `logins` counts them, `key_taken` may be taken back."""

    def __init__(self) -> None:
        self.logins = 0
        self.looks = 0
        self.key_taken = True

    async def answer(self, stream: trio.SocketStream, request: bytes) -> None:
        method, path = request.split(b" ", 2)[:2]
        situation, status = "wrong key", "403 FORBIDDEN"
        if b"/sockjs/" in path:
            await answering("404 NOT FOUND", b"not here")(stream, request)
            return
        if self.key_taken:
            status = "200 OK"
            situation = {
                b"/api/login": "login",
                b"/api/job": "printing: job",
                b"/api/printer": "printing: printer, as we ask",
            }[path.partition(b"?")[0]]
        self.logins += method == b"POST"
        self.looks += b"/api/printer" in path
        body = json.dumps(RECORDED[situation]["body"]).encode()
        await answering(status, body, "Content-Type: application/json")(stream, request)


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
async def watch_of(nursery: trio.Nursery) -> AsyncIterator[Any]:
    """Starts a watch of the peer at an address; drivers are closed after the test."""
    drivers = []

    def start(url: str) -> Watch:
        drivers.append(OctoPrintDriver(Address("octoprint", url, "key"), vigilance=BRIEF))
        watch = Watch()
        nursery.start_soon(watch.run, drivers[-1])
        return watch

    yield start
    for driver in drivers:
        await driver.aclose()


async def test_a_printer_behind_a_proxy_without_push_is_asked_gently_and_said_once(
    nursery: trio.Nursery, rest: Rest, watch_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octoprint_driver, "POLL_BUSY_S", 0.2)
    monkeypatch.setattr(octoprint_driver, "TRY_PUSH_AGAIN_S", 1.0)
    with structlog.testing.capture_logs() as logs:
        watch = watch_of(await raw_peer(nursery, rest.answer))

        stale = await watch.until(lambda now: now.stale)  # the recorded values do not move
        await trio.sleep(1.2)

    assert stale.operation is Operation.PRINTING
    assert not watch.readings[0].stale
    assert rest.looks <= 14
    assert rest.logins == 2  # and then it tried the push socket again
    assert [entry["event"] for entry in logs] == ["printer does not push"]


async def test_a_printer_that_floods_is_asked_instead_and_its_people_are_told(
    nursery: trio.Nursery, rest: Rest, watch_of: Any
) -> None:
    cut = trio.Event()

    async def flood(pushed: Pushed) -> None:
        try:
            while True:
                await pushed.say(json.dumps({"current": CURRENT}))
        finally:
            cut.set()

    with structlog.testing.capture_logs() as logs:
        watch = watch_of(await push_peer(nursery, flood, rest.answer))
        asked = await watch.until(lambda now: "more than 40 messages a second" in now.attention)
        await cut.wait()

    assert asked.operation is Operation.PRINTING
    assert not asked.stale
    assert rest.logins == 1
    assert [entry["event"] for entry in logs] == ["printer does not push"]


async def test_a_printer_that_is_asked_is_lost_after_three_missed_looks(
    nursery: trio.Nursery, rest: Rest, watch_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octoprint_driver, "POLL_BUSY_S", 0.05)
    missed = 0

    async def answer(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal missed
        if b"/api/printer" in request and rest.looks >= 3:
            missed += 1
            return
        await rest.answer(stream, request)

    watch = watch_of(await raw_peer(nursery, answer))

    assert isinstance(await watch.lost(5), PrinterUnreachable)
    assert missed == 3


async def test_a_socket_that_swallows_everything_is_made_up_for_by_asking(
    nursery: trio.Nursery, rest: Rest, watch_of: Any
) -> None:
    async def swallow(pushed: Pushed) -> None:
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, swallow, rest.answer))

    assert (await watch.until(is_doing(Operation.PRINTING))).file is not None


async def test_a_session_that_ended_is_opened_again(nursery: trio.Nursery, rest: Rest, watch_of: Any) -> None:
    async def forget_once(pushed: Pushed) -> None:
        await pushed.say('{"connected": {}}')
        assert "subscribe" in await pushed.hears(1)
        assert "throttle" in await pushed.hears(2)
        assert "auth" in await pushed.hears(3)
        await pushed.say(json.dumps({"current": CURRENT}))
        await pushed.say('{"reauthRequired": {"reason": "stale"}}')
        assert "auth" in await pushed.hears(4)
        await pushed.say(json.dumps({"current": CURRENT | {"currentZ": 7}}))
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, forget_once, rest.answer))

    await watch.until(lambda now: now.z_mm == 7)
    assert rest.logins == 2


async def test_a_printer_at_rest_is_heard_less_often_and_a_change_at_once(
    nursery: trio.Nursery, rest: Rest, watch_of: Any
) -> None:
    asked: list[Any] = []

    async def begin_to_print(pushed: Pushed) -> None:
        await pushed.say(json.dumps({"current": CURRENT}))
        asked.append(json.loads(await pushed.hears(2)))
        await pushed.say('{"event": {"type": "PrinterStateChanged", "payload": {"state_id": "PRINTING"}}}')
        asked.append(json.loads(await pushed.hears(4)))
        await pushed.say(json.dumps({"history": CURRENT | {"state": PRINTING}}))
        asked.append(json.loads(await pushed.hears(5)))
        await pushed.say('{"event": {"type": "PrinterStateChanged", "payload": {"state_id": "PAUSED"}}}')
        await pushed.say(json.dumps({"current": CURRENT | {"state": PRINTING, "currentZ": 7}}))
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, begin_to_print, rest.answer))

    await watch.until(lambda now: now.z_mm == 7)
    assert asked[0] == {"throttle": 4}
    assert "subscribe" in asked[1]  # it is answered at once, while the next push may be 2 s away
    assert asked[2] == {"throttle": 1}  # and soon enough while it works


async def test_a_key_taken_back_is_said_when_the_session_ends(
    nursery: trio.Nursery, rest: Rest, watch_of: Any
) -> None:
    async def log_out(pushed: Pushed) -> None:
        await pushed.say('{"connected": {}}')
        await pushed.say(json.dumps({"current": CURRENT}))
        await pushed.hears(2)
        rest.key_taken = False
        await pushed.say('{"reauthRequired": {"reason": "logout"}}')
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, log_out, rest.answer))

    assert isinstance(await watch.lost(3), Forbidden)


@pytest.mark.parametrize("nonsense", ["{", "[]", '{"current": {"state": 7}}'])
async def test_an_octoprint_that_goes_mad_later_is_a_protocol_error(
    nursery: trio.Nursery, rest: Rest, watch_of: Any, nonsense: str
) -> None:
    async def go_mad(pushed: Pushed) -> None:
        await pushed.say(json.dumps({"current": CURRENT}))
        await pushed.say(nonsense)
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, go_mad, rest.answer))

    assert isinstance(await watch.lost(3), ProtocolError)


async def test_quick_pushes_are_told_twice_a_second_and_the_last_is_never_lost(
    nursery: trio.Nursery, rest: Rest, watch_of: Any
) -> None:
    async def hurry(pushed: Pushed) -> None:
        for z in range(30):
            await pushed.say(json.dumps({"current": CURRENT | {"currentZ": z}}))
            await trio.sleep(0.03)
        await trio.sleep_forever()

    watch = watch_of(await push_peer(nursery, hurry, rest.answer))
    began = time.monotonic()

    await watch.until(lambda now: now.z_mm == 29)
    assert len(watch.readings) <= 2.5 * (time.monotonic() - began) + 1


async def test_a_message_that_comes_in_the_very_moment_a_held_reading_is_due_delays_it_no_longer(
    mock_clock: trio.testing.MockClock,
) -> None:
    """As on a busy machine, where time passes between a message's coming and its being looked at."""
    messages = [{"current": CURRENT}, {"current": CURRENT | {"currentZ": 5}}, {"timelapse": None}]

    class Busy:
        async def send(self, *messages: str) -> None:
            await trio.lowlevel.checkpoint()

        async def listen(self, hear: Hear) -> NoReturn:
            while messages:
                await trio.lowlevel.checkpoint()
                if len(messages) == 1:
                    mock_clock.jump(octoprint_driver.LEAST_BETWEEN_S + 0.01)
                assert hear(json.dumps(messages.pop(0))) is None
            await trio.sleep_forever()

    told: list[Reading] = []
    both = trio.Event()

    def tell(reading: Reading) -> None:
        told.append(reading)
        if len(told) == 2:
            both.set()

    following = octoprint_driver._Following(BRIEF, Login("admin", "s"), no_answer, no_answer, tell)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(following.use, Busy())
        await both.wait()
        nursery.cancel_scope.cancel()

    assert told[1].z_mm == 5


async def no_answer() -> NoReturn:
    await trio.sleep_forever()
    raise AssertionError


async def test_an_emergency_stop_overtakes_everything_that_hangs(nursery: trio.Nursery) -> None:
    hanging, stopped = 0, trio.Event()

    async def hang_on_all_but_the_stop(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal hanging
        if b"M112" in request:
            stopped.set()
            await answering("204 NO CONTENT", b"")(stream, request)
            return
        hanging += 1
        await trio.sleep_forever()

    driver = OctoPrintDriver(Address("octoprint", await raw_peer(nursery, hang_on_all_but_the_stop), "key"))
    async with trio.open_nursery() as waiting:
        for _ in range(http.MAX_CONNECTIONS + 2):
            waiting.start_soon(driver.cancel)
        await trio.sleep(0.3)
        assert hanging == http.MAX_CONNECTIONS  # the pool is used up

        with trio.fail_after(0.5):
            await driver.emergency_stop()
        waiting.cancel_scope.cancel()

    assert stopped.is_set()
    await driver.aclose()
