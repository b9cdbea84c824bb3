"""Starts actors in order, restarts those that crash, and stops them in reverse."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from math import ceil, inf
from typing import Any, Generic, TypeVar

import structlog
import trio

from farm.actors.address import Address
from farm.actors.directions import Directions, current_actor
from farm.actors.letters import DeadLetters
from farm.actors.mailbox import Mailbox, WhenFull
from farm.errors import ActorDown, ActorFailed, NotFound, Refused

log = structlog.get_logger(__name__)

Message = TypeVar("Message")


class ActorState(StrEnum):
    """What an actor is doing, as `GET /v1/system/actors` shows it."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    DEGRADED = "degraded"
    FAULTED = "faulted"
    STOPPED = "stopped"


class Restart(Enum):
    """After which kind of end an actor is started again."""

    ALWAYS = auto()  # it should never end by itself
    ON_FAILURE = auto()  # it may end when its work is done
    NEVER = auto()


class Exhausted(Enum):
    """What follows when the budget of crashes is spent."""

    DEGRADED = auto()  # the farm goes on without it; tried again now and then
    FAULTED = auto()  # the same, in the word used for printers
    ESCALATE = auto()  # nothing works without it: whoever runs the supervisor must end


_LAST_WORDS_S = (
    5.0  # for the shielded clean-up of an actor that was cut off; such a shield has a short deadline
)

_GAVE_UP = {Exhausted.DEGRADED: ActorState.DEGRADED, Exhausted.FAULTED: ActorState.FAULTED}


_IN_A_RUN = {ActorState.STARTING, ActorState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """When an actor is started again, how soon, and when that is no longer tried as usual.

    The delay doubles with each crash from `first_delay_s` to `max_delay_s`, less up to half of it by
    chance, so that many actors felled by one cause do not return at once. `budget` crashes, none of
    them after `calm_s` seconds of running, exhaust it: counted in crashes, because a count over a
    period would never fill once the delays grow longer than the period.
    """

    restart: Restart = Restart.ALWAYS
    first_delay_s: float = 0.1
    max_delay_s: float = 10.0
    calm_s: float = 60.0
    budget: int = 5
    exhausted: Exhausted = Exhausted.DEGRADED
    retry_every_s: float = 300.0

    def delay_s(self, crashes: int, chance: random.Random) -> float:
        """Seconds to wait after the `crashes`-th crash in a row."""
        longest = min(self.max_delay_s, self.first_delay_s * 2.0 ** min(crashes - 1, 30))
        return longest * chance.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec(Generic[Message]):
    """An actor as data: its name, how to run it, its mailbox, and what to do when it fails.

    door: it lets work in from outside, so it is told to stop before all others.
    """

    name: str
    run: Callable[[Mailbox[Message]], Awaitable[None]]
    mailbox_size: int = 64
    when_full: WhenFull = WhenFull.WAIT
    policy: RestartPolicy = RestartPolicy()
    handling_deadline_s: float = 30.0
    ready_within_s: float = 30.0
    stop_within_s: float = 5.0
    door: bool = False


@dataclass(frozen=True, slots=True)
class ActorReport:
    """One actor's numbers since the process started. longest_s: its longest handling of a message.

    in_state_s: for how long it has been in its state.
    """

    name: str
    state: ActorState
    depth: int
    peak: int
    size: int
    dropped: int
    expired: int
    refused: int
    handled: int
    restarts: int
    dead_letters: int
    longest_s: float
    last_error: str | None
    in_state_s: float = 0.0


class Hung(Exception):
    """An actor took longer over a message, its own start or its own end than its deadline allows."""


class EndedEarly(Exception):
    """An actor that should never end by itself did."""


class Escalated(Exception):
    """An actor without which nothing works has spent its budget of crashes."""


@dataclass(slots=True, eq=False)
class _Child:
    """One actor in the supervisor's book: what it is, how it fares, and how to cut it off."""

    spec: ChildSpec[Any]
    mailbox: Mailbox[Any]
    state: ActorState = ActorState.STARTING
    since: float = 0.0  # of the state, on the monotonic clock
    crashes: int = 0  # in a row
    restarts: int = 0
    last_error: str | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)  # of its present run or pause
    cut_off_for: Hung | None = None
    _changed: trio.Event | None = None

    def enter(self, state: ActorState) -> None:
        self.state, self.since = state, trio.current_time()
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def enter_running(self) -> None:
        self.enter(ActorState.RUNNING)

    async def wait_for_change(self) -> None:
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()

    async def wait_for_end(self) -> None:
        while self.state is not ActorState.STOPPED:
            await self.wait_for_change()

    def failed(self, error: BaseException) -> None:
        """Remember and log a failure."""
        self.last_error = _sentence(error)
        log.error("actor failed", actor=self.spec.name, state=self.state.value, exc_info=error)

    def cut_off(self, why: Hung) -> None:
        """Cancel the present run. The reason is known at once, even of an actor that clings to its life."""
        if not self.scope.cancel_called:
            self.cut_off_for = why
            self.failed(why)
            self.scope.cancel()

    def overdue_at(self) -> float:
        """When this actor counts as hung, unless it moves on; never, while it waits for mail or a new try."""
        if self.state is ActorState.STARTING:
            return self.since + self.spec.ready_within_s
        taken_at = self.mailbox.in_hand_since
        return inf if taken_at is None else taken_at + self.spec.handling_deadline_s

    @property
    def shortest_deadline_s(self) -> float:
        return min(self.spec.handling_deadline_s, self.spec.ready_within_s)

    def hung(self) -> Hung:
        if self.state is ActorState.STARTING:
            return Hung(f"{self.spec.name} was not ready within {self.spec.ready_within_s:g} s")
        return Hung(
            f"{self.spec.name} worked on one message for more than {self.spec.handling_deadline_s:g} s"
        )

    def calm_s(self) -> float:
        """Seconds it ran well: from being ready to taking what it failed with; 0 if it was never ready."""
        if self.state is not ActorState.RUNNING:
            return 0.0
        taken_at = self.mailbox.in_hand_since
        return (taken_at if taken_at is not None else trio.current_time()) - self.since


class Runtime:
    """What all supervisors of one farm share: the directions, the dead letters, and who is there."""

    def __init__(self, *, chance: random.Random | None = None, directions: Directions | None = None) -> None:
        self.chance = chance if chance is not None else random.Random()
        self.directions = directions
        self.dead_letters = DeadLetters()
        self.children: dict[str, _Child] = {}

    def address(self, name: str) -> Address[Any]:
        """The address of the actor called `name`. Raises NotFound."""
        child = self.children.get(name)
        if child is None:
            raise NotFound(f"nobody is called {name}")
        return Address(child.mailbox)

    def reports(self) -> list[ActorReport]:
        """The numbers of every actor, in the order they were started."""
        return [self._report(child) for child in self.children.values()]

    def _report(self, child: _Child) -> ActorReport:
        traffic = child.mailbox.traffic
        return ActorReport(
            name=child.spec.name,
            state=child.state,
            depth=child.mailbox.depth,
            peak=traffic.peak,
            size=child.mailbox.size,
            dropped=traffic.dropped,
            expired=traffic.expired,
            refused=traffic.refused,
            handled=traffic.handled,
            restarts=child.restarts,
            dead_letters=traffic.dead,
            longest_s=traffic.longest_s,
            last_error=child.last_error,
            in_state_s=trio.current_time() - child.since,
        )


class Supervisor:
    """Runs the actors it is given, each in a task of its own, and keeps them running.

    A crash of one never touches its siblings: their addresses, mail and tasks stay as they are. An
    actor may run a supervisor of its own; the actors under it end with each of its runs.
    independent: the children do not need each other, so they are stopped together, not in reverse.
    """

    def __init__(self, runtime: Runtime, *, independent: bool = False) -> None:
        self._runtime = runtime
        self._independent = independent
        self._children: dict[str, _Child] = {}
        self._nursery: trio.Nursery | None = None
        self._stopping = False
        self._look_again = trio.CancelScope()
        self._next_look_at = -inf
        self._body = trio.CancelScope()
        self._escalation: Escalated | None = None
        self._escalated = trio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        """Inside the block actors can be started; leaving it stops them in order.

        When the block is left by an error or a cancellation they are cancelled instead. When an actor
        is lost without which nothing works, the block is cancelled, the others are stopped in order,
        and Escalated is raised (in a group, as from any nursery).
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._watch_for_hung)
            try:
                with self._body:
                    yield self
                await self._stop_all()
                if self._body.cancelled_caught and self._escalation is not None:
                    raise self._escalation
            finally:
                self._stopping = True
                nursery.cancel_scope.cancel()

    async def start(self, spec: ChildSpec[Message]) -> Address[Message]:
        """Start an actor and wait until it is ready, or has given up for the time being.

        Raises ValueError when the name is taken, Refused when the supervisor is stopping, ActorFailed
        when it failed before it was ready and is not tried again, Escalated when nothing works without
        it. Being cancelled here does not take the start back.
        """
        child = self._add(spec)
        while child.state in (ActorState.STARTING, ActorState.BACKING_OFF):
            await child.wait_for_change()
        if self._escalation is not None:
            raise self._escalation
        if child.state is ActorState.STOPPED and child.crashes:
            raise ActorFailed(f"{spec.name} could not be started: {child.last_error}")
        return Address(child.mailbox)

    def start_soon(self, spec: ChildSpec[Message]) -> Address[Message]:
        """Start an actor without waiting for it. Its address takes mail at once."""
        return Address(self._add(spec).mailbox)

    async def ready(self, name: str) -> None:
        """Wait until the actor called `name` runs. Raises ActorDown when it is gone for good."""
        child = self._child(name)
        while child.state is not ActorState.RUNNING:
            if child.state is ActorState.STOPPED:
                raise ActorDown(f"{name} has stopped")
            await child.wait_for_change()
        await trio.lowlevel.checkpoint()

    async def stop(self, name: str) -> None:
        """Let one actor finish the mail it has, then end it; cancelled when that takes too long."""
        await self._stop(self._child(name))

    async def escalated(self) -> None:
        """Wait until an actor without which nothing works is lost, then raise Escalated."""
        await self._escalated.wait()
        if self._escalation is not None:
            raise self._escalation

    def _child(self, name: str) -> _Child:
        child = self._children.get(name)
        if child is None:
            raise NotFound(f"nobody is called {name}")
        return child

    def _add(self, spec: ChildSpec[Any]) -> _Child:
        if self._stopping:
            raise Refused(f"{spec.name} is not started: the farm is stopping")
        if self._nursery is None:
            raise ValueError(f"{spec.name} cannot start: its supervisor is not running")
        if spec.name in self._runtime.children:
            raise ValueError(f"two actors called {spec.name}")
        mailbox: Mailbox[Any] = Mailbox(
            spec.name,
            size=spec.mailbox_size,
            when_full=spec.when_full,
            dead_letters=self._runtime.dead_letters,
            directions=self._runtime.directions,
        )
        child = _Child(spec, mailbox, since=trio.current_time())
        self._children[spec.name] = self._runtime.children[spec.name] = child
        if child.since + child.shortest_deadline_s < self._next_look_at:
            self._look_again.cancel()
        self._nursery.start_soon(self._keep_running, child, name=spec.name)
        return child

    async def _watch_for_hung(self) -> None:
        """Cancel the run of every actor that is overdue; its crash is then counted like any other.

        One task for all children: a deadline of its own per message would double what a message costs.
        It sleeps until the first of them can be overdue, so it is exact all the same.
        """
        while True:
            now, self._next_look_at = trio.current_time(), inf
            for child in self._children.values():
                overdue_at = child.overdue_at()
                if overdue_at <= now:
                    child.cut_off(child.hung())
                    overdue_at = inf
                # It may move on to what has the shorter deadline as soon as we look away.
                self._next_look_at = min(self._next_look_at, overdue_at, now + child.shortest_deadline_s)
            with trio.CancelScope() as self._look_again:
                await trio.sleep_until(self._next_look_at)

    # -- running one ---------------------------------------------------------------------------

    async def _keep_running(self, child: _Child) -> None:
        current_actor.set(child.spec.name)
        try:
            while self._goes_on(child, await _run_once(child)):
                await self._back_off(child)
                if child.mailbox.closed:
                    break
        finally:
            self._remove(child)
        if self._escalation is not None:  # now that those who wait for this child have been told
            self._escalated.set()
            self._body.cancel()

    def _goes_on(self, child: _Child, error: BaseException | None) -> bool:
        """Settle a run that ended well or with `error`. Returns whether the actor is to be run again."""
        restart = child.spec.policy.restart
        if error is None and restart is Restart.ALWAYS and not child.mailbox.closed:
            error = EndedEarly(f"{child.spec.name} ended without being asked to")
            child.failed(error)
        if error is None:
            child.crashes = 0
            child.mailbox.finish_in_hand()
            return False
        calm = child.calm_s() >= child.spec.policy.calm_s
        child.crashes = 1 if calm else child.crashes + 1
        child.mailbox.fail_in_hand(_sentence(error))
        if restart is Restart.NEVER or child.mailbox.closed:
            return False
        return not self._escalates(child)

    def _escalates(self, child: _Child) -> bool:
        policy = child.spec.policy
        if child.crashes < policy.budget or policy.exhausted is not Exhausted.ESCALATE:
            return False
        if self._escalation is None:
            self._escalation = Escalated(
                f"{child.spec.name} crashed {child.crashes} times, last: {child.last_error}"
            )
        return True

    async def _back_off(self, child: _Child) -> None:
        policy = child.spec.policy
        if child.crashes >= policy.budget:
            state, delay_s = _GAVE_UP[policy.exhausted], policy.retry_every_s
        else:
            state, delay_s = ActorState.BACKING_OFF, policy.delay_s(child.crashes, self._runtime.chance)
        log.warning("actor is tried again", actor=child.spec.name, crashes=child.crashes, in_s=delay_s)
        child.mailbox.refuse_asks(f"it failed and is tried again within {ceil(delay_s)} s")
        child.enter(state)
        with child.scope:
            await trio.sleep(delay_s)
        child.scope = trio.CancelScope()
        child.restarts += 1

    def _remove(self, child: _Child) -> None:
        name = child.spec.name
        child.mailbox.close()
        child.mailbox.fail_in_hand("the actor was stopped")
        child.mailbox.bury_waiting("the actor has stopped")
        del self._children[name], self._runtime.children[name]
        child.enter(ActorState.STOPPED)

    # -- stopping ------------------------------------------------------------------------------

    async def _stop_all(self) -> None:
        self._stopping = True
        children = list(self._children.values())
        await self._stop_together([child for child in children if child.spec.door or self._independent])
        for child in reversed(children):
            await self._stop(child)

    async def _stop_together(self, children: Sequence[_Child]) -> None:
        async with trio.open_nursery() as nursery:
            for child in children:
                nursery.start_soon(self._stop, child)

    async def _stop(self, child: _Child) -> None:
        name, within_s = child.spec.name, child.spec.stop_within_s
        child.mailbox.close()
        if child.state in _IN_A_RUN:
            with trio.move_on_after(within_s):
                await child.wait_for_end()
            if child.state in _IN_A_RUN:
                child.cut_off(Hung(f"{name} did not end within {within_s:g} s"))
        else:
            child.scope.cancel()
        with trio.move_on_after(_LAST_WORDS_S):  # the others have to be stopped too
            await child.wait_for_end()
        if child.state is not ActorState.STOPPED:
            log.critical("actor does not end", actor=name)


async def _run_once(child: _Child) -> BaseException | None:
    """Run the actor until it ends, fails or is cut off. Returns what it failed with, None for a good end."""
    error: BaseException | None = None
    child.enter(ActorState.STARTING)
    child.mailbox.open(child.enter_running)
    with child.scope as scope:
        try:
            await child.spec.run(child.mailbox)
        except* Exception as group:  # a group may hold Cancelled too, which goes its own way
            error = _innermost(group)
            child.failed(error)
    child.scope = trio.CancelScope()
    return child.cut_off_for if scope.cancelled_caught else error


def _innermost(error: BaseException) -> BaseException:
    """The one error inside groups of one; the group where there are several."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
