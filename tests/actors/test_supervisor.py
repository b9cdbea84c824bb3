from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import structlog
import trio
from actors_to_try import Clerk, Decline, Double, Fail, Sleep
from trio.testing import MockClock

from farm.actors import (
    ActorState,
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
from farm.errors import ActorDown, ActorFailed, NotFound, Refused

Run = Callable[[Mailbox[Any]], Awaitable[None]]


def report(runtime: Runtime, name: str = "clerk") -> Any:
    return next(report for report in runtime.reports() if report.name == name)


async def fail_at_start(_mailbox: Mailbox[Any]) -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError("cannot start")


async def fail_at_once() -> None:
    raise ZeroDivisionError("no checkpoint before this")


async def hang(_mailbox: Mailbox[Any]) -> None:
    await trio.sleep_forever()


class Diary:
    """Actors that write down, in one list, when they start, are told to end, and have ended."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def actor(self, name: str, *, starts_s: float = 0, ends_s: float = 0) -> Run:
        async def run(mailbox: Mailbox[Any]) -> None:
            self.lines.append(f"{name} starts")
            await trio.sleep(starts_s)
            async for delivery in mailbox:
                if isinstance(delivery.message, Sleep):
                    await trio.sleep(delivery.message.seconds)
            self.lines.append(f"{name} told")
            await trio.sleep(ends_s)
            self.lines.append(f"{name} ended")

        return run

    def spec(
        self, name: str, *, starts_s: float = 0, ends_s: float = 0, door: bool = False
    ) -> ChildSpec[Any]:
        return ChildSpec(name=name, run=self.actor(name, starts_s=starts_s, ends_s=ends_s), door=door)


def told_and_ended(*names: str) -> list[str]:
    """What the diary says when one ends after the other."""
    return [f"{name} {what}" for name in names for what in ("told", "ended")]


# -- starting ------------------------------------------------------------------------------------


async def test_a_start_waits_until_the_actor_asks_for_mail(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    diary, began_at = Diary(), trio.current_time()

    await supervisor.start(diary.spec("slow", starts_s=7))
    await supervisor.start(diary.spec("next"))

    assert diary.lines == ["slow starts", "next starts"]
    assert trio.current_time() == began_at + 7


async def test_an_actor_started_without_waiting_takes_mail_at_once(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    clerk = Clerk()

    async def run(mailbox: Mailbox[Any]) -> None:
        await trio.sleep(20)
        await clerk.run(mailbox)

    address: Any = supervisor.start_soon(ChildSpec(name="clerk", run=run))
    assert await address.ask(Double(2)) == 4
    await supervisor.ready("clerk")


async def test_a_name_can_be_taken_again_only_when_it_is_free(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    with pytest.raises(ValueError, match="two actors called clerk"):
        await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))
    await supervisor.stop("clerk")
    await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))


async def test_an_actor_is_found_by_its_name(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    assert await runtime.address("clerk").ask(Double(1)) == 2
    with pytest.raises(NotFound):
        runtime.address("nobody")
    with pytest.raises(NotFound):
        await supervisor.stop("nobody")


async def test_a_supervisor_starts_nothing_before_it_runs_or_while_it_stops(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    supervisor = Supervisor(runtime)
    with pytest.raises(ValueError, match="its supervisor is not running"):
        supervisor.start_soon(ChildSpec(name="clerk", run=Clerk().run))
    refused: list[bool] = []

    async def start_another_at_the_end(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            pass
        with pytest.raises(Refused, match="clerk is not started: the farm is stopping"):
            supervisor.start_soon(ChildSpec(name="clerk", run=Clerk().run))
        refused.append(True)

    async with supervisor.running():
        await supervisor.start(ChildSpec(name="late", run=start_another_at_the_end))
    assert refused == [True]


async def test_a_crashing_start_is_counted_gives_up_for_now_and_leaves_the_others_alone(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """RELIABILITY: faulted after 5 crashes, then tried every 5 minutes; other printers 0 restarts."""
    spec = ChildSpec(name="bad", run=fail_at_start, policy=RestartPolicy(exhausted=Exhausted.FAULTED))
    good = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="good", run=good.run))

    await supervisor.start(spec)

    assert report(runtime, "bad").state is ActorState.FAULTED
    assert report(runtime, "bad").restarts == 4
    assert report(runtime, "bad").last_error == "ZeroDivisionError: cannot start"
    await trio.sleep(3 * 300 + 1)
    assert report(runtime, "bad").restarts == 4 + 3
    assert await address.ask(Double(1)) == 2
    assert (good.runs, report(runtime, "good").restarts) == (1, 0)


async def test_a_start_that_hangs_is_a_crash_too_and_never_counts_as_calm(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    spec = ChildSpec(name="bad", run=hang, ready_within_s=100, policy=RestartPolicy(calm_s=60))

    await supervisor.start(spec)

    assert report(runtime, "bad").state is ActorState.DEGRADED
    assert report(runtime, "bad").last_error == "Hung: bad was not ready within 100 s"
    assert 500 <= trio.current_time() < 510


async def test_the_failed_start_of_an_actor_that_is_never_restarted_is_told(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    spec = ChildSpec(name="bad", run=fail_at_start, policy=RestartPolicy(restart=Restart.NEVER))

    with pytest.raises(ActorFailed, match="bad could not be started: ZeroDivisionError: cannot start"):
        await supervisor.start(spec)


async def test_an_actor_whose_work_is_done_at_once_has_stopped(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    async def done(_mailbox: Mailbox[Any]) -> None:
        pass

    spec = ChildSpec(name="done", run=done, policy=RestartPolicy(restart=Restart.ON_FAILURE))
    address = await supervisor.start(spec)

    with pytest.raises(ActorDown, match="done has stopped"):
        await address.tell("anything")


async def test_a_start_that_fails_first_and_then_finds_its_work_done_is_no_failure(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    tries = 0

    async def done_at_the_second_try(_mailbox: Mailbox[Any]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ZeroDivisionError

    policy = RestartPolicy(restart=Restart.ON_FAILURE)
    await supervisor.start(ChildSpec(name="done", run=done_at_the_second_try, policy=policy))

    assert tries == 2


# -- restarting ----------------------------------------------------------------------------------


async def test_an_address_outlives_a_crash(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    with pytest.raises(ActorFailed):
        await clerk.ask(Fail())
    await supervisor.ready("clerk")

    assert await clerk.ask(Double(1)) == 2


@dataclass(frozen=True, slots=True)
class After:
    """How often an actor with this policy runs after a good end and after a crash."""

    restart: Restart
    good_end: int
    crash: int


@pytest.mark.parametrize(
    "expected",
    [After(Restart.ALWAYS, 2, 2), After(Restart.ON_FAILURE, 1, 2), After(Restart.NEVER, 1, 1)],
    ids=lambda after: after.restart.name,
)
async def test_the_policy_says_after_which_end_an_actor_is_started_again(
    expected: After, supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    runs = {"good": 0, "bad": 0}

    async def end_once(mailbox: Mailbox[Any]) -> None:
        runs["good"] += 1
        async for _ in mailbox:
            return

    async def fail_once(mailbox: Mailbox[Any]) -> None:
        runs["bad"] += 1
        async for _ in mailbox:
            raise ZeroDivisionError

    policy = RestartPolicy(restart=expected.restart)
    for name, run in (("good", end_once), ("bad", fail_once)):
        address: Any = await supervisor.start(ChildSpec(name=name, run=run, policy=policy))
        await address.tell("end")
    await trio.sleep(10)

    assert runs == {"good": expected.good_end, "bad": expected.crash}


async def test_an_actor_that_should_not_end_and_does_is_a_failure(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    async def end(mailbox: Mailbox[Any]) -> None:
        await mailbox.receive()

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=end))
    await clerk.tell("end")
    await trio.sleep(1)

    assert report(runtime).last_error == "EndedEarly: clerk ended without being asked to"
    assert report(runtime).dead_letters == 1


def test_delays_double_up_to_a_limit_less_up_to_half_by_chance() -> None:
    policy, chance = RestartPolicy(first_delay_s=0.1, max_delay_s=10), random.Random(1)

    for crashes in range(1, 200):
        longest = min(10, 0.1 * 2 ** (crashes - 1))
        delays = [policy.delay_s(crashes, chance) for _ in range(50)]
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert max(delays) - min(delays) > longest / 4


async def test_calm_forgets_the_crashes_before_it(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    for _ in range(20):
        await clerk.tell(Fail())
        await trio.sleep(61)
        assert report(runtime).state is ActorState.RUNNING
    assert report(runtime).restarts == 20


async def test_crashes_are_counted_however_long_the_delays_between_them_grow(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """A budget per period would never fill with delays longer than the period."""
    policy = RestartPolicy(first_delay_s=100, max_delay_s=1000)
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, policy=policy))

    for _ in range(5):
        await clerk.tell(Fail())
        await trio.sleep(0.1)
        if report(runtime).state is not ActorState.DEGRADED:
            await supervisor.ready("clerk")
        await trio.sleep(50)

    assert report(runtime).state is ActorState.DEGRADED


async def test_a_handler_that_hangs_longer_than_calm_lasts_still_spends_the_budget(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    spec: ChildSpec[Any] = ChildSpec(name="clerk", run=Clerk().run, handling_deadline_s=600)
    clerk = await supervisor.start(spec)

    for _ in range(5):
        await clerk.tell(Sleep(9999))
    await trio.sleep(5 * 600 + 60)

    assert report(runtime).state is ActorState.DEGRADED


@pytest.mark.parametrize(
    ("exhausted", "state"),
    [(Exhausted.FAULTED, ActorState.FAULTED), (Exhausted.DEGRADED, ActorState.DEGRADED)],
)
async def test_an_actor_that_is_given_up_is_tried_again_every_five_minutes_for_ever(
    exhausted: Exhausted,
    state: ActorState,
    supervisor: Supervisor,
    autojump_clock: MockClock,
    runtime: Runtime,
) -> None:
    broken = True
    starts: list[float] = []

    async def run(mailbox: Mailbox[Any]) -> None:
        starts.append(trio.current_time())
        if broken:
            raise ZeroDivisionError
        await Clerk().run(mailbox)

    policy = RestartPolicy(exhausted=exhausted)
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=run, policy=policy))
    await trio.sleep(6 * 3600)
    assert report(runtime).state is state
    assert {round(later - sooner) for sooner, later in pairwise(starts[4:])} == {300}

    broken = False
    await supervisor.ready("clerk")
    assert await clerk.ask(Double(1)) == 2


async def test_when_nothing_works_without_an_actor_its_loss_ends_who_waits_for_it(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    spec: ChildSpec[Any] = ChildSpec(
        name="database", run=Clerk().run, policy=RestartPolicy(exhausted=Exhausted.ESCALATE)
    )
    with pytest.RaisesGroup(pytest.RaisesExc(Escalated, match="database crashed 5 times, last: Zero")):
        async with Supervisor(runtime).running() as supervisor:
            address = await supervisor.start(spec)
            for _ in range(5):
                await address.tell(Fail())
            await supervisor.escalated()


async def test_a_start_that_escalates_says_so(runtime: Runtime, autojump_clock: MockClock) -> None:
    policy = RestartPolicy(exhausted=Exhausted.ESCALATE)
    raised = []

    with pytest.RaisesGroup(Escalated):
        async with Supervisor(runtime).running() as supervisor:
            try:
                await supervisor.start(ChildSpec(name="database", run=fail_at_start, policy=policy))
            except Escalated as error:
                raised.append(error)
                raise
    assert len(raised) == 1


async def test_an_escalation_ends_the_block_also_when_nobody_waits_for_one(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    spec: ChildSpec[Any] = ChildSpec(
        name="database", run=Clerk().run, policy=RestartPolicy(budget=1, exhausted=Exhausted.ESCALATE)
    )
    with pytest.RaisesGroup(Escalated):
        async with Supervisor(runtime).running() as supervisor:
            await supervisor.start(ChildSpec(name="other", run=Clerk().run))
            (await supervisor.start(spec)).tell_nowait(Fail())
            await trio.sleep_forever()
    assert runtime.reports() == []


async def test_who_handles_an_escalation_inside_the_block_still_stops_in_order(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    diary = Diary()
    policy = RestartPolicy(budget=1, exhausted=Exhausted.ESCALATE)

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(diary.spec("other", ends_s=1))
        supervisor.start_soon(ChildSpec(name="database", run=fail_at_start, policy=policy))
        with pytest.raises(Escalated):
            await supervisor.escalated()

    assert diary.lines == ["other starts", "other told", "other ended"]


async def test_the_tree_above_handles_the_escalation_of_the_tree_below(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """The part is restarted as a whole; its neighbour does not notice."""
    below = RestartPolicy(budget=2, exhausted=Exhausted.ESCALATE)
    clerk = Clerk()

    async def run_part(mailbox: Mailbox[Any]) -> None:
        async with Supervisor(runtime).running() as inner:
            await inner.start(ChildSpec(name="store", run=Clerk().run, policy=below))
            await inner.start(ChildSpec(name="reader", run=clerk.run))
            async for _ in mailbox:
                pass

    await supervisor.start(ChildSpec(name="neighbour", run=Clerk().run))
    await supervisor.start(ChildSpec(name="part", run=run_part))
    for _ in range(2):
        await runtime.address("store").tell(Fail())
    await trio.sleep(5)

    assert report(runtime, "part").last_error.startswith("Escalated: store crashed 2 times")
    assert [(r.name, r.restarts) for r in runtime.reports()] == [
        ("neighbour", 0),
        ("part", 1),
        ("store", 0),
        ("reader", 0),
    ]
    assert clerk.runs == 2
    assert await runtime.address("store").ask(Double(4)) == 8


async def test_a_crash_leaves_the_siblings_and_their_mail_untouched(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    siblings = [Clerk() for _ in range(5)]
    addresses: list[Any] = [
        await supervisor.start(ChildSpec(name=f"clerk:{number}", run=sibling.run))
        for number, sibling in enumerate(siblings)
    ]
    for address in addresses:
        await address.tell(Sleep(3))
        await address.tell("next")

    crashing: Any = await supervisor.start(ChildSpec(name="crashing", run=Clerk().run))
    for _ in range(8):
        await crashing.tell(Fail())
    await trio.sleep(10)

    assert [sibling.done for sibling in siblings] == [[Sleep(3), "next"]] * 5
    assert [r.restarts for r in runtime.reports()] == [0] * 5 + [4]
    assert [r.in_state_s for r in runtime.reports()][:5] == [10.0] * 5
    assert 0 < runtime.reports()[5].in_state_s < 10


async def test_a_crash_of_an_activity_is_a_crash_of_its_actor(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """The activity fails while the loop waits for mail: nothing is in hand, so nothing dies."""

    async def print_something() -> None:
        await trio.sleep(1)
        raise ZeroDivisionError("in the activity")

    async def run(mailbox: Mailbox[Any]) -> None:
        async with trio.open_nursery() as nursery:
            async for _ in mailbox:
                nursery.start_soon(print_something)

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=run))
    await clerk.tell("print")
    await trio.sleep(1.5)
    await clerk.tell("print")
    await trio.sleep(0.5)

    assert report(runtime).last_error == "ZeroDivisionError: in the activity"
    assert (report(runtime).restarts, report(runtime).handled, report(runtime).dead_letters) == (1, 2, 0)


async def test_several_errors_at_once_are_one_crash(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    async def run(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(fail_at_once)

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=run))
    await clerk.tell("go")
    await trio.sleep(1)

    assert report(runtime).restarts == 1
    assert report(runtime).last_error.startswith("ExceptionGroup")


# -- hanging -------------------------------------------------------------------------------------


async def test_a_hung_handler_is_cancelled_at_its_deadline_counted_and_its_asker_told(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, handling_deadline_s=10))
    await trio.sleep(123)
    asked_at = trio.current_time()

    with pytest.raises(ActorFailed):
        await clerk.ask(Sleep(9999))

    assert trio.current_time() == asked_at + 10
    await supervisor.ready("clerk")
    assert report(runtime).last_error == "Hung: clerk worked on one message for more than 10 s"
    assert (report(runtime).restarts, report(runtime).dead_letters, report(runtime).longest_s) == (1, 1, 10)
    assert await clerk.ask(Double(1)) == 2


async def test_the_hang_watch_is_exact_again_after_every_restart(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, handling_deadline_s=10))

    for _ in range(4):
        asked_at = trio.current_time()
        with pytest.raises(ActorFailed):
            await clerk.ask(Sleep(9999))
        assert trio.current_time() == asked_at + 10
        await supervisor.ready("clerk")


async def test_a_handler_just_within_its_deadline_is_left_alone(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    spec: ChildSpec[Any] = ChildSpec(name="clerk", run=Clerk().run, handling_deadline_s=10)
    clerk = await supervisor.start(spec)

    for _ in range(10):
        assert await clerk.ask(Sleep(9.9)) == "slept"
    assert report(runtime).restarts == 0


async def test_a_short_deadline_after_a_long_one_is_kept(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """A slow start that may take minutes, then a message that may not."""

    async def run(mailbox: Mailbox[Any]) -> None:
        await trio.sleep(5)
        await Clerk().run(mailbox)

    spec: ChildSpec[Any] = ChildSpec(name="clerk", run=run, ready_within_s=600, handling_deadline_s=10)
    clerk = await supervisor.start(spec)
    asked_at = trio.current_time()

    with pytest.raises(ActorFailed):
        await clerk.ask(Sleep(9999))

    assert trio.current_time() == asked_at + 10


async def test_a_hung_actor_that_fails_while_it_is_cancelled_loses_neither_error(
    supervisor: Supervisor,
    autojump_clock: MockClock,
    runtime: Runtime,
    logged: list[structlog.typing.EventDict],
) -> None:
    async def fail_at_the_end() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise OSError("cable gone")

    async def run(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail_at_the_end)
                nursery.start_soon(trio.sleep_forever)

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=run))
    await clerk.tell("hang")
    await trio.sleep(31)

    assert report(runtime).restarts == 1
    errors = [type(entry["exc_info"]).__name__ for entry in logged if entry["event"] == "actor failed"]
    assert errors == ["Hung", "OSError"]


# -- stopping ------------------------------------------------------------------------------------


async def test_stopping_lets_an_actor_finish_its_mail(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run))
    for message in (Sleep(1), Sleep(2), "last"):
        await address.tell(message)

    await supervisor.stop("clerk")

    assert clerk.done == [Sleep(1), Sleep(2), "last"]
    with pytest.raises(ActorDown):
        await address.tell("too late")
    assert runtime.reports() == []


async def test_stopping_cuts_off_an_actor_that_takes_too_long_and_buries_its_mail(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, stop_within_s=3))
    for message in (Sleep(2), Sleep(2), "last"):
        await address.tell(message)
    began_at = trio.current_time()

    await supervisor.stop("clerk")

    assert trio.current_time() == began_at + 3
    assert [(letter.message, letter.why) for letter in runtime.dead_letters.newest()] == [
        (Sleep(2), "Hung: clerk did not end within 3 s"),
        ("last", "the actor has stopped"),
    ]


async def test_stopping_an_actor_that_backs_off_is_done_at_once(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    policy = RestartPolicy(budget=1)
    clerk = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run, policy=policy))
    await address.tell(Fail())
    await address.tell("waiting")
    await trio.sleep(1)
    began_at = trio.current_time()

    await supervisor.stop("clerk")

    assert trio.current_time() == began_at
    assert clerk.runs == 1
    assert runtime.dead_letters.newest()[-1].message == "waiting"


async def test_stopping_as_the_back_off_ends_starts_no_other_run(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    clerk = Clerk()
    policy = RestartPolicy(budget=1, retry_every_s=10)
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run, policy=policy))
    await address.tell(Fail())
    await trio.testing.wait_all_tasks_blocked()

    for _ in range(20):  # both orders of the two tasks that wake together
        await trio.sleep(10)
        if clerk.runs > 1:
            await address.tell(Fail())
            clerk.runs = 1
            continue
        await supervisor.stop("clerk")
        break
    assert clerk.runs == 1


async def test_leaving_the_block_stops_doors_first_and_the_rest_in_reverse(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    diary = Diary()
    async with Supervisor(runtime).running() as supervisor:
        for name in ("database", "queue", "clients", "printers", "web"):
            await supervisor.start(diary.spec(name, ends_s=1, door=name in ("clients", "web")))
        diary.lines.clear()
        began_at = trio.current_time()

    assert sorted(diary.lines[:2]) == ["clients told", "web told"]  # together
    assert sorted(diary.lines[2:4]) == ["clients ended", "web ended"]
    assert diary.lines[4:] == told_and_ended("printers", "queue", "database")
    assert trio.current_time() == began_at + 4


async def test_independent_children_are_stopped_together(runtime: Runtime, autojump_clock: MockClock) -> None:
    diary = Diary()
    async with Supervisor(runtime, independent=True).running() as supervisor:
        for number in range(200):
            await supervisor.start(diary.spec(f"printer:{number}", ends_s=4))
        began_at = trio.current_time()

    assert trio.current_time() == began_at + 4
    assert len([line for line in diary.lines if line.endswith("ended")]) == 200


async def test_a_tree_in_a_tree_is_stopped_from_its_leaves(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    diary = Diary()

    async def run_part(mailbox: Mailbox[Any]) -> None:
        async with Supervisor(runtime).running() as inner:
            await inner.start(diary.spec("a"))
            await inner.start(diary.spec("b", ends_s=1))
            async for _ in mailbox:
                pass

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(diary.spec("first"))
        await supervisor.start(ChildSpec(name="part", run=run_part))
        await supervisor.start(diary.spec("last"))
        diary.lines.clear()

    assert diary.lines == told_and_ended("last", "b", "a", "first")


async def test_stopping_goes_on_past_an_actor_that_shields_itself(
    runtime: Runtime, autojump_clock: MockClock, logged: list[structlog.typing.EventDict]
) -> None:
    diary = Diary()

    async def cling(mailbox: Mailbox[Any]) -> None:
        try:
            async for _ in mailbox:
                pass
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(100)

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(diary.spec("first"))
        await supervisor.start(ChildSpec(name="clinging", run=cling))
        began_at = trio.current_time()

        await supervisor.stop("clinging")
        assert trio.current_time() == began_at + 5 + 5

    assert diary.lines == ["first starts", "first told", "first ended"]
    assert [entry["actor"] for entry in logged if entry["event"] == "actor does not end"] == ["clinging"] * 2
    assert trio.current_time() == began_at + 5 + 100  # nobody can end it sooner


async def test_an_actor_that_crashes_while_it_stops_is_not_started_again(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    runs = 0

    async def run(mailbox: Mailbox[Any]) -> None:
        nonlocal runs
        runs += 1
        async for _ in mailbox:
            pass
        raise ZeroDivisionError

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(ChildSpec(name="clerk", run=run))
    assert runs == 1


async def test_an_error_in_the_block_cancels_the_actors(runtime: Runtime, autojump_clock: MockClock) -> None:
    diary = Diary()

    with pytest.RaisesGroup(KeyError):
        async with Supervisor(runtime).running() as supervisor:
            await supervisor.start(diary.spec("clerk", ends_s=1000))
            raise KeyError

    assert diary.lines == ["clerk starts"]
    assert trio.current_time() < 1


async def test_a_cancellation_reaches_every_actor_and_its_owner(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    with trio.move_on_after(100) as outer:
        async with Supervisor(runtime).running() as supervisor:
            spec: ChildSpec[Any] = ChildSpec(name="clerk", run=Clerk().run, handling_deadline_s=9999)
            clerk = await supervisor.start(spec)
            supervisor.start_soon(ChildSpec(name="crashing", run=fail_at_start))
            await clerk.ask(Sleep(9999), timeout=9999)

    assert outer.cancelled_caught
    assert runtime.reports() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
async def test_what_should_end_the_process_does(
    error: BaseException, runtime: Runtime, autojump_clock: MockClock
) -> None:
    with pytest.RaisesGroup(type(error), flatten_subgroups=True):
        async with Supervisor(runtime).running() as supervisor:
            clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))
            await clerk.tell(Fail(error))
            await trio.sleep_forever()


async def test_an_actor_that_catches_every_exception_can_still_be_stopped(
    runtime: Runtime, autojump_clock: MockClock
) -> None:
    async def run(mailbox: Mailbox[Any]) -> None:
        while True:
            try:
                await mailbox.receive()
            except Exception:
                await trio.sleep(0.1)

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(ChildSpec(name="clerk", run=run))
        began_at = trio.current_time()

    assert trio.current_time() == pytest.approx(began_at + 5)


# -- being seen ----------------------------------------------------------------------------------


async def test_the_numbers_of_every_actor_are_there_to_see(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, mailbox_size=3))
    await clerk.tell(Sleep(4))
    await trio.sleep(1)
    for _ in range(5):
        clerk.tell_nowait("waiting")

    assert report(runtime).state is ActorState.RUNNING
    assert (report(runtime).depth, report(runtime).peak, report(runtime).size) == (3, 3, 3)
    assert report(runtime).dropped == 2
    await trio.sleep(4)
    with pytest.raises(Refused):
        await clerk.ask(Decline())
    await clerk.tell(Fail())
    await trio.sleep(1)

    end = report(runtime)
    assert (end.depth, end.handled, end.dead_letters, end.restarts, end.longest_s) == (0, 5, 1, 1, 4)
    assert end.last_error == "ZeroDivisionError: as told"


async def test_actors_that_come_and_go_leave_nothing_behind(
    supervisor: Supervisor,
    autojump_clock: MockClock,
    runtime: Runtime,
    logged: list[structlog.typing.EventDict],
) -> None:
    async def fail(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            raise ZeroDivisionError

    async def come_and_go(number: int) -> None:
        spec: ChildSpec[Any] = ChildSpec(
            name=f"client:{number}", run=fail, policy=RestartPolicy(restart=Restart.NEVER)
        )
        client = await supervisor.start(spec)
        await client.tell("fail")
        await trio.sleep(1)

    weights: list[int] = []
    tracemalloc.start()
    try:
        for batch in range(2):  # the first one fills what is kept of the dead letters
            for number in range(300):
                await come_and_go(300 * batch + number)
            logged.clear()  # it keeps the errors, and they the frames they went through
            gc.collect()
            weights.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert runtime.reports() == []
    assert weights[1] - weights[0] < 300 * 20  # bytes


async def test_a_mailbox_flood_takes_no_memory_is_counted_and_others_go_on(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """10,000 messages of a kilobyte a second, at actors that handle ten a second."""
    flood_size = 5_000

    async def dawdle(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            await trio.sleep(0.1)

    flooded: list[Any] = [
        await supervisor.start(ChildSpec(name=when_full.name, run=dawdle, when_full=when_full))
        for when_full in WhenFull
    ]
    quiet: list[Any] = [
        await supervisor.start(ChildSpec(name=f"quiet:{number}", run=Clerk().run)) for number in range(10)
    ]
    answered: list[float] = []

    async def flood() -> None:
        for number in range(flood_size):
            for address in flooded:
                address.tell_nowait(bytes(1000))
            if number % 10 == 9:
                await trio.sleep(0.001)

    async def ask_one_after_the_other(address: Any) -> None:
        for number in range(100):
            asked_at = trio.current_time()
            assert await address.ask(Double(number)) == 2 * number
            answered.append(trio.current_time() - asked_at)
            await trio.sleep(0.005)

    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            for address in quiet:
                nursery.start_soon(ask_one_after_the_other, address)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 1_000_000  # of 15 MB sent
    assert len(answered) == 1000
    assert max(answered) == 0  # virtual seconds: nobody waited for the flood
    for when_full in WhenFull:
        numbers = report(runtime, when_full.name)
        assert numbers.depth <= numbers.peak == numbers.size == 64
        in_hand = 1
        assert numbers.handled + in_hand + numbers.depth + numbers.dropped == flood_size
        assert numbers.handled < 10
    assert [r.restarts for r in runtime.reports()] == [0] * 13
