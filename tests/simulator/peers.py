"""Simulated print hosts arranged like the real ones of `tests.peers`, for tests that are held with both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx

from tests.peers.prusalink import PRINT_END_S

READY_WITHIN_S = 60.0


def asked(method: str, url: str, **more: Any) -> httpx.Response:
    # Without TLS there is nothing to verify, and loading the system's certificates takes 0.1 s.
    more.setdefault("timeout", 60)
    return httpx.request(method, url, trust_env=False, verify=False, **more)  # noqa: S501


class FleetProgram:
    """`farm simulate` as a program of its own. control: the address of its switches."""

    def __init__(self, process: subprocess.Popen[bytes], control: str) -> None:
        self.control = control
        self._process = process

    def switch(self, method: str, path: str, body: object = None) -> Any:
        answer = asked(method, f"{self.control}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def fleet_program(speed: float) -> Iterator[FleetProgram]:
    """An empty fleet whose printers live so many times as fast."""
    command = [sys.executable, "-m", "farm", "simulate", "--json", "--until-input-ends", "--empty"]
    with subprocess.Popen(
        [*command, "--speed", str(speed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            yield FleetProgram(process, json.loads(process.stdout.readline())["control"])
        finally:
            process.terminate()


class SimulatedHost:
    """One fresh printer of the fleet. down_s: how long it is away when stopped, some tries to reach it."""

    def __init__(self, fleet: FleetProgram, dialect: str, down_s: float = 4.0) -> None:
        self.fleet = fleet
        told = fleet.switch("POST", "/printers", {"dialect": dialect})
        self.id, self.url, self.api_key = told["id"], told["url"], told["api_key"]
        self._down_s = down_s

    def request(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        return asked(method, self.url + path, json=body, headers={"X-Api-Key": self.api_key}, **more)

    def do(self, what: str, **more: Any) -> None:
        self.fleet.switch("POST", f"/printers/{self.id}/do", {"what": what, **more})

    def stop(self, kill: bool = False) -> None:
        """Away for a while; its printer's job is forgotten as by the real one."""
        self.do("restart", down_s=self._down_s)

    def freeze(self) -> None:
        self.fleet.freeze()

    def thaw(self) -> None:
        self.fleet.thaw()

    def remove(self) -> None:
        self.fleet.switch("DELETE", f"/printers/{self.id}")

    def _wait(self, there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not there():
            assert time.monotonic() < deadline, f"no {what}"
            time.sleep(0.05)


class SimulatedMoonraker(SimulatedHost):
    """Arranged like `tests.peers.moonraker.Moonraker`."""

    folder = Path("/home/pi/printer_data")

    def __init__(self, fleet: FleetProgram, down_s: float = 4.0) -> None:
        super().__init__(fleet, "moonraker", down_s)

    def start(self) -> None:
        """Waits until it is there and ready to print."""
        if (self._info() or {}).get("klippy_state") == "disconnected":
            self.do("connect")
        self.wait_for_state("ready")

    def stop_klippy(self, kill: bool = False) -> None:
        self.do("drop_connection")

    def stop_moonraker(self, kill: bool = False) -> None:
        self.do("restart", down_s=0.5)
        self._wait(lambda: self._info() is None, "end")

    def start_moonraker(self) -> None:
        self._wait(lambda: self._info() is not None, "answer")

    def done(self, path: str, body: object = None) -> Any:
        answer = self.request("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def script(self, *lines: str) -> None:
        self.done("/printer/gcode/script", {"script": "\n".join(lines)})

    def status(self, *objects: str) -> dict[str, Any]:
        answer = self.request("GET", f"/printer/objects/query?{'&'.join(objects)}")
        return dict(answer.json()["result"]["status"])

    def restart_klippy(self) -> None:
        self.done("/printer/firmware_restart")
        self._wait(lambda: self._klippy() != "ready", "restart")
        self.wait_for_state("ready")

    def wait_for_state(self, state: str) -> None:
        if state == "ready" and self._klippy() == "shutdown":
            self.done("/printer/firmware_restart")
        self._wait(lambda: self._klippy() == state, state)

    def _klippy(self) -> object:
        return (self._info() or {}).get("klippy_state")

    def _info(self) -> dict[str, Any] | None:
        try:
            return dict(self.request("GET", "/server/info").json()["result"])
        except httpx.TransportError:
            return None


class SimulatedPrusaLink(SimulatedHost):
    """Arranged like `tests.peers.prusalink.PrusaLink`, its printer too."""

    username = "maker"
    _HAPPENS: ClassVar[dict[str, str]] = {
        "attention": "filament_out",
        "attended": "filament_in",
        "halt": "firmware_error",
    }

    def __init__(self, fleet: FleetProgram, down_s: float = 4.0) -> None:
        super().__init__(fleet, "prusalink", down_s)
        fleet.switch("PATCH", f"/printers/{self.id}", {"end_shows_s": PRINT_END_S})
        self.password = self.api_key
        self.mk3 = self

    def request(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        headers = {"X-Api-Key": self.api_key, "Accept": "application/json", **headers}
        return asked(method, self.url + path, content=content, headers=headers)

    def do(self, what: str, **more: Any) -> None:
        """What happens at the printer, in the words of its real stand-in, or in ours."""
        if what == "pause":
            job = self.job()
            assert job is not None
            assert self.request("PUT", f"/api/v1/job/{job['id']}/pause").is_success
        else:
            super().do(self._HAPPENS.get(what, what), **more)

    def launch(self) -> None:
        """Starts anew, and does not wait for anything."""
        self.do("restart", down_s=0.2)

    def start(self) -> None:
        self.wait_for_state("IDLE")

    def state(self) -> str:
        try:
            answer = self.request("GET", "/api/v1/status")
        except httpx.TransportError:
            return "unreachable"
        return str(answer.json()["printer"]["state"]) if answer.status_code == 200 else "starting"

    def job(self) -> dict[str, Any] | None:
        answer = self.request("GET", "/api/v1/job")
        return answer.json() if answer.status_code == 200 else None

    def wait_for_state(self, state: str, within_s: float = READY_WITHIN_S) -> None:
        self._wait(lambda: self.state() == state, state)
