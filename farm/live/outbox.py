"""The way to one client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from farm.actors import Mailbox
from farm.domain.user import SYSTEM
from farm.live.connection import Connection
from farm.live.frame import Frame
from farm.live.messages import ClientMessage, News


class Outbox:
    """Takes what a client shall be sent: straight onto its line while it keeps up, else into its mailbox.

    So a client that reads costs one system call a frame, and nobody waits for one that does not. name: of
    the client's actor.
    """

    __slots__ = ("_connection", "_mailbox", "name")

    def __init__(self, mailbox: Mailbox[ClientMessage], connection: Connection) -> None:
        """mailbox: of the client's actor."""
        self._mailbox = mailbox
        self._connection = connection
        self.name = mailbox.name

    def put(self, message: ClientMessage) -> bool:
        """Let a message wait for the client's actor. False: there is no room."""
        return self._mailbox.put_nowait(message, SYSTEM)

    def send(self, frames: Sequence[Frame], otherwise: Callable[[], Iterable[ClientMessage]]) -> bool:
        """Send frames after all that was put or sent before. False: there is no room for all of them.

        otherwise: what is put for a client that has not sent all that yet.
        """
        if not self._mailbox.idle:
            return self._put_all(otherwise())
        for at, frame in enumerate(frames):
            if not self._connection.send_now(frame):
                return self._put_all(News(late) for late in frames[at:])
        return True

    def _put_all(self, messages: Iterable[ClientMessage]) -> bool:
        return all(self.put(message) for message in messages)
