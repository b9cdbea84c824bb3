"""How often somebody may guess: token buckets in bounded memory, on a clock that is handed in."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from farm.errors import TooOften


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` attempts at once, then one more every `refill_s` seconds."""

    burst: int
    refill_s: float


PER_ADDRESS_AND_NAME = Pace(10, 90.0)  # ten in a quarter of an hour
PER_ADDRESS = Pace(30, 30.0)  # whatever names are tried from there; a shop has few people a PC
PER_NAME = Pace(30, 30.0)  # from all addresses together: beyond it a guess waits, but is never refused
SLOWED_S = 2.0

MOST_REMEMBERED = 4096  # buckets a kind, about 1 MB in all
_LONGEST_NAME = 64
_ROUNDING = 1e-9  # whoever waits the seconds they were told is let in


class LoginLimits:
    """Refuses an address that guesses on, and only slows down a name that many addresses guess at.

    Nobody can shut the real administrator out by guessing from elsewhere: refusals are kept per
    address, and a person at the shop PC itself is always another address than the attacker.
    `clock`: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._pairs = _Buckets(PER_ADDRESS_AND_NAME, clock)
        self._addresses = _Buckets(PER_ADDRESS, clock)
        self._names = _Buckets(PER_NAME, clock)

    def admit(self, client: str, name: str) -> float:
        """Count one attempt, before it is looked at; answers the seconds to wait before looking.

        Raises TooOften when this address has to pause first.
        """
        address, name = network_of(client), _key(name)
        retry_after_s = max(self._pairs.lacking_s((address, name)), self._addresses.lacking_s((address,)))
        if retry_after_s > 0:
            raise TooOften("Too many attempts from here; wait a little and try again.", retry_after_s)
        self._pairs.take((address, name))
        self._addresses.take((address,))
        slowed = self._names.lacking_s((name,)) > 0
        self._names.take((name,))
        return SLOWED_S if slowed else 0.0

    def succeeded(self, client: str, name: str) -> None:
        """The attempt was right after all: it does not count, and earlier slips are forgotten.

        Only those at the same name: an account of one's own must not pay for guesses at another.
        """
        address, name = network_of(client), _key(name)
        self._pairs.forget((address, name))
        self._addresses.give_back((address,))
        self._names.give_back((name,))


class _Buckets:
    """Buckets by key; a full one is not kept, and of too many the one untouched longest goes."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._levels: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()  # level, as of

    def lacking_s(self, key: tuple[str, ...]) -> float:
        """Seconds until the next attempt; 0 when there is one left."""
        lacking = 1.0 - self._level(key)
        return lacking * self._pace.refill_s if lacking > _ROUNDING else 0.0

    def take(self, key: tuple[str, ...]) -> None:
        self._set(key, max(0.0, self._level(key) - 1.0))

    def give_back(self, key: tuple[str, ...]) -> None:
        self._set(key, self._level(key) + 1.0)

    def forget(self, key: tuple[str, ...]) -> None:
        self._levels.pop(key, None)

    def __len__(self) -> int:
        return len(self._levels)

    def _level(self, key: tuple[str, ...]) -> float:
        level, as_of = self._levels.get(key, (float(self._pace.burst), 0.0))
        return min(float(self._pace.burst), level + (self._clock() - as_of) / self._pace.refill_s)

    def _set(self, key: tuple[str, ...], level: float) -> None:
        self._levels.pop(key, None)
        if level >= self._pace.burst:
            return
        self._levels[key] = (level, self._clock())
        if len(self._levels) > MOST_REMEMBERED:
            self._levels.popitem(last=False)


def network_of(client: str) -> str:
    """Who counts as one attacker: an IPv4 address, or the /64 an IPv6 host has to itself."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client[:_LONGEST_NAME]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _key(name: str) -> str:
    return name.strip().casefold()[:_LONGEST_NAME]
