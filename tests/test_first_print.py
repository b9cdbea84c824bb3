"""The main job, whole: a slicer's file goes in over HTTP and comes out of a real OctoPrint, printed."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio
from trio_websocket import open_websocket_url

from tests.peers.farm_process import until
from tests.peers.octoprint import OctoPrint

CHECKOUT = Path(__file__).resolve().parents[1]
CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"
PASSWORD = "three or four words"
wait_for = partial(until, within_s=60.0)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The farm as a newcomer starts it. Gives its address; at the end it must stop by itself, well."""
    command = [sys.executable, str(CHECKOUT / "scripts" / "serve.py"), "--data", str(folder), "--port", "0"]
    environment = {**os.environ, "FARM_FILES__MIN_FREE_MB": "0"}
    with (
        (folder.parent / "server.log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as server,
    ):
        try:
            for line in server.stdout:  # the first start shows its progress here
                if line.startswith("Listening on "):
                    break
            else:
                raise AssertionError((folder.parent / "server.log").read_text())
            yield line.split()[-1]
            server.terminate()
            assert server.wait(timeout=10) == 0
        finally:
            server.kill()


def set_up(owner: httpx.Client, folder: Path, octoprint: OctoPrint) -> str:
    """The owner's first steps: an account, a printer, a key for the slicer, which is returned."""
    code = (folder / "setup-code").read_text().strip()
    answer = owner.post("/v1/setup", json={"code": code, "username": "anna", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    owner.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    connection = {"kind": "octoprint", "url": octoprint.url, "api_key": octoprint.api_key}
    answer = owner.post("/v1/printers", json={"id": "mk4", "name": "MK4", "connection": connection})
    assert answer.status_code == 201, answer.text
    answer = owner.post("/v1/keys", json={"name": "slicer", "scopes": ["upload", "queue"]})
    assert answer.status_code == 201, answer.text
    return answer.json()["key"]


@contextmanager
def browser(url: str) -> Iterator[httpx.Client]:
    """What a person talks to the farm with."""
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
        yield client


def printer_is(owner: httpx.Client, **wanted: str) -> bool:
    status = owner.get("/v1/printers/mk4").json()["status"]
    return all(status[key] == value for key, value in wanted.items())


def send_as_prusaslicer(url: str, key: str, copy_of: Path, prefix: str = "") -> httpx.Response:
    """The version test and then the upload, with the fields in PrusaSlicer's order."""
    headers = {"X-Api-Key": key, "User-Agent": "PrusaSlicer/2.9.2"}
    with httpx.Client(base_url=url + prefix, headers=headers, timeout=30, trust_env=False) as slicer:
        assert slicer.get("/api/version").json()["text"].startswith("OctoPrint")
        fields = [
            ("print", (None, "true")),
            ("path", (None, "")),
            ("file", (copy_of.name, copy_of.read_bytes(), "application/octet-stream")),
        ]
        return slicer.post("/api/files/local", files=fields)


async def facts_until(
    url: str, token: str, last: str, rooms: list[str], ready: trio.Event, times: int = 1
) -> list[dict]:
    """Listen on the live socket until a fact of type `last` came so often; every fact heard, in order."""
    heard: list[dict] = []
    async with open_websocket_url(url.replace("http", "ws") + "/v1/live") as socket:
        await socket.send_message(json.dumps({"op": "auth", "token": token}))
        assert json.loads(await socket.get_message())["type"] == "welcome"
        await socket.send_message(json.dumps({"op": "subscribe", "rooms": rooms}))
        for _ in rooms:
            snapshot = json.loads(await socket.get_message())
            assert snapshot["type"] == "snapshot", snapshot
        ready.set()
        while [fact["type"] for fact in heard].count(last) < times:
            frame = json.loads(await socket.get_message())
            events = frame["events"] if frame["type"] == "batch.update" else [frame]
            heard += [event for event in events if "seq" in event]
    return heard


@pytest.mark.octoprint
@pytest.mark.skipif(os.name != "posix", reason="ends the server with SIGTERM")
async def test_a_slicers_upload_is_printed_on_a_real_octoprint(octoprint: OctoPrint, tmp_path: Path):
    await trio.to_thread.run_sync(octoprint.make_idle)
    folder = tmp_path / "data"
    with served(folder) as url, browser(url) as owner:
        key = set_up(owner, folder, octoprint)
        token = owner.headers["Authorization"].split()[1]
        wait_for(lambda: printer_is(owner, connection="online", operation="idle"))
        assert printer_is(owner, plate="unknown")

        ready, heard = trio.Event(), []

        async def listen() -> None:
            heard.extend(await facts_until(url, token, "job.finished", ["queue", "printer:mk4"], ready))

        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen)
                await ready.wait()
                await trio.to_thread.run_sync(print_one, url, owner, key)

        check_the_story(owner, heard)
        wait_for(lambda: printer_is(owner, plate="occupied"), within_s=5)
        wait_for(lambda: printer_is(owner, operation="idle"))  # the end is told a moment before
        the_host_printed_it_once(octoprint, owner)
    check_the_database(folder / "farm.db", heard)


def print_one(url: str, owner: httpx.Client, key: str) -> None:
    cleared = owner.post("/v1/printers/mk4/commands", json={"command": "plate_cleared"})
    assert cleared.status_code == 202, cleared.text
    sent = send_as_prusaslicer(url, key, CHIP)
    assert sent.status_code == 201, sent.text
    assert sent.json()["effectivePrint"] is True
    assert "api/" in sent.headers["Location"]
    (job,) = owner.get("/v1/jobs").json()["items"]
    assert (job["state"], job["prints"]) == ("queued", [])  # the 15 s in which the plate can be taken back


def check_the_story(owner: httpx.Client, heard: list[dict]) -> None:
    types = [fact["type"] for fact in heard]
    story = [
        "job.queued",
        "print.reserved",
        "print.uploading",
        "print.starting",
        "job.started",
        "job.finished",
    ]
    assert [fact for fact in types if fact in story] == story
    for earlier, later in itertools.pairwise(heard):
        assert later["prev"] == earlier["seq"] < later["seq"]
    (job,) = owner.get("/v1/jobs").json()["items"]
    assert (job["state"], job["done"]) == ("done", 1)
    (attempt,) = owner.get("/v1/prints").json()["items"]
    assert attempt["state"] == "finished"
    assert [line["to"] for line in attempt["log"]][-1] == "finished"


def the_host_printed_it_once(octoprint: OctoPrint, owner: httpx.Client) -> None:
    (attempt,) = owner.get("/v1/prints").json()["items"]
    files = octoprint.request("GET", "/api/files/local").json()["files"]
    (ours,) = [file for file in files if file["name"].startswith(attempt["attempt"])]
    assert ours["prints"]["success"] == 1
    assert ours["prints"]["failure"] == 0


def check_the_database(path: Path, heard: list[dict]) -> None:
    """What was told on the socket is what is stored."""
    with closing(sqlite3.connect(path)) as db:
        stored = dict(db.execute("SELECT seq, type FROM events"))
    assert all(stored[fact["seq"]] == fact["type"] for fact in heard)


@pytest.mark.octoprint
@pytest.mark.skipif(os.name != "posix", reason="ends the server with SIGTERM")
def test_a_stopped_farm_goes_on_where_it_was(octoprint: OctoPrint, tmp_path: Path):
    octoprint.make_idle()
    folder = tmp_path / "data"
    with served(folder) as url, browser(url) as owner:
        key = set_up(owner, folder, octoprint)
        credentials = owner.headers["Authorization"]
        assert send_as_prusaslicer(url, key, CHIP, prefix="/p/mk4").status_code == 201
        (before,) = owner.get("/v1/jobs").json()["items"]
    with served(folder) as url, browser(url) as owner:
        owner.headers["Authorization"] = credentials
        wait_for(lambda: printer_is(owner, connection="online", operation="idle"))
        (after,) = owner.get("/v1/jobs").json()["items"]
        assert after["id"] == before["id"]
        assert owner.post("/v1/printers/mk4/commands", json={"command": "plate_cleared"}).status_code == 202
        wait_for(lambda: owner.get(f"/v1/jobs/{after['id']}").json()["state"] == "done")
        wait_for(lambda: printer_is(owner, plate="occupied"), within_s=5)
