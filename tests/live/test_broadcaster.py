"""Facts without gaps, states that coalesce, rooms that open only to those who may enter."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import trio
from live_farm import NOON, printer, seqs, settled
from msgspec import structs

from farm.domain.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.metrics import Channel, Forecast, Group, Metrics, Statistics, Trend
from farm.domain.plan import Plan, Planned
from farm.domain.printer import Connection, Operation, Plate, PrinterStatus, Temperature
from farm.domain.user import SYSTEM, Grant, Scope
from farm.errors import StorageFailed
from farm.live.broadcaster import LOOK_EVERY_S, MAILBOX
from farm.live.messages import (
    FactsCommitted,
    FileProgress,
    PrinterUnderstood,
    ReportStatuses,
    StatusChanged,
    StatusGone,
)
from farm.store import events, files, jobs, prints

IDLE = PrinterStatus(connection=Connection.ONLINE, operation=Operation.IDLE, plate=Plate.CLEAR)
HOT = structs.replace(IDLE, temperatures={"tool0": Temperature(215.0, 215.0)})


async def test_fact_arrives_with_all_that_is_known_of_it(autojump_clock, farm):
    browser, _ = await farm.watch("queue")

    seq = await farm.happen("job.started", ("queue", "printer:mk4-01"), job="j1")

    assert await browser.hear() == {
        "type": "job.started",
        "seq": seq,
        "prev": None,
        "rooms": ["queue", "printer:mk4-01"],
        "at": "2026-01-01T12:00:00.000Z",
        "data": {"job": "j1"},
    }


async def test_each_fact_names_the_one_sent_before_it_on_this_connection(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    first = await farm.happen()
    await farm.happen(rooms=("files",))  # this one is not for the browser
    second = await farm.happen()

    assert (await browser.hear())["prev"] is None
    event = await browser.hear()
    assert (event["seq"], event["prev"]) == (second, first)


async def test_fact_of_several_rooms_is_sent_once(autojump_clock, farm):
    await farm.add_printer(printer())
    browser, _ = await farm.watch("queue", "printers", "printer:mk4-01")

    seq = await farm.happen(rooms=("queue", "printers", "printer:mk4-01"))
    await settled()

    assert seqs(browser.heard()) == [seq]


async def test_lost_hint_is_made_good_by_the_next_one(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    hint, farm.hint = farm.hint, lambda facts: None
    lost = [await farm.happen(), await farm.happen()]
    farm.hint = hint

    lost.append(await farm.happen())
    await settled()

    assert seqs(browser.heard()) == lost


async def test_lost_hint_without_a_next_one_is_made_good_within_seconds(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen()
    asked_at = trio.current_time()

    assert (await browser.hear())["seq"] == seq
    assert trio.current_time() - asked_at <= LOOK_EVERY_S


async def test_lost_hints_are_found_however_busy_the_broadcaster_is(autojump_clock, farm):
    """States that come all the time must not push the look for lost hints away for ever."""
    browser, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen()
    for degc in range(100):
        farm.events.tell_nowait(StatusChanged(printer(), structs.replace(IDLE, message=f"{degc}")))
        await trio.sleep(LOOK_EVERY_S / 20)

    assert seqs(browser.heard()) == [seq]


async def test_hint_that_comes_twice_or_late_publishes_nothing_twice(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    hints = []
    farm.hint = hints.append
    expected = [await farm.happen() for _ in range(3)]

    for index in (1, 1, 0, 2, 0, 2):
        farm.events.tell_nowait(FactsCommitted(tuple(hints[index])))
        await settled()

    assert seqs(browser.heard()) == expected


async def test_facts_before_the_snapshot_are_not_sent_and_those_after_it_are(autojump_clock, farm):
    before = await farm.happen()
    browser, [snapshot] = await farm.watch("queue")
    after = await farm.happen()
    await settled()

    assert snapshot["seq"] == before
    assert snapshot["epoch"] == await farm.database.read(events.epoch)
    assert seqs(browser.heard()) == [after]


async def test_facts_that_nobody_hinted_at_reach_the_members_before_a_newcomer_gets_its_snapshot(
    autojump_clock, farm
):
    member, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen()

    newcomer, [snapshot] = await farm.watch("queue")
    await settled()

    assert snapshot["seq"] == seq
    assert seqs(member.heard()) == [seq]
    assert seqs(newcomer.heard()) == []


async def test_snapshot_of_another_room_comes_after_the_facts_it_contains(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen(rooms=("queue", "files"))

    await browser.say("subscribe", rooms=["files"])
    first, second = await browser.hear(), await browser.hear()

    assert (first["type"], first["seq"]) == ("job.queued", seq)
    assert (second["type"], second["seq"]) == ("snapshot", seq)


async def test_who_leaves_a_room_hears_nothing_more_of_it(autojump_clock, farm):
    browser, _ = await farm.watch("queue", "files")
    await browser.say("unsubscribe", rooms=["queue", "alerts"])
    await settled()

    await farm.happen(rooms=("queue",))
    seq = await farm.happen(rooms=("files",))
    await settled()

    assert seqs(browser.heard()) == [seq]


async def test_unreadable_table_is_read_later_and_nothing_is_lost(autojump_clock, farm, monkeypatch):
    browser, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen()

    async def refuse(*args, **kwargs):
        await trio.lowlevel.checkpoint()
        raise StorageFailed("the disk refused")

    with monkeypatch.context() as broken:
        broken.setattr(farm.database, "read", refuse)
        await trio.sleep(3 * LOOK_EVERY_S)
        await browser.say("subscribe", rooms=["files"])
        assert await browser.hear() == {"type": "error", "op": "subscribe", "detail": "the disk refused"}

    assert (await browser.hear())["seq"] == seq
    assert farm.report("events").restarts == 0


# -- a crash -----------------------------------------------------------------------------------


class Poison:
    """A status no code can have foreseen."""

    @property
    def position(self):
        raise RuntimeError("a mistake")


def poison():
    return StatusChanged(printer(), Poison())


async def test_clients_of_a_crashed_broadcaster_connect_again_and_miss_nothing(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    quiet, _ = await farm.watch()
    farm.events.tell_nowait(poison())
    lost = await farm.happen()  # while the broadcaster is down

    await settled()
    await trio.sleep(1)

    for each in (browser, quiet):
        assert each.closed == (1012, "the farm lost its place; connect again for a fresh picture")
    again, [snapshot] = await farm.watch("queue")
    seq = await farm.happen()
    await settled()
    assert snapshot["seq"] == lost
    assert seqs(again.heard()) == [seq]
    assert farm.report("events").restarts == 1


async def test_client_whose_request_died_in_the_crash_is_not_left_waiting(autojump_clock, farm):
    browser = farm.connect()
    await browser.say("auth", token=farm.token)
    await browser.hear("welcome")
    farm.events.tell_nowait(poison())
    await browser.say("subscribe", rooms=["queue"])

    await trio.sleep(1)

    assert browser.closed is not None
    assert browser.closed[0] == 1012


async def test_status_that_cannot_be_said_fells_one_run_and_no_other(autojump_clock, farm):
    await farm.add_printer(printer())
    farm.events.tell_nowait(poison())
    await trio.sleep(LOOK_EVERY_S + 1)

    await farm.watch("printers", "printer:mk4-01")

    assert farm.report("events").restarts == 1


async def test_what_printers_told_outlives_a_crash(autojump_clock, farm):
    await farm.add_printer(printer("mk4-02"), Plate.CLEAR)
    farm.events.tell_nowait(StatusChanged(printer("mk4-02"), IDLE))
    farm.events.tell_nowait(StatusChanged(printer("ghost"), IDLE))  # in no table
    await settled()
    farm.events.tell_nowait(poison())
    await trio.sleep(LOOK_EVERY_S + 1)

    assert await farm.events.ask(ReportStatuses()) == {"mk4-02": IDLE}
    _, [snapshot] = await farm.watch("printer:mk4-02")
    assert snapshot["data"]["status"]["connection"] == "online"


# -- states ------------------------------------------------------------------------------------


async def test_newest_status_is_shown_in_both_rooms_of_its_printer(autojump_clock, farm):
    await farm.add_printer(printer())
    browser, _ = await farm.watch("printers", "printer:mk4-01")

    farm.events.tell_nowait(StatusChanged(printer(), HOT))
    states = [await browser.hear(), await browser.hear()]

    assert {state["room"] for state in states} == {"printers", "printer:mk4-01"}
    for state in states:
        assert state["type"] == "printer.statusUpdate"
        assert state["at"] == "2026-01-01T12:00:00.000Z"
        assert state["data"]["id"] == "mk4-01"
        assert state["data"]["status"]["temperatures"] == {"tool0": {"actual": 215.0, "target": 215.0}}


async def test_printer_that_repeats_itself_is_not_news(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    for status in (IDLE, IDLE, HOT, HOT):
        farm.events.tell_nowait(StatusChanged(printer(), status))
        await settled()

    assert len(browser.heard()) == 2


async def test_states_coalesce_for_who_reads_slowly_and_facts_do_not(autojump_clock, farm):
    browser, _ = await farm.watch("printers", "queue")
    browser.stop_reading()
    expected = []
    for number in range(50):
        farm.events.tell_nowait(StatusChanged(printer(), structs.replace(IDLE, message=f"{number}")))
        expected.append(await farm.happen())
        await settled()

    browser.read_on()
    await settled()

    heard = browser.heard()
    messages = [
        event["data"]["status"]["message"] for event in heard if event["type"] == "printer.statusUpdate"
    ]
    assert messages == ["0", "49"]  # the one in the line already, and the newest
    assert seqs(heard) == expected


async def test_printer_that_was_taken_out_is_shown_as_gone(autojump_clock, farm):
    browser, _ = await farm.watch("printers")
    farm.events.tell_nowait(StatusChanged(printer(), IDLE))
    await settled()
    farm.events.tell_nowait(StatusGone("mk4-01"))
    await settled()

    assert [event["type"] for event in browser.heard()] == ["printer.statusUpdate", "printer.gone"]
    assert await farm.events.ask(ReportStatuses()) == {}


async def test_reading_of_a_file_is_shown_as_it_stands_now_and_to_its_room_alone(autojump_clock, farm):
    browser, _ = await farm.watch("files")
    other, _ = await farm.watch("printers")
    browser.stop_reading()
    for share in (0.0, 0.25, 0.5):
        farm.events.tell_nowait(FileProgress("f1", share))
        await settled()
    farm.events.tell_nowait(FileProgress("f2", 0.1))
    await settled()

    browser.read_on()
    await settled()

    heard = [event["data"] for event in browser.heard()]
    assert heard[0] == {"file": "f1", "state": "processing", "share": 0.0}  # it was in the line already
    assert heard[1:] == [
        {"file": "f1", "state": "processing", "share": 0.5},
        {"file": "f2", "state": "processing", "share": 0.1},
    ]
    assert other.heard() == []


async def test_half_a_character_from_a_print_host_harms_nobody(autojump_clock, farm):
    browser, _ = await farm.watch("printers")

    farm.events.tell_nowait(StatusChanged(printer(), structs.replace(IDLE, message="heat\ud800er")))

    assert (await browser.hear())["data"]["status"]["message"] == "heat?er"


# -- snapshots ---------------------------------------------------------------------------------


async def test_printers_are_pictured_with_the_stored_plate_and_what_they_told(autojump_clock, farm):
    await farm.add_printer(printer("mk4-01", "row-a"), Plate.OCCUPIED)
    await farm.add_printer(printer("mk4-02"))
    farm.events.tell_nowait(StatusChanged(printer("mk4-01", "row-a"), HOT))
    await settled()

    _, [snapshot] = await farm.watch("printers")

    first, second = snapshot["data"]["items"]
    assert (first["id"], first["tags"], first["status"]["plate"]) == ("mk4-01", ["row-a"], "occupied")
    assert first["status"]["temperatures"]["tool0"]["actual"] == 215.0
    assert (second["id"], second["status"]["connection"]) == ("mk4-02", "offline")
    assert "sealed" not in json.dumps(snapshot)


async def test_queue_is_pictured_with_open_jobs_and_their_prints(autojump_clock, farm):
    await fill_queue(farm)

    _, [snapshot] = await farm.watch("queue")

    [job] = snapshot["data"]["items"]
    assert (job["id"], job["state"]) == ("open", "queued")
    assert [(each["id"], each["printer"], each["state"]) for each in job["prints"]] == [
        ("p1", "mk4-01", "reserved"),
        ("p2", "mk4-02", "reserved"),
    ]


async def test_files_are_pictured_newest_first_and_the_rest_is_left_to_the_list(autojump_clock, farm):
    for number in range(102):
        file = StoredFile(
            f"f{number:03}",
            f"{number}.gcode",
            FileKind.GCODE,
            1,
            f"{number:064}",
            "test",
            NOON + timedelta(hours=number),
        )
        await farm.database.write(files.add, file)

    _, [snapshot] = await farm.watch("files")

    assert [file["id"] for file in snapshot["data"]["items"]] == [f"f{n:03}" for n in range(101, 1, -1)]


async def test_rooms_whose_part_of_the_farm_is_empty_are_pictured_empty(autojump_clock, farm):
    _, snapshots = await farm.watch("alerts", "system")

    assert [(each["room"], each["data"]) for each in snapshots] == [("alerts", {}), ("system", {})]


async def a_plan(farm):
    """Two printers, of which some see the first alone; a job that is planned whole, and one half."""
    for name in ("mk4-01", "mk4-02"):
        await farm.add_printer(printer(name))
    file = StoredFile("f1", "chip.gcode", FileKind.GCODE, 1, "0" * 64, "test", NOON)
    await farm.database.write(files.add, file)
    for id in ("whole", "half"):
        await farm.database.write(jobs.add, Job(id, "f1", id, 2, JobState.QUEUED, "test", NOON), "test")
    at = NOON + timedelta(hours=1)
    later = at + timedelta(hours=1)
    placements = (
        Planned("whole", 0, "mk4-01", at, at, at, later),
        Planned("whole", 1, "mk4-02", later, later, later, later),
        Planned("half", 0, "mk4-02", at, at, at, later),
    )
    plan = Plan(
        "p1", NOON, "time_first", placements, because=("a job was added",), version=4, adopted_at=NOON
    )
    farm.plan.follow(plan, NOON)


async def test_the_room_of_the_plan_holds_the_plan_in_force_as_far_as_one_may_see_it(autojump_clock, farm):
    assert (await farm.watch("schedule"))[1][0]["data"]["id"] is None
    await a_plan(farm)

    _, [snapshot] = await farm.watch("schedule")
    told = snapshot["data"]
    assert (told["id"], told["version"], told["because"]) == ("p1", 4, ["a job was added"])
    assert [(one["job"], one["printer"]) for one in told["placements"]] == [
        ("whole", "mk4-01"),
        ("whole", "mk4-02"),
        ("half", "mk4-02"),
    ]
    _, token = await farm.gate.create_key(SYSTEM, "left row", [Scope.READ], Grant(frozenset({"mk4-01"})))
    _, [seen] = await farm.watch("schedule", token=token)
    assert [one["printer"] for one in seen["data"]["placements"]] == ["mk4-01"]
    assert seen["data"]["because"] == []


async def test_a_job_in_the_queue_is_scheduled_when_the_plan_has_a_place_for_all_of_it(autojump_clock, farm):
    await a_plan(farm)
    _, [snapshot] = await farm.watch("queue")
    shown = {job["id"]: job for job in snapshot["data"]["items"]}
    assert (shown["whole"]["state"], shown["half"]["state"]) == ("scheduled", "queued")
    assert (shown["whole"]["planned"]["printer"], shown["half"]["planned"]["printer"]) == ("mk4-01", "mk4-02")

    farm.plan.note_begun("whole", "mk4-01")
    _, token = await farm.gate.create_key(SYSTEM, "left row", [Scope.READ], Grant(frozenset({"mk4-01"})))
    _, [seen] = await farm.watch("queue", token=token)
    assert [job["planned"] for job in seen["data"]["items"]] == [None, None]


async def fill_queue(farm):
    file = StoredFile("f1", "chip.gcode", FileKind.GCODE, 1, "0" * 64, "test", NOON)
    await farm.database.write(files.add, file)
    for id, state in (("open", JobState.QUEUED), ("over", JobState.QUEUED)):
        await farm.database.write(jobs.add, Job(id, "f1", id, 2, state, "test", NOON), "test")
    await farm.database.write(jobs.enter, "over", JobState.CANCELLED, NOON, "test", "no longer wanted")
    for id, where in (("p1", "mk4-01"), ("p2", "mk4-02")):
        attempt = Print(id, "open", where, f"a{id}", PrintState.RESERVED, NOON, f"a{id}_chip.gcode")
        await farm.database.write(prints.reserve, attempt, "test")
    await settled()


# -- rights ------------------------------------------------------------------------------------


async def test_rooms_that_are_not_there_are_refused_by_name_and_the_others_entered(autojump_clock, farm):
    browser, _ = await farm.watch()

    await browser.say("subscribe", rooms=["kitchen", "queue", "printer:ghost"])

    assert (await browser.hear())["room"] == "queue"
    assert await browser.hear() == {
        "type": "error",
        "op": "subscribe",
        "detail": "no such room, or not yours to hear: kitchen, printer:ghost",
        "rooms": ["kitchen", "printer:ghost"],
    }


async def test_key_that_may_only_upload_enters_no_room(autojump_clock, farm):
    token = await farm.key(scopes=[Scope.UPLOAD])
    reader, _ = await farm.watch("queue")
    browser, _ = await farm.watch(token=token)

    # Together with somebody who may, whose picture must not become theirs.
    await reader.say("subscribe", rooms=["queue"])
    await browser.say("subscribe", rooms=["queue", "system"])

    assert (await browser.hear())["rooms"] == ["queue", "system"]
    await farm.happen()
    await settled()
    assert browser.heard() == []


@pytest.mark.parametrize(
    "grant",
    [
        Grant(printers=frozenset({"mk4-01"}), tags=frozenset()),
        Grant(printers=frozenset(), tags=frozenset({"row-a"})),
    ],
)
async def test_restricted_client_sees_its_printers_alone(autojump_clock, farm, grant):
    mine, other = printer("mk4-01", "row-a"), printer("mk4-02", "row-b")
    await farm.add_printer(mine)
    await farm.add_printer(other)
    await fill_queue(farm)
    pinned = Job(
        "pinned", "f1", "pinned", 1, JobState.QUEUED, "test", NOON, required_printers=frozenset({"mk4-02"})
    )
    await farm.database.write(jobs.add, pinned, "test")
    token = await farm.key(grant)
    browser = farm.connect()
    await browser.log_in(token)

    await browser.say("subscribe", rooms=["printer:mk4-02", "printers", "printer:mk4-01", "queue"])
    pictures = {picture["room"]: picture["data"] for picture in [await browser.hear() for _ in range(3)]}
    assert (await browser.hear())["rooms"] == ["printer:mk4-02"]
    assert [each["id"] for each in pictures["printers"]["items"]] == ["mk4-01"]
    assert pictures["printer:mk4-01"]["id"] == "mk4-01"
    [job] = pictures["queue"]["items"]
    assert [attempt["printer"] for attempt in job["prints"]] == ["mk4-01"]

    await farm.happen("print.printing", ("queue", "printer:mk4-02"))
    await farm.happen("plate.changed", ("printers",), printer="mk4-02")
    await farm.happen("job.changed", ("queue",), printers=["mk4-02"])
    visible = [
        await farm.happen("print.printing", ("queue", "printer:mk4-01")),
        await farm.happen("plate.changed", ("printers",), printer="mk4-01"),
        await farm.happen("job.queued", ("queue",)),
        await farm.happen("job.changed", ("queue",), printers=["mk4-01", "mk4-02"]),
    ]
    farm.events.tell_nowait(StatusChanged(other, IDLE))
    farm.events.tell_nowait(StatusChanged(mine, IDLE))
    await settled()

    heard = browser.heard()
    assert seqs(heard) == visible
    assert {event["data"]["id"] for event in heard if "prev" not in event} == {"mk4-01"}


# -- being busy --------------------------------------------------------------------------------


async def test_hints_are_refused_not_waited_for_when_the_broadcaster_is_buried_in_them(autojump_clock, farm):
    browser, _ = await farm.watch("queue")
    expected = [await farm.happen() for _ in range(3)]
    fact = (await farm.database.read(events.since, 0))[0]
    told = [farm.events.tell_nowait(FactsCommitted((fact,))) for _ in range(MAILBOX + 10)]
    expected.append(await farm.happen())
    assert told.count(False) >= 10

    await trio.sleep(LOOK_EVERY_S)

    assert seqs(browser.heard()) == expected


# -- what is understood of a printer -------------------------------------------------------------

UNDERSTOOD = Metrics(
    {
        Channel(Group.TEMPERATURE, "tool0"): Statistics(
            210.00004, 0.01, 0.25, 0.1, Trend.STABLE, 0.5, -0.751, period_s=None
        )
    },
    Forecast(0.5, NOON.timestamp() + 3600, 123.4),
)


def told_to_the_processor(farm):
    return [delivery.message.printers for delivery in farm.processor.take_waiting(10)]


async def test_the_data_processor_hears_to_whom_anybody_listens(autojump_clock, farm):
    await farm.add_printer(printer())
    await farm.add_printer(printer("mk4-02"))
    browser, _ = await farm.watch("printer:mk4-01", "printer:mk4-02", "printers")
    await settled()
    assert told_to_the_processor(farm)[-1] == frozenset({"mk4-01", "mk4-02"})

    await farm.watch("queue")
    await browser.say("unsubscribe", rooms=["printer:mk4-02"])
    await settled()
    assert told_to_the_processor(farm) == [frozenset({"mk4-01"})]

    browser.hang_up()
    await settled()
    assert told_to_the_processor(farm) == [frozenset()]


async def test_what_is_understood_goes_to_the_printers_own_room_alone(autojump_clock, farm):
    await farm.add_printer(printer())
    own, _ = await farm.watch("printer:mk4-01")
    other, _ = await farm.watch("printers", "queue")

    farm.events.tell_nowait(PrinterUnderstood("mk4-01", NOON, UNDERSTOOD))
    farm.events.tell_nowait(PrinterUnderstood("gone", NOON, UNDERSTOOD))

    event = await own.hear()
    assert (event["type"], event["room"], event["at"]) == (
        "data.update",
        "printer:mk4-01",
        "2026-01-01T12:00:00.000Z",
    )
    assert "seq" not in event
    assert event["data"]["printer"] == "mk4-01"
    metrics = event["data"]["metrics"]
    assert metrics["temperature"] == {
        "tool0": {
            "mean": 210.0,
            "variance": 0.01,
            "slope_per_min": 0.25,
            "slope_error_per_min": 0.1,
            "trend": "stable",
            "z": 0.5,
            "robust_z": -0.75,
            "period_s": None,
            "drift_per_h": None,
            "step": None,
        }
    }
    assert metrics["progress"] == {
        "rate_per_h": 0.5,
        "estimated_completion": "2026-01-01T13:00:00.000Z",
        "confidence_s": 123.0,
    }
    await settled()
    assert other.heard() == []


async def test_what_is_wrong_with_a_printer_is_told_with_what_is_understood_of_it(autojump_clock, farm):
    await farm.add_printer(printer())
    browser, _ = await farm.watch("printer:mk4-01")
    evidence = Evidence("tool0", 20.0, {"actual_degc": 180.0}, 205.0)
    cold = Anomaly(AnomalyKind.DROP, Severity.WARN, "The nozzle is too cold.", evidence)

    farm.events.tell_nowait(PrinterUnderstood("mk4-01", NOON, UNDERSTOOD))
    assert (await browser.hear("data.update"))["data"]["anomalies"] == []

    farm.events.tell_nowait(StatusChanged(printer(), structs.replace(HOT, anomalies=(cold,))))
    farm.events.tell_nowait(PrinterUnderstood("mk4-01", NOON, UNDERSTOOD))
    assert (await browser.hear("data.update"))["data"]["anomalies"] == [
        {
            "kind": "drop",
            "severity": "warn",
            "sentence": "The nozzle is too cold.",
            "evidence": {
                "channel": "tool0",
                "window_s": 20.0,
                "values": {"actual_degc": 180.0},
                "limit": 205.0,
            },
        }
    ]


async def test_a_status_and_what_is_understood_do_not_push_each_other_out(autojump_clock, farm):
    await farm.add_printer(printer())
    browser, _ = await farm.watch("printer:mk4-01")
    farm.events.tell_nowait(StatusChanged(printer(), HOT))
    farm.events.tell_nowait(PrinterUnderstood("mk4-01", NOON, UNDERSTOOD))
    await settled()

    assert {event["type"] for event in browser.heard()} == {"printer.statusUpdate", "data.update"}
