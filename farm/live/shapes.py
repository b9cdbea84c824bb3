"""How printers, jobs, prints and files look as JSON, the same over HTTP and on the live socket.

Pure: values in, shapes out; the API's description is generated from these classes, so it cannot say
anything else. Secrets are never among them. What the farm does not know is null, never invented.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, convert, defstruct, field, structs

from farm.domain import anomaly, ejecting, job, optimising, plan, printer
from farm.domain import order as domain_order
from farm.domain.analysis import GcodeAnalysis, MeshAnalysis
from farm.domain.anomaly import AnomalyKind, Severity
from farm.domain.clock import iso
from farm.domain.ejecting import EjectionState
from farm.domain.file import FileKind, FileState, StoredFile
from farm.domain.job import FailureCause, JobState, PrintState
from farm.domain.optimising import Comments, Proven
from farm.domain.order import OrderState
from farm.domain.plan import Planned
from farm.domain.printer import Breaker, Connection, Operation, Plate
from farm.drivers.kinds import capabilities_at
from farm.store import changes

Moment: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time", "pattern": "Z$"})]
"""A time as `iso` writes it: ISO 8601 in UTC, ending in Z."""

Share: TypeAlias = Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": 1})]
"""How much of a whole, 0 to 1."""


class Address(Struct, frozen=True):
    """How a printer is reached, without its secret. tls: whom it trusts, where not what the system does.

    endpoints: where the host's paths lie that are not the usual ones, by their names.
    A simulated printer has no url, but what follows it.
    """

    kind: str
    url: str | None
    tls: str | UnsetType = UNSET
    endpoints: Mapping[str, str] | UnsetType = UNSET
    username: str | UnsetType = UNSET
    dialect: str | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    faults: Mapping[str, Any] | UnsetType = UNSET


class Temperature(Struct, frozen=True):
    """One heater, in degrees Celsius; null where the printer gave no value."""

    actual: float | None
    target: float | None


class Position(Struct, frozen=True):
    """Where the toolhead is, in millimetres."""

    x: float
    y: float
    z: float


class Progress(Struct, frozen=True):
    """The running print as its printer tells it; elapsed_s and remaining_s in seconds."""

    id: str
    job: str
    file: str
    name: str
    state: str
    progress: Share | None
    elapsed_s: float | None
    remaining_s: float | None
    ends_at: Moment | None
    layer: int | None = None
    layers: int | None = None


class Ejector(Struct, frozen=True):
    """How a printer stands that pushes prints off by itself: done of at_most since somebody looked at it.

    state: of the ejection that goes on, null for none. note: why a person has to take the print off.
    """

    done: int
    at_most: int
    state: EjectionState | None
    note: str


class Evidence(Struct, frozen=True):
    """The numbers behind a trouble. channel: a heater's name, "progress", "line" and the like. window_s: the
    seconds looked at. values: by what they are, limit: which of them would be too much, or too little."""

    channel: str
    window_s: float
    values: Mapping[str, float]
    limit: float


class Anomaly(Struct, frozen=True):
    """Something that is wrong with a printer. sentence: for the person at it."""

    kind: AnomalyKind
    severity: Severity
    sentence: str
    evidence: Evidence


class Status(Struct, frozen=True):
    """How a printer stands. foreign: it prints what the farm did not start; foreign_file: its name there.

    ejector: null where it does not push prints off by itself.
    anomalies: what is wrong with it now, the worst first. doubt: what was wrong with it, until it has printed
    well or somebody has seen to it (`clear_doubt`); until then the plan prefers others. doubt_since: when the
    first of it was seen.
    """

    connection: Connection
    operation: Operation
    plate: Plate
    breaker: Breaker
    next_try_at: Moment | None
    message: str
    since: Moment | None
    temperatures: dict[str, Temperature]
    position: Position | None
    foreign: bool
    foreign_file: str | None
    print: Progress | None
    anomalies: list[Anomaly]
    doubt: str | None
    doubt_since: Moment | None
    ejector: Ejector | None = None


class Loaded(Struct, frozen=True):
    """What filament is in one tool, from 0; null where nobody said."""

    tool: int
    material: str | None
    colour: str | None
    spool: str | None


class Optimising(Struct, frozen=True):
    """How copies of files are made that are sent instead of them: see what one sends."""

    comments: Comments
    arc_tolerance_mm: float | None
    arc_step_mm: float
    progress: bool


class Ejecting(Struct, frozen=True):
    """How the printer pushes prints off: see what one sends."""

    sweep: list[str]
    release_degc: float
    at_most: int
    cool_within_s: float
    min_height_mm: float | None
    max_height_mm: float | None
    materials: list[str]
    confirmed: bool


class Profile(Struct, frozen=True):
    """What the printer can do and takes, as the shop says; null where nobody said.

    heat_up_w and printing_w in watts, heat_up_s in seconds. circuit: the fuse it hangs on.
    optimise: null where files are sent as they are. auto_eject: whether it pushes prints off by itself, as
    ejection says.
    """

    volume_mm: tuple[float, float, float] | None
    nozzle_mm: float | None
    materials: list[str]
    max_nozzle_degc: float | None
    max_bed_degc: float | None
    heat_up_w: float | None
    heat_up_s: float | None
    printing_w: float | None
    circuit: str | None
    auto_eject: bool
    loaded: list[Loaded]
    model: str | None = None
    optimise: Optimising | None = None
    ejection: Ejecting | None = None


class PrinterSetUp(Struct, frozen=True):
    """A printer as the shop set it up. capabilities: what its kind can be told to do."""

    id: str
    name: str
    tags: list[str]
    enabled: bool
    connection: Address
    health_check_interval_s: float
    max_retries: int
    profile: Profile
    capabilities: list[str]


class Printer(PrinterSetUp, frozen=True):
    """A printer as the shop set it up, and how it stands. capabilities: what its kind can be told to do."""

    status: Status


class Change(Struct, frozen=True):
    """One line of a thing's history."""

    at: Moment
    old: str | None = field(name="from")
    new: str = field(name="to")
    who: str
    why: str


class Parts(Struct, frozen=True):
    """Good parts: wanted in all, counted as good, and expected of plates.

    uncounted: of finished plates that nobody has cleared yet. running: of plates that are being printed.
    remaining: for which no plate was begun yet. With bad parts, and full plates, they may be more than
    were wanted.
    """

    wanted: int
    good: int
    uncounted: int
    running: int
    remaining: int


class Print(Struct, frozen=True):
    """One attempt on one printer. good: parts that came off well, null until somebody has counted them.

    filament_g: grams that it took, null where nobody can tell. cause, note: why it failed, as somebody says.
    optimised: the SHA-256 of the smaller copy that is sent to the printer; null where the file itself is.

    log: its history, where the answer is about prints.
    """

    id: str
    job: str
    printer: str
    attempt: str
    state: PrintState
    progress: Share
    reserved_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    reason: str
    good: int | None
    filament_g: float | None = None
    cause: FailureCause | None = None
    note: str = ""
    optimised: str | None = None
    log: list[Change] | UnsetType = UNSET


class Reason(Struct, frozen=True):
    """What keeps a printer from beginning a job. printer: null where it is the job's own.

    constraint, needed, have: what was compared, where something was; needed is null where nobody knows.
    """

    printer: str | None
    reason: str
    constraint: str | UnsetType = UNSET
    needed: str | UnsetType | None = UNSET
    have: str | UnsetType | None = UNSET


class Pin(Struct, frozen=True):
    """Somebody said on which printer it is to be printed. start: it is not begun before, null for at once."""

    printer: str
    start: Moment | None


class PlannedPrint(Struct, frozen=True):
    """Where and when a print is to begin, and to end. early, late: nine times of ten it ends between them;
    null where nothing was learned of how long prints take there."""

    printer: str
    start: Moment
    end: Moment
    early: Moment | None = None
    late: Moment | None = None


class Job(Struct, frozen=True):
    """One wish to print a file, with its attempts, oldest first.

    material, colour: to print it in, null for what its file says. approval: of what it waits for somebody's
    approval: that it is more than its owner's "share", or that it is a "fit"; approval_why: in words.
    warnings: what speaks against a printer, and does not keep it from beginning; null in lists, as why_not.
    done: copies whose parts are there. failed: prints that spoiled a plate, since it was last retried.
    planned: its next print in the plan, null where there is none. why_not: what keeps each printer from
    beginning it; null in lists, where nobody looked.
    """

    id: str
    state: JobState
    file: str
    name: str
    copies: int
    yield_: int = field(name="yield")
    priority: int
    release_at: Moment | None
    due_at: Moment | None
    deadline_at: Moment | None
    order: str | None
    required_printers: list[str]
    required_tags: list[str]
    preferred_printers: list[str]
    pin: Pin | None
    rotatable: bool
    attended: bool
    allow_short_filament: bool
    material: str | None
    colour: str | None
    approval: job.Approval | None
    approval_why: str | None
    created_by: str
    created_at: Moment
    done: int
    failed: int
    parts: Parts
    prints: list[Print]
    planned: PlannedPrint | None = None
    why_not: list[Reason] | None = None
    warnings: list[Reason] | None = None


class Expected(Struct, frozen=True):
    """When the last print of an order will end, as it is planned.

    early, late: nine times of ten it is between them. in_time: the chance that it is, 0 to 1. All null where
    too little was learned of how long prints take, in_time also where it is wanted by no time.
    """

    end: Moment
    early: Moment | None
    late: Moment | None
    in_time: float | None


class Order(Struct, frozen=True):
    """What one customer wants, and how much of it is there. progress: share of the parts that are good.

    jobs: their ids, oldest first. parts: of those that were not cancelled. expected: when it will be done;
    null where not all of it is planned.
    """

    id: str
    reference: str
    note: str
    due_at: Moment | None
    state: OrderState
    created_by: str
    created_at: Moment
    cancelled_at: Moment | None
    jobs: list[str]
    parts: Parts
    progress: Share
    expected: Expected | None = None


def _shape_of(analysis: type, kind: FileKind) -> type[Struct]:
    """The shape of an analysis, told from the others by its `kind`: msgspec wants to tell them apart."""
    hints = get_type_hints(analysis)
    own = [(one.name, hints[one.name]) for one in dataclasses.fields(analysis) if one.name != "kind"]
    words = {"__doc__": analysis.__doc__}
    name = f"{kind.name.title().replace('_', '')}Analysis"
    return defstruct(name, own, tag_field="kind", tag=kind.value, frozen=True, namespace=words)


_RESULTS = {kind: _shape_of(MeshAnalysis if kind.is_model else GcodeAnalysis, kind) for kind in FileKind}

if TYPE_CHECKING:
    Result: TypeAlias = Any
else:
    Result = functools.reduce(operator.or_, _RESULTS.values())


class Analysis(Struct, frozen=True):
    """Where a file's analysis stands: `reason` when it failed, `result` when it is ready.

    There may be a result before: what the file's slicer says of it, or what an earlier analysis found.
    """

    state: FileState
    reason: str | None
    result: Result | None


class File(Struct, frozen=True):
    """A file that was sent. size: bytes."""

    id: str
    name: str
    kind: FileKind
    size: int
    sha256: str
    uploaded_by: str
    uploaded_at: Moment
    analysis: Analysis


class OptimisedCopy(Struct, frozen=True):
    """What became of a printer's wish for a smaller copy of a file.

    sha256, size (bytes), proven: null where there is none, for this reason. proven: what the file, and the
    copy read again, have in common and where they differ; seconds by the farm's model of motion.
    """

    settings: Optimising
    made_at: Moment
    sha256: str | None
    size: int | None
    proven: Proven | None
    reason: str | None


class OptimisedCopies(Struct, frozen=True):
    """All smaller copies of a file, and those that could not be made."""

    items: list[OptimisedCopy]


def of_optimised_copy(copy: optimising.OptimisedCopy) -> OptimisedCopy:
    return OptimisedCopy(
        settings=of_optimising(copy.settings),
        made_at=iso(copy.made_at),
        sha256=copy.sha256,
        size=copy.size,
        proven=copy.proven,
        reason=copy.reason,
    )


def of_printer(shown: printer.Printer, status: printer.PrinterStatus, at: datetime) -> Printer:
    """A printer as the shop set it up, and how it stands. at: when the status was told."""
    return Printer(**structs.asdict(of_set_up(shown)), status=of_status(status, at))


def of_set_up(shown: printer.Printer) -> PrinterSetUp:
    """A printer as the shop set it up."""
    return PrinterSetUp(
        id=shown.id,
        name=shown.name,
        tags=sorted(shown.tags),
        enabled=shown.enabled,
        connection=_address(shown.address),
        health_check_interval_s=shown.health_check_interval_s,
        max_retries=shown.max_retries,
        profile=of_profile(shown.profile),
        capabilities=sorted(capabilities_at(shown.address)),
    )


def _address(address: printer.Address) -> Address:
    if (simulated := address.simulation) is not None:
        return Address(
            address.kind,
            None,
            dialect=simulated.dialect,
            speed=simulated.speed,
            faults=simulated.faults,
        )
    return Address(
        address.kind,
        address.url,
        UNSET if address.tls == "system" else address.tls,
        dict(address.endpoints) or UNSET,
        address.username or UNSET,
    )


def of_profile(profile: printer.Profile) -> Profile:
    return Profile(
        volume_mm=profile.volume_mm,
        nozzle_mm=profile.nozzle_mm,
        materials=sorted(profile.materials),
        max_nozzle_degc=profile.max_nozzle_degc,
        max_bed_degc=profile.max_bed_degc,
        heat_up_w=profile.heat_up_w,
        heat_up_s=profile.heat_up_s,
        printing_w=profile.printing_w,
        circuit=profile.circuit,
        auto_eject=profile.auto_eject,
        loaded=[Loaded(each.tool, each.material, each.colour, each.spool) for each in profile.loaded],
        model=profile.model,
        optimise=None if profile.optimise is None else of_optimising(profile.optimise),
        ejection=None if profile.ejection is None else _ejecting(profile.ejection),
    )


def _ejecting(wish: ejecting.Ejecting) -> Ejecting:
    return Ejecting(
        sweep=list(wish.sweep),
        release_degc=wish.release_degc,
        at_most=wish.at_most,
        cool_within_s=wish.cool_within_s,
        min_height_mm=wish.min_height_mm,
        max_height_mm=wish.max_height_mm,
        materials=sorted(wish.materials),
        confirmed=wish.confirmed,
    )


def of_optimising(wish: optimising.Optimising) -> Optimising:
    return Optimising(wish.comments, wish.arc_tolerance_mm, wish.arc_step_mm, wish.progress)


def of_status(status: printer.PrinterStatus, at: datetime) -> Status:
    """How a printer stands. at: when it was told, from which the print's end is reckoned."""
    position = status.position
    return Status(
        connection=status.connection,
        operation=status.operation,
        plate=status.plate,
        breaker=status.breaker,
        next_try_at=moment(status.next_try_at),
        message=status.message,
        since=moment(status.since),
        temperatures={
            heater: Temperature(read.actual, read.target) for heater, read in status.temperatures.items()
        },
        position=None if position is None else Position(position.x, position.y, position.z),
        foreign=status.foreign,
        foreign_file=status.foreign_file or None,
        print=None if status.print is None else _progress(status.print, at),
        anomalies=[of_anomaly(found) for found in status.anomalies],
        doubt=status.doubt.why or None,
        doubt_since=moment(status.doubt.since),
        ejector=None if status.ejector is None else _ejector(status.ejector),
    )


def _ejector(told: ejecting.Ejector) -> Ejector:
    return Ejector(told.done, told.at_most, told.state, told.note)


def of_anomaly(found: anomaly.Anomaly) -> Anomaly:
    """One thing that is wrong with a printer."""
    seen = found.evidence
    evidence = Evidence(seen.channel, seen.window_s, seen.values, seen.limit)
    return Anomaly(found.kind, found.severity, found.sentence, evidence)


def _progress(told: printer.PrintProgress, at: datetime) -> Progress:
    remaining_s = told.remaining_s
    return Progress(
        id=told.id,
        job=told.job,
        file=told.file,
        name=told.name,
        state=told.state,
        progress=told.progress,
        elapsed_s=told.elapsed_s,
        remaining_s=remaining_s,
        ends_at=None if remaining_s is None else iso(at + timedelta(seconds=remaining_s)),
        layer=told.layer,
        layers=told.layers,
    )


def of_job(
    wish: job.Job,
    attempts: Iterable[job.Print],
    why_not: list[Reason] | None = None,
    warnings: list[Reason] | None = None,
    planned: Planned | None = None,
    scheduled: bool = False,
) -> Job:
    """A job with its attempts, oldest first. why_not, warnings, planned: None where nobody looked.

    scheduled: whether the plan has a place for all that is to be begun of it.
    """
    return Job(
        id=wish.id,
        state=job.JobState.SCHEDULED if scheduled and wish.state is job.JobState.QUEUED else wish.state,
        file=wish.file,
        name=wish.name,
        copies=wish.copies,
        yield_=wish.yield_per_plate,
        priority=wish.priority,
        release_at=moment(wish.release_at),
        due_at=moment(wish.due_at),
        deadline_at=moment(wish.deadline_at),
        order=wish.order,
        required_printers=sorted(wish.required_printers),
        required_tags=sorted(wish.required_tags),
        preferred_printers=sorted(wish.preferred_printers),
        pin=None if wish.pin is None else Pin(wish.pin.printer, moment(wish.pin.start)),
        rotatable=wish.rotatable,
        attended=wish.attended,
        allow_short_filament=wish.allow_short_filament,
        material=wish.material,
        colour=wish.colour,
        approval=wish.approval,
        approval_why=wish.approval_why or None,
        created_by=wish.created_by,
        created_at=iso(wish.created_at),
        done=wish.done,
        failed=wish.failed,
        parts=of_parts(wish),
        prints=[of_print(attempt) for attempt in attempts],
        planned=None if planned is None else _planned(planned),
        why_not=why_not,
        warnings=warnings,
    )


def of_parts(*wishes: job.Job) -> Parts:
    """The parts of some jobs together."""
    return Parts(
        wanted=sum(wish.wanted for wish in wishes),
        good=sum(wish.good for wish in wishes),
        uncounted=sum(wish.uncounted * wish.yield_per_plate for wish in wishes),
        running=sum(wish.running * wish.yield_per_plate for wish in wishes),
        remaining=sum(wish.missing for wish in wishes),
    )


def _planned(one: Planned) -> PlannedPrint:
    return PlannedPrint(one.printer, iso(one.start), iso(one.end), moment(one.early), moment(one.late))


def of_order(
    order: domain_order.Order, wishes: Iterable[job.Job], expected: plan.Expected | None = None
) -> Order:
    """An order with its jobs. expected: by the plan in force."""
    own = list(wishes)
    gone = (
        {JobState.CANCELLED} if order.state is not OrderState.CANCELLED else set(JobState) - {JobState.DONE}
    )
    counted = [wish for wish in own if wish.state not in gone]
    wanted = sum(wish.wanted for wish in counted)
    return Order(
        id=order.id,
        reference=order.reference,
        note=order.note,
        due_at=moment(order.due_at),
        state=order.state,
        created_by=order.created_by,
        created_at=iso(order.created_at),
        cancelled_at=moment(order.cancelled_at),
        jobs=[wish.id for wish in own],
        parts=of_parts(*counted),
        progress=sum(min(wish.good, wish.wanted) for wish in counted) / wanted if wanted else 0.0,
        expected=None if expected is None else _expected(expected),
    )


def _expected(one: plan.Expected) -> Expected:
    return Expected(iso(one.end), moment(one.early), moment(one.late), one.in_time)


def of_print(attempt: job.Print, log: Iterable[changes.Change] | None = None) -> Print:
    """One attempt; with its history where `log` is given, otherwise without the word `log`."""
    return Print(
        id=attempt.id,
        job=attempt.job,
        printer=attempt.printer,
        attempt=attempt.attempt,
        state=attempt.state,
        progress=attempt.progress,
        reserved_at=iso(attempt.reserved_at),
        started_at=moment(attempt.started_at),
        ended_at=moment(attempt.ended_at),
        reason=attempt.reason,
        good=attempt.good,
        filament_g=attempt.filament_g,
        cause=attempt.cause,
        note=attempt.note,
        optimised=attempt.optimised,
        log=UNSET if log is None else [of_change(change) for change in log],
    )


def of_change(change: changes.Change) -> Change:
    """One line of a thing's history."""
    return Change(iso(change.at), change.old, change.new, change.who, change.why)


def of_file(file: StoredFile) -> File:
    """A file and where its analysis stands."""
    return File(
        id=file.id,
        name=file.name,
        kind=file.kind,
        size=file.size,
        sha256=file.sha256,
        uploaded_by=file.uploaded_by,
        uploaded_at=iso(file.uploaded_at),
        analysis=Analysis(file.analysis.state, file.analysis.reason, _of_result(file)),
    )


def _of_result(file: StoredFile) -> Result | None:
    result = file.analysis.result
    return None if result is None else convert(result, _RESULTS[file.kind], from_attributes=True)


def moment(at: datetime | None) -> Moment | None:
    """A time as it leaves the farm, null where there is none."""
    return None if at is None else iso(at)
