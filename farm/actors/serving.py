"""The usual loop of an actor: one message after the other, problems answered, bugs let through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import structlog

from farm.actors.mailbox import Delivery, Mailbox
from farm.domain.user import Principal
from farm.errors import FarmError

log = structlog.get_logger(__name__)

Message = TypeVar("Message")
Answer = TypeVar("Answer")


class Later(Generic[Answer]):
    """An answer that a handler promises: one of its activities gives it, while the actor goes on.

    Until then the asker's own deadline bounds the wait. An actor that ends settles what it promised.
    """

    def __init__(self) -> None:
        self._delivery: Delivery[Any] | None = None
        self._settle: Callable[[Delivery[Any]], object] | None = None

    def give(self, value: Answer) -> None:
        """Answer with `value`."""
        self._settle_by(lambda delivery: delivery.answer(value))

    def fail(self, error: Exception) -> None:
        """Answer with a problem."""
        self._settle_by(lambda delivery: delivery.refuse(error))

    def promise(self, delivery: Delivery[Any]) -> None:
        """This is the delivery that the answer is for."""
        self._delivery = delivery
        if self._settle is not None:
            self._settle(delivery)

    def _settle_by(self, settle: Callable[[Delivery[Any]], object]) -> None:
        self._settle = settle
        if self._delivery is not None:
            settle(self._delivery)


async def serve(mailbox: Mailbox[Message], handle: Callable[[Message, Principal], Awaitable[object]]) -> None:
    """Let `handle` answer each message until the mailbox is closed and empty.

    A FarmError that `handle` raises is the answer to an ask; for a told message it is logged, for
    nobody waits to hear it. Any other exception is a bug and ends the actor.
    """
    async for delivery in mailbox:
        try:
            answer = await handle(delivery.message, delivery.by)
            if isinstance(answer, Later):
                answer.promise(delivery)
            else:
                delivery.answer(answer)
        except FarmError as problem:
            if not delivery.refuse(problem):
                log.warning(
                    "message refused",
                    actor=mailbox.name,
                    message=type(delivery.message).__name__,
                    problem=str(problem),
                )
