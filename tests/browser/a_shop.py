"""A farm as its owner starts it, in a process of its own: it can be killed and started again."""

from __future__ import annotations

import os
import queue
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 15.0
PASSWORD = "three or four words"


class Shop:
    """A farm server on a folder. Use as a context manager; it listens when entered.

    url: where the page is; it stays the same when the server comes back.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self._port = _free_port()
        self._process: subprocess.Popen[str] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Shop:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._process is not None:
            self.stop()

    @property
    def setup_link(self) -> str:
        """The path of the link that a fresh server prints."""
        return f"/setup#code={(self.folder / 'setup-code').read_text().strip()}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-m", "farm", "serve", "--data", str(self.folder)]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        environment = {**os.environ, "FARM_FILES__MIN_FREE_MB": "0", "FARM_QUEUE__PLATE_UNDO_S": "2"}
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        self._await_line(r"^Listening on ")

    def stop(self) -> None:
        """End it as a service manager would."""
        process = self._taken()
        process.terminate()
        try:
            code = process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        assert code == 0, self.log.read_text()

    def kill(self) -> None:
        """End it as a power cut would: no word to anybody."""
        process = self._taken()
        process.kill()
        process.wait()

    def _taken(self) -> subprocess.Popen[str]:
        process, self._process = self._process, None
        assert process is not None
        return process

    def _await_line(self, pattern: str) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        heard: queue.Queue[bool] = queue.Queue()
        stdout = process.stdout

        def listen() -> None:  # to its end, so that the server never waits for a reader
            for line in stdout:
                if re.search(pattern, line):
                    heard.put(True)
            heard.put(False)
            stdout.close()

        threading.Thread(target=listen, daemon=True).start()
        if not heard.get(timeout=READY_WITHIN_S):
            process.wait()
            raise AssertionError(self.log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
