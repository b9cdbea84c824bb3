"""How a problem is written in JSON. `python -m farm.schedule schema` prints this as a JSON Schema.

Three ways: the shop's own, with printers, jobs and people; matrices as in books, of unrelated machines with
set-up times that depend on the order; and instances, in minutes from an instant `t0`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from farm.schedule.problem import FOREVER

MOST_PRINTERS, MOST_JOBS, MOST_PRINTS = 2_000, 20_000, 50_000  # what a PC can still plan, with room to spare
MOST_SPANS = 100_000

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, Meta(ge=0, lt=FOREVER)]
Duration = Annotated[int, Meta(ge=1, lt=FOREVER)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
Some = Annotated[float, Meta(gt=0, le=1e12)]
Time = Annotated[str, Meta(description="on the wall, from 00:00 to 24:00")]
Days = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TwoTimes = Annotated[list[int], Meta(min_length=2, max_length=2, description="from, to before")]
Spans = Annotated[list[TwoTimes], Meta(max_length=MOST_SPANS)]


class Closed(Struct, forbid_unknown_fields=True):
    """Refuses what it does not know, so that a misspelt key is not a wish that nobody hears."""


class FilamentSent(Closed):
    """Of a print "" is any colour."""

    material: Name
    colour: str = ""


class RunningSent(Closed):
    """What a printer prints now, until its ready_s."""

    job: Name
    heat_until_s: Seconds = 0


class PrinterSent(Closed):
    """A printer; times in seconds from now."""

    id: Name
    ready_s: Seconds = 0
    plate_clear: bool = True
    loaded: FilamentSent | None = None
    grams_left: Amount | None = None
    heat_up_w: Amount = 0.0
    heat_up_s: Seconds = 0
    printing_w: Amount = 0.0
    circuit: Name | None = None
    auto_eject: bool = False
    eject_s: Seconds = 300
    attended: bool = False
    max_print_s: Duration | None = None
    blocked: Spans = []
    risk: Annotated[float, Meta(ge=0, le=1)] = 0.0
    running: RunningSent | None = None


class PinSent(Closed):
    """Where it has to be printed, and perhaps before when it is not to start."""

    printer: Name
    start_s: Seconds | None = None


class ReasonSent(Closed):
    """Why a printer cannot print a job."""

    printer: Name
    constraint: Name
    needed: str = ""
    have: str = ""


class JobSent(Closed):
    """A job. estimate_s: of one print, for each printer that can print it, or one number for all of them.

    required_printers: no other prints it. priority: a weight of 2 ** priority; give one of the two.
    """

    id: Name
    estimate_s: Duration | dict[str, Duration]
    copies: Annotated[int, Meta(ge=1, le=MOST_PRINTS)] = 1
    filament: FilamentSent | None = None
    grams: Amount | None = None
    allow_short_filament: bool = False
    weight: Amount | None = None
    priority: Annotated[int, Meta(ge=-20, le=20)] | None = None
    release_s: Seconds = 0
    due_s: Annotated[int, Meta(gt=-FOREVER, lt=FOREVER)] | None = None
    deadline_s: Seconds | None = None
    max_print_s: Duration | None = None
    attended: bool = False
    preferred_printers: list[Name] = []
    required_printers: list[Name] = []
    pin: PinSent | None = None
    excluded: list[ReasonSent] = []


class ShiftSent(Closed):
    """When people come and go. end: next day where it is not after start. days: on which it starts."""

    days: Annotated[list[Days], Meta(min_length=1)]
    start: Time
    end: Time


class WindowSent(Closed):
    """Maintenance, in seconds from now. affected_printers: ids, or "all"."""

    start: int
    end: int
    affected_printers: list[Name] | Literal["all"]


class ChangeSent(Closed):
    """How long the change from one filament to another takes."""

    before: FilamentSent
    after: FilamentSent
    seconds: Seconds


class HandWorkSent(Closed):
    """How long a person needs, in seconds."""

    clear_s: Seconds = 300
    colour_s: Seconds = 600
    material_s: Seconds = 1200
    spool_s: Seconds = 300
    new_spool_g: Some = 1000.0
    changes: list[ChangeSent] = []


class StockSent(Closed):
    """How much there is of a filament."""

    material: Name
    colour: str
    grams: Amount


class PlacedSent(Closed):
    """Where the plan before had a print."""

    job: Name
    printer: Name
    hand_work_start: int
    start: int
    copy: Seconds = 0


class WeightsSent(Closed):
    """The price of a unit of each."""

    tardiness: Amount = 10.0
    flow: Amount = 1.0
    makespan: Amount = 10.0
    changeover: Amount = 100.0
    hand_work: Amount = 0.0
    non_preferred: Amount = 200.0
    other_printer: Amount = 0.0
    shift: Amount = 0.0
    shift_halves_s: Duration = 4 * 3600
    doubtful: Amount = 0.0


class ProblemSent(Closed):
    """A shop and its work. Times in seconds from `now`.

    People are there in `working_hours` of the zone but on closed_dates (for horizon_s), or in the spans of
    `staffed`; with neither always.
    """

    printers: Annotated[list[PrinterSent], Meta(max_length=MOST_PRINTERS)]
    jobs: Annotated[list[JobSent], Meta(max_length=MOST_JOBS)]
    now: str = "2026-01-01T00:00:00Z"
    timezone: str = "UTC"
    working_hours: Annotated[list[ShiftSent], Meta(max_length=100)] | None = None
    closed_dates: Annotated[list[str], Meta(max_length=2000)] = []
    horizon_s: Annotated[int, Meta(ge=3600, le=2 * 366 * 86_400)] = 90 * 86_400
    staffed: Spans | None = None
    operators: Annotated[int, Meta(ge=1, le=1000)] | None = None
    power_w: Some | None = None
    circuits_w: dict[str, Some] = {}
    stock: list[StockSent] = []
    max_print_s: Duration | None = None
    maintenance_windows: Annotated[list[WindowSent], Meta(max_length=MOST_SPANS)] = []
    hand_work: HandWorkSent = msgspec.field(default_factory=HandWorkSent)
    weights: WeightsSent = msgspec.field(default_factory=WeightsSent)
    previous: Annotated[list[PlacedSent], Meta(max_length=MOST_PRINTS)] = []
    frozen_s: Seconds = 3600


Numbers = Annotated[list[Seconds], Meta(max_length=MOST_JOBS)]


class MatricesSent(Closed):
    """Unrelated machines with set-up times that depend on the order, as in books; any unit of time.

    duration[job][printer], null where it cannot be. setup[printer][before][after] and
    initial_setup[printer][first]: none where left out.
    """

    duration: Annotated[list[list[Duration | None]], Meta(min_length=1, max_length=MOST_JOBS)]
    setup: list[list[Numbers]] | None = None
    initial_setup: list[Numbers] | None = None
    eligible: list[list[bool]] | None = None
    release: Numbers | None = None
    due: list[int | None] | None = None
    deadline: list[Seconds | None] | None = None
    weights: list[Amount] | None = None
    ready: Numbers | None = None
    jobs: list[Name] | None = None
    printers: list[Name] | None = None
    name: str = ""
    objective: Literal["makespan", "tardiness"] = "makespan"


class InstancePrinter(Struct):
    """speed: times the base time of a job. heat, steady: watts. avail: free from then on."""

    id: int
    bed: float
    enclosed: bool
    nozzle: float
    speed: float
    heat: float
    steady: float
    avail: Seconds
    material: str
    color: str
    maint: list[TwoTimes]


class InstanceJob(Struct):
    """base: minutes at speed 1. size: of the square that it needs. preferred: numbers of printers."""

    id: int
    base: Some
    material: str
    color: str
    size: float
    nozzle: float
    weight: Amount
    release: Seconds
    due: int
    preferred: list[int] = []
    grams: float | None = None


class InstanceSent(Struct):
    """A farm to measure plans with: minutes from t0. cap: watts. windows: when people are there."""

    t0: str
    tz: str
    cap: Some
    windows: Spans
    printers: list[InstancePrinter]
    jobs: list[InstanceJob]
    name: str = ""


class PlacementSent(Closed):
    """One print of a plan, in seconds from now."""

    job: Name
    printer: Name
    hand_work_start: int
    hand_work_end: int
    start: int
    end: int
    copy: int = 0
    locked: bool = False


class UnscheduledSent(Struct):
    """Prints of a job that a plan leaves out."""

    job: Name
    copies: Annotated[int, Meta(ge=1)] = 1


class PlanSent(Struct):
    """What is read of a plan."""

    placements: Annotated[list[PlacementSent], Meta(max_length=MOST_PRINTS)]
    unscheduled: Annotated[list[UnscheduledSent], Meta(max_length=MOST_JOBS)] = []


def json_schema() -> dict[str, Any]:
    """Of all three, as JSON Schema 2020-12."""
    (problem, matrices, instance), parts = msgspec.json.schema_components(
        [ProblemSent, MatricesSent, InstanceSent], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A problem for python -m farm.schedule solve",
        "anyOf": [problem, matrices, instance],
        "$defs": parts,
    }
