from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product

import pytest
import trio
from trio_websocket import ConnectionClosed, connect_websocket_url
from web_farm import PASSWORD, read_answer

from farm.domain.user import Grant
from farm.errors import FarmError
from farm.live.connection import ConnectionLost
from farm.live.frame import Frame
from farm.printers.messages import RunCommand


async def cookie(farm):
    await farm.admin()
    login = await farm.http.post(
        "/v1/auth/login", json={"username": "ann", "password": PASSWORD, "session": True}
    )
    return login.headers["set-cookie"].partition(";")[0]


@asynccontextmanager
async def browser(farm, **headers):
    url = f"ws://127.0.0.1:{farm.port}/v1/live"
    async with trio.open_nursery() as nursery:
        client = await connect_websocket_url(nursery, url, extra_headers=list(headers.items()))
        try:
            yield client
        finally:
            await trio.aclose_forcefully(client._stream)
            nursery.cancel_scope.cancel()


async def refusal(farm, address, **headers):
    """How a handshake is answered that is refused."""
    lines = [f"GET {address} HTTP/1.1", f"Host: 127.0.0.1:{farm.port}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return await read_answer(await farm.raw("\r\n".join([*lines, "", ""]).encode()))


async def test_line_is_handed_over_with_its_address_and_without_a_cookie(farm):
    async with browser(farm) as client:
        await client.send_message("hello")
        assert await client.get_message() == "you said hello"

        (line,) = farm.clients.lines
        assert (line.address, line.cookie) == ("127.0.0.1", None)
        await client.send_message("bye")
        with pytest.raises(ConnectionClosed) as closed:
            await client.get_message()
    assert (closed.value.reason.code, closed.value.reason.reason) == (4000, "as you wish")
    await line.close(1000, "again")  # does nothing


async def test_page_of_ours_brings_its_cookie(farm):
    mine = await cookie(farm)

    async with browser(farm, Cookie=mine, Origin=farm.url) as client:
        await client.send_message("hello")
        await client.get_message()
        assert farm.clients.lines[0].cookie == mine.partition("=")[2]


async def test_cookie_without_an_origin_counts_for_nothing(farm):
    async with browser(farm, Cookie=await cookie(farm)) as client:
        await client.send_message("hello")
        await client.get_message()
        assert farm.clients.lines[0].cookie is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[evil", "http://127.0.0.1", ""])
async def test_page_of_others_is_refused(farm, origin):
    answer = await refusal(farm, "/v1/live", Cookie=await cookie(farm), Origin=origin)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert farm.clients.lines == []


async def test_credentials_in_the_address_are_refused(farm):
    answer = await refusal(farm, "/v1/live?token=abc")

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"token" in answer
    assert farm.clients.lines == []


async def test_whoever_attends_is_told_when_the_client_leaves(farm):
    ended = trio.Event()
    attend = farm.clients.attend

    async def watched(line):
        try:
            await attend(line)
        finally:
            ended.set()

    farm.clients.attend = watched
    async with browser(farm) as client:
        await client.send_message("hello")
        await client.get_message()

    with trio.fail_after(2):
        await ended.wait()


async def test_line_used_by_another_task_says_when_it_is_lost(farm):
    outcome, gone = [], trio.Event()

    async def attend(line):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)

    async def use(line):
        for attempt in (line.receive, lambda: line.send([Frame("x")])):
            try:
                await attempt()
            except ConnectionLost:
                outcome.append("lost")
        gone.set()

    async with trio.open_nursery() as elsewhere:

        async def handed_over(line):
            elsewhere.start_soon(use, line)
            await attend(line)

        farm.clients.attend = handed_over
        async with browser(farm):
            await trio.sleep(0.05)
        with trio.fail_after(2):
            await gone.wait()
    assert outcome == ["lost", "lost"]


async def test_mistake_while_attending_is_logged_and_closes_with_1011(farm, logged):
    async def attend(line):
        raise ZeroDivisionError

    farm.clients.attend = attend
    async with browser(farm) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.get_message()

    assert closed.value.reason.code == 1011
    assert [entry["path"] for entry in logged if entry["event"] == "request failed"] == ["/v1/live"]


# -- commands ----------------------------------------------------------------------------------

COMMANDS = [
    ("control", {"command": "pause", "reason": "lunch"}),
    ("control", {"command": "plate_cleared", "good": 2}),
    ("control", {"command": "plate_undo"}),
    ("control", {"command": "gcode", "lines": ["M115"]}),
    ("control", {"command": "set_temperature", "heater": "bed", "target_degc": 60}),
    ("control", {"command": "gcode", "lines": ["M115\nM112"]}),
    ("control", {"command": "dance"}),
    ("control", {"command": "jog"}),
    ("control", {"command": "pause", "sinse": 1}),
    ("control", {}),
    ("read", {"command": "pause"}),
    ("queue", {"command": "plate_cleared"}),
]


async def test_commands_through_the_socket_are_the_same_as_over_http(farm):
    for id in ("mk4-01", "mk4-02"):
        await farm.printer(id)
    outcomes = Counter()
    for (scope, body), name in product(COMMANDS, ["mk4-01", "mk4-02", "nobody"]):
        key = await farm.key(scope, grant=Grant(printers=frozenset({"mk4-01", "nobody"})))
        by = await farm.gate.authenticate(key["X-Api-Key"])
        answer = await farm.http.post(f"/v1/printers/{name}/commands", json=body, headers=key)
        over_http = told_to_neighbours(farm)
        outcome = await through_the_socket(farm, by, name, body)
        told = told_to_neighbours(farm)

        outcomes[answer.status_code] += 1
        if answer.status_code == 202:
            assert len(outcome) == len(answer.json()["command_id"])
            assert len(told) == 1
        else:
            assert outcome == answer.json()["detail"]
            assert told == []
        assert told == over_http
    assert set(outcomes) == {202, 403, 404, 422}


async def through_the_socket(farm, by, name, body):
    """The command's id, or why it was refused."""
    outcomes = []

    async def attend(line):
        try:
            outcomes.append(await line.command(by, name, json.dumps(body).encode()))
        except FarmError as problem:
            outcomes.append(str(problem))

    farm.clients.attend = attend
    async with browser(farm) as client:
        with pytest.raises(ConnectionClosed):
            await client.get_message()
    return outcomes[0]


def told_to_neighbours(farm):
    """What queue and printers were told, by whom and from where; but for the id, which is never the same."""
    told = []
    for neighbour in (farm.queue, *farm.printers.values()):
        for message, asker in zip(neighbour.heard, neighbour.askers, strict=True):
            id = {"id": ""} if isinstance(message, RunCommand) else {"command": ""}
            told.append((replace(message, **id), asker, asker.client))
        neighbour.heard.clear()
        neighbour.askers.clear()
    return told
