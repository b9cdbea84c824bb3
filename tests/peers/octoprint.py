"""A real OctoPrint with its virtual printer, for tests and scripts.

The program comes from FARM_OCTOPRINT (`scripts/test.py` sets it up and names it). Without it the tests
marked `octoprint` are skipped with the reason, or fail where FARM_REQUIRE_PEERS=1 says they must run.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import httpx
import pytest

from tests.peers.programs import end, free_port, program

READY_WITHIN_S = 60.0  # 1.7 s on a calm machine; two busy cores take far longer
LOG_LINES_SHOWN = 60

# The plugins that reach out to the internet or multicast, and those that only cost memory here.
_DISABLED_PLUGINS = (
    "announcements",
    "softwareupdate",
    "tracking",
    "discovery",
    "errortracking",
    "pluginmanager",
    "backup",
    "achievements",
    "health_check",
    "pi_support",
)

# `simulated_errors: []`: by default the virtual printer disturbs every print on purpose.
_CONFIG = """\
server:
  firstRun: false
  seenWizards: {{corewizard: 4, tracking: 1, backup: 1}}
  onlineCheck: {{enabled: false}}
  pluginBlacklist: {{enabled: false}}
serial: {{autoconnect: true, port: VIRTUAL, baudrate: 115200}}
plugins:
  _disabled: [{disabled}]
  virtual_printer:
    enabled: true
    simulated_errors: []
"""

# Nobody logs in by password, so the hash is of no password at all.
_USERS = """\
_version: 2
admin:
  active: true
  apikey: {api_key}
  groups: [admins]
  password: "!"
  permissions: []
  roles: [user, admin]
  settings: {{}}
"""


class OctoPrintFailed(Exception):
    """The program did not do what the test needs of it; the text ends with its log."""


class OctoPrint:
    """One OctoPrint server of our own: its folder, its key, its process.

    Settings are kept in `base_dir`, so that `stop` and `start` are a restart of the same print host, on
    the same port.
    """

    def __init__(self, program: Path, base_dir: Path) -> None:
        self.program = program
        self.base_dir = base_dir
        self.api_key = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        base_dir.mkdir(parents=True, exist_ok=True)
        (base_dir / "config.yaml").write_text(_CONFIG.format(disabled=", ".join(_DISABLED_PLUGINS)))
        (base_dir / "users.yaml").write_text(_USERS.format(api_key=self.api_key))

    def start(self) -> None:
        """Starts the server and waits until its virtual printer is ready to print."""
        root = ["--iknowwhatimdoing"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [str(self.program), "serve", *root, "-b", str(self.base_dir)]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        with (self.base_dir / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that stopping it takes the children along
            )
        try:
            self.wait_for_state("Operational", READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def stop(self, kill: bool = False) -> None:
        """Ends the server: politely, or as a power cut would with `kill`."""
        process, self._process = self._process, None
        if process is not None:
            end(process, kill)

    def freeze(self) -> None:
        """Holds the server where it is: connections stay open, and nothing is answered any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self._signal(signal.SIGCONT)

    def restart(self, kill: bool = False) -> None:
        """The print host goes away and comes back."""
        self.stop(kill)
        self.start()

    def __enter__(self) -> OctoPrint:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One call of its API with the key, for arranging and looking; 10 s at most."""
        return httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"X-Api-Key": self.api_key},
            timeout=10,
            trust_env=False,
            verify=False,  # noqa: S501 # there is no TLS, and loading the system's certificates takes 0.1 s
        )

    def debug(self, fault: str) -> None:
        """Switches a fault of the virtual printer, such as `go_awol`; `help` lists them in its log."""
        self._done("/api/printer/command", {"command": f"!!DEBUG:{fault}"})

    def disconnect(self) -> None:
        """Closes the line between the print host and its printer, and waits until it is closed."""
        self._done("/api/connection", {"command": "disconnect"})
        self.wait_for_state("Closed", 10)

    def connect(self) -> None:
        """Opens the line to the printer again, and waits until the printer is ready."""
        self._done("/api/connection", {"command": "connect"})
        self.wait_for_state("Operational", 20)

    def make_idle(self) -> None:
        """Whatever was going on: nothing prints, the printer is connected, nothing is left over."""
        if self._state() == "Closed":
            self.connect()
        if self._state() == "Operational":
            return
        self.request("POST", "/api/job", {"command": "cancel"})
        try:
            self.wait_for_state("Operational", 4)
        except OctoPrintFailed:  # a printer that answers nothing any more is never done cancelling
            self.request("POST", "/api/printer/command", {"command": "M112"})
            self.wait_for_state("Closed", 10)
            self.connect()

    def wait_for_state(self, state: str, within_s: float) -> None:
        """Waits until the connection shows `state`. Raises OctoPrintFailed when it does not in time."""
        deadline = time.monotonic() + within_s
        while (now := self._state()) != state:
            if self._process is None or self._process.poll() is not None:
                raise OctoPrintFailed(f"OctoPrint ended by itself.\n{self.log()}")
            if time.monotonic() > deadline:
                raise OctoPrintFailed(f"{now!r}, not {state!r}, after {within_s:.0f} s.\n{self.log()}")
            time.sleep(0.1)

    def log(self) -> str:
        """The last lines the server wrote to its console."""
        log = self.base_dir / "console.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def _state(self) -> str:
        # While starting it refuses, then answers 404 from a stand-in, then resets, and only then works.
        try:
            answer = self.request("GET", "/api/connection")
            return str(answer.json()["current"]["state"]) if answer.status_code == 200 else "starting"
        except httpx.TransportError:
            return "unreachable"

    def _done(self, path: str, body: object) -> None:
        answer = self.request("POST", path, body)
        if answer.status_code != 204:
            raise OctoPrintFailed(f"{path} {body}: {answer.status_code} {answer.text}\n{self.log()}")


def slow_gcode(seconds: int) -> bytes:
    """G-code whose moves take the virtual printer that long, a quarter of a second each.

    It moves ten times as fast as it is told, and only counts moves away from zero.
    """
    moves = "".join(f"G1 X{10 * step} F240\n" for step in range(1, 4 * seconds + 1))
    return f"G90\nG1 X0 F6000\nM104 S50\n{moves}".encode()


@pytest.fixture(scope="session")
def shared_octoprint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OctoPrint]:
    """The one OctoPrint of this test run; tests ask for `octoprint`."""
    with OctoPrint(program("OctoPrint"), tmp_path_factory.mktemp("octoprint")) as server:
        yield server


@pytest.fixture
def octoprint(shared_octoprint: OctoPrint, request: pytest.FixtureRequest) -> Iterator[OctoPrint]:
    """A running OctoPrint, idle and connected before the test; its log is part of a failure's report."""
    shared_octoprint.make_idle()
    yield shared_octoprint
    request.node.add_report_section("teardown", "octoprint", shared_octoprint.log())
