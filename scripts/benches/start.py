"""How soon a farm with 1,000 printers and 100,000 rows of history answers, and has all its printers.

Each round starts the server as a person does, after a clean stop of the one before. Its printers are
simulated OctoPrints in a process of their own, on the same two or so cores. There is no rival: no other
farm's server is held against it here. The process that reads files gets ready after the printers, so what
that takes (a minute of a processor where nothing was compiled before) is in none of these figures.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from statistics import median
from time import perf_counter, sleep

import httpx
import psutil
import trio

from farm.access.secrets import Seal
from farm.data_folder import DataFolder, LocalAccess
from farm.domain.printer import Address, Printer
from farm.domain.user import LOCAL
from farm.printers import records
from farm.simulator.process import fleet_process
from farm.store.audit import Stamp
from farm.store.connection import FARM
from farm.store.database import Database
from scripts.benches.figure import Figure
from scripts.environment import CHECKOUT

PRINTERS = 1000
HISTORY = 100_000  # prints that are over; each has its changes and facts beside
PRINTS_A_JOB = 5
OPEN_JOBS = 200
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOOK_EVERY_S = 0.005
ASK_EVERY_S = 0.05
COUNT_EVERY_S = 0.5  # the answer tells of every part of the farm, and costs it accordingly
GIVE_UP_S, QUICK_GIVE_UP_S = 30.0, 10.0  # a start that takes longer counts as this long
STOPS_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Round:
    """One start, in seconds from the moment its process was asked for.

    answers_cpu_s, connected_cpu_s: what the server's process had used of a processor by then.
    slowest_s: the longest that `/v1/health` took while printers were being connected to.
    """

    answers_s: float
    answers_cpu_s: float
    connected_s: float
    connected_cpu_s: float
    slowest_s: float


def run(quick: bool) -> list[Figure]:
    """Medians of several starts, after one that fills the caches of files and bytecode."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as place:
        shape = (3, QUICK_GIVE_UP_S) if quick else (9, GIVE_UP_S)
        rounds = trio.run(_rounds, DataFolder(Path(place) / "data"), *shape)
    return [
        Figure("answers_after", median(one.answers_s for one in rounds), "s", goal="value<=1.5"),
        Figure("printers_connected_after", median(one.connected_s for one in rounds), "s", goal="value<=5.0"),
        Figure("slowest_answer_meanwhile", median(one.slowest_s for one in rounds), "s"),
        # On a machine that others use as well, these two still say what a start costs.
        Figure("answers_after_cpu", median(one.answers_cpu_s for one in rounds), "s"),
        Figure("printers_connected_after_cpu", median(one.connected_cpu_s for one in rounds), "s"),
    ]


async def _rounds(folder: DataFolder, rounds: int, give_up_s: float) -> list[Round]:
    folder.make()
    async with fleet_process(PRINTERS, seed=1) as fleet:
        await _fill(folder, list(fleet.printers.values()))
        await trio.to_thread.run_sync(_round, folder, give_up_s)
        return [await trio.to_thread.run_sync(_round, folder, give_up_s) for _ in range(rounds)]


def _round(folder: DataFolder, give_up_s: float) -> Round:
    with _server(folder) as (url, process, began):
        answers_s, answers_cpu_s = _first_answer(url) - began, _cpu_s(process)
        access = _access(folder)
        slowest_s, counted_at = 0.0, 0.0
        with httpx.Client(base_url=url, trust_env=False, timeout=GIVE_UP_S) as http:
            while perf_counter() - began < give_up_s:
                asked = perf_counter()
                http.get("/v1/health").raise_for_status()
                slowest_s = max(slowest_s, perf_counter() - asked)
                if perf_counter() - counted_at > COUNT_EVERY_S:
                    if _online(http, access) == PRINTERS:
                        break
                    counted_at = perf_counter()
                sleep(ASK_EVERY_S)
        connected_s = min(perf_counter() - began, give_up_s)
        return Round(answers_s, answers_cpu_s, connected_s, _cpu_s(process), slowest_s)


@contextmanager
def _server(folder: DataFolder) -> Iterator[tuple[str, psutil.Process, float]]:
    """A server's address, its process, and when it was asked for; at the end it stops in order."""
    port = _free_port()
    command = [sys.executable, "-P", "-m", "farm", "serve", "--data", str(folder.path), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "FARM_LOG__LEVEL": "warning"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or it would compile itself anew each time
    began = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        try:
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid), began
            process.send_signal(signal.SIGTERM)
            if process.wait(STOPS_WITHIN_S) != 0:
                raise OSError(f"the server did not stop cleanly: {process.returncode}")
        finally:
            process.kill()


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _first_answer(url: str) -> float:
    """When the server first answered."""
    deadline = perf_counter() + GIVE_UP_S
    with httpx.Client(base_url=url, trust_env=False, timeout=GIVE_UP_S) as http:
        while perf_counter() < deadline:
            with suppress(httpx.TransportError):
                http.get("/v1/health").raise_for_status()
                return perf_counter()
            sleep(LOOK_EVERY_S)
    raise TimeoutError("the server never answered")


def _access(folder: DataFolder) -> LocalAccess:
    access = folder.local_access()
    if access is None:
        raise OSError("the server answers, and is not announced")
    return access


def _online(http: httpx.Client, access: LocalAccess) -> int:
    """How many printers the farm is connected to."""
    told = http.get("/v1/system", headers={"Authorization": f"Bearer {access.token}"})
    return int(told.raise_for_status().json()["components"]["printers"]["online"])


# -- the shop's past ---------------------------------------------------------------------------------


async def _fill(folder: DataFolder, addresses: list[Address]) -> None:
    """A data folder as after years of work, stopped cleanly."""
    seal = Seal.load(folder.secret_key, first_run=True)
    wanted = [
        (Printer(f"p{number:04}", f"Printer {number}", address), seal.seal(address.api_key))
        for number, address in enumerate(addresses)
    ]
    database = Database(folder.farm_db, FARM, backups=folder.backups)
    async with database.running():
        for start in range(0, len(wanted), 100):
            await database.write(_add_printers, wanted[start : start + 100])
        for start in range(0, HISTORY, 10_000):
            await database.write(_add_history, range(start, start + 10_000))
        await database.write(_add_open_jobs)


def _add_printers(db: Connection, wanted: list[tuple[Printer, bytes]]) -> None:
    for printer, key in wanted:
        records.add_printer(db, printer, key, Stamp.of(LOCAL, NOON))


_FILE = (
    "INSERT OR IGNORE INTO files (id, name, kind, size, sha256, uploaded_by, uploaded_at, state)"
    " VALUES ('f', 'part.gcode', 'gcode', 1, 'ab', 'local:local', 't', 'ready')"
)
_JOB = (
    "INSERT INTO print_jobs (id, file, name, copies, state, required_printers, required_tags, created_by,"
    " created_at) VALUES (?, 'f', 'part', ?, ?, '[]', '[]', 'local:local', '2026-01-01T00:00:00.000Z')"
)
_PRINT = (
    "INSERT INTO prints (id, job, printer, attempt, remote_name, state, progress, reserved_at, started_at,"
    " ended_at) VALUES (?, ?, ?, ?, ?, 'finished', 1, '2026-01-01T00:00:00.000Z',"
    " '2026-01-01T00:00:01.000Z', '2026-01-01T01:00:00.000Z')"
)
_CHANGE = (
    "INSERT INTO state_changes (at, thing, thing_id, from_state, to_state, who, why)"
    " VALUES ('2026-01-01T01:00:00.000Z', 'print', ?, 'printing', 'finished', 'system:system', '')"
)
_FACT = (
    "INSERT INTO events (type, rooms, at, data)"
    " VALUES ('job.finished', '[\"queue\"]', '2026-01-01T01:00:00.000Z', ?)"
)


def _add_history(db: Connection, numbers: range) -> None:
    db.execute(_FILE)
    jobs = sorted({number // PRINTS_A_JOB for number in numbers})
    db.executemany(_JOB, [(f"j{job}", PRINTS_A_JOB, "done") for job in jobs])
    db.executemany(
        _PRINT,
        [
            (
                f"r{number}",
                f"j{number // PRINTS_A_JOB}",
                f"p{number % PRINTERS:04}",
                f"{number:06}",
                f"{number:06}_part.gcode",
            )
            for number in numbers
        ],
    )
    db.executemany(_CHANGE, [(f"r{number}",) for number in numbers])
    db.executemany(_FACT, [(f'{{"print": "r{number}"}}',) for number in numbers])


def _add_open_jobs(db: Connection) -> None:
    db.executemany(_JOB, [(f"open{number}", 1, "queued") for number in range(OPEN_JOBS)])
