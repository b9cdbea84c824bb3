from __future__ import annotations

import pytest
from web_farm import NOON

from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Approval, Job, JobState, Print, PrintState
from farm.domain.plan import Plan, Planned
from farm.domain.user import Grant
from farm.errors import NotFound, Refused
from farm.queue.messages import AddJob, ChangeJob
from farm.store import files, jobs, prints
from farm.web import work


async def job(farm, id, *printers):
    file = StoredFile("f1", "benchy.gcode", FileKind.GCODE, 10, "00" * 32, "test", NOON)
    await farm.database.write(files.add, file)
    wish = Job(id, "f1", "benchy", 1, JobState.QUEUED, "test", NOON, required_printers=frozenset(printers))
    await farm.database.write(jobs.add, wish, "test")


async def attempt(farm, id, job, printer):
    reserved = Print(id, job, printer, f"{id}xxxx"[:6], PrintState.RESERVED, NOON, "x.gcode")
    await farm.database.write(prints.reserve, reserved, "queue")
    await farm.database.write(prints.enter, reserved, PrintState.UPLOADING, NOON, "queue", "sending the file")


async def test_job_is_handed_to_the_queue_in_its_words(farm):
    await job(farm, "j0")
    await farm.printer("mk4-01", "row-a")
    wish = {
        "file": "f1", "name": "two benchies", "copies": 2, "yield": 3, "priority": 5, "hold": True,
        "release_at": "2026-02-01T08:00:00Z", "due_at": "2026-03-01T12:00:00+01:00",
        "deadline_at": "2026-03-08T12:00:00Z", "required_printers": ["mk4-01"], "required_tags": ["row-a"],
        "material": None, "preferred_printers": [], "rotatable": False, "order": None,
    }  # fmt: skip

    made = await farm.http.post("/v1/jobs", json=wish, headers=await farm.key("queue"))

    (heard,) = farm.queue.heard
    assert heard == AddJob(
        file="f1",
        name="two benchies",
        copies=2,
        yield_per_plate=3,
        priority=5,
        release_at=heard.release_at,
        due_at=heard.due_at,
        deadline_at=heard.deadline_at,
        required_printers=frozenset({"mk4-01"}),
        required_tags=frozenset({"row-a"}),
        hold=True,
    )
    assert heard.due_at.isoformat() == "2026-03-01T12:00:00+01:00"
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/jobs/{made.json()['id']}"
    assert (made.json()["copies"], made.json()["prints"]) == (2, [])
    dates = [made.json()[name] for name in ("release_at", "due_at", "deadline_at")]
    assert dates == ["2026-02-01T08:00:00.000Z", "2026-03-01T11:00:00.000Z", "2026-03-08T12:00:00.000Z"]
    assert made.json()["why_not"] == [{"printer": None, "reason": "it is held; release it to go on"}]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"file": "f1", "pin": "mk4-01"}, "pin"),
        ({"file": "f1", "due_at": "2026-03-01T12:00:00"}, "due_at"),
        ({"file": "f1", "colour_of_the_sky": 1}, "colour_of_the_sky"),
        ({}, "file"),
    ],
)
async def test_job_with_a_field_that_cannot_be_is_refused_by_name(farm, wish, field):
    answer = await farm.http.post("/v1/jobs", json=wish, headers=await farm.key("queue"))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert farm.queue.heard == []


async def test_what_a_job_wishes_of_its_printer_is_shown_and_can_be_taken_away(farm):
    await job(farm, "j0")
    await farm.printer("mk4-01")
    headers = await farm.key("queue", "read")
    wish = {
        "material": "PETG", "colour": "red", "preferred_printers": ["mk4-01"], "rotatable": True,
        "attended": True, "allow_short_filament": True,
        "pin": {"printer": "mk4-01", "start": "2026-03-01T12:00:00+01:00"},
    }  # fmt: skip
    told = {**wish, "pin": {"printer": "mk4-01", "start": "2026-03-01T11:00:00.000Z"}}

    made = (await farm.http.post("/v1/jobs", json={"file": "f1", **wish}, headers=headers)).json()
    assert {name: made[name] for name in wish} == told
    assert (made["approval"], made["approval_why"]) == (None, None)

    nothing = {"material": None, "colour": None, "preferred_printers": [], "pin": None, "rotatable": False}
    where = f"/v1/jobs/{made['id']}"
    left = (await farm.http.patch(where, json=nothing, headers=headers)).json()
    assert {name: left[name] for name in wish} == {**told, **nothing}


async def test_a_job_that_waits_for_approval_is_approved_by_who_may(farm):
    await job(farm, "j0")
    await farm.database.write(jobs.wait_for_approval, "j0", Approval.SHARE, "it is too much", NOON, "test")
    headers = await farm.key("queue", "read")

    shown = (await farm.http.get("/v1/jobs/j0", headers=headers)).json()
    refused = await farm.http.post("/v1/jobs/j0/approve", headers=headers)
    approved = await farm.http.post("/v1/jobs/j0/approve", headers=await farm.key("control", "read"))
    again = await farm.http.post("/v1/jobs/j0/approve", headers=await farm.key("control", "read"))

    assert (shown["state"], shown["approval"], shown["approval_why"]) == ("held", "share", "it is too much")
    assert shown["why_not"] == [{"printer": None, "reason": "it waits for approval: it is too much"}]
    assert refused.status_code == 403
    assert (approved.json()["state"], approved.json()["approval"]) == ("queued", None)
    assert again.status_code == 409


async def test_refusal_of_the_queue_is_the_answer(farm):
    def refuse(message, by):
        raise NotFound("there is no file f9; upload it first")

    farm.queue.answer = refuse

    answer = await farm.http.post("/v1/jobs", json={"file": "f9"}, headers=await farm.key("queue"))

    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no file f9; upload it first")


async def test_job_shows_its_prints_and_a_print_its_history(farm):
    await job(farm, "j1")
    await attempt(farm, "p1", "j1", "mk4-01")
    headers = await farm.key("read")

    shown = (await farm.http.get("/v1/jobs/j1", headers=headers)).json()
    (listed,) = (await farm.http.get("/v1/prints?job=j1", headers=headers)).json()["items"]

    assert [found["id"] for found in shown["prints"]] == ["p1"]
    assert (listed["printer"], listed["state"]) == ("mk4-01", "uploading")
    assert [(line["from"], line["to"], line["why"]) for line in listed["log"]] == [
        (None, "reserved", "reserved"),
        ("reserved", "uploading", "sending the file"),
    ]
    assert (await farm.http.get("/v1/jobs/none", headers=headers)).status_code == 404


async def test_prints_are_narrowed_and_come_in_pages(farm):
    await job(farm, "j1")
    for number in range(3):
        await attempt(farm, f"p{number}", "j1", f"mk4-0{number}")
    headers = await farm.key("read")

    async def ids(**query):
        answer = await farm.http.get("/v1/prints", params=query, headers=headers)
        return [found["id"] for found in answer.json()["items"]], answer.json()["next"]

    assert await ids(limit=2) == (["p0", "p1"], "p1")
    assert await ids(limit=2, cursor="p1") == (["p2"], None)
    assert await ids(printer="mk4-01") == (["p1"], None)
    assert await ids(state="finished") == ([], None)
    wrong = await farm.http.get("/v1/prints?state=broken", headers=headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "state")


async def test_somebody_with_some_printers_sees_what_concerns_them(farm):
    for number in (1, 2):
        await farm.printer(f"mk4-0{number}")
        await job(farm, f"j{number}", f"mk4-0{number}")
        await attempt(farm, f"p{number}", f"j{number}", f"mk4-0{number}")
    await job(farm, "j3")
    headers = await farm.key("read", grant=Grant(printers=frozenset({"mk4-01"})))

    listed = (await farm.http.get("/v1/jobs", headers=headers)).json()["items"]
    attempts = (await farm.http.get("/v1/prints", headers=headers)).json()["items"]

    assert [found["id"] for found in listed] == ["j1", "j3"]
    assert [found["id"] for found in attempts] == ["p1"]
    assert (await farm.http.get("/v1/jobs/j2", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("hold", "queued", "held"),
        ("release", "held", "active"),
        ("cancel", "active", "cancelled"),
        ("retry", "needs_review", "active"),
    ],
)
async def test_job_is_held_released_cancelled_and_tried_again_by_the_queue(farm, change, before, after):
    await job(farm, "j1")
    await attempt(farm, "p1", "j1", "mk4-01")
    await farm.database.write(jobs.enter, "j1", JobState(before), NOON, "test", "for the test")

    answer = await farm.http.post(f"/v1/jobs/j1/{change}", headers=await farm.key("queue"))

    assert answer.status_code == 200
    assert (answer.json()["state"], [found["id"] for found in answer.json()["prints"]]) == (after, ["p1"])
    assert farm.queue.heard == [ChangeJob("j1", change)]
    assert farm.queue.askers[0].name == "a key"


async def test_change_that_a_jobs_state_does_not_allow_is_refused_with_the_reason(farm):
    def refuse(message, by):
        raise Refused("benchy is done; only a job that is held can be told to release")

    await job(farm, "j1")
    farm.queue.answer = refuse

    answer = await farm.http.post("/v1/jobs/j1/release", headers=await farm.key("queue"))

    assert (answer.status_code, "benchy is done" in answer.json()["detail"]) == (409, True)


async def test_job_of_others_or_of_nobody_is_not_there_to_change(farm):
    for number in (1, 2):
        await farm.printer(f"mk4-0{number}")
        await job(farm, f"j{number}", f"mk4-0{number}")
    headers = await farm.key("queue", "read", grant=Grant(printers=frozenset({"mk4-01"})))

    for address in ("/v1/jobs/j2/cancel", "/v1/jobs/none/cancel"):
        assert (await farm.http.post(address, headers=headers)).status_code == 404
    assert (await farm.http.post("/v1/jobs/j1/explode", headers=headers)).status_code == 404
    assert farm.queue.heard == []


async def test_printer_shows_its_history_newest_first_page_by_page(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02")
    await job(farm, "j1")
    await attempt(farm, "p1", "j1", "mk4-01")
    headers = await farm.key("read")
    where = "/v1/printers/mk4-01/history"

    first = (await farm.http.get(f"{where}?limit=2", headers=headers)).json()
    rest = (await farm.http.get(f"{where}?cursor={first['next']}", headers=headers)).json()

    lines = [(each["thing"], each["id"], each["from"], each["to"]) for each in first["items"] + rest["items"]]
    assert lines == [
        ("print", "p1", "reserved", "uploading"),
        ("print", "p1", None, "reserved"),
        ("plate", "mk4-01", None, "unknown"),
    ]
    assert (first["items"][0]["who"], first["items"][0]["why"]) == ("queue", "sending the file")
    assert rest["next"] is None
    assert (await farm.http.get(f"{where}?cursor=x", headers=headers)).status_code == 422
    others = await farm.key("read", grant=Grant(printers=frozenset({"mk4-02"})))
    assert (await farm.http.get(where, headers=others)).status_code == 404
    assert (await farm.http.get("/v1/printers/none/history", headers=headers)).status_code == 404


async def test_a_waiting_job_is_scheduled_as_long_as_the_plan_has_a_place_for_it(farm, monkeypatch):
    monkeypatch.setattr(work, "MOST_READ", 2)
    for number in range(6):
        await job(farm, f"j{number}")
    places = [Planned(f"j{number}", 0, "mk4-01", NOON, NOON, NOON, NOON) for number in (1, 4, 5)]
    farm.plan.follow(Plan("p", NOON, "time_first", tuple(places)), NOON)
    headers = await farm.key("read")

    async def listed(query):
        told = (await farm.http.get(f"/v1/jobs?{query}", headers=headers)).json()
        return [one["id"] for one in told["items"]], {one["state"] for one in told["items"]}, told["next"]

    assert await listed("state=scheduled") == (["j1", "j4", "j5"], {"scheduled"}, None)
    assert await listed("state=queued&limit=2") == (["j0", "j2"], {"queued"}, "j2")
    assert await listed("state=queued&limit=2&cursor=j2") == (["j3"], {"queued"}, None)
    assert (await farm.http.get("/v1/jobs/j4", headers=headers)).json()["state"] == "scheduled"
    await farm.database.write(jobs.enter, "j4", JobState.HELD, NOON, "test", "not now")
    assert (await farm.http.get("/v1/jobs/j4", headers=headers)).json()["state"] == "held"
    assert (await listed("state=scheduled"))[0] == ["j1", "j5"]
