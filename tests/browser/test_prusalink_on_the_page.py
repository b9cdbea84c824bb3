"""A printer that cannot do everything, on the page: that is not offered, and said where it counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.a_person import clears_plate, moves_in, needs, sends_file, tile
from tests.browser.windows import SOON_MS
from tests.peers.prusalink import PrusaLink, gcode

pytestmark = [pytest.mark.browser, pytest.mark.prusalink]


@pytest.fixture
def idle(prusalink: PrusaLink) -> Iterator[PrusaLink]:
    yield prusalink
    prusalink.make_idle()


def test_one_added_by_user_and_password_is_cancelled_in_an_emergency_and_says_so(new_shop, window, idle):
    page = moves_in(new_shop, window).page
    page.get_by_role("button", name="Add printer").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Address").fill(idle.url)
    box.get_by_text("User and password instead").click()
    box.get_by_label("User", exact=True).fill(idle.username)
    box.get_by_label("Password", exact=True).fill(idle.password)
    box.get_by_role("button", name="Look who answers").click()
    expect(box.get_by_text("PrusaLink 0.8.1 answers, called “Row A”.")).to_be_visible(timeout=2 * SOON_MS)
    box.get_by_label("Name").fill("MK3")
    box.get_by_role("button", name="Add printer").click()
    expect(box).to_be_hidden()

    clears_plate(page, "MK3")
    sends_file(page, "bracket.gcode", gcode(seconds=120))
    expect(tile(page, "MK3")).to_contain_text("Printing", timeout=4 * SOON_MS)
    tile(page, "MK3").get_by_role("button", name="Emergency stop MK3").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("Heaters may stay on: switch it off at the plug.")
    asked.get_by_role("button", name="Cancel on MK3").click()

    expect(page.get_by_role("alert").first).to_contain_text("Only cancelled: MK3.")
    expect(needs(page)).to_contain_text("Heaters may stay on: switch it off at the plug")
    idle.wait_for_state("IDLE", 30)


def test_heating_and_moving_are_not_offered_where_nobody_could_do_them(new_shop, window, idle):
    page = moves_in(new_shop, window).page
    wish = {"id": "mk3", "name": "MK3"}
    connection = {"kind": "prusalink", "url": idle.url, "api_key": idle.api_key}
    page.evaluate(
        """(wish) => import("/page/core/api.js").then(({ post }) => post("/v1/printers", wish))""",
        {**wish, "connection": connection},
    )
    expect(tile(page, "MK3")).to_contain_text("Plate to clear", timeout=2 * SOON_MS)

    tile(page, "MK3").get_by_role("button", name="MK3", exact=True).click()

    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Maintenance")).to_be_visible()
    expect(sheet.get_by_text("Heat and move")).to_have_count(0)
