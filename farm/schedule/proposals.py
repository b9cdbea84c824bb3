"""Plans that somebody asked for: kept for a while, in case they are adopted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from farm.domain.plan import Plan
from farm.domain.settings import Preset
from farm.errors import NotFound, Refused

KEPT = 20  # the newest that are ready; nobody compares more
MOST_SOLVING = 5


class ProposalState(StrEnum):
    """Where one stands."""

    SOLVING = "solving"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Proposal:
    """preset: None for the farm's own. plan: once it is ready. why: it failed. version: of the farm's state
    that it was made for. whole: whether it plans all that waits. others: names of the constraints that it
    was made for and are not the shop's."""

    id: str
    preset: Preset | None
    state: ProposalState = ProposalState.SOLVING
    plan: Plan | None = None
    why: str = ""
    version: int = 0
    whole: bool = True
    others: tuple[str, ...] = ()


class Proposals:
    """By their ids, the oldest first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Proposal] = OrderedDict()

    def keep(self, proposal: Proposal) -> None:
        """A new one, or how far it has come. Raises Refused when too many are being made at once."""
        solving = [one for one in self._known.values() if one.state is ProposalState.SOLVING]
        if proposal.id not in self._known and len(solving) >= MOST_SOLVING:
            raise Refused(f"{len(solving)} plans are being made already; wait for one of them")
        self._known[proposal.id] = proposal
        while len(self._known) > KEPT:
            done = (id for id, one in self._known.items() if one.state is not ProposalState.SOLVING)
            del self._known[next(done)]

    def find(self, id: str) -> Proposal:
        """Raises NotFound."""
        if id not in self._known:
            raise NotFound(f"there is no proposed plan {id}; the oldest are forgotten, so make it anew")
        return self._known[id]
