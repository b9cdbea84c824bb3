"""How each part of the farm does, also while some of them do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from web_farm import NOON

from farm.actors.supervisor import ActorReport, ActorState
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, JobState
from farm.domain.printer import Connection, PrinterStatus
from farm.store import files, jobs
from farm.telemetry.writer import Kept
from farm.web import components, system

ACTORS = (
    "database",
    "database:telemetry",
    "queue",
    "scheduler",
    "telemetry",
    "history",
    "printers",
    "events",
    "clients",
)


def running(name, **more):
    report = ActorReport(name, ActorState.RUNNING, 0, 3, 64, 0, 0, 0, 0, 0, 0, 0.0, None, in_state_s=60.0)
    return replace(report, **more)


@pytest.fixture
def actors(farm):
    """The reports of every actor; a test changes them."""
    found = {name: running(name) for name in ACTORS}
    farm.reports = lambda: list(found.values())
    return found


async def look(farm):
    answer = await farm.http.get("/v1/system", headers=await farm.key("read"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_everything_is_well_and_counted(farm, actors):
    for number, state in enumerate((JobState.QUEUED, JobState.QUEUED, JobState.NEEDS_REVIEW, JobState.DONE)):
        name = f"{number % 2}.gcode"
        file = StoredFile(f"f{number % 2}", name, FileKind.GCODE, 3_000_000, "00" * 32, "test", NOON)
        await farm.database.write(files.add, file)
        await farm.database.write(jobs.add, Job(f"j{number}", file.id, "x", 1, state, "test", NOON), "test")
    for number, connection in enumerate((Connection.ONLINE, Connection.ONLINE, Connection.OFFLINE)):
        farm.statuses[f"mk4-0{number}"] = PrinterStatus(connection)
    while farm.vitals.report().use is None:  # noqa: ASYNC110
        await trio.sleep(0.05)

    told = await look(farm)

    assert (told["status"], told["version"]) == ("ok", "1.2.3")
    parts = told["components"]
    assert {part["status"] for part in parts.values()} == {"ok"}
    assert {part["message"] for part in parts.values()} == {""}
    assert parts["queue"]["since"] == "2026-01-01T11:59:00.000Z"
    counted = {name: parts["queue"][name] for name in ("held", "queued", "needs_review", "printing")}
    assert counted == {"held": 0, "queued": 2, "needs_review": 1, "printing": 0}
    assert (parts["printers"]["online"], parts["printers"]["offline"]) == (2, 1)
    assert (parts["files"]["files"], parts["files"]["size_mb"], parts["files"]["waiting"]) == (2, 3.0, 2)
    assert parts["files"]["workers"] == ["ready"]
    assert (parts["scheduler"]["planner"], parts["scheduler"]["version"]) == ("cold", 0)
    counted = {
        name: parts["telemetry"][name]
        for name in ("printers", "channels", "samples", "late", "refused", "passed_over")
    }
    assert counted == {"printers": 2, "channels": 5, "samples": 70, "late": 1, "refused": 3, "passed_over": 9}
    assert parts["database"]["size_mb"] > 0.05
    resources = told["resources"]
    assert resources["rss_mb"] > 5
    assert resources["disk_free_mb"] > 0
    assert resources["loop_lateness_p99_ms"] is None or resources["loop_lateness_p99_ms"] >= 0
    assert told["uptime_s"] > 0


async def test_a_part_whose_actor_crashed_says_so_and_the_rest_goes_on(farm, actors):
    actors["telemetry"] = running("telemetry", state=ActorState.DEGRADED, last_error="KeyError: x", dropped=7)

    told = await look(farm)

    assert told["status"] == "degraded"
    part = told["components"]["telemetry"]
    assert (part["status"], part["message"]) == ("degraded", "telemetry is degraded: KeyError: x")
    assert part["dropped"] == 7
    assert told["components"]["queue"]["status"] == "ok"


async def test_a_history_that_takes_all_of_its_room_says_so(farm, actors):
    farm.kept = Kept(3, "single readings are kept for 7.0 h instead of 24.0 h")

    part = (await look(farm))["components"]["telemetry"]

    assert (part["status"], part["message"]) == ("ok", farm.kept.words)
    assert part["dropped"] == 3


async def test_a_part_that_nothing_works_without_has_failed(farm, actors):
    actors["queue"] = running("queue", state=ActorState.BACKING_OFF, last_error="Crash: once", in_state_s=5.0)
    del actors["clients"]

    told = await look(farm)

    assert told["status"] == "failed"
    assert told["components"]["queue"]["status"] == "failed"
    assert told["components"]["queue"]["since"] == "2026-01-01T11:59:55.000Z"
    assert told["components"]["live"]["message"] == "clients has stopped"


async def test_a_printer_whose_actor_keeps_crashing_is_counted_as_faulted(farm, actors):
    farm.statuses["mk4-01"] = PrinterStatus(Connection.ONLINE)
    actors["printer:mk4-01"] = running("printer:mk4-01", state=ActorState.FAULTED, last_error="Bug: there")

    part = (await look(farm))["components"]["printers"]

    assert (part["status"], part["online"], part["faulted"]) == ("degraded", 0, 1)
    assert part["message"] == "printer:mk4-01 is faulted: Bug: there"


async def test_a_disk_that_is_nearly_full_is_told_before_an_upload_finds_out(farm, actors):
    farm.storage._min_free = 10**18

    part = (await look(farm))["components"]["files"]

    assert part["status"] == "degraded"
    assert "nearly full" in part["message"]


async def test_a_database_that_refuses_has_failed_and_the_numbers_of_others_are_there(farm, actors):
    headers = await farm.key("read")
    await farm.http.get("/v1/auth/me", headers=headers)  # who is known a moment ago still is
    for path in farm.folder.glob("farm.db*"):
        path.write_bytes(b"no database at all")

    answer = await farm.http.get("/v1/system", headers=headers)

    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "failed")
    assert told["components"]["database"]["status"] == "failed"
    assert told["components"]["database"]["message"]
    assert told["components"]["queue"]["queued"] is told["epoch"] is None
    assert told["components"]["telemetry"]["size_mb"] > 0


async def test_a_part_that_does_not_answer_is_not_waited_for(farm, actors, monkeypatch):
    async def hang(message, by):
        await trio.sleep_forever()

    monkeypatch.setattr(system, "LOOK_WITHIN_S", 0.2)
    farm.events.answer = hang

    part = (await look(farm))["components"]["printers"]

    assert part["status"] == "degraded"
    assert "did not answer" in part["message"]


async def test_readers_see_the_state_of_the_server_and_slicers_do_not(farm):
    assert (await farm.http.get("/v1/system", headers=await farm.key("upload"))).status_code == 403


def test_the_worst_of_the_parts_is_told_for_the_whole():
    assert list(components.Condition) == ["ok", "degraded", "failed"]
