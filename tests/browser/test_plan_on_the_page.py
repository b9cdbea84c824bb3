"""The plan on the page: who prints what when, what is new and why, the night, and what has no place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import to_builtins
from playwright.sync_api import Locator, Page, Route, expect

from farm.domain.clock import iso
from farm.domain.settings import Preset
from farm.live.plan_shapes import NONE_YET, Night, Placement, Reason, Schedule, Unscheduled
from tests.browser.a_person import adds_printer, job, moves_in, sends_file
from tests.browser.simulated import Simulated
from tests.browser.windows import DESK, PHONE, Window

pytestmark = pytest.mark.browser

PLANNED_WITHIN_MS = 240_000  # what plans is compiled before the first plan of all


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated() as fleet:
        yield fleet


def region(page: Page) -> Locator:
    return page.get_by_role("region", name="The plan", exact=True)


def in_an_hour(job: str, printer: str, **more: Any) -> Placement:
    """Five minutes of somebody's work in an hour, then two hours of printing."""
    hands = datetime.now(UTC) + timedelta(hours=1)
    start, end = hands + timedelta(minutes=5), hands + timedelta(hours=2)
    usual = {"hand_work_start": iso(hands), "hand_work_end": iso(start), "start": iso(start), "end": iso(end)}
    return Placement(job=job, copy=0, printer=printer, locked=False, **{**usual, **more})


def plan(*placements: Placement, **more: Any) -> Schedule:
    at = datetime.now(UTC)
    night = Night(iso(at + timedelta(hours=5)), iso(at + timedelta(hours=13)), ["Nothing runs in the night"])
    return Schedule(**{
        "id": "p1", "version": 1, "adopted_at": iso(at), "made_at": iso(at), "preset": Preset.TIME_FIRST,
        "placements": list(placements), "unscheduled": [], "metrics": {}, "bound": None, "status": "feasible",
        "because": ["a job was added", "MK4 left is back"], "changes": [], "nights": [night],
        "in_time": {}, **more,
    })  # fmt: skip


def told(page: Page, schedule: Schedule) -> None:
    """From now on the farm says that this is the plan."""
    page.route("**/v1/schedule", lambda route: route.fulfill(json=to_builtins(schedule)))


def waiting_job(view: Window, simulated: Simulated) -> str:
    """A job for a printer whose plate nobody has cleared. Returns its id."""
    page = view.page
    adds_printer(page, simulated.printers[0]["url"], simulated.printers[0]["api_key"], "MK4 left")
    sends_file(page, "chip.gcode")
    expect(job(page, "chip")).to_be_visible()
    return str(page.evaluate("async () => (await (await fetch('/v1/jobs')).json()).items[0].id"))


def test_plans_are_shown_as_they_are_adopted_and_a_job_says_why_it_stands_there(new_shop, window, simulated):
    view = moves_in(new_shop, window)
    page = view.page
    waiting_job(view, simulated)

    bar = region(page).get_by_title("chip.gcode on MK4 left, ")
    expect(bar.first).to_be_visible(timeout=PLANNED_WITHIN_MS)
    expect(region(page)).to_contain_text("because")

    page.get_by_role("button", name="Why? chip.gcode").click()
    expect(page.get_by_role("dialog")).to_contain_text("on MK4 left", timeout=PLANNED_WITHIN_MS)
    assert view.barriers() == []
    page.keyboard.press("Escape")

    page.route("**/v1/schedule/plans", hurried)
    page.get_by_role("button", name="Compare").click()
    choices = page.get_by_role("dialog", name="What else could be planned")
    expect(choices.get_by_text("Last print ends")).to_have_count(3, timeout=PLANNED_WITHIN_MS)
    assert view.barriers() == []
    told(page, plan(because=["somebody chose it"]))
    choices.get_by_role("button", name="Follow this one Important first").click()

    expect(choices).to_be_hidden()
    expect(region(page)).to_contain_text("because somebody chose it")


def hurried(route: Route) -> None:
    """Half a second to look for a plan, which is enough for one job."""
    route.continue_(post_data={**route.request.post_data_json, "seconds": 0.5})


@pytest.mark.parametrize(("size", "theme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
def test_plan_says_all_of_it_and_keeps_nobody_out(new_shop, window, simulated, size, theme):
    view = moves_in(new_shop, window, size, theme)
    page = view.page
    told(page, NONE_YET)
    page.reload()
    if size == PHONE:
        expect(region(page)).not_to_contain_text("No plan yet")
        page.get_by_role("button", name="Show the plan").click()
    expect(region(page)).to_contain_text("No plan yet: until there is one")
    id = waiting_job(view, simulated)
    reasons = [Reason("mk4-left", "material", "PETG", "PLA"), Reason(None, "stock", "90 g", "40 g")]
    left_out = [Unscheduled(id, 2, reasons, None, None)]
    page.route("**/v1/constraints", lambda route: route.fulfill(json={"timezone": "Pacific/Kiritimati"}))
    changes = [f"Job {number} starts later" for number in range(12)]
    told(page, plan(in_an_hour(id, "mk4-left"), unscheduled=left_out, changes=changes))
    page.reload()  # it stays as it was left: unfolded

    expect(region(page).get_by_title("chip.gcode on MK4 left, ")).to_be_visible()
    expect(region(page).get_by_title("Somebody's work at MK4 left for chip.gcode, ")).to_be_visible()
    expect(region(page)).to_contain_text("because a job was added; MK4 left is back.")
    expect(region(page)).to_contain_text("Nothing runs in the night.")
    expect(region(page)).to_contain_text("Times in sentences are those of the shop, Pacific/Kiritimati")
    expect(region(page)).to_contain_text("chip.gcode, 2 prints.")
    expect(region(page)).to_contain_text("On MK4 left: material (needed: PETG; there: PLA).")
    expect(region(page)).to_contain_text("Stock (needed: 90 g; there: 40 g).")
    expect(region(page)).not_to_contain_text("Job 10")
    region(page).get_by_role("button", name="2 more").click()
    expect(region(page)).to_contain_text("Job 11 starts later.")
    assert view.barriers() == []


LANES = """async ([plan, printers, jobs, now]) => {
    const { atWork, lanes } = await import("/page/plan/day.js");
    const open = new Map(jobs.map((job) => [job.id, job]));
    return lanes(plan, printers.map((printer) => atWork(printer, now)), open, now);
}"""
NOW = datetime(2026, 3, 2, 12, 20, tzinfo=UTC)


def at(hours: float) -> str:
    return iso(NOW + timedelta(hours=hours))


def placed(job: str, copy: int, printer: str, start: float, end: float) -> dict[str, Any]:
    times = {"hand_work_start": at(start), "hand_work_end": at(start), "start": at(start), "end": at(end)}
    return {"job": job, "copy": copy, "printer": printer, **times}


def wish(id: str, due: float | None = None, prints: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"id": id, "name": id, "due_at": None if due is None else at(due), "prints": prints or []}


def bars(new_shop, window, placements, printers, jobs) -> dict[str, list[tuple[str, str]]]:
    page = window(new_shop.url).open("/setup")
    proposed = {"made_at": at(-0.1), "placements": placements}
    found = page.evaluate(LANES, [proposed, printers, jobs, NOW.timestamp() * 1000])
    return {lane["id"]: [(bar["kind"], bar["key"]) for bar in lane["bars"]] for lane in found}


def test_what_was_begun_since_the_plan_was_made_is_shown_once(new_shop, window):
    running = {"id": "r1", "name": "vase", "elapsed_s": 60, "ends_at": at(2)}
    printers = [
        {"id": "a", "name": "A", "status": {"print": running}},
        {"id": "b", "name": "B", "status": {"print": None}},
        {"id": "idle", "name": "Idle", "status": {"print": None}},
    ]
    placements = [
        placed("vase", 1, "a", 3, 5),
        placed("vase", 0, "a", 0, 2),
        placed("vase", 2, "b", 1, 3),
        placed("late", 0, "b", 4, 6),
        placed("tomorrow", 0, "idle", 30, 31),
        placed("closed", 0, "idle", 1, 2),
    ]
    begun = [
        {"printer": "a", "reserved_at": at(-0.02)},
        {"printer": "b", "reserved_at": at(-5)},  # long over when the plan was made
    ]
    jobs = [wish("vase", prints=begun), wish("late", due=5), wish("tomorrow")]

    assert bars(new_shop, window, placements, printers, jobs) == {
        "a": [("running", "r1"), ("planned", "vase 1")],
        "b": [("planned", "vase 2"), ("late", "late 0")],
    }


def test_two_thousand_prints_on_two_hundred_printers_are_no_work(new_shop, window):
    printers = [{"id": f"p{n}", "name": f"P{n}", "status": {"print": None}} for n in range(200)]
    placements = [placed(f"j{n}", 0, f"p{n % 200}", n // 200, n // 200 + 1) for n in range(2000)]

    found = bars(new_shop, window, placements, printers, [wish(f"j{n}") for n in range(2000)])

    assert sum(map(len, found.values())) == 2000
