"""The bounded queue in front of an actor, and what is known about its traffic."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, Self, TypeVar

import outcome
import trio

from farm.actors.address import Reply
from farm.actors.directions import Directions, current_actor
from farm.actors.latest import Latest
from farm.actors.letters import DeadLetter, DeadLetters
from farm.domain.user import Principal
from farm.errors import ActorDown, ActorFailed, FarmError, Overloaded

Message = TypeVar("Message")


class WhenFull(Enum):
    """What a full mailbox does with one message more."""

    WAIT = auto()  # the teller waits: back-pressure
    REFUSE = auto()  # the teller is told Overloaded
    DROP_OLDEST = auto()  # the oldest waiting one goes, counted


@dataclass(slots=True, eq=False)
class Delivery(Generic[Message]):
    """A message on its way, with who stands behind it. The runtime never reads `by`."""

    message: Message
    by: Principal
    reply: Reply | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody waits for an answer any more, or ever did."""
        return self.reply is None or self.reply.settled

    def answer(self, value: Any) -> None:
        """Answer an ask with `value`; nothing for a message that expects no answer."""
        if self.reply is not None:
            self.reply.give(value)

    def refuse(self, error: Exception) -> bool:
        """Answer an ask with a problem. Returns False when nobody waits for an answer."""
        if self.reply is None:
            return False
        self.reply.fail(error)
        return True


@dataclass(slots=True)
class Traffic:
    """Counts since the actor was first started. longest_s: seconds of the longest handling of one message.

    What was sent is in one of them or still waits: `handled` to its end, `dropped` for want of room,
    `expired` before its turn, `refused` because the actor was down, or `dead` (see DeadLetters). Newest
    states that took the place of older ones are counted once.
    """

    peak: int = 0
    handled: int = 0
    dropped: int = 0
    expired: int = 0
    refused: int = 0
    dead: int = 0
    longest_s: float = 0.0


class Mailbox(Generic[Message]):
    """What waits for one actor. Kept by the supervisor, so that mail survives the actor's crashes.

    The actor receives one delivery after the other, or takes all that wait at once. What it took is
    *in hand* until it asks for more; what is in hand when it crashes is never delivered again. A
    request put aside to be answered later is out of its hands: should the answer never come, its
    asker's deadline is what ends the wait.
    """

    __slots__ = (
        "_blocked",
        "_closed",
        "_directions",
        "_down",
        "_in_hand",
        "_patient",
        "_receiver",
        "_saw_state",
        "_states",
        "_taken_at",
        "_waiting",
        "_when_full",
        "_when_ready",
        "dead_letters",
        "name",
        "size",
        "traffic",
    )

    def __init__(
        self,
        name: str,
        *,
        size: int,
        when_full: WhenFull = WhenFull.WAIT,
        dead_letters: DeadLetters | None = None,
        directions: Directions | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"a mailbox of {size} for {name}: nothing could ever be delivered")
        self.name = name
        self.size = size
        self.traffic = Traffic()
        self.dead_letters = dead_letters if dead_letters is not None else DeadLetters()
        self._when_full = when_full
        self._directions = directions
        self._waiting: deque[Delivery[Message]] = deque()
        self._states: dict[Hashable, Delivery[Message]] = {}
        self._in_hand: list[Delivery[Message]] = []
        self._taken_at = 0.0
        self._patient: Callable[[], None] | None = None
        self._saw_state = False
        self._receiver: trio.lowlevel.Task | None = None
        self._blocked: OrderedDict[trio.lowlevel.Task, Delivery[Message]] | None = None  # made when needed
        self._down: str | None = None  # why asks are refused
        self._closed = False
        self._when_ready: Callable[[], None] | None = None

    @property
    def closed(self) -> bool:
        """Whether no more mail is taken."""
        return self._closed

    @property
    def depth(self) -> int:
        """How many messages wait, apart from newest states."""
        return len(self._waiting) - len(self._states)

    @property
    def has_mail(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether the actor waits for mail, having dealt with all that it was ever sent."""
        return self._receiver is not None

    # -- the side of the senders ---------------------------------------------------------------

    def check_direction(self) -> None:
        """Raise ValueError when the running actor has no business waiting for this one."""
        if self._directions is not None:
            self._directions.check(self.name)
        elif current_actor.get() == self.name:
            raise ValueError(f"{self.name} may not wait for itself")

    async def put(self, message: Message, by: Principal, reply: Reply | None = None) -> None:
        """Add a message as the policy for a full mailbox says. See `Address.tell`.

        Nothing is added when the sender is cancelled here; when this returns the message was added.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        delivery = Delivery(message, by, reply)
        if self._let_in(delivery):
            await trio.lowlevel.cancel_shielded_checkpoint()
        elif self._when_full is WhenFull.WAIT and self._down is None and not self._closed:
            await self._wait_for_room(delivery)
        else:
            problem = self._turn_away(delivery)
            await trio.lowlevel.cancel_shielded_checkpoint()  # who tries for ever lets others run
            raise problem

    def put_nowait(self, message: Message, by: Principal) -> bool:
        """Add a message if there is room, or room can be made. Says whether it was added."""
        delivery = Delivery(message, by)
        if self._let_in(delivery):
            return True
        self._turn_away(delivery)
        return False

    def _let_in(self, delivery: Delivery[Message]) -> bool:
        """Add a delivery at once if that can be done."""
        if self._closed or (self._down is not None and delivery.reply is not None):
            return False
        if isinstance(delivery.message, Latest):
            self._put_state(delivery.message.key, delivery)
            return True
        if len(self._waiting) - len(self._states) >= self.size:
            if self._when_full is not WhenFull.DROP_OLDEST:
                return False
            self._drop_oldest()
        self._add(delivery)
        return True

    async def _wait_for_room(self, delivery: Delivery[Message]) -> None:
        """Wait until the actor has taken `delivery` in: in the order of arrival, nobody overtakes."""
        task = trio.lowlevel.current_task()
        blocked = self._blocked = self._blocked if self._blocked is not None else OrderedDict()
        blocked[task] = delivery

        def give_up(_: object) -> trio.lowlevel.Abort:
            del blocked[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

    def _turn_away(self, delivery: Delivery[Message]) -> FarmError:
        """Count a delivery that is not let in. Returns what to tell its sender."""
        if self._closed:
            self._bury(delivery, "the actor has stopped")
            return self._stopped()
        if self._down is None:
            self.traffic.dropped += 1
            return self._overloaded()
        if delivery.reply is not None:
            self.traffic.refused += 1
            return self._is_down(self._down)
        self.traffic.dropped += 1
        return ActorDown(f"{self.name} is down with a full mailbox ({self.size} waiting): {self._down}")

    def _let_blocked_in(self) -> None:
        while self._blocked and self.depth < self.size:
            task, delivery = self._blocked.popitem(last=False)
            self._add(delivery)
            trio.lowlevel.reschedule(task)

    def _release_blocked(self) -> None:
        """The actor is down or closed, so nobody waits for it: let in who finds room, turn away the rest."""
        while self._blocked:
            task, delivery = self._blocked.popitem(last=False)
            if self._let_in(delivery):
                trio.lowlevel.reschedule(task)
            else:
                trio.lowlevel.reschedule(task, outcome.Error(self._turn_away(delivery)))

    def _put_state(self, key: Hashable, delivery: Delivery[Message]) -> None:
        waiting = self._states.get(key)
        if waiting is None:
            self._states[key] = delivery
            self._add(delivery)
        else:  # in place, so that a busy key does not lose its turn
            waiting.message, waiting.by = delivery.message, delivery.by

    def _add(self, delivery: Delivery[Message]) -> None:
        self._waiting.append(delivery)
        depth = len(self._waiting) - len(self._states)
        if depth > self.traffic.peak:
            self.traffic.peak = depth
        if self._patient is None or not isinstance(delivery.message, Latest):
            self._wake_receiver()
        elif self._receiver is not None and not self._saw_state:
            self._saw_state = True
            self._patient()

    def _drop_oldest(self) -> None:
        for index, delivery in enumerate(self._waiting):
            if not isinstance(delivery.message, Latest):
                del self._waiting[index]
                self.traffic.dropped += 1
                delivery.refuse(self._overloaded())
                return

    def _overloaded(self) -> Overloaded:
        return Overloaded(f"{self.name} has too much to do ({self.size} waiting); try again in a moment")

    def _is_down(self, why: str) -> ActorDown:
        return ActorDown(f"{self.name} takes no requests at the moment: {why}")

    def _stopped(self) -> ActorDown:
        return ActorDown(f"{self.name} has stopped")

    def _bury(self, delivery: Delivery[Message], why: str) -> None:
        self.traffic.dead += 1
        self.dead_letters.add(DeadLetter(trio.current_time(), self.name, delivery.message, delivery.by, why))

    # -- the side of the actor -----------------------------------------------------------------

    def receive(self, *, patient: Callable[[], None] | None = None) -> Coroutine[Any, Any, Delivery[Message]]:
        """The next delivery; what was in hand before is settled by asking for it.

        patient: when it is given, newest states that come meanwhile end no wait, and are had with
        `take_waiting`; it is called when the first of them comes.
        The first call tells the supervisor that the actor is ready. Raises trio.EndOfChannel when the
        mailbox is closed and empty: the actor should end.
        """
        self._patient, self._saw_state = patient, False
        return self._receive(trio.EndOfChannel)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, Delivery[Message]]:
        return self._receive(StopAsyncIteration)

    async def _receive(self, at_the_end: type[Exception]) -> Delivery[Message]:
        """One frame for both ways to receive: every idle actor holds one, every message passes it."""
        if self._in_hand:
            self._settle()
        if self._when_ready is not None:
            self._say_ready(self._when_ready)
        if self._waiting or self._closed:
            await trio.lowlevel.checkpoint()
        while True:
            while self._waiting:
                delivery = self._pop()
                if delivery is not None:
                    self._take(delivery)
                    return delivery
            if self._closed:
                raise at_the_end
            if self._receiver is not None:
                raise ValueError(f"two tasks receive from {self.name}")
            self._receiver = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._stop_receiving)

    def _stop_receiving(self, _: object) -> trio.lowlevel.Abort:
        self._receiver = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _wake_receiver(self) -> None:
        if self._receiver is not None:
            trio.lowlevel.reschedule(self._receiver)
            self._receiver = None

    def take_waiting(self, limit: int) -> list[Delivery[Message]]:
        """Up to `limit` more deliveries that wait already, added to what is in hand. Never waits."""
        more: list[Delivery[Message]] = []
        while self._waiting and len(more) < limit:
            delivery = self._pop()
            if delivery is not None:
                self._take(delivery)
                more.append(delivery)
        return more

    def _pop(self) -> Delivery[Message] | None:
        """The oldest delivery that is still wanted; None when it expired."""
        delivery = self._waiting.popleft()
        if isinstance(delivery.message, Latest):
            del self._states[delivery.message.key]
        elif self._blocked:
            self._let_blocked_in()
        reply = delivery.reply
        if reply is not None and trio.current_time() >= reply.expires_at:
            self.traffic.expired += 1
            return None
        return delivery

    def _take(self, delivery: Delivery[Message]) -> None:
        if not self._in_hand:
            self._taken_at = trio.current_time()
        self._in_hand.append(delivery)

    def _settle(self) -> None:
        self.traffic.handled += len(self._in_hand)
        self._in_hand.clear()
        self._measure()

    def _measure(self) -> None:
        took = trio.current_time() - self._taken_at
        if took > self.traffic.longest_s:
            self.traffic.longest_s = took

    def _say_ready(self, when_ready: Callable[[], None]) -> None:
        self._when_ready = None
        when_ready()

    # -- the side of the supervisor ------------------------------------------------------------

    def open(self, when_ready: Callable[[], None]) -> None:
        """An actor starts on this mailbox; `when_ready` is called when it first asks for mail."""
        self._down = None
        self._when_ready = when_ready

    @property
    def in_hand_since(self) -> float | None:
        """When the actor took what it works on, on the monotonic clock; None while it waits for mail."""
        return self._taken_at if self._in_hand else None

    def finish_in_hand(self) -> None:
        """The actor ended as it should: what it was told is handled, what it still had to answer is not."""
        owed = [delivery for delivery in self._in_hand if not delivery.settled]
        self.traffic.handled += len(self._in_hand) - len(owed)
        self._in_hand = owed
        self.fail_in_hand("the actor ended without an answer")

    def fail_in_hand(self, why: str) -> None:
        """The actor crashed: bury what it had in hand and tell the askers."""
        self._when_ready = None
        if self._in_hand:
            self._measure()
        held, self._in_hand = self._in_hand, []
        for delivery in held:
            if delivery.reply is not None and delivery.settled:
                self.traffic.handled += 1
                continue
            self._bury(delivery, why)
            delivery.refuse(
                ActorFailed(f"{self.name} failed while working on this; look before you repeat it")
            )

    def refuse_asks(self, why: str) -> None:
        """The actor is down: refuse the requests that wait, and new ones until it is back."""
        self._down = why
        kept: deque[Delivery[Message]] = deque()
        for delivery in self._waiting:
            if delivery.refuse(self._is_down(why)):
                self.traffic.refused += 1
            else:
                kept.append(delivery)
        self._waiting = kept
        self._release_blocked()

    def close(self) -> None:
        """Take no more mail. What waits is still delivered."""
        self._closed = True
        self._wake_receiver()
        self._release_blocked()

    def bury_waiting(self, why: str) -> None:
        """The actor is gone for good: nothing that waits will be handled."""
        while self._waiting:
            delivery = self._waiting.popleft()
            delivery.refuse(self._stopped())
            self._bury(delivery, why)
        self._states.clear()
