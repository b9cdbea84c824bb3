"""What one can say to the queue."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farm.actors import Ask, Latest
from farm.domain.constraints import Constraints
from farm.domain.job import Job, Pin, Print
from farm.domain.order import Order
from farm.domain.plan import Plan
from farm.domain.settings import Settings
from farm.printers.messages import ObstacleGone, PrinterChanged, PrinterGone
from farm.store.printers import PlateRow


@dataclass(frozen=True, slots=True)
class AddJob(Ask[Job]):
    """Wish to print a file. Answered when the job is committed.

    Raises NotFound for a file that is not here, Invalid for a wrong number or an unknown printer or order,
    Refused for an order that was cancelled. The fields are those of the job.
    """

    file: str
    name: str | None = None
    copies: int = 1
    yield_per_plate: int = 1
    priority: int = 0
    release_at: datetime | None = None
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    order: str | None = None
    required_printers: frozenset[str] = frozenset()
    required_tags: frozenset[str] = frozenset()
    preferred_printers: frozenset[str] = frozenset()
    pin: Pin | None = None
    rotatable: bool = False
    attended: bool = False
    allow_short_filament: bool = False
    material: str | None = None
    colour: str | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class AmendJob(Ask[Job]):
    """Make something else of a job; prints of it that run go on.

    changes: by the names of the job's fields; beside those, `hold` holds or releases it. Raises what
    `AddJob` does, NotFound for an unknown job, Refused for one that is over.
    """

    job: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddOrder(Ask[Order]):
    """Take a customer's order. Its jobs are added with its id. Answered when it is committed."""

    reference: str
    note: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeOrder(Ask[Order]):
    """Change an order's reference, note or due date, by their names. Raises NotFound, Refused."""

    order: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CancelOrder(Ask[Order]):
    """Cancel an order with all its jobs; prints of them that run go on. Raises NotFound, Refused."""

    order: str


@dataclass(frozen=True, slots=True)
class ClearPlate(Ask[PlateRow]):
    """A person looked: nothing lies on the plate. Nothing starts while it can be taken back.

    good: how many good parts came off; None means the job's yield.
    command: the id under which its end is told, "" for nobody.
    Raises Refused while a print is active, NotFound for an unknown printer.
    """

    printer: str
    good: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class UndoPlate(Ask[PlateRow]):
    """Take `ClearPlate` back. Raises Refused when there is nothing to take back, or it is too late."""

    printer: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class ChangeJob(Ask[Job]):
    """Hold, release, cancel or retry a job. Raises NotFound, Refused when its state does not allow it.

    change: "hold", "release", "cancel", "retry". Running prints of it go on; a cancelled job begins no more.
    """

    job: str
    change: str


@dataclass(frozen=True, slots=True)
class ApproveJob(Ask[Job]):
    """Let a job go on that waits for approval. Raises NotFound, Refused, Forbidden for one's own share."""

    job: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """More is known of a file than when its jobs were added."""

    file: str


@dataclass(frozen=True, slots=True)
class ExplainPrint(Ask[Print]):
    """Say why a print failed, or was spoiled. changes: of cause and note.

    Raises NotFound, Invalid, Refused while it goes on.
    """

    print: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetConstraints(Ask[Constraints]):
    """Put these in the place of what the shop allows. Raises Invalid naming the field, Outdated."""

    wanted: Constraints


@dataclass(frozen=True, slots=True)
class ChangeSettings(Ask[Settings]):
    """Change what the shop minds. changes: see `Settings.changed`. Raises Invalid, Outdated."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanIs(Latest):
    """This is the plan in force, or still is. begun: job and printer of prints given after its `made_at`."""

    plan: Plan | None
    begun: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> Hashable:
        return PlanIs


Wish = AddJob | AmendJob | ChangeJob | ApproveJob | AddOrder | ChangeOrder | CancelOrder
"""What people want of jobs and orders."""

ShopRule = SetConstraints | ChangeSettings
"""What people say of the shop."""

QueueMessage = (
    Wish
    | ShopRule
    | ExplainPrint
    | ClearPlate
    | UndoPlate
    | PrinterChanged
    | PrinterGone
    | ObstacleGone
    | FileRead
    | PlanIs
)
