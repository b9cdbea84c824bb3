"""Messages of which only the newest matters."""

from __future__ import annotations

from collections.abc import Hashable


class Latest:
    """Base of state messages: a newer one takes the place of the one still waiting with its key.

    Such a message never waits and is never refused: a mailbox holds at most one per key, whatever its
    size, so the set of keys must be bounded by what it names (the printers of the shop, say).
    """

    __slots__ = ()

    @property
    def key(self) -> Hashable:
        """What this is the newest state of."""
        raise NotImplementedError(f"{type(self).__name__} has no key")
