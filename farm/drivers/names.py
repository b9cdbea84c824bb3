"""Looks up host names so that those nobody knows hold up no others."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any

import trio

MOST_LOOKUPS = 256  # names at the same time, a thread each; who comes then waits, and gives up in time


@dataclass(eq=False, slots=True)
class _Lookup:
    done: trio.Event = field(default_factory=trio.Event)
    found: list[Any] | None = None
    problem: Exception | None = None


class NameLookups(trio.abc.HostnameResolver):
    """Asks the system, for each name once at a time: see `trio.socket.set_custom_hostname_resolver`.

    A lookup cannot be stopped, and one in vain takes half a minute. Trio's own way holds a thread for each
    that was ever begun, out of the forty that everybody shares: some printers with names that are unknown,
    tried again and again, would soon have them all.
    """

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(MOST_LOOKUPS)
        self._under_way: dict[tuple[Any, ...], _Lookup] = {}

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """As `socket.getaddrinfo`."""
        question = (host, port, family, type, proto, flags)
        lookup = self._under_way.get(question)
        if lookup is None:
            lookup = self._under_way[question] = _Lookup()
            # Nobody's task: it goes on when all who asked have given up, for those who ask next.
            trio.lowlevel.spawn_system_task(self._look_up, question, lookup)
        await lookup.done.wait()
        if lookup.found is None:
            raise lookup.problem or socket.gaierror("the farm is stopping")
        return lookup.found

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        """As `socket.getnameinfo`."""
        return await trio.to_thread.run_sync(
            socket.getnameinfo, sockaddr, flags, abandon_on_cancel=True, limiter=self._threads
        )

    async def _look_up(self, question: tuple[Any, ...], lookup: _Lookup) -> None:
        try:
            lookup.found = await trio.to_thread.run_sync(
                socket.getaddrinfo, *question, abandon_on_cancel=True, limiter=self._threads
            )
        except Exception as problem:  # of any kind: it is raised where somebody asked
            lookup.problem = problem
        finally:
            del self._under_way[question]
            lookup.done.set()
