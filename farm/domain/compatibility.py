"""Whether a printer can print a job at all: what one needs and the other has, compared one by one. Pure.

Where the shop has not said what a printer has, nothing is compared. Where the file does not say what it
needs, a person is asked; while it is still being read, what is known so far is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from farm.domain.analysis import Box, Filament, GcodeAnalysis
from farm.domain.durations import Estimated, Phase
from farm.domain.file import FileAnalysis, FileState
from farm.domain.fitting import edges, size_of
from farm.domain.job import Job
from farm.domain.models import known_as
from farm.domain.printer import Printer, Profile
from farm.domain.terms import version_of

NOTHING_LESS = 1e-3  # mm, or degC: what rounding may add


class Constraint(StrEnum):
    """What has to hold before a print of a job is begun on a printer."""

    # of the job and the printer, once and for all
    ENABLED = "enabled"
    PRINTERS = "required_printers"
    TAGS = "required_tags"
    FILE_KIND = "file_kind"
    MATERIAL = "material"
    NOZZLE = "nozzle"
    NOZZLE_HEAT = "nozzle_temperature"
    BED_HEAT = "bed_temperature"
    BOX = "build_volume"
    FLAVOUR = "gcode_flavour"
    MODEL = "printer_model"
    MAX_PRINT_TIME = "max_print_time"
    # of the moment
    READ = "file_read"
    LOADED = "loaded_filament"
    LEFT = "filament"
    ATTENDED = "attended"
    MAINTENANCE = "maintenance"
    DEADLINE = "deadline"
    FAILED_THERE = "failed_there"


@dataclass(frozen=True, slots=True)
class Reason:
    """What keeps a job from a printer. needed, have: in words and units; None where nobody knows."""

    printer: str
    constraint: Constraint
    needed: str | None
    have: str | None

    @property
    def asks(self) -> bool:
        """Whether nobody can tell, so that a person may say that it is all right."""
        return self.needed is None


def compatibility(job: Job, analysis: FileAnalysis, printer: Printer) -> list[Reason]:
    """Why this printer cannot print the job, or nobody can tell; nothing where it can."""
    found = [*_wishes(job, printer), *_file(job, _found(analysis), printer)]
    return not_asked_too_soon(found, analysis, printer)


def not_asked_too_soon(found: Iterable[Reason], analysis: FileAnalysis, printer: Printer) -> list[Reason]:
    """The same while a file may still be read: nobody is asked what it will say.

    What its slicer says is known long before the rest, and enough to begin; before that it is waited for.
    """
    reasons = list(found)
    if analysis.state not in (FileState.QUEUED, FileState.PROCESSING):
        return reasons
    known = [reason for reason in reasons if not reason.asks]
    if len(known) == len(reasons) or analysis.result is not None:
        return known
    unread = Reason(printer.id, Constraint.READ, "a file that was read", "one that waits to be read")
    return [unread, *known]


def doubts(job: Job, analysis: FileAnalysis, printer: Printer) -> list[Reason]:
    """What speaks against a printer that can print the job, and does not forbid it."""
    sliced_for, model = _found(analysis).printer_model, printer.profile.model
    if sliced_for is None or (model is not None and known_as(sliced_for) is not None):
        return []
    return [Reason(printer.id, Constraint.MODEL, sliced_for, model)]


def limits_of(profile: Profile) -> str:
    """The name of all that a printer's profile says it can do: a person's word on a file holds for it."""
    figures = (
        *(profile.volume_mm or ()),
        profile.nozzle_mm,
        profile.max_nozzle_degc,
        profile.max_bed_degc,
    )
    as_one = [None if figure is None else float(figure) for figure in figures]  # 250 is 250.0
    return version_of(as_one, profile.materials, profile.model)


def print_time_s(analysis: FileAnalysis) -> float | None:
    """How long one print takes, without the work of hands, in seconds; None where nobody knows.

    The slicer's own word goes first: it is what the people who sliced it have in mind.
    """
    found = estimated(analysis)
    return None if found is None else found.print_s + found.heat_s


def estimated(analysis: FileAnalysis) -> Estimated | None:
    """The same with who says so, and what the waits for heat take beside it; None where nobody knows."""
    time_s = _found(analysis).time_s
    if time_s.slicer is not None:
        return Estimated(Phase.PRINT_SLICER, time_s.slicer)
    if time_s.motion is None:
        return None
    return Estimated(Phase.PRINT_MOTION, time_s.motion, time_s.heating or 0.0)


def used_filament(analysis: FileAnalysis) -> tuple[Filament, ...]:
    """What the file takes of each tool that prints; nothing where it does not say."""
    return _used(_found(analysis))


def materials_of(job: Job, analysis: FileAnalysis) -> frozenset[str] | None:
    """What the job is printed in; None where nobody says it of every tool."""
    return _materials(job, _found(analysis))


def _used(found: GcodeAnalysis) -> tuple[Filament, ...]:
    told = found.filament or ()
    return tuple(tool for tool in told if tool.g or tool.mm or tool.cm3) or told[:1]


def _found(analysis: FileAnalysis) -> GcodeAnalysis:
    return analysis.result if isinstance(analysis.result, GcodeAnalysis) else _UNKNOWN


_UNKNOWN = GcodeAnalysis()


def _wishes(job: Job, printer: Printer) -> Iterator[Reason]:
    if not printer.enabled:
        yield Reason(
            printer.id, Constraint.ENABLED, "a printer in use", "one that is switched off in the farm"
        )
    if job.only_on and printer.id not in job.only_on:
        yield Reason(printer.id, Constraint.PRINTERS, _any_of(job.only_on), printer.id)
    missing = job.required_tags - printer.tags
    if missing:
        yield Reason(printer.id, Constraint.TAGS, _all_of(missing), _all_of(printer.tags) or "none")


def _file(job: Job, found: GcodeAnalysis, printer: Printer) -> Iterator[Reason]:
    for constraint, needed, have in (
        *_material(job, found, printer.profile),
        *_nozzle(found, printer.profile),
        *_heat(found, printer.profile),
        *_box(job, found, printer.profile),
        *_flavour(found, printer),
        *_model(found, printer.profile),
    ):
        yield Reason(printer.id, constraint, needed, have)


_Needs = Iterator[tuple[Constraint, str | None, str]]


def _material(job: Job, found: GcodeAnalysis, profile: Profile) -> _Needs:
    if not profile.materials:
        return
    needed = _materials(job, found)
    have = {material.casefold() for material in profile.materials}
    if needed is None:
        yield Constraint.MATERIAL, None, _any_of(profile.materials)
    elif refused := {material for material in needed if material.casefold() not in have}:
        yield Constraint.MATERIAL, _all_of(refused), _any_of(profile.materials)


def _materials(job: Job, found: GcodeAnalysis) -> frozenset[str] | None:
    if job.material is not None:
        return frozenset({job.material})
    told = [tool.material for tool in _used(found)]
    return frozenset(material for material in told if material) if told and all(told) else None


def _nozzle(found: GcodeAnalysis, profile: Profile) -> _Needs:
    if profile.nozzle_mm is None:
        return
    have = f"{profile.nozzle_mm:g} mm"
    if found.nozzle_mm is None:
        yield Constraint.NOZZLE, None, have
    elif abs(found.nozzle_mm - profile.nozzle_mm) > NOTHING_LESS:
        yield Constraint.NOZZLE, f"{found.nozzle_mm:g} mm", have


def _heat(found: GcodeAnalysis, profile: Profile) -> _Needs:
    told = found.temperatures
    for constraint, most, wanted in (
        (Constraint.NOZZLE_HEAT, profile.max_nozzle_degc, (told.nozzle_first, told.nozzle)),
        (Constraint.BED_HEAT, profile.max_bed_degc, (told.bed_first, told.bed)),
    ):
        needed = max((degc for degc in wanted if degc is not None), default=0.0)
        if most is not None and needed > most + NOTHING_LESS:
            yield constraint, f"{needed:g} degC", f"{most:g} degC"


def _box(job: Job, found: GcodeAnalysis, profile: Profile) -> _Needs:
    if profile.volume_mm is None:
        return
    box, have = found.bounding_box.printed, f"{edges(profile.volume_mm)} mm"
    if box is None:
        yield Constraint.BOX, None, have
    elif not _fits(box, profile.volume_mm, rotatable=job.rotatable):
        yield Constraint.BOX, f"{edges(size_of(box))} mm", have


def _fits(box: Box, volume_mm: tuple[float, float, float], *, rotatable: bool) -> bool:
    """How far a print reaches counts, not where it lies: printers have their origins in different places."""
    width, depth, height = size_of(box)
    ways = [(width, depth, height), (depth, width, height)] if rotatable else [(width, depth, height)]
    return any(
        all(edge <= room + NOTHING_LESS for edge, room in zip(way, volume_mm, strict=True)) for way in ways
    )


_STRANGE = frozenset({"makerware", "sailfish", "mach3", "machinekit", "makerbot", "bfb"})
_NOT_READ: Mapping[str, frozenset[str]] = {
    "moonraker": _STRANGE,  # Klipper takes what was written for Marlin, and many slice for it so
    "prusalink": _STRANGE | {"klipper", "reprapfirmware", "smoothie"},
    "octoprint": _STRANGE,  # whatever stands behind it, it is none of these
}
"""By the print host: dialects of G-code that no firmware behind it understands."""


def _flavour(found: GcodeAnalysis, printer: Printer) -> _Needs:
    address = printer.address
    host = address.simulation.dialect if address.simulation is not None else address.kind
    if found.firmware is not None and found.firmware.casefold() in _NOT_READ.get(host, ()):
        yield Constraint.FLAVOUR, found.firmware, host


def _model(found: GcodeAnalysis, profile: Profile) -> _Needs:
    if found.printer_model is None or profile.model is None:
        return
    sliced_for, have = known_as(found.printer_model), known_as(profile.model)
    if None not in (sliced_for, have) and sliced_for != have:
        yield Constraint.MODEL, found.printer_model, profile.model


def in_words(reason: Reason) -> str:
    """One sentence for who waits for the job, said of the printer."""
    if reason.asks:
        return (
            f"nobody can tell whether it fits: its file does not say {_ASKED[reason.constraint]}, and the"
            f" limit here is {reason.have}; look, and approve of it"
        )
    return _WORDS[reason.constraint].format(needed=reason.needed, have=reason.have or "nobody said which")


_ASKED = {
    Constraint.MATERIAL: "which material it is for",
    Constraint.NOZZLE: "for which nozzle it was sliced",
    Constraint.BOX: "how large it is",
    Constraint.MAX_PRINT_TIME: "how long it takes",
}

_WORDS = {
    Constraint.ENABLED: "it is disabled",
    Constraint.PRINTERS: "the job is for {needed}",
    Constraint.TAGS: "it lacks the tag {needed}",
    Constraint.FILE_KIND: "it prints no .{needed}; export it as plain G-code",
    Constraint.MATERIAL: "the job takes {needed}, and it may print {have}",
    Constraint.NOZZLE: "the job was sliced for a nozzle of {needed}, and it has {have}",
    Constraint.NOZZLE_HEAT: "the job heats the nozzle to {needed}, and it goes to {have}",
    Constraint.BED_HEAT: "the job heats the bed to {needed}, and it goes to {have}",
    Constraint.BOX: "the job takes {needed}, and it has {have}",
    Constraint.FLAVOUR: "the job was sliced for {needed}, which no printer behind {have} understands",
    Constraint.MODEL: "the job was sliced for a {needed}; this is: {have}",
    Constraint.MAX_PRINT_TIME: "the job takes {needed}, and no print may take more than {have}",
    Constraint.FAILED_THERE: "its file failed there a moment ago, and {have} is free for it",
    Constraint.READ: "its file is still being read",
    Constraint.LOADED: "the job takes {needed}, and {have} is loaded; change it, and say so",
    Constraint.LEFT: "the job takes {needed}, and {have} is left on the spool; load more, or allow it",
    Constraint.ATTENDED: "somebody is to be there for all of it: {needed}, and there is {have}",
    Constraint.MAINTENANCE: "it would not be done ({needed}) before its maintenance ({have})",
    Constraint.DEADLINE: "it would not be done ({needed}) by its deadline ({have})",
}


def _any_of(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))


def _all_of(names: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(names))
