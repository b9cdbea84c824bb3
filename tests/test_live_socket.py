"""The live socket of a whole farm in a process of its own: killed, stopped, crowded."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, connect_websocket_url

from farm.platform import raise_descriptor_limit
from scripts.benches import live
from scripts.benches.fanout import servers
from scripts.benches.fanout.servers import Server
from scripts.benches.fanout.subscribers import FarmTalk, stalled
from tests.peers.farm_process import FarmProcess, running_farm

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
KILLS = max(4, int(40 * SCALE))
ROOMS = ["queue", "files", "printers"]

posix = pytest.mark.skipif(os.name != "posix", reason="ends the server by signals")


@pytest.fixture
def server(tmp_path: Path):
    with running_farm(tmp_path / "data") as farm:
        yield farm


@asynccontextmanager
async def connected(server: FarmProcess) -> AsyncIterator[WebSocketConnection]:
    """A client that said who it is."""
    async with trio.open_nursery() as nursery:
        client = await connect_websocket_url(nursery, server.url.replace("http", "ws") + "/v1/live")
        try:
            await client.send_message(json.dumps({"op": "auth", "token": server.headers["X-Api-Key"]}))
            yield client
        finally:
            await trio.aclose_forcefully(client._stream)
            nursery.cancel_scope.cancel()


def work(server: FarmProcess, file: str, goes_on: Callable[[], bool]) -> None:
    """Wish for one job after the other, until the server is gone."""
    with httpx.Client(trust_env=False, headers=server.headers, timeout=10) as http:
        while goes_on():
            try:
                answer = http.post(f"{server.url}/v1/jobs", json={"file": file, "hold": True})
                assert answer.status_code == 201, answer.text
            except httpx.TransportError:
                return


@dataclass
class Program:
    """One that follows the farm over all its lives, as the README says."""

    server: FarmProcess
    since: dict[str, Any] | None = None
    begun_at: int | None = None
    heard: list[int] = field(default_factory=list)
    replays: int = 0

    async def follow(self, until: Callable[[], bool] = lambda: False) -> None:
        """Listen until the line is lost, or `until` says so after a message."""
        sent = None
        async with connected(self.server) as client:
            past = {} if self.begun_at is None else {"since": self.since}
            await client.send_message(json.dumps({"op": "subscribe", "rooms": ROOMS, **past}))
            while True:
                try:
                    frame = json.loads(await client.get_message())
                except ConnectionClosed:
                    return
                for event in frame.get("events", [frame]):
                    sent = self._take(event, sent)
                if until():
                    return

    def _take(self, event: dict[str, Any], sent: int | None) -> int | None:
        if event["type"] == "welcome":
            assert self.since is None or self.since["epoch"] == event["epoch"]
            self.since = self.since or {"epoch": event["epoch"], "seq": 0}
        elif event["type"] == "snapshot":
            assert "reason" not in event
            self.begun_at = event["seq"]
            self._saw(event["seq"])
        elif event["type"] == "replay":
            self.replays += 1
            self._saw(event["seq"])
        elif "prev" in event:
            assert event["prev"] == sent
            self.heard.append(event["seq"])
            self._saw(event["seq"])
            return event["seq"]
        else:
            assert event["type"] in ("printer.statusUpdate", "printer.gone"), event
        return sent

    def _saw(self, seq: int) -> None:
        assert self.since is not None
        self.since = {**self.since, "seq": max(seq, self.since["seq"])}


@posix
@pytest.mark.timeout(600)
async def test_program_hears_every_fact_once_though_the_server_is_killed_again_and_again(server: FarmProcess):
    chance = random.Random(5)
    file = server.ask("POST", "/v1/files?name=chip.gcode", content=b"G28\n").json()["id"]
    program = Program(server)
    for _ in range(KILLS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, work, server, file, lambda: True)
            nursery.start_soon(program.follow)
            await trio.sleep(chance.uniform(0.3, 0.9))
            server.kill()  # both notice, and end
        await trio.to_thread.run_sync(work, server, file, lambda: False)
        server.start()
    last = server.rows("SELECT max(seq) FROM events")[0][0]
    with trio.fail_after(10):
        await program.follow(until=lambda: program.since["seq"] >= last)

    facts = server.rows(f"SELECT seq, rooms FROM events WHERE seq > {program.begun_at} ORDER BY seq")
    assert program.heard == [seq for seq, rooms in facts if set(json.loads(rooms)) & set(ROOMS)]
    assert len(program.heard) > 10 * KILLS
    assert program.replays > KILLS / 2  # it may be killed before it has got so far


@posix
@pytest.mark.timeout(120)
async def test_stop_under_load_is_quick_clean_and_told_to_every_client(server: FarmProcess):
    file = server.ask("POST", "/v1/files?name=chip.gcode", content=b"G28\n").json()["id"]
    port, key = int(server.url.rpartition(":")[2]), server.headers["X-Api-Key"]
    deaf = [await trio.to_thread.run_sync(stalled, port, FarmTalk(key, 0)) for _ in range(10)]
    codes: list[int] = []

    async def listen() -> None:
        async with connected(server) as client:
            await client.send_message(json.dumps({"op": "subscribe", "rooms": ROOMS}))
            try:
                while True:
                    await client.get_message()
            except ConnectionClosed as closed:
                codes.append(closed.reason.code if closed.reason else 1006)

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(listen)
        for _ in range(4):
            nursery.start_soon(trio.to_thread.run_sync, work, server, file, lambda: True)
        await trio.sleep(1.5)
        assert server.process is not None
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = await trio.to_thread.run_sync(server.process.wait, 20)
        took = time.monotonic() - begun
    for sock in deaf:
        sock.close()

    assert code == 0, server.log.read_text()[-3000:]
    assert took <= 10
    assert codes == [1012] * 40
    server.wait()


@posix
async def test_whatever_a_client_sends_is_refused_in_words_or_by_a_close_code(server: FarmProcess):
    for said, answered in [
        ("hello", "send one JSON object a message"),
        (b'{"op":"ping"}', "this was binary"),
        ('{"op":"sing"}', "unknown op"),
        ('{"op":"subscribe","rooms":["cellar","printer:nobody"]}', "no such room"),
        ('{"op":"subscribe","rooms":["queue"],"since":{"epoch":"x","seq":-1}}', "seq"),
        ('{"op":"configure","batch_delay_ms":7}', "batch_delay_ms"),
        ('{"op":"command","printer":"nobody","command":"pause"}', "there is no printer nobody"),
    ]:
        async with connected(server) as client:
            assert json.loads(await client.get_message())["type"] == "welcome"
            with trio.fail_after(5):
                await client.send_message(said)
                answer = json.loads(await client.get_message())
                assert answer["type"] == "error"
                assert answered in answer["detail"]
                await client.send_message('{"op":"ping"}')  # and it is forgiven
                assert json.loads(await client.get_message()) == {"type": "pong"}


@posix
async def test_message_of_a_megabyte_closes_the_connection_with_1009(server: FarmProcess):
    async with connected(server) as client:
        await client.get_message()
        with trio.fail_after(5), suppress(ConnectionClosed):
            await client.send_message("x" * 1_000_000)
            await client.get_message()

        assert client.closed is not None
        assert client.closed.code == 1009


# -- crowds ------------------------------------------------------------------------------------

FLOOD = {"rate": 100, "facts_in_ten": 10, "per_commit": 5, "bytes": 10_000, "seconds": 10}  # 10 MB
CROWD = 100


@pytest.mark.long
@pytest.mark.timeout(300)
def test_clients_that_never_read_are_cut_and_those_that_do_lose_nothing(tmp_path: Path):
    asyncio.run(_flood(tmp_path))


async def _flood(folder: Path) -> None:
    async with Server.running(*servers.farm(str(folder / "data"))) as server:
        token = server.told["token"]
        crowd = live.Crowd(server)
        await crowd.enter([FarmTalk(token, 0) for _ in range(CROWD)])
        await crowd.window(**FLOOD, watch_until=CROWD)
        peaks = [(await server.ask("numbers"))["peak_rss_mb"]]
        for _ in range(3):
            deaf: list[socket.socket] = [stalled(server.port, FarmTalk(token, 0)) for _ in range(CROWD)]
            await asyncio.sleep(1)
            await crowd.window(**FLOOD, watch_until=CROWD)  # raises when anything is lost or doubled
            numbers = await server.ask("numbers")
            assert 0 < numbers["cut_s"] <= 10
            peaks.append(numbers["peak_rss_mb"])
            for sock in deaf:
                sock.close()

    assert peaks[1] - peaks[0] < 100  # of a gigabyte that was offered
    assert peaks[3] - peaks[1] < 20  # and nothing of it stays


@pytest.mark.long
@pytest.mark.timeout(300)
def test_thousand_clients_that_return_at_once_are_all_served(tmp_path: Path):
    raise_descriptor_limit()
    asyncio.run(_return_at_once(tmp_path))


async def _return_at_once(folder: Path) -> None:
    pace = {"rate": 10, "seconds": 2, "facts_in_ten": 1, "per_commit": 1, "bytes": 200}
    async with Server.running(*servers.farm(str(folder / "data"))) as server:
        crowd = live.Crowd(server)
        talk = FarmTalk(server.told["token"])
        await crowd.enter([talk])
        crowd.subscribers[0].close()
        talks = [FarmTalk(server.told["token"], since=talk.past) for _ in range(1000)]
        await crowd.enter(talks)  # raises when one is refused
        await crowd.window(**pace)
    assert all(talk.ready for talk in talks)
