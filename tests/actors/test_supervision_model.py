"""Random trees under random trouble, compared with a small model of what supervision promises.

The actors write down when each of their runs started, was ready, ended and how. The model knows nothing
of the runtime: from these histories and the specs it works out when the next run was due, who was to
be lost, in which order things start and stop, and what must have become of every message.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count, pairwise
from math import inf
from typing import Any

import trio
from actors_to_try import count_tasks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from farm.actors import (
    ActorState,
    Ask,
    ChildSpec,
    Escalated,
    Exhausted,
    Mailbox,
    Restart,
    RestartPolicy,
    Runtime,
    Supervisor,
    WhenFull,
)
from farm.actors.replay import replay
from farm.errors import ActorDown, ActorFailed, FarmError, NotFound, Overloaded

EXAMPLES = max(10, int(1000 * float(os.environ.get("FARM_TEST_SCALE", "0.1"))))
HANDLING_S, READY_S, STOP_S, CALM_S, RETRY_S = 2.0, 3.0, 1.5, 60.0, 300.0
WORK_S = 0.3
TOLERANCE_S = 1e-6

# -- what is drawn -------------------------------------------------------------------------------


class Kind(Enum):
    WORK = auto()
    CRASH = auto()
    HANG = auto()


@dataclass(frozen=True)
class Leaf:
    """An actor. bad_starts: how many of its runs fail before they are ready, by hanging if start_hangs."""

    restart: Restart
    exhausted: Exhausted
    budget: int
    door: bool
    bad_starts: int
    start_hangs: bool
    size: int
    when_full: WhenFull
    ends_s: float


@dataclass(frozen=True)
class Group:
    """An actor that runs a supervisor with these children."""

    children: tuple[Leaf | Group, ...]
    independent: bool
    door: bool
    restart: Restart = Restart.ALWAYS
    exhausted: Exhausted = Exhausted.FAULTED
    budget: int = 3


@dataclass(frozen=True)
class Step:
    """After a while, `times` messages to one leaf: told, tried or asked; or the leaf is stopped."""

    after_s: float
    leaf: int
    how: str  # tell, tell_nowait, ask, stop
    kind: Kind
    times: int
    timeout_s: float
    gives_up_after_s: float | None


leaves = st.builds(
    Leaf,
    restart=st.sampled_from([Restart.ALWAYS, Restart.ALWAYS, Restart.ON_FAILURE, Restart.NEVER]),
    exhausted=st.sampled_from([*[Exhausted.FAULTED, Exhausted.DEGRADED] * 2, Exhausted.ESCALATE]),
    budget=st.integers(1, 4),
    door=st.booleans(),
    bad_starts=st.sampled_from([*[0] * 6, 1, 2, 6]),
    start_hangs=st.booleans(),
    size=st.integers(1, 4),
    when_full=st.sampled_from(WhenFull),
    ends_s=st.sampled_from([0, 0, 1, 9]),
)


def groups(nodes: st.SearchStrategy[Leaf | Group]) -> st.SearchStrategy[Group]:
    children = st.lists(nodes, min_size=2, max_size=4).map(tuple)
    return st.builds(Group, children=children, independent=st.booleans(), door=st.booleans())


trees = groups(st.recursive(leaves, groups, max_leaves=6))
scripts = st.lists(
    st.builds(
        Step,
        after_s=st.sampled_from([0, 0, 0, 0.1, 0.1, 0.7, 5, 90]),
        leaf=st.integers(0, 3),  # few, so that they have much to do
        how=st.sampled_from([*["tell", "tell_nowait", "ask", "ask"] * 3, "stop"]),
        kind=st.sampled_from([Kind.WORK, Kind.WORK, Kind.CRASH, Kind.HANG]),
        times=st.integers(1, 6),
        timeout_s=st.sampled_from([0.5, 3, 30]),
        gives_up_after_s=st.sampled_from([None, None, None, 0.0, 0.2, 5]),
    ),
    min_size=8,
    max_size=30,
)
limits = st.sampled_from([*[inf] * 20, 0, 0.05, 0.7, 2, 5, 11, 60, 200]).map(lambda s: s + 0.0123)


# -- what happened -------------------------------------------------------------------------------


class End(Enum):
    WELL = auto()
    CRASHED = auto()
    CANCELLED = auto()


@dataclass
class Run:
    """One run of an actor. Ticks number the starts and ends of all runs, to order those of one moment."""

    started_at: float
    ready_at: float | None = None
    taken_at: float | None = None  # the message in hand at the end
    ended_at: float = inf
    how: End | None = None
    started: int = 0
    told: int | None = None
    ended: int | None = None

    @property
    def hung(self) -> bool:
        """Whether it was cancelled when a deadline of its own ran out."""
        return self.how is End.CANCELLED and abs(self.ended_at - self.overdue_at) < TOLERANCE_S

    @property
    def overdue_at(self) -> float:
        """When it had to be over at the latest, with what it had in hand at its end."""
        if self.ready_at is None:
            return self.started_at + READY_S
        return inf if self.taken_at is None else self.taken_at + HANDLING_S

    @property
    def calm(self) -> bool:
        if self.ready_at is None:
            return False
        return (self.taken_at if self.taken_at is not None else self.ended_at) - self.ready_at >= CALM_S


@dataclass
class Troop:
    """One running of a supervisor, with the history of each of its children."""

    group: Group
    specs: dict[str, Leaf | Group]
    owner: Run | None
    supervisor: Supervisor
    histories: dict[str, list[Run]] = field(default_factory=dict)
    stopped_at: dict[str, float] = field(default_factory=dict)  # by hand
    ended_at: float = inf

    def cut_at(self, name: str) -> float:
        return min(self.ended_at, self.stopped_at.get(name, inf))


@dataclass(frozen=True)
class Asked:
    """How an ask went."""

    mailbox: Mailbox[Any]
    at: float
    settled_at: float
    outcome: str


@dataclass(frozen=True)
class Message(Ask[int]):
    number: int
    kind: Kind


class Broken(Exception):
    pass


class World:
    """Runs a tree and a script and keeps the books."""

    def __init__(self, tree: Group, script: list[Step]) -> None:
        self._tree = tree
        self._script = script
        self._ticks = count()
        self._numbers = count()
        self._bad_starts: dict[str, int] = {}
        self.runtime = Runtime()
        self.troops: list[Troop] = []
        self.taken: Counter[int] = Counter()
        self.done: Counter[Mailbox[Any]] = Counter()
        self.mailboxes: dict[Mailbox[Any], list[Run]] = {}  # the runs on each
        self.offered: Counter[Mailbox[Any]] = Counter()
        self.perhaps: Counter[Mailbox[Any]] = Counter()  # cancelled or expired: let in, or not
        self.asked = 0
        self.settled: list[Asked] = []
        self.wrong: list[str] = []
        self.reported: dict[str, tuple[int, ActorState]] = {}
        self.histories_then: dict[str, list[Run]] = {}
        self.escalated = False
        self.cancelled = False
        self.ended_at = 0.0
        self.left_over = 0

    async def live(self, limit_s: float) -> None:
        before, began_at = count_tasks(), trio.current_time()
        with trio.move_on_after(limit_s) as scope:
            try:
                await self._live()
            except* Escalated:
                self.escalated = True
        self.cancelled = scope.cancelled_caught
        self.ended_at = trio.current_time() - began_at
        self.left_over = count_tasks() - before

    async def _live(self) -> None:
        troop = self._troop("", self._tree, None)
        async with troop.supervisor.running():
            try:
                await self._start_children(troop)
                async with trio.open_nursery() as nursery:
                    for step in self._script:
                        await trio.sleep(step.after_s)
                        self._take(step, nursery)
                await trio.sleep(100.0)
                await wait_all_tasks_blocked()
                self._note_reports()
            finally:
                troop.ended_at = trio.current_time()

    def _note_reports(self) -> None:
        self.reported = {r.name: (r.restarts, r.state) for r in self.runtime.reports()}
        for troop in self.troops:
            if troop.ended_at == inf:
                self.histories_then |= {
                    name: [copy(run) for run in runs] for name, runs in troop.histories.items()
                }

    # -- the actors

    def _troop(self, name: str, group: Group, owner: Run | None) -> Troop:
        specs = {f"{name}.{number}".lstrip("."): child for number, child in enumerate(group.children)}
        troop = Troop(group, specs, owner, Supervisor(self.runtime, independent=group.independent))
        self.troops.append(troop)
        return troop

    async def _start_children(self, troop: Troop) -> None:
        for name, spec in troop.specs.items():
            troop.histories[name] = []
            with suppress(ActorFailed):
                await troop.supervisor.start(self._child_spec(name, spec, troop))

    def _child_spec(self, name: str, spec: Leaf | Group, troop: Troop) -> ChildSpec[Any]:
        policy = RestartPolicy(
            restart=spec.restart,
            exhausted=spec.exhausted,
            budget=spec.budget,
            calm_s=CALM_S,
            retry_every_s=RETRY_S,
        )

        async def run(mailbox: Mailbox[Any]) -> None:
            run = Run(trio.current_time(), started=next(self._ticks))
            troop.histories[name].append(run)
            try:
                if isinstance(spec, Leaf):
                    self.mailboxes[mailbox] = troop.histories[name]
                    await self._run_leaf(name, spec, run, mailbox)
                else:
                    await self._run_group(name, spec, run, mailbox)
                run.how = End.WELL
            except Exception:
                run.how = End.CRASHED
                raise
            except BaseException:  # Cancelled, alone or in a group
                run.how = End.CANCELLED
                raise
            finally:
                run.ended_at, run.ended = trio.current_time(), next(self._ticks)

        if isinstance(spec, Group):
            return ChildSpec(
                name=name, run=run, policy=policy, door=spec.door, ready_within_s=1e6, stop_within_s=1e6
            )
        return ChildSpec(
            name=name,
            run=run,
            policy=policy,
            door=spec.door,
            mailbox_size=spec.size,
            when_full=spec.when_full,
            handling_deadline_s=HANDLING_S,
            ready_within_s=READY_S,
            stop_within_s=STOP_S,
        )

    async def _run_leaf(self, name: str, leaf: Leaf, run: Run, mailbox: Mailbox[Any]) -> None:
        bad_starts = self._bad_starts.setdefault(name, leaf.bad_starts)
        if bad_starts:
            self._bad_starts[name] = bad_starts - 1
            await trio.sleep(inf if leaf.start_hangs else 0.01)
            raise Broken
        run.ready_at = trio.current_time()
        async for delivery in mailbox:
            run.taken_at = trio.current_time()
            self.taken[delivery.message.number] += 1
            await self._handle(delivery.message.kind)
            delivery.answer(delivery.message.number)
            run.taken_at = None
            self.done[mailbox] += 1
        run.told = next(self._ticks)
        await trio.sleep(leaf.ends_s)

    async def _handle(self, kind: Kind) -> None:
        match kind:
            case Kind.WORK:
                await trio.sleep(WORK_S)
            case Kind.CRASH:
                raise Broken
            case Kind.HANG:
                await trio.sleep_forever()

    async def _run_group(self, name: str, group: Group, run: Run, mailbox: Mailbox[Any]) -> None:
        troop = self._troop(name, group, run)
        async with troop.supervisor.running():
            try:
                await self._start_children(troop)
                run.ready_at = trio.current_time()
                async for _ in mailbox:
                    pass
                run.told = next(self._ticks)
            finally:
                troop.ended_at = trio.current_time()

    # -- those who talk to them

    def _leaf_names(self) -> list[str]:
        def below(name: str, node: Leaf | Group) -> Iterator[str]:
            if isinstance(node, Leaf):
                yield name
            else:
                for number, child in enumerate(node.children):
                    yield from below(f"{name}.{number}".lstrip("."), child)

        return list(below("", self._tree))

    def _take(self, step: Step, nursery: trio.Nursery) -> None:
        names = self._leaf_names()
        name = names[step.leaf % len(names)]
        if step.how == "stop":
            nursery.start_soon(self._stop, name)
        else:
            for _ in range(step.times):
                nursery.start_soon(self._send, name, step)

    async def _stop(self, name: str) -> None:
        troop = next((t for t in reversed(self.troops) if name in t.specs), None)
        if troop is None or troop.ended_at < inf:
            return
        with suppress(NotFound):
            if name in self.runtime.children:
                troop.stopped_at.setdefault(name, trio.current_time())
            await troop.supervisor.stop(name)

    async def _send(self, name: str, step: Step) -> None:
        try:
            address = self.runtime.address(name)
        except NotFound:
            return
        mailbox = address._mailbox
        message = Message(next(self._numbers), step.kind)
        given_up_at = trio.current_time() + (inf if step.gives_up_after_s is None else step.gives_up_after_s)
        let_in = False  # for sure
        try:
            with trio.move_on_at(given_up_at):
                if step.how == "ask":
                    self.asked += 1
                    let_in = await self._ask(address, mailbox, message, step.timeout_s)
                elif step.how == "tell":
                    with suppress(Overloaded, ActorDown):
                        await address.tell(message)
                    let_in = True
                else:
                    address.tell_nowait(message)
                    let_in = True
        finally:
            (self.offered if let_in else self.perhaps)[mailbox] += 1

    async def _ask(self, address: Any, mailbox: Mailbox[Any], message: Message, timeout_s: float) -> bool:
        """Returns whether the request was let in for sure, or turned away and counted."""
        asked_at, outcome = trio.current_time(), "cancelled"
        try:
            answer = await address.ask(message, timeout=timeout_s)
            outcome = "answered" if answer == message.number else "answered with nonsense"
        except FarmError as problem:
            outcome = type(problem).__name__
        finally:
            now = trio.current_time()
            self.settled.append(Asked(mailbox, asked_at, now, outcome))
            if now - asked_at > timeout_s + TOLERANCE_S:
                self.wrong.append(f"{message} waited longer than its deadline")
            if outcome == "AskExpired" and now - asked_at < timeout_s - TOLERANCE_S:
                self.wrong.append(f"{message} expired before its deadline")
        return outcome != "AskExpired"


# -- what was promised ---------------------------------------------------------------------------


@dataclass
class Fate:
    """What the model says of a history: the crashes in a row, and when the next run is due, if ever."""

    crashes: int = 0
    due: tuple[float, float] | None = None
    lost_at: float | None = None  # the moment it escalated
    state: ActorState = ActorState.STARTING

    def after(self, run: Run, spec: Leaf | Group) -> Fate:
        if not (run.how is End.CRASHED or run.hung):
            return Fate(self.crashes, state=ActorState.STOPPED)
        crashes = 1 if run.calm else self.crashes + 1
        if spec.restart is Restart.NEVER:
            return Fate(crashes, state=ActorState.STOPPED)
        if crashes < spec.budget:
            longest = min(10.0, 0.1 * 2 ** (crashes - 1))
            due = (run.ended_at + longest / 2, run.ended_at + longest)
            return Fate(crashes, due, state=ActorState.BACKING_OFF)
        if spec.exhausted is Exhausted.ESCALATE:
            return Fate(crashes, lost_at=run.ended_at, state=ActorState.STOPPED)
        given_up = ActorState.FAULTED if spec.exhausted is Exhausted.FAULTED else ActorState.DEGRADED
        return Fate(crashes, (run.ended_at + RETRY_S, run.ended_at + RETRY_S), state=given_up)


def check_history(spec: Leaf | Group, runs: list[Run], cut_at: float) -> Fate:
    """Every run came when it was due, and none that was not. Returns the fate after the last one."""
    fate = Fate()
    for run, following in zip(runs, [*runs[1:], None], strict=True):
        fate = fate.after(run, spec)
        if isinstance(spec, Leaf):
            assert run.ended_at <= run.overdue_at + TOLERANCE_S, "hung, and nobody noticed"
        if run.how is End.CANCELLED and not run.hung:
            assert run.ended_at >= cut_at - TOLERANCE_S, "cancelled for no reason"
        if run.how is End.WELL:
            assert run.told is not None
            assert run.ended_at >= cut_at - TOLERANCE_S, "ended though nobody told it to"
        if following is not None:
            assert fate.due is not None, "started again though it should not be"
            earliest, latest = fate.due
            assert earliest - TOLERANCE_S <= following.started_at <= latest + TOLERANCE_S
            assert following.started_at <= cut_at + TOLERANCE_S, "started again though it was stopped"
        elif fate.due is not None:
            assert fate.due[1] >= cut_at - TOLERANCE_S, "not started again though it was due"
    return fate


def check_troop(world: World, troop: Troop) -> None:
    lost_at: list[float] = []
    for name, runs in troop.histories.items():
        fate = check_history(troop.specs[name], runs, troop.cut_at(name))
        if fate.lost_at is not None and fate.lost_at < troop.cut_at(name) + TOLERANCE_S:
            lost_at.append(fate.lost_at)
    check_escalation(world, troop, lost_at)
    check_start_order(troop)
    check_stop_order(troop)


def check_escalation(world: World, troop: Troop, lost_at: list[float]) -> None:
    """Whoever runs the supervisor fails the moment a child without which nothing works is lost."""
    failed = world.escalated if troop.owner is None else troop.owner.how is End.CRASHED
    if failed:
        assert min(lost_at) == troop.ended_at
    elif any(at < troop.ended_at - TOLERANCE_S for at in lost_at):
        raise AssertionError("a loss went unnoticed")


def check_start_order(troop: Troop) -> None:
    firsts = [runs[0] for runs in troop.histories.values() if runs]
    for sooner, later in pairwise(firsts):
        assert sooner.started < later.started
    histories = [runs for runs in troop.histories.values() if runs]
    for runs, next_runs in pairwise(histories):
        ready = any(run.ready_at is not None and run.ready_at <= next_runs[0].started_at for run in runs)
        failed = runs[0].ended is not None and runs[0].ended < next_runs[0].started
        assert ready or failed, "started before the one before it was ready"


def check_stop_order(troop: Troop) -> None:
    """Doors (or all, where they are independent) are told first, the others one by one in reverse."""
    alive = {
        name: runs[-1] for name, runs in troop.histories.items() if runs and name not in troop.stopped_at
    }
    first = [name for name in alive if troop.specs[name].door or troop.group.independent]
    stages = [first, *([name] for name in reversed(alive) if name not in first)]
    seen: list[Run] = []
    for stage in stages:
        told = [alive[name].told for name in stage if alive[name].told is not None]
        if told:
            ended = [run.ended for run in seen if run.ended_at >= troop.ended_at]
            assert all(end is not None and end < min(told) for end in ended), "stopped out of order"
        seen.extend(alive[name] for name in stage)


def check_reports(world: World) -> None:
    """At a quiet moment before the end the numbers that people see are the model's."""
    for name, (restarts, state) in world.reported.items():
        runs = world.histories_then[name]
        assert restarts == len(runs) - 1
        spec = next(troop.specs[name] for troop in world.troops if name in troop.specs)
        fate = Fate()
        for run in runs[:-1]:
            fate = fate.after(run, spec)
        last = runs[-1]
        if last.ended is None:
            expected = ActorState.STARTING if last.ready_at is None else ActorState.RUNNING
        else:
            expected = fate.after(last, spec).state
        assert state is expected


def check_mail(world: World) -> None:
    assert max(world.taken.values(), default=1) == 1, "a message was delivered twice"
    assert not world.wrong, world.wrong
    for mailbox in world.mailboxes:
        traffic = mailbox.traffic
        assert mailbox.depth == 0
        assert traffic.peak <= mailbox.size
        assert traffic.handled == world.done[mailbox]
        accounted = traffic.handled + traffic.dead + traffic.dropped + traffic.expired + traffic.refused
        offered = world.offered[mailbox]
        assert offered <= accounted <= offered + world.perhaps[mailbox]
    assert sum(mailbox.traffic.dead for mailbox in world.mailboxes) == world.runtime.dead_letters.total


def check_asks(world: World) -> None:
    """Each was settled once; none waited across a crash, and none at all for an actor that was down."""
    assert len(world.settled) == world.asked
    for ask in world.settled:
        assert ask.outcome in (
            "answered",
            "ActorFailed",
            "ActorDown",
            "Overloaded",
            "AskExpired",
            "cancelled",
        )
        runs = world.mailboxes[ask.mailbox]
        for run, following in zip(runs, [*runs[1:], None], strict=True):
            if not (run.how is End.CRASHED or run.hung):
                continue
            crashed_at, back_at = run.ended_at, inf if following is None else following.started_at
            if ask.at < crashed_at - TOLERANCE_S:
                assert ask.settled_at <= crashed_at + TOLERANCE_S, "an ask outlived the crash"
            if crashed_at + TOLERANCE_S < ask.at < back_at - TOLERANCE_S:
                assert ask.outcome in ("ActorDown", "cancelled")
                assert ask.settled_at <= ask.at + TOLERANCE_S, "an ask waited for an actor that was down"


@given(tree=trees, script=scripts, limit_s=limits, seed=st.integers(0, 2**32))
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_supervision_is_exact(tree: Group, script: list[Step], limit_s: float, seed: int) -> None:
    world = World(tree, script)

    replay(seed, world.live, limit_s)

    assert world.cancelled == (world.ended_at >= limit_s), "a cancellation was swallowed"
    assert world.ended_at <= limit_s + TOLERANCE_S
    assert world.left_over == 0
    assert world.runtime.reports() == []
    for troop in world.troops:
        check_troop(world, troop)
    check_reports(world)
    check_mail(world)
    check_asks(world)
