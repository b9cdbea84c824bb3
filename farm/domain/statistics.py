"""What a shop's printers did, what that took, and what it cost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.domain.job import FailureCause, PrintState
from farm.domain.printer import Profile
from farm.domain.settings import Costs

HOUR_S = 3600.0
JOULES_PER_KWH = 3.6e6
UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Tally:
    """Prints of one printer and one material that ended alike. material: None where nobody knows.

    spoiled: of finished ones, those without a single good part. begun: those that printed at all.
    waited: plates that a person has cleared, and how long those had waited for it.
    """

    printer: str
    material: str | None
    state: PrintState
    cause: FailureCause | None
    prints: int
    spoiled: int
    parts: int
    printed_s: float
    begun: int
    filament_g: float
    waited: int
    waited_s: float
    longest_wait_s: float


@dataclass(slots=True)
class Sums:
    """Tallies taken together. energy_kwh: of prints on printers whose watts are known; of the others
    `without_watts` counts those that printed. costs: what is known, None where nothing is."""

    good: int = 0
    spoiled: int = 0
    failed: int = 0
    cancelled: int = 0
    unknown: int = 0
    not_begun: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    printed_s: float = 0.0
    filament_g: float = 0.0
    waited: int = 0
    waited_s: float = 0.0
    longest_wait_s: float = 0.0
    energy_kwh: float | None = None
    without_watts: int = 0
    energy_cost: float | None = None
    material_cost: float | None = None
    machine_cost: float | None = None

    @property
    def success_rate(self) -> float | None:
        """Of the prints of which it is known whether they came to something, how many did; 0..1."""
        known = self.good + self.spoiled + self.failed
        return self.good / known if known else None

    @property
    def cost(self) -> float | None:
        """All that is known of it."""
        known = [
            each for each in (self.energy_cost, self.material_cost, self.machine_cost) if each is not None
        ]
        return sum(known) if known else None

    def add(self, tally: Tally, profile: Profile | None, costs: Costs) -> None:
        """Take one in. profile: of its printer, None for one that is not in the farm any more."""
        self._count(tally)
        self.parts += tally.parts
        self.printed_s += tally.printed_s
        self.filament_g += tally.filament_g
        self.waited += tally.waited
        self.waited_s += tally.waited_s
        self.longest_wait_s = max(self.longest_wait_s, tally.longest_wait_s)
        energy = energy_kwh(tally, profile)
        if energy is None:
            self.without_watts += tally.begun
        self.energy_kwh = _plus(self.energy_kwh, energy)
        self.energy_cost = _plus(self.energy_cost, _times(energy, costs.energy_per_kwh))
        price = costs.materials_per_kg.get(tally.material or "", costs.material_per_kg)
        self.material_cost = _plus(self.material_cost, _times(tally.filament_g / 1000, price))
        self.machine_cost = _plus(self.machine_cost, _times(tally.printed_s / HOUR_S, costs.machine_per_h))

    def _count(self, tally: Tally) -> None:
        match tally.state:
            case PrintState.FINISHED:
                self.good += tally.prints - tally.spoiled
                self.spoiled += tally.spoiled
                bad = tally.spoiled
            case PrintState.FAILED | PrintState.INTERRUPTED:
                self.failed += tally.begun
                self.not_begun += tally.prints - tally.begun
                bad = tally.begun
            case PrintState.CANCELLED:
                self.cancelled += tally.prints
                bad = 0
            case _:
                self.unknown += tally.prints
                bad = 0
        if bad:
            self.causes[tally.cause or UNEXPLAINED] += bad


def energy_kwh(tally: Tally, profile: Profile | None) -> float | None:
    """What these prints took of the mains: heating up, once each, and printing; None where watts are unknown.

    A heat-up whose watts or seconds nobody said counts as printing does.
    """
    if not tally.begun:
        return 0.0
    if profile is None or profile.printing_w is None:
        return None
    joules = profile.printing_w * tally.printed_s
    if profile.heat_up_w is not None and profile.heat_up_s is not None:
        heating_s = min(profile.heat_up_s * tally.begun, tally.printed_s)
        joules += (profile.heat_up_w - profile.printing_w) * heating_s
    return joules / JOULES_PER_KWH


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """What time went into, as shares of all of it; all 0 where there was none."""
    whole = sum(seconds.values())
    return {name: part / whole if whole else 0.0 for name, part in seconds.items()}


def _plus(before: float | None, more: float | None) -> float | None:
    return before if more is None else (before or 0.0) + more


def _times(amount: float | None, price: float | None) -> float | None:
    return None if amount is None or price is None else amount * price
