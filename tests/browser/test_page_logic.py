"""What the page concludes from what the farm says, asked of its own modules in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from farm.domain.job import JobState
from farm.domain.printer import Connection, Operation
from tests.browser.a_person import adds_printer, moves_in
from tests.browser.a_shop import Shop
from tests.browser.simulated import Simulated
from tests.browser.windows import Window

pytestmark = pytest.mark.browser

CALL = """async ([module, name, args]) => {
    const found = (await import(`/page/${module}`))[name](...args);
    return found instanceof Map ? Object.fromEntries(found) : found;
}"""


@pytest.fixture(scope="module")
def call(chromium, tmp_path_factory):
    """Calls a function of one of the page's modules."""
    with Shop(tmp_path_factory.mktemp("shop") / "data") as shop:
        context = chromium.new_context()
        page = moves_in(shop, lambda home, *_: Window(context, home)).page

        def call(module: str, name: str, *args: Any) -> Any:
            return page.evaluate(CALL, [module, name, list(args)])

        yield call
        context.close()


def printer(id: str, *tags: str, enabled: bool = True, print: bool = False, **status: str) -> dict[str, Any]:
    usual = {"connection": "online", "operation": "idle", "plate": "clear", "since": "2026-01-01T12:00:00Z"}
    told = {**usual, **status, "print": {"state": "printing"} if print else None}
    return {"id": id, "name": id.upper(), "tags": tags, "enabled": enabled, "status": told}


def job(
    id: str, remaining: int = 1, *, on: tuple[str, ...] = (), tags: tuple[str, ...] = (), **more: Any
) -> Any:
    usual = {"state": "queued", "copies": remaining, "done": 0, "yield": 1, "prints": [], "release_at": None,
             "created_at": "2026-01-01T12:00:00Z"}  # fmt: skip
    parts = {"remaining": remaining}
    return {"id": id, "required_printers": on, "required_tags": tags, "parts": parts, **usual, **more}


def failed(id: str, cause: str | None = None, begun: bool = True) -> dict[str, Any]:
    at = "2026-01-01T12:00:00Z"
    return {"id": id, "state": "failed", "cause": cause, "started_at": at if begun else None, "ended_at": at}


def test_what_holds_up_most_work_comes_first(call):
    printers = [
        printer("free"),
        printer("waits", plate="occupied"),
        printer("pinned", plate="unknown"),
        printer("away", connection="offline"),
        printer("broken", operation="attention", print=True),
        printer("stopped", operation="emergency", connection="offline"),
        printer("busy", operation="printing", plate="occupied", print=True),
        printer("off", enabled=False, connection="disabled"),
        printer("resting", operation="maintenance", plate="occupied"),
        printer("halted", operation="paused", plate="occupied", print=True),
        printer("cold", operation="printing", plate="occupied", print=True, anomalies=[{"severity": "warn"}]),
        printer("odd", operation="printing", plate="occupied", print=True, anomalies=[{"severity": "note"}]),
    ]
    jobs = [
        job("any", 4),
        job("for-pinned", 6, on=("pinned",)),
        job("unclear", 3, state="needs_review"),
        job("later", 50, release_at="2999-01-01T00:00:00Z"),
        job("held", 50, state="held"),
        job(
            "spoiled",
            state="held",
            prints=[failed("f1"), failed("f2", cause="warped"), failed("f3", begun=False)],
        ),
    ]

    chores = [
        {"id": "rods", "printer": "busy", "blocks": False},
        {"id": "nozzle", "printer": "free", "blocks": True},
        {"id": "belts", "printer": "taken out", "blocks": True},
    ]

    found = call("needs/needs.js", "needs", printers, jobs, chores)

    assert [(each["kind"], each["id"]) for each in found] == [
        ("emergency", "stopped"),
        ("plate", "pinned"),
        ("job", "unclear"),
        ("attention", "broken"),
        ("trouble", "cold"),
        ("paused", "halted"),
        ("plate", "waits"),
        ("offline", "away"),
        ("chore", "free/nozzle"),
        ("chore", "busy/rods"),
        ("why", "spoiled/f1"),
    ]
    waiting = {each["id"]: each["waiting"] for each in found}
    assert (waiting["pinned"], waiting["waits"], waiting["unclear"]) == (10, 4, 3)
    assert (waiting["free/nozzle"], waiting["busy/rods"]) == (4, 0)


def test_a_plate_that_clears_itself_waits_for_nobody_until_its_print_is_left(call):
    cooling = {"done": 1, "at_most": 5, "state": "cooling", "note": ""}
    left = {"done": 5, "at_most": 5, "state": None, "note": "5 prints were pushed off since somebody looked"}
    printers = [printer("by-itself", plate="occupied"), printer("looked-at", plate="occupied")]
    for one, ejector in zip(printers, (cooling, left), strict=True):
        one["status"]["ejector"] = ejector

    assert [each["id"] for each in call("needs/needs.js", "needs", printers, [], [])] == ["looked-at"]
    told = [call("printers/ejecting.js", "ejects", one["status"]) for one in printers]
    assert told == [
        "Ejects by itself, 1 of 5: the bed cools, then the print is pushed off.",
        "Ejects by itself, 5 of 5: 5 prints were pushed off since somebody looked.",
    ]
    assert call("printers/ejecting.js", "ejects", {"ejector": None}) == ""


def test_only_what_was_changed_about_ejecting_is_sent(call):
    profile = {"auto_eject": False, "ejection": None}
    before = call("printers/ejecting.js", "ejectingOf", profile)
    assert call("printers/ejecting.js", "ejectingChanges", before, before) == {}
    now = {
        **before,
        "ejects": True,
        "sweep": "G1 Z{over} F900\nG1 X9 Y9",
        "highest": "80",
        "only": "PLA, PETG",
    }
    sent = call("printers/ejecting.js", "ejectingChanges", before, now)
    assert sent == {
        "auto_eject": True,
        "ejection": {
            "sweep": ["G1 Z{over} F900", "G1 X9 Y9"], "release_degc": 30, "at_most": 5, "cool_within_s": 3600,
            "min_height_mm": None, "max_height_mm": 80, "materials": ["PLA", "PETG"], "confirmed": True,
        },
    }  # fmt: skip
    kept = call("printers/ejecting.js", "ejectingOf", sent)
    assert (
        call("printers/ejecting.js", "ejectingChanges", kept, {**kept, "ejects": False})["auto_eject"]
        is False
    )


def test_two_thousand_jobs_beside_two_hundred_printers_are_no_work(call):
    printers = [printer(f"p{n}", f"row-{n % 9}", plate="occupied" if n % 3 else "clear") for n in range(200)]
    jobs = [job(f"j{n}", 5, tags=(f"row-{n % 9}",)) for n in range(2000)]

    assert len(call("needs/needs.js", "needs", printers, jobs)) == 133


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (job("a", on=("p1",)), "Waiting: 1 plate to clear."),
        (job("a", tags=("row-b",)), "Waiting: 1 printer busy, 1 printer offline."),
        (job("a", 3, state="active"), "3 more waiting: 1 printer about to take it, 1 plate to clear, "
                                      "1 printer busy, 1 printer not ready, 1 printer offline."),
        (job("a", on=("gone",)), "No printer of the farm is one it may run on."),
        (job("a", state="held"), "Held until somebody releases it."),
        (job("a", 0, state="active"), ""),
    ],
)  # fmt: skip
def test_why_a_job_waits_is_one_sentence(call, wish, why):
    printers = [
        printer("p0"),
        printer("p1", plate="occupied"),
        printer("p2", "row-b", operation="printing", plate="occupied", print=True),
        printer("p3", "row-b", connection="offline"),
        printer("p4", operation="maintenance"),
    ]

    assert call("queue/why.js", "whyNot", wish, printers) == why


def test_a_pinned_job_is_held_up_by_that_printer_alone(call):
    pinned = job("j", on=("a",), pin={"printer": "b", "start": None})
    dirty = [printer("a", plate="occupied"), printer("b", plate="occupied")]
    found = {need["id"]: need["waiting"] for need in call("needs/needs.js", "needs", dirty, [pinned])}
    assert found == {"a": 0, "b": 1}
    later = {**pinned, "pin": {"printer": "b", "start": "2999-01-01T12:00:00Z"}}
    assert call("queue/why.js", "whyNot", later, dirty).startswith("Not before")


@pytest.mark.parametrize("state", ["held", "needs_review"])
def test_a_job_that_waits_for_approval_is_among_what_needs_somebody(call, state):
    asking = job("j", state=state, approval="share", approval_why="it is too much")
    (need,) = call("needs/needs.js", "needs", [], [asking])
    assert (need["kind"], need["id"]) == ("job", "j")
    assert call("queue/why.js", "whyNot", asking, []) == "Waits for approval: it is too much."
    assert call("core/words.js", "jobStanding", asking)["word"] == "Waits for approval"


def test_every_state_of_a_printer_and_a_job_has_a_word(call):
    for connection in Connection:
        for operation in Operation:
            shown = call(
                "core/words.js", "standing", printer("p", connection=connection, operation=operation)
            )
            unknown = connection is Connection.ONLINE and operation is Operation.UNKNOWN
            assert (shown["word"] == "Unknown") == unknown, (connection, operation)
    for state in JobState:
        assert call("core/words.js", "jobStanding", {"state": state})["icon"] != "question", state


def test_nozzles_come_first_whatever_the_print_host_names_first(call):
    given = dict.fromkeys(["bed", "enclosure", "tool10", "tool2", "chamber", "tool0"], 20)

    assert call("core/words.js", "inOrder", given) == [
        "tool0", "tool2", "tool10", "bed", "chamber", "enclosure",
    ]  # fmt: skip


def test_lengths_of_time_and_sizes_are_short(call):
    lengths = [4, 59, 60, 3599, 3600, 86_399, 90_000]
    assert [call("core/time.js", "duration", length) for length in lengths] == [
        "4 s", "59 s", "1 min", "1 h 00 min", "1 h 00 min", "1 d 0 h", "1 d 1 h",
    ]  # fmt: skip
    assert [call("files/checks.js", "size", size) for size in (7, 999, 1000, 6_840_000, 2**31)] == [
        "7 B", "999 B", "1.0 kB", "6.8 MB", "2.1 GB",
    ]  # fmt: skip


def test_emergency_stop_can_be_pressed_behind_an_open_window(new_shop, window):
    page = moves_in(new_shop, window).page
    with Simulated() as fleet:
        adds_printer(page, fleet.printers[0]["url"], fleet.printers[0]["api_key"], "MK4")
        box = page.get_by_role("button", name="Emergency stop", exact=True).bounding_box()
        page.get_by_role("button", name="Add printer").click()
        expect(page.get_by_role("dialog", name="Add printer")).to_be_visible()

        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

        expect(page.get_by_role("dialog", name="Emergency stop for the whole farm?")).to_be_visible()


def test_what_the_shop_allows_comes_back_from_its_form_as_it_went_in(call):
    told = {
        "max_print_time_s": 14400,
        "preferred_printers": ["mk4-01"],
        "working_hours": [{"days": ["mon", "fri"], "start": "22:00", "end": "06:00"}],
        "timezone": "Europe/Berlin",
        "closed_dates": ["2026-01-01", "2026-12-25"],
        "operators": 2,
        "power_limit_kw": None,
        "circuits": {"a": 1.9, "b: west": 2},
        "maintenance_windows": [
            {
                "start": "2026-03-05T08:00:00.000Z",
                "end": "2026-03-05T10:00:00.000Z",
                "affected_printers": ["mk4-01", "mk4-02"],
            }
        ],
    }
    form = call("shop/rules.js", "formOf", told)
    assert (form["longest_h"], form["power_kw"], form["circuits"]) == (4, "", "a: 1.9, b: west: 2")
    assert call("shop/rules.js", "constraintsOf", form, told) == told


def test_only_what_is_different_in_the_settings_is_sent(call):
    told = {"preset": "time_first", "weights": {"tardiness": 10, "flow": 1}}
    same = {"tardiness": "10", "flow": 1}
    assert call("shop/rules.js", "settingsChanged", told, "time_first", same) is None
    other = call("shop/rules.js", "settingsChanged", told, "resource_first", {**same, "flow": "2.5"})
    assert other == {"preset": "resource_first", "weights": {"flow": 2.5}}


def test_what_is_understood_of_a_printer_is_said_in_words(call):
    rising = {"trend": "rising", "slope_per_min": 12.34}
    swinging = {"trend": "oscillating", "slope_per_min": 0.1, "period_s": 24.2}
    said = [
        call("printers/understood.js", "going", each)
        for each in (
            rising,
            {**rising, "trend": "falling", "slope_per_min": -3.0},
            swinging,
            {"trend": "stable"},
            None,
        )
    ]
    assert said == [
        ", rising by 12.3 °C a minute",
        ", falling by 3.0 °C a minute",
        ", swinging every 24 s",
        "",
        "",
    ]
    progress = {"estimated_completion": "2026-01-01T12:00:00Z", "confidence_s": 290}
    assert call("printers/understood.js", "doneAt", {"progress": progress}).endswith(" ± 5 min")
    for unknown in (
        {},
        {"progress": None},
        {"progress": {"estimated_completion": None, "confidence_s": None}},
    ):
        assert call("printers/understood.js", "doneAt", unknown) is None
