"""kill -9 of the server while something is wrong with a printer: the next one knows of it, of what people
said to it, and since when nobody was there.

Its printer is simulated in a process of its own, which goes on meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.farm_process import CHECKOUT, FARM, FarmProcess, running_farm, until

LONG_PRINT = "".join(
    ["G90\n", "G1 X0 F6000\n", "M109 S210\n", *(f"G1 X{10 * step} F240\n" for step in range(1, 2000))]
)
STAYS_S = 25.0  # longer than it takes to see, and to pause, what was not known

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")


@contextmanager
def one_printer() -> Iterator[tuple[dict[str, Any], Callable[[str], None]]]:
    """A simulated OctoPrint, and what lets something happen to its printer."""
    command = [*FARM, "simulate", "--json", "--printers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        told = httpx.Response(200, text=process.stdout.readline()).json()
        (printer,) = told["printers"]

        def happens(what: str) -> None:
            url = f"{told['control']}/printers/{printer['id']}/do"
            assert httpx.post(url, json={"what": what}, trust_env=False).status_code == 200

        try:
            yield printer, happens
        finally:
            process.terminate()


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmProcess]:
    with running_farm(tmp_path / "data") as farm:
        yield farm


def status(farm: FarmProcess) -> dict[str, Any]:
    return dict(farm.ask("GET", "/v1/printers/mk4").json()["status"])


def told(farm: FarmProcess) -> list[str]:
    return [kind for (kind,) in farm.rows("SELECT data FROM events WHERE type = 'anomalies.detected'")]


def command(farm: FarmProcess, name: str) -> None:
    answer = farm.ask("POST", "/v1/printers/mk4/commands", json={"command": name})
    assert answer.status_code == 202, answer.text


def begin_a_print(farm: FarmProcess, printer: dict[str, Any]) -> None:
    connection = {"kind": "octoprint", "url": printer["url"], "api_key": printer["api_key"]}
    added = farm.ask("POST", "/v1/printers", json={"id": "mk4", "name": "MK4", "connection": connection})
    assert added.status_code == 201, added.text
    sent = farm.ask("POST", "/v1/files?name=long.gcode", content=LONG_PRINT)
    assert farm.ask("POST", "/v1/jobs", json={"file": sent.json()["id"]}).status_code == 201
    until(lambda: status(farm)["connection"] == "online")
    command(farm, "plate_cleared")
    until(lambda: (status(farm)["temperatures"].get("tool0") or {}).get("actual", 0) > 208)


@pytest.mark.timeout(600)
def test_the_next_server_knows_what_is_wrong_and_does_not_overrule_who_goes_on(farm: FarmProcess):
    with one_printer() as (printer, happens):
        begin_a_print(farm, printer)
        happens("heater_fails")
        until(lambda: status(farm)["operation"] == "paused")
        before, known = status(farm), told(farm)
        assert before["doubt"]
        assert [each["severity"] for each in before["anomalies"]] == ["pause"]

        farm.kill()
        farm.start()
        after = status(farm)
        assert (after["doubt"], after["doubt_since"]) == (before["doubt"], before["doubt_since"])
        assert after["anomalies"] == before["anomalies"]
        until(lambda: status(farm)["operation"] == "paused")

        farm.kill()
        farm.start()
        until(lambda: status(farm)["operation"] == "paused")
        command(farm, "resume")
        until(lambda: status(farm)["operation"] == "printing")
        until_then = time.monotonic() + STAYS_S
        while time.monotonic() < until_then:
            assert status(farm)["operation"] == "printing"
            time.sleep(0.5)
        assert told(farm) == known


@pytest.mark.timeout(600)
def test_the_next_server_goes_on_counting_how_long_a_nozzle_was_left_hot(farm: FarmProcess):
    with one_printer() as (printer, _):
        settings = farm.ask("PATCH", "/v1/settings", json={"watching": {"paused_hot_s": 60}})
        assert settings.status_code == 200, settings.text
        begin_a_print(farm, printer)
        command(farm, "pause")
        until(lambda: farm.rows("SELECT id FROM printers WHERE left_hot IS NOT NULL"))

        farm.kill()
        killed_at = datetime.now(UTC)
        farm.start()
        query = "SELECT at, data FROM events WHERE type = 'anomalies.detected'"
        ((found_at, found),) = until(lambda: farm.rows(query))
        found = json.loads(found)
        assert found["kind"] == "paused_hot"
        left_for = timedelta(seconds=found["evidence"]["window_s"])
        assert datetime.fromisoformat(found_at) - left_for < killed_at
        until(lambda: status(farm)["temperatures"]["tool0"]["target"] == 0)
