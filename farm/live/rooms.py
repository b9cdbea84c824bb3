"""Rooms of the live socket: which there are, and who hears what in them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from farm.access.rights import Action, Target, allowed, reaches
from farm.domain.event import Fact
from farm.domain.printer import Printer
from farm.domain.user import EVERYTHING, Grant, Principal

PRINTERS = "printers"
QUEUE = "queue"
FILES = "files"
SCHEDULE = "schedule"
SYSTEM_ROOM = "system"
OF_A_PRINTER = "printer:"

_FARM_WIDE = frozenset({PRINTERS, QUEUE, FILES, SCHEDULE, "alerts", SYSTEM_ROOM})


def printer_in(room: str) -> str | None:
    """The id of the printer whose room this is; None for the rooms of the whole farm."""
    return room.removeprefix(OF_A_PRINTER) if room.startswith(OF_A_PRINTER) else None


def may_enter(room: str, principal: Principal) -> bool:
    """Whether there is such a room for `principal`; a printer's room still needs its printer looked at."""
    if room not in _FARM_WIDE and printer_in(room) is None:
        return False
    return allowed(principal, Action.READ_SYSTEM if room == SYSTEM_ROOM else Action.READ)


def may_hear(fact: Fact, grant: Grant, printers: Mapping[str, Printer]) -> bool:
    """Whether who entered a room with `grant` may hear this fact. printers: those of the farm.

    Of a printer that is not among them no tags are known: a grant by tag does not reach it.
    """
    if grant == EVERYTHING:
        return True
    about = all(may_see(printer, grant, printers) for printer in _printers_of(fact))
    return about and may_see_job(fact.data.get("printers", ()), grant, printers)


def may_see_job(pinned_to: Collection[str], grant: Grant, printers: Mapping[str, Printer]) -> bool:
    """Whether who entered a room with `grant` may see a job that runs on one of these printers alone.

    pinned_to: empty for a job that may run anywhere, which is everybody's.
    """
    return not pinned_to or any(may_see(printer, grant, printers) for printer in pinned_to)


def may_see(printer_id: str, grant: Grant, printers: Mapping[str, Printer]) -> bool:
    """Whether who entered a room with `grant` may look at this printer."""
    if grant == EVERYTHING:
        return True
    printer = printers.get(printer_id)
    return reaches(grant, Target(printer_id, printer.tags if printer is not None else frozenset()))


def _printers_of(fact: Fact) -> set[str]:
    """The printers a fact is about: those whose rooms it goes to, and the one it names."""
    about = {printer for room in fact.rooms if (printer := printer_in(room)) is not None}
    named = fact.data.get("printer")
    return about | {named} if isinstance(named, str) else about
