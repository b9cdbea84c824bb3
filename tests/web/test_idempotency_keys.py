"""A request with an Idempotency-Key is done once and answered alike, whatever comes in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.lowlevel

from farm.domain.user import LOCAL, Scope
from farm.errors import StorageFailed
from farm.store import idempotency
from farm.web.idempotency import Keyed
from tests.web.api_shop import open_api
from tests.web.examples import EXAMPLES
from tests.web.test_api_contract import OURS, cases

KEY = {"Idempotency-Key": "3f0c"}
KEYED = cases(lambda route: route.takes_key)


@KEYED
async def test_same_request_is_done_once_and_answered_alike(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        first = await api.send(request, **KEY)
        await trio.sleep(2)  # for what it has begun
        before = api.kept()

        second = await api.send(request, **KEY)
        other = await api.send(request, "dry_run=false", **KEY)

        assert first.status_code == request.status, first.text
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second.headers.get("location") == first.headers.get("location")
        assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (
            False,
            "true",
        )
        assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
        assert api.kept() == before


@KEYED
async def test_change_is_made_once_though_its_answer_was_lost(autojump_clock, monkeypatch, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        with monkeypatch.context() as patch:
            patch.setattr(Keyed, "_keep", forget)
            first = await api.send(request, **KEY)
        await trio.sleep(2)
        before = changes_in(api)

        second = await api.send(request, **KEY)

        assert changes_in(api) == before
        command = (request.json or {}).get("command", "")
        if command and "plate" not in command:  # what was sent is sent
            assert (second.status_code, "not known" in second.json()["detail"]) == (409, True)
        elif request.path == "/v1/keys":  # its text is nowhere kept
            assert (second.status_code, first.json()["id"] in second.json()["detail"]) == (409, True)
        else:
            assert second.status_code == first.status_code
            assert second.json().keys() == first.json().keys()
            for known in ("id", "command_id"):
                assert second.json().get(known) == first.json().get(known)


async def forget(self, response):
    """As if the server was killed between the change and its answer."""
    await trio.lowlevel.checkpoint()


def changes_in(api):
    """All but what is remembered of requests."""
    rows, files, sent = api.kept()
    return [row for row in rows if '"idempotency"' not in row], files, sent


async def test_request_that_was_refused_may_be_sent_again_with_its_key(autojump_clock):
    async with open_api() as api:
        job = await api.job()
        held = await api.http.post(f"/v1/jobs/{job}/hold", headers=KEY)
        await api.post(f"/v1/jobs/{job}/release")
        again = await api.http.post(f"/v1/jobs/{job}/hold", headers=KEY)

        assert [held.status_code, again.status_code] == [409, 200]


async def test_command_that_was_refused_may_be_sent_again_with_its_key(autojump_clock):
    async with open_api() as api:
        printer = await api.printing()
        at = f"/v1/printers/{printer}/commands"
        refused = await api.http.post(at, json={"command": "resume"}, headers=KEY)
        await api.command(printer, "pause")
        again = await api.http.post(at, json={"command": "resume"}, headers=KEY)

        assert [refused.status_code, again.status_code] == [409, 202]


async def test_two_at_once_are_one(autojump_clock):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        answers = []

        async def send():
            answers.append(await api.send(request, **KEY))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(send)

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert len((await api.get("/v1/jobs"))["items"]) == 1


async def test_who_finds_the_first_still_at_work_is_told_after_a_while(autojump_clock):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        me = await api.get("/v1/auth/me")
        running = api.desk.memory.running
        async with running.alone(f"key:{me['id']}", "3f0c"):
            answer = await api.send(request, **KEY)

        assert (answer.status_code, "still being done" in answer.json()["detail"]) == (409, True)
        assert (await api.send(request, **KEY)).status_code == 201


async def test_key_of_one_asker_is_nothing_to_another(autojump_clock):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        _, text = await api.desk.gate.create_key(LOCAL, "another", [Scope.QUEUE])
        mine = await api.send(request, **KEY)
        theirs = await api.send(request, **KEY, **{"X-Api-Key": text})

        assert mine.json()["id"] != theirs.json()["id"]


async def test_who_left_before_the_answer_came_finds_it_done(autojump_clock):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        with trio.move_on_after(0):  # the queue has it by now
            await api.send(request, **KEY)
        await trio.sleep(1)

        answer = await api.send(request, **KEY)

        assert answer.status_code == 201
        assert len((await api.get("/v1/jobs"))["items"]) == 1


async def test_what_the_disk_refused_was_not_done_and_is_done_the_next_time(autojump_clock, monkeypatch):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)

        def refuse(db, *args):
            raise StorageFailed("the disk refused")

        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "note", refuse)
            first = await api.send(request, **KEY)
            assert (await api.get("/v1/jobs"))["items"] == []
        second = await api.send(request, **KEY)

        assert [first.status_code, second.status_code] == [503, 201]


async def test_neither_a_password_nor_a_key_can_be_read_out_of_what_is_remembered(autojump_clock):
    async with open_api() as api:
        (person,) = EXAMPLES["POST /v1/users"]
        (key,) = EXAMPLES["POST /v1/keys"]
        wish = await person(api)
        await api.send(wish, **KEY)
        made = await api.send(await key(api), **{"Idempotency-Key": "k2"})
        rows = "".join(api.kept()[0])

        assert made.json()["key"] not in rows
        assert wish.json["password"] not in rows


@pytest.mark.parametrize("key", ["", "x" * 201, "t\tb"])
async def test_key_that_is_none_is_refused(autojump_clock, key):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        for query in ("", "dry_run=true"):
            answer = await api.send(request, query, **{"Idempotency-Key": key})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("name", ["POST /v1/emergency-stop", "POST /v1/printers/probe", "GET /v1/jobs"])
async def test_where_a_key_counts_for_nothing_it_is_overheard(autojump_clock, name):
    assert not OURS[name].takes_key
    async with open_api() as api:
        request = await EXAMPLES[name][0](api)
        first = await api.send(request, **KEY)
        sent = len(api.sent)
        second = await api.send(request, **KEY)

        assert [first.status_code, second.status_code] == [request.status] * 2
        assert "idempotent-replayed" not in second.headers
        assert len(api.sent) > sent or request.path != "/v1/emergency-stop"


async def test_dry_run_leaves_its_key_free(autojump_clock):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        await api.send(request, "dry_run=true", **KEY)
        first = await api.send(replace(request, json={**request.json, "copies": 5}), **KEY)

        assert (first.status_code, first.json()["copies"]) == (201, 5)
