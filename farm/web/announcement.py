"""Lets the farm be found in the shop's network: by people's browsers, by slicers, and by programs of ours.

zeroconf answers in threads of its own from when it is made until it is closed, which says goodbye.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
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
    from zeroconf import ServiceInfo, Zeroconf

log = structlog.get_logger(__name__)

TYPES = ("_http._tcp.local.", "_printer-farm._tcp.local.", "_octoprint._tcp.local.")
LOOK_EVERY_S = 30.0  # for other addresses
SAID_WITHIN_S = 4.0
GOODBYE_WITHIN_S = 3.0
CONTAINERS = ("docker", "br-", "veth", "virbr")
"""How interfaces begin behind which there is no shop, but this PC's own containers and virtual PCs."""


class Announcement:
    """The actor `announcement`: takes no messages; the farm can be found until its mailbox closes."""

    def __init__(self, host: str, port: int, version: str) -> None:
        """host, port: where the farm listens; it is announced in the networks of these addresses alone."""
        self._host = host
        self._port = port
        self._version = version
        self._line: Zeroconf | None = None
        self._announced: list[str] = []

    async def run(self, mailbox: Mailbox[Never]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_up)
                async for _ in mailbox:
                    pass
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(GOODBYE_WITHIN_S, shield=True):
                await self._fall_silent()

    async def _keep_up(self) -> None:
        """A shop PC may come into the network after it was started, or get another address there."""
        while True:
            addresses = await trio.to_thread.run_sync(addresses_of, self._host)
            if addresses != self._announced:
                await self._fall_silent()
                self._announced = addresses
                if addresses:
                    await self._speak(addresses)
            await trio.sleep(LOOK_EVERY_S)

    async def _speak(self, addresses: list[str]) -> None:
        """A network that cannot be told is no failure: the farm is there, whoever knows its address."""
        try:
            self._line = await trio.to_thread.run_sync(self._announce, addresses)
        except OSError as error:
            log.warning("farm not announced in the network", why=str(error))
        else:
            log.info("farm announced in the network", addresses=addresses, port=self._port)

    async def _fall_silent(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await trio.to_thread.run_sync(line.close, abandon_on_cancel=True)

    def _announce(self, addresses: list[str]) -> Zeroconf:
        from zeroconf import ServiceInfo, Zeroconf

        name = name_of(socket.gethostname())
        infos = [
            ServiceInfo(
                type,
                f"Printer farm on {name}.{type}",
                parsed_addresses=addresses,
                port=self._port,
                properties={"path": "/", OURS: self._version, "version": VERSION},
                # The PC's own name is its system's to announce: our goodbye would be one to that as well.
                server=f"printer-farm-{name}.local.",
            )
            for type in TYPES
        ]
        line = Zeroconf(interfaces=addresses)
        try:
            _register(line, infos)
        except BaseException:
            line.close()
            raise
        return line


def _register(line: Zeroconf, infos: Sequence[ServiceInfo]) -> None:
    """Announce all at once: one after the other, each asks for two seconds whether its name is free."""
    from zeroconf import NonUniqueNameException

    async def register() -> None:
        said = [line.async_register_service(info, allow_name_change=True) for info in infos]
        await asyncio.gather(*await asyncio.gather(*said))

    if line.loop is None:
        raise OSError("zeroconf does not run")
    try:
        asyncio.run_coroutine_threadsafe(register(), line.loop).result(SAID_WITHIN_S)
    except NonUniqueNameException as error:
        raise OSError("too many farms are announced under this PC's name") from error
    except TimeoutError as error:
        raise OSError("the network was not told in time") from error


def name_of(host: str) -> str:
    """A PC's name as a part of ours, which are short: "Shop-PC.lan" is Shop-PC."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", host.partition(".")[0])[:40].strip("-")
    return plain or "shop"


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
    ours = [
        each.address
        for name, found in psutil.net_if_addrs().items()
        for each in found
        if each.family == socket.AF_INET and not name.startswith(CONTAINERS)
    ]
    return sorted(address for address in ours if _is_of_a_network(address))


def _is_of_a_network(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local)
