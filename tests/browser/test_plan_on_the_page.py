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
from farm.live.plan_shapes import (
    NONE_YET,
    Effect,
    Figure,
    Night,
    Placement,
    Reason,
    Schedule,
    Unscheduled,
)
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


EFFECT = Effect(
    unknown="",
    sentences=["2 jobs would be late; now none is.", "All would be done Mon 14:05, 2 h later than now."],
    figures=[
        Figure("late_jobs", "late jobs", "", 0.0, 2.0),
        Figure("makespan_s", "until all is done", "s", 7200.0, 14_400.0),
        Figure("peak_w", "most power at once", "W", 1900.0, 1500.0),
        Figure("changeovers", "changes of filament", "", 1.0, 1.0),
    ],
    late=[], in_time=[], placed=[], left_out=[], moves=0, moved=[],
)  # fmt: skip
KEPT = "async (path) => (await fetch(path)).json()"
SHOWN = [
    ["late jobs", "0", "2 (worse)"],
    ["until all is done", "2 h 00 min", "4 h 00 min (worse)"],
    ["most power at once", "1.9 kW", "1.5 kW (better)"],
]


@pytest.mark.parametrize(("size", "theme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def test_hours_and_power_are_changed_after_seeing_what_that_would_do(new_shop, window, size, theme):
    view = moves_in(new_shop, window, size, theme)
    page = view.page
    tried: list[Any] = []

    def answer(route: Route) -> None:
        tried.append(route.request.post_data_json)
        route.fulfill(json={"effect": to_builtins(EFFECT)})

    page.route("**/v1/constraints?dry_run=true", answer)
    if size == PHONE:
        page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("button", name="Hours and power").click()
    form = page.get_by_role("dialog", name="Hours, people and power")
    expect(form.get_by_role("button", name="Save")).to_be_disabled()
    form.get_by_role("button", name="Add hours").click()
    form.get_by_label("Power for all printers, in kW").fill("1.5")
    form.get_by_role("button", name="What would change?").click()

    expect(form).to_contain_text("2 jobs would be late; now none is.")
    rows = [row.locator("th, td").all_inner_texts() for row in form.locator("tbody tr").all()]
    assert [[" ".join(cell.split()) for cell in row] for row in rows] == SHOWN
    assert tried[0]["power_limit_kw"] == 1.5
    assert view.barriers() == []

    form.get_by_label("Circuits, in kW").fill("a: much")
    expect(form).not_to_contain_text("2 jobs would be late")  # it was said of something else
    form.get_by_role("button", name="Save").click()
    expect(form.locator("form").get_by_role("alert")).to_contain_text("Circuits")
    form.get_by_label("Circuits, in kW").fill("a: 1.9")
    form.get_by_label("First of all").select_option("resource_first")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    kept, minds = (page.evaluate(KEPT, f"/v1/{what}") for what in ("constraints", "settings"))
    assert (kept["power_limit_kw"], kept["circuits"], len(kept["working_hours"])) == (1.5, {"a": 1.9}, 1)
    assert minds["preset"] == "resource_first"
