"""What a shop's printers did, what that took, and what it cost. Pure.

Prints come in columns, for there may be a hundred thousand of them: everything is added up for all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.domain.job import PrintState
from farm.domain.settings import Costs

HOUR_S = 3600.0
JOULES_PER_KWH = 3.6e6
UNEXPLAINED = "unexplained"
STATES: Sequence[PrintState] = tuple(PrintState)

Places: TypeAlias = NDArray[np.int64]
Amounts: TypeAlias = NDArray[np.float64]
Whether: TypeAlias = NDArray[np.bool_]
Table: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Prints that are over, in columns of the same length.

    printer, material, day, cause: each print's place among the names before them; state: among STATES. A
    material is None where nobody knows it, a cause where nobody said it. good: parts, -1 where nobody has
    counted. printed_s: seconds, 0 for what never began. filament_g: grams; waited_s: seconds for somebody to
    clear its plate; NaN where nobody knows, or has yet.
    """

    printers: Sequence[str]
    materials: Sequence[str | None]
    days: Sequence[date]
    causes: Sequence[str | None]
    printer: Places
    material: Places
    day: Places
    cause: Places
    state: Places
    good: Places
    printed_s: Amounts
    filament_g: Amounts
    waited_s: Amounts


class Power(NamedTuple):
    """What a printer takes of the mains, as its profile says: watts, and seconds to heat up; or None."""

    printing_w: float | None = None
    heat_up_w: float | None = None
    heat_up_s: float | None = None


class Sums(NamedTuple):
    """Prints taken together. energy_kwh: of those on printers whose watts are known; of the others
    `without_watts` counts those that printed. costs: what is known, None where nothing is. causes: of prints
    failed or spoiled, how often each was said."""

    good: int = 0
    spoiled: int = 0
    failed: int = 0
    cancelled: int = 0
    unknown: int = 0
    not_begun: int = 0
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
    causes: Mapping[str, int] = MappingProxyType({})

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


class DayTally(NamedTuple):
    """The prints that ended on one day. bad: failed or spoiled."""

    day: date
    good: int
    bad: int
    other: int
    printed_s: float
    filament_g: float


@dataclass(frozen=True, slots=True)
class Counted:
    """All of them, by printer, by material, and by the day on which they ended."""

    whole: Sums = field(default_factory=Sums)
    printers: Mapping[str, Sums] = field(default_factory=dict)
    materials: Mapping[str | None, Sums] = field(default_factory=dict)
    days: Sequence[DayTally] = ()


def count(outcomes: Outcomes, powers: Mapping[str, Power], costs: Costs) -> Counted:
    """powers: of the printers that are in the farm; those that are gone have none."""
    if not len(outcomes.state):
        return Counted()
    kinds = _kinds(outcomes)
    tables = _tables(outcomes, kinds, powers, costs)
    causes = _causes(outcomes, kinds)
    (whole,) = _summed(tables, causes, outcomes.causes, (0, 1))
    printers = _summed(tables, causes, outcomes.causes, (1,))
    materials = _summed(tables, causes, outcomes.causes, (0,))
    return Counted(
        whole,
        dict(zip(outcomes.printers, printers, strict=True)),
        dict(zip(outcomes.materials, materials, strict=True)),
        _by_day(outcomes, kinds),
    )


def energy_kwh(printed_s: Amounts, power: Sequence[Power], of: Places) -> Amounts:
    """What each print took of the mains: heating up once, and printing; NaN where the watts are unknown.

    of: its printer's place in `power`. A heat-up whose watts or seconds nobody said counts as printing does.
    """
    told = np.array([[np.nan if each is None else each for each in one] for one in power], np.float64)
    printing_w, heat_up_w, heat_up_s = told.reshape(-1, 3).T
    more_w = np.where(np.isnan(heat_up_s), 0.0, _known(heat_up_w - printing_w))
    joules = printing_w[of] * printed_s + more_w[of] * np.minimum(_known(heat_up_s)[of], printed_s)
    return np.where(printed_s > 0, joules / JOULES_PER_KWH, 0.0)


def _known(amounts: Amounts) -> Amounts:
    """With 0 for what nobody knows."""
    return np.where(np.isnan(amounts), 0.0, amounts)


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """What time went into, as shares of all of it; all 0 where there was none."""
    whole = sum(seconds.values())
    return {name: part / whole if whole else 0.0 for name, part in seconds.items()}


_KINDS = ("good", "spoiled", "failed", "cancelled", "unknown", "not_begun")
"""How a print may have ended, in the order of `Sums`. failed: after it had begun."""

_BY_STATE = np.array(
    [
        {
            PrintState.FINISHED: _KINDS.index("good"),
            PrintState.FAILED: _KINDS.index("failed"),
            PrintState.INTERRUPTED: _KINDS.index("failed"),
            PrintState.CANCELLED: _KINDS.index("cancelled"),
        }.get(state, _KINDS.index("unknown"))
        for state in STATES
    ]
)


def _kinds(outcomes: Outcomes) -> Places:
    """How each print ended: its place in _KINDS."""
    kinds = _BY_STATE[outcomes.state]
    good, failed = kinds == _KINDS.index("good"), kinds == _KINDS.index("failed")
    kinds[good & (outcomes.good == 0)] = _KINDS.index("spoiled")
    kinds[failed & (outcomes.printed_s <= 0)] = _KINDS.index("not_begun")
    return kinds


def _is_bad(kinds: Places) -> Whether:
    return np.isin(kinds, (_KINDS.index("spoiled"), _KINDS.index("failed")))


def _tables(outcomes: Outcomes, kinds: Places, powers: Mapping[str, Power], costs: Costs) -> dict[str, Table]:
    """By name of `Sums`, what there is of it by printer and material; NaN for costs that nobody knows."""
    shape = len(outcomes.printers), len(outcomes.materials)
    cell = outcomes.printer * shape[1] + outcomes.material
    cells = shape[0] * shape[1]

    def total(amounts: Amounts) -> Table:
        return np.bincount(cell, amounts, cells).reshape(shape)

    def how_many(such: Whether) -> Table:
        return np.bincount(cell[such], minlength=cells).reshape(shape)

    ended = np.bincount(cell * len(_KINDS) + kinds, minlength=cells * len(_KINDS)).reshape(*shape, -1)
    there = ended.sum(axis=2)
    waited = ~np.isnan(outcomes.waited_s)
    longest = np.zeros(cells)
    np.maximum.at(longest, cell[waited], outcomes.waited_s[waited])
    power = [powers.get(name, Power()) for name in outcomes.printers]
    energy = energy_kwh(outcomes.printed_s, power, outcomes.printer)
    without_watts = how_many(np.isnan(energy))
    known_kwh = np.where(without_watts < there, total(_known(energy)), np.nan)
    printed_s, filament_g = total(outcomes.printed_s), total(_known(outcomes.filament_g))
    per_kg = [costs.materials_per_kg.get(name or "", costs.material_per_kg) for name in outcomes.materials]
    return {
        **{kind: ended[:, :, place] for place, kind in enumerate(_KINDS)},
        "parts": total(np.maximum(outcomes.good, 0)).astype(np.int64),
        "printed_s": printed_s,
        "filament_g": filament_g,
        "waited": how_many(waited),
        "waited_s": total(_known(outcomes.waited_s)),
        "longest_wait_s": longest.reshape(shape),
        "energy_kwh": known_kwh,
        "without_watts": without_watts,
        "energy_cost": known_kwh * _price(costs.energy_per_kwh),
        "material_cost": np.where(there, filament_g / 1000 * [_price(each) for each in per_kg], np.nan),
        "machine_cost": np.where(there, printed_s / HOUR_S * _price(costs.machine_per_h), np.nan),
    }


def _price(price: float | None) -> float:
    return np.nan if price is None else price


def _causes(outcomes: Outcomes, kinds: Places) -> Table:
    """Of prints failed or spoiled, by printer, material and cause."""
    shape = len(outcomes.printers), len(outcomes.materials), len(outcomes.causes)
    place = (outcomes.printer * shape[1] + outcomes.material) * shape[2] + outcomes.cause
    return np.bincount(place[_is_bad(kinds)], minlength=shape[0] * shape[1] * shape[2]).reshape(shape)


def _summed(
    tables: Mapping[str, Table], causes: Table, names: Sequence[str | None], over: tuple[int, ...]
) -> list[Sums]:
    """over: which of printers (0) and materials (1) are taken together."""
    columns = [
        np.atleast_1d(table.max(axis=over) if name == "longest_wait_s" else _total(table, over)).tolist()
        for name, table in ((name, tables[name]) for name in Sums._fields[:-1])
    ]
    told = [name or UNEXPLAINED for name in names]
    by_cause = np.atleast_2d(causes.sum(axis=over)).tolist()
    return [
        Sums._make((*values, {name: n for name, n in zip(told, counts, strict=True) if n}))
        for *values, counts in zip(*columns, by_cause, strict=True)
    ]


def _total(table: Table, over: tuple[int, ...]) -> Any:
    """None where nothing of it is known."""
    unknown = np.isnan(table)
    if not unknown.any():
        return table.sum(axis=over)
    return np.where(unknown.all(axis=over), None, np.nansum(table, axis=over))


def _by_day(outcomes: Outcomes, kinds: Places) -> list[DayTally]:
    """Only days on which anything ended."""
    many = len(outcomes.days)
    ended = np.bincount(outcomes.day * len(_KINDS) + kinds, minlength=many * len(_KINDS)).reshape(many, -1)
    whole, good = ended.sum(axis=1), ended[:, _KINDS.index("good")]
    bad = ended[:, _KINDS.index("spoiled")] + ended[:, _KINDS.index("failed")]
    printed_s = np.bincount(outcomes.day, outcomes.printed_s, many)
    filament_g = np.bincount(outcomes.day, _known(outcomes.filament_g), many)
    columns = (good, bad, whole - good - bad, printed_s, filament_g)
    found = map(DayTally, outcomes.days, *(column.tolist() for column in columns))
    return [each for each, prints in zip(found, whole.tolist(), strict=True) if prints]
