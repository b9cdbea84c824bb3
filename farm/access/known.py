"""What the database last said about a credential: small, short-lived, dropped whole at any change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from farm.errors import StorageFailed

LIVES_S = 5.0  # also how long a change whose caller was cut off in mid-write can go unnoticed
HOLDS = 1024

_T = TypeVar("_T")


class Known(Generic[_T]):
    """A look-up remembered for a few seconds, so that a request costs no query of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: seconds, monotonic."""
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, _T]] = OrderedDict()
        self.revision = 0

    async def recall(self, key: str, look_up: Callable[[], Awaitable[_T | None]]) -> _T | None:
        """What is known under `key`, looked up if need be; None if there is nothing (not remembered).

        When the store fails, what it said last still counts: no rights change while nothing can be
        written, and a broken disk must not keep anybody from the stop button.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry[0] + LIVES_S:
            return entry[1]
        revision = self.revision
        try:
            found = await look_up()
        except StorageFailed:
            if entry is None or revision != self.revision:
                raise
            return entry[1]
        if found is None:
            self._entries.pop(key, None)
        elif revision == self.revision:  # else it may be older than the change that was made meanwhile
            self._put(key, found)
        return found

    def amend(self, key: str, value: _T) -> None:
        """Something about what was just recalled is newer. What a change has overtaken stays forgotten."""
        if key in self._entries:
            self._put(key, value)

    def _put(self, key: str, value: _T) -> None:
        self._entries.pop(key, None)
        self._entries[key] = (self._clock(), value)
        if len(self._entries) > HOLDS:
            self._entries.popitem(last=False)

    def forget(self) -> None:
        """Something changed: ask the store again for everybody."""
        self._entries.clear()
        self.revision += 1
