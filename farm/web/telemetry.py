"""What a printer measured: its curves over any span, for a chart or for a spreadsheet."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Annotated, Literal

import msgspec

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.errors import Invalid
from farm.live.shapes import Moment
from farm.store import curves
from farm.store.curves import MOST_POINTS, Level
from farm.store.readings import KINDS, TEMPERATURE, numbers_of
from farm.web.contract import SentMoment
from farm.web.printers import readable
from farm.web.routes import Call, Route
from farm.web.sheets import Cell, Sheet, sheet

USUAL_S = 3600.0
MOST_CHANNELS = 6
STEPS_IN_A_PIECE = 3600  # so that each is of whole hours, too: what is kept of an hour is in one piece
COLUMNS = ("at", "step_s", "channel", "kind", "unit", "count", "mean", "min", "max", "last", "target")
UNITS = {"z": "mm", "rpm": "1/min"}
"""Of metrics, by the beginning of their names; shares of 1 and numbers have none."""


class TelemetryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """from, to: the last hour where they are not given. step: seconds that each point stands for.

    channels: names with commas in between; every heater where they are not given.
    """

    from_: SentMoment | None = msgspec.field(default=None, name="from")
    to: SentMoment | None = None
    step: Annotated[int, msgspec.Meta(ge=1, le=366 * 86_400)] | None = None
    channels: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None


class Curve(msgspec.Struct):
    """One channel. All lists are of the same length; steps in which nothing was read are left out.

    unit: degC for temperatures; null where there is none. after_s: seconds from `from` to the beginning of
    each step, of which the first may have begun a little before. count: readings. last: what was read last.
    target: what was wished for then.
    """

    channel: str
    kind: Literal["temperature", "metric"]
    unit: str | None
    after_s: list[float]
    count: list[int]
    mean: list[float]
    min: list[float]
    max: list[float]
    last: list[float]
    target: list[float | None]


class Telemetry(msgspec.Struct):
    """A printer's curves. step_s: seconds that each point stands for.

    level: of what they are made: single readings, or what is kept of whole minutes or hours when those are
    gone. available: every channel that was ever read.
    """

    printer: str
    start: Moment = msgspec.field(name="from")
    to: Moment
    step_s: float
    level: Level
    available: list[str]
    curves: list[Curve]


@dataclass(frozen=True, slots=True)
class Wanted:
    """start, end: Unix seconds."""

    printer: str
    start: float
    end: float
    step_s: int
    names: frozenset[str] | None


async def show_telemetry(call: Call, printer: str, query: TelemetryQuery) -> Telemetry:
    """What a printer measured over a span, small enough to draw: each point tells its step's extremes."""
    await readable(call, printer)
    wanted = _wanted(call, printer, query)
    if (wanted.end - wanted.start) / wanted.step_s > MOST_POINTS:
        least = math.ceil((wanted.end - wanted.start) / MOST_POINTS)
        raise Invalid(f"step: at least {least} s for a span as long as this one", "step")
    found, available = await call.desk.readings.read(_look, wanted)
    return Telemetry(
        printer=printer,
        start=iso(_moment(wanted.start)),
        to=iso(_moment(wanted.end)),
        step_s=found.step_s,
        level=found.level,
        available=available,
        curves=[_shown(curve, wanted.start) for curve in found.curves],
    )


async def send_telemetry(call: Call, printer: str, query: TelemetryQuery) -> Sheet:
    """What a printer measured over a span, as a table: any span, in any steps."""
    await readable(call, printer)
    wanted = _wanted(call, printer, query)
    return sheet(f"telemetry-{printer}", COLUMNS, _pieces(call, wanted))


async def _pieces(call: Call, wanted: Wanted) -> AsyncGenerator[list[Sequence[Cell]]]:
    there = await call.desk.readings.read(curves.reach, wanted.printer)
    if there is None:
        return
    first, last = there
    start, last = max(wanted.start, first), min(wanted.end, last + 1)
    whole_s = wanted.step_s * STEPS_IN_A_PIECE
    while start < last:
        end = min((start // whole_s + 1) * whole_s, last)
        found, _ = await call.desk.readings.read(_look, replace(wanted, start=start, end=end))
        yield list(_rows(found))
        start = end


def _wanted(call: Call, printer: str, query: TelemetryQuery) -> Wanted:
    """Raises Invalid."""
    end = (query.to or call.desk.clock()).timestamp()
    start = end - USUAL_S if query.from_ is None else query.from_.timestamp()
    if start < 0:
        raise Invalid("from: not before 1970", "from")
    if start >= end:
        raise Invalid("to: it has to be after from", "to")
    names = None if query.channels is None else frozenset(query.channels.split(","))
    if names is not None and len(names) > MOST_CHANNELS:
        raise Invalid(f"channels: at most {MOST_CHANNELS} at a time", "channels")
    return Wanted(printer, start, end, query.step or curves.step_for(end - start), names)


def _look(db: Connection, wanted: Wanted) -> tuple[curves.Curves, list[str]]:
    found = curves.of_printer(db, wanted.printer, wanted.start, wanted.end, wanted.step_s, wanted.names)
    available = [name for kind in KINDS for name in numbers_of(db, kind, wanted.printer)]
    return found, available


def _shown(curve: curves.Curve, start: float) -> Curve:
    points = curve.points
    return Curve(
        channel=curve.name,
        kind=_kind(curve),
        unit=_unit(curve),
        after_s=[round(point.at - start, 3) for point in points],
        count=[point.readings for point in points],
        mean=[round(point.mean, 4) for point in points],
        min=[round(point.min, 4) for point in points],
        max=[round(point.max, 4) for point in points],
        last=[round(point.last, 4) for point in points],
        target=[point.target for point in points],
    )


def _rows(found: curves.Curves) -> Iterator[Sequence[Cell]]:
    for curve in found.curves:
        named = (curve.name, _kind(curve), _unit(curve))
        for at, count, *values, target in curve.points:
            yield (
                iso(_moment(at)),
                found.step_s,
                *named,
                count,
                *(round(value, 4) for value in values),
                target,
            )


def _kind(curve: curves.Curve) -> Literal["temperature", "metric"]:
    return "temperature" if curve.kind is TEMPERATURE else "metric"


def _unit(curve: curves.Curve) -> str | None:
    return "degC" if curve.kind is TEMPERATURE else UNITS.get(curve.name.partition(".")[0])


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


ROUTES = (
    Route("GET", "/v1/printers/<printer>/telemetry", show_telemetry, Action.READ),
    Route("GET", "/v1/printers/<printer>/telemetry.csv", send_telemetry, Action.READ),
)
