"""The ways in which a simulated print host misbehaves, as values that are switched while it runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
import trio

_GARBAGE = b'{"state": \xff\xfe\x00 <html>'


class Manner(StrEnum):
    """How it answers for as long as this lasts.

    Carried out in spite of it: GARBAGE, HALF. Not carried out: ERROR, DROP, REFUSE. HALF_OPEN and SILENT
    keep what comes over the connections there are, and carry it out, late, when it is over.
    """

    WELL = "well"
    ERROR = "500"
    GARBAGE = "garbage"  # bytes that are no JSON, where JSON should be
    HALF = "half"  # the first half of the right answer, as a whole one
    DROP = "drop"  # hangs up instead of answering
    HALF_OPEN = "half_open"  # reads and says nothing more, but keeps the connections
    REFUSE = "refuse"  # takes no connections, and has cut those there were
    SILENT = "silent"  # as one that is switched off: nothing is answered, no connection either


_HOLDS = (Manner.HALF_OPEN, Manner.SILENT)


class Swallowed(StrEnum):
    """Which answers are lost."""

    START = "start"  # of whatever may begin a print
    UPLOAD = "upload"
    COPY = "copy"
    DELETE = "delete"
    POST = "post"  # of whatever puts something there or tells it to do something


class Silence(StrEnum):
    """What the client sees in the place of an answer."""

    NOTHING = "nothing"  # the connection stays open and silent
    CLOSE = "close"


class Swallow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The request is carried out, its answer is lost; so often."""

    what: Swallowed
    times: int = 1
    then: Silence = Silence.NOTHING


@dataclass
class Faults:
    """What is wrong with one print host.

    slow_ms: before each answer. flood_per_s: messages that it pushes to each client beside the usual ones.
    """

    manner: Manner = Manner.WELL
    slow_ms: int = 0
    flood_per_s: int = 0
    swallow: Swallow | None = None
    changed: trio.Event = field(default_factory=trio.Event)

    def change(
        self,
        manner: Manner | None = None,
        slow_ms: int | None = None,
        flood_per_s: int | None = None,
        swallow: Swallow | None = None,
    ) -> None:
        """Switches faults; None leaves one as it is."""
        self.manner = self.manner if manner is None else manner
        self.slow_ms = self.slow_ms if slow_ms is None else slow_ms
        self.flood_per_s = self.flood_per_s if flood_per_s is None else flood_per_s
        self.swallow = swallow or self.swallow
        self.changed.set()
        self.changed = trio.Event()

    def spoilt(self, body: bytes) -> bytes:
        """What of an answer's body goes out."""
        match self.manner:
            case Manner.GARBAGE if body:
                return _GARBAGE
            case Manner.HALF:
                return body[: len(body) // 2]
            case _:
                return body

    @property
    def flows(self) -> bool:
        """Whether bytes pass."""
        return self.manner not in _HOLDS

    async def flowing(self) -> None:
        """Returns when bytes pass."""
        while not self.flows:
            await self.changed.wait()

    def swallows(self, meant: Collection[Swallowed]) -> Silence | None:
        """Whether the answer to a request that is about this is lost, and how. Counts it."""
        lost = self.swallow
        if lost is None or lost.what not in meant:
            return None
        left = lost.times - 1
        self.swallow = Swallow(lost.what, left, lost.then) if left > 0 else None
        return lost.then
