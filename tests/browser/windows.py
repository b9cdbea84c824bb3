"""A real Chromium for the tests of the page, driven by Playwright.

The program comes from FARM_CHROMIUM (`scripts/test.py` finds or installs it). Without it the tests are
skipped with the reason, or fail where FARM_REQUIRE_PEERS=1 says they must run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright

PHONE, DESK = (390, 844), (1440, 900)  # CSS pixels
THEMES = ("light", "dark")
SOON_MS = 10_000  # for whatever the page should show; a shared machine may be slow
ARGUMENTS = [
    "--no-sandbox",  # as root, which build machines are, Chromium starts no other way
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def program() -> Path:
    """The browser to run. Skips the test, or fails it where peers are required, when there is none."""
    named = os.environ.get("FARM_CHROMIUM", "")
    if named and Path(named).exists():
        return Path(named)
    reason = "FARM_CHROMIUM names no browser: run scripts/test.py, which finds or installs one"
    if os.environ.get("FARM_REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Window:
    """One browser window and everything in it that went wrong without anybody seeing it.

    complaints: uncaught errors, refused scripts, and whatever was asked of another place than the farm.
    """

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home = home
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(SOON_MS)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("console", self._hear)
        self.page.on("request", self._see_request)
        self.page.on("response", self._see_response)

    def open(self, path: str = "/") -> Page:
        """The page at `path`, loaded."""
        self.page.goto(self.home + path)
        return self.page

    def barriers(self) -> list[str]:
        """What keeps people with a screen reader, a keyboard or weak eyes out, as axe-core finds it."""
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found for node in one["nodes"]]

    def _hear(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "requires 'Trusted" in message.text:
            self.complaints.append(message.text)

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.home, self.home.replace("http", "ws", 1), "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} for {response.url}")


@pytest.fixture(scope="module")  # not longer: Playwright's event loop counts as running all the while
def chromium() -> Iterator[Browser]:
    """The one browser of a file of tests; they ask for `window`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Window]]:
    """Opens windows on a farm: `window(url, DESK, "dark")`. A complaint in any of them fails the test."""
    contexts: list[BrowserContext] = []
    windows: list[Window] = []

    def open_window(home: str, size: tuple[int, int] = DESK, theme: str = "light") -> Window:
        width, height = size
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=size == PHONE,
        )
        contexts.append(context)
        windows.append(Window(context, home))
        return windows[-1]

    yield open_window
    complaints = [complaint for one in windows for complaint in one.complaints]
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
