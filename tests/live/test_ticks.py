"""Events are gathered and sent together: when, in what form, and how many."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import trio
from live_farm import Browser, LiveFarm, printer, seqs, settled
from msgspec import structs

from farm.actors.directions import current_actor
from farm.config import Live
from farm.domain.printer import Connection, Operation, Plate, PrinterStatus
from farm.domain.user import Grant
from farm.live.audiences import _tick_after
from farm.live.broadcaster import LOOK_EVERY_S
from farm.live.client import OUTBOX
from farm.live.messages import StatusChanged

TICK = 0.06  # seconds; one tick of the usual 50 ms has passed for sure
IDLE = PrinterStatus(connection=Connection.ONLINE, operation=Operation.IDLE, plate=Plate.CLEAR)


@pytest.fixture
async def farm(tmp_path, request):
    live = getattr(request, "param", Live(rate_limit=0))
    async with LiveFarm(tmp_path, random.Random(7), live=live).running() as farm:
        yield farm


class Turns(trio.abc.Instrument):
    """Counts how often an actor was woken."""

    def __init__(self, actor):
        self.actor = actor
        self.count = 0

    def before_task_step(self, task):
        self.count += task.context.get(current_actor) == self.actor


def show(farm, id, message):
    farm.events.tell_nowait(StatusChanged(printer(id), structs.replace(IDLE, message=message)))


async def frames_of(browser, within_s):
    """The frames that come meanwhile, each as the list of its events, and when it came."""
    before = len(browser.frames)
    await trio.sleep(within_s)
    texts = [json.loads(text) for text in browser.frames[before:]]
    return [frame.get("events", [frame]) for frame in texts]


async def test_events_of_one_tick_come_in_one_frame(autojump_clock, farm):
    browser, _ = await farm.watch("queue", "printers")
    await farm.add_printer(printer("mk4-01"))
    expected = [await farm.happen() for _ in range(3)]
    show(farm, "mk4-01", "hello")

    (frame,) = await frames_of(browser, TICK)

    assert seqs(frame) == expected
    assert [event.get("prev") for event in frame[:3]] == [None, *expected[:-1]]
    assert frame[3]["data"]["status"]["message"] == "hello"


async def test_event_waits_for_the_tick_and_no_longer(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    for delay in (0.0, 0.01, 0.049):
        await trio.sleep(delay)
        at = trio.current_time()
        await farm.happen()
        await browser.hear("job.queued")
        assert trio.current_time() - at <= 0.05


async def test_states_after_a_silence_wait_for_the_tick_and_no_longer(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    await browser.say("configure", batch_delay_ms=250)
    await browser.hear("configured")
    for n, silence in enumerate((10.1, 0.3, 60.2)):
        await trio.sleep(silence)
        at = trio.current_time()
        show(farm, "mk4-01", f"{n}")
        await trio.sleep(0.04)
        show(farm, "mk4-02", f"{n}")
        await browser.hear()
        assert trio.current_time() == pytest.approx(_tick_after(at, 250))
        await settled()
        assert len(browser.frames) == 3 + n + 1  # both in one frame, after welcome, snapshot, configured
        browser.heard()


async def test_nobody_is_woken_while_nothing_happens(autojump_clock, farm):
    for delay_ms in (50, 250, 1000):
        browser, _ = await farm.watch("queue", "printers")
        await browser.say("configure", batch_delay_ms=delay_ms)
    await settled()
    turns = Turns("events")
    trio.lowlevel.add_instrument(turns)
    await trio.sleep(60)
    trio.lowlevel.remove_instrument(turns)

    looks = 60 / LOOK_EVERY_S  # for lost hints, each with a wait for the table
    assert turns.count <= 2 * (looks + 1)


async def test_who_hears_the_same_is_sent_the_very_same_bytes(autojump_clock, farm):
    browsers = [(await farm.watch("queue", "files"))[0] for _ in range(20)]
    others = [(await farm.watch("queue"))[0] for _ in range(2)]
    few = await farm.key(Grant(printers=frozenset({"mk4-01"})))
    restricted = [(await farm.watch("queue", "files", token=few))[0] for _ in range(2)]
    made = []
    for browser in [*browsers, *others, *restricted]:
        send_now = browser.send_now
        browser.send_now = lambda frame, send_now=send_now: made.append(frame) or send_now(frame)
    for _ in range(2):
        for _ in range(5):
            await farm.happen()
        await trio.sleep(TICK)

    assert len(made) == 2 * 24
    assert len({id(frame) for frame in made}) == 2 * 3


async def test_facts_waiting_in_number_go_before_their_time(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    await browser.say("configure", batch_delay_ms=1000)
    await browser.hear("configured")
    at = trio.current_time()
    expected = [await farm.happen() for _ in range(farm.live.batch_size)]
    await settled()

    assert trio.current_time() == at
    assert seqs(browser.heard()) == expected
    expected = [await farm.happen() for _ in range(farm.live.batch_size - 1)]
    await settled()
    assert browser.heard() == []
    await trio.sleep(1.01)
    assert seqs(browser.heard()) == expected


@pytest.mark.parametrize("delay_ms", [0, 50, 250, 1000])
async def test_client_chooses_how_long_events_are_gathered(autojump_clock, farm, delay_ms):
    browser, _ = await farm.watch("queue")
    await browser.say("configure", batch_delay_ms=delay_ms)
    assert await browser.hear() == {"type": "configured", "batch_delay_ms": delay_ms}
    await settled()

    arrivals = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def watch():
            while True:
                await browser.hear("job.queued")
                arrivals.append(trio.current_time())

        for _ in range(40):
            await farm.happen()
            await trio.sleep(0.1)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()

    frames = Counter(arrivals)
    assert sum(frames.values()) == 40
    assert len(frames) <= {0: 40, 50: 40, 250: 17, 1000: 5}[delay_ms]
    assert len(frames) >= {0: 40, 50: 40, 250: 16, 1000: 4}[delay_ms]


@pytest.mark.parametrize("delay", [1, -50, 51, 50.5, "50", None, True])
async def test_other_delays_are_refused(autojump_clock, farm, delay):
    browser, _ = await farm.watch("queue")
    await browser.say("configure", batch_delay_ms=delay)

    answer = await browser.hear()

    assert (answer["type"], answer["op"]) == ("error", "configure")
    assert "batch_delay_ms" in answer["detail"]


async def test_delay_chosen_before_entering_holds_and_rooms_are_kept_when_it_changes(autojump_clock, farm):
    browser = farm.connect()
    await browser.say("auth", token=farm.token)
    await browser.say("configure", batch_delay_ms=250)
    await browser.say("subscribe", rooms=["queue"])
    await browser.hear("snapshot")
    await trio.sleep(0.25 - trio.current_time() % 0.25)
    waiting = await farm.happen()
    await trio.sleep(0.2)
    assert browser.heard() == []
    await browser.say("configure", batch_delay_ms=0)  # what waits is sent first
    await settled()
    after = await farm.happen()
    await settled()

    assert seqs(browser.heard()) == [waiting, after]


async def test_newcomer_is_not_sent_what_waited_for_its_companions(autojump_clock, farm):
    first, _ = await farm.watch("queue")
    waiting = await farm.happen()
    second, [snapshot] = await farm.watch("queue")
    after = await farm.happen()
    await trio.sleep(TICK)

    assert snapshot["seq"] == waiting
    assert seqs(first.heard()) == [waiting, after]
    assert seqs(second.heard()) == [after]


async def test_states_of_one_tick_coalesce(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    for n in range(10):
        show(farm, "mk4-01", f"{n}")
        await settled()
    await trio.sleep(TICK)

    assert [event["data"]["status"]["message"] for event in browser.heard()] == ["9"]


# -- the limit ---------------------------------------------------------------------------------

LIMITED = Live(rate_limit=20)


@pytest.mark.parametrize("farm", [LIMITED, replace(LIMITED, batch_delay_ms=0)], indirect=True)
async def test_states_are_limited_per_second_and_every_printer_gets_its_turn(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    shown = Counter()
    await trio.sleep(0.005)  # between two ticks, so that each is within one second
    for second in range(10):
        for tenth in range(10):
            for n in range(5):  # 50 a second
                show(farm, f"mk4-{n}", f"{second}.{tenth}")
            await trio.sleep(0.1)
        events = browser.heard()
        assert len(events) <= 20 + (20 if second == 0 else 1)
        shown.update(event["data"]["id"] for event in events)

    assert sum(shown.values()) >= 190
    assert min(shown.values()) >= 30
    await trio.sleep(1)
    newest = {event["data"]["id"]: event["data"]["status"]["message"] for event in browser.heard()}
    assert set(newest.values()) == {"9.9"}  # what was held back came when there was time


@pytest.mark.parametrize("farm", [replace(LIMITED, batch_delay_ms=0)], indirect=True)
async def test_facts_are_not_limited(autojump_clock, farm):
    browser, _ = await farm.watch("queue", "printers")
    expected = []
    for n in range(200):
        expected.append(await farm.happen())
        show(farm, "mk4-01", f"{n}")
        await settled()

    events = browser.heard()
    assert seqs(events) == expected
    assert len(events) <= 220


@pytest.mark.parametrize("farm", [LIMITED], indirect=True)
async def test_states_held_back_follow_a_client_that_changes_its_rooms(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    for n in range(25):
        show(farm, f"mk4-{n}", "first")
    await trio.sleep(TICK)
    assert len(browser.heard()) == 20

    await browser.say("subscribe", rooms=["queue"])
    await browser.hear("snapshot")
    await trio.sleep(1)

    assert [event["data"]["id"] for event in browser.heard()] == [f"mk4-{n}" for n in range(20, 25)]


@pytest.mark.parametrize("farm", [LIMITED], indirect=True)
async def test_requests_are_limited_per_second_and_none_is_lost(autojump_clock, farm):
    browser = farm.connect()
    await browser.say("auth", token=farm.token)
    await browser.hear("welcome")
    begun = trio.current_time()
    answered = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask():
            for _ in range(100):
                await browser.say("ping")

        for _ in range(100):
            await browser.hear("pong")
            answered.append(trio.current_time() - begun)

    assert answered[18] < 0.001  # one was used by auth
    assert answered[-1] == pytest.approx(81 / 20, abs=0.01)
    assert browser.closed is None


# -- who is behind -----------------------------------------------------------------------------


async def test_newest_states_wait_for_a_client_that_is_behind_and_do_not_fill_its_outbox(
    autojump_clock, farm
):
    slow, _ = await farm.watch("printers", "queue")
    quick, _ = await farm.watch("printers", "queue")
    slow.stop_reading()
    expected = [await farm.happen()]
    await trio.sleep(TICK + 0.005)  # what comes in the very moment of a tick may go with it, or with the next
    for n in range(60):
        for id in range(10):
            show(farm, f"mk4-{id}", f"{n}")
        await trio.sleep(TICK)
    expected.append(await farm.happen())
    await trio.sleep(TICK)
    slow.read_on()
    await settled()

    heard = slow.heard()
    assert seqs(heard) == expected
    states = [event for event in heard if event["type"] == "printer.statusUpdate"]
    assert sorted(event["data"]["id"] for event in states) == sorted(f"mk4-{id}" for id in range(10))
    assert {event["data"]["status"]["message"] for event in states} == {"59"}
    assert len([e for e in quick.heard() if e["type"] == "printer.statusUpdate"]) == 600
    assert farm.clients.numbers().dropped == 0
    assert farm.report("client:1").peak < OUTBOX / 10


async def test_line_that_takes_nothing_at_once_gets_all_in_turn(autojump_clock, farm):
    """Encrypted lines are such."""
    browser = Browser()
    browser.is_quick = False
    farm.connect(browser)
    await browser.log_in(farm.token, "queue")
    expected = []
    for _ in range(50):
        expected.append(await farm.happen())
        await trio.sleep(0.01)
    await trio.sleep(TICK)

    heard = browser.heard()
    assert seqs(heard) == expected
    assert [event["prev"] for event in heard] == [None, *expected[:-1]]


async def test_lost_hints_are_found_though_something_is_always_due(autojump_clock, farm):
    browser, _ = await farm.watch("queue", "printers")
    farm.hint = lambda facts: None
    seq = await farm.happen()
    for n in range(100):
        show(farm, "mk4-01", f"{n}")
        await trio.sleep(LOOK_EVERY_S / 50)

    assert seqs(browser.heard()) == [seq]


def test_the_next_tick_is_never_now():
    for delay_ms in (50, 250, 1000):
        ticks = [0.0]
        for _ in range(10_000):
            ticks.append(_tick_after(ticks[-1], delay_ms))

        steps = [after - before for before, after in pairwise(ticks)]
        assert min(steps) > 0.99 * delay_ms / 1000
        assert max(steps) < 1.01 * delay_ms / 1000
