"""Everything the routes may talk to, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farm.access.gate import Gate
from farm.actors import Address
from farm.actors.supervisor import ActorReport
from farm.actors.vitals import Vitals
from farm.domain.clock import Randomness, WallClock
from farm.domain.file import Quota
from farm.files.messages import FilesMessage
from farm.files.storage import Storage
from farm.live.bell import Bell
from farm.live.clients import Clients
from farm.live.messages import BroadcasterMessage
from farm.printers.messages import FleetMessage, PrinterMessage
from farm.queue.messages import QueueMessage
from farm.queue.plan import Plan
from farm.schedule.messages import SchedulerMessage
from farm.store.database import Database
from farm.telemetry.messages import TelemetryNumbers
from farm.telemetry.writer import Kept
from farm.web.idempotency import Memory
from farm.workers.process import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """printer: the address of a printer's actor by the printer's id; raises NotFound.

    plan: what the queue begins first. readings: telemetry.db. memory: of requests that may be sent again.
    file_workers, planner: what those that read files, and that makes plans, are at. telemetry: how much the
    data processor has to do; readings_kept: what becomes of what printers measured. max_upload: bytes of the
    largest file taken. undo_s: how long a cleared plate can be taken back. version: the farm's own, shown to
    clients.
    """

    gate: Gate
    database: Database
    readings: Database
    queue: Address[QueueMessage]
    plan: Plan
    fleet: Address[FleetMessage]
    printer: Callable[[str], Address[PrinterMessage]]
    events: Address[BroadcasterMessage]
    files: Address[FilesMessage]
    scheduler: Address[SchedulerMessage]
    file_workers: Callable[[], Sequence[State]]
    planner: Callable[[], State]
    telemetry: Callable[[], TelemetryNumbers]
    readings_kept: Callable[[], Kept]
    storage: Storage
    clients: Clients
    bell: Bell
    vitals: Vitals
    reports: Callable[[], list[ActorReport]]
    memory: Memory
    clock: WallClock
    chance: Randomness
    max_upload: int
    quota: Quota
    undo_s: float
    version: str
