"""Those who hear the same: what waits for them is put into words once and sent to all at one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import trio

from farm.domain.user import EVERYTHING, Grant
from farm.live import protocol
from farm.live.allowance import Allowance
from farm.live.frame import Frame
from farm.live.messages import ClientMessage, News, StateNews
from farm.live.outbox import Outbox

BREATHE_AFTER = 200  # members; so many take about 2 ms, and others want to live too


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a client hears: these rooms, as far as `grant` reaches, events gathered for `delay_ms`."""

    delay_ms: int
    rooms: frozenset[str] = frozenset()
    grant: Grant = EVERYTHING


@dataclass(slots=True, eq=False)
class Member:
    """A client that said who it is. sent: the last fact on its connection; None before the first."""

    outbox: Outbox
    hearing: Hearing
    sent: int | None = None


Cut = Callable[[Member], object]


class Audience:
    """The members with the same `Hearing`, and the events that wait for them.

    A member comes or changes only while no facts wait. So all of them are owed the same facts, and what
    they are sent is the same to the byte but for the first fact's `prev`.
    """

    def __init__(self, hearing: Hearing, rate_limit: int) -> None:
        self.hearing = hearing
        self.members: dict[str, Member] = {}
        self.due_at = inf
        self._facts: list[tuple[int, str]] = []
        self._states: dict[Hashable, StateNews] = {}
        self._allowance = Allowance(rate_limit)

    @property
    def facts_waiting(self) -> int:
        """How many."""
        return len(self._facts)

    @property
    def states_waiting(self) -> Iterable[StateNews]:
        """Those that came after the last flush, or were held back by the limit."""
        return self._states.values()

    def add_fact(self, seq: int, text: str) -> None:
        """Let a fact wait. text: without `prev`."""
        self._facts.append((seq, text))

    def add_state(self, news: StateNews) -> None:
        """Let a state wait in the place of an older one of the same thing, which keeps its turn."""
        self._states[news.key] = news

    async def flush(self, now: float, cut: Cut) -> None:
        """Send what waits: every fact, and of the states as many as are allowed.

        cut: called with each member whose outbox has no room.
        """
        facts, self._facts = self._facts, []
        states = self._allowed_states(now)
        if not facts and not states:
            return
        words: dict[int | None, _Words] = {}
        for count, member in enumerate(list(self.members.values()), start=1):
            told = words.get(member.sent)
            if told is None:
                told = words[member.sent] = _Words(facts, states, member.sent)
            if not member.outbox.send(told.frames, told.for_later):
                cut(member)
            if facts:
                member.sent = facts[-1][0]
            if count % BREATHE_AFTER == 0:
                await trio.lowlevel.checkpoint()

    def held_back_s(self, now: float) -> float | None:
        """How long the next state is held back yet; None when none waits."""
        return self._allowance.wait_s(now) if self._states else None

    def _allowed_states(self, now: float) -> Sequence[StateNews]:
        count = self._allowance.take(len(self._states), now)
        return [self._states.pop(key) for key in list(self._states)[:count]]


class _Words:
    """What is told at one moment to those who were sent the same fact last. frames: for who keeps up."""

    def __init__(
        self, facts: Sequence[tuple[int, str]], states: Sequence[StateNews], sent: int | None
    ) -> None:
        self._facts = list(chained(facts, sent))
        self._states = states
        self._later: Sequence[ClientMessage] | None = None
        self.frames = _frames([*self._facts, *(state.text for state in states)])

    def for_later(self) -> Sequence[ClientMessage]:
        """For who is behind: states one by one, so that newer ones can take their places."""
        if self._later is None:
            self._later = [*map(News, _frames(self._facts)), *self._states]
        return self._later


def _frames(events: Sequence[str]) -> Sequence[Frame]:
    return [Frame(text) for text in protocol.batches(events)]


def chained(facts: Iterable[tuple[int, str]], sent: int | None) -> Iterator[str]:
    """Facts as a connection gets them that was sent fact number `sent` before."""
    for seq, text in facts:
        yield protocol.with_prev(text, sent)
        sent = seq
