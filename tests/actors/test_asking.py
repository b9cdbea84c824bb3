from __future__ import annotations

from typing import Any

import pytest
import structlog
import trio
from actors_to_try import Clerk, Decline, Double, Fail, Sleep, Temperature
from trio.testing import MockClock

from farm.actors import (
    ActorState,
    Ask,
    ChildSpec,
    Exhausted,
    Mailbox,
    Restart,
    RestartPolicy,
    Runtime,
    Supervisor,
    WhenFull,
    serve,
)
from farm.domain.user import Principal
from farm.errors import ActorDown, ActorFailed, AskExpired, Overloaded, Refused

FAULTED_AT_ONCE = RestartPolicy(budget=1, exhausted=Exhausted.FAULTED)


async def test_an_ask_is_answered(supervisor: Supervisor, autojump_clock: MockClock) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    assert await clerk.ask(Double(21)) == 42


async def test_a_refusal_is_the_answer_and_no_crash(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    with pytest.raises(Refused, match="not today"):
        await clerk.ask(Decline())
    assert await clerk.ask(Double(1)) == 2
    assert runtime.reports()[0].restarts == 0


async def test_a_refused_message_that_was_told_is_logged_for_nobody_hears_the_answer(
    supervisor: Supervisor, autojump_clock: MockClock, logged: list[structlog.typing.EventDict]
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    await clerk.tell(Decline())
    await clerk.ask(Double(1))

    [entry] = [entry for entry in logged if entry["event"] == "message refused"]
    assert (entry["actor"], entry["message"], entry["problem"]) == ("clerk", "Decline", "not today")


async def test_who_asks_stands_behind_the_message(supervisor: Supervisor, autojump_clock: MockClock) -> None:
    seen: list[Principal] = []

    async def note(_message: object, by: Principal) -> None:
        seen.append(by)

    async def run(mailbox: Mailbox[Ask[None]]) -> None:
        await serve(mailbox, note)

    clerk = await supervisor.start(ChildSpec(name="clerk", run=run))
    await clerk.ask(Decline(), by=(anna := Principal("user", "anna", "Anna")))

    assert seen == [anna]


async def test_the_asker_of_a_message_in_hand_hears_of_the_crash(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    with pytest.raises(ActorFailed, match="clerk failed while working on this"):
        await clerk.ask(Fail())

    [letter] = runtime.dead_letters.newest()
    assert isinstance(letter.message, Fail)
    assert (letter.actor, letter.why) == ("clerk", "ZeroDivisionError: as told")


async def test_a_message_that_crashes_its_actor_is_never_delivered_again(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run))

    await address.tell(Fail())
    await trio.sleep(1000)

    assert clerk.runs == 2
    assert runtime.reports()[0].restarts == runtime.reports()[0].dead_letters == 1


async def test_an_ask_that_ran_out_while_it_waited_is_never_carried_out(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run))
    await address.tell(Sleep(10))

    with pytest.raises(AskExpired):
        await address.ask(Double(1), timeout=5)
    await trio.sleep(60)

    assert clerk.done == [Sleep(10)]
    assert runtime.reports()[0].expired == 1


async def test_an_ask_takes_as_long_as_its_timeout_even_when_the_mailbox_is_full(
    supervisor: Supervisor,
    autojump_clock: MockClock,
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, mailbox_size=1))
    for _ in range(2):
        await clerk.tell(Sleep(20))
    asked_at = trio.current_time()

    with pytest.raises(AskExpired):
        await clerk.ask(Double(1), timeout=7)

    assert trio.current_time() == asked_at + 7


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (RestartPolicy(first_delay_s=100, max_delay_s=100), ActorState.BACKING_OFF),
        (FAULTED_AT_ONCE, ActorState.FAULTED),
    ],
)
async def test_asks_are_refused_at_once_while_the_actor_is_down(
    policy: RestartPolicy,
    state: ActorState,
    supervisor: Supervisor,
    autojump_clock: MockClock,
    runtime: Runtime,
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run, policy=policy))
    await clerk.tell(Fail())
    await trio.sleep(1)
    assert runtime.reports()[0].state is state
    asked_at = trio.current_time()

    with pytest.raises(ActorDown, match="it failed and is tried again within"):
        await clerk.ask(Double(1))

    assert trio.current_time() == asked_at
    assert runtime.reports()[0].refused == 1


async def test_queued_asks_are_refused_on_a_crash_and_queued_tells_survive_it(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk = Clerk()
    address: Any = await supervisor.start(ChildSpec(name="clerk", run=clerk.run))
    await address.tell(Sleep(1))
    await address.tell(Fail())

    async def ask() -> None:
        with pytest.raises(ActorDown):
            await address.ask(Double(1))
        assert trio.current_time() == crash_at

    crash_at = trio.current_time() + 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await address.tell("survivor")
    await supervisor.ready("clerk")
    await address.ask(Double(2))

    assert clerk.done == [Sleep(1), "survivor", Double(2)]


async def test_telling_a_down_actor_that_has_no_room_does_not_wait(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    spec: ChildSpec[Any] = ChildSpec(name="clerk", run=Clerk().run, mailbox_size=2, policy=FAULTED_AT_ONCE)
    clerk = await supervisor.start(spec)
    await clerk.tell(Fail())
    await trio.sleep(1)
    for _ in range(2):
        await clerk.tell("there is room")
    told_at = trio.current_time()

    with pytest.raises(ActorDown, match="clerk is down with a full mailbox"):
        await clerk.tell("one more")

    assert trio.current_time() == told_at
    assert runtime.reports()[0].dropped == 1


async def test_a_crash_lets_in_the_waiting_tellers_that_find_room_and_turns_away_the_rest(
    supervisor: Supervisor,
    autojump_clock: MockClock,
) -> None:
    """Refusing the queued asks makes room for two of the three who wait; the blocked ask is refused too."""
    clerk = Clerk()
    spec: ChildSpec[Any] = ChildSpec(name="clerk", run=clerk.run, mailbox_size=2)
    address = await supervisor.start(spec)
    outcomes: list[str] = []

    async def attempt(name: str, message: Any) -> None:
        try:
            await (address.ask if isinstance(message, Double) else address.tell)(message)
            outcomes.append(f"{name} in")
        except ActorDown:
            outcomes.append(f"{name} down")

    async def hang_then_fail() -> None:
        await address.tell(Sleep(9))
        await address.tell(Fail())
        await trio.sleep(10)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang_then_fail)
        for number, message in enumerate([Double(1), Double(2), "a", "b", "c"]):
            await trio.sleep(1)
            nursery.start_soon(attempt, str(number), message)

    assert sorted(outcomes) == ["0 down", "1 down", "2 in", "3 in", "4 down"]
    assert clerk.done == [Sleep(9), "a", "b"]


async def test_an_actor_that_ends_without_answering_fails_its_asker_and_handled_what_it_was_told(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    traffic = []

    async def run(mailbox: Mailbox[Any]) -> None:
        traffic.append(mailbox.traffic)
        await mailbox.receive()
        await trio.sleep(1)
        mailbox.take_waiting(1)

    clerk = await supervisor.start(
        ChildSpec(name="clerk", run=run, policy=RestartPolicy(restart=Restart.ON_FAILURE))
    )
    await clerk.tell("first")
    with pytest.raises(ActorFailed):
        await clerk.ask(Double(1))
    assert (traffic[0].handled, traffic[0].dead) == (1, 1)


async def test_answers_given_before_a_crash_stand(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    """A batch of which some were answered when the actor crashed, as in a group commit."""

    async def run(mailbox: Mailbox[Any]) -> None:
        async for delivery in mailbox:
            await trio.sleep(1)
            batch = [delivery, *mailbox.take_waiting(10)]
            batch[0].answer("done")
            raise ZeroDivisionError

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=run))
    outcomes: list[Any] = []

    async def ask() -> None:
        try:
            outcomes.append(await clerk.ask(Double(1)))
        except ActorFailed:
            outcomes.append("failed")

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert sorted(outcomes) == ["done", "failed", "failed"]
    assert (runtime.reports()[0].handled, runtime.reports()[0].dead_letters) == (1, 2)


async def test_a_state_cannot_be_asked(supervisor: Supervisor, autojump_clock: MockClock) -> None:
    class Odd(Temperature, Ask[None]):
        pass

    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))

    with pytest.raises(ValueError, match="Odd is a state and an ask at once"):
        await clerk.ask(Odd("mk4-03", 20.0))


async def test_only_the_newest_dead_letters_are_kept_but_all_are_counted(
    supervisor: Supervisor, autojump_clock: MockClock, runtime: Runtime
) -> None:
    clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))
    await supervisor.stop("clerk")

    for number in range(1000):
        assert not clerk.tell_nowait(number)
    with pytest.raises(ActorDown, match="clerk has stopped"):
        await clerk.ask(Double(1))

    assert runtime.dead_letters.total == 1001
    assert [letter.message for letter in runtime.dead_letters.newest()][:2] == [745, 746]


async def test_an_overloaded_asker_is_told_by_a_ring(
    supervisor: Supervisor, autojump_clock: MockClock
) -> None:
    spec: ChildSpec[Any] = ChildSpec(
        name="ring", run=Clerk().run, mailbox_size=1, when_full=WhenFull.DROP_OLDEST
    )
    ring = await supervisor.start(spec)
    await ring.tell(Sleep(5))
    await trio.sleep(1)
    async with trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(Overloaded):
                await ring.ask(Double(1))

        nursery.start_soon(ask)
        await trio.sleep(1)
        await ring.tell("newer")
