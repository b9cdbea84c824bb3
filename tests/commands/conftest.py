"""A shop's data folder with nobody in it, and the same with a server that answers."""

from __future__ import annotations

import io
import logging
import os
import queue
import threading
from functools import partial

import pytest
import structlog
import trio

from farm.__main__ import main
from farm.data_folder import DataFolder, LocalAccess
from farm.domain.clock import real_clock
from tests.web.web_farm import WebFarm


@pytest.fixture(autouse=True)
def process_as_before():
    """Commands set up this process's log and file modes, as they may; pytest wants its own back."""
    root = logging.getLogger()
    handlers, level, umask = root.handlers[:], root.level, os.umask(0o022)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    os.umask(umask)


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path / "data")


class Today(WebFarm):
    """Lives on the clock that the commands see."""

    now = property(lambda self: real_clock(), lambda self, noon: None)


class Server:
    """The real web application over the real gate and database, in a thread of its own.

    farm: what it is made of; queue, fleet and printers are the test's.
    """

    def __init__(self, folder):
        self.folder = folder
        self._ready = queue.Queue()
        self._thread = threading.Thread(target=trio.run, args=(self._run,))

    def __enter__(self):
        self._thread.start()
        self._stop = self._ready.get(timeout=30)
        return self

    def __exit__(self, *_):
        self._stop()
        self._thread.join()

    async def _run(self):
        stop, here = trio.Event(), trio.lowlevel.current_trio_token()
        with self.folder.lock(), structlog.testing.capture_logs():
            self.farm = Today(self.folder.path)
            async with self.farm.running():
                self.farm.gate.trust_local("a token")
                with self.folder.announced(LocalAccess(self.farm.url, "a token")):
                    self._ready.put(lambda: trio.from_thread.run_sync(stop.set, trio_token=here))
                    await stop.wait()


class _Terminal(io.StringIO):
    def isatty(self):
        return True


class Shop:
    """Types commands at the shop PC and reads what they print."""

    def __init__(self, folder, capsys, monkeypatch):
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def types(self, *words, answers=(), stdin=None):
        """Runs a command; answers its exit code, output and complaints.

        answers: typed when asked, at a terminal. stdin: a file's text in the terminal's place.
        """
        answers = list(answers)
        self.asked = []

        def ask(prompt):
            self.asked.append(prompt)
            return answers.pop(0)

        self._monkeypatch.setattr("getpass.getpass", ask)
        self._monkeypatch.setattr("sys.stdin", _Terminal() if stdin is None else io.StringIO(stdin))
        self._capsys.readouterr()
        try:
            code = main([*words, "--data", str(self.folder.path)])
        except SystemExit as stop:
            code = stop.code
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err


@pytest.fixture
def shop(folder, capsys, monkeypatch):
    """Nobody is there: commands open the database themselves."""
    return Shop(folder, capsys, monkeypatch)


@pytest.fixture(params=["no server runs", "a server runs"])
def any_shop(request, shop):
    """The same commands with and without a running server."""
    if request.param == "no server runs":
        yield shop
    else:
        with Server(shop.folder):
            yield shop


@pytest.fixture
def a_server(folder):
    """Runs a server for the length of a `with`."""
    return partial(Server, folder)


@pytest.fixture
def server(a_server):
    """A running server."""
    with a_server() as server:
        yield server
