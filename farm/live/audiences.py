"""Everybody who listens, by what they hear, and when what waits for them is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import floor, inf

import trio

from farm.config import Live
from farm.domain.event import Fact
from farm.domain.printer import Printer
from farm.live import protocol
from farm.live.audience import Audience, Cut, Hearing, Member
from farm.live.messages import StateNews
from farm.live.outbox import Outbox
from farm.live.rooms import may_hear, may_see, printer_in


class Audiences:
    """Sends each fact and state to whoever hears it.

    Events are gathered until the next tick, which is the same for all who gather equally long, or until
    `batch_size` facts wait. cut: called with a member whose outbox is full; it has been forgotten.
    """

    def __init__(self, live: Live, cut: Cut) -> None:
        self._live = live
        self._tell_cut = cut
        self._members: dict[str, Member] = {}
        self._audiences: dict[Hearing, Audience] = {}
        self._in_room: dict[str, dict[Hearing, Audience]] = {}
        self._printers_heard: frozenset[str] | None = frozenset()
        self._cadences: Counter[int] = Counter()  # how many audiences gather for so many milliseconds
        self._due: dict[float, list[Audience]] = {}
        self._came_at: float | None = None  # no later than what is added next; None: now

    # -- who hears what ------------------------------------------------------------------------

    def member(self, client: Outbox) -> Member:
        """The client as a member; who is new is in no room."""
        member = self._members.get(client.name)
        if member is None:
            member = self._members[client.name] = Member(client, Hearing(self._live.batch_delay_ms))
        return member

    def everybody(self) -> list[Member]:
        """All members."""
        return list(self._members.values())

    def forget(self, client: str) -> None:
        """The client is no more."""
        member = self._members.pop(client, None)
        if member is not None:
            self._take_out(member)

    def cut(self, member: Member) -> None:
        """The client has not read what it was sent, and there is no room for more."""
        self.forget(member.outbox.name)
        self._tell_cut(member)

    async def change(self, member: Member, hearing: Hearing) -> None:
        """From now on the member hears this. What waits for it, and for its new companions, is sent first."""
        held_back = []
        before, after = self._audiences.get(member.hearing), self._audiences.get(hearing)
        if before is not None:
            await before.flush(trio.current_time(), self.cut)
            held_back = [news for news in before.states_waiting if news.room in hearing.rooms]
        if after is not None:
            await after.flush(trio.current_time(), self.cut)
        if self._members.get(member.outbox.name) is member:  # else it had no room for what waited
            self._take_out(member)
            self._put_in(member, hearing, held_back)

    def _put_in(self, member: Member, hearing: Hearing, states: Iterable[StateNews]) -> None:
        member.hearing = hearing
        if not hearing.rooms:
            return
        audience = self._audiences.get(hearing)
        if audience is None:
            audience = self._audiences[hearing] = Audience(hearing, self._live.rate_limit)
            for room in hearing.rooms:
                self._in_room.setdefault(room, {})[hearing] = audience
            self._cadences[hearing.delay_ms] += 1
            self._printers_heard = None
        audience.members[member.outbox.name] = member
        for news in states:
            audience.add_state(news)
            self._note(audience)

    def _take_out(self, member: Member) -> None:
        hearing = member.hearing
        audience = self._audiences.get(hearing)
        if audience is None:
            return
        audience.members.pop(member.outbox.name, None)
        if not audience.members:
            del self._audiences[hearing]
            self._cadences -= Counter([hearing.delay_ms])
            for room in hearing.rooms:
                del self._in_room[room][hearing]
                if not self._in_room[room]:
                    del self._in_room[room]
            self._printers_heard = None

    def _hearing(self, rooms: Iterable[str]) -> dict[Hearing, Audience]:
        """Those that hear any of `rooms`."""
        found: dict[Hearing, Audience] = {}
        for room in rooms:
            found.update(self._in_room.get(room, {}))
        return found

    # -- what is sent --------------------------------------------------------------------------

    def add_fact(self, fact: Fact, printers: Mapping[str, Printer]) -> None:
        """Let a fact wait for all who hear it. printers: those of the farm."""
        listening = self._hearing(fact.rooms)
        if not listening:
            return
        text = protocol.fact(fact)
        for hearing, audience in listening.items():
            if may_hear(fact, hearing.grant, printers):
                audience.add_fact(fact.seq, text)
                self._note(audience)

    def add_state(self, news: StateNews, printer_id: str | None, printers: Mapping[str, Printer]) -> None:
        """Let a state wait for all who are in its room. printer_id: of the printer it is the state of."""
        for hearing, audience in self._in_room.get(news.room, {}).items():
            if printer_id is None or may_see(printer_id, hearing.grant, printers):
                audience.add_state(news)
                self._note(audience)

    def is_heard(self, room: str) -> bool:
        """Whether anybody is in this room."""
        return room in self._in_room

    @property
    def printers_heard(self) -> frozenset[str]:
        """The printers in whose own rooms anybody is; the same object until that changes."""
        if self._printers_heard is None:
            found = (printer_in(room) for room in self._in_room)
            self._printers_heard = frozenset(printer for printer in found if printer is not None)
        return self._printers_heard

    @property
    def are_in_a_hurry(self) -> bool:
        """Whether anybody wants to hear everything at once."""
        return 0 in self._cadences

    @property
    def due_at(self) -> float:
        """When something is due next; never while nothing waits."""
        return min(self._due, default=inf)

    def nothing_came(self) -> None:
        """All that came until now was added."""
        self._came_at = None

    def something_came(self) -> float:
        """Something came that need not be added at once. Returns until when it may wait."""
        if self._came_at is None:
            self._came_at = trio.current_time()
        since = self._came_at
        return min((_tick_after(since, delay_ms) for delay_ms in self._cadences), default=inf)

    async def flush(self) -> None:
        """Send whatever is due."""
        self._came_at = now = trio.current_time()
        for at in [at for at in self._due if at <= now]:
            for audience in self._due.pop(at):
                audience.due_at = inf
                await audience.flush(now, self.cut)
                held_back_s = audience.held_back_s(now)
                if held_back_s is not None:
                    self._put(audience, _tick_after(now + held_back_s, audience.hearing.delay_ms))

    def _note(self, audience: Audience) -> None:
        """Something waits for this audience: see when it is due."""
        since = trio.current_time() if self._came_at is None else self._came_at
        enough = audience.facts_waiting >= self._live.batch_size
        self._put(audience, since if enough else _tick_after(since, audience.hearing.delay_ms))

    def _put(self, audience: Audience, at: float) -> None:
        if at < audience.due_at:
            audience.due_at = at
            self._due.setdefault(at, []).append(audience)


def _tick_after(now: float, delay_ms: int) -> float:
    """The next moment at which everybody who gathers so long is sent what waits."""
    delay_s = delay_ms / 1000
    if not delay_s:
        return now
    ticks = floor(now / delay_s) + 1
    if ticks * delay_s <= now:  # at a tick, rounding gives that very one now and then
        ticks += 1
    return ticks * delay_s
