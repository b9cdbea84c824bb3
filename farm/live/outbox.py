"""The way to one client."""

from __future__ import annotations

from collections.abc import Iterable

from farm.actors import Address
from farm.live.connection import Connection
from farm.live.frame import Frame
from farm.live.messages import ClientMessage, News


class Outbox:
    """Takes what a client shall be sent: straight onto its line while it keeps up, else into its mailbox.

    So a client that reads costs one system call a frame, and nobody waits for one that does not. name: of
    the client's actor.
    """

    __slots__ = ("_address", "_connection", "name")

    def __init__(self, address: Address[ClientMessage], connection: Connection) -> None:
        self._address = address
        self._connection = connection
        self.name = address.name

    @property
    def keeps_up(self) -> bool:
        """Whether the client's actor has sent all that it was told to."""
        return self._address.idle

    def put(self, message: ClientMessage) -> bool:
        """Let a message wait for the client's actor. False: there is no room."""
        return self._address.tell_nowait(message)

    def send(self, frames: Iterable[Frame]) -> bool:
        """Send frames after all that was put or sent before. False: there is no room for all of them."""
        for frame in frames:
            at_once = self._address.idle and self._connection.send_now(frame)
            if not at_once and not self.put(News(frame)):
                return False
        return True
