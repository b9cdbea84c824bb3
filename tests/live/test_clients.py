"""All clients together: how many, how they stop, what an idle one costs."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from collections import Counter
from dataclasses import replace
from math import inf

import pytest
import trio
from live_farm import AT_ONCE, Browser, LiveFarm, seqs, settled

from farm.domain.user import SYSTEM
from farm.live.client import CHECK_EVERY_S, CLOSE_WITHIN_S, OUTBOX, SHARES
from farm.live.clients import SAYS_WITHIN_S, STOP_WITHIN_S, WATCH_EVERY_S, Clients


async def test_stopping_farm_tells_every_client_1012_after_what_was_on_its_way(autojump_clock, tmp_path):
    async with LiveFarm(tmp_path, random.Random(1)).running() as farm:
        browsers = [(await farm.watch("queue"))[0] for _ in range(5)]
        unknown = farm.connect()
        await settled()
        browsers[0].stop_reading()
        expected = [await farm.happen(), await farm.happen()]
        await settled()
        with trio.fail_after(1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(farm.supervisor.stop, "clients")
                await trio.sleep(0.5)
                browsers[0].read_on()

        for browser in browsers:
            assert seqs(browser.heard()) == expected
        for browser in [*browsers, unknown]:
            assert browser.closed == (1012, "the farm is stopping; connect again in a moment")
        late = farm.connect()
        await settled()
        assert late.closed == (1012, "no clients are taken now; connect again in a moment")


async def test_client_that_does_not_read_holds_no_stop_up(autojump_clock, tmp_path, logged):
    async with LiveFarm(tmp_path, random.Random(1)).running() as farm:
        stuck, _ = await farm.watch("queue")
        other, _ = await farm.watch("queue")
        stuck.stop_reading()
        for _ in range(OUTBOX // 2):
            await farm.happen()
        await settled()
        begun = trio.current_time()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.supervisor.stop, "clients")
            await trio.sleep(STOP_WITHIN_S + CLOSE_WITHIN_S / 4)
            await farm.key()  # while it is told goodbye, rights change: too late to look at it again

        assert trio.current_time() - begun <= 4
        assert other.closed is not None
        assert farm.clients.numbers().clients == 0
        assert not [entry for entry in logged if entry["event"] == "actor failed"]
        assert farm.runtime.dead_letters.total == 0


async def test_handler_whose_peer_is_gone_ends_its_actor_at_once(autojump_clock, farm):
    browser = Browser()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(farm.clients.attend, browser)
        await browser.log_in(farm.token, "queue")
        browser.stop_reading()
        await farm.happen()
        await settled()
        begun = trio.current_time()
        nursery.cancel_scope.cancel()
    await settled()

    assert trio.current_time() == begun
    assert farm.clients.numbers().clients == 0
    assert [report.name for report in farm.runtime.reports() if report.name.startswith("client:")] == []


async def test_one_client_too_many_is_told_to_come_later(autojump_clock, farm):
    farm.clients = Clients(farm.runtime, farm.gate, lambda: farm.events, replace(AT_ONCE, max_clients=2))
    await farm.supervisor.stop("clients")
    await farm.supervisor.start(farm.clients.spec())
    first, _ = await farm.watch("queue")
    await farm.watch("queue")

    third = farm.connect()
    await settled()
    assert third.closed == (1013, "2 clients are connected already; close some, or try again later")

    first.hang_up()
    await settled()
    await farm.watch("queue")  # there is room again
    assert farm.clients.numbers().clients == 2


async def test_who_does_not_say_who_they_are_gives_way_when_the_farm_is_full(autojump_clock, farm):
    farm.clients = Clients(farm.runtime, farm.gate, lambda: farm.events, replace(AT_ONCE, max_clients=2))
    await farm.supervisor.stop("clients")
    await farm.supervisor.start(farm.clients.spec())
    known, _ = await farm.watch("queue")
    stranger = farm.connect()
    await settled()

    too_soon = farm.connect()
    await settled()
    assert too_soon.closed == (1013, "2 clients are connected already; close some, or try again later")

    await trio.sleep(SAYS_WITHIN_S)
    await farm.watch("queue")
    assert stranger.closed == (
        1013,
        "others wait for your place; say who you are at once when you connect again",
    )
    assert known.closed is None
    assert farm.clients.numbers().clients == 2


async def test_passing_clients_leave_nothing_behind(autojump_clock, farm):
    for _ in range(20):
        browser, _ = await farm.watch("queue", "printers")
        await farm.happen()
        browser.hang_up()
        await settled()

    assert farm.runtime.dead_letters.total == 0
    audiences = farm.broadcaster._audiences
    assert audiences._members == audiences._audiences == audiences._in_room == {}
    assert audiences.due_at == inf
    assert not audiences._cadences
    await trio.sleep(CHECK_EVERY_S + WATCH_EVERY_S)
    assert farm.clients._looks == []
    assert [report.name for report in farm.runtime.reports()] == ["database", "events", "clients"]


async def test_clients_that_return_together_share_few_looks_at_the_farm(autojump_clock, farm):
    looks = 0
    read = farm.database.read

    async def counted(op, *args):
        nonlocal looks
        looks += op.__name__ == "take"
        await trio.sleep(0.01)  # a look takes a while, and meanwhile others come
        return await read(op, *args)

    farm.database.read = counted
    browsers = [farm.connect() for _ in range(200)]
    for browser in browsers:
        await browser.say("auth", token=farm.token)
        await browser.say("subscribe", rooms=["printers", "queue"])
    await trio.sleep(1)
    seq = await farm.happen()
    await settled()

    assert all(seqs(browser.heard()) == [seq] for browser in browsers)
    assert looks <= 5


async def test_idle_client_is_cheap(autojump_clock, farm, capsys):
    """Prints what an idle client costs without its socket; the limit only catches a change of kind."""
    await farm.watch("printers", "queue")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    browsers = [farm.connect() for _ in range(50)]
    for browser in browsers:
        await browser.log_in(farm.token, "printers", "queue")
        browser.frames.clear()
    await settled()
    gc.collect()
    cost = (tracemalloc.get_traced_memory()[0] - before) / len(browsers)
    tracemalloc.stop()

    with capsys.disabled():
        sys.stdout.write(
            f"\nan idle live client: {cost / 1024:.1f} KiB, the test's end of the line included\n"
        )
    assert cost < 64 * 1024


@pytest.mark.parametrize("limit_s", [1.0])
async def test_rights_that_change_at_once_for_many_cut_only_those_who_lost_them(
    autojump_clock, farm, limit_s
):
    key, text = await farm.gate.create_key(SYSTEM, "wall", ["read"])
    lost = [(await farm.watch("queue", token=text))[0] for _ in range(20)]
    kept = [(await farm.watch("queue"))[0] for _ in range(20)]

    await farm.gate.revoke_key(SYSTEM, key.id)
    await trio.sleep(limit_s)

    assert [browser.closed[0] for browser in lost] == [4401] * 20
    assert [browser.closed for browser in kept] == [None] * 20


async def test_clients_that_showed_the_same_are_looked_at_together(autojump_clock, farm, monkeypatch):
    _, another = await farm.gate.create_key(SYSTEM, "wall", ["read"])
    for token in [farm.token, another] * 25:
        await farm.watch("queue", token=token)
    authenticate, looked = farm.gate.authenticate, Counter()

    async def counted(token):
        looked[token] += 1
        return await authenticate(token)

    monkeypatch.setattr(farm.gate, "authenticate", counted)
    rounds = 10
    await trio.sleep(rounds * CHECK_EVERY_S)

    assert set(looked) == {farm.token, another}
    assert min(looked.values()) >= rounds - 1
    assert max(looked.values()) <= (rounds + 1) * SHARES


async def test_rights_that_change_while_somebody_looks_are_looked_at_again(autojump_clock, farm, monkeypatch):
    key, text = await farm.gate.create_key(SYSTEM, "wall", ["read"])
    browser, _ = await farm.watch("queue", token=text)
    authenticate, hangs = farm.gate.authenticate, trio.Event()

    async def slow_at_first(token):
        principal = await authenticate(token)
        if not hangs.is_set():
            hangs.set()
            await trio.sleep(30)
        return principal

    monkeypatch.setattr(farm.gate, "authenticate", slow_at_first)
    await hangs.wait()
    await farm.gate.revoke_key(SYSTEM, key.id)
    await trio.sleep(1)

    assert browser.closed is not None
    assert browser.closed[0] == 4401


async def test_look_that_breaks_costs_those_who_showed_that_alone(autojump_clock, farm, monkeypatch, logged):
    _, cursed = await farm.gate.create_key(SYSTEM, "wall", ["read"])
    browser, _ = await farm.watch("queue", token=cursed)
    other, _ = await farm.watch("queue")
    authenticate = farm.gate.authenticate

    async def broken_for_one(token):
        if token == cursed:
            raise ZeroDivisionError
        return await authenticate(token)

    monkeypatch.setattr(farm.gate, "authenticate", broken_for_one)
    await trio.sleep(CHECK_EVERY_S + 1)
    seq = await farm.happen()
    await settled()

    assert browser.closed == (1011, "a mistake in the farm; it is in the log")
    assert seqs(other.heard()) == [seq]
    assert "what clients showed cannot be looked at" in [entry["event"] for entry in logged]
