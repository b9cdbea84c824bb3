"""The plan: the one in force, and others to compare with it and to follow instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from msgspec import Meta, Struct

from farm.access.rights import Action
from farm.domain import plan as domain
from farm.domain.settings import Preset
from farm.errors import Invalid
from farm.live import plan_shapes
from farm.live.plan_shapes import Explanation, Eyes, Placement, Quote, Schedule, Unscheduled
from farm.schedule.messages import AdoptPlan, ExplainJob, MakePlan, QuoteJob, ReportPlan, ReportProposal
from farm.schedule.proposals import Proposal, ProposalState
from farm.store.idempotency import Tried
from farm.web.constraints import OtherConstraints
from farm.web.contract import Accepted, Versioned
from farm.web.effect import eyes_of
from farm.web.routes import Call, Entry, Route
from farm.web.work import NewJob, meant, visible

ANSWER_WITHIN_S = 5.0
THINK_WITHIN_S = 30.0  # several may ask at the same time, and one is answered after the other


class NewPlan(Struct, forbid_unknown_fields=True):
    """jobs: only these, null for all that wait. constraints: laid over the shop's own, for this plan only;
    null for the shop's own. preset: null for the farm's own. seconds: to look for it."""

    jobs: frozenset[str] | None = None
    constraints: OtherConstraints | None = None
    preset: Preset | None = None
    seconds: Annotated[float, Meta(ge=0.5, le=60)] = 5.0


class PlanId(Struct, frozen=True):
    """Of a plan that is being made."""

    id: str


class ProposedPlan(Struct, frozen=True):
    """A plan that nobody follows yet. As long as it is being made, and when it failed, it is empty.

    why: it failed. diff: what would be different from the plan in force. other_constraints: those that it was
    made for and are not the shop's; such a plan can be looked at, and not followed.
    """

    id: str
    state: ProposalState
    why: str
    preset: Preset | None
    placements: list[Placement]
    unscheduled: list[Unscheduled]
    metrics: dict[str, float | None]
    bound: float | None
    status: str | None
    diff: list[str]
    other_constraints: list[str]


async def show_schedule(call: Call) -> Schedule:
    """The plan in force."""
    plan = await call.desk.scheduler.ask(ReportPlan(), timeout=ANSWER_WITHIN_S)
    return plan_shapes.of_plan(plan, await eyes_of(call))


async def make_plan(call: Call, sent: NewPlan) -> Accepted[PlanId]:
    """Have a plan made to compare with the one in force; nobody follows it unless it is adopted."""
    with _inside("constraints"):
        wish = MakePlan(sent.jobs, sent.preset, sent.seconds, _others(sent.constraints))
        proposal = await call.desk.scheduler.ask(wish, by=call.asker, timeout=ANSWER_WITHIN_S)
    return Accepted(PlanId(proposal.id))


def _others(sent: OtherConstraints | None) -> dict[str, Any]:
    return {} if sent is None else sent.given()


@contextmanager
def _inside(field: str) -> Iterator[None]:
    """What is wrong is told by the name that it has inside of that field."""
    try:
        yield
    except Invalid as wrong:
        raise Invalid(f"{field}.{wrong}", f"{field}.{wrong.field}") from wrong


async def show_plan(call: Call, plan: str) -> Versioned[ProposedPlan]:
    """How far a plan is that was asked for."""
    proposal = await call.desk.scheduler.ask(ReportProposal(plan), timeout=ANSWER_WITHIN_S)
    return Versioned.of(_shown(proposal, await eyes_of(call)), proposal.state)


async def adopt_plan(call: Call, plan: str) -> Schedule:
    """Follow this plan from now on; the farm plans anew, from there, whenever something changes.

    Its preset becomes the shop's, so that the plans after it please the same people first. A plan that was
    made for other constraints than the shop's is refused: set these first, and have one made then.
    """
    wish = AdoptPlan(plan)
    adopted = await call.change(domain.Plan, lambda by: call.desk.scheduler.ask(wish, by=by))
    return plan_shapes.of_plan(adopted, await eyes_of(call))


async def explain_job(call: Call, job: str) -> Explanation:
    """Why a job is printed where and when the plan says, why not sooner or elsewhere, and what would help."""
    await visible(call, job)
    found = await call.desk.scheduler.ask(ExplainJob(job), timeout=THINK_WITHIN_S)
    return plan_shapes.of_explanation(found, await eyes_of(call))


async def quote_job(call: Call, sent: NewJob) -> Quote:
    """When a job would be done if it were added now, with all that is planned left where it is.

    Nothing is added; what a job may not be is refused as it would be.
    """
    by = replace(call.asker, terms=replace(call.asker.terms, dry=True))
    try:
        job = await call.desk.queue.ask(meant(sent), by=by)
    except Tried as tried:
        job = tried.result
    found = await call.desk.scheduler.ask(QuoteJob(job), timeout=THINK_WITHIN_S)
    return plan_shapes.of_quote(found, await eyes_of(call))


def _shown(proposal: Proposal, eyes: Eyes) -> ProposedPlan:
    shown = plan_shapes.of_plan(proposal.plan, eyes)
    return ProposedPlan(
        id=proposal.id,
        state=proposal.state,
        why=proposal.why,
        preset=proposal.preset if proposal.plan is None else shown.preset,
        placements=shown.placements,
        unscheduled=shown.unscheduled,
        metrics=shown.metrics,
        bound=shown.bound,
        status=shown.status,
        diff=shown.changes,
        other_constraints=list(proposal.others),
    )


ROUTES = (
    Route("GET", "/v1/schedule", show_schedule, Action.READ),
    Route(
        "POST",
        "/v1/schedule/plans",
        make_plan,
        Action.QUEUE,
        also=(404,),
        untried="it changes nothing anyway",
    ),
    Route("GET", "/v1/schedule/plans/<plan>", show_plan, Action.READ),
    Route("GET", "/v1/jobs/<job>/explanation", explain_job, Action.READ),
    Route("POST", "/v1/quotes", quote_job, Entry.KNOWN, also=(404,), untried="it changes nothing anyway"),
    Route("POST", "/v1/schedule/plans/<plan>/adopt", adopt_plan, Action.QUEUE, also=(404,)),
)
