"""How each part of the farm does, for GET /v1/system: shapes, and what makes them of a look around."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from farm.actors.supervisor import ActorReport, ActorState
from farm.actors.vitals import Resources
from farm.domain.clock import iso
from farm.domain.job import JobState
from farm.domain.plan import Plan
from farm.domain.printer import Connection, PrinterStatus
from farm.live.clients import ClientNumbers
from farm.live.shapes import Moment
from farm.store.numbers import Numbers
from farm.telemetry.messages import TelemetryNumbers
from farm.telemetry.writer import Kept
from farm.workers.process import State

MB = 1_000_000
OF_A_PRINTER = "printer:"
OF_FILES = "files:"
NEEDED = frozenset({"database", "queue", "printers", "events"})
"""Actors without which their part of the farm does nothing at all."""


class Condition(StrEnum):
    """How a part of the farm does: as it should, partly, or not at all."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Part(Struct, kw_only=True):
    """One part of the farm. message: what is the matter, "" for nothing. since: when that began."""

    status: Condition
    message: str
    since: Moment


class DatabasePart(Part, kw_only=True):
    """waiting: changes that are not written yet."""

    size_mb: float | None
    waiting: int


class QueuePart(Part, kw_only=True):
    """Numbers of jobs that are not over, by state, and of prints that hold a printer."""

    held: int | None
    queued: int | None
    active: int | None
    needs_review: int | None
    quarantined: int | None
    printing: int | None


class PrintersPart(Part, kw_only=True):
    """Numbers of printers by connection. faulted: those whose part of the farm keeps crashing."""

    online: int
    offline: int
    connecting: int
    disabled: int
    faulted: int


class TelemetryPart(Part, kw_only=True):
    """dropped: readings that came faster than they were taken in, or for which there was no room while the
    disk refused, since the start.

    printers, channels: of which something is understood. samples: taken in since the start; late: readings
    that came after newer ones; refused: samples that cannot be true, came much too late, or found no room;
    passed_over: readings of printers that send more than 20 a second.
    """

    size_mb: float | None
    dropped: int
    printers: int
    channels: int
    samples: int
    late: int
    refused: int
    passed_over: int


class FilesPart(Part, kw_only=True):
    """size_mb: of their contents, each counted once. waiting: those that were not read yet.

    workers: what the processes are at that read them; `warming` for a minute or two at the very first
    start, while files are known by their slicers' word alone.
    """

    files: int | None
    size_mb: float | None
    waiting: int | None
    workers: list[State]


class SchedulerPart(Part, kw_only=True):
    """planner: what the process is at that makes the plans; `warming` for a minute or two at the very first
    start, `cold` as long as there was nothing to plan. version: of the plan in force, 0 for none. prints: in
    it; unscheduled: that it leaves out.
    """

    planner: State
    version: int
    prints: int
    unscheduled: int


class LivePart(Part, kw_only=True):
    """clients: on the live socket now. dropped: those that were cut or sent away, since the start."""

    clients: int
    dropped: int


class Components(Struct):
    """The parts of the farm."""

    database: DatabasePart
    queue: QueuePart
    printers: PrintersPart
    scheduler: SchedulerPart
    telemetry: TelemetryPart
    files: FilesPart
    live: LivePart


class ResourceNumbers(Struct):
    """What the server takes of its computer; null for what was not measured yet.

    cpu_percent: of one core. loop_lateness: over the last minute. descriptors: open files and sockets.
    """

    rss_mb: float | None
    cpu_percent: float | None
    loop_lateness_p99_ms: float | None
    loop_lateness_max_ms: float | None
    disk_free_mb: float | None
    descriptors: int | None
    threads: int | None


class System(Struct):
    """status: that of the part that does worst. epoch: the identity of the history of facts."""

    status: Condition
    version: str
    epoch: str | None
    uptime_s: float
    components: Components
    resources: ResourceNumbers


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a part of the farm. for_s: for how many seconds it has been so."""

    condition: Condition
    words: str = ""
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the farm at one moment; None for what did not answer.

    findings: by the name of a part, what is the matter with it beside its actors.
    readings_size: bytes.
    """

    at: datetime
    uptime_s: float
    actors: Mapping[str, ActorReport]
    numbers: Numbers | None
    statuses: Mapping[str, PrinterStatus]
    readings_size: int | None
    file_workers: Sequence[State]
    planner: State
    telemetry: TelemetryNumbers
    readings: Kept
    plan: Plan | None
    clients: ClientNumbers
    findings: Mapping[str, Iterable[Finding]]

    def part(self, name: str, *actors: str) -> Mapping[str, Any]:
        """The fields of `Part` for the part called `name`, which is made of these actors."""
        found = [
            *self.findings.get(name, ()),
            *(_of_actor(actor, self.actors.get(actor)) for actor in actors),
        ]
        worst = max((each.condition for each in found), key=list(Condition).index, default=Condition.OK)
        since_s = min((each.for_s for each in found if each.condition is worst), default=self.uptime_s)
        return {
            "status": worst,
            "message": "; ".join(dict.fromkeys(each.words for each in found if each.words)),
            "since": iso(self.at - timedelta(seconds=since_s)),
        }


def _of_actor(name: str, report: ActorReport | None) -> Finding:
    if report is None:
        return Finding(Condition.FAILED, f"{name} has stopped")
    if report.state is ActorState.RUNNING:
        return Finding(Condition.OK, for_s=report.in_state_s)
    condition = Condition.FAILED if name in NEEDED else Condition.DEGRADED
    why = f": {report.last_error}" if report.last_error else ""
    return Finding(condition, f"{name} is {report.state}{why}", report.in_state_s)


def of(look: Look) -> Components:
    """Every part of the farm."""
    return Components(
        database=_database(look),
        queue=_queue(look),
        printers=_printers(look),
        scheduler=_scheduler(look),
        telemetry=_telemetry(look),
        files=_files(look),
        live=LivePart(
            **look.part("live", "events", "clients"),
            clients=look.clients.clients,
            dropped=look.clients.dropped,
        ),
    )


def worst(parts: Components) -> Condition:
    """How the part does that does worst."""
    each: list[Part] = [getattr(parts, name) for name in Components.__struct_fields__]
    return max((part.status for part in each), key=list(Condition).index)


def _database(look: Look) -> DatabasePart:
    writer = look.actors.get("database")
    return DatabasePart(
        **look.part("database", "database"),
        size_mb=_mb(look.numbers.database if look.numbers else None),
        waiting=writer.depth if writer is not None else 0,
    )


def _queue(look: Look) -> QueuePart:
    numbers = look.numbers

    def jobs(state: JobState) -> int | None:
        return numbers.jobs.get(state, 0) if numbers else None

    return QueuePart(
        **look.part("queue", "queue"),
        held=jobs(JobState.HELD),
        queued=jobs(JobState.QUEUED),
        active=jobs(JobState.ACTIVE),
        needs_review=jobs(JobState.NEEDS_REVIEW),
        quarantined=jobs(JobState.QUARANTINED),
        printing=numbers.printing if numbers else None,
    )


def _printers(look: Look) -> PrintersPart:
    actors = [name for name in look.actors if name.startswith(OF_A_PRINTER)]
    faulted = {
        name.removeprefix(OF_A_PRINTER) for name in actors if look.actors[name].state is ActorState.FAULTED
    }
    by_connection = Counter(
        Connection.FAULTED if id in faulted else status.connection for id, status in look.statuses.items()
    )
    return PrintersPart(
        **look.part("printers", "printers", *(OF_A_PRINTER + id for id in sorted(faulted))),
        online=by_connection[Connection.ONLINE],
        offline=by_connection[Connection.OFFLINE],
        connecting=by_connection[Connection.CONNECTING],
        disabled=by_connection[Connection.DISABLED],
        faulted=by_connection[Connection.FAULTED],
    )


def _telemetry(look: Look) -> TelemetryPart:
    taker = look.actors.get("telemetry")
    part = look.part("telemetry", "telemetry", "database:telemetry", "history")
    message = "; ".join(filter(None, (part["message"], look.readings.words)))
    return TelemetryPart(
        **{**part, "message": message},
        size_mb=_mb(look.readings_size),
        dropped=(taker.dropped if taker is not None else 0) + look.readings.dropped,
        printers=look.telemetry.printers,
        channels=look.telemetry.channels,
        samples=look.telemetry.samples,
        late=look.telemetry.late,
        refused=look.telemetry.refused,
        passed_over=look.telemetry.passed_over,
    )


def _scheduler(look: Look) -> SchedulerPart:
    plan = look.plan
    return SchedulerPart(
        **look.part("scheduler", "scheduler"),
        planner=look.planner,
        version=plan.version if plan is not None else 0,
        prints=len(plan.placements) if plan is not None else 0,
        unscheduled=sum(one.copies for one in plan.unplanned) if plan is not None else 0,
    )


def _files(look: Look) -> FilesPart:
    numbers = look.numbers
    return FilesPart(
        **look.part("files", *(name for name in look.actors if name == "files" or name.startswith(OF_FILES))),
        files=numbers.files if numbers else None,
        size_mb=_mb(numbers.contents if numbers else None),
        waiting=numbers.unread if numbers else None,
        workers=list(look.file_workers),
    )


def of_resources(measured: Resources) -> ResourceNumbers:
    """The process's own numbers in the units of the API."""
    use = measured.use
    return ResourceNumbers(
        rss_mb=_mb(use.memory if use else None),
        cpu_percent=_rounded(measured.processor, 100),
        loop_lateness_p99_ms=_rounded(measured.lateness_p99_s, 1000),
        loop_lateness_max_ms=_rounded(measured.lateness_max_s, 1000),
        disk_free_mb=_mb(measured.disk_free),
        descriptors=use.descriptors if use else None,
        threads=use.threads if use else None,
    )


def _mb(size: int | None) -> float | None:
    return None if size is None else round(size / MB, 3)


def _rounded(value: float | None, times: float) -> float | None:
    return None if value is None else round(value * times, 3)
