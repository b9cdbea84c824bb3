"""Writes down what a real Moonraker answers: `FARM_MOONRAKER=... python -m tests.peers.record_moonraker`.

The protocols' tests read the result, so that they run without a Moonraker and still against its words. Behind
it stands our stand-in for Klipper. With the word `push` it writes down what the push socket brings instead.
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

from farm.drivers.moonraker.protocol import push
from tests.peers.moonraker import Moonraker

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts" / "moonraker"
NAME = "ab12cd_chip.gcode"
SHORT = b"G28\nG1 X10 E1 F3000\nM117 there\n"
LONG = b"G28\nM83\n" + b"".join(b"G1 X%d E0.1 F240\n" % (10 + step % 2) for step in range(2000))
HEATING = b"M109 S240\nG28\n"
WITHIN_S = 20.0
OBJECTS = (
    *("webhooks", "print_stats", "virtual_sdcard", "display_status", "pause_resume", "idle_timeout"),
    *("toolhead", "gcode_move", "extruder", "heater_bed"),
)

_PLACES = re.compile(r'(?<=File \\")[^"]*?(?=/(?:site-packages/|lib/python))')


class Recorder:
    """Collects answers under names that say in which situation they were given."""

    def __init__(self, server: Moonraker) -> None:
        self.server = server
        self.answers: dict[str, dict[str, object]] = {}

    def ask(self, situation: str, method: str, path: str, body: object = None) -> None:
        self.keep(situation, method, path, self.server.request(method, path, body))

    def upload(self, situation: str, name: str, content: bytes, **fields: str) -> None:
        answer = put(self.server, name, content, **fields)
        self.keep(situation, "POST", "/server/files/upload", answer)

    def keep(self, situation: str, method: str, path: str, answer: httpx.Response) -> None:
        body = clean(answer.text, self.server)
        self.answers[situation] = {
            "request": f"{method} {path}",
            "status": answer.status_code,
            "content_type": answer.headers.get("content-type", ""),
            "body": json.loads(body) if body.startswith("{") else body,
        }

    def klipper(self, situation: str) -> None:
        self.ask(f"{situation}: objects", "GET", "/printer/objects/list")
        self.ask(f"{situation}: klipper", "GET", "/printer/info")
        self.ask(f"{situation}: moonraker", "GET", "/server/info")
        self.ask(f"{situation}: status", "GET", f"/printer/objects/query?{'&'.join(OBJECTS)}")

    def history(self, situation: str) -> None:
        self.ask(situation, "GET", "/server/history/list?limit=2&order=desc")


def put(server: Moonraker, name: str, content: bytes, **fields: str) -> httpx.Response:
    return httpx.post(
        server.url + "/server/files/upload",
        files={"file": (name, content)},
        data=fields,
        headers={"X-Api-Key": server.api_key},
        trust_env=False,
    )


def clean(text: str, server: Moonraker) -> str:
    """Without what tells where and on whose computer it was recorded."""
    text = _PLACES.sub("/usr", text).replace(str(server.folder), "/home/pi/printer_data")
    return text.replace(server.url, "http://moonraker.test").replace(server.api_key, "")


def state_is(server: Moonraker, *states: str) -> None:
    """Waits until the print is in one of these states."""
    deadline = time.monotonic() + WITHIN_S
    while server.status("print_stats")["print_stats"]["state"] not in states:
        assert time.monotonic() < deadline, f"it did not become {states}"
        time.sleep(0.05)
    time.sleep(0.5)  # until Moonraker has noticed


def record(server: Moonraker) -> dict[str, dict[str, object]]:
    """One walk through a printer's life."""
    recorder = Recorder(server)
    ask, start = recorder.ask, {"filename": NAME}
    wrong = httpx.get(server.url + "/server/info", headers={"X-Api-Key": "0" * 32}, trust_env=False)
    recorder.keep("wrong key", "GET", "/server/info", wrong)
    ask("OctoPrint's version", "GET", "/api/version")
    ask("no such thing", "GET", "/server/nothing")
    recorder.klipper("idle")
    recorder.history("history, nothing printed yet")
    recorder.upload("upload", NAME, SHORT)
    recorder.upload("upload, wrong checksum", NAME, SHORT, checksum="0" * 64)
    ask("file, never printed", "GET", f"/server/files/metadata?filename={NAME}")
    ask("file, missing", "GET", "/server/files/metadata?filename=none.gcode")
    ask("files", "GET", "/server/files/list?root=gcodes")
    ask("copy", "POST", "/server/files/copy", {"source": f"gcodes/{NAME}", "dest": "gcodes/copy.gcode"})
    ask("copy, missing", "POST", "/server/files/copy", {"source": "gcodes/none", "dest": "gcodes/x.gcode"})
    ask("start, file missing", "POST", "/printer/print/start", {"filename": "none.gcode"})
    for command in ("pause", "resume", "cancel"):
        ask(f"{command}, nothing prints", "POST", f"/printer/print/{command}")
    ask("start", "POST", "/printer/print/start", start)
    state_is(server, "complete")
    recorder.klipper("finished")
    recorder.history("history, finished")
    recorder.upload("upload again", NAME, LONG)
    ask("start again", "POST", "/printer/print/start", start)
    time.sleep(2)
    recorder.klipper("printing")
    recorder.history("history, printing")
    ask("start, already printing", "POST", "/printer/print/start", start)
    recorder.upload("upload over the printing file", NAME, SHORT)
    ask("delete, printing", "DELETE", f"/server/files/gcodes/{NAME}")
    ask("pause", "POST", "/printer/print/pause")
    state_is(server, "paused")
    recorder.klipper("paused")
    ask("cancel", "POST", "/printer/print/cancel")
    state_is(server, "cancelled")
    recorder.klipper("cancelled")
    recorder.history("history, cancelled")
    script = "/printer/gcode/script"
    ask("G-code out of range", "POST", script, {"script": "G1 X999"})
    ask("G-code refused in two lines", "POST", script, {"script": "GUARD_EXTRUDER S170\nG1 E5"})
    ask("G-code that is none", "POST", script, {"script": "NONSENSE"})
    ask("start once more", "POST", "/printer/print/start", start)
    time.sleep(1)
    ask("emergency stop", "POST", "/printer/emergency_stop")
    time.sleep(1)
    recorder.klipper("stopped")
    recorder.history("history, stopped")
    ask("start, stopped", "POST", "/printer/print/start", start)
    ask("firmware restart", "POST", "/printer/firmware_restart")
    recorder.klipper("starting again")
    server.wait_for_state("ready")
    ask("delete", "DELETE", f"/server/files/gcodes/{NAME}")
    ask("delete, gone", "DELETE", f"/server/files/gcodes/{NAME}")
    server.stop_klippy(kill=True)
    server.wait_for_state("disconnected")
    recorder.klipper("klipper killed")
    ask("start, klipper killed", "POST", "/printer/print/start", start)
    ask("emergency stop, klipper killed", "POST", "/printer/emergency_stop")
    recorder.upload("upload, klipper killed", NAME, SHORT)
    server.stop_moonraker()
    server.start_moonraker()
    recorder.klipper("klipper never seen")
    ask("start, klipper never seen", "POST", "/printer/print/start", start)
    return recorder.answers


class Listener:
    """Keeps what one push socket brings, with the seconds since it was opened."""

    def __init__(self, server: Moonraker) -> None:
        self.server = server
        self.scenes: dict[str, list[tuple[float, object]]] = {}
        self._scene: list[tuple[float, object]] = []
        self._session = push.Session(stale_s=20.0)

    async def listen(self) -> None:
        """Asks what our driver asks."""
        key = [("X-Api-Key", self.server.api_key)]
        url = self.server.url.replace("http", "ws") + push.PATH
        async with open_websocket_url(url, extra_headers=key) as socket:
            began = trio.current_time()
            self._session.begin(began)
            while True:
                for words in self._session.to_send():
                    await socket.send_message(words)
                message = await socket.get_message()
                now = trio.current_time()
                self._session.receive(message, now)
                self._scene.append((round(now - began, 2), self._brief(message)))

    def _brief(self, message: str) -> object:
        shown = json.loads(clean(message, self.server))
        if shown.get("method") == "notify_proc_stat_update":
            shown["params"] = [
                {key: shown["params"][0][key] for key in ("websocket_connections", "cpu_temp")}
            ]
        if "components" in str(shown.get("result")):
            shown["result"] = {key: shown["result"][key] for key in ("klippy_connected", "klippy_state")}
        return shown

    def scene(self, name: str) -> None:
        self._scene = self.scenes[name] = []

    async def do(self, what: Callable[..., Any], *arguments: object) -> Any:
        return await trio.to_thread.run_sync(what, *arguments)

    async def print(self, name: str, content: bytes) -> None:
        await self.do(put, self.server, name, content)
        await self.do(self.server.done, "/printer/print/start", {"filename": name})


async def record_pushes(server: Moonraker) -> dict[str, list[tuple[float, object]]]:
    """What is pushed while a printer lives through good and bad days."""
    listener = Listener(server)
    async with trio.open_nursery() as nursery:
        listener.scene("greeting")
        nursery.start_soon(listener.listen)
        await trio.sleep(1.5)
        listener.scene("printed to its end")
        await listener.print("ab12cd_short.gcode", SHORT)
        await listener.do(state_is, server, "complete")
        listener.scene("paused, then cancelled")
        await listener.print(NAME, LONG)
        await trio.sleep(1)
        await listener.do(server.done, "/printer/print/pause")
        await listener.do(state_is, server, "paused")
        await listener.do(server.done, "/printer/print/cancel")
        await listener.do(state_is, server, "cancelled")
        listener.scene("cancelled in a heat-up")
        await listener.print("ab12cd_hot.gcode", HEATING)
        await trio.sleep(1)
        await listener.do(server.done, "/printer/print/cancel")
        await listener.do(state_is, server, "cancelled")
        listener.scene("restarted in the middle")
        await listener.print(NAME, LONG)
        await trio.sleep(1)
        await listener.do(server.restart_klippy)
        await trio.sleep(1)
        listener.scene("emergency stop")
        await listener.print(NAME, LONG)
        await trio.sleep(1)
        await listener.do(server.done, "/printer/emergency_stop")
        await trio.sleep(1)
        await listener.do(server.restart_klippy)
        await trio.sleep(1)
        listener.scene("klipper killed, and started again")
        await listener.print(NAME, LONG)
        await trio.sleep(1)
        await listener.do(server.stop_klippy, True)
        await trio.sleep(1)
        await listener.do(server.start)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return listener.scenes


def main(words: list[str]) -> int:
    program, pushes = Path(os.environ.get("FARM_MOONRAKER", "moonraker")), "push" in words
    with tempfile.TemporaryDirectory() as folder, Moonraker(program, Path(folder)) as server:
        about = server.request("GET", "/server/info").json()["result"]["moonraker_version"]
        version = re.sub(r"[^0-9a-z.].*", "", str(about).removeprefix("v"))
        result: object = trio.run(record_pushes, server) if pushes else record(server)
    TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
    written = TRANSCRIPTS / f"{'push' if pushes else 'moonraker'}-{version}.json"
    written.write_text(json.dumps(result, indent=None if pushes else 1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
