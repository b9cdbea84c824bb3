"""What the shop sets while the farm runs: what its plan minds, shares, costs, how closely it watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from farm.domain import anomaly
from farm.domain.anomaly import AnomalyKind, Severity, Watchfulness
from farm.domain.terms import version_of
from farm.errors import Invalid

MOST_WEIGHT = 1_000_000.0
MOST_PRICE, MOST_MATERIALS, LONGEST_CURRENCY = 1_000_000.0, 200, 8
MOST_JOBS, MOST_HOURS, MOST_USERS = 1_000_000, 1_000_000.0, 10_000


class Preset(StrEnum):
    """Whom the plan is to please first."""

    TIME_FIRST = "time_first"
    PRIORITY_FIRST = "priority_first"
    RESOURCE_FIRST = "resource_first"


@dataclass(frozen=True, slots=True)
class Weights:
    """What each thing that a plan should avoid costs, in points; the plan with the fewest is the best.

    Of a minute, times the weight of the job's priority: tardiness, flow (from its release to its end). Of a
    minute: makespan (until the last print ends), hand_work, shift (by which a planned start was moved). Each:
    changeover of filament, non_preferred print, print planned on an other_printer before. doubtful: an hour
    on a printer, times how likely it is to fail.
    """

    tardiness: float = 10.0
    flow: float = 1.0
    makespan: float = 10.0
    changeover: float = 100.0
    hand_work: float = 1.0
    non_preferred: float = 200.0
    other_printer: float = 50.0
    shift: float = 0.5
    doubtful: float = 500.0


@dataclass(frozen=True, slots=True)
class Share:
    """The most that may wait for one person: jobs, and hours of printing. None: as much as they like."""

    jobs: int | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True)
class FairShare:
    """What is beyond `each` person's share waits for somebody's approval.

    users: for whom another share holds, by what histories call them: "user:<id>", "key:<id>".
    """

    each: Share = Share()
    users: Mapping[str, Share] = field(default_factory=dict)

    def of(self, who: str) -> Share:
        """Somebody's own share, or everybody's."""
        return self.users.get(who, self.each)

    def changed(
        self, each: Share | None = None, users: Mapping[str, Share | None] | None = None
    ) -> FairShare:
        """users: None for somebody for whom no other share is to hold any more."""
        others = {**self.users, **(users or {})}
        return FairShare(
            each or self.each, {who: share for who, share in others.items() if share is not None}
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """What printing costs the shop, in its own currency; None where nobody said.

    materials_per_kg: by material, as files and jobs call it; material_per_kg: of all others.
    """

    currency: str = ""
    energy_per_kwh: float | None = None
    material_per_kg: float | None = None
    materials_per_kg: Mapping[str, float] = field(default_factory=dict)
    machine_per_h: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    preset: Preset = Preset.TIME_FIRST
    weights: Weights = Weights()
    fair_share: FairShare = FairShare()
    costs: Costs = Costs()
    watching: Watchfulness = anomaly.AS_SHIPPED

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self)

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """changes: `preset`, the `weights` that are to be others, what `FairShare.changed` takes, `costs`,
        and what of `watching` is to be other; of its `ends` those that are named."""
        return Settings(
            changes.get("preset", self.preset),
            replace(self.weights, **changes.get("weights", {})),
            self.fair_share.changed(**changes.get("fair_share", {})),
            replace(self.costs, **changes.get("costs", {})),
            _watching(self.watching, **changes.get("watching", {})),
        )


def _watching(
    was: Watchfulness, ends: Mapping[AnomalyKind, Severity | None] | None = None, **times: float
) -> Watchfulness:
    return replace(was, ends={**was.ends, **(ends or {})}, **times)


AS_SHIPPED = Settings()


def require_sound(wanted: Settings) -> None:
    """Raise Invalid by the field where these cannot be a shop's settings."""
    for each in fields(Weights):
        value, name = getattr(wanted.weights, each.name), f"weights.{each.name}"
        if not 0 <= value <= MOST_WEIGHT:
            raise Invalid(f"{name}: from 0 to {MOST_WEIGHT:.0f}", name)
    _require_costs(wanted.costs)
    anomaly.require_sound(wanted.watching)
    _require_share(wanted.fair_share.each, "fair_share.each")
    if len(wanted.fair_share.users) > MOST_USERS:
        raise Invalid(f"fair_share.users: at most {MOST_USERS} of them", "fair_share.users")
    for who, share in wanted.fair_share.users.items():
        kind, _, id = who.partition(":")
        if kind not in ("user", "key") or not id:
            raise Invalid(f"fair_share.users: {who[:40]!r} is no user:<id> or key:<id>", "fair_share.users")
        _require_share(share, f"fair_share.users.{who}")


def _require_costs(costs: Costs) -> None:
    if len(costs.currency) > LONGEST_CURRENCY or not costs.currency.isprintable():
        raise Invalid(f"costs.currency: at most {LONGEST_CURRENCY} characters", "costs.currency")
    if len(costs.materials_per_kg) > MOST_MATERIALS:
        raise Invalid(f"costs.materials_per_kg: at most {MOST_MATERIALS} of them", "costs.materials_per_kg")
    prices = {
        "energy_per_kwh": costs.energy_per_kwh,
        "material_per_kg": costs.material_per_kg,
        "machine_per_h": costs.machine_per_h,
        **{f"materials_per_kg.{name}": price for name, price in costs.materials_per_kg.items()},
    }
    for name, price in prices.items():
        if price is not None and not 0 <= price <= MOST_PRICE:
            raise Invalid(f"costs.{name}: from 0 to {MOST_PRICE:.0f}", f"costs.{name}")
    if not all(name.strip() for name in costs.materials_per_kg):
        raise Invalid("costs.materials_per_kg: a material has a name, like PLA", "costs.materials_per_kg")


def _require_share(share: Share, field: str) -> None:
    if share.jobs is not None and not 0 <= share.jobs <= MOST_JOBS:
        raise Invalid(f"{field}.jobs: from 0 to {MOST_JOBS}, or null for no limit", f"{field}.jobs")
    if share.hours is not None and not 0 <= share.hours <= MOST_HOURS:
        raise Invalid(f"{field}.hours: from 0 to {MOST_HOURS:g}, or null for no limit", f"{field}.hours")
