"""Customers' orders, and jobs that belong to them."""

from __future__ import annotations

import pytest

from farm.domain.clock import iso
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import PrintState
from farm.domain.plan import Expected, Plan
from farm.domain.user import Grant
from farm.store import files, prints
from tests.web.test_web_work import attempt
from tests.web.web_farm import NOON


@pytest.fixture
async def headers(farm):
    file = StoredFile("f1", "benchy.gcode", FileKind.GCODE, 10, "00" * 32, "test", NOON)
    await farm.database.write(files.add, file)
    return await farm.key("queue", "read")


async def add(farm, headers, **fields):
    answer = await farm.http.post("/v1/orders", json={"reference": "4711", **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def add_job(farm, headers, **fields):
    answer = await farm.http.post("/v1/jobs", json={"file": "f1", **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def printed(farm, id, job, printer, good):
    """A print that ended well, of which so many good parts were counted."""
    await attempt(farm, id, job, printer)
    for state in (PrintState.STARTING, PrintState.PRINTING, PrintState.FINISHED):
        row = await farm.database.read(prints.existing, id)
        await farm.database.write(prints.enter, row, state, NOON, "queue", "")
    if good is not None:
        row = await farm.database.read(prints.existing, id)
        await farm.database.write(prints.count_good, row, good, NOON)


async def test_an_order_is_added_and_shows_how_much_of_it_is_there(farm, headers):
    order = await add(farm, headers, note="blue", due_at="2026-03-01T12:00:00+01:00")
    first = await add_job(farm, headers, order=order["id"], copies=3, **{"yield": 4})
    second = await add_job(farm, headers, order=order["id"])
    await add_job(farm, headers)  # of nobody
    await printed(farm, "p1", first, "mk4-01", good=3)
    await printed(farm, "p2", first, "mk4-01", good=None)
    await attempt(farm, "p3", second, "mk4-02")

    shown = (await farm.http.get(f"/v1/orders/{order['id']}", headers=headers)).json()
    of_order = (await farm.http.get(f"/v1/jobs?order={order['id']}", headers=headers)).json()["items"]

    assert shown == {
        "expected": None,
        "id": order["id"],
        "reference": "4711",
        "note": "blue",
        "due_at": "2026-03-01T11:00:00.000Z",
        "state": "open",
        "created_by": order["created_by"],
        "created_at": "2026-01-01T12:00:00.000Z",
        "cancelled_at": None,
        "jobs": shown["jobs"],
        "parts": {"wanted": 13, "good": 3, "uncounted": 4, "running": 1, "remaining": 5},
        "progress": 3 / 13,
    }
    assert sorted(shown["jobs"]) == sorted([first, second]) == [found["id"] for found in of_order]
    assert {found["order"] for found in of_order} == {order["id"]}


async def test_orders_are_listed_page_by_page_and_by_state(farm, headers):
    made = sorted([(await add(farm, headers))["id"] for _ in range(3)])
    await farm.http.post(f"/v1/orders/{made[1]}/cancel", headers=headers)

    async def ids(**query):
        page = (await farm.http.get("/v1/orders", params=query, headers=headers)).json()
        return [order["id"] for order in page["items"]], page["next"]

    assert await ids(limit=2) == (made[:2], made[1])
    assert await ids(cursor=made[1]) == (made[2:], None)
    assert await ids(state="open") == ([made[0], made[2]], None)
    assert await ids(state="cancelled") == ([made[1]], None)


async def test_an_order_is_changed_in_what_is_given_alone(farm, headers):
    order = await add(farm, headers, note="blue", due_at="2026-03-01T12:00:00Z")
    where = f"/v1/orders/{order['id']}"

    renamed = await farm.http.patch(where, json={"reference": "4712"}, headers=headers)
    undated = await farm.http.patch(where, json={"due_at": None}, headers=headers)

    assert renamed.json() == {**order, "reference": "4712"}
    assert undated.json() == {**order, "reference": "4712", "due_at": None}


async def test_an_order_is_cancelled_once_with_its_jobs(farm, headers):
    order = await add(farm, headers)
    job = await add_job(farm, headers, order=order["id"])

    cancelled = await farm.http.post(f"/v1/orders/{order['id']}/cancel", headers=headers)
    again = await farm.http.post(f"/v1/orders/{order['id']}/cancel", headers=headers)

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["parts"]["wanted"] == 0
    assert (again.status_code, "4711 was cancelled" in again.json()["detail"]) == (409, True)
    assert (await farm.http.get(f"/v1/jobs/{job}", headers=headers)).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "reference"),
        ({"reference": ""}, "reference"),
        ({"reference": "x", "due_at": "2026-03-01T12:00:00"}, "due_at"),
        ({"reference": "x", "note": "y" * 2001}, "note"),
        ({"reference": "x", "state": "done"}, "state"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_by_name(farm, headers, wish, field):
    answer = await farm.http.post("/v1/orders", json=wish, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await farm.http.get("/v1/orders", headers=headers)).json()["items"] == []


async def test_orders_are_everybodys_and_not_for_readers_to_change(farm, headers):
    order = await add(farm, headers)
    reader = await farm.key("read")
    mine = await farm.key("queue", "read", grant=Grant(printers=frozenset({"mk4-01"})))

    for who in (reader, mine):
        assert (await farm.http.get(f"/v1/orders/{order['id']}", headers=who)).status_code == 200
        assert (await farm.http.post("/v1/orders", json={"reference": "x"}, headers=who)).status_code == 403
        cancelling = await farm.http.post(f"/v1/orders/{order['id']}/cancel", headers=who)
        assert cancelling.status_code == 403
    for method, where in [("GET", "/v1/orders/none"), ("POST", "/v1/orders/none/cancel")]:
        assert (await farm.http.request(method, where, headers=headers)).status_code == 404
    assert (await farm.http.patch("/v1/orders/none", json={}, headers=headers)).status_code == 404


# -- changing jobs


async def test_a_job_is_changed_in_what_is_given_alone(farm, headers):
    order = await add(farm, headers)
    job = await add_job(farm, headers, due_at="2026-03-01T12:00:00Z", order=order["id"])
    where = f"/v1/jobs/{job}"
    before = (await farm.http.get(where, headers=headers)).json()

    urgent = await farm.http.patch(where, json={"priority": 9, "copies": 4}, headers=headers)
    bare = await farm.http.patch(where, json={"due_at": None, "order": None}, headers=headers)
    held = await farm.http.patch(where, json={"hold": True}, headers=headers)

    parts = {"wanted": 4, "good": 0, "uncounted": 0, "running": 0, "remaining": 4}
    assert urgent.json() == {**before, "priority": 9, "copies": 4, "parts": parts}
    assert bare.json() == {**urgent.json(), "due_at": None, "order": None}
    assert held.json()["state"] == "held"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"copies": 0}, "copies"),
        ({"copies": None}, "copies"),
        ({"priority": "high"}, "priority"),
        ({"release_at": "tomorrow"}, "release_at"),
        ({"required_printers": ["ghost"]}, "required_printers"),
        ({"order": "ghost"}, "order"),
        ({"file": "f2"}, "file"),
        ({"pin": {"printer": "ghost"}}, "pin.printer"),
        ({"pin": {"start": "2026-03-01T12:00:00Z"}}, "pin.printer"),
        ({"pin": {"printer": "mk4-01", "start": "soon"}}, "pin.start"),
        ({"preferred_printers": ["ghost"]}, "preferred_printers"),
        ({"material": ""}, "material"),
        ({"colour": "x" * 51}, "colour"),
        ({"attended": "yes"}, "attended"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_by_name(farm, headers, change, field):
    job = await add_job(farm, headers)
    before = (await farm.http.get(f"/v1/jobs/{job}", headers=headers)).json()

    answer = await farm.http.patch(f"/v1/jobs/{job}", json={"name": "new", **change}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await farm.http.get(f"/v1/jobs/{job}", headers=headers)).json() == before


async def test_a_job_says_of_each_printer_that_one_may_see_why_it_is_not_begun_there(farm, headers):
    await farm.printer("mk4-01", "row-a")
    await farm.printer("mk4-02")
    job = await add_job(farm, headers, required_tags=["row-a"])
    restricted = await farm.key("read", grant=Grant(printers=frozenset({"mk4-02"})))

    shown = (await farm.http.get(f"/v1/jobs/{job}", headers=headers)).json()
    mine = (await farm.http.get(f"/v1/jobs/{job}", headers=restricted)).json()
    (listed,) = (await farm.http.get("/v1/jobs", headers=headers)).json()["items"]

    looked = {"printer": "mk4-01", "reason": "nobody has looked at its plate; say that it is clear"}
    lacking = {
        "printer": "mk4-02",
        "reason": "it lacks the tag row-a",
        "constraint": "required_tags",
        "needed": "row-a",
        "have": "none",
    }
    assert shown["why_not"] == [looked, lacking]
    assert mine["why_not"] == [lacking]
    assert listed["why_not"] is None


async def test_an_open_order_says_when_it_is_expected_to_be_done(farm, headers):
    order = (await add(farm, headers))["id"]
    expected = Expected(NOON, NOON, NOON, 0.83)
    farm.plan.follow(Plan("p", NOON, "time_first", (), orders={order: expected}), NOON)

    shown = (await farm.http.get(f"/v1/orders/{order}", headers=headers)).json()
    assert shown["expected"]["in_time"] == 0.83
    assert shown["expected"]["late"] == shown["expected"]["end"] == iso(NOON)
    listed = (await farm.http.get("/v1/orders", headers=headers)).json()["items"]
    assert [one["expected"] for one in listed] == [shown["expected"]]
    gone = (await farm.http.post(f"/v1/orders/{order}/cancel", headers=headers)).json()
    assert gone["expected"] is None
