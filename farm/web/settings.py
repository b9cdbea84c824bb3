"""What the shop sets while the farm runs: what its plan minds, who gets how much, what things cost."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from farm.access.rights import Action
from farm.domain import settings as domain
from farm.domain.settings import Preset
from farm.live.plan_shapes import Effect
from farm.queue.messages import ChangeSettings
from farm.store import shop
from farm.web.contract import Versioned
from farm.web.effect import would_do
from farm.web.printers_sent import given
from farm.web.routes import Call, Route


class Weights(Struct):
    """What each thing that a plan should avoid costs, in points.

    Of a minute, times the weight of the job's priority: tardiness, flow. Of a minute: makespan, hand_work,
    shift of a planned start. Each: changeover, non_preferred print, print planned on an other_printer
    before. doubtful: an hour on a printer, times how likely it is to fail.
    """

    tardiness: float
    flow: float
    makespan: float
    changeover: float
    hand_work: float
    non_preferred: float
    other_printer: float
    shift: float
    doubtful: float


class WeightsChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes."""

    tardiness: float | UnsetType = UNSET
    flow: float | UnsetType = UNSET
    makespan: float | UnsetType = UNSET
    changeover: float | UnsetType = UNSET
    hand_work: float | UnsetType = UNSET
    non_preferred: float | UnsetType = UNSET
    other_printer: float | UnsetType = UNSET
    shift: float | UnsetType = UNSET
    doubtful: float | UnsetType = UNSET


class Share(Struct, forbid_unknown_fields=True):
    """The most that may wait for one person: jobs, and hours of printing; null for as much as they like."""

    jobs: int | None = None
    hours: float | None = None

    def meant(self) -> domain.Share:
        return domain.Share(self.jobs, self.hours)


class FairShare(Struct):
    """What is beyond `each` person's share waits for approval. users: whose share is another, by
    "user:<id>" or "key:<id>"."""

    each: Share
    users: dict[str, Share]


class FairShareChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes. users: those who are named; null for one who gets as much as each."""

    each: Share | UnsetType = UNSET
    users: dict[str, Share | None] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """By the names of the domain's fields."""
        changes: dict[str, Any] = {}
        if not isinstance(self.each, UnsetType):
            changes["each"] = self.each.meant()
        if not isinstance(self.users, UnsetType):
            changes["users"] = {
                who: None if share is None else share.meant() for who, share in self.users.items()
            }
        return changes


class Costs(Struct):
    """What printing costs, in the shop's own currency; null where nobody said.

    materials_per_kg: by material, as files and jobs call it; material_per_kg: of all others.
    """

    currency: str
    energy_per_kwh: float | None
    material_per_kg: float | None
    materials_per_kg: dict[str, float]
    machine_per_h: float | None


class CostsChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes; null for what nobody knows. materials_per_kg: takes the place of all."""

    currency: str | UnsetType = UNSET
    energy_per_kwh: float | UnsetType | None = UNSET
    material_per_kg: float | UnsetType | None = UNSET
    materials_per_kg: dict[str, float] | UnsetType = UNSET
    machine_per_h: float | UnsetType | None = UNSET


class Settings(Struct):
    """preset: whom the plan is to please first. costs: for the statistics. effect: what it would do to the
    plan; only told with ?dry_run=true."""

    preset: Preset
    weights: Weights
    fair_share: FairShare
    costs: Costs
    effect: Effect | UnsetType = UNSET


class SettingsChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes, inside `weights`, `fair_share` and `costs` too."""

    preset: Preset | UnsetType = UNSET
    weights: WeightsChange | UnsetType = UNSET
    fair_share: FairShareChange | UnsetType = UNSET
    costs: CostsChange | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """By the names of the domain's fields."""
        changes: dict[str, Any] = given(self)
        if not isinstance(self.weights, UnsetType):
            changes["weights"] = given(self.weights)
        if not isinstance(self.fair_share, UnsetType):
            changes["fair_share"] = self.fair_share.given()
        if not isinstance(self.costs, UnsetType):
            changes["costs"] = given(self.costs)
        return changes


async def show_settings(call: Call) -> Versioned[Settings]:
    """What the shop minds."""
    found = await call.desk.database.read(shop.settings)
    return Versioned.of(_shown(found), found.version)


async def change_settings(call: Call, sent: SettingsChange) -> Versioned[Settings]:
    """Change what the shop minds. Jobs that wait already are left alone.

    With ?dry_run=true it answers what would hold, and what that would do to the plan.
    """
    wish = ChangeSettings(sent.given())
    kept = await call.change(domain.Settings, lambda by: call.desk.queue.ask(wish, by=by))
    shown = _shown(kept)
    if call.asker.terms.dry:
        shown.effect = await would_do(call, settings=kept)
    return Versioned.of(shown, kept.version)


def _shown(kept: domain.Settings) -> Settings:
    fair = kept.fair_share
    return Settings(
        kept.preset,
        msgspec.convert(kept.weights, Weights, from_attributes=True),
        FairShare(_share(fair.each), {who: _share(share) for who, share in fair.users.items()}),
        msgspec.convert(kept.costs, Costs, from_attributes=True),
    )


def _share(kept: domain.Share) -> Share:
    return Share(kept.jobs, kept.hours)


ROUTES = (
    Route("GET", "/v1/settings", show_settings, Action.READ),
    Route("PATCH", "/v1/settings", change_settings, Action.SET_UP),
)
