"""The whole way, on a real OctoPrint: set up in the browser, sent by a slicer, cleared on the page."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from playwright.sync_api import expect

from tests.browser.a_person import adds_printer, clears_plate, job, makes_slicer_key, moves_in, needs, tile
from tests.browser.a_shop import PASSWORD
from tests.browser.windows import SOON_MS
from tests.test_first_print import facts_until, send_as_prusaslicer

pytestmark = [pytest.mark.browser, pytest.mark.octoprint]

CHIP = Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode"


@contextmanager
def listening(url: str, rooms: list[str], prints: int) -> Any:
    """Hears every fact on a live socket beside, until so many prints have finished."""
    login = httpx.post(f"{url}/v1/auth/login", json={"username": "anna", "password": PASSWORD})
    token = login.json()["access_token"]
    heard: list[dict[str, Any]] = []
    ready = threading.Event()

    async def listen() -> None:
        opened = trio.Event()
        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pass_on, opened, ready)
                heard.extend(await facts_until(url, token, "print.finished", rooms, opened, prints))

    thread = threading.Thread(target=trio.run, args=(listen,))
    thread.start()
    assert ready.wait(30)
    yield heard
    thread.join(120)


async def _pass_on(opened: trio.Event, ready: threading.Event) -> None:
    await opened.wait()
    ready.set()


def test_sent_by_a_slicer_cleared_on_the_page_and_printed_twice(octoprint, new_shop, window):
    octoprint.make_idle()
    view = moves_in(new_shop, window)
    page = view.page
    adds_printer(page, octoprint.url, octoprint.api_key, "MK4")
    address, key = makes_slicer_key(page, "MK4")
    assert address == new_shop.url

    with listening(new_shop.url, ["queue", "printer:mk4"], prints=2) as heard:
        for _ in range(2):
            sent = send_as_prusaslicer(address, key, CHIP)
            assert (sent.status_code, sent.json()["effectivePrint"]) == (201, True)
        expect(page.get_by_role("region", name="Queue").get_by_role("listitem")).to_have_count(2)

        clears_plate(page, "MK4")
        expect(needs(page)).to_contain_text("chip6_fast.gcode finished", timeout=6 * SOON_MS)
        expect(job(page, "chip6_fast")).to_have_count(1)
        expect(tile(page, "MK4")).to_contain_text("Plate to clear")

        clears_plate(page, "MK4")
        expect(job(page, "chip6_fast")).to_have_count(0, timeout=6 * SOON_MS)

    assert [fact["type"] for fact in heard].count("print.starting") == 2
    for earlier, later in itertools.pairwise(heard):
        assert later["prev"] == earlier["seq"] < later["seq"]
