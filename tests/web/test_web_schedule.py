"""The plan over HTTP: who sees what of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from farm.domain.constraints import NO_CONSTRAINTS, require_sound
from farm.domain.plan import (
    Elsewhere,
    Explanation,
    Night,
    Obstacle,
    Plan,
    Planned,
    Quote,
    Standing,
    Unplanned,
)
from farm.domain.user import Grant
from farm.schedule.messages import ExplainJob, ReportPlan, ReportProposal
from farm.schedule.proposals import Proposal, ProposalState
from tests.web.test_web_work import job
from tests.web.web_farm import NOON

LATER = NOON + timedelta(hours=1)
OURS, THEIRS = "mk4-01", "mk4-02"


def on(printer, job):
    return Planned(job, 0, printer, NOON, NOON, NOON, LATER)


SECRET = f"job j2 moves to {THEIRS}"
PLAN = Plan(
    "p",
    NOON,
    "time_first",
    (on(OURS, "j1"), on(THEIRS, "j2")),
    (Unplanned("j2", 1, (Obstacle(THEIRS, "power", "350 W", "300 W"),)), Unplanned("j3", 1)),
    because=(SECRET,),
    changes=(SECRET,),
    nights=(Night(NOON, LATER, (SECRET,)),),
    version=3,
    adopted_at=NOON,
)
EXPLAINED = Explanation(
    "j3",
    (
        Standing(on(OURS, "j3"), None, SECRET, SECRET, (Elsewhere(THEIRS, LATER, 1.0),)),
        Standing(on(THEIRS, "j3"), None, SECRET, SECRET, ()),
    ),
    0,
    (),
    (Obstacle(THEIRS, "power", "350 W", "300 W"),),
    (),
    (SECRET,),
)


@pytest.fixture
async def shop(farm):
    """Two printers, with a job for each alone, and one for both."""
    for printer in (OURS, THEIRS):
        await farm.printer(printer)
    await job(farm, "j1", OURS)
    await job(farm, "j2", THEIRS)
    await job(farm, "j3")
    answers = {
        ReportPlan: PLAN,
        ReportProposal: Proposal("q", None, ProposalState.READY, PLAN),
        ExplainJob: EXPLAINED,
    }
    farm.scheduler.answer = lambda message, by: answers.get(type(message), Quote(LATER, 0, PLAN.placements))
    return farm


async def ours(farm):
    return await farm.key("read", grant=Grant(printers=frozenset({OURS})))


async def test_who_may_look_at_everything_reads_all_of_it(shop):
    headers = await shop.key("read")
    told = (await shop.http.get("/v1/schedule", headers=headers)).json()

    assert [one["job"] for one in told["placements"]] == ["j1", "j2"]
    assert [one["job"] for one in told["unscheduled"]] == ["j2", "j3"]
    assert told["because"] == told["changes"] == told["nights"][0]["sentences"] == [SECRET]
    why = (await shop.http.get("/v1/jobs/j3/explanation", headers=headers)).json()
    assert (why["sentences"], len(why["standing"]), len(why["reasons"])) == ([SECRET], 2, 1)


@pytest.mark.parametrize("path", ["/v1/schedule", "/v1/schedule/plans/q", "/v1/jobs/j3/explanation"])
async def test_who_may_look_at_some_printers_reads_nothing_of_others(shop, path):
    answer = await shop.http.get(path, headers=await ours(shop))

    assert answer.status_code == 200
    assert THEIRS not in answer.text
    assert "j2" not in answer.text
    assert OURS in answer.text


async def test_a_job_that_is_not_theirs_is_explained_to_nobody(shop):
    answer = await shop.http.get("/v1/jobs/j2/explanation", headers=await ours(shop))

    assert answer.status_code == 404
    assert shop.scheduler.heard == []


async def test_a_plan_is_asked_for_under_other_constraints(shop):
    shop.scheduler.answer = lambda message, by: Proposal("q", None)
    headers = await shop.key("queue")
    over = {"power_limit_kw": None, "working_hours": [{"days": ["sat"], "start": "08:00", "end": "12:00"}]}

    answer = await shop.http.post("/v1/schedule/plans", json={"constraints": over}, headers=headers)

    assert (answer.status_code, answer.json()) == (202, {"id": "q"})
    (wish,) = shop.scheduler.heard
    assert set(wish.constraints) == {"power_limit_kw", "working_hours"}
    assert (wish.constraints["power_limit_kw"], wish.constraints["working_hours"][0].start.hour) == (None, 8)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"power": 1}, "constraints.power"),
        ({"operators": "two"}, "constraints.operators"),
        (
            {"working_hours": [{"days": ["sat"], "start": "25:00", "end": "12:00"}]},
            "constraints.working_hours[0].start",
        ),
        ({"power_limit_kw": 0}, "constraints.power_limit_kw"),
    ],
)
async def test_constraints_of_a_plan_that_cannot_be_are_refused_by_name(shop, over, field):
    def look(message, by):
        require_sound(replace(NO_CONSTRAINTS, **message.constraints), {OURS, THEIRS})

    shop.scheduler.answer = look
    headers = await shop.key("queue")
    answer = await shop.http.post("/v1/schedule/plans", json={"constraints": over}, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["errors"][0]["field"]) == (422, field), answer.text
    assert told["errors"][0]["message"].count("constraints.") <= 1
