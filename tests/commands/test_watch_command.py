"""`farm watch`, at a server of its own that is stopped and started again meanwhile."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from farm.commands import watch
from farm.data_folder import LocalAccess
from farm.errors import Refused
from tests.peers.farm_process import FARM, FarmProcess, running_farm


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmProcess]:
    with running_farm(tmp_path_factory.mktemp("farm") / "data") as farm:
        yield farm


@contextmanager
def watching(farm: FarmProcess, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`farm watch`, from when it listens until Ctrl-C."""
    command = [sys.executable, "-P", "-u", "-m", "farm", "watch", "--data", str(farm.folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        try:
            assert watch.stderr is not None
            assert watch.stderr.readline().startswith("Listening to files")
            yield watch
            watch.send_signal(signal.SIGINT)
            assert watch.wait(10) == 0
        finally:
            watch.kill()


def send_file(farm: FarmProcess, name: str) -> None:
    new = f"; {secrets.token_hex(4)}\nG28\nG1 X10 E1\n"
    farm.ask("POST", f"/v1/files?name={name}", content=new).raise_for_status()


def shown_until(watch: subprocess.Popen[str], *about: str) -> list[dict[str, Any]]:
    """The events up to the first that is of this type and about this file."""
    events = []
    assert watch.stdout is not None
    for line in watch.stdout:
        events.append(json.loads(line))
        if (events[-1]["type"], events[-1]["data"]["name"]) == about:
            return events
    raise AssertionError(f"it ended after {events}")


def test_what_happens_is_shown_once_also_what_happened_while_the_server_was_away(farm):
    with watching(farm, "--json", "--room", "files") as watch:
        send_file(farm, "one.gcode")
        before = shown_until(watch, "file.processed", "one.gcode")
        farm.kill()
        farm.start()
        send_file(farm, "two.gcode")
        after = shown_until(watch, "file.processed", "two.gcode")

    assert [event["type"] for event in before][:1] == ["file.added"]
    numbers = [event["seq"] for event in before + after]
    assert numbers == sorted(set(numbers))
    assert {event["data"]["name"] for event in after} == {"two.gcode"}


def test_people_get_lines(farm):
    with watching(farm, "--room", "files") as watch:
        send_file(farm, "one.gcode")
        assert watch.stdout is not None
        time, type, *words = watch.stdout.readline().split()
        assert (len(time), type) == (8, "file.added")
        assert " ".join(words).endswith("name one.gcode")


def test_a_room_that_is_none_is_said_so(farm):
    command = [*FARM, "watch", "--data", str(farm.folder), "--room", "kitchen"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no such room, or not yours to hear: kitchen" in ended.stderr


def test_a_server_that_was_killed_is_not_waited_for_without_end(folder, monkeypatch):
    monkeypatch.setattr(watch, "GIVE_UP_S", 0.5)
    monkeypatch.setattr(watch, "AGAIN_S", 0.1)
    folder.make()
    with socket.create_server(("127.0.0.1", 0)) as dead:
        url = f"http://127.0.0.1:{dead.getsockname()[1]}"
    with folder.announced(LocalAccess(url, "a token")), pytest.raises(Refused, match="has stopped"):
        trio.run(watch._Watch(folder, ["files"], False, print).run)


def test_without_a_server_it_says_what_to_do(shop):
    code, _, problem = shop.types("watch")
    assert code == 1
    assert "start it once" in problem


def test_what_is_measured_is_a_line_when_it_reads_otherwise_than_before(capsys):
    def update(trend: str | None, done: str | None = None) -> dict[str, Any]:
        progress = {"rate_per_h": 0.5, "estimated_completion": done, "confidence_s": 290.0}
        metrics = {"temperature": {"tool0": {"trend": trend}}, "progress": progress if done else None}
        return {
            "type": "data.update",
            "at": "2026-01-01T12:00:00.000Z",
            "data": {"printer": "mk4", "metrics": metrics},
        }

    lines = watch._Lines()
    for event in (
        update(None),
        update("rising"),
        update("rising"),
        update("stable", "2026-01-01T13:05:00.000Z"),
    ):
        lines.show(event)

    assert capsys.readouterr().out.splitlines() == [
        "12:00:00  mk4 measured              nothing yet",
        "12:00:00  mk4 measured              tool0 rising",
        "12:00:00  mk4 measured              tool0 stable, done 13:05, give or take 5 min",
    ]
