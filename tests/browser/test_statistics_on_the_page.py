"""What was, on the page: figures over the shop's days, and a printer's temperatures over time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from farm.domain.clock import iso
from tests.browser.a_person import adds_printer, moves_in, tile
from tests.browser.simulated import Simulated
from tests.browser.windows import DESK, PHONE

pytestmark = pytest.mark.browser


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated() as fleet:
        yield fleet


FIGURES = {
    "good": 182, "spoiled": 3, "failed": 11, "cancelled": 4, "unknown": 0, "not_begun": 2,
    "success_rate": 0.9286,
    "causes": {"came_off": 6, "unexplained": 5, "warped": 3}, "parts": 540, "printed_h": 712.4,
    "filament_g": 9312.5, "energy_kwh": 101.2, "without_watts": 7,
    "waiting": {"plates": 180, "mean_s": 1900.0, "longest_s": 41_000.0},
    "cost": {"energy": 30.36, "material": 204.88, "machine": 356.2, "total": 591.44},
}  # fmt: skip
TIME = {
    "watched_h": 5760.0, "printing": 0.42, "foreign": 0.03, "waiting": 0.2, "idle": 0.25, "maintenance": 0.02,
    "offline": 0.08,
}  # fmt: skip


def told(first: str, last: str) -> dict[str, Any]:
    """A month of a shop."""
    days = [
        {
            "day": f"{datetime.fromisoformat(first).date() + timedelta(days=number)}", "good": 4 + number % 5,
            "bad": number % 3, "other": 0, "printed_h": 20.0, "filament_g": 300.0,
        }
        for number in range(30) if number % 7 != 6
    ]  # fmt: skip
    return {
        "from": first, "to": last, "timezone": "Europe/Berlin", "currency": "EUR", "time": TIME,
        "figures": FIGURES,
        "printers": [
            {"printer": f"mk4-{number}", "name": f"Prusa MK4 {number}", "time": TIME, "figures": FIGURES}
            for number in range(4)
        ],
        "materials": [{"material": name, "figures": FIGURES} for name in ("PETG", "PLA", None)],
        "days": days,
    }  # fmt: skip


def curves(hours: float) -> dict[str, Any]:
    """A printer that heats up, and is silent for a while."""
    now = datetime.now(UTC)
    steps = [number for number in range(240) if not 100 <= number < 120]

    def curve(channel: str, wanted: float) -> dict[str, Any]:
        mean = [min(wanted, 20 + number * 4) + sin(number / 3) for number in steps]
        return {
            "channel": channel, "kind": "temperature", "unit": "degC",
            "after_s": [number * 15 for number in steps], "count": [15] * len(steps), "mean": mean,
            "min": [value - 2 for value in mean], "max": [value + 3 for value in mean], "last": mean,
            "target": [None if number < 5 else wanted for number in steps],
        }  # fmt: skip

    return {
        "printer": "mk4", "from": iso(now - timedelta(hours=hours)), "to": iso(now), "step_s": 15,
        "level": "raw", "available": ["bed", "tool0"], "curves": [curve("bed", 60.0), curve("tool0", 215.0)],
    }  # fmt: skip


def picture(page: Page, name: str) -> None:
    """Kept where somebody wants to look at it (FARM_PICTURES names a folder)."""
    if folder := os.environ.get("FARM_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize(("size", "theme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def test_what_was_is_shown_and_keeps_nobody_out(new_shop, window, simulated, size, theme):
    view = moves_in(new_shop, window, size, theme)
    page = view.page
    adds_printer(page, simulated.printers[0]["url"], simulated.printers[0]["api_key"], "MK4 left")
    page.get_by_role("button", name="Statistics").click()
    box = page.get_by_role("dialog", name="Statistics")
    expect(box).to_contain_text("No print ended in this time.")
    expect(box.get_by_role("row", name="MK4 left")).to_be_visible()
    page.keyboard.press("Escape")

    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url.partition("?")[2])
        route.fulfill(json=told("2026-01-01", "2026-01-30"))

    page.route("**/v1/statistics*", answer)
    page.get_by_role("button", name="Statistics").click()
    expect(box).to_contain_text("591.44 EUR")
    expect(box).to_contain_text("It came off the plate: 6")
    expect(box.get_by_role("row", name="Prusa MK4 0")).to_contain_text("712.4")
    expect(box.get_by_role("row", name="Unknown")).to_be_visible()
    assert asked == [""]
    box.get_by_role("button", name="7 days").click()
    expect(box.get_by_role("button", name="7 days", pressed=True)).to_be_visible()
    page.wait_for_function("document.querySelectorAll('.days rect').length > 40")
    assert asked[-1] == "from=2026-01-24&to=2026-01-30"
    assert view.barriers() == []
    picture(page, f"statistics-{theme}")
    page.keyboard.press("Escape")

    tile(page, "MK4 left").get_by_role("button", name="MK4 left", exact=True).click()
    sheet = page.get_by_role("dialog", name="MK4 left")
    sheet.get_by_text("Temperatures over time").click()
    expect(sheet.get_by_role("img", name="Nozzle: between")).to_be_visible(timeout=60_000)
    page.route("**/telemetry?*", lambda route: route.fulfill(json=curves(1)))
    sheet.get_by_role("button", name="6 h").click()
    expect(sheet.get_by_text("Nozzle 214.")).to_be_visible()
    assert sheet.locator(".curves .band").count() == 4  # two heaters, each with a break
    assert sheet.locator(".curves .wish").count() == 4
    assert view.barriers() == []
    sheet.locator(".curves").scroll_into_view_if_needed()
    picture(page, f"curves-{theme}")
