"""A slicer that got no answer sends its file again: the job is there once. Two wishes are two jobs."""

from __future__ import annotations

import trio

from farm.web.octoprint import retries
from tests.web.api_shop import GCODE, ApiShop, open_api


async def send(api: ApiShop, name: str = "bracket.gcode", content: bytes = GCODE, where: str = "") -> None:
    answer = await api.http.post(
        f"{where}/api/files/local", data={"print": "true"}, files={"file": (name, content)}
    )
    assert (answer.status_code, answer.json()["effectivePrint"]) == (201, True)


async def send_and_lose_the_answer(api: ApiShop, monkeypatch, **what: str) -> None:
    """The client is gone by the time it would be answered."""
    here = trio.Event()

    async def too_late(call, once):
        here.set()
        await trio.sleep_forever()

    with monkeypatch.context() as patch:
        patch.setattr(retries, "answered", too_late)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: send(api, **what))
            await here.wait()
            nursery.cancel_scope.cancel()


async def jobs(api: ApiShop) -> int:
    return len((await api.get("/v1/jobs"))["items"])


async def test_two_uploads_that_were_answered_are_two_wishes(autojump_clock):
    async with open_api() as api:
        await send(api)
        await send(api)

        assert await jobs(api) == 2


async def test_upload_sent_again_after_a_lost_answer_is_one_job_as_often_as_it_is_lost(
    autojump_clock, monkeypatch
):
    async with open_api() as api:
        await send_and_lose_the_answer(api, monkeypatch)
        await send_and_lose_the_answer(api, monkeypatch)
        await send(api)
        assert await jobs(api) == 1

        await send(api)  # now it is meant
        assert await jobs(api) == 2


async def test_other_file_or_other_place_is_another_wish(autojump_clock, monkeypatch):
    async with open_api() as api:
        printer = await api.printer(clear=False)
        await send_and_lose_the_answer(api, monkeypatch)
        await send(api, content=GCODE + b"; another\n")
        await send(api, name="other.gcode")
        await send(api, where=f"/p/{printer}")

        assert await jobs(api) == 4


async def test_job_that_began_meanwhile_is_not_what_is_sent_again(autojump_clock, monkeypatch):
    async with open_api() as api:
        await send_and_lose_the_answer(api, monkeypatch)
        await api.printer()
        await trio.sleep(60)
        assert (await api.get("/v1/prints"))["items"]

        await send(api)

        assert await jobs(api) == 2


async def test_what_was_sent_long_ago_is_another_wish(autojump_clock, monkeypatch):
    async with open_api() as api:
        await send_and_lose_the_answer(api, monkeypatch)
        await trio.sleep(retries.RETRIED_WITHIN.total_seconds() + 1)

        await send(api)

        assert await jobs(api) == 2
