"""The API as a whole: every route of the table, none by sample."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import trio

from farm.web.app import ALL
from tests.web.api_shop import open_api
from tests.web.examples import EXAMPLES

OURS = {f"{route.method} {route.rule}": route for route in ALL if route.contract is not None}


def fields_of(route):
    return route.contract.query.__struct_fields__


def cases(wanted=lambda route: True):
    """The examples of the routes that are wanted, each as a test case."""
    found = [(name, prepare) for name, examples in EXAMPLES.items() for prepare in examples]
    kept = [(name, prepare) for name, prepare in found if name not in OURS or wanted(OURS[name])]
    ids = [f"{name}-{prepare.__name__}" for name, prepare in kept]
    return pytest.mark.parametrize(("name", "prepare"), kept, ids=ids)


def test_every_route_has_an_example():
    assert set(EXAMPLES) == set(OURS)


@cases()
async def test_route_answers_as_it_is_described(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)

        answer = await api.send(request)  # held against the description on the way

        assert answer.status_code == request.status, answer.text


@cases()
async def test_wrong_request_is_refused_by_name_and_changes_nothing(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        before = api.kept()

        await refuses_the_unknown(api, request, OURS[name])
        await refuses_what_is_no_json(api, request, OURS[name])
        await refuses_other_methods(api, request)

        assert api.kept() == before


async def refuses_the_unknown(api, request, route):
    answers = [await api.send(request, "flavour=red")]
    if route.writes and not route.takes:
        answers.append(await api.send(replace(request, json={**(request.json or {}), "flavour": "red"})))
    for answer in answers:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "flavour")


async def refuses_what_is_no_json(api, request, route):
    if route.contract.body is None:
        return
    for content, kind, status in [
        (b"{}", "text/plain", 415),
        (b" " * 300_000 + b"{}", "application/json", 413),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
    ]:
        wrong = replace(request, json=None, content=content, headers={"Content-Type": kind})
        assert (await api.send(wrong)).status_code == status


async def refuses_other_methods(api, request):
    path = request.path.partition("?")[0]
    allowed = set(api.app.url_map.bind("farm").allowed_methods(path))
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
        answer = await api.http.request(method, request.path)
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, allowed)
    assert (await api.http.get(f"{path}/no/where")).status_code == 404


# -- lists


LISTS = [name for name, route in OURS.items() if route.contract.query and "cursor" in fields_of(route)]


@pytest.mark.parametrize("name", LISTS)
async def test_list_is_the_same_in_pages_as_whole(autojump_clock, name):
    async with open_api() as api:
        request = await EXAMPLES[name][0](api)
        for _ in range(3):
            await api.shop.clear(await api.printer(clear=False))
            await api.job(order=(await api.post("/v1/orders", {"reference": "4711"}))["id"])
        for _ in range(2):
            await api.printing()
        whole = await pages_of(api, request, limit=500)

        assert len(whole) > 1
        for limit in (1, 2):
            assert await pages_of(api, request, limit=limit) == whole
        beyond = await api.send(request, "cursor=zzzzzzzzzzzzzzzz")
        assert beyond.status_code in (200, 422)


async def pages_of(api, request, limit):
    """The identifying parts of all that is listed, page after page."""
    found, cursor = [], None
    while True:
        query = f"limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = (await api.send(request, query)).json()
        assert len(page["items"]) <= limit
        found += [item.get("id") or json.dumps(item, sort_keys=True) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


# -- dry runs


ONLY_TRIED = {"effect"}  # what rules would do to the plan is told before they are set


@cases(lambda route: route.writes and not route.untried)
async def test_dry_run_answers_what_would_happen_and_changes_nothing(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        before = api.kept()

        tried = await api.send(request, "dry_run=true")

        assert api.kept() == before
        assert (tried.status_code, tried.headers["dry-run"]) == (request.status, "true")
        done = await api.send(request)
        assert done.status_code == tried.status_code
        said = {name: what for name, what in (told(tried) or {}).items() if name not in ONLY_TRIED}
        assert said == (told(done) or {})
        await trio.sleep(2)  # for what it has begun
        again = api.kept()
        tried_again = await api.send(request, "dry_run=true")
        assert api.kept() == again
        assert tried_again.status_code == (await api.send(request)).status_code


@cases(lambda route: route.writes and route.untried)
async def test_what_cannot_be_tried_out_says_so_and_is_not_done(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        before = api.kept()

        answer = await api.send(request, "dry_run=true")

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "dry_run")
        assert OURS[name].untried in answer.json()["detail"]
        assert api.kept() == before


@pytest.mark.parametrize("said", ["dry_run=yes", "dry_run=", "dry_run=true&dry_run=true", "dry_run=TRUE"])
async def test_dry_run_that_is_said_in_other_words_is_refused(autojump_clock, said):
    async with open_api() as api:
        request = await EXAMPLES["POST /v1/jobs"][0](api)
        before = api.kept()

        answer = await api.send(request, said)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "dry_run")
        assert api.kept() == before


# -- changes of something that others change too


@cases(lambda route: route.minds_version)
async def test_change_of_what_is_another_by_now_is_refused(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)
        seen = (await api.http.get(request.path)).headers["etag"]
        before = api.kept()
        for stale in ('"0123456789abcdef"', f"W/{seen}", "garbage"):
            refused = await api.send(request, **{"If-Match": stale})
            assert (refused.status_code, "look again" in refused.json()["detail"]) == (412, True), stale
        assert api.kept() == before

        tried = await api.send(request, "dry_run=true", **{"If-Match": f'"x", {seen}'})
        assert api.kept() == before
        done = await api.send(request, **{"If-Match": f'"x", {seen}'})
        anyway = await api.send(request, **{"If-Match": "*"})

        assert [tried.status_code, done.status_code, anyway.status_code] == [200, 200, 200]
        assert tried.headers["etag"] == done.headers["etag"]
        assert (await api.http.get(request.path)).headers["etag"] == anyway.headers["etag"]
        changes_its_version = "password" not in request.json
        again = await api.send(request, **{"If-Match": seen})
        assert again.status_code == (412 if changes_its_version else 200)


@cases(lambda route: route.method == "GET" and route.rule.endswith(">"))
async def test_single_thing_names_its_version(autojump_clock, name, prepare):
    async with open_api() as api:
        request = await prepare(api)

        etags = [(await api.send(request)).headers["etag"] for _ in range(2)]

        assert etags[0] == etags[1]


DIFFERS = {"id", "command_id", "key", "status"}
"""What an answer to a try cannot know: the identifiers to come, and how a printer answers."""


def told(answer):
    """What an answer says, but for what differs each time."""
    return _lasting(answer.json()) if answer.content else None


def _lasting(value):
    if isinstance(value, dict):
        return {
            key: "..." if key in DIFFERS or key.endswith("_at") else _lasting(item)
            for key, item in value.items()
        }
    return [_lasting(item) for item in value] if isinstance(value, list) else value
