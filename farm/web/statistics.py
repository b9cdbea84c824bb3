"""What the printers did by the shop's days, what it took, and what it cost; also as tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from sqlite3 import Connection
from typing import Annotated, Literal

import msgspec

from farm.access.rights import Action
from farm.domain.constraints import Constraints
from farm.domain.occupation import Occupation
from farm.domain.settings import Costs
from farm.domain.statistics import HOUR_S, Counted, Sums, count, shares
from farm.domain.user import EVERYTHING
from farm.errors import Invalid, NotFound
from farm.store import printers, prints, shop, statistics
from farm.store.statistics import Wanted
from farm.web.printers import readable_ids
from farm.web.routes import Call, Route
from farm.web.sheets import Cell, Sheet, sheet

USUAL_DAYS = 30
LONGEST = timedelta(days=3660)
PIECE = 500  # prints read at once for a table


class Days(msgspec.Struct, forbid_unknown_fields=True):
    """from, to: days of the shop, both counted in; the last 30 where they are not given."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    printer: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class StatisticsQuery(Days):
    material: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class SheetQuery(StatisticsQuery):
    """by: what each row is about."""

    by: Literal["printer", "material", "day"] = "printer"


class Waiting(msgspec.Struct):
    """Plates that somebody cleared, and how long they had waited for it; null where there was none."""

    plates: int
    mean_s: float | None
    longest_s: float | None


class Cost(msgspec.Struct):
    """In the shop's currency; null where no price is set, or nobody knows how much there was of it."""

    energy: float | None
    material: float | None
    machine: float | None
    total: float | None


class Figures(msgspec.Struct):
    """Prints that ended, and what they took.

    good, spoiled: finished with good parts, and without any. failed: after they had begun; not_begun: before.
    unknown: nobody can tell. causes: of those failed or spoiled. success_rate: good ones among good, spoiled
    and failed. parts: good ones that were counted. energy_kwh: by the watts of the printers' profiles;
    without_watts: prints on printers whose profile has none.
    """

    good: int
    spoiled: int
    failed: int
    cancelled: int
    unknown: int
    not_begun: int
    success_rate: float | None
    causes: dict[str, int]
    parts: int
    printed_h: float
    filament_g: float
    energy_kwh: float | None
    without_watts: int
    waiting: Waiting
    cost: Cost


class Time(msgspec.Struct):
    """What a printer's time went into, as shares of watched_h: hours in which the farm was running.

    foreign: prints that somebody started at the machine. waiting: for a person.
    """

    watched_h: float
    printing: float
    foreign: float
    waiting: float
    idle: float
    maintenance: float
    offline: float


class PrinterFigures(msgspec.Struct):
    """name: null of one that is not in the farm any more."""

    printer: str
    name: str | None
    time: Time
    figures: Figures


class MaterialFigures(msgspec.Struct):
    """material: null where nobody knows."""

    material: str | None
    figures: Figures


class DayFigures(msgspec.Struct):
    """bad: failed or spoiled. other: all else that ended."""

    day: date
    good: int
    bad: int
    other: int
    printed_h: float
    filament_g: float


class Statistics(msgspec.Struct):
    """Days are those of the zone that the shop had when a print ended."""

    start: date = msgspec.field(name="from")
    to: date
    timezone: str
    currency: str
    time: Time
    figures: Figures
    printers: list[PrinterFigures]
    materials: list[MaterialFigures]
    days: list[DayFigures]


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at the database found."""

    names: dict[str, str]
    constraints: Constraints
    costs: Costs
    time: dict[str, dict[Occupation, float]]
    counted: Counted


async def show_statistics(call: Call, query: StatisticsQuery) -> Statistics:
    """What the printers did that the asker may look at: prints, time, filament, energy, cost, waiting."""
    wanted = await _wanted(call, query, query.material)
    return told(await call.desk.database.read(look, wanted), wanted)


def told(found: Found, wanted: Wanted) -> Statistics:
    """What was found, as it is answered."""
    return Statistics(
        start=wanted.first,
        to=wanted.last,
        timezone=found.constraints.timezone,
        currency=found.costs.currency,
        time=_time(_together(found.time.values())),
        figures=_figures(found.counted.whole),
        printers=[_printer(found, id) for id in _ids(found, wanted)],
        materials=[MaterialFigures(name, _figures(sums)) for name, sums in _by_name(found)],
        days=_days(found),
    )


async def send_statistics(call: Call, query: SheetQuery) -> Sheet:
    """The same as a table, a row for each printer, material or day."""
    wanted = await _wanted(call, query, query.material)
    found = await call.desk.database.read(look, wanted)
    if query.by == "day":
        columns = DayFigures.__struct_fields__
        rows: list[Sequence[Cell]] = [
            (each.day.isoformat(), *msgspec.structs.astuple(each)[1:]) for each in _days(found)
        ]
    elif query.by == "material":
        columns = ("material", *FIGURE_COLUMNS)
        rows = [(name, *_cells(_figures(sums)), found.costs.currency) for name, sums in _by_name(found)]
    else:
        columns = ("printer", "name", *Time.__struct_fields__, *FIGURE_COLUMNS)
        told = [_printer(found, id) for id in _ids(found, wanted)]
        rows = [
            (
                *(each.printer, each.name, *msgspec.structs.astuple(each.time)),
                *(*_cells(each.figures), found.costs.currency),
            )
            for each in told
        ]
    return sheet(f"statistics-by-{query.by}", columns, _at_once(rows))


async def send_prints(call: Call, query: Days) -> Sheet:
    """The prints that ended, as a table, the oldest first."""
    wanted = await _wanted(call, query, None)
    return sheet("prints", prints.Over._fields, _prints(call, wanted))


async def _prints(call: Call, wanted: Wanted) -> AsyncGenerator[list[Sequence[Cell]]]:
    after = ("", "")
    while True:
        found = await call.desk.database.read(
            prints.over, wanted.first, wanted.last, wanted.printers, after, PIECE
        )
        yield [_rounded_off(each) for each in found]
        if len(found) < PIECE:
            return
        after = (found[-1].ended_at, found[-1].id)


def _rounded_off(over: prints.Over) -> prints.Over:
    return over._replace(
        printed_s=round(over.printed_s, 1),
        waited_s=_rounded(over.waited_s, 1),
        filament_g=_rounded(over.filament_g, 2),
    )


async def _at_once(rows: list[Sequence[Cell]]) -> AsyncGenerator[list[Sequence[Cell]]]:
    yield rows


async def _wanted(call: Call, query: Days, material: str | None) -> Wanted:
    """Raises Invalid, NotFound."""
    constraints = await call.desk.database.read(shop.constraints)
    last = query.to or max(call.desk.clock().astimezone(constraints.zone).date(), query.from_ or date.min)
    first = query.from_ or last - min(timedelta(days=USUAL_DAYS - 1), last - date.min)
    if first > last:
        raise Invalid("to: it has to be from or a later day", "to")
    if last - first > LONGEST:
        raise Invalid(f"from: at most {LONGEST.days} days at a time", "from")
    readable = None if call.asker.grant == EVERYTHING else await readable_ids(call)
    if query.printer is None:
        return Wanted(first, last, readable, material)
    if readable is None:
        known = await call.desk.database.read(statistics.is_known, query.printer)
    else:
        known = query.printer in readable
    if not known:
        raise NotFound(f"there is no printer {query.printer} in this farm")
    return Wanted(first, last, frozenset({query.printer}), material)


def look(db: Connection, wanted: Wanted) -> Found:
    """Everything there is to tell, in one look."""
    known, costs = printers.powers(db), shop.settings(db).costs
    powers = {id: power for id, (_, power) in known.items()}
    return Found(
        names={id: name for id, (name, _) in known.items()},
        constraints=shop.constraints(db),
        costs=costs,
        time=statistics.time_spent(db, wanted),
        counted=count(statistics.outcomes(db, wanted), powers, costs),
    )


def _ids(found: Found, wanted: Wanted) -> list[str]:
    """Every printer there is something to tell of, and each that is in the farm."""
    there = {*found.names, *found.counted.printers, *found.time}
    return sorted(there if wanted.printers is None else there & set(wanted.printers))


def _by_name(found: Found) -> list[tuple[str | None, Sums]]:
    return sorted(found.counted.materials.items(), key=lambda each: (each[0] is None, each[0] or ""))


def _printer(found: Found, id: str) -> PrinterFigures:
    return PrinterFigures(
        printer=id,
        name=found.names.get(id),
        time=_time(found.time.get(id, {})),
        figures=_figures(found.counted.printers.get(id, Sums())),
    )


def _days(found: Found) -> list[DayFigures]:
    return [
        DayFigures(
            each.day, each.good, each.bad, each.other, _hours(each.printed_s), round(each.filament_g, 2)
        )
        for each in found.counted.days
    ]


def _together(times: Iterable[dict[Occupation, float]]) -> dict[Occupation, float]:
    found = dict.fromkeys(Occupation, 0.0)
    for time in times:
        for occupation, seconds in time.items():
            found[occupation] += seconds
    return found


def _time(seconds: dict[Occupation, float]) -> Time:
    parts = shares({occupation: seconds.get(occupation, 0.0) for occupation in Occupation})
    return Time(
        watched_h=_hours(sum(seconds.values())),
        **{occupation: round(share, 4) for occupation, share in parts.items()},
    )


def _figures(sums: Sums) -> Figures:
    return Figures(
        good=sums.good,
        spoiled=sums.spoiled,
        failed=sums.failed,
        cancelled=sums.cancelled,
        unknown=sums.unknown,
        not_begun=sums.not_begun,
        success_rate=_rounded(sums.success_rate, 4),
        causes=dict(sorted(sums.causes.items(), key=lambda each: -each[1])),
        parts=sums.parts,
        printed_h=_hours(sums.printed_s),
        filament_g=round(sums.filament_g, 2),
        energy_kwh=_rounded(sums.energy_kwh, 3),
        without_watts=sums.without_watts,
        waiting=Waiting(
            plates=sums.waited,
            mean_s=round(sums.waited_s / sums.waited, 1) if sums.waited else None,
            longest_s=round(sums.longest_wait_s, 1) if sums.waited else None,
        ),
        cost=Cost(
            energy=_rounded(sums.energy_cost, 2),
            material=_rounded(sums.material_cost, 2),
            machine=_rounded(sums.machine_cost, 2),
            total=_rounded(sums.cost, 2),
        ),
    )


FIGURE_COLUMNS = (
    *(name for name in Figures.__struct_fields__ if name not in ("causes", "waiting", "cost")),
    *(f"waiting_{name}" for name in Waiting.__struct_fields__),
    *(f"cost_{name}" for name in Cost.__struct_fields__),
    "currency",
)


def _cells(figures: Figures) -> Iterator[Cell]:
    """In the order of FIGURE_COLUMNS, up to the currency."""
    for name in Figures.__struct_fields__:
        if name not in ("causes", "waiting", "cost"):
            yield getattr(figures, name)
    yield from msgspec.structs.astuple(figures.waiting)
    yield from msgspec.structs.astuple(figures.cost)


def _hours(seconds: float) -> float:
    return round(seconds / HOUR_S, 3)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


ROUTES = (
    Route("GET", "/v1/statistics", show_statistics, Action.READ, also=(404,)),
    Route("GET", "/v1/statistics.csv", send_statistics, Action.READ, also=(404,)),
    Route("GET", "/v1/prints.csv", send_prints, Action.READ, also=(404,)),
)
