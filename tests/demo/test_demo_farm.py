"""`farm serve --demo` as a newcomer starts it: at work at once, apart from real data, gone with Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from farm.data_folder import DataFolder
from farm.demo.customers import WAITING_JOBS
from farm.demo.operator import LOOK_EVERY_S
from farm.demo.shop import PRINTERS

CHECKOUT = Path(__file__).resolve().parents[2]
FARM = [sys.executable, "-P", "-m", "farm"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "FARM_FILES__MIN_FREE_MB": "0"}
SOON_S = 30.0
LOSE_THEIR_HOST = {"cr10-01"}  # now and then

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends the server as Ctrl-C does")


@contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client, str]]:
    """The demo, somebody who logged in with the password that it told, and that password."""
    command = [*FARM, "serve", "--demo", "--data", str(folder), "--port", "0"]
    with (
        (folder.parent / "log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT) as server,
    ):
        try:
            assert server.stdout is not None
            listening, told = server.stdout.readline(), server.stdout.readline()
            assert listening.startswith("Listening on "), (folder.parent / "log").read_text()
            words = told.split()
            assert words[:4] == ["Demo", "user:", "demo", "password:"]
            with httpx.Client(base_url=listening.split()[-1], timeout=10, trust_env=False) as http:
                login = http.post("/v1/auth/login", json={"username": "demo", "password": words[4]})
                assert login.json()["user"]["role"] == "admin"
                http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
                yield server, http, words[4]
        finally:
            server.kill()


def printers(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return {printer["id"]: printer for printer in http.get("/v1/printers").json()["items"]}


def operations(http: httpx.Client) -> dict[str, str]:
    return {id: printer["status"]["operation"] for id, printer in printers(http).items()}


def wait_for(look: Callable[[], Any]) -> Any:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + SOON_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
    return found


def refused(folder: Path) -> subprocess.CompletedProcess[str]:
    """A demo that does not come about; says why in one line, with exit code 1."""
    command = [*FARM, "serve", "--demo", "--data", str(folder), "--port", "0"]
    answer = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (1, "", 1), answer.stderr
    return answer


def test_it_is_at_work_at_once_can_be_stopped_in_an_emergency_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    with demo(tmp_path) as (server, http, _):
        at_work: set[str] = set()  # seen so at some time: one of them loses its print host now and then

        def all_have_been() -> bool:
            at_work.update(id for id, operation in operations(http).items() if operation == "printing")
            return at_work == {printer.id for printer in PRINTERS}

        wait_for(all_have_been)
        shown = printers(http)
        assert set(shown) == {printer.id for printer in PRINTERS}
        assert {printer["connection"]["kind"] for printer in shown.values()} == {"simulated"}
        wait_for(
            lambda: len(http.get("/v1/jobs", params={"state": "queued"}).json()["items"]) == WAITING_JOBS
        )

        second = refused(tmp_path)
        assert f"The data folder {tmp_path / 'demo'} is in use" in second.stderr

        stopped = http.post("/v1/emergency-stop", json={"printers": None})
        reached = set(stopped.json()["reached"])
        assert set(shown) - reached <= LOSE_THEIR_HOST

        def still_stopped() -> bool:
            return {operations(http)[id] for id in reached} == {"emergency"}

        wait_for(still_stopped)
        time.sleep(LOOK_EVERY_S + 1)  # the simulated operator sees it, and leaves it to people
        assert still_stopped()

        family = psutil.Process(server.pid).children(recursive=True)
        commands = [process.cmdline() for process in family]
        simulators = [command for command in commands if "simulate" in command]
        assert len(simulators) == 1
        assert all("farm.workers" in command for command in commands if command not in simulators)
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
        assert not any(process.is_running() for process in family)
    assert "Traceback" not in (tmp_path.parent / "log").read_text()


def test_each_start_is_a_fresh_one_and_the_real_farm_beside_it_is_never_touched(tmp_path: Path) -> None:
    real = tmp_path / "data"
    real.mkdir()
    (real / "farm.db").write_bytes(b"somebody's shop")
    (real / "secret-key").write_bytes(b"key")
    with demo(real) as (server, http, first):
        jobs = wait_for(lambda: {job["id"] for job in http.get("/v1/jobs").json()["items"]})
        server.kill()  # the worst way to leave a demo
        server.wait(10)
    with demo(real) as (server, http, second):
        wait_for(lambda: "printing" in operations(http).values())
        assert not jobs & {job["id"] for job in http.get("/v1/jobs").json()["items"]}
        states = {job["state"] for job in http.get("/v1/jobs").json()["items"]}
        assert states <= {"queued", "active"}
        assert first != second

    assert {path.name for path in real.iterdir()} == {"farm.db", "secret-key", "demo"}
    assert (real / "farm.db").read_bytes() == b"somebody's shop"


def test_what_lies_on_a_plate_is_taken_off_by_the_simulated_operator(tmp_path: Path) -> None:
    with demo(tmp_path) as (_, http, _):
        # The shortest print takes most of a minute; a cancelled one leaves plastic on the plate too.
        wait_for(lambda: operations(http)["voron-01"] == "printing")
        assert http.post("/v1/printers/voron-01/commands", json={"command": "cancel"}).status_code == 202
        wait_for(lambda: operations(http)["voron-01"] == "idle")
        assert printers(http)["voron-01"]["status"]["plate"] == "occupied"
        wait_for(lambda: printers(http)["voron-01"]["status"]["plate"] == "clear")


def test_a_folder_that_holds_a_farm_is_never_made_anew(tmp_path: Path) -> None:
    mine = DataFolder(tmp_path).demo
    mine.make()
    mine.farm_db.write_bytes(b"somebody's shop")

    answer = refused(tmp_path)

    assert answer.stderr.startswith(f"{mine.path} holds a farm that is no demo.")
    assert mine.farm_db.read_bytes() == b"somebody's shop"


def test_a_demo_that_was_taken_over_as_a_real_farm_is_not_taken_away(tmp_path: Path) -> None:
    mine = DataFolder(tmp_path).demo
    mine.make()
    mine.demo_mark.write_text("a demo")
    command = [*FARM, "serve", "--data", str(mine.path), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("Listening on ")
        server.terminate()

    assert "holds a farm that is no demo" in refused(tmp_path).stderr
