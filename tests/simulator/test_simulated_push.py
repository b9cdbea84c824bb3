"""The push socket's side of the dialect: messages in, messages out, time as a number."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from farm.simulator.machine import Machine
from farm.simulator.octoprint.dialect import OctoPrint
from farm.simulator.octoprint.push import EVERY_S, MAX_WAITING, Push
from farm.simulator.stamp import age_s
from tests.simulator.fleet import Fleet, deaf_client

LOGIN = '{"auth":"admin:good"}'


@pytest.fixture
def host(tmp_path: Path) -> OctoPrint:
    return OctoPrint(Machine(), tmp_path, "key", now=0.0, wall_offset=1000.0)


def client(host: OctoPrint, *said: str) -> Push:
    push = Push(host, {"good"}, now=0.0)
    for words in said:
        push.receive(words, 0.0)
    return push


def heard(push: Push) -> list[tuple[str, Any]]:
    messages = [json.loads(message) for message in push.waiting]
    push.waiting.clear()
    return [next(iter(message.items())) for message in messages]


def kinds(push: Push) -> list[str]:
    return [kind for kind, _ in heard(push)]


def pictures_until(push: Push, now: float) -> int:
    count = 0
    for step in range(int(now / 0.05) + 1):
        push.tick(step * 0.05)
        count += kinds(push).count("current")
    return count


def test_a_stranger_hears_whom_it_reached_and_nothing_more(host: OctoPrint) -> None:
    push = client(host)
    assert kinds(push) == ["connected"]

    host.go_awol(1.0)
    host.lose_line(1.0)

    assert pictures_until(push, 5) == 0
    assert kinds(push) == []
    assert push.wake_at > 5  # and costs no more than a look now and then


@pytest.mark.parametrize(
    "words", ["", "no JSON", "[]", "1", '{"auth":7}', '{"auth":"admin"}', '{"subscribe":1}']
)
def test_nonsense_is_ignored(host: OctoPrint, words: str) -> None:
    push = client(host, words)

    assert kinds(push) == ["connected"]


def test_a_stale_login_is_told_to_log_in_again(host: OctoPrint) -> None:
    push = client(host, '{"auth":"admin:stale"}')

    assert heard(push)[1:] == [("reauthRequired", {"reason": "stale"})]


def test_a_login_brings_the_history_and_two_pictures_a_second(host: OctoPrint) -> None:
    push = client(host, LOGIN)
    assert kinds(push) == ["connected", "history", "timelapse"]

    assert pictures_until(push, 10) == pytest.approx(10 / EVERY_S, abs=1)


def test_a_throttled_client_gets_fewer(host: OctoPrint) -> None:
    push = client(host, LOGIN, '{"throttle":4}')

    assert pictures_until(push, 20) == pytest.approx(10, abs=1)


def test_a_busy_moment_does_not_bring_clients_into_step(host: OctoPrint) -> None:
    early, late = client(host, LOGIN), Push(host, {"good"}, now=0.2)
    late.receive(LOGIN, 0.2)
    heard(early), heard(late)
    for push in (early, late):
        push.tick(0.75)  # one due at 0.5, one at 0.7

    pictures = [
        [moment for moment in range(76, 300) if push.tick(moment / 100) or kinds(push)]
        for push in (early, late)
    ]

    assert {moment % 50 for moment in pictures[0][1:]} == {0}
    assert {moment % 50 for moment in pictures[1][1:]} == {20}


def test_each_picture_carries_a_fresh_reading_where_that_is_wanted(host: OctoPrint) -> None:
    host.stamped = True
    push = client(host, LOGIN)
    heard(push)
    ages = []
    for step in range(60):
        push.tick(step * 0.05)
        for _, picture in heard(push):
            (sample,) = picture["temps"]
            ages.append(age_s(sample["tool0"]["actual"], host.wall(step * 0.05)))

    assert ages == pytest.approx([0.0] * 5, abs=0.001)


def test_samples_come_once_each(host: OctoPrint) -> None:
    push, times = client(host, LOGIN), []
    heard(push)
    for step in range(400):
        push.tick(step * 0.05)
        for _, picture in heard(push):
            times += [sample["time"] for sample in picture["temps"]]

    assert times == [1000 + second for second in range(2, 20, 2)]


def test_events_are_there_at_once_and_only_for_who_wants_them(host: OctoPrint) -> None:
    told = []
    push = Push(host, {"good"}, 0.0, on_news=lambda: told.append(1))
    push.receive(LOGIN, 0.0)
    deaf = client(host, LOGIN, '{"subscribe":{"state":true,"events":false}}')
    heard(push), heard(deaf), told.clear()

    host.disconnect(1.0)

    assert kinds(push)[0] == "event"
    assert told
    assert kinds(deaf) == []


def test_a_client_that_never_reads_is_given_up(host: OctoPrint) -> None:
    push = client(host, LOGIN)

    for number in range(MAX_WAITING):
        assert not push.over
        host.disconnect(float(number))
        host.connect(float(number))
        if push.over:
            break

    assert push.over


async def test_a_client_that_does_not_read_is_cut_off_and_the_print_goes_on(fleet: Fleet) -> None:
    printer = await fleet.add(speed=1000)
    url, key = printer.address.url, {"X-Api-Key": printer.address.api_key}
    restless = "G1 Z1 F60000\nG1 Z0\n" * 25_000  # an event a line
    async with (
        httpx.AsyncClient(base_url=url, headers=key, trust_env=False) as http,
        deaf_client(printer) as line,
    ):
        await trio.sleep(0.2)
        sent = await http.post(
            "/api/files/local", files={"file": ("z.gcode", restless)}, data={"print": "true"}
        )
        assert sent.json()["effectivePrint"]

        await printer.until("Operational")  # printed to its end

        heard = 0
        with trio.fail_after(5), suppress(trio.BrokenResourceError):
            while piece := await line.receive_some(1 << 20):
                heard += len(piece)
    assert heard < 50_000 * 60  # cut off long before it was told everything
    assert (await printer.told())["files"]["z.gcode"]["successes"] == 1


def test_a_print_keeps_its_file_while_a_new_one_takes_its_name(host: OctoPrint, tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for path in (first, second):
        path.write_bytes(b"G4 S1\n")
    host.select(host.store("a.gcode", first, 6, "sha", 1.0))
    host.start(1.0)
    host.tick(1.0)
    assert host.in_use("a.gcode")
    host.store("b.gcode", second, 6, "sha", 1.0)
    host.tick(5.0)

    assert not host.in_use("a.gcode")
    assert host.files["a.gcode"].successes == 1
    assert host.files["b.gcode"].successes == 0
