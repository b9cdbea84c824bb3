"""The queue with real printers' actors, a real database, and machines in memory."""

import pytest
import trio

from farm.config import Settings
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Plate
from farm.domain.user import Principal, Scope
from farm.errors import Invalid, NotFound, Refused
from farm.queue import dispatch
from farm.queue.messages import AddJob, ChangeJob, ClearPlate, UndoPlate
from farm.queue.settling import MAX_FAILURES
from farm.store import audit, prints
from farm.store.changes import history
from tests.simulation.machine import Faults
from tests.simulation.shop import NOON, open_shop

A_PRINT_S = 1000.0
UNDO_S = Settings().queue.plate_undo_s


async def test_a_job_prints_when_its_plate_is_clear(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await trio.sleep(60)
        assert shop.machines["mk4"].starts == {}  # nobody has looked at the plate yet

        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)

        (attempt,) = await shop.prints(job.id)
        assert attempt.state is PrintState.FINISHED
        assert attempt.remote_name.startswith(attempt.attempt)
        assert shop.machines["mk4"].starts == {attempt.remote_name: 1}
        assert (await shop.job(job.id)).state is JobState.DONE
        assert await shop.plate("mk4") is Plate.OCCUPIED


async def test_the_second_copy_waits_until_the_plate_is_cleared_again(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(copies=2)
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        assert len(shop.machines["mk4"].starts) == 1
        assert (await shop.job(job.id)).state is JobState.QUEUED

        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)

        assert len(shop.machines["mk4"].starts) == 2
        assert (await shop.job(job.id)).state is JobState.DONE


async def test_nothing_starts_while_the_clearing_can_be_taken_back(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(UNDO_S - 1)
        assert (await shop.queue.ask(UndoPlate("mk4"))).plate is Plate.UNKNOWN
        await trio.sleep(60)
        assert shop.machines["mk4"].starts == {}
        with pytest.raises(Refused):
            await shop.queue.ask(UndoPlate("mk4"))


async def test_taking_back_is_refused_after_its_time(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(UNDO_S + 0.1)
        with pytest.raises(Refused, match="over"):
            await shop.queue.ask(UndoPlate("mk4"))


async def test_good_parts_are_counted_once_and_taken_back_with_the_clearing(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_job(yield_per_plate=4)
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        (finished,) = await shop.database.read(prints.on_plates)
        assert (finished.printer, finished.name, finished.yield_per_plate) == ("mk4", "cube.gcode", 4)
        assert finished.state is PrintState.FINISHED

        await shop.clear("mk4")
        assert await good(shop) == [4]
        assert await shop.database.read(prints.on_plates) == []
        await shop.queue.ask(UndoPlate("mk4"))
        assert await good(shop) == [None]
        assert await shop.database.read(prints.on_plates) == [finished]

        await shop.queue.ask(ClearPlate("mk4", 3))
        assert await good(shop) == [3]
        await shop.queue.ask(ClearPlate("mk4"))  # somebody presses it again: the parts are counted
        assert await good(shop) == [3]


async def test_a_failed_print_counts_as_no_good_part_unless_somebody_says_so(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(start_lost_before=1.0))
        await shop.add_job(yield_per_plate=4)
        await shop.clear("mk4")
        await trio.sleep(300)
        assert await good(shop) == [None]

        await shop.clear("mk4")
        assert await good(shop) == [0]
        await shop.queue.ask(UndoPlate("mk4"))
        await shop.queue.ask(ClearPlate("mk4", 2))
        assert await good(shop) == [2]


async def good(shop):
    rows = await shop.database.read(lambda db: db.execute("SELECT good FROM prints").fetchall())
    return [row["good"] for row in rows]


async def test_a_plate_is_not_cleared_under_a_running_print(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(UNDO_S + 30)
        assert len(shop.machines["mk4"].starts) == 1
        with pytest.raises(Refused):
            await shop.queue.ask(ClearPlate("mk4"))


async def test_the_more_urgent_job_goes_first_and_only_where_it_may(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_printer("mini")
        plain = await shop.add_job()
        urgent = await shop.add_job(priority=5)
        pinned = await shop.add_job(priority=9, required_printers=frozenset({"mini"}))
        await shop.clear("mk4", "mini")
        await trio.sleep(UNDO_S + 30)

        assert [p.printer for p in await shop.prints(pinned.id)] == ["mini"]
        assert [p.printer for p in await shop.prints(urgent.id)] == ["mk4"]
        assert await shop.prints(plain.id) == []


async def test_one_copy_is_never_given_to_two_printers(autojump_clock):
    async with open_shop() as shop:
        names = [f"p{n}" for n in range(6)]
        for name in names:
            await shop.add_printer(name)
        job = await shop.add_job(copies=2)
        await shop.clear(*names)
        await trio.sleep(UNDO_S + 60)
        assert len(await shop.prints(job.id)) == 2


async def test_a_lost_answer_to_the_start_starts_nothing_twice(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(start_lost_after=1.0))
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        (attempt,) = await shop.prints(job.id)
        assert shop.machines["mk4"].starts == {attempt.remote_name: 1}
        assert attempt.state is PrintState.FINISHED


async def test_a_start_that_never_arrived_fails_and_the_plate_waits_for_a_person(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(start_lost_before=1.0))
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(300)
        (attempt,) = await shop.prints(job.id)
        assert attempt.state is PrintState.FAILED
        assert "never began" in attempt.reason
        assert await shop.plate("mk4") is Plate.OCCUPIED
        assert (await shop.job(job.id)).state is JobState.QUEUED


async def test_a_start_that_the_file_is_to_blame_for_fails_and_too_many_quarantine_the_job(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(1)

        async def lose_the_file(name):
            raise NotFound(f"no file {name}")

        monkeypatch.setattr(shop.driver_of("mk4"), "start", lose_the_file)
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(300)
        attempts = await shop.prints(job.id)
        assert [attempt.state for attempt in attempts] == [PrintState.FAILED] * MAX_FAILURES
        assert (await shop.job(job.id)).state is JobState.QUARANTINED
        assert await shop.plate("mk4") is Plate.CLEAR


@pytest.mark.parametrize("fault", [Faults(upload_cut=1.0), Faults(start_refused=1.0)])
async def test_printers_that_cannot_be_brought_the_file_or_started_say_nothing_against_it(
    autojump_clock, fault
):
    async with open_shop() as shop:
        away = [f"p{n}" for n in range(2 * MAX_FAILURES)]
        for name in away:
            await shop.add_printer(name, fault)
        job = await shop.add_job(copies=len(away))
        await shop.clear(*away)
        await trio.sleep(300)
        ended = [p for p in await shop.prints(job.id) if p.ended_at is not None]
        assert {p.state for p in ended} == {PrintState.CANCELLED}
        assert len(ended) > MAX_FAILURES

        await shop.add_printer("mk4")
        await shop.clear("mk4")
        await trio.sleep(UNDO_S + A_PRINT_S)

        (printed,) = [p for p in await shop.prints(job.id) if p.state is PrintState.FINISHED]
        assert printed.printer == "mk4"
        assert (await shop.job(job.id)).state in (JobState.QUEUED, JobState.ACTIVE)
        assert [await shop.plate(name) for name in away] == [Plate.CLEAR] * len(away)


async def test_a_printer_that_turns_every_print_away_is_offered_them_ever_more_seldom(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(upload_cut=1.0))
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(2 * 3600)
        assert 20 < len(await shop.prints(job.id)) < 30

        shop.machines["mk4"].faults = Faults()
        await trio.sleep(400 + A_PRINT_S)
        assert (await shop.prints(job.id))[-1].state is PrintState.FINISHED
        assert (await shop.job(job.id)).state is JobState.DONE


async def test_a_print_somebody_started_at_the_machine_is_left_alone_and_raises_the_plate(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(5)
        await shop.clear("mk4")
        machine = shop.machines["mk4"]
        machine.running, machine.ends_at = "benchy.gcode", trio.current_time() + 500
        await trio.sleep(20)
        job = await shop.add_job()
        await trio.sleep(A_PRINT_S)
        assert machine.starts == {}
        assert await shop.plate("mk4") is Plate.OCCUPIED
        assert await shop.prints(job.id) == []


async def test_the_facts_tell_the_whole_story_without_a_gap(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        facts = await shop.facts()
        assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
        assert [fact.type for fact in facts if fact.type != "file.processed"] == [  # comes in its own time
            "printer.added",
            "file.added",
            "job.queued",
            "plate.changed",
            "print.reserved",
            "job.changed",
            "print.uploading",
            "print.starting",
            "print.printing",
            "plate.changed",
            "job.started",
            "print.finished",
            "job.finished",
            "job.changed",
        ]


async def test_whoever_clears_a_plate_or_takes_that_back_is_told_how_it_went(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.queue.ask(ClearPlate("mk4", command="c1"))
        await shop.queue.ask(UndoPlate("mk4", command="c2"))
        with pytest.raises(Refused):
            await shop.queue.ask(UndoPlate("mk4", command="c3"))
        ends = [fact for fact in await shop.facts() if fact.type == "printer.commandFinished"]
        assert [fact.rooms for fact in ends] == [("printers", "printer:mk4")] * 2
        assert [
            (fact.data["command_id"], fact.data["command"], fact.data["ok"], fact.data["problem"])
            for fact in ends
        ] == [("c1", "plate_cleared", True, None), ("c2", "plate_undo", True, None)]


async def test_the_audit_names_who_changed_jobs_and_plates(autojump_clock):
    kim = Principal("key", "k1", "the page", scopes=frozenset({Scope.ADMIN}), client="10.0.0.7")
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        file = await shop.add_file()
        job = await shop.queue.ask(AddJob(file, hold=True), by=kim)
        await shop.queue.ask(ChangeJob(job.id, "release"), by=kim)
        await shop.queue.ask(ClearPlate("mk4"), by=kim)
        await shop.queue.ask(UndoPlate("mk4"), by=kim)
        with pytest.raises(Refused):
            await shop.queue.ask(UndoPlate("mk4"), by=kim)
        rows = [entry for entry in await shop.database.read(audit.entries) if entry.who == "key:k1"]
        assert [(row.action, row.object, row.client) for row in reversed(rows)] == [
            ("job.added", f"job:{job.id}", "10.0.0.7"),
            ("job.changed", f"job:{job.id}", "10.0.0.7"),
            ("plate.cleared", "printer:mk4", "10.0.0.7"),
            ("plate.takenBack", "printer:mk4", "10.0.0.7"),
        ]
        assert rows[2].detail == {"change": "release", "was": "held", "is": "queued"}
        assert rows[1].detail == {"was": "unknown", "good": None}


async def test_a_wish_that_cannot_be_granted_is_refused_in_words(autojump_clock):
    async with open_shop() as shop:
        with pytest.raises(NotFound, match="upload it first"):
            await shop.queue.ask(AddJob("nowhere"))
        file = await shop.add_file()
        with pytest.raises(Invalid, match="no printer ghost"):
            await shop.queue.ask(AddJob(file, required_printers=frozenset({"ghost"})))
        with pytest.raises(NotFound):
            await shop.queue.ask(ClearPlate("ghost"))


async def spoil(shop, *names):
    """Let these printers each spoil one print of a job of two copies; returns the job."""
    for name in names:
        await shop.add_printer(name, Faults(print_fails=1.0))
    job = await shop.add_job(copies=len(names))
    await shop.clear(*names)
    await trio.sleep(A_PRINT_S)
    return job


async def test_a_file_that_fails_on_two_printers_stops_everywhere(autojump_clock):
    async with open_shop() as shop:
        held_up = await shop.add_job(hold=True)
        job = await spoil(shop, "mk4", "mini")
        assert (await shop.job(job.id)).state is JobState.QUARANTINED
        other = await shop.job(held_up.id)
        assert other.state is JobState.QUARANTINED
        assert (await shop.database.read(history, "job", held_up.id))[
            -1
        ].why == "its file failed on mini and mk4"


async def test_a_failure_on_one_printer_alone_does_not_stop_the_file(autojump_clock):
    async with open_shop() as shop:
        job = await spoil(shop, "mk4")
        assert (await shop.job(job.id)).state is JobState.QUEUED


async def test_a_retried_job_gets_its_tries_anew(autojump_clock):
    async with open_shop() as shop:
        job = await spoil(shop, "mk4", "mini")
        assert (await shop.queue.ask(ChangeJob(job.id, "retry"))).failed == 0
        for name in ("mk4", "mini"):
            shop.machines[name].faults = Faults()
        await shop.clear("mk4", "mini")
        await trio.sleep(A_PRINT_S)
        assert (await shop.job(job.id)).state is JobState.DONE


async def test_a_held_job_begins_nothing_until_it_is_released(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(hold=True)
        await shop.clear("mk4")
        await trio.sleep(60)
        assert shop.machines["mk4"].starts == {}
        await shop.queue.ask(ChangeJob(job.id, "release"))
        await trio.sleep(10)
        assert len(shop.machines["mk4"].starts) == 1


async def test_a_job_cancelled_under_its_print_lets_it_end_and_begins_no_more(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(copies=3)
        await shop.clear("mk4")
        await trio.sleep(30)
        await shop.queue.ask(ChangeJob(job.id, "cancel"))
        await trio.sleep(A_PRINT_S)
        await shop.clear("mk4")
        await trio.sleep(60)
        assert [attempt.state for attempt in await shop.prints(job.id)] == [PrintState.FINISHED]
        assert (await shop.job(job.id)).state is JobState.CANCELLED


async def test_a_job_held_under_its_last_print_is_done_when_that_ends_well(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(30)
        await shop.queue.ask(ChangeJob(job.id, "hold"))
        await trio.sleep(A_PRINT_S)
        assert (await shop.job(job.id)).state is JobState.DONE


@pytest.mark.parametrize("change", ["release", "retry"])
async def test_a_change_that_does_not_fit_is_refused_in_words(change, autojump_clock):
    async with open_shop() as shop:
        job = await shop.add_job()
        with pytest.raises(Refused, match="only a job that is"):
            await shop.queue.ask(ChangeJob(job.id, change))
        with pytest.raises(NotFound):
            await shop.queue.ask(ChangeJob("ghost", change))
        with pytest.raises(Invalid):
            await shop.queue.ask(ChangeJob(job.id, "explode"))


async def test_after_a_restored_backup_everything_waits_for_a_person(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        printing = await shop.add_job()
        waiting = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(30)
        await shop.database.write(dispatch.hold_everything, NOON, "test", "farm-before.db")
        assert (await shop.prints(printing.id))[0].state is PrintState.UNKNOWN
        for job in (printing, waiting):
            assert (await shop.job(job.id)).state is JobState.NEEDS_REVIEW
        assert await shop.plate("mk4") is Plate.UNKNOWN
