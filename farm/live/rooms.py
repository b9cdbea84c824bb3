"""Rooms of the live socket: which there are, who may enter, who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from farm.access.rights import Action, Target, allowed
from farm.actors import Address
from farm.domain.event import Fact
from farm.domain.printer import Printer
from farm.domain.user import Principal
from farm.live.messages import ClientMessage

PRINTERS = "printers"
QUEUE = "queue"
FILES = "files"
SYSTEM_ROOM = "system"
OF_A_PRINTER = "printer:"

_FARM_WIDE = frozenset({PRINTERS, QUEUE, FILES, "schedule", "alerts", SYSTEM_ROOM})


def printer_in(room: str) -> str | None:
    """The id of the printer whose room this is; None for the rooms of the whole farm."""
    return room.removeprefix(OF_A_PRINTER) if room.startswith(OF_A_PRINTER) else None


def may_enter(room: str, principal: Principal) -> bool:
    """Whether there is such a room for `principal`; a printer's room still needs its printer looked at."""
    if room not in _FARM_WIDE and printer_in(room) is None:
        return False
    return allowed(principal, Action.READ_SYSTEM if room == SYSTEM_ROOM else Action.READ)


def may_hear(fact: Fact, principal: Principal, printers: Mapping[str, Printer]) -> bool:
    """Whether `principal` may see every printer the fact is about. printers: those of the farm.

    Of a printer that is not among them no tags are known: a grant by tag does not reach it.
    """
    return all(may_see(printer, principal, printers) for printer in printers_of(fact))


def may_see(printer_id: str, principal: Principal, printers: Mapping[str, Printer]) -> bool:
    """Whether `principal` may look at this printer."""
    printer = printers.get(printer_id)
    tags = printer.tags if printer is not None else frozenset[str]()
    return allowed(principal, Action.READ, Target(printer_id, tags))


def printers_of(fact: Fact) -> set[str]:
    """The printers a fact is about: those whose rooms it goes to, and the one it names."""
    about = {printer for room in fact.rooms if (printer := printer_in(room)) is not None}
    named = fact.data.get("printer")
    return about | {named} if isinstance(named, str) else about


@dataclass(slots=True, eq=False)
class Member:
    """A client that is in at least one room. principal: whose rights it has."""

    address: Address[ClientMessage]
    principal: Principal
    rooms: set[str] = field(default_factory=set)


class Rooms:
    """Who is in which room, by the names of the clients' actors."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._in_room: dict[str, dict[str, Member]] = {}

    def join(self, client: Address[ClientMessage], principal: Principal, rooms: Iterable[str]) -> Member:
        """Let a client into `rooms`, beside those it is in."""
        member = self._members.setdefault(client.name, Member(client, principal))
        member.principal = principal
        for room in rooms:
            member.rooms.add(room)
            self._in_room.setdefault(room, {})[client.name] = member
        return member

    def leave(self, client: str, rooms: Iterable[str]) -> None:
        """Let a client out of `rooms`; those it is not in do not matter."""
        member = self._members.get(client)
        if member is None:
            return
        for room in member.rooms.intersection(rooms):
            member.rooms.remove(room)
            del self._in_room[room][client]
            if not self._in_room[room]:
                del self._in_room[room]
        if not member.rooms:
            del self._members[client]

    def remove(self, client: str) -> None:
        """Let a client out of every room it is in."""
        member = self._members.get(client)
        if member is not None:
            self.leave(client, list(member.rooms))

    def listeners(self, rooms: Iterable[str]) -> list[Member]:
        """Everybody who is in any of `rooms`, each once."""
        found: dict[str, Member] = {}
        for room in rooms:
            found.update(self._in_room.get(room, {}))
        return list(found.values())
