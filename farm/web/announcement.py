"""Lets the farm be found in the shop's network: by people's browsers, by slicers, and by programs of ours.

zeroconf answers in threads of its own from when it is made until it is closed, which says goodbye.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Never

import psutil
import structlog
import trio

from farm.actors import Mailbox
from farm.printers.discovery import OURS
from farm.web.octoprint.shapes import VERSION

if TYPE_CHECKING:  # half of what the farm loads: only where it is announced
    from zeroconf import Zeroconf

log = structlog.get_logger(__name__)

TYPES = ("_http._tcp.local.", "_printer-farm._tcp.local.", "_octoprint._tcp.local.")
GOODBYE_WITHIN_S = 3.0


class Announcement:
    """The actor `announcement`: takes no messages; the farm can be found until its mailbox closes."""

    def __init__(self, host: str, port: int, version: str, interfaces: Sequence[str] | None = None) -> None:
        """host, port: where the farm listens. interfaces: addresses of this computer, None for all."""
        self._host = host
        self._port = port
        self._version = version
        self._interfaces = interfaces

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """A network that cannot be told is no failure: the farm is there, whoever knows its address."""
        line: Zeroconf | None = None
        try:
            try:
                line = await trio.to_thread.run_sync(self._announce)
            except OSError as error:
                log.warning("farm not announced in the network", why=str(error))
            async for _ in mailbox:
                pass
        finally:
            if line is not None:
                with trio.move_on_after(GOODBYE_WITHIN_S, shield=True):
                    await trio.to_thread.run_sync(line.close, abandon_on_cancel=True)

    def _announce(self) -> Zeroconf:
        from zeroconf import InterfaceChoice, NonUniqueNameException, ServiceInfo, Zeroconf

        line = Zeroconf(interfaces=list(self._interfaces) if self._interfaces else InterfaceChoice.All)
        name = socket.gethostname().partition(".")[0] or "shop"
        addresses = [socket.inet_aton(address) for address in addresses_of(self._host)]
        properties = {"path": "/", OURS: self._version, "version": VERSION}
        try:
            for type in TYPES:
                info = ServiceInfo(
                    type,
                    f"Printer farm on {name}.{type}",
                    addresses=addresses,
                    port=self._port,
                    properties=properties,
                    server=f"{name}.local.",
                )
                line.register_service(info, allow_name_change=True)
        except NonUniqueNameException as error:
            line.close()
            raise OSError(f"another {name} is announced already") from error
        except BaseException:
            line.close()
            raise
        return line


def is_for_others(host: str) -> bool:
    """Whether a server that listens on `host` can be reached from other computers."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def addresses_of(host: str) -> list[str]:
    """The IPv4 addresses at which others reach a server that listens on `host`."""
    try:
        where = ipaddress.ip_address(host)
    except ValueError:
        return [socket.gethostbyname(host)]
    if not where.is_unspecified:
        return [str(where)] if where.version == 4 else []
    every = (each for found in psutil.net_if_addrs().values() for each in found)
    ours = [each.address for each in every if each.family == socket.AF_INET]
    return [address for address in ours if not ipaddress.ip_address(address).is_loopback]
