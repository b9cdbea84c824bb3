"""What the shop sets while the farm runs: what its plan minds, shares, costs, how closely it watches."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from farm.access.rights import Action
from farm.domain import settings as domain
from farm.domain.anomaly import AnomalyKind, Severity, Watchfulness
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


class Watching(Struct):
    """How closely printers are watched.

    ends: by kind of trouble how far the farm goes: to a "note", a "warn"ing, a "pause" of the print, or a
    "stop" as in an emergency, where heat is out of control, stop_after_s after the pause; null to not look
    for it.
    paused_hot_s: how long a paused print keeps its nozzle hot. heated_idle_s: how long heaters stay on with
    no print and nobody at work there. silent_s: how long a printer that prints, or is heated, may be out of
    reach before somebody is called.
    """

    ends: dict[AnomalyKind, Severity | None]
    stop_after_s: float
    paused_hot_s: float
    heated_idle_s: float
    silent_s: float


class WatchingChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes; of `ends` only the kinds that are named."""

    ends: dict[AnomalyKind, Severity | None] | UnsetType = UNSET
    stop_after_s: float | UnsetType = UNSET
    paused_hot_s: float | UnsetType = UNSET
    heated_idle_s: float | UnsetType = UNSET
    silent_s: float | UnsetType = UNSET


class Settings(Struct):
    """preset: whom the plan is to please first. costs: for the statistics. effect: what it would do to the
    plan; only told with ?dry_run=true."""

    preset: Preset
    weights: Weights
    fair_share: FairShare
    costs: Costs
    watching: Watching
    effect: Effect | UnsetType = UNSET


class SettingsChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes, inside `weights`, `fair_share`, `costs` and `watching` too."""

    preset: Preset | UnsetType = UNSET
    weights: WeightsChange | UnsetType = UNSET
    fair_share: FairShareChange | UnsetType = UNSET
    costs: CostsChange | UnsetType = UNSET
    watching: WatchingChange | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """By the names of the domain's fields."""
        changes: dict[str, Any] = given(self)
        if not isinstance(self.weights, UnsetType):
            changes["weights"] = given(self.weights)
        if not isinstance(self.fair_share, UnsetType):
            changes["fair_share"] = self.fair_share.given()
        if not isinstance(self.costs, UnsetType):
            changes["costs"] = given(self.costs)
        if not isinstance(self.watching, UnsetType):
            changes["watching"] = given(self.watching)
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
        _watching(kept.watching),
    )


def _watching(kept: Watchfulness) -> Watching:
    ends = {kind: kept.end(kind) for kind in AnomalyKind}
    return Watching(ends, kept.stop_after_s, kept.paused_hot_s, kept.heated_idle_s, kept.silent_s)


def _share(kept: domain.Share) -> Share:
    return Share(kept.jobs, kept.hours)


ROUTES = (
    Route("GET", "/v1/settings", show_settings, Action.READ),
    Route("PATCH", "/v1/settings", change_settings, Action.SET_UP),
)
