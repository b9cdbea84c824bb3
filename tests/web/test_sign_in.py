"""Setting up and logging in by a plain form, as a browser sends it that runs no script."""

from __future__ import annotations

import re
from html import unescape

import pytest
from web_farm import PASSWORD

from farm.web.sign_in import MAX_FORM


def answer_in(page):
    return unescape(re.search(r'role="alert">([^<]*)<', page.text)[1])


async def test_setting_up_leads_to_the_farm_with_a_session(farm):
    form = {"code": farm.code, "username": "ann", "password": PASSWORD}

    made = await farm.http.post("/setup", data=form, headers={"Origin": farm.url})
    me = await farm.http.get("/v1/auth/me", headers={"Cookie": made.headers["set-cookie"].partition(";")[0]})

    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert "HttpOnly" in made.headers["set-cookie"]
    assert "SameSite=Strict" in made.headers["set-cookie"]
    assert (me.json()["name"], me.json()["role"]) == ("ann", "admin")
    assert me.json()["csrf_token"]


async def test_logging_in_leads_to_the_farm_and_a_wrong_password_back_to_the_form(farm):
    await farm.admin()

    wrong = await farm.http.post("/login", data={"username": "ann", "password": "wrong"})
    right = await farm.http.post("/login", data={"username": "ann", "password": PASSWORD})

    assert (wrong.status_code, answer_in(wrong)) == (401, "Wrong user name or password.")
    assert wrong.headers["content-type"].startswith("text/html")
    assert wrong.headers["cache-control"] == "no-store"
    assert 'value="ann"' in wrong.text
    assert "wrong" not in wrong.text.replace("Wrong", "").lower()  # the password does not come back
    assert "set-cookie" not in wrong.headers
    assert (right.status_code, right.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"code": "0000-0000", "username": "ann", "password": PASSWORD}, 401, "set-up code"),
        ({"username": "ann", "password": "short"}, 422, "at least 12 characters"),
    ],
)
async def test_what_is_wrong_with_a_set_up_is_said_on_the_form(farm, form, status, sentence):
    answer = await farm.http.post("/setup", data={"code": farm.code, **form})

    assert answer.status_code == status
    assert sentence in answer_in(answer)


async def test_what_somebody_typed_is_text_on_the_form(farm):
    await farm.admin()
    name = '"><script>alert(1)</script>'

    answer = await farm.http.post("/login", data={"username": name, "password": "x"})

    assert "<script>alert" not in answer.text
    assert unescape(re.search(r'name="username" value="([^"]*)"', answer.text)[1]) == name


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://[evil"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
async def test_a_form_on_another_page_logs_nobody_in(farm, headers):
    await farm.admin()

    answer = await farm.http.post("/login", data={"username": "ann", "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"username": "ann"}', "application/json", 422),
        (b"username=%ff&password=x", "application/x-www-form-urlencoded", 422),
        (b"username=\xff", "application/x-www-form-urlencoded", 422),
        (b"&".join(b"a%d=1" % number for number in range(50)), "application/x-www-form-urlencoded", 422),
        (b"username=" + b"a" * MAX_FORM, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_garbage_for_a_form_is_refused_on_the_form(farm, content, kind, status):
    await farm.admin()

    answer = await farm.http.post("/login", content=content, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert answer_in(answer)


async def test_guessing_is_stopped_here_too(farm):
    await farm.admin()

    statuses = [
        (await farm.http.post("/login", data={"username": "ann", "password": "wrong"})).status_code
        for _ in range(12)
    ]

    assert statuses[0] == 401
    assert statuses[-1] == 429
