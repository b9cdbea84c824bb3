"""The line to one client, as the web server hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from farm.domain.user import Principal
from farm.live.frame import Frame


class ConnectionLost(Exception):
    """The peer is gone, or the line was cut."""


class Connection(Protocol):
    """One WebSocket. A send, a receive and a close may each be cancelled at any time, the line is then lost.

    cookie: the session cookie the page came with, its Origin already checked; None for programs, which
    authenticate by their first message. address: where the client is, for the log. heard_at: when anything
    came from it last, on the monotonic clock.
    """

    @property
    def cookie(self) -> str | None: ...

    @property
    def address(self) -> str: ...

    @property
    def heard_at(self) -> float: ...

    async def send(self, frames: Sequence[Frame]) -> None:
        """Send text messages; waits while the client does not read. Raises ConnectionLost."""

    def send_now(self, frame: Frame) -> bool:
        """Send a text message if that can be done without waiting. False: nothing of it was sent."""

    async def ping(self) -> None:
        """Ask for a sign of life, which counts as heard; waits as `send` does. Raises ConnectionLost."""

    async def receive(self) -> str | bytes:
        """The client's next message; bytes for a binary one. Raises ConnectionLost."""

    async def close(self, code: int, reason: str) -> None:
        """Tell the client why and say goodbye. reason: at most 123 bytes. Raises ConnectionLost."""

    async def command(self, by: Principal, printer: str, command: bytes) -> str:
        """Tell a printer something, as `POST /v1/printers/<printer>/commands` does with this body.

        Returns the command's id. Raises FarmError.
        """
