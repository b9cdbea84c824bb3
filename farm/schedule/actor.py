"""The scheduler: keeps a plan in force that fits the farm as it is, and makes others that people ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any, TypeVar, assert_never

import structlog
import trio

from farm.access.rights import Action, require
from farm.actors import Address, Later, Mailbox, serve
from farm.domain.clock import Randomness, WallClock, new_id
from farm.domain.constraints import require_sound
from farm.domain.job import Job
from farm.domain.plan import Effect, Explanation, Plan, Quote
from farm.domain.printer import PrinterStatus
from farm.domain.settings import Preset
from farm.domain.user import SYSTEM, Principal
from farm.errors import FarmError, NotFound, Overloaded, Refused
from farm.live.messages import BroadcasterMessage, FactsCommitted, ReportStatuses
from farm.queue.messages import PlanIs, QueueMessage
from farm.schedule.facts import Asked, Facts, Rules
from farm.schedule.messages import (
    AdoptPlan,
    CompareRules,
    ExplainJob,
    MakePlan,
    QuoteJob,
    ReportPlan,
    ReportProposal,
    SchedulerMessage,
)
from farm.schedule.planner import Planner
from farm.schedule.proposals import Proposal, Proposals, ProposalState
from farm.schedule.questions import Question, Questions
from farm.schedule.survey import look
from farm.schedule.triggers import Lost, drift, in_its_place, is_the_same, why_plan_again
from farm.schedule.words import listed
from farm.store import jobs, plans, printers, prints, shop
from farm.store.audit import Stamp
from farm.store.database import Database
from farm.workers.process import State, Why, WorkFailed

log = structlog.get_logger(__name__)

GATHER_S = 2.0  # what happens at once, or one after the other, makes one new plan
FIRST_AFTER_S = 10.0  # from the start: by then most printers have told how they are
LOOK_EVERY_S = 15.0  # at what no fact tells: printers that are late, early, lost or back
AGAIN_EVERY_S = 300.0  # a plan can become better, though nothing happened
AGAIN_AFTER_S = 10.0  # when the database refused
LEAST_S, A_PRINT_S = 1.0, 0.1  # to look for a plan, at the least, and for each print that is to be begun
ANSWER_WITHIN_S = 5.0
MOST_STALE = 2  # plans in a row that are dropped for news that came while they were made
MOST_REASONS = 20  # told with a plan
COMPARE_S = 3.0  # to look for the plan that other rules would make
COMPARED_WITHIN_S = 20.0  # in which a plan of the farm's own may have to be waited for
NOTHING_WAITS = "Nothing waits to be printed, so nothing that is planned would change."
AS_IT_IS = "That is how it is already, so nothing would change."
TOO_BUSY = "the farm had no time to find this out; ask again in a moment"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class SchedulerParts:
    """What the scheduler needs of the farm; handed in by `app.py`. seconds: to look for a plan."""

    database: Database
    events: Callable[[], Address[BroadcasterMessage]]
    queue: Callable[[], Address[QueueMessage]]
    planner: Planner
    questions: Questions
    clock: WallClock
    chance: Randomness
    seconds: float = 5.0


class Scheduler:
    """One plan is looked for at a time; what is dispatched never waits for it."""

    def __init__(self, parts: SchedulerParts) -> None:
        self._parts = parts
        self._proposals = Proposals()
        self._plan: Plan | None = None
        self._version = 0  # of the farm's state, counted in news
        self._because: dict[str, None] = {}  # in their order, each once
        self._news = trio.Event()
        self._stale = 0
        self._known: Facts | None = None  # what the plan in force was made for
        self._lost = Lost()
        self._solving = trio.Lock()

    @property
    def state(self) -> State:
        """What the process is at that makes the plans."""
        return self._parts.planner.state

    async def run(self, mailbox: Mailbox[SchedulerMessage]) -> None:
        """Live until the mailbox closes."""
        self._plan = await self._parts.database.read(plans.in_force)
        await self._tell_queue()
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._plan_again_and_again)
                self._nursery.start_soon(self._look_again_and_again)
                self._nursery.start_soon(self._parts.questions.run)
                await serve(mailbox, self._handle)
                self._nursery.cancel_scope.cancel()
        finally:
            await self._parts.planner.aclose()
            await self._parts.questions.aclose()

    async def _handle(
        self, message: SchedulerMessage, by: Principal
    ) -> Plan | Proposal | Later[Explanation] | Later[Quote] | Later[Effect] | None:
        match message:
            case FactsCommitted(facts):
                await trio.lowlevel.checkpoint()
                for why in filter(None, map(why_plan_again, facts)):
                    self._plan_soon(why)
            case ReportPlan():
                await trio.lowlevel.checkpoint()
                return self._plan
            case MakePlan():
                return await self._propose(message, by)
            case ReportProposal(id):
                await trio.lowlevel.checkpoint()
                return self._proposals.find(id)
            case AdoptPlan(id):
                return await self._adopt_proposal(id, by)
            case ExplainJob(job):
                return self._answer_soon(partial(self._explain, job))
            case QuoteJob(job):
                return self._answer_soon(partial(self._quote, job))
            case CompareRules():
                return self._answer_soon(partial(self._compare, message))
            case _:
                assert_never(message)
        return None

    # -- the plan in force ---------------------------------------------------------------------

    def _plan_soon(self, why: str) -> None:
        self._version += 1
        self._because.setdefault(why)
        self._news.set()

    async def _plan_again_and_again(self) -> None:
        await trio.sleep(FIRST_AFTER_S)
        while True:
            self._news = trio.Event()
            try:
                await self._plan_again()
            except (FarmError, trio.TooSlowError) as problem:
                if isinstance(problem, WorkFailed) and problem.why is not Why.TIME:
                    raise  # no process can be had: a crash, which is shown, and tried again later
                log.warning("plan put off", problem=str(problem) or "the farm was too busy")
                await trio.sleep(AGAIN_AFTER_S)
                continue
            with trio.move_on_after(AGAIN_EVERY_S):
                await self._news.wait()
                await trio.sleep(GATHER_S)

    async def _plan_again(self) -> None:
        version, because = self._version, tuple(self._because)[:MOST_REASONS]
        facts = await self._look()
        if not facts.jobs and not self._plans_anything():
            self._because.clear()
            return
        await self._parts.planner.get_ready()
        plan = await self._solve(facts, self._enough_s(facts), because)
        if self._version != version and self._stale < MOST_STALE:
            self._stale += 1
            self._news.set()
            return
        self._stale = 0
        self._because = {} if self._version == version else self._because
        self._known = facts
        if self._plan is not None and is_the_same(self._plan, plan):
            self._plan = in_its_place(self._plan, plan)  # a little sooner or later; no news for people
            await self._tell_queue()
            return
        await self._adopt(plan, SYSTEM)

    def _enough_s(self, facts: Facts) -> float:
        """To look for a plan: small ones are found at once, and people wait for them."""
        prints = sum(job.to_begin for job in facts.jobs)
        return min(self._parts.seconds, max(LEAST_S, prints * A_PRINT_S))

    def _plans_anything(self) -> bool:
        plan = self._plan
        return plan is not None and bool(plan.placements or plan.unplanned)

    async def _solve(self, facts: Facts, seconds: float, because: tuple[str, ...] = ()) -> Plan:
        asked = Asked(facts, seconds, new_id(self._parts.chance), because=because)
        async with self._solving:
            return await self._parts.planner.plan(asked)

    async def _adopt(self, plan: Plan, by: Principal) -> Plan:
        self._plan = await self._parts.database.change(by, plans.adopt, plan, self._parts.clock(), str(by))
        await self._tell_queue()
        return self._plan

    async def _tell_queue(self) -> None:
        """It was made for a moment that has passed: what was begun meanwhile is not to be begun again."""
        begun: list[tuple[str, str]] = []
        if self._plan is not None:
            begun = await self._parts.database.read(prints.given_since, self._plan.made_at)
        self._parts.queue().tell_nowait(PlanIs(self._plan, tuple(begun)))

    # -- how the farm is -----------------------------------------------------------------------

    async def _look(self, also: Job | None = None) -> Facts:
        told, lost, at = await self._look_at_printers()
        return await self._parts.database.read(look, told, lost, at, also)

    async def _look_at_printers(self) -> tuple[Mapping[str, PrinterStatus], Collection[str], datetime]:
        told = await self._parts.events().ask(ReportStatuses(), timeout=ANSWER_WITHIN_S)
        at = self._parts.clock()
        return told, self._lost.among(told, trio.current_time()), at

    async def _look_again_and_again(self) -> None:
        """At what changes little by little, and nobody tells."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            try:
                await self._hold_against_the_farm()
            except (FarmError, trio.TooSlowError) as problem:
                log.debug("the plan is not held against the farm", problem=str(problem))

    async def _hold_against_the_farm(self) -> None:
        told, lost, at = await self._look_at_printers()
        if self._known is None or not self._known.jobs:
            return
        now = await self._parts.database.read(look, told, lost, at)
        before = {station.printer.id: station for station in self._known.stations}
        for station in now.stations:
            if station.printer.id in before:
                why = drift(before[station.printer.id], station, at)
                if why is not None:
                    self._plan_soon(why)

    # -- plans that people ask for -------------------------------------------------------------

    async def _propose(self, wish: MakePlan, by: Principal) -> Proposal:
        require(by, Action.QUEUE)
        if wish.jobs is not None:
            waiting = {job.id for job in await self._parts.database.read(jobs.open_jobs)}
            for job in sorted(wish.jobs - waiting):
                raise NotFound(f"no job {job} waits to be printed")
        others = await self._parts.database.read(_others, wish.constraints)
        proposal = Proposal(new_id(self._parts.chance), wish.preset, others=others)
        self._proposals.keep(proposal)
        self._nursery.start_soon(self._solve_proposal, proposal, wish)
        return proposal

    async def _solve_proposal(self, proposal: Proposal, wish: MakePlan) -> None:
        version = self._version
        try:
            facts = _narrowed(await self._look(), wish)
            plan = replace(await self._solve(facts, wish.seconds), id=proposal.id)
        except (FarmError, trio.TooSlowError) as problem:
            busy = isinstance(problem, WorkFailed | trio.TooSlowError)
            why = TOO_BUSY if busy else str(problem)
            self._proposals.keep(replace(proposal, state=ProposalState.FAILED, why=why))
            return
        whole = wish.jobs is None
        self._proposals.keep(
            replace(proposal, state=ProposalState.READY, plan=plan, version=version, whole=whole)
        )

    # -- questions -----------------------------------------------------------------------------

    def _answer_soon(self, find: Callable[[], Awaitable[Found]]) -> Later[Found]:
        later: Later[Found] = Later()
        self._nursery.start_soon(self._answer, find, later)
        return later

    async def _answer(self, find: Callable[[], Awaitable[Found]], later: Later[Found]) -> None:
        try:
            later.give(await find())
        except (WorkFailed, trio.TooSlowError) as problem:
            log.warning("question not answered", problem=str(problem))
            later.fail(Overloaded(TOO_BUSY))
        except FarmError as problem:
            later.fail(problem)

    async def _explain(self, job: str) -> Explanation:
        facts = await self._look()
        if job not in {waiting.id for waiting in facts.jobs}:
            raise NotFound(f"no print of job {job} waits to be begun")
        found = await self._parts.questions.answer(Question(facts, job))
        return _existing(found.explanation)

    async def _quote(self, job: Job) -> Quote:
        found = await self._parts.questions.answer(Question(await self._look(job), job.id, quote=True))
        return _existing(found.quote)

    async def _compare(self, wish: CompareRules) -> Effect:
        """Between two plans of the farm's own; none of these waits for long."""
        facts = await self._look()
        rules = Rules(wish.constraints or facts.constraints, wish.settings or facts.settings)
        asked = Asked(facts, COMPARE_S, new_id(self._parts.chance), instead=rules)
        if not facts.jobs:
            return Effect(sentences=(NOTHING_WAITS,))
        if rules == Rules(facts.constraints, facts.settings):
            return Effect(sentences=(AS_IT_IS,))
        with trio.fail_after(COMPARED_WITHIN_S):
            async with self._solving:
                return await self._parts.planner.effect(asked)

    async def _adopt_proposal(self, id: str, by: Principal) -> Plan:
        require(by, Action.QUEUE)
        proposal = self._proposals.find(id)
        if proposal.plan is None:
            raise Refused(proposal.why or "it is still being made; wait until it is ready")
        if not proposal.whole:
            raise Refused("it plans for some of the jobs only; have one made for all of them")
        if proposal.others:
            named = listed(proposal.others)
            raise Refused(
                f"it was made for other constraints than the shop's ({named}), and could not be kept to; set "
                "these first, then have a plan made"
            )
        if proposal.version != self._version:
            raise Refused("the farm has changed since this plan was made; have it made anew")
        chosen = replace(proposal.plan, because=("somebody chose it",))
        stamp = Stamp.of(by, self._parts.clock())
        self._plan = await self._parts.database.change(by, _follow, chosen, stamp)
        await self._tell_queue()
        return self._plan


def _follow(db: Connection, plan: Plan, stamp: Stamp) -> Plan:
    """Adopt what somebody chose. Its preset becomes the shop's: the next plan would leave it again."""
    minds = shop.settings(db)
    if minds.preset != plan.preset:
        shop.keep_settings(db, replace(minds, preset=Preset(plan.preset)), stamp)
    return plans.adopt(db, plan, stamp.at, str(stamp.who))


def _others(db: Connection, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """The constraints in what is wanted that are not the shop's. Raises Invalid for what cannot be."""
    allowed = shop.constraints(db)
    require_sound(replace(allowed, **wanted), printers.plates(db).keys())
    return tuple(name for name, value in wanted.items() if value != getattr(allowed, name))


def _narrowed(facts: Facts, wish: MakePlan) -> Facts:
    """To what somebody asked for."""
    if wish.constraints:
        facts = replace(facts, constraints=replace(facts.constraints, **wish.constraints))
    if wish.preset is not None:
        facts = replace(facts, settings=replace(facts.settings, preset=wish.preset))
    if wish.jobs is not None:
        facts = replace(facts, jobs=tuple(job for job in facts.jobs if job.id in wish.jobs))
    return facts


def _existing(found: Found | None) -> Found:
    """What was asked for, and nothing else can have been answered."""
    if found is None:
        raise LookupError("an answer to another question")
    return found
