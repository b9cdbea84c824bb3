"""What passed between the farm and a print host: noted, bounded, and shown without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Address
from farm.drivers import flight
from farm.drivers.base import AnswerLost
from farm.drivers.exchange import Request, file_envelope
from farm.drivers.flight import FlightRecorder, recording, written
from farm.drivers.http import Http, Patience
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.drivers.websocket import PushSocket, Vigilance, hold_push_socket
from farm.errors import PrinterUnreachable
from tests.peers.mad_peer import say_nothing
from tests.peers.push_peer import Pushed, push_peer
from tests.peers.raw_peer import answering, raw_peer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = "5ec4e7f00dfeed5ec4e7f00dfeed5ec4"
BRIEF = Patience(connect_s=1.0, silence_s=0.2, whole_s=0.4, command_s=0.4, stored_s=0.2)


@contextmanager
def recorded() -> Iterator[FlightRecorder]:
    recorder = FlightRecorder()
    token = recording.set(recorder)
    try:
        yield recorder
    finally:
        recording.reset(token)


def shown(recorder: FlightRecorder, *secrets: str) -> list[str]:
    """The lines without their times."""
    lines = written(recorder.everything(), NOON, trio.current_time(), secrets)
    return [line.partition(" ")[2] for line in lines]


async def test_requests_and_answers_are_noted_as_they_pass(nursery: trio.Nursery, tmp_path: Path) -> None:
    url = await raw_peer(nursery, answering("200 OK", b'{"state": "fine"}'))
    (tmp_path / "part.gcode").write_bytes(b"G28\n" * 1000)
    with recorded() as recorder:
        http = Http(url, "OctoPrint", {"X-Api-Key": KEY}, BRIEF)
        await http.send(Request("POST", "/api/job", b'{"command": "pause"}', "application/json"))
        await http.send_alone(Request("GET", "/api/version"))
        await http.send_file(
            Request("POST", "/api/files/local"), tmp_path / "part.gcode", 4000, file_envelope("a.gcode", "x")
        )
        await http.aclose()

    assert shown(recorder) == [
        '> POST /api/job {"command": "pause"}',
        '< 200 to POST /api/job {"state": "fine"}',
        "> GET /api/version",
        '< 200 to GET /api/version {"state": "fine"}',
        "> POST /api/files/local a file of 4000 bytes",
        '< 200 to POST /api/files/local {"state": "fine"}',
    ]
    assert KEY not in str(recorder.everything())


async def test_what_went_wrong_is_noted_in_words(nursery: trio.Nursery) -> None:
    url = await raw_peer(nursery, say_nothing)
    with recorded() as recorder:
        http = Http(url, "OctoPrint", {}, BRIEF)
        with pytest.raises(AnswerLost):
            await http.send(Request("GET", "/api/job"))
        with trio.move_on_after(0.05):
            await http.send(Request("GET", "/api/version"))
        await http.aclose()

    asked, lost, again, given_up = shown(recorder)
    assert (asked, again) == ("> GET /api/job", "> GET /api/version")
    assert lost.startswith("! GET /api/job: OctoPrint at http://127.0.0.1")
    assert given_up == "! GET /api/version: nobody waited for the answer any longer"


async def test_what_is_pushed_is_noted_and_what_we_say_there(nursery: trio.Nursery) -> None:
    async def pushing(pushed: Pushed) -> None:
        await pushed.say('{"current": {"temps": [1]}}')
        await trio.sleep_forever()

    async def use(socket: PushSocket) -> NoReturn:
        await socket.listen(partial(answer, socket))

    async def answer(socket: PushSocket, message: str) -> None:
        await socket.send(json.dumps({"auth": f"farm:{KEY}"}))
        raise PrinterUnreachable("enough seen.")

    url = await push_peer(nursery, pushing)
    with recorded() as recorder, trio.fail_after(10), pytest.raises(PrinterUnreachable, match="enough"):
        await hold_push_socket(url, "/sockjs/websocket", "OctoPrint", use, vigilance=Vigilance())

    assert shown(recorder) == [
        '< pushed {"current": {"temps": [1]}}',
        '> to the push socket {"auth": [left out]}',
    ]


async def test_nobody_records_what_is_done_elsewhere(nursery: trio.Nursery) -> None:
    url = await raw_peer(nursery, answering("200 OK", b"{}"))
    driver = OctoPrintDriver(Address("octoprint", url, KEY), BRIEF)
    await driver._http.send(Request("GET", "/api/version"))
    await driver.aclose()

    assert recording.get() is None


async def test_the_recorder_is_bounded_and_keeps_the_newest() -> None:
    room = 100_000
    recorder = FlightRecorder(lambda: room)
    for number in range(10_000):
        recorder.came(f"200 to GET /{number}", b"x" * (number % 9000))

    kept = recorder.everything()
    assert kept[-1].head == "200 to GET /9999"
    assert sum(len(each.body) + flight.OVERHEAD for each in kept) <= room
    assert max(len(each.body) for each in kept) <= flight.LONGEST
    assert shown(recorder)[-1].endswith("x … of 999 bytes") is False
    recorder.came("big", b"y" * 9000)
    assert shown(recorder)[-1].endswith("y … of 9000 bytes")
    room = 1  # a thousand printers came
    recorder.failed("no more")
    assert [each.head for each in recorder.everything()] == ["no more"]


@given(
    st.sampled_from(
        ["password", "api_key", "apikey", "X-Api-Key", "refresh_token", "session", "Authorization"]
    ),
    st.text(st.characters(codec="ascii", exclude_characters='"\\&,;}] \t\r\n', min_codepoint=33), min_size=6),
    st.sampled_from(
        ['{{"{0}": "{1}"}}', '{{"a":1,"{0}":"{1}","b":2}}', "{0}={1}&b=2", '{{\\"{0}\\": \\"{1}\\"}}']
    ),
)
def test_what_is_called_a_secret_is_not_shown(name: str, secret: str, shape: str) -> None:
    recorder = FlightRecorder()

    async def record() -> list[str]:
        await trio.lowlevel.checkpoint()
        recorder.sent("POST /access/login", shape.format(name, secret).encode())
        return shown(recorder)

    (line,) = trio.run(record)
    assert secret not in line.replace("[left out]", "")


@given(st.text(min_size=4).filter(lambda text: "\x00" not in text))
def test_a_known_secret_is_shown_nowhere(secret: str) -> None:
    recorder = FlightRecorder()

    async def record() -> list[str]:
        await trio.lowlevel.checkpoint()
        recorder.came("pushed", json.dumps({"words": f"<{secret}>"}))
        recorder.came("pushed", f"<{secret}>".encode("utf-8", "replace"))
        return shown(recorder, secret)

    for line in trio.run(record):
        assert f"<{secret}>" not in line
        assert "\n" not in line
