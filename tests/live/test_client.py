"""What one client may say, what it is answered, and why it is cut."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
import trio
from live_farm import Browser, seqs, settled

from farm.access.tokens import LIFETIME
from farm.domain.user import SYSTEM, Grant, Role
from farm.errors import ActorDown, Invalid, Refused, StorageFailed
from farm.live.broadcaster import Broadcaster
from farm.live.client import (
    ALIVE_WITHIN_S,
    AUTH_WITHIN_S,
    CHECK_EVERY_S,
    MOST_AT_ONCE,
    MOST_MISTAKES,
    OUTBOX,
    RENEW_WITHIN_S,
    SEND_WITHIN_S,
    SHARES,
)
from farm.live.clients import WATCH_EVERY_S
from farm.live.commands import MOST as MOST_COMMANDS
from farm.live.connection import ConnectionLost
from farm.live.messages import LookForLife
from farm.store import events

PASSWORD = "correct horse battery"


async def person(farm, *, session=False, name="ada"):
    """A viewer who has just logged in."""
    await farm.gate.add_user(SYSTEM, name, PASSWORD, Role.VIEWER)
    return await farm.gate.login(name, PASSWORD, "10.0.0.9", session=session)


# -- who it is ---------------------------------------------------------------------------------


async def test_client_is_welcomed_with_where_the_history_stands(autojump_clock, farm):
    seq = await farm.happen()
    browser = farm.connect()

    await browser.say("auth", token=farm.token)

    epoch = await farm.database.read(events.epoch)
    assert await browser.hear() == {"type": "welcome", "epoch": epoch, "seq": seq}


async def test_page_with_a_session_cookie_need_not_authenticate(autojump_clock, farm):
    login = await person(farm, session=True)
    browser = farm.connect(Browser(cookie=login.cookie))

    await browser.say("subscribe", rooms=["queue"])

    assert [(await browser.hear())["type"], (await browser.hear())["type"]] == ["welcome", "snapshot"]


async def test_cookie_that_is_no_good_is_closed_with_4401(autojump_clock, farm):
    browser = farm.connect(Browser(cookie="stale"))
    await settled()

    assert browser.closed == (4401, "Log in.")


async def test_wrong_token_is_closed_with_4401_and_why(autojump_clock, farm):
    browser = farm.connect()
    await browser.say("auth", token="farm_nobody_" + "x" * 43)
    await settled()

    assert browser.closed is not None
    assert browser.closed[0] == 4401
    assert browser.frames == []


async def test_who_says_nothing_is_closed_after_ten_seconds(autojump_clock, farm):
    browser = farm.connect()

    await trio.sleep(AUTH_WITHIN_S - 0.1)
    assert browser.closed is None
    await trio.sleep(0.2)

    assert browser.closed == (4401, "say who you are within 10 s")


async def test_who_chats_without_authenticating_is_closed_all_the_same(autojump_clock, farm):
    browser = farm.connect()
    for _ in range(10):
        await browser.say("ping")
        await trio.sleep(1.5)
        if browser.closed:
            break

    assert browser.closed == (4401, "say who you are within 10 s")
    assert {event["detail"] for event in browser.heard()} == {
        'say who you are first: {"op":"auth","token":…}'
    }


async def test_database_that_is_away_is_no_reason_to_log_in_again(autojump_clock, farm, monkeypatch):
    async def refuse(*args, **kwargs):
        await trio.lowlevel.checkpoint()
        raise StorageFailed("the disk refused")

    browser = farm.connect()
    monkeypatch.setattr(farm.database, "read", refuse)
    await browser.say("auth", token=farm.token)
    await settled()

    assert browser.closed == (1013, "the disk refused")


async def test_revoked_key_is_cut_within_a_second(autojump_clock, farm):
    key, text = await farm.gate.create_key(SYSTEM, "screen", ["read"])
    browser, _ = await farm.watch("queue", token=text)
    other, _ = await farm.watch("queue")

    await farm.gate.revoke_key(SYSTEM, key.id)
    await trio.sleep(1)

    assert browser.closed is not None
    assert browser.closed[0] == 4401
    assert other.closed is None


@pytest.mark.parametrize("session", [True, False])
async def test_person_who_was_switched_off_is_cut_within_a_second(autojump_clock, farm, session):
    login = await person(farm, session=session)
    if session:
        browser = farm.connect(Browser(cookie=login.cookie))
        await browser.hear("welcome")
    else:
        browser, _ = await farm.watch("queue", token=login.access_token)

    await farm.gate.disable_user(SYSTEM, login.user.id)
    await trio.sleep(1)

    assert browser.closed is not None
    assert browser.closed[0] == 4401


async def test_client_with_a_key_stays_for_as_long_as_it_likes(autojump_clock, farm):
    """Each minute the gate notes that the key was used, and waits for the database in the client's name."""
    browser, _ = await farm.watch("queue")
    await trio.sleep(600)
    seq = await farm.happen()

    assert (await browser.hear())["seq"] == seq


async def test_change_of_somebody_elses_rights_cuts_nobody(autojump_clock, farm):
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)
    await person(farm, name="bob")
    await trio.sleep(2 * CHECK_EVERY_S)

    assert browser.closed is None


async def test_token_whose_time_is_up_may_be_renewed_within_a_minute(autojump_clock, farm):
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)
    await person(farm, name="bob")  # that somebody's rights changed long before is no revocation
    await trio.sleep(LIFETIME.total_seconds() + CHECK_EVERY_S)

    assert await browser.hear() == {
        "type": "error",
        "op": "auth",
        "detail": "The access token has ended; refresh it or log in again."
        " Send auth within 60 s to stay connected.",
        "within_s": RENEW_WITHIN_S,
    }
    during = await farm.happen()
    fresh = await farm.gate.refresh(login.refresh_token, "10.0.0.9")
    await browser.say("auth", token=fresh.access_token)
    await trio.sleep(RENEW_WITHIN_S)
    after = await farm.happen()
    await settled()

    assert browser.closed is None
    assert seqs(browser.heard()) == [during, after]


async def test_new_token_shown_while_the_old_one_is_looked_at_counts(autojump_clock, farm, monkeypatch):
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)
    authenticate, shown = farm.gate.authenticate, trio.Event()

    async def slow_for_the_old_one(token):
        if token == login.access_token:
            await shown.wait()
        return await authenticate(token)

    monkeypatch.setattr(farm.gate, "authenticate", slow_for_the_old_one)
    autojump_clock.jump(LIFETIME.total_seconds())
    fresh = await farm.gate.refresh(login.refresh_token, "10.0.0.9")
    await settled()
    await browser.say("auth", token=fresh.access_token)
    await browser.hear("welcome")
    shown.set()
    await trio.sleep(RENEW_WITHIN_S + 1)

    assert browser.heard() == []
    assert browser.closed is None


async def test_client_whose_rights_became_others_is_cut(autojump_clock, farm, monkeypatch):
    """The gate ends logins whose rights change; should it ever not, no room stays open by old rights."""
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)
    authenticate = farm.gate.authenticate

    async def restricted(token):
        return replace(await authenticate(token), grant=Grant(printers=frozenset()))

    monkeypatch.setattr(farm.gate, "authenticate", restricted)
    await trio.sleep(CHECK_EVERY_S + 1)

    assert browser.closed == (4401, "your rights were changed; connect again")


async def test_token_that_is_not_renewed_is_closed_with_4401_after_a_minute(autojump_clock, farm):
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)
    await trio.sleep(LIFETIME.total_seconds() - 1)
    await browser.hear("error")

    await trio.sleep(RENEW_WITHIN_S - 1)
    assert browser.closed is None
    assert browser.heard() == []  # asked once, not every few seconds
    await trio.sleep(2)
    assert browser.closed == (4401, "The access token has ended; refresh it or log in again.")


async def test_connection_stays_the_one_person_it_was_opened_by(autojump_clock, farm):
    login = await person(farm)
    browser, _ = await farm.watch("queue", token=login.access_token)

    await browser.say("auth", token=farm.token)
    await settled()

    assert [event["op"] for event in browser.heard()] == ["auth"]
    seq = await farm.happen()
    assert (await browser.hear())["seq"] == seq


async def test_page_whose_person_logs_out_is_cut_within_a_second(autojump_clock, farm):
    login = await person(farm, session=True)
    browser = farm.connect(Browser(cookie=login.cookie))
    await browser.hear("welcome")

    await farm.gate.logout(login.cookie, "10.0.0.9")
    await trio.sleep(1)

    assert browser.closed is not None
    assert browser.closed[0] == 4401


async def test_page_in_use_outlives_the_night_and_none_the_absolute_limit(autojump_clock, farm):
    login = await person(farm, session=True)
    browser = farm.connect(Browser(cookie=login.cookie))
    await browser.hear("welcome")
    for _ in range(29 * 4):
        autojump_clock.jump(timedelta(hours=6).total_seconds())
        await farm.gate.authenticate_session(login.cookie)  # as a request of the page does
        await settled()
    assert browser.closed is None

    autojump_clock.jump(timedelta(days=2).total_seconds())
    await trio.sleep(6)

    assert browser.closed == (4401, "You were away for long; log in again.")


async def test_open_page_does_not_keep_its_session_alive_for_ever(autojump_clock, farm):
    login = await person(farm, session=True)
    browser = farm.connect(Browser(cookie=login.cookie))
    for _ in range(13 * 6):
        autojump_clock.jump(timedelta(minutes=10).total_seconds())
        await settled()
    await trio.sleep(6)

    assert browser.closed == (4401, "You were away for long; log in again.")
    other = farm.connect(Browser(cookie=login.cookie))
    await settled()

    assert other.closed == (4401, "You were away for long; log in again.")


# -- what it says ------------------------------------------------------------------------------


async def test_ping_is_answered(autojump_clock, farm):
    browser, _ = await farm.watch()
    await browser.say("ping")

    assert await browser.hear() == {"type": "pong"}


BAD = [
    ("", None, "send one JSON object"),
    ("hello", None, "send one JSON object"),
    ("[1,2]", None, "send one JSON object"),
    ('{"op":7}', None, "send one JSON object"),
    ("[" * 60_000, None, "send one JSON object"),
    ('{"op":"\ud800"}', None, "send one JSON object"),
    (b'{"op":"ping"}', None, "this was binary"),
    ('{"op":"ping","x":"' + "y" * 70_000 + '"}', None, "at most 65536 characters"),
    ('{"op":"' + "z" * 100 + '"}', "z" * 40, "unknown op; known are auth, subscribe, unsubscribe, configure"),
    ('{"op":"subscribe"}', "subscribe", "rooms"),
    ('{"op":"subscribe","rooms":[]}', "subscribe", "rooms: at least 1 of them"),
    ('{"op":"subscribe","rooms":["queue"],"sinse":1}', "subscribe", "sinse"),
    ('{"op":"subscribe","rooms":["queue"],"since":{"epoch":"x"}}', "subscribe", "seq"),
    ('{"op":"subscribe","rooms":["' + "r" * 101 + '"]}', "subscribe", "rooms[0]: at most 100 characters"),
    (
        '{"op":"subscribe","rooms":' + json.dumps(["queue"] * 1001) + "}",
        "subscribe",
        "rooms: at most 1000 of them",
    ),
    ('{"op":"auth","token":null}', "auth", "token: text, not null"),
]


@pytest.mark.parametrize(("message", "op", "words"), BAD, ids=[str(number) for number in range(len(BAD))])
async def test_bad_message_is_answered_and_forgiven(autojump_clock, farm, message, op, words):
    browser, _ = await farm.watch("queue")
    await browser.say_raw(message)

    answer = await browser.hear()
    assert (answer["type"], answer["op"]) == ("error", op)
    assert words in answer["detail"]
    seq = await farm.happen()
    assert (await browser.hear())["seq"] == seq


async def test_who_goes_on_talking_nonsense_is_closed_with_1008(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    for _ in range(MOST_MISTAKES + 5):
        if browser.closed is None:
            await browser.say_raw("\0")
            await settled()

    assert browser.closed == (1008, f"{MOST_MISTAKES} messages could not be understood")


# -- what it tells printers --------------------------------------------------------------------


async def test_command_goes_out_in_the_name_of_who_asks_and_is_answered(autojump_clock, farm):
    browser, _ = await farm.watch()
    await browser.say("command", printer="mk4-01", command="pause", reason="lunch", ref="a7")

    assert await browser.hear() == {
        "type": "accepted",
        "op": "command",
        "command_id": "command-1",
        "ref": "a7",
    }
    ((by, told, body),) = browser.commands
    assert (by.kind, told, body) == ("key", "mk4-01", {"command": "pause", "reason": "lunch"})


@pytest.mark.parametrize(
    ("problem", "more"),
    [
        (Refused("mk4-01 prints already"), {}),
        (Invalid("there is no G-code in these lines", "lines"), {"field": "lines"}),
        (ActorDown("printer:mk4-01 is down"), {}),
    ],
)
async def test_command_that_cannot_be_done_is_answered_with_why(autojump_clock, farm, problem, more):
    browser, _ = await farm.watch()

    async def refuse(printer):
        raise problem

    browser.obey = refuse
    await browser.say("command", printer="mk4-01", command="resume", ref="x")

    assert await browser.hear() == {
        "type": "error",
        "op": "command",
        "detail": str(problem),
        **more,
        "ref": "x",
    }
    await browser.say("ping")
    assert await browser.hear() == {"type": "pong"}


async def test_printer_that_hangs_holds_up_its_own_commands_only_and_keeps_their_order(autojump_clock, farm):
    browser, _ = await farm.watch()
    wakes_up = trio.Event()

    async def hang(printer):
        if printer == "slow":
            await wakes_up.wait()

    browser.obey = hang
    for n in range(3):
        await browser.say("command", printer="slow", command="gcode", ref=f"slow {n}")
    await browser.say("command", printer="quick", command="pause", ref="quick")
    assert (await browser.hear())["ref"] == "quick"
    assert [told for _, told, _ in browser.commands] == ["slow", "quick"]

    wakes_up.set()
    assert [(await browser.hear())["ref"] for _ in range(3)] == ["slow 0", "slow 1", "slow 2"]


async def test_more_commands_than_hands_are_refused(autojump_clock, farm):
    browser, _ = await farm.watch()
    wakes_up = trio.Event()

    async def hang(printer):
        await wakes_up.wait()

    browser.obey = hang
    for n in range(MOST_COMMANDS + 1):
        await browser.say("command", printer=f"mk4-{n % 3}", command="pause", ref=f"{n}")
    refused = await browser.hear()
    wakes_up.set()
    await settled()

    assert (refused["type"], refused["ref"]) == ("error", f"{MOST_COMMANDS}")
    assert [event["type"] for event in browser.heard()] == ["accepted"] * MOST_COMMANDS
    await browser.say("command", printer="mk4-0", command="pause")
    assert (await browser.hear())["type"] == "accepted"  # there is room again


async def test_nobody_commands_before_saying_who_they_are(autojump_clock, farm):
    browser = farm.connect()
    await browser.say("command", printer="mk4-01", command="pause")

    assert (await browser.hear())["type"] == "error"
    assert browser.commands == []


async def test_client_that_leaves_with_a_command_under_way_is_forgotten(autojump_clock, farm):
    browser, _ = await farm.watch()

    async def hang(printer):
        await trio.sleep_forever()

    browser.obey = hang
    await browser.say("command", printer="mk4-01", command="pause")
    await settled()
    browser.hang_up()
    await settled()

    assert farm.clients.numbers().clients == 0
    assert farm.runtime.dead_letters.total == 0


# -- whether it is there -----------------------------------------------------------------------


async def test_silent_client_is_asked_for_life_and_stays_when_it_answers(autojump_clock, farm):
    browser, _ = await farm.watch("queue")

    await trio.sleep(farm.live.ping_interval_s + 1)
    assert browser.pings == 1
    await trio.sleep(20 * farm.live.ping_interval_s)
    assert 19 <= browser.pings <= 42  # at the interval at most, at half of it at least
    assert browser.closed is None
    assert browser.heard() == []  # a ping is no message


async def test_client_that_gives_no_sign_of_life_is_cut(autojump_clock, farm, logged):
    browser, _ = await farm.watch("queue")
    other, _ = await farm.watch("queue")
    browser.is_there = False

    await trio.sleep(farm.live.ping_interval_s + ALIVE_WITHIN_S + 1)

    assert browser.over
    assert browser.closed is None  # nobody is there to be told
    assert farm.clients.numbers().closed == {None: 1}
    (left,) = [entry for entry in logged if entry["event"] == "live client left"]
    assert left["reason"].startswith("gave no sign of life for ")
    assert other.closed is None


async def test_client_that_talks_is_not_asked(autojump_clock, farm):
    browser, _ = await farm.watch()
    for _ in range(100):
        await browser.say("ping")
        await trio.sleep(farm.live.ping_interval_s / 3)

    assert browser.pings == 0


async def test_any_message_is_a_sign_of_life(autojump_clock, farm):
    browser, _ = await farm.watch()
    browser.is_there = False
    await trio.sleep(farm.live.ping_interval_s + 1)
    await browser.say("ping")
    await trio.sleep(ALIVE_WITHIN_S)

    assert not browser.over


async def test_clients_that_came_together_are_not_all_looked_after_together(autojump_clock, farm):
    browsers = [(await farm.watch("queue"))[0] for _ in range(50)]
    most = 0
    for _ in range(int(3 * farm.live.ping_interval_s / WATCH_EVERY_S)):
        before = sum(browser.pings for browser in browsers)
        await trio.sleep(WATCH_EVERY_S)
        most = max(most, sum(browser.pings for browser in browsers) - before)

    assert min(browser.pings for browser in browsers) >= 2
    assert most <= 2 * 50 / SHARES  # two groups may meet


# -- what it is sent ---------------------------------------------------------------------------


async def test_frames_that_wait_are_sent_together_when_the_client_reads_again(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    browser.stop_reading()
    expected = [await farm.happen() for _ in range(2 * MOST_AT_ONCE)]
    await settled()
    browser.sends.clear()
    browser.read_on()
    await settled()

    assert browser.sends == [1, MOST_AT_ONCE, MOST_AT_ONCE - 1]  # the first one was on its way
    heard = browser.heard()
    assert seqs(heard) == expected
    assert [event["prev"] for event in heard] == [None, *expected[:-1]]


async def test_answers_keep_their_place_among_the_facts(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    browser.stop_reading()
    before = await farm.happen()
    await settled()
    second = await farm.happen()
    await settled()
    await browser.say("ping")
    await settled()
    after = await farm.happen()
    await settled()
    browser.read_on()
    await settled()

    assert [event.get("seq", event["type"]) for event in browser.heard()] == [before, second, "pong", after]


async def test_slow_client_is_closed_and_others_go_on(autojump_clock, farm):
    slow, _ = await farm.watch("queue")
    quick, _ = await farm.watch("queue")
    slow.stop_reading()
    begun = trio.current_time()
    expected = []
    for _ in range(OUTBOX + MOST_AT_ONCE + 10):
        expected.append(await farm.happen())
        if len(expected) % 10 == 0:
            await settled()
    await settled()

    assert trio.current_time() == begun  # nobody waited for it
    assert seqs(quick.heard()) == expected
    await trio.sleep(1.1)  # it is told for a second at most
    assert farm.clients.numbers().clients == 1
    assert farm.clients.numbers().closed == {1013: 1}
    assert farm.clients.numbers().dropped == 1


async def test_slow_client_that_reads_again_in_time_is_told_why(autojump_clock, farm):
    slow, _ = await farm.watch("queue")
    slow.stop_reading()
    await farm.happen()
    await settled()
    for _ in range(OUTBOX + 1):
        await farm.happen()
    await settled()
    slow.read_on()
    await settled()

    assert slow.closed == (1013, "you read too slowly; connect again for a fresh picture")


async def test_client_that_takes_nothing_for_seconds_is_cut_even_with_little_to_send(autojump_clock, farm):
    stuck, _ = await farm.watch("queue")
    stuck.stop_reading()
    await farm.happen()

    await trio.sleep(SEND_WITHIN_S + 1.1)

    assert farm.clients.numbers().closed == {1013: 1}


async def test_clients_that_stall_together_are_cut_a_few_at_a_time_and_all_within_ten_seconds(
    autojump_clock, farm
):
    stuck = [(await farm.watch("queue"))[0] for _ in range(20)]
    for browser in stuck:
        browser.stop_reading()
    await farm.happen()

    cut = [0]
    for _ in range(99):
        await trio.sleep(0.1)
        cut.append(farm.clients.numbers().closed.get(1013, 0))

    assert max(after - before for before, after in pairwise(cut)) <= 5
    assert cut[-1] == len(stuck)


async def test_client_that_asks_without_reading_is_cut(autojump_clock, farm):
    browser, _ = await farm.watch()
    browser.stop_reading()
    with trio.move_on_after(SEND_WITHIN_S / 2):
        for _ in range(2 * OUTBOX):
            await browser.say("ping")

    await trio.sleep(1.1)

    assert farm.clients.numbers().closed == {1013: 1}


# -- how it ends -------------------------------------------------------------------------------


async def test_client_that_hangs_up_is_forgotten_and_nothing_is_said_to_it(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    browser.hang_up()
    await settled()
    await farm.happen()
    await settled()

    assert browser.closed is None
    assert farm.clients.numbers().clients == 0
    assert farm.runtime.dead_letters.total == 0


async def test_line_that_breaks_while_sending_is_forgotten(autojump_clock, farm):
    browser, _ = await farm.watch("queue")

    async def broken():
        raise ConnectionLost

    browser.hold_back = broken
    await farm.happen()
    await settled()

    assert farm.clients.numbers().closed == {None: 1}


async def test_mistake_in_one_client_closes_it_with_1011_and_touches_nobody(autojump_clock, farm, logged):
    browser, _ = await farm.watch("queue")
    other, _ = await farm.watch("queue")

    async def mistaken():
        raise RuntimeError("a mistake")

    browser.hold_back = mistaken
    seq = await farm.happen()
    await settled()

    assert browser.closed == (1011, "a mistake in the farm; it is in the log")
    assert seqs(other.heard()) == [seq]
    assert other.closed is None
    assert [entry["actor"] for entry in logged if entry["event"] == "actor failed"] == ["client:1"]
    assert farm.report("clients").restarts == farm.report("events").restarts == 0


async def test_client_that_left_while_the_broadcaster_was_down_is_forgotten(
    autojump_clock, farm, monkeypatch
):
    browser, _ = await farm.watch("queue")

    def break_down(self, facts):
        raise RuntimeError("a mistake")

    with monkeypatch.context() as broken:
        broken.setattr(Broadcaster, "_go_on_with", break_down)
        await farm.happen()
        await settled()
    browser.hang_up()
    await trio.sleep(1)
    await farm.happen()
    await settled()

    assert farm.report("events").restarts == 1
    assert farm.clients.numbers().clients == 0


async def test_client_with_a_key_stays(autojump_clock, farm):
    """Its key is looked at again and again, and each time it counts as used."""
    browser, _ = await farm.watch("queue")

    await trio.sleep(600)
    seq = await farm.happen()

    assert (await browser.hear("job.queued"))["seq"] == seq
    assert browser.closed is None


async def test_after_sleep_every_client_is_asked_at_once_and_who_is_gone_is_cut(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    gone, _ = await farm.watch("queue")
    gone.is_there = False
    await trio.sleep(1)
    farm.runtime.address("clients").tell_nowait(LookForLife())
    await trio.sleep(1)
    assert (browser.pings, gone.pings) == (1, 1)
    await trio.sleep(ALIVE_WITHIN_S + 1)

    assert gone.over
    assert browser.closed is None


async def test_a_farm_that_stood_still_gives_clients_their_time_to_answer(autojump_clock, farm):
    """What they sent meanwhile is still to be read: none is cut for silence that was the farm's own."""
    browser, _ = await farm.watch("queue")
    browser.is_there = False  # its answer is still on its way when the farm is stopped
    await trio.sleep(farm.live.ping_interval_s + 1)
    assert browser.pings == 1
    browser.is_there = True
    autojump_clock.jump(3600)
    await trio.sleep(1)
    assert not browser.over
    assert browser.pings == 2
    await trio.sleep(2 * farm.live.ping_interval_s)
    assert not browser.over
