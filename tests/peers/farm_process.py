"""The farm server as a process of its own, on a data folder that outlives it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).resolve().parents[2]
FARM = (sys.executable, "-P", "-m", "farm")
SETTINGS = {
    "FARM_FILES__MIN_FREE_MB": "0",
    "FARM_QUEUE__PLATE_UNDO_S": "0",
    "FARM_LOG__LEVEL": "warning",
}
SOON_S = 120.0


@dataclass
class FarmProcess:
    """Started, asked and killed, again and again. headers: those of its owner, once there is one."""

    folder: Path
    http: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    url: str = ""

    @property
    def log(self) -> Path:
        """What it complained about, over all its lives."""
        return self.folder.parent / "server.log"

    def start(self, program: Sequence[str] = FARM, **variables: str) -> subprocess.Popen[str]:
        """Start it and wait until it answers. program: what takes the words after `farm`."""
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **SETTINGS, **variables}
        command = [*program, "serve", "--data", str(self.folder), "--port", "0"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Listening on "), self.log.read_text()[-3000:]
        self.url = line.split()[-1]
        return self.process

    def kill(self) -> None:
        """Kill it as nothing else does: it does not get to do anything any more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Wait for its end, and close what led to it."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.wait(10)
        self.process.stdout.close()
        self.process = None

    def make_owner(self) -> None:
        """The first steps: an account, and a key that may do everything."""
        code = (self.folder / "setup-code").read_text().strip()
        person = {"code": code, "username": "anna", "password": "three or four words"}
        answer = self.ask("POST", "/v1/setup", json=person)
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        answer = self.ask("POST", "/v1/keys", json={"name": "all", "scopes": ["admin"]})
        self.headers = {"X-Api-Key": answer.json()["key"]}

    def ask(
        self, method: str, path: str, more: Mapping[str, str] | None = None, **what: Any
    ) -> httpx.Response:
        """One request of its owner. more: headers beside those that show who it is."""
        headers = {**self.headers, **(more or {})}
        return self.http.request(method, self.url + path, headers=headers, timeout=10, **what)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database from outside, as it is committed."""
        with closing(sqlite3.connect(f"file:{self.folder}/farm.db?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(query).fetchall()


@contextmanager
def running_farm(folder: Path) -> Iterator[FarmProcess]:
    """A farm on a data folder of its own, with an owner. Killed at the end, where it still runs."""
    with httpx.Client(trust_env=False) as http:
        farm = FarmProcess(folder, http)
        try:
            farm.start()
            farm.make_owner()
            yield farm
        finally:
            if farm.process is not None:
                farm.kill()


def until(look: Callable[[], Any], within_s: float = SOON_S) -> Any:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
    return found
