"""A simulated Moonraker on its port: uploads, what waits, and every fault as a bare client meets it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import trio

from tests.simulator.fleet import NO_TLS, Fleet, Printer
from tests.simulator.rpc import Rpc, at_the_socket

LONG = "G28\n" + "".join(f"G1 X{20 * (line % 2)} E{line} F1200\n" for line in range(1, 200))
HEATING = "M109 S250\n"
IMPATIENT_S = 0.4


class Client:
    """Asks over HTTP, with the key."""

    def __init__(self, printer: Printer) -> None:
        key = {"X-Api-Key": printer.address.api_key}
        self.http = httpx.AsyncClient(
            base_url=printer.address.url, headers=key, trust_env=False, verify=NO_TLS, timeout=IMPATIENT_S
        )

    async def put(self, name: str = "a1_part.gcode", lines: str = LONG, **fields: str) -> httpx.Response:
        files = {"file": (name, lines.encode())}
        return await self.http.post("/server/files/upload", files=files, data=fields)

    async def start(self, name: str = "a1_part.gcode") -> httpx.Response:
        return await self.http.post("/printer/print/start", json={"filename": name})


@pytest.fixture
async def printer(fleet: Fleet) -> Printer:
    return await fleet.add(dialect="moonraker", speed=10)


@pytest.fixture
async def client(printer: Printer) -> AsyncIterator[Client]:
    client = Client(printer)
    yield client
    await client.http.aclose()


@pytest.fixture
async def rpc(printer: Printer) -> AsyncIterator[Rpc]:
    async with at_the_socket(printer.address.url, printer.address.api_key) as rpc:
        yield rpc


async def test_an_upload_is_checked_stored_and_printed(client: Client, printer: Printer) -> None:
    checksum = hashlib.sha256(LONG.encode()).hexdigest()
    wrong = await client.put(checksum="0" * 64)
    assert wrong.status_code == 422

    right = await client.put(checksum=checksum, print="true")

    assert right.status_code == 201
    assert right.json()["print_started"]
    assert right.headers["location"].endswith("/server/files/gcodes/a1_part.gcode")
    await printer.until("printing")
    assert (await client.http.get("/server/files/gcodes/a1_part.gcode")).text == LONG


async def test_a_pause_over_http_is_answered_when_it_is_hot(client: Client, printer: Printer) -> None:
    await client.put(lines=HEATING + LONG, print="true")
    began = trio.current_time()
    done = await client.http.post("/printer/print/pause", timeout=10)

    assert done.json() == {"result": "ok"}
    assert 1 < trio.current_time() - began < 6  # 23 s of the machine's life
    await printer.until("paused")


@pytest.mark.parametrize(
    ("manner", "problem"),
    [
        ("drop", httpx.RemoteProtocolError),
        ("half_open", httpx.ReadTimeout),
        ("refuse", httpx.TransportError),
        ("silent", httpx.TimeoutException),
    ],
)
async def test_it_is_away_in_every_manner_and_well_again(
    client: Client, printer: Printer, manner: str, problem: type[Exception]
) -> None:
    assert (await client.http.get("/server/info")).status_code == 200
    await printer.switch(manner=manner)

    for _ in range(2):  # over the connection there was, and over a new one
        with pytest.raises(problem):
            await client.http.get("/server/info")

    await printer.switch(manner="well")
    assert (await client.http.get("/server/info")).status_code == 200


async def test_it_answers_wrongly_over_http_and_at_the_socket(
    client: Client, printer: Printer, rpc: Rpc
) -> None:
    await printer.switch(manner="500")
    assert (await client.http.get("/server/info")).status_code == 500
    assert (await rpc.call("server.info"))["error"]["code"] == 500

    await printer.switch(manner="garbage")
    with pytest.raises(ValueError, match="codec"):
        json.loads((await client.http.get("/server/info")).content)
    await rpc.send("server.info")
    await rpc.until_closed(2)  # a text frame that is none


async def test_a_half_open_link_holds_the_socket_too_and_carries_out_late(
    client: Client, printer: Printer, rpc: Rpc
) -> None:
    await client.put()
    await printer.switch(manner="half_open")
    await trio.sleep(0.1)
    before = len(rpc.heard)
    number = await rpc.send("printer.print.start", filename="a1_part.gcode")
    await trio.sleep(1.2)
    assert len(rpc.heard) == before

    await printer.switch(manner="well")
    with trio.fail_after(2):
        assert (await rpc.answer_to(number))["result"] == "ok"


@pytest.mark.parametrize("cut", ["refuse", "restart"])
async def test_refusing_and_restarting_cut_the_socket(printer: Printer, rpc: Rpc, cut: str) -> None:
    if cut == "refuse":
        await printer.switch(manner="refuse")
    else:
        await printer.do("restart", down_s=0.1)

    await rpc.until_closed(1)


async def test_after_a_restart_klippy_comes_later_than_moonraker(client: Client, printer: Printer) -> None:
    await client.put()
    await client.start()
    await trio.sleep(0.5)  # it stands in the history
    await printer.do("restart", down_s=0.2)

    seen: list[int] = []
    with trio.fail_after(6):
        while not seen or seen[-1] != 200:
            try:
                seen.append((await client.http.get("/printer/info")).status_code)
            except httpx.TransportError:
                seen.append(0)
            await trio.sleep(0.02)
    assert set(seen) == {0, 404, 200}
    await printer.until("standby")
    (job,) = (await client.http.get("/server/history/list")).json()["result"]["jobs"]
    assert job["status"] == "interrupted"


@pytest.mark.parametrize("then", ["nothing", "close"])
async def test_the_answer_to_a_start_is_lost_at_the_socket_and_the_print_runs(
    client: Client, printer: Printer, rpc: Rpc, then: str
) -> None:
    await client.put()
    await printer.switch(swallow={"what": "start", "then": then})

    with pytest.raises((trio.TooSlowError, EOFError)):
        await rpc.call("printer.print.start", within_s=0.5, filename="a1_part.gcode")

    assert rpc.closed == (then == "close")
    told = await printer.told()
    assert (told["starts"], told["swallow"], told["state"]) == ({"a1_part.gcode": 1}, None, "printing")


@pytest.mark.parametrize(("what", "count"), [("start", "starts"), ("upload", "uploads")])
async def test_an_answer_over_http_is_lost_and_done_nevertheless(
    client: Client, printer: Printer, what: str, count: str
) -> None:
    await printer.switch(swallow={"what": what, "then": "close"})

    with pytest.raises(httpx.RemoteProtocolError):
        await client.put(print="true")

    assert (await printer.told())[count] == {"a1_part.gcode": 1}


async def test_a_flood_is_told_as_fast_as_asked_for(printer: Printer, rpc: Rpc) -> None:
    await printer.switch(flood_per_s=1000)
    await trio.sleep(0.3)
    before = len(rpc.heard)
    await trio.sleep(1)

    assert 300 < len(rpc.heard) - before < 1200


async def test_every_printer_has_a_port_and_a_key_of_its_own(fleet: Fleet, printer: Printer) -> None:
    other = await fleet.add(dialect="moonraker")
    await other.switch(manner="500")

    answers: list[Any] = []
    for key in (printer.address.api_key, other.address.api_key):
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as http:
            url = f"{printer.address.url}/server/info"
            answers.append((await http.get(url, headers={"X-Api-Key": key})).status_code)

    assert answers == [200, 401]


async def test_who_leaves_is_not_told_any_more(fleet: Fleet, printer: Printer) -> None:
    async with at_the_socket(printer.address.url, printer.address.api_key) as rpc:
        await rpc.until_told("proc_stat_update")
    async with at_the_socket(printer.address.url, printer.address.api_key) as rpc:
        info = await rpc.call("server.info")

    assert info["result"]["websocket_count"] == 1
