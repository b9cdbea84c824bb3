"""What the shop allows and minds, over HTTP."""

from __future__ import annotations

import pytest

from farm.domain.plan import Effect, Figure, Moved, Unplanned
from farm.domain.user import Grant
from farm.errors import Overloaded, Refused
from farm.store import audit, events
from tests.web.web_farm import NOON

SHOP = {
    "max_print_time_s": 14400,
    "preferred_printers": ["mk4-01"],
    "working_hours": [{"days": ["fri", "mon"], "start": "22:00", "end": "06:00"}],
    "timezone": "Europe/Berlin",
    "closed_dates": ["2026-12-25", "2026-01-01"],
    "operators": 2,
    "power_limit_kw": 2.5,
    "circuits": {"a": 1.9},
    "maintenance_windows": [
        {
            "start": "2026-03-05T09:00:00+01:00",
            "end": "2026-03-05T10:00:00Z",
            "affected_printers": ["mk4-02", "mk4-01"],
        },
        {"start": "2026-03-06T08:00:00Z", "end": "2026-03-06T10:00:00Z", "affected_printers": "all"},
    ],
}


@pytest.fixture
async def shop(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02")
    return farm


async def put(farm, headers, query="", **changes):
    return await farm.http.put(f"/v1/constraints{query}", json={**SHOP, **changes}, headers=headers)


async def test_what_was_set_is_shown_to_who_may_read_and_told_once(shop):
    admin, reader = await shop.admin(), await shop.key("read")

    answer = await put(shop, admin)
    shown = await shop.http.get("/v1/constraints", headers=reader)

    assert answer.status_code == 200, answer.text
    _, everywhere = SHOP["maintenance_windows"]
    assert (
        shown.json()
        == answer.json()
        == {
            **SHOP,
            "working_hours": [{"days": ["mon", "fri"], "start": "22:00", "end": "06:00"}],
            "closed_dates": ["2026-01-01", "2026-12-25"],
            "maintenance_windows": [
                {
                    "start": "2026-03-05T08:00:00.000Z",
                    "end": "2026-03-05T10:00:00.000Z",
                    "affected_printers": ["mk4-01", "mk4-02"],
                },
                {**everywhere, "start": "2026-03-06T08:00:00.000Z", "end": "2026-03-06T10:00:00.000Z"},
            ],
        }
    )
    assert shown.headers["etag"] == answer.headers["etag"]
    fact = (await shop.database.read(events.since, 0))[-1]
    assert (fact.type, fact.rooms) == ("schedule.constraintsChanged", ("schedule",))
    assert fact.data["fields"] == sorted(SHOP)
    row, *_ = await shop.database.read(audit.entries)
    assert (row.action, row.detail["was"]["operators"]) == ("constraints.changed", None)
    assert row.detail["is"]["closed_dates"] == ["2026-01-01", "2026-12-25"]

    again = await put(shop, admin)
    assert again.headers["etag"] == answer.headers["etag"]
    assert (await shop.database.read(events.since, 0))[-1] == fact  # nothing was changed, nothing is told


async def test_what_is_shown_can_be_sent_back(shop):
    admin = await shop.admin()
    shown = (await put(shop, admin)).json()
    answer = await shop.http.put("/v1/constraints", json=shown, headers=admin)
    assert (answer.status_code, answer.json()) == (200, shown)


async def test_an_empty_object_is_a_shop_without_limits(shop):
    admin = await shop.admin()
    await put(shop, admin)
    answer = await shop.http.put("/v1/constraints", json={}, headers=admin)
    assert (answer.json()["max_print_time_s"], answer.json()["timezone"]) == (None, "UTC")
    assert answer.json()["maintenance_windows"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_print_time_s": -1}, "max_print_time_s"),
        ({"max_print_time_s": "4h"}, "max_print_time_s"),
        ({"preferred_printers": ["ghost"]}, "preferred_printers"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"closed_dates": ["2026-02-30"]}, "closed_dates[0]"),
        ({"operators": 1.5}, "operators"),
        ({"operators": 0}, "operators"),
        ({"power_limit_kw": 0}, "power_limit_kw"),
        ({"circuits": {"a": -1}}, "circuits.a"),
        ({"working_hours": [{"days": ["mo"], "start": "08:00", "end": "18:00"}]}, "working_hours[0].days[0]"),
        ({"working_hours": [{"days": [], "start": "08:00", "end": "18:00"}]}, "working_hours[0].days"),
        ({"working_hours": [{"days": ["mon"], "start": "25:00", "end": "18:00"}]}, "working_hours[0].start"),
        ({"working_hours": [{"days": ["mon"], "start": "8", "end": "18:00"}]}, "working_hours[0].start"),
        ({"working_hours": [{"days": ["mon"], "start": "08:00"}]}, "working_hours[0].end"),
    ],
)
async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(shop, changes, field):
    admin = await shop.admin()
    before = (await put(shop, admin)).headers["etag"]

    answer = await put(shop, admin, **changes)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert (await shop.http.get("/v1/constraints", headers=admin)).headers["etag"] == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"affected_printers": []}, "affected_printers"),
        ({"affected_printers": ["ghost"]}, "affected_printers"),
        ({"affected_printers": "some"}, "affected_printers"),
        ({"affected_printers": None}, "affected_printers"),
        ({"end": "2026-03-05T07:00:00Z"}, "end"),
        ({"start": "2026-03-05T09:00:00"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
    ],
)
async def test_a_window_that_cannot_be_is_refused_by_name(shop, changes, field):
    window = {**SHOP["maintenance_windows"][0], **changes}
    answer = await put(shop, await shop.admin(), maintenance_windows=[SHOP["maintenance_windows"][1], window])
    field = f"maintenance_windows[1].{field}"
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


EFFECT = Effect(
    late=("j1",),
    left_out=(Unplanned("j2", 1),),
    moves=1,
    moved=(Moved("j1", 0, "later", ("mk4-01", NOON), ("mk4-02", NOON), "a is down."),),
    figures=(Figure("late_jobs", "late jobs", "", 0.0, 1.0),),
    sentences=("1 job would be late; now none is.",),
)


async def test_what_is_only_tried_tells_what_it_would_do_to_the_plan(shop):
    admin = await shop.admin()
    shop.scheduler.answer = lambda message, by: EFFECT

    tried = (await put(shop, admin, "?dry_run=true")).json()
    minds = await shop.http.patch(
        "/v1/settings?dry_run=true", json={"preset": "resource_first"}, headers=admin
    )

    assert tried["effect"] == minds.json()["effect"]
    assert tried["effect"]["sentences"] == ["1 job would be late; now none is."]
    assert tried["effect"]["figures"] == [
        {"name": "late_jobs", "called": "late jobs", "unit": "", "now": 0.0, "then": 1.0}
    ]
    (moved,) = tried["effect"]["moved"]
    assert moved["then"] == {"printer": "mk4-02", "start": "2026-01-01T12:00:00.000Z"}
    hours, preset = shop.scheduler.heard
    assert (hours.constraints.operators, hours.settings) == (2, None)
    assert (preset.constraints, preset.settings.preset) == (None, "resource_first")
    assert (await shop.http.get("/v1/constraints", headers=admin)).json()["operators"] is None


@pytest.mark.parametrize("problem", [Overloaded("no time"), Refused("no plans")])
async def test_rules_are_tried_also_where_nobody_can_tell_what_they_would_do(shop, problem):
    def fail(message, by):
        raise problem

    shop.scheduler.answer = fail
    tried = await put(shop, await shop.admin(), "?dry_run=true")
    assert (tried.status_code, tried.json()["operators"]) == (200, 2)
    assert (tried.json()["effect"]["unknown"], tried.json()["effect"]["sentences"]) == (str(problem), [])


async def test_it_can_be_tried_and_is_not_changed_twice_by_people_who_did_not_look(shop):
    admin = await shop.admin()
    shop.scheduler.answer = lambda message, by: EFFECT
    nothing = (await shop.http.get("/v1/constraints", headers=admin)).headers["etag"]

    tried = await put(shop, admin, "?dry_run=true")
    assert tried.json()["operators"] == 2
    assert (await shop.http.get("/v1/constraints", headers=admin)).headers["etag"] == nothing

    kept = await put(shop, {**admin, "If-Match": nothing})
    late = await put(shop, {**admin, "If-Match": nothing}, operators=3)
    assert (kept.headers["etag"], late.status_code) == (tried.headers["etag"], 412)


async def test_only_who_sets_up_the_farm_sets_them(shop):
    for scopes in (["read"], ["queue", "control"]):
        assert (await put(shop, await shop.key(*scopes))).status_code == 403
    left_row = await shop.key("admin", grant=Grant(frozenset({"mk4-01"})))
    assert (await put(shop, left_row)).status_code == 403
    assert (await shop.http.get("/v1/constraints")).status_code == 401


async def test_who_may_look_at_some_printers_hears_nothing_of_the_others(shop):
    await put(shop, await shop.admin())
    right_row = await shop.key("read", grant=Grant(frozenset({"mk4-02"})))
    shown = (await shop.http.get("/v1/constraints", headers=right_row)).json()
    assert shown["preferred_printers"] == []
    assert [window["affected_printers"] for window in shown["maintenance_windows"]] == [["mk4-02"], "all"]


async def test_a_shop_changes_what_it_minds_bit_by_bit(shop):
    admin = await shop.admin()
    before = (await shop.http.get("/v1/settings", headers=await shop.key("read"))).json()
    assert (before["preset"], before["weights"]["non_preferred"]) == ("time_first", 200)
    assert before["fair_share"] == {"each": {"jobs": None, "hours": None}, "users": {}}

    async def patch(**changes):
        return await shop.http.patch("/v1/settings", json=changes, headers=admin)

    fair = {"each": {"jobs": 10}, "users": {"user:kim": {"hours": 40}, "key:k1": {"jobs": 1}}}
    await patch(weights={"changeover": 0}, fair_share=fair)
    answer = await patch(preset="resource_first", fair_share={"users": {"key:k1": None}})

    assert answer.json() == {
        "preset": "resource_first",
        "weights": {**before["weights"], "changeover": 0},
        "fair_share": {
            "each": {"jobs": 10, "hours": None},
            "users": {"user:kim": {"jobs": None, "hours": 40}},
        },
        "costs": before["costs"],
        "watching": before["watching"],
    }
    assert (await shop.database.read(events.since, 0))[-1].type == "schedule.settingsChanged"


async def test_a_shop_says_how_closely_its_printers_are_watched(shop):
    admin = await shop.admin()
    before = (await shop.http.get("/v1/settings", headers=admin)).json()["watching"]
    assert (before["ends"]["drop"], before["ends"]["stalled"]) == ("pause", "warn")

    wanted = {"watching": {"ends": {"runaway": "stop", "overrun": None}, "paused_hot_s": 600}}
    answer = await shop.http.patch("/v1/settings", json=wanted, headers=admin)
    again = await shop.http.patch("/v1/settings", json={"watching": {"silent_s": 60}}, headers=admin)

    ends = {**before["ends"], "runaway": "stop", "overrun": None}
    assert answer.json()["watching"] == {**before, "ends": ends, "paused_hot_s": 600}
    assert again.json()["watching"] == {**answer.json()["watching"], "silent_s": 60}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"preset": "cheapest"}, "preset"),
        ({"watching": {"ends": {"stalled": "stop"}}}, "watching.ends.stalled"),
        ({"watching": {"paused_hot_s": 1}}, "watching.paused_hot_s"),
        ({"weights": {"tardiness": -1}}, "weights.tardiness"),
        ({"weights": {"lateness": 1}}, "weights.lateness"),
        ({"fair_share": {"each": {"jobs": -1}}}, "fair_share.each.jobs"),
        ({"fair_share": {"users": {"kim": {"jobs": 1}}}}, "fair_share.users"),
        ({"fair_share": {"users": {"user:kim": {"hours": -1}}}}, "fair_share.users.user:kim.hours"),
    ],
)
async def test_what_a_shop_cannot_mind_is_refused_by_name(shop, changes, field):
    answer = await shop.http.patch("/v1/settings", json=changes, headers=await shop.admin())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
