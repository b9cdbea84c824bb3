"""A problem looked up by names, and what a person has to do at a printer from one print to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from farm.schedule.problem import Filament, Job, Printer, Problem, Setups
from farm.schedule.result import Placement

ROUNDING_G = 1e-6  # sums of the same grams in another order are not more than before


@dataclass(frozen=True, slots=True)
class Loaded:
    """How a printer stands between two prints.

    after: the job printed last, None at first. grams: left on the spool, None where nobody counts.
    """

    clear: bool
    filament: Filament | None
    grams: float | None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class HandsOn:
    """What is done at a printer before a print, in seconds. person: whether somebody has to be there."""

    clear_s: int = 0
    change_s: int = 0
    spool_s: int = 0
    person: bool = True
    changeover: bool = False

    @property
    def total_s(self) -> int:
        return self.clear_s + self.change_s + self.spool_s

    @property
    def person_s(self) -> int:
        return self.total_s if self.person else 0


class Shop:
    """The printers and jobs of a problem by their names."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.printers: Mapping[str, Printer] = {printer.id: printer for printer in problem.printers}
        self.jobs: Mapping[str, Job] = {job.id: job for job in problem.jobs}
        self._machine = {printer.id: number for number, printer in enumerate(problem.printers)}
        self._number = {job.id: number for number, job in enumerate(problem.jobs)}

    def max_print_s(self, printer: Printer, job: Job) -> int | None:
        """The longest print that may be made there of that; None where nothing limits it."""
        limits = (self.problem.max_print_s, printer.max_print_s, job.max_print_s)
        return min((limit for limit in limits if limit is not None), default=None)

    def loaded(self, printer: Printer) -> Loaded:
        """As it will stand when its present print has ended."""
        return Loaded(printer.plate_clear, printer.loaded, printer.grams_left)

    def hands_on(self, printer: Printer, before: Loaded, job: Job) -> tuple[HandsOn, Loaded]:
        """What is to be done before a print of the job, and how the printer stands after it."""
        if self.problem.setups is not None:
            setup_s = self._setup_s(self.problem.setups, printer, before.after, job)
            return HandsOn(change_s=setup_s), replace(before, after=job.id)
        work = self.problem.hand_work
        filament = before.filament if job.filament is None else job.filament
        changed = (
            before.filament is not None and filament is not None and not before.filament.serves(filament)
        )
        need = job.grams or 0.0
        left = work.new_spool_g if changed and before.grams is not None else before.grams
        short = left is not None and left < need
        hands = HandsOn(
            clear_s=0 if before.clear else printer.eject_s if printer.auto_eject else work.clear_s,
            change_s=work.change_s(before.filament, filament),
            spool_s=work.spool_s if short and not changed else 0,
            person=not printer.auto_eject or changed or short,
            changeover=changed,
        )
        if left is not None:
            left = (max(work.new_spool_g, need) if short else left) - need
        return hands, Loaded(clear=False, filament=filament, grams=left, after=job.id)

    def hands_in_order(
        self, printer: Printer, placements: Iterable[Placement]
    ) -> Iterator[tuple[Placement, HandsOn]]:
        """What is to be done before each of a printer's prints. placements: these, in order."""
        state = self.loaded(printer)
        for placement in placements:
            hands, state = self.hands_on(printer, state, self.jobs[placement.job])
            yield placement, hands

    def _setup_s(self, setups: Setups, printer: Printer, after: str | None, job: Job) -> int:
        machine, number = self._machine[printer.id], self._number[job.id]
        if after is None:
            return setups.first[machine][number]
        return setups.between[machine][self._number[after]][number]


class Stock:
    """Grams of each filament that somebody counts and nothing is planned for."""

    def __init__(self, shop: Shop, placements: Iterable[Placement] = ()) -> None:
        self._left = dict(shop.problem.stock_g)
        for placement in placements:
            self._less(shop.jobs[placement.job])

    def too_little_for(self, job: Job, prints: int = 1) -> float | None:
        """What is left, where so many prints of the job take more; None where there is enough."""
        if job.filament is None or job.grams is None or job.allow_short_filament:
            return None
        left = self._left.get(job.filament)
        return left if left is not None and prints * job.grams > left + ROUNDING_G else None

    def take(self, job: Job) -> bool:
        """For one print; whether there was enough."""
        if self.too_little_for(job) is not None:
            return False
        self._less(job)
        return True

    def _less(self, job: Job) -> None:
        if job.filament in self._left and job.grams is not None and not job.allow_short_filament:
            self._left[job.filament] -= job.grams


def by_printer(placements: Iterable[Placement]) -> dict[str, list[Placement]]:
    """Every printer's prints in order."""
    result: dict[str, list[Placement]] = {}
    for placement in sorted(placements, key=lambda one: (one.start, one.hand_work_start)):
        result.setdefault(placement.printer, []).append(placement)
    return result
