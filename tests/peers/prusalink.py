"""A real PrusaLink with a stand-in for its MK3, for tests and scripts.

The program comes from FARM_PRUSALINK (`scripts/test.py` sets it up and names it). Without it the tests marked
`prusalink` are skipped with the reason: it needs libraries that not every machine has.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
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

from scripts.environment import cache_folder
from tests.peers.programs import end, free_port

READY_WITHIN_S = 90.0  # 10 s on a calm machine, 8 of which it waits for the printer's board to boot
STOP_WITHIN_S = 5.0
IDLE_WITHIN_S = 30.0
LOG_LINES_SHOWN = 60
CHECKOUT = Path(__file__).resolve().parents[2]
REALM = "Administrator"

PRINT_END_S = 2  # of itself 11, in which Prusa Connect takes its photograph; each test waits for it

_PROGRAM = """\
import sys
import prusa.link.const
prusa.link.const.PRINT_END_TIMEOUT = {print_end_s}
from prusa.link.__main__ import main
sys.exit(main())
"""

_CONFIG = """\
[daemon]
data_dir = {folder}
[http]
address = 127.0.0.1
port = {port}
[printer]
directory = {folder}/gcodes
[cameras]
auto_detect = False
"""

# Without a section for Prusa Connect it calls nobody.
_SETTINGS = """\
[printer]
type = MK3
name = {name}
[service::local]
enable = 1
username = {username}
digest = {digest}
api_key = {api_key}
"""


class PrusaLinkFailed(Exception):
    """The program did not do what the test needs of it; the text ends with its log."""


class Mk3:
    """The stand-in's process; see `tests.peers.mk3`. It stays while its PrusaLink comes and goes."""

    def __init__(self, speed: float = 1.0) -> None:
        command = [sys.executable, "-m", "tests.peers.mk3", "--speed", str(speed)]
        self._process = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self.port: str = self._told()["port"]

    def do(self, word: str) -> dict[str, Any]:
        """What somebody does at the printer, one of `mk3.CONTROLS`; how it stands afterwards."""
        orders = self._process.stdin
        assert orders is not None
        orders.write(f"{word}\n".encode())
        orders.flush()
        return self._told()

    def stop(self) -> None:
        self._process.communicate(timeout=STOP_WITHIN_S)  # its input ends, and so does it

    def _told(self) -> dict[str, Any]:
        answers = self._process.stdout
        assert answers is not None
        told: dict[str, Any] = json.loads(answers.readline())
        return told


class PrusaLink:
    """One PrusaLink of our own: its folder, its users, its printer, its process.

    `stop` and `start` are a restart of the same print host, on the same port.
    """

    def __init__(
        self, program: Path, folder: Path, speed: float = 1.0, print_end_s: int = PRINT_END_S
    ) -> None:
        """folder: not in the system's folder for temporary files, where PrusaLink keeps no files to print."""
        self.python = program.parent / "python"
        self.folder = folder
        self.username, self.password = "maker", "not-a-secret-1"
        self.api_key = secrets.token_hex(8)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.speed = speed
        self.code = _PROGRAM.format(print_end_s=print_end_s)
        self.mk3 = Mk3(speed)
        self._process: subprocess.Popen[bytes] | None = None
        known = f"{self.username}:{REALM}:{self.password}".encode()
        settings = _SETTINGS.format(
            name="Row A",
            username=self.username,
            digest=hashlib.md5(known, usedforsecurity=False).hexdigest(),
            api_key=self.api_key,
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prusalink.ini").write_text(_CONFIG.format(folder=folder, port=self.port))
        (folder / "prusa_printer_settings.ini").write_text(settings)

    def launch(self) -> None:
        """Starts the server, and does not wait for anything."""
        command = [self.python, "-c", self.code, "-f", "-i", "-c", self.folder / "prusalink.ini"]
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-s", self.mk3.port, "start"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that stopping it takes the children along
            )

    def start(self) -> None:
        """Starts the server and waits until its printer is ready to print."""
        self.launch()
        try:
            self.wait_for_state("IDLE", READY_WITHIN_S)
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

    def with_another_printer(self) -> None:
        """Its printer broke: a new one, and a new start."""
        self.stop(kill=True)
        self.mk3.stop()
        self.mk3 = Mk3(self.speed)
        self.start()

    def __enter__(self) -> PrusaLink:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(kill=True)
        self.mk3.stop()

    def request(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """One call of its API with the key, for arranging and looking; 10 s at most."""
        return httpx.request(
            method,
            self.url + path,
            content=content,
            headers={"X-Api-Key": self.api_key, "Accept": "application/json", **headers},
            timeout=10,
            trust_env=False,
            verify=False,  # noqa: S501 # there is no TLS, and loading the system's certificates takes 0.1 s
        )

    def state(self) -> str:
        """Its printer's state in its own words; "starting", "unreachable" where it does not say."""
        try:
            answer = self.request("GET", "/api/v1/status")
            return str(answer.json()["printer"]["state"]) if answer.status_code == 200 else "starting"
        except httpx.TransportError:
            return "unreachable"

    def job(self) -> dict[str, Any] | None:
        """The print that is on."""
        answer = self.request("GET", "/api/v1/job")
        return answer.json() if answer.status_code == 200 else None

    def make_idle(self) -> None:
        """Whatever was going on: nothing prints, and the printer is there."""
        if self._process is None:
            self.start()
        job = self.job()
        if job is not None:
            self.request("DELETE", f"/api/v1/job/{job['id']}")
        try:
            self.wait_for_state("IDLE", IDLE_WITHIN_S)
        except PrusaLinkFailed:
            self.with_another_printer()

    def wait_for_state(self, state: str, within_s: float) -> None:
        """Waits until the printer shows `state`. Raises PrusaLinkFailed when it does not in time."""
        deadline = time.monotonic() + within_s
        while (now := self.state()) != state:
            if self._process is None or self._process.poll() is not None:
                raise PrusaLinkFailed(f"PrusaLink ended by itself.\n{self.log()}")
            if time.monotonic() > deadline:
                raise PrusaLinkFailed(f"{now!r}, not {state!r}, after {within_s:.0f} s.\n{self.log()}")
            time.sleep(0.1)

    def log(self) -> str:
        """The last lines the server wrote to its console."""
        log = self.folder / "console.log"
        whole = log.read_text(errors="replace").splitlines() if log.exists() else []
        lines = [
            line for line in whole if "Was[DEBUG]" not in line
        ]  # said again where something interests it
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)


def gcode(seconds: float, moves_a_s: int = 10, before: str = "G28") -> bytes:
    """G-code that takes about that long: moves of 2 mm with 0.01 mm of filament, and how far it is.

    PrusaLink takes the time of a print at every hundredth line.
    """
    moves = round(seconds * moves_a_s)
    lines = [before, "G90", "M83", "G1 X1 F6000"]
    for move in range(moves):
        if move == 0 or move * 100 // moves != (move - 1) * 100 // moves:
            lines.append(f"M73 P{move * 100 // moves} R1")
        lines.append(f"G1 X{3 - move % 2 * 2} E0.01 F{120 * moves_a_s}")
    return "\n".join([*lines, "M73 P100 R0", ""]).encode()


def program() -> Path:
    """The PrusaLink to run. Skips the test when there is none."""
    named = os.environ.get("FARM_PRUSALINK", "")
    if named and Path(named).exists():
        return Path(named)
    reason = f"no PrusaLink at {named!r}" if named else "FARM_PRUSALINK names no PrusaLink"
    pytest.skip(f"{reason}: run scripts/test.py, which sets one up where it can")


def folder() -> Path:
    """A new folder where PrusaLink keeps files to print; the system's own for such are forbidden to it."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="prusalink-test-", dir=cache_folder()))


@pytest.fixture(scope="session")
def shared_prusalink() -> Iterator[PrusaLink]:
    """The one PrusaLink of this test run; tests ask for `prusalink`."""
    found, base = program(), folder()
    try:
        with PrusaLink(found, base) as server:
            yield server
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def prusalink(shared_prusalink: PrusaLink, request: pytest.FixtureRequest) -> Iterator[PrusaLink]:
    """A running PrusaLink, idle before the test; its log is part of a failure's report."""
    shared_prusalink.make_idle()
    yield shared_prusalink
    request.node.add_report_section("teardown", "prusalink", shared_prusalink.log())
