"""Facts by long poll, for programs that cannot hold a socket open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Annotated, Any

import msgspec
import trio
from msgspec import Meta
from quart import request

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.event import Fact
from farm.domain.printer import Printer
from farm.domain.user import Principal
from farm.errors import Invalid
from farm.live.rooms import may_enter, may_hear
from farm.live.shapes import Moment
from farm.store import events, printers
from farm.web.contract import RowNumber
from farm.web.credentials import who_asks
from farm.web.routes import Call, Route

WAIT_S, LONGEST_WAIT_S = 25, 60  # proxies and browsers give up on a silent answer after a minute
LOOKED_AT_ONCE = 1000  # facts, of which an asker may see few

LOST = "what happened in between is not kept any more; read everything anew, then go on from here"
RESTORED = "the farm was restored from a backup; read everything anew, then go on from here"


@dataclass(frozen=True, slots=True)
class Wish:
    """What facts are asked for. since: the last one seen, None for none. rooms: None for all of them."""

    since: int | None
    epoch: str | None
    rooms: frozenset[str] | None
    limit: int


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. seen: the number of the last fact looked at; last: that of the newest one.

    gap: why facts are missing, None when none are.
    """

    epoch: str
    facts: list[Fact]
    seen: int
    last: int
    gap: str | None = None


class EventQuery(msgspec.Struct, forbid_unknown_fields=True):
    """since: the last fact seen, of this epoch. rooms: with commas between; all if left out."""

    since: RowNumber | None = None
    epoch: str | None = None
    rooms: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    wait_s: Annotated[int, Meta(ge=0, le=LONGEST_WAIT_S)] = WAIT_S


class Event(msgspec.Struct):
    """One fact. rooms: where it is heard on the live socket."""

    type: str
    seq: int
    rooms: list[str]
    at: Moment
    data: dict[str, Any]


class Events(msgspec.Struct):
    """next: ask `since` it. gap: why facts are missing in between, null when none are."""

    epoch: str
    items: list[Event]
    next: int
    gap: str | None


async def list_events(call: Call, query: EventQuery) -> Events:
    """The facts after `since`, at once if there are any, else as soon as one comes or `wait_s` has passed.

    Without `since` it says where the history stands, for the first question.
    """
    wish = _wish(call, query)
    deadline = trio.current_time() + query.wait_s
    revision, asker = call.desk.gate.revision, call.asker
    while True:
        rung = call.desk.bell.next
        look = await call.desk.database.read(_look, wish, asker)
        if look.facts or look.gap or wish.since is None:
            return _answer(look)
        wish = replace(wish, since=look.seen)
        if look.seen == look.last and not await call.desk.bell.wait(rung, deadline):
            return _answer(look)
        if call.desk.gate.revision != revision:  # somebody's rights have changed meanwhile
            revision = call.desk.gate.revision
            asker = (await who_asks(call.desk.gate, request)).principal


def _wish(call: Call, query: EventQuery) -> Wish:
    rooms = frozenset(query.rooms.split(",")) if query.rooms is not None else None
    for room in rooms or ():
        if not may_enter(room, call.asker):
            raise Invalid(f"there is no room {room[:40]} that you may hear", "rooms")
    return Wish(query.since, query.epoch, rooms, query.limit)


def _look(db: Connection, wish: Wish, asker: Principal) -> Look:
    """The facts that are wanted and may be heard, from one picture of the database."""
    epoch, last, oldest = events.epoch(db), events.last_seq(db), events.oldest(db)
    if wish.since is None:
        return Look(epoch, [], last, last)
    if wish.epoch not in (None, epoch) or wish.since > last:
        return Look(epoch, [], last, last, RESTORED)
    if wish.since < last and (oldest is None or oldest > wish.since + 1):
        return Look(epoch, [], last, last, LOST)
    found, known = events.since(db, wish.since, LOOKED_AT_ONCE), _printers(db)
    heard = [fact for fact in found if _is_for(fact, wish.rooms, asker, known)][: wish.limit]
    if len(heard) == wish.limit:
        return Look(epoch, heard, heard[-1].seq, last)
    return Look(epoch, heard, found[-1].seq if found else wish.since, last)


def _printers(db: Connection) -> dict[str, Printer]:
    return {printer.id: printer for printer, _ in printers.everything(db)}


def _is_for(fact: Fact, rooms: frozenset[str] | None, asker: Principal, known: dict[str, Printer]) -> bool:
    wanted: Iterable[str] = fact.rooms if rooms is None else rooms.intersection(fact.rooms)
    return any(may_enter(room, asker) for room in wanted) and may_hear(fact, asker.grant, known)


def _answer(look: Look) -> Events:
    return Events(look.epoch, [_event(fact) for fact in look.facts], look.seen, look.gap)


def _event(fact: Fact) -> Event:
    return Event(fact.type, fact.seq, list(fact.rooms), iso(fact.at), dict(fact.data))


ROUTES = (Route("GET", "/v1/events", list_events, Action.READ),)
