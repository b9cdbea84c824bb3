"""A small shop run from its page: what goes well, what goes wrong, and what somebody tries."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.a_person import (
    adds_printer,
    clears_plate,
    comes_in,
    heading,
    job,
    logs_in,
    moves_in,
    needs,
    sends_file,
    tile,
)
from tests.browser.simulated import Simulated
from tests.browser.windows import DESK, PHONE, SOON_MS, THEMES, Window

pytestmark = pytest.mark.browser

CUBE = Path(__file__).parents[1] / "data" / "models" / "cube20_bin.stl"
COMPILED_WITHIN_MS = 240_000  # what reads a model is compiled before the first one of all
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'&'
SLOW = b"G28\n" + b"".join(b"G1 X%d F600\nG1 X0\n" % (10 + step % 50) for step in range(5000))
TWO_MINUTES = b"M140 S60\nM109 S210\n" + b"G1 X10 F600\nG1 X0\n" * 60  # once it is hot


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated() as fleet:
        yield fleet


def with_printer(new_shop, window, simulated, *where: Any, name: str = "MK4 left") -> Window:
    """A shop with one printer that nobody has cleared yet."""
    view = moves_in(new_shop, window, *where)
    adds_printer(view.page, simulated.printers[0]["url"], simulated.printers[0]["api_key"], name)
    expect(needs(view.page)).to_contain_text(name)
    return view


def printing(new_shop, window, simulated, *where: Any) -> Window:
    """The same, at work on something that takes long."""
    view = with_printer(new_shop, window, simulated, *where)
    clears_plate(view.page, "MK4 left")
    sends_file(view.page, "bracket.gcode", SLOW)
    expect(tile(view.page, "MK4 left")).to_contain_text("Printing", timeout=3 * SOON_MS)
    return view


def test_first_run_to_first_print_on_a_phone(new_shop, window):
    with Simulated(speed=30) as fleet:
        page = with_printer(new_shop, window, fleet, PHONE).page
        sends_file(page, "chip.gcode", copies=2)
        expect(job(page, "chip")).to_contain_text("0 of 2 done")
        clears_plate(page, "MK4 left")

        expect(needs(page)).to_contain_text("chip.gcode finished", timeout=3 * SOON_MS)
        expect(job(page, "chip")).to_contain_text("1 of 2 done")
        expect(needs(page).get_by_role("spinbutton", name="Good parts on MK4 left")).to_have_value("1")
        clears_plate(page, "MK4 left")
        expect(job(page, "chip")).to_be_hidden(timeout=3 * SOON_MS)


def test_a_printers_window_says_when_its_print_will_be_done_and_where_its_heat_goes(new_shop, window):
    with Simulated() as fleet:
        page = with_printer(new_shop, window, fleet).page
        sends_file(page, "bracket.gcode", TWO_MINUTES)
        clears_plate(page, "MK4 left")
        expect(tile(page, "MK4 left")).to_contain_text("Printing", timeout=3 * SOON_MS)

        tile(page, "MK4 left").get_by_role("button", name="MK4 left", exact=True).click()

        box = page.get_by_role("dialog")
        expect(box).to_contain_text(re.compile(r"rising by \d+\.\d °C a minute"), timeout=4 * SOON_MS)
        expect(box).to_contain_text(re.compile(r"Done.* ± \d+ (s|min)"), timeout=4 * SOON_MS)


def test_whoever_looks_later_sees_why_a_printer_was_paused_and_says_that_they_have_seen_to_it(
    new_shop, window, simulated
):
    page = printing(new_shop, window, simulated).page
    new_shop.stop()
    with closing(sqlite3.connect(new_shop.folder / "farm.db")) as db, db:  # what it was doubted for is over
        db.execute(
            "UPDATE printers SET doubt = 'The nozzle was too cold.', doubt_since = '2026-01-01T12:00:00Z'"
        )
    new_shop.start()
    tile(page, "MK4 left").get_by_role("button", name="MK4 left", exact=True).click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text("The plan prefers other printers", timeout=3 * SOON_MS)
    box.get_by_role("button", name="Pause").click()
    page.keyboard.press("Escape")
    expect(needs(page)).to_contain_text("is paused")
    expect(needs(page)).to_contain_text("The nozzle was too cold.")

    needs(page).get_by_role("button", name="MK4 left", exact=True).click()
    box.get_by_role("button", name="Seen to it").click()
    expect(box).not_to_contain_text("The plan prefers other printers")
    page.keyboard.press("Escape")
    expect(needs(page)).not_to_contain_text("The nozzle was too cold.")


def test_plate_cleared_by_mistake_is_taken_back(new_shop, window, simulated):
    page = with_printer(new_shop, window, simulated).page
    clears_plate(page, "MK4 left")
    expect(needs(page)).to_contain_text("Nothing needs you")

    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_text("Taken back: nothing starts there.")).to_be_visible()
    expect(needs(page)).to_contain_text("MK4 left")


def test_maintenance_that_is_due_waits_and_a_printers_window_sends_gcode_and_keeps_its_spools(
    new_shop, window, simulated
):
    page = with_printer(new_shop, window, simulated).page
    clears_plate(page, "MK4 left")
    wish = {"what": "lubricate the rods", "every_h": 300, "since_h": 312}
    asks(page, "POST", "/v1/printers/mk4-left/maintenance", wish)
    expect(needs(page)).to_contain_text("312 h of printing since it was done")

    needs(page).get_by_role("button", name="Done on MK4 left: lubricate the rods").click()

    expect(needs(page)).to_contain_text("Nothing needs you")
    tile(page, "MK4 left").get_by_role("button", name="MK4 left", exact=True).click()
    page.get_by_text("0 h printed, maintenance").click()
    expect(page.get_by_role("dialog")).to_contain_text("Lubricate the rods: in 300 h of printing.")

    page.get_by_text("Console").click()
    page.get_by_label("G-code", exact=True).fill("M115")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("list", name="Lines")).to_contain_text("M115")
    with page.expect_download() as flight:
        page.get_by_role("link", name="Flight recorder").click()
    assert flight.value.suggested_filename == "flight-mk4-left.txt"
    assert "POST /api/printer/command" in flight.value.path().read_text()

    page.get_by_text("Filament", exact=True).click()
    page.get_by_label("Colour").fill("galaxy black")
    page.get_by_role("button", name="Put in").click()
    expect(page.get_by_text("PLA galaxy black, 1000 g left")).to_be_visible()
    page.get_by_role("button", name="Take out PLA galaxy black").click()
    expect(page.get_by_label("Put in", exact=True)).to_contain_text("PLA galaxy black, 1000 g left")


def test_why_a_print_failed_is_asked_and_noted(new_shop, window, simulated):
    page = printing(new_shop, window, simulated).page
    simulated.make("firmware_error")
    asked = needs(page).get_by_role("combobox", name="Why bracket.gcode failed on MK4 left")
    asked.select_option("Layers shifted")
    needs(page).get_by_role("textbox", name="More about why bracket.gcode failed").fill("loose belt")

    needs(page).get_by_role("button", name="Save").click()

    expect(asked).to_be_hidden()
    expect(page.get_by_text("Noted why bracket.gcode failed.")).to_be_visible()


def asks(page: Page, method: str, path: str, body: Any) -> None:
    """Something that the page has no button for, by the person who is logged in."""
    page.evaluate(
        """async ([method, path, body]) => {
            const { post, patch } = await import("/page/core/api.js");
            await { POST: post, PATCH: patch }[method](path, body);
        }""",
        [method, path, body],
    )


def test_wrong_password_is_said_and_the_name_stays(new_shop, window):
    moves_in(new_shop, window)
    page = window(new_shop.url).open("/")

    logs_in(page, "not my password at all")

    expect(page.get_by_role("alert")).to_contain_text("password")
    expect(page.get_by_label("Your name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_have_value("")


def test_upload_shows_its_progress_until_the_file_is_there(new_shop, window):
    page = moves_in(new_shop, window).page
    slowly(page, bytes_per_s=200_000)

    sends_file(page, "part.gcode", SLOW * 4, and_print=False)

    expect(page.get_by_role("progressbar", name="Upload of part.gcode")).to_be_visible()
    expect(page.get_by_role("region", name="Send files")).to_contain_text(re.compile(r"sending [1-9]\d? %"))
    expect(page.get_by_text("part.gcode is uploaded.")).to_be_visible(timeout=3 * SOON_MS)
    expect(page.get_by_role("region", name="Files", exact=True)).to_contain_text("part.gcode")


def slowly(page: Page, bytes_per_s: int) -> None:
    """As over the Wi-Fi at the far end of the shop."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
    session.send("Network.emulateNetworkConditions", limits)


def test_file_that_the_farm_does_not_print_is_not_even_sent(new_shop, window):
    page = moves_in(new_shop, window).page

    page.get_by_label("G-code files").set_input_files(
        [{"name": "cube.step", "mimeType": "model/step", "buffer": b"ISO-10303-21;"}]
    )

    expect(page.get_by_role("dialog")).to_contain_text("Slice this file first")
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()


def test_model_is_kept_and_not_printed(new_shop, window):
    page = moves_in(new_shop, window).page

    page.get_by_label("G-code files").set_input_files(
        [{"name": "cube.stl", "mimeType": "model/stl", "buffer": CUBE.read_bytes()}]
    )
    expect(page.get_by_role("dialog")).to_contain_text("Slice it to print it")
    expect(page.get_by_role("button", name="Upload and print")).to_be_disabled()
    page.get_by_role("button", name="Upload", exact=True).click()

    listed = page.get_by_role("region", name="Files", exact=True)
    expect(listed).to_contain_text(re.compile(r"cube\.stl.*about \d+ min"), timeout=COMPILED_WITHIN_MS)
    expect(listed.get_by_role("button", name="Print cube.stl")).to_have_count(0)


def test_printer_that_does_not_answer_is_refused_in_words(new_shop, window):
    page = moves_in(new_shop, window).page
    page.get_by_role("button", name="Add printer").first.click()
    page.get_by_label("Address").fill("127.0.0.1:9")
    page.get_by_label("API key").fill("whatever")

    page.get_by_role("button", name="Look who answers").click()

    expect(page.get_by_role("dialog")).to_contain_text("refuses the connection")


def test_printer_is_chosen_from_those_that_announce_themselves(new_shop, window, simulated):
    page = moves_in(new_shop, window).page
    url, key = (simulated.printers[0][name] for name in ("url", "api_key"))
    left = {"kind": "octoprint", "name": "Left MK4", "url": url, "host": "left.local", "known": None}
    voron = {"kind": "moonraker", "name": "Voron", "url": "http://10.0.0.9", "host": "", "known": "voron"}
    answer = {"items": [left, voron], "problem": None}
    page.route("**/v1/discovery", lambda route: route.fulfill(json=answer))
    page.get_by_role("button", name="Add printer").first.click()
    box = page.get_by_role("dialog")

    box.get_by_role("button", name="Look around").click()
    box.get_by_role("button", name=f"Left MK4 at {url}").click()
    expect(box.get_by_role("button", name="Voron")).to_have_count(0)
    box.get_by_label("API key").fill(key)
    box.get_by_role("button", name="Look who answers").click()

    expect(box.get_by_text("OctoPrint 1.11.8 answers")).to_be_visible()
    expect(box.get_by_label("Name")).to_have_value("Left MK4")
    box.get_by_role("button", name="Add printer").click()
    expect(tile(page, "Left MK4")).to_be_visible()


def test_trouble_shows_within_a_second(new_shop, window, simulated):
    page = printing(new_shop, window, simulated).page
    page.evaluate(
        """() => {
            const seen = () => document.querySelector('[role=region], section')
                && document.body.innerText.includes('Needs attention');
            window.shownAt = new Promise((found) => {
                const look = () => (seen() ? found(Date.now()) : requestAnimationFrame(look));
                look();
            });
        }"""
    )
    raised = time.time()
    simulated.make("firmware_error")

    shown = page.evaluate("window.shownAt") / 1000
    assert shown - raised < 1.0
    expect(needs(page)).to_contain_text("MK4 left")
    expect(tile(page, "MK4 left")).to_contain_text("Needs attention")


def test_page_recovers_by_itself_when_the_server_was_killed(new_shop, window, simulated):
    page = printing(new_shop, window, simulated).page

    new_shop.kill()
    expect(page.get_by_role("alert").first).to_contain_text("No connection to the farm")
    expect(tile(page, "MK4 left")).to_contain_text("Printing")
    new_shop.start()

    expect(page.get_by_text("No connection to the farm")).to_be_hidden(timeout=3 * SOON_MS)
    expect(tile(page, "MK4 left")).to_contain_text("Printing", timeout=3 * SOON_MS)
    expect(job(page, "bracket")).to_contain_text("0 of 1 done")


def test_hostile_names_are_text_and_run_nowhere(new_shop, window, simulated):
    page = with_printer(new_shop, window, simulated, name=HOSTILE).page
    title = page.title()

    sends_file(page, f"{HOSTILE.replace('/', '')}.gcode")

    expect(job(page, "onerror")).to_be_visible()
    expect(tile(page, HOSTILE)).to_be_visible()
    tile(page, HOSTILE).get_by_role("button", name=HOSTILE, exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert page.title() == title
    assert page.locator("img[src=x]").count() == 0


def test_emergency_stop_is_asked_once_and_latched(new_shop, window, simulated):
    page = printing(new_shop, window, simulated).page

    page.get_by_role("button", name="Emergency stop", exact=True).first.click()
    page.get_by_role("button", name="Stop all printers").click()

    expect(tile(page, "MK4 left")).to_contain_text("Emergency stop")
    needs(page).get_by_role("button", name="Clear emergency").click()
    expect(tile(page, "MK4 left")).not_to_contain_text("Clear emergency")


def test_two_devices_see_the_same(new_shop, window, simulated):
    desk = with_printer(new_shop, window, simulated).page
    phone = comes_in(new_shop, window, PHONE, "dark").page
    expect(needs(phone)).to_contain_text("MK4 left")

    clears_plate(phone, "MK4 left")

    expect(needs(desk)).to_contain_text("Nothing needs you")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nobody_is_kept_out(new_shop, window, simulated, size, theme):
    """No barrier for a screen reader, a keyboard or weak eyes, on the page and in each window over it."""
    view = window(new_shop.url, size, theme)
    view.open("/login")
    assert view.barriers() == []

    view = moves_in(new_shop, window, size, theme)
    assert view.barriers() == []  # with nothing in it yet
    page = view.page
    adds_printer(page, simulated.printers[0]["url"], simulated.printers[0]["api_key"], "MK4 left")
    sends_file(page, "bracket.gcode", SLOW)
    expect(job(page, "bracket")).to_be_visible()
    expect(needs(page)).to_contain_text("MK4 left")
    assert view.barriers() == []

    for opens in ("Add printer", "Print bracket.gcode", "Emergency stop", "MK4 left"):
        page.get_by_role("button", name=opens, exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert view.barriers() == [], opens
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_session_that_was_ended_elsewhere_leads_back_to_the_login(new_shop, window):
    view = moves_in(new_shop, window)
    cookies = {cookie["name"]: cookie["value"] for cookie in view.page.context.cookies()}

    csrf = httpx.get(f"{new_shop.url}/v1/auth/me", cookies=cookies).json()["csrf_token"]
    ended = httpx.post(f"{new_shop.url}/v1/auth/logout", cookies=cookies, headers={"X-CSRF-Token": csrf})
    assert ended.is_success

    expect(heading(view.page, "Printer farm")).to_be_visible()
    expect(view.page.get_by_role("button", name="Log in")).to_be_visible()
