"""Print hosts that announce themselves in the shop's network (DNS-SD over multicast DNS).

zeroconf speaks in threads of its own; it is made, listened to and closed within one call in one thread of
ours, so that nothing of it is left when nobody looks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from farm.domain.printer import Printer
from farm.drivers.exchange import one_line
from farm.errors import PrinterUnreachable

if TYPE_CHECKING:  # half of what the farm loads: only where somebody looks
    from zeroconf import ServiceStateChange, Zeroconf

SERVICES: Mapping[str, str] = {
    "_octoprint._tcp.local.": "octoprint",
    "_moonraker._tcp.local.": "moonraker",
    "_prusalink._tcp.local.": "prusalink",
}
"""What each kind of print host announces itself as."""

ANYTHING = "_http._tcp.local."
"""What a Prusa's own PrusaLink announces itself as, and every television: its name has to say what it is."""

OURS = "farm"  # a property of our own announcement: we are no printer
MOST_HEARD = 500
LOOK_EVERY_S = 0.1
ANSWERS_WITHIN_S = 1.0  # of one host that is asked for its address
_PORT_80 = re.compile(r":80(?=/|$)")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+){0,8}")


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
    from zeroconf import InterfaceChoice, ServiceBrowser, Zeroconf

    try:
        line = Zeroconf(interfaces=list(interfaces) if interfaces else InterfaceChoice.All)
    except OSError as error:
        words = f"this computer cannot listen for mDNS ({error}); add printers by their addresses"
        raise PrinterUnreachable(words) from error
    try:
        ears = _Ears()
        ServiceBrowser(line, [*SERVICES, ANYTHING], handlers=[ears.hear])
        _wait(seconds)
        return [found for type, name in list(ears.heard) if (found := _asked(line, type, name)) is not None]
    finally:
        line.close()


def _wait(seconds: float) -> None:
    """Raises trio.Cancelled soon after whoever asked has gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        trio.from_thread.check_cancelled()
        time.sleep(LOOK_EVERY_S)


class _Ears:
    """Called from zeroconf's thread."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], None] = {}

    def hear(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        """Its parameters are called as zeroconf calls them."""
        if state_change.name == "Removed":
            self.heard.pop((service_type, name), None)
        elif len(self.heard) < MOST_HEARD:
            self.heard[service_type, name] = None


def _asked(line: Zeroconf, type: str, name: str) -> Announced | None:
    """Where a service is; None where nobody says, and for what is no print host anyway."""
    from zeroconf import IPVersion, ServiceInfo

    if type == ANYTHING and _kind(type, name) is None:
        return None
    trio.from_thread.check_cancelled()
    info = ServiceInfo(type, name)
    if not info.load_from_cache(line) and not info.request(line, ANSWERS_WITHIN_S * 1000):
        return None
    addresses = [*info.parsed_addresses(IPVersion.V4Only), *info.parsed_addresses(IPVersion.V6Only)]
    properties = {key: value or "" for key, value in info.decoded_properties.items()}
    return Announced(type, name, info.server or "", info.port or 80, addresses, properties)


def _kind(type: str, name: str) -> str | None:
    if type in SERVICES:
        return SERVICES[type]
    said = name.casefold()
    return next((kind for kind in SERVICES.values() if kind in said), None)


def neighbours(heard: Iterable[Announced], printers: Iterable[Printer]) -> list[Neighbour]:
    """The print hosts among what was heard, each once, new ones first, by name. Pure."""
    at = {_PORT_80.sub("", each.address.url): each.id for each in printers if each.address.url}
    found: dict[str, Neighbour] = {}
    for each in heard:
        kind, url = _kind(each.type, each.name), _url(each)
        if kind is None or url is None or OURS in each.properties:
            continue
        host = one_line(each.host.rstrip("."), 100)
        known = at.get(url) or at.get(_at(host, each))
        label = one_line(each.name.removesuffix(each.type).rstrip("."), 80)
        if url not in found or each.type != ANYTHING:  # who says outright what it is knows better
            found[url] = Neighbour(kind, label, url, host, known)
    return sorted(found.values(), key=lambda one: (one.known is not None, one.name.casefold(), one.url))


def _url(each: Announced) -> str | None:
    usable = [address for address in each.addresses if not address.startswith("fe80")]
    return _at(usable[0], each) if usable else None


def _at(host: str, each: Announced) -> str:
    """As the farm writes addresses: without the port that everybody knows, and no slash at the end."""
    where = f"[{host}]" if ":" in host else host
    port = "" if each.port == 80 else f":{each.port}"
    path = each.properties.get("path", "").rstrip("/")
    return f"http://{where}{port}{path if _PATH.fullmatch(path) else ''}"
