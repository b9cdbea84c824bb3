"""What the farm knows when a plan is made, as the worker process is told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from farm.domain.analysis import GcodeAnalysis
from farm.domain.constraints import NO_CONSTRAINTS, Constraints
from farm.domain.durations import NOTHING_LEARNED, Durations
from farm.domain.file import FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.job import Job
from farm.domain.plan import Plan
from farm.domain.printer import Printer
from farm.domain.settings import AS_SHIPPED, Settings
from farm.domain.spool import Spool


@dataclass(frozen=True, slots=True)
class Station:
    """One printer at that moment.

    away: why it is not to be planned for, "" when it is. free_at: when its present print ends, None when it
    has none. prints: the job of that. began_at: that print. plate_clear: whether nothing lies on it, or
    will lie on it when it is free. left_g: on its first spool; None where nobody counts.
    takes: the kinds of files that it prints. ejects_s: how long it takes to push a print off, cooling and
    all; None where a person has to clear the plate next. doubt: what was wrong with it, "" where it prints
    well.
    """

    printer: Printer
    away: str = ""
    free_at: datetime | None = None
    prints: str | None = None
    began_at: datetime | None = None
    plate_clear: bool = True
    left_g: float | None = None
    takes: frozenset[FileKind] = frozenset({FileKind.GCODE})
    ejects_s: float | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is known of a file, without what a plan has no use for. A model is none that is printed.

    size: in bytes, of what is sent.
    """

    state: FileState
    gcode: GcodeAnalysis | None
    size: int = 0

    @classmethod
    def of(cls, file: StoredFile) -> KnownFile:
        """What is known of a stored one."""
        found = file.analysis.result
        if not isinstance(found, GcodeAnalysis):
            return cls(file.analysis.state, None, file.size)
        slim = replace(found, thumbnails=(), dangerous=None, warnings=(), objects=())
        return cls(file.analysis.state, slim, file.size)

    @property
    def analysis(self) -> FileAnalysis:
        """The same, as everybody else has it."""
        return FileAnalysis(self.state, None, self.gcode)


@dataclass(frozen=True, slots=True)
class Facts:
    """files: what is known of the jobs' files, by their ids. order_due: by the orders' ids; orders_held:
    those of which something is not to be begun yet; order_on: by the printer that is at work for it.

    failed_on: printers on which a file failed and nobody has said that it may be tried there again.
    approved: by file, the profiles for which somebody said that it fits, see `compatibility.limits_of`.
    plan: the one in force. durations: what was learned of how long things take.
    """

    at: datetime
    jobs: tuple[Job, ...]
    files: dict[str, KnownFile]
    stations: tuple[Station, ...]
    constraints: Constraints = NO_CONSTRAINTS
    settings: Settings = AS_SHIPPED
    order_due: Mapping[str, datetime] = field(default_factory=dict)
    orders_held: frozenset[str] = frozenset()
    order_on: Mapping[str, str] = field(default_factory=dict)
    failed_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    approved: Mapping[str, frozenset[str]] = field(default_factory=dict)
    spools: tuple[Spool, ...] = ()
    plan: Plan | None = None
    durations: Durations = NOTHING_LEARNED


@dataclass(frozen=True, slots=True)
class Rules:
    """What the shop allows and minds."""

    constraints: Constraints
    settings: Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """For which farm a plan is wanted. seconds: to look for it. id: that it will have. because: what made it
    necessary. instead: other rules of which is wanted what they would do to the plan; None for a plan."""

    facts: Facts
    seconds: float
    id: str
    seed: int = 1
    because: tuple[str, ...] = ()
    instead: Rules | None = None
