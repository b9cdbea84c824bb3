"""Writes down what a real PrusaLink answers: `FARM_PRUSALINK=... python -m tests.peers.record_prusalink`.

The protocol's tests read the result, so that they run without a PrusaLink and still against its words. It
takes two minutes: the ends of prints are shown for their full time here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import httpx

from tests.peers.prusalink import PrusaLink, folder, gcode

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts" / "prusalink"
NAME = "ab12cd_chip.gcode"
FILE = f"/api/v1/files/local/{NAME}"
GCODE = {"Content-Type": "text/x.gcode"}
OVER_IT = {**GCODE, "Overwrite": "?1"}
KEPT = ("content-type", "www-authenticate")


class Recorder:
    """Collects answers under names that say in which situation they were given."""

    def __init__(self, server: PrusaLink) -> None:
        self.server = server
        self.answers: dict[str, dict[str, object]] = {}

    def ask(
        self, situation: str, method: str, path: str, content: bytes | None = None, **headers: str
    ) -> None:
        self.keep(situation, method, path, self.server.request(method, path, content, **headers))

    def ask_as(self, situation: str, method: str, path: str, **headers: str) -> None:
        """Without our key."""
        url = self.server.url + path
        self.keep(situation, method, path, httpx.request(method, url, headers=headers, trust_env=False))

    def look(self, situation: str) -> None:
        self.ask(f"{situation}: status", "GET", "/api/v1/status")
        self.ask(f"{situation}: job", "GET", "/api/v1/job")

    def keep(self, situation: str, method: str, path: str, answer: httpx.Response) -> None:
        body = answer.text.replace(self.server.url, "http://prusalink.test").replace(self.server.api_key, "")
        self.answers[situation] = {
            "request": f"{method} {path}",
            "status": answer.status_code,
            "headers": {name: answer.headers[name] for name in KEPT if name in answer.headers},
            "body": json.loads(body) if body.startswith("{") else body[:300],
        }


def record(server: PrusaLink) -> dict[str, dict[str, object]]:
    """One walk through a printer's life."""
    recorder = Recorder(server)
    ask, do = recorder.ask, server.mk3.do
    server.launch()
    while server.state() == "unreachable":
        time.sleep(0.05)
    ask("starting: version", "GET", "/api/version")
    while server.state() == "starting":
        time.sleep(0.05)
    recorder.look("its printer boots")
    server.wait_for_state("IDLE", 60)
    introduce(recorder)
    recorder.look("idle, just connected")
    upload(recorder)
    ask("start, file missing", "POST", "/api/v1/files/local/none.gcode")
    ask("start", "POST", FILE)
    recorder.look("printing, just started")
    time.sleep(13)
    recorder.look("printing")
    job = server.job()
    assert job is not None
    number = job["id"]
    refuse(recorder, number)
    ask("pause", "PUT", f"/api/v1/job/{number}/pause")
    recorder.look("pausing")
    server.wait_for_state("PAUSED", 20)
    time.sleep(2)
    recorder.look("paused")
    ask("pause, paused already", "PUT", f"/api/v1/job/{number}/pause")
    ask("resume", "PUT", f"/api/v1/job/{number}/resume")
    server.wait_for_state("PRINTING", 20)
    do("attention")
    server.wait_for_state("ATTENTION", 20)
    recorder.look("waits for somebody")
    ask("cancel, waits for somebody", "DELETE", f"/api/v1/job/{number}")
    do("attended")
    server.wait_for_state("PRINTING", 20)
    ask("cancel", "DELETE", f"/api/v1/job/{number}")
    server.wait_for_state("STOPPED", 20)
    recorder.look("stopped")
    ask("start, stopped a moment ago", "POST", FILE)
    ask("cancel, nothing prints", "DELETE", f"/api/v1/job/{number}")
    ask("pause, nothing prints", "PUT", f"/api/v1/job/{number}/pause")
    server.wait_for_state("IDLE", 30)
    ask("delete", "DELETE", FILE)
    ask("delete, gone", "DELETE", FILE)
    ask("file, just deleted", "GET", FILE)
    time.sleep(2)
    ask("file, missing", "GET", FILE)
    ask("short upload", "PUT", FILE, gcode(seconds=4, moves_a_s=30), **GCODE)
    time.sleep(2)
    ask("start of a short print", "POST", FILE)
    server.wait_for_state("FINISHED", 30)
    recorder.look("finished")
    server.wait_for_state("IDLE", 30)
    recorder.look("idle after a print")
    do("halt")
    server.wait_for_state("ERROR", 60)
    recorder.look("firmware error")
    ask("start, firmware error", "POST", FILE)
    return recorder.answers


def introduce(recorder: Recorder) -> None:
    """Who it is, and who we are."""
    for what in ("version", "v1/info", "v1/storage"):
        recorder.ask(what.removeprefix("v1/"), "GET", f"/api/{what}")
    as_json = {"Accept": "application/json"}
    recorder.ask_as("no key", "GET", "/api/version", **as_json)
    recorder.ask_as("wrong key", "GET", "/api/version", **as_json, **{"X-Api-Key": "0" * 16})
    recorder.ask_as("no key, command", "DELETE", "/api/v1/job/1", **as_json)


def upload(recorder: Recorder) -> None:
    """What it takes, and what not."""
    content = gcode(seconds=120)
    recorder.ask("upload", "PUT", FILE, content, **GCODE)
    recorder.ask("file, just uploaded", "GET", FILE)
    time.sleep(2)
    recorder.ask("file", "GET", FILE)
    recorder.ask("upload, there already", "PUT", FILE, content, **GCODE)
    recorder.ask("upload over it", "PUT", FILE, content, **OVER_IT)
    recorder.ask("upload without a kind", "PUT", FILE.replace("chip", "chip2"), content)
    recorder.ask("upload without content", "PUT", FILE.replace("chip", "chip3"), b"", **GCODE)
    other = f"/api/v1/files/elsewhere/{NAME}"
    recorder.ask("upload to another storage", "PUT", other, content, **GCODE)
    time.sleep(2)


def refuse(recorder: Recorder, number: int) -> None:
    """What is not done while it prints."""
    recorder.ask("start, already printing", "POST", FILE)
    to_print = {**GCODE, "Print-After-Upload": "?1"}
    recorder.ask(
        "upload to print, already printing", "PUT", FILE.replace("chip", "next"), b"G28\n", **to_print
    )
    recorder.ask("upload over the printing file", "PUT", FILE, gcode(seconds=120), **GCODE)
    recorder.ask("delete, printing", "DELETE", FILE)
    recorder.ask("resume, not paused", "PUT", f"/api/v1/job/{number}/resume")
    recorder.ask("pause, another job", "PUT", f"/api/v1/job/{number + 7}/pause")


def main() -> int:
    program = Path(os.environ.get("FARM_PRUSALINK", "prusalink"))
    base = folder()
    server = PrusaLink(program, base, print_end_s=11)
    try:
        result = record(server)
        version = str(server.request("GET", "/api/version").json()["server"])
    finally:
        server.__exit__(None, None, None)
        shutil.rmtree(base, ignore_errors=True)
    TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
    written = TRANSCRIPTS / f"prusalink-{version}.json"
    written.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
