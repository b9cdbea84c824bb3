"""The way to an actor. An address stays good while its actor crashes and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from farm.actors.latest import Latest
from farm.domain.user import SYSTEM, Principal
from farm.errors import AskExpired

if TYPE_CHECKING:
    from farm.actors.mailbox import Mailbox

Answer = TypeVar("Answer")
Message = TypeVar("Message", contravariant=True)

ASK_TIMEOUT_S = 30.0  # nobody waits for ever, not even by mistake


class Ask(Generic[Answer]):
    """Base of messages that are answered with an `Answer`."""

    __slots__ = ()


class Reply:
    """One answer on its way back to the one asker; the first settlement counts."""

    __slots__ = ("_asker", "_error", "_value", "expires_at", "settled")

    def __init__(self, expires_at: float) -> None:
        self.expires_at = expires_at
        self.settled = False  # whether an answer or a refusal was given
        self._asker: trio.lowlevel.Task | None = None
        self._value: Any = None
        self._error: Exception | None = None

    def give(self, value: Any) -> None:
        """Answer with `value`."""
        if not self.settled:
            self._value = value
            self._settle()

    def fail(self, error: Exception) -> None:
        """Answer with a problem."""
        if not self.settled:
            self._error = error
            self._settle()

    def _settle(self) -> None:
        self.settled = True
        if self._asker is not None:
            trio.lowlevel.reschedule(self._asker)
            self._asker = None

    async def wait(self) -> Any:
        """The answer. Raises the problem it was answered with. No checkpoint when it is there already."""
        if not self.settled:
            self._asker = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)
        if self._error is not None:
            raise self._error
        return self._value

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._asker = None
        return trio.lowlevel.Abort.SUCCEEDED


class Address(Generic[Message]):
    """How others reach an actor: `tell` waits for room, `tell_nowait` never, `ask` for the answer."""

    __slots__ = ("_mailbox", "name")

    def __init__(self, mailbox: Mailbox[Any]) -> None:
        self._mailbox = mailbox
        self.name = mailbox.name

    def __repr__(self) -> str:
        return f"<address of {self.name}>"

    async def tell(self, message: Message, *, by: Principal = SYSTEM) -> None:
        """Put `message` into the mailbox, waiting while it is full (or as its policy says).

        Raises Overloaded when the policy is to refuse, ActorDown when there is no room and the actor
        is not running: nobody waits for one that is down. ValueError: an undeclared direction.
        """
        self._mailbox.check_direction()
        await self._mailbox.put(message, by)

    def tell_nowait(self, message: Message, *, by: Principal = SYSTEM) -> bool:
        """Put `message` into the mailbox and say whether there was room. Never waits."""
        return self._mailbox.put_nowait(message, by)

    async def ask(
        self, message: Ask[Answer], *, by: Principal = SYSTEM, timeout: float = ASK_TIMEOUT_S
    ) -> Answer:
        """Send `message` and wait at most `timeout` seconds for its answer.

        Raises the FarmError it is refused with; ActorFailed when the actor crashed with it in hand;
        ActorDown at once while the actor backs off; AskExpired after the deadline. A request that still
        waits at its deadline, or at the one the asker set around this call, is skipped. Cancelling the
        asker in any other way does not take the request back.
        """
        if isinstance(message, Latest):  # the one before it would never be answered
            raise ValueError(f"{type(message).__name__} is a state and an ask at once")
        self._mailbox.check_direction()
        deadline = trio.current_time() + timeout
        reply = Reply(expires_at=min(deadline, trio.current_effective_deadline()))
        with trio.move_on_at(deadline):
            await self._mailbox.put(message, by, reply)
            answer: Answer = await reply.wait()
            return answer
        raise AskExpired(f"{self.name} did not answer within {timeout:g} s; look at its state and try again")
