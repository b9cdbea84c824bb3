from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from actors_to_try import Clerk, Double, Temperature
from trio.testing import MockClock

from farm.actors import ChildSpec, Directions, Mailbox, Runtime, Supervisor


async def try_in_an_actor(
    runtime: Runtime, name: str, attempt: Callable[[Runtime], Awaitable[object]]
) -> object:
    """What `attempt` gives, or the error it raises, inside an actor called `name` beside a printer."""
    results: list[object] = []

    async def run(mailbox: Mailbox[None]) -> None:
        try:
            results.append(await attempt(runtime))
        except ValueError as error:
            results.append(error)
        async for _ in mailbox:
            pass

    async with Supervisor(runtime).running() as supervisor:
        if not name.startswith("printer:mk4"):
            await supervisor.start(ChildSpec(name="printer:mk4-03", run=Clerk().run))
        await supervisor.start(ChildSpec(name=name, run=run))
    return results[0]


async def ask_the_printer(runtime: Runtime) -> int:
    return await runtime.address("printer:mk4-03").ask(Double(21))


async def tell_the_printer(runtime: Runtime) -> None:
    await runtime.address("printer:mk4-03").tell("anything")


async def test_a_declared_direction_may_wait(autojump_clock: MockClock) -> None:
    runtime = Runtime(directions=Directions([("queue", "printer")]))

    assert await try_in_an_actor(runtime, "queue", ask_the_printer) == 42


@pytest.mark.parametrize("attempt", [ask_the_printer, tell_the_printer])
async def test_an_undeclared_direction_may_not_wait_even_when_there_is_room(
    attempt: Callable[[Runtime], Awaitable[object]], autojump_clock: MockClock
) -> None:
    runtime = Runtime(directions=Directions([("printer", "telemetry")]))

    error = await try_in_an_actor(runtime, "telemetry", attempt)

    assert isinstance(error, ValueError)
    assert "telemetry may not wait for printer:mk4-03: declare the direction" in str(error)


async def test_what_never_waits_needs_no_direction(autojump_clock: MockClock) -> None:
    async def hint(runtime: Runtime) -> bool:
        printer = runtime.address("printer:mk4-03")
        return printer.tell_nowait("a hint") and printer.tell_nowait(Temperature("mk4-03", 20.0))

    assert await try_in_an_actor(Runtime(directions=Directions([])), "telemetry", hint) is True


async def test_an_activity_of_an_actor_is_bound_like_the_actor(autojump_clock: MockClock) -> None:
    async def ask_in_an_activity(runtime: Runtime) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask_the_printer, runtime)
        except* ValueError as group:
            raise ValueError(str(group.exceptions[0])) from group

    error = await try_in_an_actor(Runtime(directions=Directions([])), "telemetry", ask_in_an_activity)

    assert "telemetry may not wait for printer:mk4-03" in str(error)


@pytest.mark.parametrize("directions", [None, Directions([("queue", "printer")])])
async def test_an_actor_may_not_wait_for_itself(
    directions: Directions | None, autojump_clock: MockClock
) -> None:
    runtime = Runtime(directions=directions)

    error = await try_in_an_actor(runtime, "printer:mk4-03", ask_the_printer)

    assert isinstance(error, ValueError)
    assert "printer:mk4-03 may not wait for" in str(error)


async def test_outside_of_actors_anybody_may_be_waited_for(autojump_clock: MockClock) -> None:
    async with Supervisor(Runtime(directions=Directions([]))).running() as supervisor:
        clerk: Any = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))
        assert await clerk.ask(Double(2)) == 4


@pytest.mark.parametrize(
    "pairs",
    [
        [("queue", "printer"), ("printer", "queue")],
        [("queue", "printer"), ("printer", "telemetry"), ("telemetry", "queue")],
        [("printer", "printer")],
    ],
)
def test_directions_that_form_a_circle_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match=r"actors would wait in a circle: .* -> "):
        Directions(pairs)


async def test_two_actors_telling_each_other_do_not_stand_still(autojump_clock: MockClock) -> None:
    """One direction waits, the other does not: with full mailboxes on both sides both go on."""
    runtime = Runtime(directions=Directions([("printer", "queue")]))
    rounds = 500
    heard = {"printer": 0, "queue": 0}
    undeclared: list[str] = []
    enough = trio.Event()

    async def run_printer(mailbox: Mailbox[int]) -> None:
        async for _ in mailbox:
            if heard["printer"] == rounds:
                continue
            heard["printer"] += 1
            for number in range(10):
                await runtime.address("queue").tell(number)

    async def run_queue(mailbox: Mailbox[int]) -> None:
        async for delivery in mailbox:
            heard["queue"] += 1
            if heard["queue"] == 1:
                with pytest.raises(ValueError, match="queue may not wait for printer") as refusal:
                    await runtime.address("printer").tell(delivery.message)
                undeclared.append(str(refusal.value))
            if heard["queue"] == 10 * rounds:
                enough.set()
            elif heard["printer"] < rounds:
                runtime.address("printer").tell_nowait(delivery.message)

    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(ChildSpec(name="queue", run=run_queue, mailbox_size=2))
        printer = await supervisor.start(ChildSpec(name="printer", run=run_printer, mailbox_size=2))
        printer.tell_nowait(0)
        with trio.fail_after(60):
            await enough.wait()
    assert undeclared
    assert heard == {"printer": rounds, "queue": 10 * rounds}
