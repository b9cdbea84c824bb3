from __future__ import annotations

from typing import Any

import pytest
import trio
from actors_to_try import Double, Temperature
from trio.testing import MockClock, wait_all_tasks_blocked

from farm.actors import Address, Mailbox, WhenFull
from farm.errors import ActorDown, AskExpired, Overloaded, Refused


def full(size: int, when_full: WhenFull = WhenFull.WAIT) -> tuple[Mailbox[Any], Address[Any]]:
    """A mailbox nobody reads yet, filled with 0, 1, 2 …, and its address."""
    mailbox: Mailbox[Any] = Mailbox("clerk", size=size, when_full=when_full)
    address = Address(mailbox)
    for number in range(size):
        assert address.tell_nowait(number)
    return mailbox, address


async def take(mailbox: Mailbox[Any], count: int) -> list[Any]:
    return [(await mailbox.receive()).message for _ in range(count)]


async def test_what_was_told_first_is_received_first() -> None:
    mailbox, _ = full(5)

    assert await take(mailbox, 5) == [0, 1, 2, 3, 4]


async def test_actor_is_idle_only_while_it_waits_for_mail(autojump_clock: MockClock) -> None:
    mailbox, address = full(1)
    seen = [mailbox.idle]

    async def work() -> None:
        async for _ in mailbox:
            seen.append(mailbox.idle)
            await trio.sleep(1)
            seen.append(mailbox.idle)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await wait_all_tasks_blocked()
        seen.append(mailbox.idle)  # it works on what it took
        await trio.sleep(2)
        assert mailbox.idle
        address.tell_nowait("more")
        seen.append(mailbox.idle)
        await trio.sleep(2)
        assert mailbox.idle
        nursery.cancel_scope.cancel()
        seen.append(mailbox.idle)  # it will take nothing more
    seen.append(mailbox.idle)

    assert seen == [False] * len(seen)


async def test_patient_actor_is_told_of_the_first_state_and_woken_by_anything_else() -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=8)
    address = Address(mailbox)
    told: list[str] = []
    taken: list[Any] = []

    async def work() -> None:
        while True:
            taken.append((await mailbox.receive(patient=lambda: told.append("a state waits"))).message)
            taken.extend(delivery.message for delivery in mailbox.take_waiting(10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await wait_all_tasks_blocked()
        for degc in (20, 21, 22):
            address.tell_nowait(Temperature("bed", degc))
            address.tell_nowait(Temperature("nozzle", degc))
        await wait_all_tasks_blocked()
        assert (told, taken) == (["a state waits"], [])

        address.tell_nowait("wake up")
        await wait_all_tasks_blocked()
        assert taken == [Temperature("bed", 22), Temperature("nozzle", 22), "wake up"]
        address.tell_nowait(Temperature("bed", 23))
        await wait_all_tasks_blocked()
        assert told == ["a state waits"] * 2
        nursery.cancel_scope.cancel()


async def test_patient_actor_that_is_busy_finds_the_states_that_came() -> None:
    mailbox, _ = full(1)
    address = Address(mailbox)
    assert (await mailbox.receive(patient=pytest.fail)).message == 0

    address.tell_nowait(Temperature("bed", 20))

    assert mailbox.has_mail
    assert (await mailbox.receive(patient=pytest.fail)).message == Temperature("bed", 20)
    assert not mailbox.has_mail


async def test_tellers_of_a_full_mailbox_wait_and_nobody_overtakes(autojump_clock: MockClock) -> None:
    mailbox, address = full(1)
    told: list[int] = []

    async def tell(number: int) -> None:
        await trio.sleep(number)
        await address.tell(number)
        told.append(number)

    async with trio.open_nursery() as nursery:
        for number in (3, 1, 2):
            nursery.start_soon(tell, number)
        await trio.sleep(10)
        assert told == []
        assert (await mailbox.receive()).message == 0
        assert not address.tell_nowait("an overtaker")
        assert mailbox.depth == 1
        assert await take(mailbox, 3) == [1, 2, 3]
    assert told == [1, 2, 3]


async def test_tellers_that_find_the_last_room_together_wait_instead_of_being_refused() -> None:
    mailbox, address = full(1)

    async with trio.open_nursery() as nursery:
        assert await take(mailbox, 1) == [0]
        for number in range(1, 21):
            nursery.start_soon(address.tell, number)
        assert sorted(await take(mailbox, 20)) == list(range(1, 21))
    assert mailbox.traffic.dropped == 0
    assert mailbox.traffic.peak == 1


async def test_a_mailbox_that_refuses_says_overloaded() -> None:
    mailbox, address = full(2, WhenFull.REFUSE)

    with pytest.raises(Overloaded, match=r"clerk .* \(2 waiting\)"):
        await address.tell("one more")
    assert not address.tell_nowait("and another")
    assert mailbox.traffic.dropped == 2
    assert await take(mailbox, 2) == [0, 1]


async def test_tell_nowait_says_that_there_is_no_room_and_it_is_counted() -> None:
    mailbox, address = full(2)

    assert not address.tell_nowait("one more")
    assert mailbox.traffic.dropped == 1
    assert mailbox.depth == 2


async def test_a_ring_drops_the_oldest_counts_it_and_tells_its_asker() -> None:
    mailbox, address = full(1, WhenFull.DROP_OLDEST)

    async def ask() -> None:
        with pytest.raises(Overloaded):
            await address.ask(Double(1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        await address.tell("newest")
    assert mailbox.traffic.dropped == 2
    assert await take(mailbox, 1) == ["newest"]


async def test_a_ring_never_drops_a_newest_state() -> None:
    mailbox, address = full(1, WhenFull.DROP_OLDEST)
    await address.tell(Temperature("mk4-03", 20.0))

    await address.tell("newest")

    assert await take(mailbox, 2) == [Temperature("mk4-03", 20.0), "newest"]


async def test_a_newer_state_takes_the_place_of_the_waiting_one_with_its_key() -> None:
    mailbox, address = full(1)

    for state in (Temperature("a", 1.0), Temperature("b", 2.0), Temperature("a", 3.0)):
        await address.tell(state)

    assert await take(mailbox, 3) == [0, Temperature("a", 3.0), Temperature("b", 2.0)]
    await address.tell(Temperature("a", 4.0))
    assert await take(mailbox, 1) == [Temperature("a", 4.0)]


async def test_states_find_room_in_a_full_mailbox_and_do_not_fill_it() -> None:
    mailbox, address = full(2)

    for number in range(100):
        assert address.tell_nowait(Temperature(f"printer {number}", 20.0))

    assert mailbox.depth == mailbox.traffic.peak == 2


async def test_a_cancelled_teller_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    mailbox, address = full(1)

    with trio.move_on_after(1):
        await address.tell("given up")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(address.tell, "patient")
        assert await take(mailbox, 2) == [0, "patient"]
    assert mailbox.depth == 0


async def test_a_teller_cancelled_before_it_starts_adds_nothing() -> None:
    mailbox, address = full(1)
    await mailbox.receive()

    with trio.CancelScope() as scope:
        scope.cancel()
        await address.tell("never said")

    assert scope.cancelled_caught
    assert mailbox.depth == 0


async def test_a_cancelled_asker_leaves_nothing_behind_that_an_answer_could_hurt(
    autojump_clock: MockClock,
) -> None:
    mailbox, address = full(1)

    with trio.move_on_after(1):
        await address.ask(Double(1))  # never let in
    await mailbox.receive()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(address.ask, Double(2))
            delivery = await mailbox.receive()
            scope.cancel()

    delivery.answer(4)
    delivery.answer(5)
    assert delivery.message == Double(2)
    assert mailbox.depth == 0


async def test_only_the_first_settlement_of_an_ask_counts() -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=4)
    outcomes: list[Any] = []

    async def ask() -> None:
        try:
            outcomes.append(await Address(mailbox).ask(Double(1)))
        except Refused as problem:
            outcomes.append(str(problem))

    for settle_first, settle_again in (("answer", "refuse"), ("refuse", "answer")):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            delivery = await mailbox.receive()
            getattr(delivery, settle_first)(2 if settle_first == "answer" else Refused("not today"))
            getattr(delivery, settle_again)(2 if settle_again == "answer" else Refused("too late"))
    assert outcomes == [2, "not today"]


async def test_a_cancelled_receiver_loses_no_mail(autojump_clock: MockClock) -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=4)

    with trio.move_on_after(1):
        await mailbox.receive()
    Address(mailbox).tell_nowait("later")

    assert await take(mailbox, 1) == ["later"]


async def test_mail_that_comes_as_the_receiver_is_cancelled_is_taken_or_kept() -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=4)
    taken: list[Any] = []

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def receive() -> None:
                async for delivery in mailbox:
                    taken.append(delivery.message)  # noqa: PERF401 -- what it had when it was cut off counts

            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
            Address(mailbox).tell_nowait("first")
            Address(mailbox).tell_nowait("second")
            scope.cancel()

    assert taken == ["first"]
    assert mailbox.depth == 1


async def test_a_second_receiver_is_a_bug_that_shows() -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=4)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.receive)
        await wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="two tasks receive from clerk"):
            await mailbox.receive()
        nursery.cancel_scope.cancel()


async def test_an_expired_ask_is_skipped_and_counted(autojump_clock: MockClock) -> None:
    mailbox, address = full(2)
    assert await take(mailbox, 2) == [0, 1]

    with pytest.raises(AskExpired, match="did not answer within 2 s"):
        await address.ask(Double(1), timeout=2)
    await address.tell("still wanted")

    assert await take(mailbox, 1) == ["still wanted"]
    assert mailbox.traffic.expired == 1


async def test_an_ask_is_skipped_after_the_deadline_its_asker_works_under(autojump_clock: MockClock) -> None:
    mailbox, address = full(2)
    assert await take(mailbox, 2) == [0, 1]

    with pytest.raises(trio.TooSlowError), trio.fail_after(2):
        await address.ask(Double(1))
    await address.tell("still wanted")

    assert await take(mailbox, 1) == ["still wanted"]


async def test_the_room_of_an_expired_ask_goes_to_who_waits_for_room(autojump_clock: MockClock) -> None:
    mailbox, address = full(1)
    await mailbox.receive()
    with pytest.raises(AskExpired):
        await address.ask(Double(1), timeout=1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(address.tell, "waiting")
        await wait_all_tasks_blocked()
        assert await take(mailbox, 1) == ["waiting"]


async def test_what_waits_can_be_taken_at_once_up_to_a_limit() -> None:
    mailbox, _ = full(5)
    first = await mailbox.receive()

    more = mailbox.take_waiting(3)

    assert [delivery.message for delivery in (first, *more)] == [0, 1, 2, 3]
    assert mailbox.traffic.handled == 0  # all four are in hand
    await mailbox.receive()
    assert mailbox.traffic.handled == 4


async def test_taking_without_receiving_counts_from_the_taking(autojump_clock: MockClock) -> None:
    mailbox, _ = full(5)
    await trio.sleep(100)

    mailbox.take_waiting(5)

    assert mailbox.in_hand_since == trio.current_time()


async def test_a_closed_mailbox_delivers_what_it_has_and_then_ends() -> None:
    mailbox, address = full(2)
    mailbox.close()

    with pytest.raises(ActorDown, match="clerk has stopped"):
        await address.tell("too late")
    assert not address.tell_nowait("far too late")
    assert [delivery.message async for delivery in mailbox] == [0, 1]
    assert [letter.message for letter in mailbox.dead_letters.newest()] == ["too late", "far too late"]
    assert mailbox.traffic.dead == 2


async def test_closing_wakes_the_receiver_and_turns_waiting_tellers_away() -> None:
    mailbox, address = full(1)
    empty: Mailbox[Any] = Mailbox("empty", size=1)

    async def tell() -> None:
        with pytest.raises(ActorDown):
            await address.tell("too late")

    async def receive() -> None:
        with pytest.raises(trio.EndOfChannel):
            await empty.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        mailbox.close()
        empty.close()
    assert [letter.message for letter in mailbox.dead_letters.newest()] == ["too late"]


async def test_a_loop_that_ignores_the_end_still_lets_others_run_and_can_be_cancelled() -> None:
    mailbox: Mailbox[Any] = Mailbox("clerk", size=1)
    mailbox.close()

    with trio.move_on_after(0.05) as scope:
        while True:
            try:
                await mailbox.receive()
            except Exception:  # noqa: S112 -- the mistake this is about
                continue
    assert scope.cancelled_caught


async def test_a_teller_that_ignores_refusals_still_lets_others_run() -> None:
    _, address = full(1, WhenFull.REFUSE)

    with trio.move_on_after(0.05) as scope:
        while True:
            try:
                await address.tell("again")
            except Overloaded:
                continue
    assert scope.cancelled_caught


async def test_a_mailbox_without_room_for_one_message_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a mailbox of 0 for clerk"):
        Mailbox("clerk", size=0)


async def test_the_longest_handling_is_measured_also_when_it_ends_in_a_crash(
    autojump_clock: MockClock,
) -> None:
    mailbox, _ = full(3)

    await mailbox.receive()
    await trio.sleep(2)
    await mailbox.receive()
    await trio.sleep(1)
    await mailbox.receive()
    assert mailbox.traffic.longest_s == 2
    await trio.sleep(5)
    mailbox.fail_in_hand("crashed")

    assert mailbox.traffic.longest_s == 5
    assert (mailbox.traffic.handled, mailbox.traffic.dead) == (2, 1)
