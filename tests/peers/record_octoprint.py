"""Writes down what a real OctoPrint answers: `FARM_OCTOPRINT=... python -m tests.peers.record_octoprint`.

The protocols' tests read the result, so that they run without an OctoPrint and still against its words.
With the word `push` it writes down what the push socket brings instead, fault by fault; that takes a minute.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import trio
from trio_websocket import open_websocket_url

from farm.drivers.octoprint import protocol, push
from tests.peers.octoprint import OctoPrint, slow_gcode

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts" / "octoprint"
NAME = "ab12cd_chip.gcode"
SELECT = {"command": "select", "print": True}


class Recorder:
    """Collects answers under names that say in which situation they were given."""

    def __init__(self, server: OctoPrint) -> None:
        self.server = server
        self.answers: dict[str, dict[str, object]] = {}

    def ask(self, situation: str, method: str, path: str, body: object = None) -> None:
        self.keep(situation, method, path, self.server.request(method, path, body))

    def upload(self, situation: str, name: str, content: bytes) -> None:
        answer = httpx.post(
            self.server.url + "/api/files/local",
            files={"file": (name, content)},
            headers={"X-Api-Key": self.server.api_key},
            trust_env=False,
        )
        self.keep(situation, "POST", "/api/files/local", answer)

    def keep(self, situation: str, method: str, path: str, answer: httpx.Response) -> None:
        body = answer.text.replace(self.server.url, "http://octoprint.test").replace(self.server.api_key, "")
        self.answers[situation] = {
            "request": f"{method} {path}",
            "status": answer.status_code,
            "content_type": answer.headers.get("content-type", ""),
            "body": json.loads(body) if body.startswith("{") else body,
        }

    def printer_and_job(self, situation: str) -> None:
        self.ask(f"{situation}: printer", "GET", "/api/printer?exclude=sd")
        self.ask(f"{situation}: job", "GET", "/api/job")


def record(server: OctoPrint) -> dict[str, dict[str, object]]:
    """One walk through a printer's life."""
    recorder = Recorder(server)
    ask, file_path = recorder.ask, f"/api/files/local/{NAME}"
    ask("version", "GET", "/api/version")
    for situation, method, path in (
        ("wrong key", "GET", "/api/version"),
        ("command with a wrong key", "POST", "/api/job"),
    ):
        wrong = {"X-Api-Key": "0" * 32}
        answer = httpx.request(method, server.url + path, json={}, headers=wrong, trust_env=False)
        recorder.keep(situation, method, path, answer)
    recorder.printer_and_job("idle, just connected")
    recorder.upload("upload", NAME, slow_gcode(seconds=60))
    recorder.upload("upload of an unknown kind", "part.exe", b"x")
    ask("file, never printed", "GET", file_path)
    ask("file, missing", "GET", "/api/files/local/none.gcode")
    ask("start, file missing", "POST", "/api/files/local/none.gcode", SELECT)
    ask("pause, nothing prints", "POST", "/api/job", {"command": "pause", "action": "pause"})
    ask("start", "POST", file_path, SELECT)
    recorder.printer_and_job("printing, just started")
    time.sleep(5)
    recorder.printer_and_job("printing")
    ask("printing: printer, as we ask", "GET", protocol.printer().path)
    ask("login", "POST", "/api/login", {"passive": True})
    ask("start, already printing", "POST", file_path, SELECT)
    recorder.upload("upload over the printing file", NAME, b"G28\n")
    ask("delete, printing", "DELETE", file_path)
    ask("pause", "POST", "/api/job", {"command": "pause", "action": "pause"})
    recorder.printer_and_job("pausing")
    server.wait_for_state("Paused", 20)
    recorder.printer_and_job("paused")
    ask("cancel", "POST", "/api/job", {"command": "cancel"})
    server.wait_for_state("Operational", 20)
    time.sleep(1)
    recorder.printer_and_job("cancelled")
    ask("file, cancelled", "GET", file_path)
    ask("delete", "DELETE", file_path)
    ask("delete, gone", "DELETE", file_path)
    recorder.upload("upload again", NAME, b"G28\nG1 X1 F3000\n")
    ask("start again", "POST", file_path, SELECT)
    server.wait_for_state("Operational", 20)
    time.sleep(1)
    recorder.printer_and_job("finished")
    ask("file, finished", "GET", file_path)
    server.disconnect()
    recorder.printer_and_job("printer disconnected")
    ask("start, printer disconnected", "POST", file_path, SELECT)
    server.connect()
    server.debug("trigger_fatal_error_marlin")
    server.wait_for_state("Closed", 20)
    recorder.printer_and_job("firmware error")
    return recorder.answers


class Listener:
    """Keeps what one push socket brings, with the seconds since it was opened."""

    def __init__(self, server: OctoPrint) -> None:
        self.server = server
        self.scenes: dict[str, list[tuple[float, object]]] = {}
        self._scene: list[tuple[float, object]] = []

    async def listen(self) -> None:
        answer = await self.do(self.server.request, "POST", "/api/login", {"passive": True})
        login = protocol.Login(answer.json()["name"], answer.json()["session"])
        async with open_websocket_url(self.server.url.replace("http", "ws") + push.PATH) as socket:
            await socket.send_message(push.subscription())
            began = trio.current_time()
            while True:
                message = json.loads(await socket.get_message())
                if "connected" in message:  # 10 kB about permissions
                    message = {"connected": {"version": message["connected"]["version"]}}
                    await socket.send_message(push.authentication(login))
                self._scene.append((round(trio.current_time() - began, 2), message))

    def scene(self, name: str) -> None:
        self._scene = self.scenes[name] = []

    async def do(self, what: Callable[..., Any], *arguments: object) -> Any:
        return await trio.to_thread.run_sync(what, *arguments)

    async def print(self, name: str, content: bytes) -> None:
        await self.do(self.upload, name, content)
        await self.do(self.server.request, "POST", f"/api/files/local/{name}", SELECT)

    def upload(self, name: str, content: bytes) -> None:
        key = {"X-Api-Key": self.server.api_key}
        url = self.server.url + "/api/files/local"
        httpx.post(url, files={"file": (name, content)}, headers=key, trust_env=False)


async def record_pushes(server: OctoPrint) -> dict[str, list[tuple[float, object]]]:
    """What is pushed while a printer lives through good and bad days."""
    listener = Listener(server)
    async with trio.open_nursery() as nursery:
        listener.scene("greeting")
        nursery.start_soon(listener.listen)
        await trio.sleep(2)
        listener.scene("printed to its end")
        await listener.print("ab12cd_short.gcode", b"M104 S50\nG28\nG1 X10 F240\nG1 Z0.3\nG1 X100 F240\n")
        await trio.sleep(4)
        listener.scene("paused, then cancelled")
        await listener.print(NAME, slow_gcode(seconds=60))
        await trio.sleep(2)
        await listener.do(server.request, "POST", "/api/job", {"command": "pause", "action": "pause"})
        await listener.do(server.wait_for_state, "Paused", 20)
        await trio.sleep(1)
        await listener.do(server.request, "POST", "/api/job", {"command": "cancel"})
        await listener.do(server.wait_for_state, "Operational", 20)
        await trio.sleep(1)
        for fault, seconds in (("drop_connection", 2), ("trigger_fatal_error_marlin", 2), ("go_awol", 8)):
            listener.scene(fault)
            await listener.print(NAME, slow_gcode(seconds=60))
            await trio.sleep(2)
            await listener.do(server.debug, fault)
            await trio.sleep(seconds)
            if fault != "go_awol":
                await listener.do(server.connect)
        listener.scene("emergency stop")
        await listener.do(server.request, "POST", "/api/printer/command", {"command": "M112"})
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    return listener.scenes


def main(words: list[str]) -> int:
    program = Path(os.environ.get("FARM_OCTOPRINT", "octoprint"))
    with tempfile.TemporaryDirectory() as folder, OctoPrint(program, Path(folder)) as server:
        version = re.sub(r"[^0-9a-z.]", "", str(server.request("GET", "/api/version").json()["server"]))
        pushes = "push" in words
        result: object = trio.run(record_pushes, server) if pushes else record(server)
    TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
    written = TRANSCRIPTS / f"{'push' if pushes else 'octoprint'}-{version}.json"
    written.write_text(json.dumps(result, indent=None if pushes else 1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
