"""Facts by long poll."""

from __future__ import annotations

import pytest
import trio
from web_farm import NOON, PASSWORD

from farm.domain.user import Grant, Role
from farm.live import bell
from farm.store import events


async def happen(farm, type="job.queued", rooms=("queue",), **data):
    return await farm.database.write(events.record, type, rooms, NOON, data)


async def ask(farm, headers, **query):
    answer = await farm.http.get("/v1/events", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_since_it_says_where_the_history_stands(farm):
    await happen(farm)
    await happen(farm)

    told = await ask(farm, await farm.key("read"))

    epoch = await farm.database.read(events.epoch)
    assert told == {"epoch": epoch, "items": [], "next": 2, "gap": None}


async def test_facts_after_a_number_come_at_once_in_pages(farm):
    headers = await farm.key("read")
    for number in range(5):
        await happen(farm, job=f"j{number}")

    first = await ask(farm, headers, since=1, limit=3)
    rest = await ask(farm, headers, since=first["next"], epoch=first["epoch"])

    assert [fact["seq"] for fact in first["items"] + rest["items"]] == [2, 3, 4, 5]
    assert first["items"][0] == {
        "type": "job.queued", "seq": 2, "rooms": ["queue"], "at": "2026-01-01T12:00:00.000Z",
        "data": {"job": "j1"},
    }  # fmt: skip
    assert (first["next"], rest["next"]) == (4, 5)


async def test_fact_that_comes_while_one_waits_is_told_at_once(farm):
    headers, told = await farm.key("read"), []

    async def wait():
        told.append(await ask(farm, headers, since=0, wait_s=30))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(0.3)
            assert told == []
            await happen(farm)

    assert [fact["seq"] for fact in told[0]["items"]] == [1]


async def test_nothing_new_is_told_when_the_wait_is_over(farm):
    await happen(farm)

    began = trio.current_time()
    told = await ask(farm, await farm.key("read"), since=1, wait_s=1)

    assert (told["items"], told["next"], told["gap"]) == ([], 1, None)
    assert 0.9 < trio.current_time() - began < 5


async def test_facts_of_rooms_and_printers_of_others_are_passed_over(farm):
    for id in ("mk4-01", "mk4-02"):
        await farm.printer(id)
        await happen(farm, "plate.changed", ("printers", f"printer:{id}"), printer=id)
    await happen(farm, job="j1")
    restricted = await farm.key("read", grant=Grant(printers=frozenset({"mk4-01"})))

    mine = await ask(farm, restricted, since=0)
    narrowed = await ask(farm, await farm.key("read"), since=0, rooms="queue,printer:mk4-02")
    nothing = await ask(farm, restricted, since=1, rooms="printer:mk4-02", wait_s=0)

    assert [fact["seq"] for fact in mine["items"]] == [1, 3]
    assert [fact["seq"] for fact in narrowed["items"]] == [2, 3]
    assert (nothing["items"], nothing["next"]) == ([], 3)


async def test_jobs_pinned_to_printers_of_others_are_passed_over(farm):
    for id in ("mk4-01", "mk4-02"):
        await farm.printer(id)
    headers = await farm.key("upload", "queue")
    kept = await farm.http.post("/v1/files", params={"name": "a.gcode"}, content=b"G28\n", headers=headers)
    restricted = await farm.key("read", grant=Grant(printers=frozenset({"mk4-01"})))
    jobs = {}
    for printers in ((), ("mk4-01",), ("mk4-02",), ("mk4-01", "mk4-02")):
        wish = {"file": kept.json()["id"], "required_printers": printers}
        job = (await farm.http.post("/v1/jobs", json=wish, headers=headers)).json()["id"]
        await farm.http.patch(f"/v1/jobs/{job}", json={"priority": 3}, headers=headers)
        await farm.http.post(f"/v1/jobs/{job}/hold", headers=headers)
        jobs[job] = printers

    told = await ask(farm, restricted, since=0, rooms="queue", wait_s=0)

    heard = [(fact["type"], jobs[fact["data"]["job"]]) for fact in told["items"]]
    assert sorted(heard) == sorted(
        (type, printers)
        for type in ("job.queued", "job.amended", "job.changed")
        for printers in ((), ("mk4-01",), ("mk4-01", "mk4-02"))
    )


async def test_many_facts_of_others_do_not_hide_ones_own(farm, monkeypatch):
    monkeypatch.setattr("farm.web.events.LOOKED_AT_ONCE", 2)
    for _ in range(7):
        await happen(farm, rooms=("files",))
    await happen(farm)

    told = await ask(farm, await farm.key("read"), since=0, rooms="queue", wait_s=0)

    assert [fact["seq"] for fact in told["items"]] == [8]


async def test_who_was_away_for_too_long_is_told_that_something_is_missing(farm):
    for _ in range(4):
        await happen(farm)
    await farm.database.write(lambda db: db.execute("DELETE FROM events WHERE seq < 3") and None)
    headers = await farm.key("read")

    lost = await ask(farm, headers, since=1)
    whole = await ask(farm, headers, since=2)
    other = await ask(farm, headers, since=4, epoch="another")
    beyond = await ask(farm, headers, since=9)

    assert (lost["items"], lost["next"], "not kept" in lost["gap"]) == ([], 4, True)
    assert (len(whole["items"]), whole["gap"]) == (2, None)
    for restored in (other, beyond):
        assert (restored["items"], restored["next"], "backup" in restored["gap"]) == ([], 4, True)


async def test_key_revoked_while_one_waits_hears_nothing_more(farm):
    await farm.gate.add_user((await farm.gate.authenticate(await token(farm))), "bob", PASSWORD, Role.VIEWER)
    bob = (await farm.gate.login("bob", PASSWORD, "10.0.0.9")).access_token
    answers = []

    async def wait():
        headers = {"Authorization": f"Bearer {bob}"}
        answers.append(await farm.http.get("/v1/events?since=0&wait_s=30", headers=headers))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(0.3)
            await farm.gate.logout(bob, "10.0.0.9")
            await happen(farm)

    assert answers[0].status_code == 401


async def token(farm):
    return (await farm.admin())["Authorization"].removeprefix("Bearer ")


async def test_when_the_farm_stops_nobody_is_kept_waiting(farm):
    headers, told = await farm.key("read"), []

    async def wait():
        told.append(await ask(farm, headers, since=0, wait_s=60))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(0.3)
            farm.bell.fall_silent()
        await wait()

    assert [answer["items"] for answer in told] == [[], []]


async def test_too_many_who_wait_are_sent_to_the_socket(farm, monkeypatch):
    monkeypatch.setattr(bell, "MOST_WAITING", 0)

    answer = await farm.http.get("/v1/events?since=0", headers=await farm.key("read"))

    assert (answer.status_code, "live socket" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "-1"}, "since"),
        ({"since": "now"}, "since"),
        ({"since": "9" * 5000}, "since"),
        ({"since": 0, "wait_s": 61}, "wait_s"),
        ({"since": 0, "wait_s": "long"}, "wait_s"),
        ({"since": 0, "limit": 0}, "limit"),
        ({"since": 0, "rooms": "queue,kitchen"}, "rooms"),
        ({"since": 0, "until": 1}, "until"),
    ],
)
async def test_wrong_question_is_refused_by_name(farm, query, field):
    answer = await farm.http.get("/v1/events", params=query, headers=await farm.key("read"))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_who_may_not_look_hears_nothing(farm):
    assert (await farm.http.get("/v1/events", headers=await farm.key("upload"))).status_code == 403
