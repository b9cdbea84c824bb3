"""The line to one client, as the web server hands it over."""

from __future__ import annotations

from typing import Protocol


class ConnectionLost(Exception):
    """The peer is gone, or the line was cut."""


class Connection(Protocol):
    """One WebSocket. A send, a receive and a close may each be cancelled at any time, the line is then lost.

    cookie: the session cookie the page came with, its Origin already checked; None for programs, which
    authenticate by their first message. address: where the client is, for the log.
    """

    @property
    def cookie(self) -> str | None: ...

    @property
    def address(self) -> str: ...

    async def send(self, text: str) -> None:
        """Send one text message; waits while the client does not read. Raises ConnectionLost."""

    async def receive(self) -> str | bytes:
        """The client's next message; bytes for a binary one. Raises ConnectionLost."""

    async def close(self, code: int, reason: str) -> None:
        """Tell the client why and say goodbye. reason: at most 123 bytes. Raises ConnectionLost."""
