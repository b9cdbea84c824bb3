"""The usual loop of an actor: one message after the other, problems answered, bugs let through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from farm.actors.mailbox import Mailbox
from farm.domain.user import Principal
from farm.errors import FarmError

log = structlog.get_logger(__name__)

Message = TypeVar("Message")


async def serve(mailbox: Mailbox[Message], handle: Callable[[Message, Principal], Awaitable[object]]) -> None:
    """Let `handle` answer each message until the mailbox is closed and empty.

    A FarmError that `handle` raises is the answer to an ask; for a told message it is logged, for
    nobody waits to hear it. Any other exception is a bug and ends the actor.
    """
    async for delivery in mailbox:
        try:
            delivery.answer(await handle(delivery.message, delivery.by))
        except FarmError as problem:
            if not delivery.refuse(problem):
                log.warning(
                    "message refused",
                    actor=mailbox.name,
                    message=type(delivery.message).__name__,
                    problem=str(problem),
                )
