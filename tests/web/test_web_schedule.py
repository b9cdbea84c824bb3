"""The plan over HTTP: who sees what of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
