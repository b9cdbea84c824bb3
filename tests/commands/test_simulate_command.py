"""`farm simulate` as a person starts it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from farm.__main__ import main
from farm.domain.printer import PRINT_HOSTS
from farm.simulator.dialects import DIALECTS


@contextmanager
def simulator(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "farm", "simulate", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def free_ports(number: int) -> int:
    """The first of some ports in a row that are free at the moment."""
    for first in range(23_000, 30_000, number):
        taken = [port for port in range(first, first + number) if not _is_free(port)]
        if not taken:
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_everything_is_runs_and_stops_when_told(end: signal.Signals) -> None:
    with simulator("--printers", "2", "--json") as process:
        told = json.loads(first_line(process))
        for printer in told["printers"]:
            key = {"X-Api-Key": printer["api_key"]}
            answer = httpx.get(printer["url"] + "/api/version", headers=key, trust_env=False)
            assert answer.json()["text"].startswith("OctoPrint ")
            assert httpx.get(printer["url"] + "/api/version", trust_env=False).status_code == 403
        assert len(httpx.get(told["control"] + "/printers", trust_env=False).json()["printers"]) == 2

        process.send_signal(end)

        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not list(Path(tempfile.gettempdir()).glob(f"farm-simulator-{process.pid}-*"))


def test_a_person_reads_a_table() -> None:
    with simulator("--printers", "1") as process:
        assert first_line(process).split() == ["ID", "SPEAKS", "ADDRESS", "API", "KEY"]
        assert first_line(process).startswith("sim-001  octoprint  http://127.0.0.1:")


def test_the_ports_are_in_a_row_and_the_keys_those_of_the_seed() -> None:
    port = free_ports(4)
    options = ("--printers", "3", "--json", "--port", str(port), "--seed", "7")
    told = []
    for _ in range(2):
        with simulator(*options) as process:
            told.append(json.loads(first_line(process)))

    assert told[0] == told[1]
    assert told[0]["control"].startswith(f"http://127.0.0.1:{port}/")
    assert [printer["url"] for printer in told[0]["printers"]] == [
        f"http://127.0.0.1:{port + number}" for number in (1, 2, 3)
    ]


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        simulator("--port", str(taken.getsockname()[1])) as process,
    ):
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert "port for the simulated printers is not free" in process.stderr.read()


@pytest.mark.parametrize(
    "options",
    [["--printers", "0"], ["--printers", "x"], ["--speed", "0"], ["--speed", "nan"], ["--port", "-1"]],
)
def test_odd_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", *options])

    assert stopped.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_what_can_be_driven_can_be_simulated() -> None:
    assert set(DIALECTS) == set(PRINT_HOSTS)


def test_a_dialect_that_nobody_speaks_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--printers", "octoprint:1,klingon:2"])

    assert "nobody speaks 'klingon' here; there are " in capsys.readouterr().err
