"""What a person does on the page, by what they can see: headings, labels and the words on buttons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.a_shop import PASSWORD, Shop
from tests.browser.windows import DESK, Window

NAME = "anna"
STORED = (Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode").read_bytes()


def moves_in(shop: Shop, window: Any, size: tuple[int, int] = DESK, theme: str = "light") -> Window:
    """The owner of a new shop makes the first account, and sees the farm's page."""
    view: Window = window(shop.url, size, theme)
    page = view.open(shop.setup_link)
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(heading(page, "Needs you now")).to_be_visible()
    return view


def comes_in(shop: Shop, window: Any, size: tuple[int, int] = DESK, theme: str = "light") -> Window:
    """The same person with another device."""
    view: Window = window(shop.url, size, theme)
    logs_in(view.open("/"), PASSWORD)
    expect(heading(view.page, "Needs you now")).to_be_visible()
    return view


def logs_in(page: Page, password: str) -> None:
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def adds_printer(page: Page, url: str, api_key: str, name: str) -> None:
    """By its address, once the farm has said who answers there."""
    page.get_by_role("button", name="Add printer").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Address").fill(url)
    box.get_by_label("API key").fill(api_key)
    box.get_by_role("button", name="Look who answers").click()
    expect(box.get_by_text("OctoPrint 1.11.8 answers")).to_be_visible()
    box.get_by_label("Name").fill(name)
    box.get_by_role("button", name="Add printer").click()
    expect(box).to_be_hidden()
    expect(tile(page, name)).to_be_visible()


def sends_file(
    page: Page, name: str, content: bytes = STORED, and_print: bool = True, copies: int = 1
) -> None:
    """Choose a file and say what is to become of it."""
    page.get_by_label("G-code files").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content}]
    )
    box = page.get_by_role("dialog")
    if copies > 1:
        box.get_by_role("spinbutton", name="Copies").fill(str(copies))
    box.get_by_role("button", name="Upload and print" if and_print else "Upload", exact=True).click()
    expect(box).to_be_hidden()


def clears_plate(page: Page, name: str) -> None:
    """On the strip of what needs a person."""
    needs(page).get_by_role("button", name=f"Plate cleared on {name}").click()


def makes_slicer_key(page: Page, printer: str) -> tuple[str, str]:
    """Connects a slicer to a printer. Returns the address and the key to type into it."""
    tile(page, printer).get_by_role("button", name=printer, exact=True).click()
    page.get_by_role("button", name="Connect a slicer").click()
    page.get_by_label("Its files go to").select_option("Any printer")
    page.get_by_role("button", name="Make the key").click()
    address = page.get_by_role("textbox", name="Address").input_value()
    key = page.get_by_role("textbox", name="API key").input_value()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("Escape")
    return address, key


def heading(page: Page, words: str) -> Locator:
    return page.get_by_role("heading", name=words, exact=True)


def tile(page: Page, name: str) -> Locator:
    """A printer on the wall."""
    return page.get_by_role("article", name=name, exact=True)


def needs(page: Page) -> Locator:
    """The strip of what needs a person."""
    return page.get_by_role("region", name="Needs you now")


def job(page: Page, name: str) -> Locator:
    """A job of the queue."""
    return page.get_by_role("region", name="Queue").get_by_role("listitem").filter(has_text=re.compile(name))
