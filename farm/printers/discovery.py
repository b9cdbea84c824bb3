"""Print hosts that announce themselves in the shop's network (DNS-SD over multicast DNS).

zeroconf lives in asyncio; it is made, listened to and closed within one call in one thread of ours, so that
nothing of it is left when nobody looks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import trio

from farm.domain.printer import Printer
from farm.drivers.exchange import one_line
from farm.errors import PrinterUnreachable

if TYPE_CHECKING:  # half of what the farm loads: only where somebody looks
    from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf

SERVICES: Mapping[str, str] = {
    "_prusalink._tcp.local.": "prusalink",
    "_moonraker._tcp.local.": "moonraker",
    "_octoprint._tcp.local.": "octoprint",
}
"""What each kind of print host announces itself as. A PrusaLink is an OctoPrint as well, for old slicers."""

ANYTHING = "_http._tcp.local."
"""What a Prusa's own PrusaLink announces itself as, and every television: its name has to say what it is."""

OURS = "farm"  # a property of our own announcement: we are no printer
MOST_HEARD = 500
MOST_KEPT = 5_000  # names of which zeroconf keeps what was said, until nobody is listened to any longer
LOOK_EVERY_S = 0.1
ANSWERS_WITHIN_S = 1.0  # of the hosts that are asked for their addresses
_PORT_80 = re.compile(r":80(?=/|$)")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+){0,8}")
_LOCAL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.local\.?")
_CONTAINERS = ipaddress.ip_network("172.16.0.0/12")  # Docker's, which a print host announces as well

_IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Announced:
    """One service that was heard. addresses: as text, IPv4 first. properties: of its TXT record."""

    type: str
    name: str
    host: str
    port: int
    addresses: Sequence[str]
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A print host in the network. known: the printer of the farm that it is, None for a new one."""

    kind: str
    name: str
    url: str
    host: str
    known: str | None = None


async def listen(seconds: float, interfaces: Sequence[str] | None = None) -> list[Announced]:
    """What announces itself within some seconds. interfaces: addresses of this computer, None for all.

    Raises PrinterUnreachable where this computer cannot listen.
    """
    return await trio.to_thread.run_sync(_listen, seconds, interfaces)


async def hear_nobody(seconds: float) -> list[Announced]:
    """In a replay there is no network."""
    await trio.lowlevel.checkpoint()
    return []


def _listen(seconds: float, interfaces: Sequence[str] | None) -> list[Announced]:
    return asyncio.run(_heard(seconds, interfaces))


async def _heard(seconds: float, interfaces: Sequence[str] | None) -> list[Announced]:
    """Runs in asyncio, which zeroconf is made for."""
    from zeroconf import DNSQuestionType, InterfaceChoice
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

    try:
        line = AsyncZeroconf(interfaces=list(interfaces) if interfaces else InterfaceChoice.All)
    except (OSError, RuntimeError) as error:  # RuntimeError: this computer is in no network at all
        words = f"this computer cannot listen for mDNS ({error}); add printers by their addresses"
        raise PrinterUnreachable(words) from error
    async with line:
        ears = _Ears()
        # Each question in a packet of its own, and none for an answer to us alone: the firmware of a Prusa
        # printer is said to read the first question of a packet only, and not to answer the other kind.
        browsers = [
            AsyncServiceBrowser(line.zeroconf, type, handlers=[ears.hear], question_type=DNSQuestionType.QM)
            for type in (*SERVICES, ANYTHING)
        ]
        for _ in range(round(seconds / LOOK_EVERY_S)):
            trio.from_thread.check_cancelled()
            if len(ears.heard) >= MOST_HEARD or len(line.zeroconf.cache.cache) > MOST_KEPT:
                break  # nobody has so many printers
            await asyncio.sleep(LOOK_EVERY_S)
        for browser in browsers:
            await browser.async_cancel()
        return await _asked(line.zeroconf, ears.heard)


class _Ears:
    """heard: type and name of each service, as many as are listened to."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], None] = {}

    def hear(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        """Its parameters are called as zeroconf calls them."""
        if state_change.name == "Removed":
            self.heard.pop((service_type, name), None)
        elif len(self.heard) < MOST_HEARD and _kind(service_type, name) is not None:
            self.heard[service_type, name] = None


async def _asked(line: Zeroconf, heard: Iterable[tuple[str, str]]) -> list[Announced]:
    """Where these services are, all asked at once where they have not said so; without who does not say."""
    from zeroconf.asyncio import AsyncServiceInfo

    infos = [AsyncServiceInfo(type, name) for type, name in heard]
    await asyncio.gather(*(info.async_request(line, ANSWERS_WITHIN_S * 1000) for info in infos))
    return [_announced(info) for info in infos if info.port]


def _announced(info: ServiceInfo) -> Announced:
    from zeroconf import IPVersion

    addresses = [*info.parsed_addresses(IPVersion.V4Only), *info.parsed_addresses(IPVersion.V6Only)]
    properties = {key: value or "" for key, value in info.decoded_properties.items()}
    return Announced(info.type, info.name, info.server or "", info.port or 80, addresses, properties)


def _kind(type: str, name: str) -> str | None:
    said = name.casefold()
    if type in SERVICES and not said.startswith("prusalink"):
        return SERVICES[type]
    return next((kind for kind in SERVICES.values() if kind in said), None)


def neighbours(heard: Iterable[Announced], printers: Iterable[Printer]) -> list[Neighbour]:
    """The print hosts among what was heard, each once, new ones first, by name. Pure."""
    at = {_PORT_80.sub("", each.address.url): each.id for each in printers if each.address.url}
    found: dict[str, Neighbour] = {}
    for each in sorted(heard, key=_hearsay):
        kind, urls = _kind(each.type, each.name), _urls(each)
        if kind is None or not urls or OURS in each.properties:
            continue
        known = next((at[url] for url in urls if url in at), None)
        host = one_line(each.host.rstrip("."), 100)
        label = one_line(each.name.removesuffix(each.type).rstrip("."), 80) or host or urls[0]
        found.setdefault(urls[0], Neighbour(kind, label, urls[0], host, known))
    return sorted(found.values(), key=lambda one: (one.known is not None, one.name.casefold(), one.url))


def _hearsay(each: Announced) -> tuple[int, str, str]:
    """Who says outright what it is knows better than who is an OctoPrint as well, or any web server."""
    return [*SERVICES, ANYTHING].index(each.type), each.name, each.host


def _urls(each: Announced) -> list[str]:
    """Where it may be found, the likeliest first; its name last, which not every network knows."""
    if not 0 < each.port < 65536:
        return []
    usable = [address for address in map(_usable, each.addresses) if address is not None]
    hosts = [str(address) for address in sorted(usable, key=_remoteness)]
    named = [each.host.rstrip(".").lower()] if _LOCAL_NAME.fullmatch(each.host) else []
    return [_at(host, each) for host in hosts + named]


def _usable(text: str) -> _IPAddress | None:
    """An address that another computer in the network can have; None for any other, and for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    is_odd = address.is_unspecified or address.is_reserved or getattr(address, "scope_id", None) is not None
    is_near = (
        address.is_loopback or address.is_link_local or getattr(address, "ipv4_mapped", None) is not None
    )
    return None if is_odd or is_near or address.is_multicast else address


def _remoteness(address: _IPAddress) -> tuple[int, bool, int]:
    return address.version, address in _CONTAINERS, int(address)


def _at(host: str, each: Announced) -> str:
    """As the farm writes addresses: without the port that everybody knows, and no slash at the end."""
    where = f"[{host}]" if ":" in host else host
    port = "" if each.port == 80 else f":{each.port}"
    path = each.properties.get("path", "").rstrip("/")
    return f"http://{where}{port}{path if _PATH.fullmatch(path) else ''}"
