from __future__ import annotations

from dataclasses import MISSING

import pytest
import trio
from web_farm import PASSWORD

from farm.domain.user import Grant
from farm.errors import (
    ActorDown,
    ActorFailed,
    AskExpired,
    NotFound,
    Overloaded,
    PrinterUnreachable,
    Refused,
    StorageFailed,
    StorageFull,
    TooOften,
)
from farm.web import app as whole_app
from farm.web.routes import Entry, Route


async def test_health_is_public_and_names_no_server(farm):
    answer = await farm.http.get("/v1/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": "1.2.3"})
    assert "server" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert farm.told == [farm.url]


async def test_address_of_the_farm_says_that_it_runs(farm):
    answer = await farm.http.get("/")

    assert answer.status_code == 200
    assert "printer farm 1.2.3 runs" in answer.text


async def test_every_route_says_who_may_come(farm):
    declared = {f"{route.method} {route.rule}" for route in whole_app.ALL} | {"live"}

    assert {rule.endpoint for rule in farm.app.url_map.iter_rules()} == declared
    public = {route.rule for route in whole_app.ALL if route.needs is Entry.PUBLIC}
    assert public == {
        "/", "/v1/health", "/v1/setup", "/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout",
        "/v1/openapi.json", "/v1/docs", "/login", "/setup", "/page/<path:name>",
    }  # fmt: skip
    assert Route.__dataclass_fields__["needs"].default is MISSING


async def test_route_that_was_not_declared_is_refused(farm):
    @farm.app.get("/v1/secret")
    async def secret():
        return "the till is under the counter"

    answer = await farm.http.get("/v1/secret")

    assert answer.status_code == 404
    assert "till" not in answer.text


async def test_every_route_but_the_public_ones_asks_who_comes(farm):
    for route in whole_app.ALL:
        if route.needs is Entry.PUBLIC:
            continue
        address = route.rule.replace("<", "").replace(">", "")
        answer = await farm.http.request(route.method, address)
        assert answer.status_code == (403 if "/api/" in address else 401), (route, answer.text)


@pytest.mark.parametrize("name", ["apikey", "token", "API_KEY"])
async def test_credentials_in_an_address_are_refused(farm, name):
    headers = await farm.key("read")

    answer = await farm.http.get("/v1/printers", params={name: headers["X-Api-Key"]}, headers=headers)

    assert answer.status_code == 401
    assert name in answer.json()["detail"]
    assert headers["X-Api-Key"] not in answer.text


PROBLEMS = [
    (Refused("mk4-01 is printing"), 409),
    (NotFound("there is no printer"), 404),
    (TooOften("too often", 2.2), 429),
    (Overloaded("too much"), 503),
    (ActorDown("down"), 503),
    (ActorFailed("failed"), 503),
    (AskExpired("late"), 503),
    (StorageFailed("the disk refused"), 503),
    (StorageFull("full"), 507),
    (PrinterUnreachable("off"), 502),
]


@pytest.mark.parametrize(
    ("problem", "status"), PROBLEMS, ids=[type(problem).__name__ for problem, _ in PROBLEMS]
)
async def test_each_kind_of_problem_has_its_status_and_its_sentence(farm, problem, status):
    def refuse(message, by):
        raise problem

    await farm.printer()
    farm.queue.answer = refuse

    answer = await farm.http.post(
        "/v1/printers/mk4-01/commands", json={"command": "plate_undo"}, headers=await farm.key("control")
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": answer.json()["title"],
        "status": status,
        "detail": str(problem),
        "errors": [],
    }
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)


async def test_mistake_of_ours_shows_a_reference_and_nothing_else(farm, logged):
    farm.reports = lambda: 1 / 0

    answer = await farm.http.get("/v1/system/actors", headers=await farm.key("read"))

    assert answer.status_code == 500
    assert "division" not in answer.text
    (entry,) = [entry for entry in logged if entry["event"] == "request failed"]
    assert entry["reference"] in answer.json()["detail"]
    assert isinstance(entry["exc_info"], ZeroDivisionError)


async def test_wrong_address_and_wrong_method_are_problems_too(farm):
    nowhere = await farm.http.get("/v1/nowhere")
    wrong = await farm.http.put("/v1/health")

    assert (nowhere.status_code, nowhere.json()["detail"]) == (404, "there is nothing at this address")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
    assert (await farm.http.get("/api/nowhere")).json() == {"error": "there is nothing at this address"}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"username": "ann", "password": "x", "colour": "red"}, "colour"),
        ({"username": "ann"}, "password"),
        ({"username": 7, "password": "x"}, "username"),
        ([], ""),
    ],
)
async def test_wrong_json_is_refused_with_its_field(farm, sent, field):
    answer = await farm.http.post("/v1/auth/login", json=sent)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b'"\xff"', "application/json", 422),
        (b'{"username": "\\ud800", "password": "x"}', "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"[" * 100_000, "application/json", 422),
        (b" " * 300_000, "application/json", 413),
    ],
)
async def test_garbage_for_json_is_refused(farm, content, kind, status):
    answer = await farm.http.post("/v1/auth/login", content=content, headers={"Content-Type": kind})

    assert answer.status_code == status


async def test_actors_show_their_numbers(farm):
    answer = await farm.http.get("/v1/system/actors", headers=await farm.key("read"))

    (actor,) = answer.json()["items"]
    assert actor["name"] == "queue"
    assert actor["mailbox"] == {"depth": 0, "peak": 3, "size": 64, "dropped": 0, "expired": 0, "refused": 2}
    assert (actor["longest_ms"], actor["last_error"], actor["restarts"]) == (12.5, "Crash: once", 1)


# -- setting up and logging in


async def test_farm_is_set_up_once_with_the_code_from_the_window(farm):
    person = {"username": "ann", "password": PASSWORD}
    wrong = await farm.http.post("/v1/setup", json={"code": "0000-0000", **person})
    right = await farm.http.post("/v1/setup", json={"code": farm.code, **person})
    again = await farm.http.post("/v1/setup", json={"code": farm.code, **person})

    assert [wrong.status_code, right.status_code, again.status_code] == [401, 201, 409]
    assert right.json()["user"]["role"] == "admin"
    headers = {"Authorization": f"Bearer {right.json()['access_token']}"}
    assert (await farm.http.get("/v1/auth/me", headers=headers)).json()["name"] == "ann"


async def test_program_logs_in_refreshes_and_logs_out(farm):
    await farm.admin()
    login = await farm.http.post("/v1/auth/login", json={"username": "ann", "password": PASSWORD})
    assert login.json()["token_type"] == "Bearer"
    assert login.json()["expires_in"] == 900
    assert "set-cookie" not in login.headers

    fresh = await farm.http.post("/v1/auth/refresh", json={"refresh_token": login.json()["refresh_token"]})
    headers = {"Authorization": f"Bearer {fresh.json()['access_token']}"}
    out = await farm.http.post("/v1/auth/logout", headers=headers)
    after = await farm.http.get("/v1/auth/me", headers=headers)

    assert [fresh.status_code, out.status_code, after.status_code] == [200, 204, 401]
    assert after.headers["www-authenticate"] == "Bearer"


async def test_wrong_password_is_refused_and_too_many_wait(farm):
    await farm.admin()
    person = {"username": "ann", "password": "wrong"}

    statuses = []
    with trio.fail_after(60):
        while 429 not in statuses and len(statuses) < 30:
            statuses.append((await farm.http.post("/v1/auth/login", json=person)).status_code)

    assert statuses[0] == 401
    assert set(statuses) <= {401, 429}


async def test_page_has_a_cookie_no_script_reads_and_sends_its_csrf_token_along(farm):
    await farm.admin()
    login = await farm.http.post(
        "/v1/auth/login", json={"username": "ann", "password": PASSWORD, "session": True}
    )
    cookie = login.headers["set-cookie"]
    key = {"name": "slicer", "scopes": ["upload"]}

    without = await farm.http.post("/v1/keys", json=key)
    csrf = (await farm.http.get("/v1/auth/me")).json()["csrf_token"]
    with_it = await farm.http.post("/v1/keys", json=key, headers={"X-CSRF-Token": csrf})
    await farm.http.post("/v1/auth/logout", headers={"X-CSRF-Token": csrf})
    after = await farm.http.get("/v1/auth/me", headers={"Cookie": cookie.partition(";")[0]})

    assert "access_token" not in login.json()
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert login.json()["csrf_token"] == csrf
    assert [without.status_code, with_it.status_code, after.status_code] == [403, 201, 401]


async def test_people_are_added_changed_and_switched_off(farm):
    admin = await farm.admin()
    made = await farm.http.post(
        "/v1/users", json={"username": "bob", "password": PASSWORD, "role": "viewer"}, headers=admin
    )
    person = f"/v1/users/{made.json()['id']}"
    change = {"role": "operator", "enabled": False, "printers": ["mk4-01"], "tags": None}
    changed = await farm.http.patch(person, json=change, headers=admin)
    listed = await farm.http.get("/v1/users", headers=admin)

    assert made.status_code == 201
    assert changed.json()["role"] == "operator"
    assert (changed.json()["enabled"], changed.json()["printers"]) == (False, ["mk4-01"])
    assert [user["username"] for user in listed.json()["items"]] == ["ann", "bob"]
    assert PASSWORD not in listed.text
    last = await farm.http.patch(f"/v1/users/{listed.json()['items'][0]['id']}", json={"enabled": False},
                                 headers=admin)  # fmt: skip
    assert last.status_code == 409


async def test_new_password_logs_the_old_one_out(farm):
    admin = await farm.admin()
    made = await farm.http.post(
        "/v1/users", json={"username": "bob", "password": PASSWORD, "role": "viewer"}, headers=admin
    )
    changed = await farm.http.patch(
        f"/v1/users/{made.json()['id']}", json={"password": "another long one"}, headers=admin
    )
    old = await farm.http.post("/v1/auth/login", json={"username": "bob", "password": PASSWORD})

    assert [changed.status_code, old.status_code] == [200, 401]


async def test_person_changes_their_own_password_and_only_the_new_login_stays(farm):
    old = await farm.admin()
    change = {"current_password": PASSWORD, "password": "another long one"}

    answer = await farm.http.post("/v1/auth/password", json=change, headers=old)

    assert answer.status_code == 200, answer.text
    fresh = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await farm.http.get("/v1/auth/me", headers=old)).status_code == 401
    assert (await farm.http.get("/v1/auth/me", headers=fresh)).json()["name"] == "ann"
    for password, status in ((PASSWORD, 401), ("another long one", 200)):
        login = {"username": "ann", "password": password}
        assert (await farm.http.post("/v1/auth/login", json=login)).status_code == status
    rows = (await farm.http.get("/v1/audit", headers=fresh)).json()["items"]
    assert "user.passwordChanged" in [row["action"] for row in rows]


async def test_page_that_changes_the_password_gets_a_new_cookie(farm):
    await farm.admin()
    wish = {"username": "ann", "password": PASSWORD, "session": True}
    csrf = (await farm.http.post("/v1/auth/login", json=wish)).json()["csrf_token"]
    change = {"current_password": PASSWORD, "password": "another long one"}

    answer = await farm.http.post("/v1/auth/password", json=change, headers={"X-CSRF-Token": csrf})

    assert answer.status_code == 200, answer.text
    assert "access_token" not in answer.json()
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert (await farm.http.get("/v1/auth/me")).json()["csrf_token"] == answer.json()["csrf_token"] != csrf


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong one", "password": "another long one"}, "current_password"),
        ({"current_password": PASSWORD, "password": "short"}, "password"),
        ({"current_password": PASSWORD}, "password"),
    ],
)
async def test_password_that_cannot_be_changed_stays(farm, change, field):
    admin = await farm.admin()

    answer = await farm.http.post("/v1/auth/password", json=change, headers=admin)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await farm.http.get("/v1/auth/me", headers=admin)).status_code == 200


async def test_key_has_no_password_to_change(farm):
    change = {"current_password": PASSWORD, "password": "another long one"}

    answer = await farm.http.post("/v1/auth/password", json=change, headers=await farm.key("admin"))

    assert answer.status_code == 403


async def test_key_is_shown_once_and_ends_when_revoked(farm):
    admin = await farm.admin()
    key = {"name": "slicer", "scopes": ["upload", "queue"], "target": "printer:mk4-01",
           "expires_at": "2027-01-01T00:00:00Z"}  # fmt: skip
    made = await farm.http.post("/v1/keys", json=key, headers=admin)
    headers = {"X-Api-Key": made.json()["key"]}
    used = await farm.http.get("/v1/auth/me", headers=headers)
    listed = await farm.http.get("/v1/keys", headers=admin)
    gone = await farm.http.delete(f"/v1/keys/{made.json()['id']}", headers=admin)
    after = await farm.http.get("/v1/auth/me", headers=headers)

    assert made.json()["key"].startswith(f"farm_{made.json()['id']}_")
    assert used.json()["scopes"] == ["queue", "upload"]
    assert listed.json()["items"][0]["target"] == "printer:mk4-01"
    assert made.json()["key"] not in listed.text
    assert [made.status_code, gone.status_code, after.status_code] == [201, 204, 401]


async def test_who_may_not_manage_is_told_so(farm):
    answer = await farm.http.get("/v1/users", headers=await farm.key("read", "control"))

    assert answer.status_code == 403
    assert "may not" in answer.json()["detail"]


async def test_audit_tells_who_changed_what_from_where_page_by_page(farm):
    admin = await farm.admin()
    for name in ("one", "two"):
        await farm.http.post("/v1/keys", json={"name": name, "scopes": ["read"]}, headers=admin)

    first = (await farm.http.get("/v1/audit?limit=2", headers=admin)).json()
    rest = (await farm.http.get(f"/v1/audit?cursor={first['next']}", headers=admin)).json()

    assert [(row["action"], row["detail"].get("name")) for row in first["items"]] == [
        ("key.created", "two"),
        ("key.created", "one"),
    ]
    (made, _), at = first["items"], "2026-01-01T12:00:00.000Z"
    assert (made["at"], made["client"], made["who"][:5]) == (at, "127.0.0.1", "user:")
    assert [row["action"] for row in rest["items"]] == ["session.started", "user.added"]
    assert rest["next"] is None


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 30, "٣"])
async def test_audit_cursor_that_was_never_given_is_refused(farm, cursor):
    answer = await farm.http.get("/v1/audit", params={"cursor": cursor}, headers=await farm.admin())

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_audit_is_for_administrators_of_the_whole_farm(farm):
    for headers in (await farm.key("read", "control"), await farm.key("admin", grant=Grant(frozenset()))):
        assert (await farm.http.get("/v1/audit", headers=headers)).status_code == 403


# -- printers


async def test_printer_is_added_shown_and_removed_and_its_secret_never_comes_back(farm):
    admin = await farm.admin()
    printer = {
        "id": "mk4-01", "name": "MK4", "tags": ["row-a"],
        "connection": {"kind": "octoprint", "url": "http://10.0.0.1/", "api_key": "hush", "tls": None},
    }  # fmt: skip
    made = await farm.http.post("/v1/printers", json=printer, headers=admin)
    shown = await farm.http.get("/v1/printers/mk4-01", headers=admin)
    removed = await farm.http.delete("/v1/printers/mk4-01", headers=admin)
    after = await farm.http.get("/v1/printers/mk4-01", headers=admin)

    assert made.status_code == 201
    assert made.headers["location"] == "/v1/printers/mk4-01"
    assert farm.fleet.heard[0].printer.address.api_key == "hush"
    assert farm.fleet.askers[0].name == "ann"
    assert made.json()["connection"] == {"kind": "octoprint", "url": "http://10.0.0.1"}
    assert shown.json()["status"]["connection"] == "offline"
    assert "hush" not in made.text + shown.text
    assert [removed.status_code, after.status_code] == [204, 404]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"connection": {"kind": "octoprint", "url": "http://x", "baud": 9600}}, "connection.baud"),
        ({"connection": {"kind": "octoprint", "url": "http://x", "port": "COM3"}}, "connection.port"),
        ({"connection": {"kind": "octoprint", "url": "http://x", "colour": 1}}, "connection.colour"),
    ],
)
async def test_what_cannot_be_kept_is_refused_rather_than_lost(farm, more, field):
    printer = {"id": "a", "name": "A", "connection": {"kind": "octoprint", "url": "http://x"}, **more}

    answer = await farm.http.post("/v1/printers", json=printer, headers=await farm.admin())

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert farm.fleet.heard == []


async def test_lists_come_in_pages_and_show_what_one_may_see(farm):
    for number in range(5):
        await farm.printer(f"mk4-0{number}", "row-a" if number % 2 else "row-b")
    everything = await farm.key("read")
    restricted = await farm.key("read", grant=Grant(tags=frozenset({"row-a"})))

    async def ids(headers, limit):
        found, cursor = [], ""
        while cursor is not None:
            query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            page = (await farm.http.get("/v1/printers", params=query, headers=headers)).json()
            assert len(page["items"]) <= limit
            found += [item["id"] for item in page["items"]]
            cursor = page["next"]
        return found

    assert await ids(everything, 2) == [f"mk4-0{number}" for number in range(5)]
    assert await ids(restricted, 1) == ["mk4-01", "mk4-03"]
    hidden = await farm.http.get("/v1/printers/mk4-00", headers=restricted)
    assert hidden.status_code == 404
    for wrong in ({"limit": 0}, {"limit": "many"}, {"colour": "red"}):
        answer = await farm.http.get("/v1/printers", params=wrong, headers=everything)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(wrong)))
