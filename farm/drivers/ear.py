"""Listens at a thousand sockets at the price of a few: one task of trio's for all of them."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import outcome
import trio

from farm import platform

GATHER_S = 0.01  # after what came, so that what comes close behind takes no turn of the loop of its own
IN_A_TURN = 20  # sockets looked at before others have their turn: some 2 ms

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, eq=False)
class _Listener(Generic[Found]):
    task: trio.lowlevel.Task
    look: Callable[[], Found | None]


class Ear:
    """Calls whoever has something to read. A task that waits for its own socket would cost as much as what
    comes there."""

    def __init__(self) -> None:
        self._sockets = platform.many_as_one()

    @classmethod
    def of_this_run(cls) -> Ear:
        """The one of the run in which this is asked."""
        try:
            return _of_this_run.get()
        except LookupError:
            ear = cls()
            _of_this_run.set(ear)
            if ear._sockets is not None:
                trio.lowlevel.spawn_system_task(ear._listen, ear._sockets)
            return ear

    async def first(self, sock: socket.socket, look: Callable[[], Found | None]) -> Found:
        """Calls `look` whenever there is something to read, until it finds what it was to look for.

        look: reads, without waiting; None for nothing found yet. It runs in the context of the task that
        waits here, so what it begins belongs to that. What it raises comes out here.
        """
        if self._sockets is None:
            return await _first_alone(sock, look)
        sockets = self._sockets
        sockets.register(sock, selectors.EVENT_READ, _Listener(trio.lowlevel.current_task(), look))

        def give_up(_: object) -> trio.lowlevel.Abort:
            sockets.unregister(sock)
            return trio.lowlevel.Abort.SUCCEEDED

        found: Found = await trio.lowlevel.wait_task_rescheduled(give_up)
        return found

    async def _listen(self, sockets: selectors.BaseSelector) -> None:
        try:
            while True:
                await trio.lowlevel.wait_readable(sockets)  # type: ignore[arg-type]
                for number, (key, _) in enumerate(sockets.select(0), 1):
                    if sockets.get_map().get(key.fd) is key:  # its task may have gone meanwhile
                        _look(sockets, key)
                    if number % IN_A_TURN == 0:
                        await trio.lowlevel.checkpoint()
                await trio.sleep(GATHER_S)
        finally:
            sockets.close()


async def _first_alone(sock: socket.socket, look: Callable[[], Found | None]) -> Found:
    while True:
        await trio.lowlevel.wait_readable(sock)
        found = look()
        if found is not None:
            return found


def _look(sockets: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    listener: _Listener[Any] = key.data
    found = outcome.capture(listener.task.context.run, listener.look)
    if isinstance(found, outcome.Error) or found.value is not None:
        sockets.unregister(key.fileobj)
        trio.lowlevel.reschedule(listener.task, found)


_of_this_run: trio.lowlevel.RunVar[Ear] = trio.lowlevel.RunVar("ear at the sockets")
