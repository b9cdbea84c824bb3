"""What keeps a print of a job from being begun on a printer that is free, and nobody may overrule. Pure.

The plan says what is best; this says what is allowed, whatever the plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farm.domain.compatibility import (
    Constraint,
    Reason,
    compatibility,
    not_asked_too_soon,
    print_time_s,
    used_filament,
)
from farm.domain.constraints import NO_CONSTRAINTS, Constraints
from farm.domain.file import FileAnalysis
from farm.domain.hours import Span, next_opening, staffed
from farm.domain.job import Job
from farm.domain.printer import Loaded, Printer
from farm.queue.fitting import takes

LONGEST_WATCH_S = 14 * 86_400.0  # nobody stands beside a print for longer; calendars are not read that far

PASSING = frozenset({Constraint.READ, Constraint.ATTENDED, Constraint.MAINTENANCE, Constraint.FAILED_THERE})
"""What goes away by itself, with time or with what others do."""


@dataclass(frozen=True, slots=True)
class Around:
    """What there is to mind beside a job and a printer.

    left_g: what is left on the printer's spools, by tool, where somebody counts. approved: whether a person
    said that the file fits printers of this profile. takes_s: how long a print of it has turned out to take
    there; None for what its file says.
    """

    at: datetime
    shop: Constraints = NO_CONSTRAINTS
    left_g: Mapping[int, float] = field(default_factory=dict)
    approved: bool = False
    takes_s: float | None = None


def obstacles(job: Job, analysis: FileAnalysis, printer: Printer, around: Around) -> list[Reason]:
    """What stands in the way; nothing where a print may be begun. What lasts is told alone."""
    lasting = lasting_obstacles(job, analysis, printer, around)
    if lasting:
        return lasting
    return [
        *_filament(job, analysis, printer, around),
        *_times(job, analysis, printer, around),
    ]


def depends_on_time(job: Job, shop: Constraints) -> bool:
    """Whether it matters how long a print of the job takes, beside what the shop allows any file to say."""
    return job.attended or job.deadline_at is not None or bool(shop.maintenance_windows)


def in_maintenance(printer: Printer, around: Around) -> bool:
    """Whether a maintenance window keeps it from beginning anything at all."""
    return any(_windows(Span(around.at, around.at), "", printer, around))


def lasting_obstacles(job: Job, analysis: FileAnalysis, printer: Printer, around: Around) -> list[Reason]:
    """What does not go away as long as job, printer and shop stay as they are, and what nobody can tell."""
    found = compatibility(job, analysis, printer)
    if not takes(printer, job.kind):
        found.append(Reason(printer.id, Constraint.FILE_KIND, job.kind, "plain G-code"))
    found += _print_time(analysis, printer, around.shop)
    known = not_asked_too_soon(found, analysis, printer)
    return [reason for reason in known if not (around.approved and reason.asks)]


def _print_time(analysis: FileAnalysis, printer: Printer, shop: Constraints) -> Iterator[Reason]:
    most_s, needed_s = shop.max_print_time_s, print_time_s(analysis)
    if most_s is None or (needed_s is not None and needed_s <= most_s):
        return
    needed = None if needed_s is None else _long(needed_s)
    yield Reason(printer.id, Constraint.MAX_PRINT_TIME, needed, _long(most_s))


def _filament(job: Job, analysis: FileAnalysis, printer: Printer, around: Around) -> Iterator[Reason]:
    loaded = {each.tool: each for each in printer.profile.loaded}
    for used in used_filament(analysis):
        if used.tool in loaded:
            yield from _other_filament(job, job.material or used.material, loaded[used.tool], printer)
        left_g = around.left_g.get(used.tool)
        if left_g is not None and left_g < (used.g or 0.0) and not job.allow_short_filament:
            yield Reason(printer.id, Constraint.LEFT, f"{used.g:.0f} g", f"{left_g:.0f} g")


def _other_filament(job: Job, material: str | None, loaded: Loaded, printer: Printer) -> Iterator[Reason]:
    pairs = [
        (needed, have)
        for needed, have in ((material, loaded.material), (job.colour, loaded.colour))
        if needed
    ]
    if any(have is not None and needed.casefold() != have.casefold() for needed, have in pairs):
        needed_words = " ".join(needed for needed, _ in pairs)
        have_words = " ".join(have for _, have in pairs if have)
        yield Reason(printer.id, Constraint.LOADED, needed_words, have_words)


def _times(job: Job, analysis: FileAnalysis, printer: Printer, around: Around) -> Iterator[Reason]:
    needed_s = print_time_s(analysis) if around.takes_s is None else around.takes_s
    during = Span(around.at, around.at + timedelta(seconds=min(needed_s or 0.0, LONGEST_WATCH_S)))
    needed = "nobody knows for how long" if needed_s is None else _long(needed_s)
    yield from _windows(during, needed, printer, around)
    if job.attended:
        yield from _watched(during, needed if needed_s is None else "", needed, printer, around)
    if job.deadline_at is not None and during.end > job.deadline_at:
        yield Reason(printer.id, Constraint.DEADLINE, needed, around.shop.on_the_wall(job.deadline_at))


def _windows(during: Span, needed: str, printer: Printer, around: Around) -> Iterator[Reason]:
    """The maintenance windows that a print would meet, or in which we are."""
    for window in around.shop.maintenance_windows:
        met = Span(window.start, window.end).meets(during) or window.start <= during.start < window.end
        if met and window.affects(printer.id):
            have = f"{around.shop.on_the_wall(window.start)} to {around.shop.on_the_wall(window.end)}"
            yield Reason(printer.id, Constraint.MAINTENANCE, needed, have)


def _watched(during: Span, unknown: str, needed: str, printer: Printer, around: Around) -> Iterator[Reason]:
    there = [span for span in staffed(around.shop, during) if span.start <= around.at < span.end]
    if there and not unknown and there[0].covers(during):
        return
    if there:
        have = f"somebody until {around.shop.on_the_wall(there[0].end)}"
    else:
        opening = next_opening(around.shop, around.at)
        have = "nobody any more" if opening is None else f"nobody before {around.shop.on_the_wall(opening)}"
    yield Reason(printer.id, Constraint.ATTENDED, needed, have)


def _long(seconds: float) -> str:
    """A duration in words: "4 h 30 min"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(
        filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else ""))
    )
