"""The scheduler with the whole tree around it, and a planner whose plans can be foreseen."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from farm.domain.analysis import GcodeAnalysis, PrintTime
from farm.domain.constraints import Constraints
from farm.domain.file import FileAnalysis, FileState
from farm.domain.job import PrintState
from farm.domain.settings import Preset, Settings
from farm.errors import Invalid, NotFound, Overloaded, Refused
from farm.queue.messages import AddJob, ChangeJob
from farm.schedule.actor import (
    AS_IT_IS,
    COMPARED_WITHIN_S,
    FIRST_AFTER_S,
    GATHER_S,
    MOST_STALE,
    NOTHING_WAITS,
    TOO_BUSY,
)
from farm.schedule.messages import (
    AdoptPlan,
    CompareRules,
    ExplainJob,
    MakePlan,
    QuoteJob,
    ReportPlan,
    ReportProposal,
)
from farm.schedule.proposals import MOST_SOLVING, ProposalState
from farm.store import files, jobs, plans
from farm.store import shop as store_shop
from farm.store.file_analyses import note_analysis
from farm.workers.process import Why, WorkFailed
from tests.simulation.planner import Youngest
from tests.simulation.shop import NOON, open_shop

A_WHILE = FIRST_AFTER_S + GATHER_S + 1


@pytest.fixture
def planner():
    return Youngest()


async def in_force(shop):
    return await shop.farm.address("scheduler").ask(ReportPlan())


async def two_jobs(shop):
    """A printer with a clear plate, and two jobs for it; the plan wants the second one first."""
    await shop.add_printer("mk4")
    first = await shop.add_job(await shop.add_file("first.gcode"))
    second = await shop.add_job(await shop.add_file("second.gcode"))
    return first, second


async def test_what_the_plan_says_is_printed_first_and_not_what_came_first(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        first, second = await two_jobs(shop)
        await trio.sleep(A_WHILE)
        await shop.clear("mk4")
        await trio.sleep(60)

        (begun,) = await shop.prints(second.id)
        assert begun.state is PrintState.PRINTING
        assert await shop.prints(first.id) == []


async def test_without_a_planner_jobs_are_begun_as_they_come(autojump_clock):
    async with open_shop() as shop:
        first, second = await two_jobs(shop)
        await shop.clear("mk4")
        await trio.sleep(60)

        assert len(await shop.prints(first.id)) == 1
        assert await shop.prints(second.id) == []


async def test_what_happens_together_makes_one_plan_which_says_why(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)

        assert len(planner.asked) == 1
        plan = await in_force(shop)
        assert {"a printer was added", "a job was added"} <= set(plan.because)
        assert plan.version == 1
        (fact,) = [fact for fact in await shop.facts() if fact.type == "schedule.adopted"]
        assert (fact.data["plan"], fact.data["placements"]) == (plan.id, 2)


async def test_a_shop_without_work_makes_no_plan(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        await trio.sleep(A_WHILE + 600)

        assert planner.asked == []
        assert await in_force(shop) is None


async def test_a_job_that_is_held_leaves_the_plan(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        first, second = await two_jobs(shop)
        await trio.sleep(A_WHILE)
        await shop.queue.ask(ChangeJob(second.id, "hold"))
        await trio.sleep(GATHER_S + planner.takes_s + 0.1)

        plan = await in_force(shop)
        assert plan.jobs == {first.id}
        assert plan.because == ("a job is held",)


async def test_a_printer_that_is_lost_is_planned_without_after_a_minute(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("a")
        await shop.add_printer("b")
        await shop.add_job()
        await trio.sleep(A_WHILE)
        assert {one.printer for one in (await in_force(shop)).placements} == {"a"}

        shop.machines["a"].away_until = math.inf
        await trio.sleep(30)
        assert {one.printer for one in (await in_force(shop)).placements} == {"a"}
        await trio.sleep(90)
        plan = await in_force(shop)
        assert {one.printer for one in plan.placements} == {"b"}
        assert plan.because == ("A: it cannot be reached",)

        shop.machines["a"].away_until = 0.0
        await trio.sleep(60)
        plan = await in_force(shop)
        assert {one.printer for one in plan.placements} == {"a"}
        assert plan.because == ("A is back",)


async def test_a_plan_that_was_overtaken_is_dropped_but_not_for_ever(autojump_clock):
    planner = Youngest(takes_s=4.0)
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        file = await shop.add_file()
        for _ in range(12):  # every three seconds, while a plan takes four
            await shop.queue.ask(AddJob(file))
            await trio.sleep(3)

        assert len(planner.asked) > MOST_STALE
        assert (await in_force(shop)) is not None


async def test_the_same_plan_again_is_not_adopted_again(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        await trio.sleep(400)

        assert len(planner.asked) > 1
        plan = await in_force(shop)
        assert plan.version == 1
        assert plan.made_at > NOON + timedelta(seconds=A_WHILE)  # but its times are the newest
        assert shop.farm.plan.in_force is plan


async def test_a_planner_that_fails_leaves_the_farm_with_its_list(autojump_clock, planner):
    planner.fails = [WorkFailed(Why.DIED)] * 50
    async with open_shop(planner=planner) as shop:
        first, _ = await two_jobs(shop)
        await shop.clear("mk4")
        await trio.sleep(60)

        assert len(await shop.prints(first.id)) == 1
        assert shop.restarts("scheduler") > 0


async def test_a_planner_that_is_late_on_a_busy_computer_is_asked_again(autojump_clock, planner):
    planner.fails = [WorkFailed(Why.TIME)]
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE + 15)

        assert shop.restarts("scheduler") == 0
        assert len((await in_force(shop)).placements) == 2


async def test_the_plan_survives_the_scheduler(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        plan = await in_force(shop)
        assert await shop.database.read(plans.in_force) == plan
        assert await shop.database.read(plans.by_id, plan.id) == plan


async def test_a_plan_somebody_asks_for_is_followed_when_it_is_adopted(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        before, scheduler = await in_force(shop), shop.farm.address("scheduler")

        proposal = await scheduler.ask(MakePlan(preset=Preset.RESOURCE_FIRST, seconds=1.0))
        assert proposal.state is ProposalState.SOLVING
        with pytest.raises(Refused, match="still being made"):
            await scheduler.ask(AdoptPlan(proposal.id))
        await trio.sleep(2)
        ready = await scheduler.ask(ReportProposal(proposal.id))
        assert ready.state is ProposalState.READY
        assert ready.plan.preset == Preset.RESOURCE_FIRST
        assert await in_force(shop) == before

        adopted = await scheduler.ask(AdoptPlan(proposal.id))
        assert adopted.version == 2
        assert await in_force(shop) == adopted


async def test_the_plans_after_one_that_somebody_chose_mind_the_same(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        scheduler = shop.farm.address("scheduler")
        proposal = await scheduler.ask(MakePlan(preset=Preset.RESOURCE_FIRST, seconds=1.0))
        await trio.sleep(2)
        adopted = await scheduler.ask(AdoptPlan(proposal.id))

        assert adopted.because == ("somebody chose it",)
        assert (await shop.database.read(store_shop.settings)).preset is Preset.RESOURCE_FIRST
        assert "schedule.settingsChanged" in [fact.type for fact in await shop.facts()]
        await shop.add_job()
        await trio.sleep(A_WHILE)
        after = await in_force(shop)
        assert (after.version > adopted.version, after.preset) == (True, Preset.RESOURCE_FIRST)


async def test_a_plan_for_other_constraints_is_for_looking_at(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        scheduler = shop.farm.address("scheduler")
        proposal = await scheduler.ask(MakePlan(constraints={"operators": 3, "timezone": "UTC"}))
        await trio.sleep(2)

        ready = await scheduler.ask(ReportProposal(proposal.id))
        assert ready.others == ("operators",)  # the shop's zone is UTC anyway
        assert planner.asked[-1].facts.constraints.operators == 3
        with pytest.raises(Refused, match=r"other constraints than the shop's \(operators\)"):
            await scheduler.ask(AdoptPlan(proposal.id))
        with pytest.raises(Invalid, match="operators: from 1"):
            await scheduler.ask(MakePlan(constraints={"operators": 0}))
        same = await scheduler.ask(MakePlan(constraints={"timezone": "UTC"}))
        await trio.sleep(2)
        assert (await scheduler.ask(AdoptPlan(same.id))).id == same.id


async def test_what_other_rules_would_do_is_told_and_nothing_changes(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        first, second = await two_jobs(shop)
        scheduler = shop.farm.address("scheduler")
        await trio.sleep(A_WHILE)
        before = await in_force(shop)

        found = await scheduler.ask(CompareRules(Constraints(max_print_time_s=600.0)))
        assert {one.job for one in found.left_out} == {first.id, second.id}
        assert any("max print time" in sentence for sentence in found.sentences)
        assert await in_force(shop) == before
        same = await scheduler.ask(CompareRules(settings=Settings()))
        assert same.sentences == (AS_IT_IS,)


async def test_what_other_rules_would_do_where_nothing_waits_or_no_time_is(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        scheduler, rules = shop.farm.address("scheduler"), CompareRules(Constraints(operators=1))
        assert (await scheduler.ask(rules)).sentences == (NOTHING_WAITS,)
        await two_jobs(shop)
        planner.fails = [WorkFailed(Why.TIME)]
        with pytest.raises(Overloaded, match="no time"):
            await scheduler.ask(rules)
        planner.takes_s = COMPARED_WITHIN_S + 1
        with pytest.raises(Overloaded, match="no time"):
            await scheduler.ask(rules, timeout=60)


async def test_a_plan_for_a_farm_that_has_changed_is_not_adopted(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await two_jobs(shop)
        await trio.sleep(A_WHILE)
        scheduler = shop.farm.address("scheduler")
        proposal = await scheduler.ask(MakePlan())
        await trio.sleep(2)
        await shop.add_job()

        with pytest.raises(Refused, match="have it made anew"):
            await scheduler.ask(AdoptPlan(proposal.id))


async def test_a_plan_for_some_jobs_is_for_looking_at(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        first, _ = await two_jobs(shop)
        await trio.sleep(A_WHILE)
        scheduler = shop.farm.address("scheduler")
        proposal = await scheduler.ask(MakePlan(frozenset({first.id})))
        await trio.sleep(2)

        assert (await scheduler.ask(ReportProposal(proposal.id))).plan.jobs == {first.id}
        with pytest.raises(Refused, match="some of the jobs"):
            await scheduler.ask(AdoptPlan(proposal.id))
        with pytest.raises(NotFound, match="no job x"):
            await scheduler.ask(MakePlan(frozenset({"x"})))


async def test_a_plan_that_could_not_be_made_says_what_to_do(autojump_clock, planner):
    planner.fails = [WorkFailed(Why.TIME)]
    async with open_shop(planner=planner) as shop:
        scheduler = shop.farm.address("scheduler")
        proposal = await scheduler.ask(MakePlan())
        await trio.sleep(2)

        failed = await scheduler.ask(ReportProposal(proposal.id))
        assert (failed.state, failed.why) == (ProposalState.FAILED, TOO_BUSY)


async def test_only_so_many_plans_are_made_at_once(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        scheduler = shop.farm.address("scheduler")
        for _ in range(MOST_SOLVING):
            await scheduler.ask(MakePlan())
        with pytest.raises(Refused, match="are being made already"):
            await scheduler.ask(MakePlan())
        with pytest.raises(NotFound):
            await scheduler.ask(ReportProposal("nobody"))


async def test_nothing_is_begun_twice_by_a_plan_that_was_made_before_it_began(autojump_clock):
    planner = Youngest(takes_s=30.0)
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(copies=2)
        await shop.clear("mk4")
        await trio.sleep(20)  # the list begins one while the plan is being made, which has both
        assert len(await shop.prints(job.id)) == 1
        await trio.sleep(40)
        plan = await in_force(shop)
        assert len(plan.placements) == 2
        assert plan.made_at < NOON + timedelta(seconds=20)
        assert [one.copy for one in shop.farm.plan.left("mk4")] == [1]


async def read(shop, name):
    """A file of which is known what its slicer says."""
    file = await shop.database.read(files.existing, await shop.add_file(name))
    found = GcodeAnalysis(time_s=PrintTime(slicer=3600.0))
    known = FileAnalysis(FileState.READY, None, found)
    await shop.database.write(note_analysis, file, known, NOON)
    return file.id


async def test_it_says_why_a_job_is_where_it_is(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(await read(shop, "vase.gcode"), name="Vase")
        await trio.sleep(A_WHILE)
        scheduler = shop.farm.address("scheduler")

        found = await scheduler.ask(ExplainJob(job.id))
        assert [one.print.printer for one in found.standing] == ["mk4"]
        assert any("Vase" in sentence or "MK4" in sentence for sentence in found.sentences)
        with pytest.raises(NotFound):
            await scheduler.ask(ExplainJob("nobody"))


async def test_a_quote_says_when_and_adds_nothing(autojump_clock, planner):
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        first = await shop.add_job(await read(shop, "first.gcode"))
        await trio.sleep(A_WHILE)
        wanted = replace(first, id="new", name="new", copies=2)

        found = await shop.farm.address("scheduler").ask(QuoteJob(wanted))
        assert len(found.placements) == 2
        assert found.end >= NOON + timedelta(hours=3)
        assert len(await shop.database.read(jobs.open_jobs)) == 1
