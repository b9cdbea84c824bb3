"""What there is to plan: prints, printers, people and power. Plain data, nothing in here asks or waits.

Times are whole seconds from the problem's `now`; intervals are half-open, `[start, end)`. What the words mean
in detail is told where each is checked, in `validate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from farm.domain.plan import Obstacle

Span = tuple[int, int]
"""From the first second to before the second."""

FOREVER = 2**31 - 1
"""Later than any plan reaches: an end for what never ends."""


@dataclass(frozen=True, slots=True)
class Filament:
    """What a printer is loaded with, or must be for a print. colour: "" is wanted where any will do."""

    material: str
    colour: str

    def serves(self, wanted: Filament) -> bool:
        """Whether what is loaded need not be changed for a print; another print's wish counts as loaded."""
        return self.material == wanted.material and wanted.colour in ("", self.colour)


Reason: TypeAlias = Obstacle
"""Why a job cannot be printed here. printer: None where it is not about one. needed, have: in words."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Somebody said where a job is to be printed, and perhaps before when no print of it is to start."""

    printer: str
    start_s: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One wish. Its prints are alike: which of them stands where does not matter.

    copies: prints that are still to be begun. estimate_s: of one print, by the printer's id; a printer that
    is not named cannot print it. excluded: why not, for those a person may ask about. filament: None takes
    what is loaded, and leaves it there.
    grams: that one print takes, None where nobody knows. allow_short_filament: print although the stock is
    too small; such a job is left out of the sum that the stock has to cover. weight: 2 ** priority.
    due_s: when the last of the prints is wanted; deadline_s: after which they are of no use. max_print_s: a
    print that takes longer is not made.
    attended: people are there while it prints. preferred: printers that are wished for, and not insisted on.
    """

    id: str
    estimate_s: Mapping[str, int]
    copies: int = 1
    filament: Filament | None = None
    grams: float | None = None
    allow_short_filament: bool = False
    weight: float = 1.0
    release_s: int = 0
    due_s: int | None = None
    deadline_s: int | None = None
    max_print_s: int | None = None
    attended: bool = False
    preferred: frozenset[str] = frozenset()
    pin: Pin | None = None
    excluded: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """What a printer does now; it is never moved. heat_until_s: until when it draws its peak."""

    job: str
    heat_until_s: int = 0


@dataclass(frozen=True, slots=True)
class Printer:
    """A printer that may be given prints.

    ready_s: when its present print ends, 0 when it has none. plate_clear: whether nothing lies on its plate
    then. loaded, grams_left: its filament; grams None: nobody counts them.
    heat_up_w for heat_up_s seconds from the start of a print, printing_w after: what it draws.
    auto_eject: it clears its plate itself, where neither filament nor spool are changed: that takes eject_s,
    with the time to cool, but no person. attended: people are there while it prints. blocked: its
    maintenance. risk: 0..1, how likely it is to fail a print of ten hours. spread: standard deviation of the
    logarithm of how long a print really takes there to what is planned for it, on average 1; None where
    nobody knows.
    """

    id: str
    ready_s: int = 0
    plate_clear: bool = True
    loaded: Filament | None = None
    grams_left: float | None = None
    heat_up_w: float = 0.0
    heat_up_s: int = 0
    printing_w: float = 0.0
    circuit: str | None = None
    auto_eject: bool = False
    eject_s: int = 300
    attended: bool = False
    max_print_s: int | None = None
    blocked: tuple[Span, ...] = ()
    risk: float = 0.0
    spread: float | None = None
    running: Running | None = None


@dataclass(frozen=True, slots=True)
class HandWork:
    """How long a person needs at a printer, in seconds.

    clear_s: to take the last print off. colour_s, material_s: to change the filament for another colour of
    the same material, or for another material; a full spool comes with it. changes: where an order of two is
    known better (dark to light takes more). spool_s: for a full spool of what is loaded, when less is left
    than a print takes; new_spool_g: what is on it (or as much as the print takes, if that is more).
    """

    clear_s: int = 300
    colour_s: int = 600
    material_s: int = 1200
    changes: Mapping[tuple[Filament, Filament], int] = field(default_factory=dict)
    spool_s: int = 300
    new_spool_g: float = 1000.0

    def change_s(self, before: Filament | None, after: Filament | None) -> int:
        """For the change alone. Of what nobody knows is taken that it stays as it is."""
        if before is None or after is None or before.serves(after):
            return 0
        usual = self.colour_s if before.material == after.material else self.material_s
        return self.changes.get((before, after), usual)


@dataclass(frozen=True, slots=True)
class Weights:
    """What a plan costs. Each is the price of one unit of what its name says; the plan with the lowest sum
    is the best.

    tardiness, flow: of a minute, times the job's weight; both count once for a job, by the last of its
    prints, flow from its release, or from now. makespan: of a minute until the last print ends. changeover:
    of a change of filament. hand_work: of a minute of somebody's work. non_preferred: of a print that is not
    on a printer it was wished for. other_printer: of a print that was planned on another printer before;
    shift: of a minute by which its start was moved, and half of it for each `shift_halves_s` that it lay
    ahead. doubtful: of an hour on a printer, times its risk.

    Prints that are left out have no price: a plan that leaves out less (by the weight of its jobs) is better
    at any cost.
    """

    tardiness: float = 10.0
    flow: float = 1.0
    makespan: float = 10.0
    changeover: float = 100.0
    hand_work: float = 0.0
    non_preferred: float = 200.0
    other_printer: float = 0.0
    shift: float = 0.0
    shift_halves_s: int = 4 * 3600
    doubtful: float = 0.0


@dataclass(frozen=True, slots=True)
class Setups:
    """Set-up times of a problem from a book: `between[machine][before][after]`, and `first[machine][after]`.

    Machines and jobs in the order of the problem; seconds. They stand in for all hand-work.
    """

    first: tuple[tuple[int, ...], ...]
    between: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the plan before had a print."""

    printer: str
    hand_work_start: int
    start: int


@dataclass(frozen=True, slots=True)
class Problem:
    """All that a plan depends on.

    now: the instant that times count from. zone: the shop's, for what people read. staffed: when people are
    there, apart from each other and in order; None means always. operators: hand-works that a person does at
    one instant, None means any number.
    power_w: for the whole farm; circuits_w: for each circuit. stock_g: what there is of a filament, for
    those that somebody counts. previous: the adopted plan by (job, copy), as far as it is still to be begun.
    frozen_s: prints whose hand-work was planned to start before it come first on their printers, in the order
    they had, unless that cannot be.
    """

    now: datetime
    printers: tuple[Printer, ...]
    jobs: tuple[Job, ...]
    staffed: tuple[Span, ...] | None = None
    operators: int | None = None
    power_w: float | None = None
    circuits_w: Mapping[str, float] = field(default_factory=dict)
    stock_g: Mapping[Filament, float] = field(default_factory=dict)
    max_print_s: int | None = None
    hand_work: HandWork = HandWork()
    setups: Setups | None = None
    weights: Weights = Weights()
    previous: Mapping[tuple[str, int], Placed] = field(default_factory=dict)
    frozen_s: int = 3600
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now needs a zone")
        object.__setattr__(self, "now", self.now.astimezone(UTC))
