"""A real Moonraker with the stand-in for Klipper's host of `klippy.py`, for tests and scripts.

The program comes from FARM_MOONRAKER (`scripts/test.py` sets it up and names it). Without it the tests
marked `moonraker` are skipped with the reason, or fail where FARM_REQUIRE_PEERS=1 says they must run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import pytest

from tests.peers.programs import end, free_port, program

READY_WITHIN_S = 60.0  # 2 s on a calm machine
ANSWER_WITHIN_S = 10.0
LOG_LINES_SHOWN = 60
SPEED = 5.0
CHECKOUT = Path(__file__).parents[2]

# Nobody is trusted by where they come from: a client has a key, or a user and a password.
_CONFIG = """\
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {socket}
[authorization]
[octoprint_compat]
[history]
[announcements]
enable_moonlight: False
[file_manager]
enable_object_processing: False
[machine]
provider: none
validate_service: False
validate_config: False
"""


class MoonrakerFailed(Exception):
    """The program did not do what the test needs of it; the text ends with its log."""


class Moonraker:
    """One Moonraker of our own and its stand-in for Klipper: their folder, their key, their processes.

    Everything is kept in `folder`, so that `stop` and `start` are a restart of the same print host, on the
    same port.
    """

    def __init__(self, program: Path, folder: Path, speed: float = SPEED) -> None:
        self.program = program
        self.folder = folder
        self.speed = speed
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_key = ""
        self.gcodes = folder / "gcodes"
        # A unix socket's path has a hundred characters at most; a test's folder may have more.
        self._sockets = Path(tempfile.mkdtemp(prefix="klippy"))
        self._moonraker: subprocess.Popen[bytes] | None = None
        self._klippy: subprocess.Popen[bytes] | None = None
        for name in ("config", "logs", "gcodes", "database", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(port=self.port, socket=self._sockets / "uds")
        (folder / "config" / "moonraker.conf").write_text(config)

    def __enter__(self) -> Moonraker:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Starts whatever does not run, and waits until it is ready to print."""
        if self._klippy is None:
            self.start_klippy()
        if self._moonraker is None:
            self.start_moonraker()
        self.wait_for_state("ready")

    def start_moonraker(self) -> None:
        """Starts Moonraker alone, and waits until it answers."""
        command = [self.program, "-n", "-d", self.folder, "-u", self._sockets / "moonraker"]
        # Each its own: Moonraker names what it is being sent by the second.
        self._moonraker = self._started(command, {"TMPDIR": str(self.folder / "tmp")})
        self._wait(lambda: self._info() is not None, "an answer")
        self.api_key = self._key()

    def start_klippy(self) -> None:
        """Starts Klipper's stand-in alone."""
        where = [self._sockets / "uds", self.gcodes, "--speed", str(self.speed)]
        self._klippy = self._started([sys.executable, "-m", "tests.peers.klippy", *where], {})

    def stop(self, kill: bool = False) -> None:
        """Ends both, as when the whole computer is switched off."""
        self.stop_moonraker(kill)
        self.stop_klippy(kill)

    def stop_moonraker(self, kill: bool = False) -> None:
        process, self._moonraker = self._moonraker, None
        if process is not None:
            end(process, kill)

    def stop_klippy(self, kill: bool = False) -> None:
        process, self._klippy = self._klippy, None
        if process is not None:
            end(process, kill)

    def close(self) -> None:
        """Ends both for good."""
        self.stop(kill=True)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def freeze(self) -> None:
        """Moonraker holds every answer, with its connections open."""
        self._signal(self._moonraker, signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(self._moonraker, signal.SIGCONT)

    def freeze_klippy(self) -> None:
        self._signal(self._klippy, signal.SIGSTOP)

    def thaw_klippy(self) -> None:
        self._signal(self._klippy, signal.SIGCONT)

    def request(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        """Asks Moonraker with our key. Raises httpx.TransportError where it does not answer."""
        headers = {"X-Api-Key": self.api_key} if self.api_key else {}
        # Without TLS there is nothing to verify, and loading the system's certificates takes 0.1 s.
        plain: dict[str, Any] = {"timeout": 60, "trust_env": False, "verify": False}
        return httpx.request(method, self.url + path, json=body, headers=headers, **plain, **more)

    def done(self, path: str, body: object = None) -> Any:
        """What a POST results in. Raises MoonrakerFailed."""
        answer = self.request("POST", path, body)
        if answer.status_code != 200:
            raise MoonrakerFailed(f"{path} {body}: {answer.status_code} {answer.text}\n{self.log()}")
        return answer.json()["result"]

    def script(self, *lines: str) -> None:
        """Runs lines of G-code, and waits for their end."""
        self.done("/printer/gcode/script", {"script": "\n".join(lines)})

    def status(self, *objects: str) -> dict[str, Any]:
        answer = self.request("GET", f"/printer/objects/query?{'&'.join(objects)}")
        status: dict[str, Any] = answer.json()["result"]["status"]
        return status

    def make_idle(self) -> None:
        """Whatever was going on: both run, nothing prints, nothing is hot, nothing stops the machine."""
        self.start()
        if self.request("POST", "/printer/print/cancel").status_code != 200:  # stopped a moment ago
            self.restart_klippy()
        self.script("TURN_OFF_HEATERS", "GUARD_EXTRUDER S0")

    def restart_klippy(self) -> None:
        """As somebody does who wants another configuration, and waits until it is ready again."""
        self.done("/printer/firmware_restart")
        self.wait_for_state("ready")

    def wait_for_state(self, state: str) -> None:
        """Waits until Klipper is in `state`, as Moonraker sees it. Raises MoonrakerFailed."""
        if state == "ready" and (self._info() or {}).get("klippy_state") in ("shutdown", "error"):
            self.done("/printer/firmware_restart")
        self._wait(lambda: (self._info() or {}).get("klippy_state") == state, state)

    def log(self) -> str:
        """The last lines the programs wrote."""
        log = self.folder / "console.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _started(self, command: list[Any], variables: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / "console.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that stopping it takes the children along
                cwd=CHECKOUT,
                env={**os.environ, **variables},
            )

    def _wait(self, there: Any, what: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not there():
            if self._moonraker is not None and self._moonraker.poll() is not None:
                raise MoonrakerFailed(f"Moonraker ended by itself.\n{self.log()}")
            if time.monotonic() > deadline:
                raise MoonrakerFailed(f"no {what} within {READY_WITHIN_S:.0f} s.\n{self.log()}")
            time.sleep(0.05)

    def _info(self) -> dict[str, Any] | None:
        """What Moonraker says of itself; None where it does not answer; {} to who has no key."""
        try:
            answer = self.request("GET", "/server/info")
        except httpx.TransportError:
            return None
        return dict(answer.json().get("result", {}))

    def _key(self) -> str:
        """The key that it has made for itself. On its unix socket it trusts everybody."""
        return str(asked_at_home(self._sockets / "moonraker", "access.get_api_key"))

    def _signal(self, process: subprocess.Popen[bytes] | None, number: int) -> None:
        if process is not None:
            os.killpg(process.pid, number)


def asked_at_home(socket_path: Path, method: str) -> Any:
    """What Moonraker answers at its unix socket, where it trusts everybody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(ANSWER_WITHIN_S)
        line.connect(str(socket_path))
        line.sendall(json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode() + b"\x03")
        kept = b""
        while True:
            *messages, kept = (kept + line.recv(65536)).split(b"\x03")
            for message in map(json.loads, messages):
                if message.get("id") == 1:
                    return message["result"]


@pytest.fixture(scope="session")
def shared_moonraker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moonraker]:
    """The one Moonraker of this test run; tests ask for `moonraker`."""
    with Moonraker(program("Moonraker"), tmp_path_factory.mktemp("moonraker")) as server:
        yield server


@pytest.fixture
def moonraker(shared_moonraker: Moonraker, request: pytest.FixtureRequest) -> Iterator[Moonraker]:
    """A running Moonraker, idle before the test; its log is part of a failure's report."""
    shared_moonraker.make_idle()
    yield shared_moonraker
    request.node.add_report_section("teardown", "moonraker", shared_moonraker.log())
