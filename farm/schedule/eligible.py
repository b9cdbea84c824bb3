"""On which printers a job may be planned, and why not on the others.

Asked of every job and printer of a large farm this would take longer than the search itself: jobs that need
the same are looked at once, and so are printers that can do the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from farm.domain.compatibility import compatibility, limits_of
from farm.domain.job import Job
from farm.schedule.facts import Facts, Station
from farm.schedule.problem import Reason

Obstacles = tuple[tuple[str, str, str], ...]
"""Constraint, needed, have."""

_NOBODY_KNOWS = "nobody knows"


@dataclass(frozen=True, slots=True)
class Places:
    """printers: by their names. excluded: why not the others."""

    printers: tuple[str, ...]
    excluded: tuple[Reason, ...]


class Eligible:
    """Looks at the printers of the facts. names: what they are called in the problem, by their ids."""

    def __init__(self, facts: Facts, names: Mapping[str, str]) -> None:
        self._facts = facts
        self._names = names
        self._stations = [(station, _can(station)) for station in facts.stations]
        self._limits = {station.printer.id: limits_of(station.printer.profile) for station in facts.stations}
        self._known: dict[Hashable, Places] = {}

    def places(self, job: Job) -> Places:
        """For good, or as long as nobody does something about it."""
        needs = (job.file, job.kind, job.only_on, job.required_tags, job.material, job.rotatable)
        if needs not in self._known:
            self._known[needs] = self._look(job)
        return self._known[needs]

    def _look(self, job: Job) -> Places:
        alike: dict[Hashable, Obstacles] = {}
        failed_on = self._facts.failed_on.get(job.file, ())
        printers: list[str] = []
        excluded: list[Reason] = []
        for station, can in self._stations:
            printer, name = station.printer.id, self._names[station.printer.id]
            key = (can, printer) if job.only_on else can
            if key not in alike:
                alike[key] = self._obstacles(job, station)
            found = alike[key]
            if printer in failed_on:
                found = (*found, ("failed_there", "somebody's word that it may be tried again", "none"))
            if found:
                excluded.extend(Reason(name, *why) for why in found)
            else:
                printers.append(name)
        return Places(tuple(printers), tuple(excluded))

    def _obstacles(self, job: Job, station: Station) -> Obstacles:
        if station.away:
            return (("away", "a printer that works", station.away),)
        known = self._facts.files[job.file].analysis
        approved = self._limits[station.printer.id] in self._facts.approved.get(job.file, ())
        found = tuple(
            (reason.constraint, reason.needed or _NOBODY_KNOWS, reason.have or _NOBODY_KNOWS)
            for reason in compatibility(job, known, station.printer)
            if not (approved and reason.asks)
        )
        return found if job.kind in station.takes else (*found, ("file_kind", job.kind, "plain G-code"))


def _can(station: Station) -> Hashable:
    """What of a printer decides what it is able to print."""
    printer, address = station.printer, station.printer.address
    host = address.simulation.dialect if address.simulation is not None else address.kind
    profile = replace(printer.profile, loaded=())  # that can be changed, and is a person's work in the plan
    return station.away, station.takes, printer.enabled, printer.tags, profile, host
