"""Whatever is wrong, and whoever notices it: a problem as JSON, with a sentence."""

from __future__ import annotations

import json

import pytest

from farm.web.problems import MEDIA
from tests.web.web_farm import read_answer

LONG = b"X-Long: " + b"x" * 200_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /v1/health HTTP/1.1\r\n\r\n", 400),  # for whom?
        (b"GET /v1/health HTTP/1.1\r\nHost: x\r\n" + LONG, 431),
        (b"POST /v1/setup HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /v1/setup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /v1/live HTTP/1.1\r\nHost: x\r\n\r\n", 400),  # no WebSocket
        (b"GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
        (b"BREW /v1/health HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS /v1/health HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /v1/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET //v1//health HTTP/1.1\r\nHost: x\r\n\r\n", 404),  # and no redirect
        (b"GET /v1/health/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /v1/printers/a%2fb HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /v1/health?%ff=%zz HTTP/1.1\r\nHost: x\r\n\r\n", 422),
    ],
)
async def test_strange_request_is_answered_with_a_problem(farm, request_, status):
    stream = await farm.raw(request_)

    head, _, body = (await read_answer(stream, until=b"}")).partition(b"\r\n\r\n")

    told = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d" % status), (head, told)
    assert b"content-type: " + MEDIA.encode() in head.lower()
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert told["title"] != told["detail"]
    assert await serves(farm)


async def test_handler_that_falls_silent_is_answered_for(farm):
    async def silent(scope, receive, send):
        await receive()

    farm.web._app = silent
    farm.app.asgi_app = silent
    stream = await farm.raw(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")

    head, _, body = (await read_answer(stream, until=b"}")).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 500")
    assert json.loads(body)["detail"].startswith("something went wrong")


async def test_question_for_the_head_alone_is_answered_with_the_head_alone(farm):
    stream = await farm.raw(b"HEAD /v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n")

    head, _, body = (await read_answer(stream, within_s=0.5)).partition(b"\r\n\r\n")

    assert (head[:12], body) == (b"HTTP/1.1 404", b"")


async def serves(farm):
    return (await farm.http.get("/v1/health")).status_code == 200
