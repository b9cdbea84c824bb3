"""Print hosts that announce themselves in the network."""

from __future__ import annotations

from typing import Annotated

import msgspec

from farm.access.rights import Action
from farm.printers.messages import Discover
from farm.web.routes import Call, Route

ON_TOP_S = 5.0  # of the time in which is listened: for those who have to be asked where they are


class DiscoveryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """seconds: how long to listen."""

    seconds: Annotated[float, msgspec.Meta(ge=0.5, le=5)] = 3.0


class Neighbour(msgspec.Struct):
    """A print host. url: its address, to add a printer with. known: the printer of the farm that it is."""

    kind: str
    name: str
    url: str
    host: str
    known: str | None


class Neighbours(msgspec.Struct):
    """Who was heard, new ones first. problem: why nobody could be, null where we listened."""

    items: list[Neighbour]
    problem: str | None


async def discover(call: Call, query: DiscoveryQuery) -> Neighbours:
    """Listen in the network for OctoPrints, Moonrakers and PrusaLinks that announce themselves (mDNS).

    A Moonraker does so only with `[zeroconf]` in its settings. Who asks while somebody is listening is told
    what is heard then.
    """
    within_s = query.seconds + ON_TOP_S
    heard = await call.desk.fleet.ask(Discover(query.seconds), by=call.asker, timeout=within_s)
    items = [Neighbour(each.kind, each.name, each.url, each.host, each.known) for each in heard.neighbours]
    return Neighbours(items, heard.problem or None)


ROUTES = (Route("GET", "/v1/discovery", discover, Action.SET_UP),)
"""Not cheap, and it tells who else is in the network: for those who set printers up."""
