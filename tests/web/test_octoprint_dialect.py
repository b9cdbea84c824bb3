"""What slicers and apps read from the farm in the belief that it is an OctoPrint."""

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType

import pytest
from msgspec import structs

from farm.domain.analysis import Filament, GcodeAnalysis, PrintTime
from farm.domain.file import FileAnalysis, FileState
from farm.domain.printer import Connection, Operation, Plate, PrinterStatus, PrintProgress, Temperature
from farm.domain.user import Grant
from farm.store import file_analyses, files
from farm.web.octoprint import refusals, shapes
from farm.web.octoprint.shapes import Seen

RECORDED = json.loads(
    (Path(__file__).parents[1] / "transcripts" / "octoprint" / "conversation-1.11.8.json").read_text("utf-8")
)
READY = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
HOT = structs.replace(
    READY,
    operation=Operation.PRINTING,
    temperatures={"tool0": Temperature(209.8, 210.0), "bed": Temperature(60.1, 60.0)},
)
GCODE = b"G28\nG1 X10 E1\n" * 100


def recorded(part, question):
    return RECORDED[part]["answers"][question]["body"]


def kinds(thing):
    """The fields of an answer and what kind of value each holds; a whole number may stand for a fraction."""
    if isinstance(thing, dict):
        return {name: kinds(value) for name, value in thing.items()}
    return float if isinstance(thing, int) and not isinstance(thing, bool) else type(thing)


def differences(ours, theirs, where=""):
    """Where an answer of ours differs in shape from what the real OctoPrint gave; null fits everything."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for name in {*ours, *theirs}
            for line in differences(ours.get(name, "absent"), theirs.get(name, "absent"), f"{where}.{name}")
        ]
    fits = ours == theirs or NoneType in (ours, theirs)
    return [] if fits else [f"{where}: {ours} here, {theirs} there"]


async def wish(farm, name="benchy.gcode"):
    """A file with a job, and the print of it as its printer tells it."""
    headers = await farm.key("upload", "queue")
    kept = await farm.http.post("/v1/files", params={"name": name}, content=GCODE, headers=headers)
    answer = await farm.http.post("/v1/jobs", json={"file": kept.json()["id"]}, headers=headers)
    job = answer.json()["id"]
    return PrintProgress("p1", job, kept.json()["id"], name, "printing", 0.25, 60.0, 180.5)


@pytest.mark.parametrize(
    ("part", "question", "operation"),
    [
        ("introduction", "idle: printer", Operation.IDLE),
        ("prints", "printing: printer", Operation.PRINTING),
        ("prints", "pausing: printer", Operation.PAUSING),
        ("prints", "paused: printer", Operation.PAUSED),
    ],
)
def test_state_and_flags_are_those_of_the_real_octoprint(part, question, operation):
    ours = shapes.printer(Seen(structs.replace(READY, operation=operation)))["state"]
    theirs = recorded(part, question)["state"]

    assert ours["text"] == theirs["text"]
    assert {**ours["flags"], "sdReady": True} == theirs["flags"]  # the farm offers no card


async def test_answers_have_the_fields_of_the_real_octoprint(farm):
    await farm.printer()
    farm.statuses["mk4-01"] = structs.replace(HOT, print=await wish(farm))
    headers = await farm.key("read")

    for path, part, question in (
        ("version", "introduction", "version"),
        ("server", "introduction", "server"),
        ("printer", "prints", "printing: printer"),
        ("job", "prints", "printing: job"),
        ("connection", "prints", "printing: connection"),
        ("files", "introduction", "files, none"),
    ):
        ours = (await farm.http.get(f"/p/mk4-01/api/{path}", headers=headers)).json()
        assert differences(kinds(ours), kinds(recorded(part, question)), path) == []


async def test_job_and_readings_of_one_printer(farm):
    await farm.printer()
    farm.statuses["mk4-01"] = structs.replace(HOT, print=await wish(farm))
    headers = await farm.key("read")

    job = (await farm.http.get("/p/mk4-01/api/job", headers=headers)).json()
    printer = (await farm.http.get("/p/mk4-01/api/printer?exclude=sd", headers=headers)).json()

    assert job["state"] == "Printing"
    assert job["job"]["file"]["name"] == "benchy.gcode"
    assert job["job"]["file"]["size"] == len(GCODE)
    assert job["progress"] == {
        "completion": 25.0, "filepos": 350, "printTime": 60, "printTimeLeft": 180,
        "printTimeLeftOrigin": "linear",
    }  # fmt: skip
    assert "sd" not in printer
    assert printer["temperature"]["tool0"] == {"actual": 209.8, "target": 210.0, "offset": 0}


async def test_printer_that_is_away_is_a_conflict_and_its_job_is_offline(farm):
    await farm.printer()
    farm.statuses["mk4-01"] = PrinterStatus(Connection.OFFLINE)
    headers = await farm.key("read")

    printer = await farm.http.get("/p/mk4-01/api/printer", headers=headers)
    job = await farm.http.get("/p/mk4-01/api/job", headers=headers)

    assert (printer.status_code, printer.json()) == (409, {"error": "Printer is not operational"})
    assert (job.status_code, job.json()["state"]) == (200, "Offline")


async def test_whole_farm_is_ready_until_something_prints(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02", "row-b")
    farm.statuses["mk4-01"] = PrinterStatus(Connection.OFFLINE)
    headers = await farm.key("read")

    before = (await farm.http.get("/api/job", headers=headers)).json()
    farm.statuses["mk4-02"] = structs.replace(HOT, print=await wish(farm))
    after = (await farm.http.get("/api/job", headers=headers)).json()
    group = (await farm.http.get("/group/row-b/api/job", headers=headers)).json()

    assert (before["state"], before["job"]["file"]["name"]) == ("Operational", None)
    assert (after["state"], after["job"]["file"]["name"]) == ("Printing", "benchy.gcode")
    assert group == after


async def test_keys_own_target_is_what_the_root_speaks_for(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02")
    farm.statuses["mk4-02"] = PrinterStatus(Connection.OFFLINE)
    headers = await farm.key("upload", target="printer:mk4-02")

    assert (await farm.http.get("/api/job", headers=headers)).json()["state"] == "Offline"


async def test_upload_key_may_look_at_what_it_sends_to_but_not_list_files(farm):
    await farm.printer()
    await wish(farm)
    headers = await farm.key("upload")

    for path in ("printer", "job", "connection", "files/local/benchy.gcode"):
        assert (await farm.http.get(f"/p/mk4-01/api/{path}", headers=headers)).status_code == 200, path
    assert (await farm.http.get("/api/files", headers=headers)).status_code == 403


async def test_somebody_elses_printer_is_not_shown(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02")
    headers = await farm.key("upload", "read", grant=Grant(printers=frozenset({"mk4-02"})))

    for path in ("printer", "job", "connection", "files"):
        assert (await farm.http.get(f"/p/mk4-01/api/{path}", headers=headers)).status_code == 403, path
        assert (await farm.http.get(f"/p/mk4-02/api/{path}", headers=headers)).status_code == 200, path


@pytest.mark.parametrize("scope", ["upload", "read"])
async def test_root_shows_nothing_of_what_somebody_elses_printer_does(farm, scope):
    for id in ("mk4-01", "mk4-02"):
        await farm.printer(id)
    farm.statuses["mk4-01"] = structs.replace(HOT, print=await wish(farm, "secret prototype.gcode"))
    headers = await farm.key(scope, grant=Grant(printers=frozenset({"mk4-02"})))

    for path in ("printer", "job", "connection"):
        answer = await farm.http.get(f"/api/{path}", headers=headers)
        assert answer.status_code == 200, path
        assert "Printing" not in answer.text, path
        assert "secret" not in answer.text, path
        assert "210" not in answer.text, path


async def test_group_takes_uploads_for_the_printers_with_its_tag(farm):
    await farm.printer("mk4-01", "row-a")
    headers = await farm.key("upload", "queue")
    files = {"file": ("benchy.gcode", GCODE)}

    answer = await farm.http.post(
        "/group/row-a/api/files/local", data={"print": "true"}, files=files, headers=headers
    )

    assert answer.status_code == 201
    assert answer.headers["location"] == "/group/row-a/api/files/local/benchy.gcode"
    assert farm.queue.heard[-1].required_tags == {"row-a"}


@pytest.mark.parametrize("address", ["/p/nobody", "/group/nobody"])
async def test_place_that_is_not_there_is_said(farm, address):
    headers = await farm.key("upload")

    answer = await farm.http.get(f"{address}/api/version", headers=headers)

    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]


async def test_files_are_listed_newest_first_and_found_by_name(farm):
    await wish(farm, "a part.gcode")
    farm.now = farm.now.replace(hour=13)
    await wish(farm, "b.gcode")
    headers = await farm.key("read")

    listed = (await farm.http.get("/api/files/local", headers=headers)).json()
    one = (await farm.http.get("/api/files/local/a%20part.gcode", headers=headers)).json()
    missing = await farm.http.get("/api/files/local/c.gcode", headers=headers)

    assert [file["name"] for file in listed["files"]] == ["b.gcode", "a part.gcode"]
    assert listed["total"] >= listed["free"] > 0
    assert one == listed["files"][1]
    assert one["refs"]["resource"] == "/api/files/local/a%20part.gcode"
    assert (missing.status_code, missing.json()) == (404, {"error": "there is no file c.gcode"})


async def test_estimate_is_shown_once_the_file_was_analysed(farm):
    await farm.printer()
    farm.statuses["mk4-01"] = structs.replace(HOT, print=await wish(farm))
    headers = await farm.key("read")
    before = (await farm.http.get("/api/files/local/benchy.gcode", headers=headers)).json()
    file = (await farm.database.read(files.newest, 1))[0]
    result = GcodeAnalysis(time_s=PrintTime(slicer=1088), filament=(Filament(0, 1372.01, 3.3, 4.09, "PLA"),))
    analysis = FileAnalysis(FileState.READY, result=result)
    await farm.database.write(file_analyses.note_analysis, file, analysis, farm.now)

    after = (await farm.http.get("/api/files/local/benchy.gcode", headers=headers)).json()
    job = (await farm.http.get("/api/job", headers=headers)).json()["job"]

    estimate = {"estimatedPrintTime": 1088.0, "filament": {"tool0": {"length": 1372.01, "volume": 3.3}}}
    assert "gcodeAnalysis" not in before
    assert after["gcodeAnalysis"] == estimate
    assert {name: job[name] for name in estimate} == estimate


def test_readme_lists_what_is_refused():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    for address, reason in refusals.REASONS.items():
        assert f"| `{address.replace('<path:name>', '…')}` | {reason} |" in readme


@pytest.mark.parametrize("address", sorted(refusals.REASONS))
@pytest.mark.parametrize("prefix", ["", "/p/mk4-01"])
async def test_what_would_go_past_the_queue_is_refused_in_words(farm, address, prefix):
    await farm.printer()
    headers = await farm.key("upload", "queue", "control", "read")
    method, rule = address.split()

    path = prefix + rule.replace("<path:name>", "benchy.gcode")
    answer = await farm.http.request(method, path, json={"command": "start"}, headers=headers)

    assert answer.status_code == 409
    assert answer.json() == {"error": refusals.REASONS[address]}
    assert not farm.printers["mk4-01"].heard
    assert not farm.queue.heard
