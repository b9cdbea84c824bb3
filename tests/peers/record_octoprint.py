"""Writes down what a real OctoPrint answers: `FARM_OCTOPRINT=... python -m tests.peers.record_octoprint`.

The protocol's tests read the result, so that they run without an OctoPrint and still against its words.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import httpx

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


def main() -> int:
    program = Path(os.environ.get("FARM_OCTOPRINT", "octoprint"))
    with tempfile.TemporaryDirectory() as folder, OctoPrint(program, Path(folder)) as server:
        answers = record(server)
    version = re.sub(r"[^0-9a-z.]", "", str(answers["version"]["body"]["server"]))  # type: ignore[index]
    TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
    written = TRANSCRIPTS / f"octoprint-{version}.json"
    written.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
