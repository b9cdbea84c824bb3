"""The shop PC sleeps or stands still, or its clock is set, under a whole farm: all is as it should be."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import trio

from farm.domain.analysis import Filament, GcodeAnalysis, PrintTime
from farm.domain.constraints import WEEK, Constraints, Shift, Window
from farm.domain.file import FileAnalysis, FileState
from farm.domain.job import Job, JobState, PrintState
from farm.domain.printer import Address, Connection, Operation, Plate, Printer, Profile
from farm.errors import Refused
from farm.queue.messages import ClearPlate, SetConstraints, UndoPlate
from farm.queue.obstacles import Around, obstacles
from farm.schedule.messages import ReportPlan
from tests.simulation.planner import Youngest
from tests.simulation.shop import NOON, open_shop

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONG_S = 1200.0
LOOK_S = 5.0
SOON_S = 15.0
PRINTERS = ("mk3", "mk4", "mini")
AN_HOUR = GcodeAnalysis(time_s=PrintTime(3600), filament=(Filament(0, g=10, material="PLA"),))


async def at_work(shop, print_s=LONG_S):
    """All printers print, each a job of its own. Returns the jobs."""
    jobs = []
    for name in PRINTERS:
        await shop.add_printer(name, print_s=print_s)
        jobs.append(await shop.add_job())
        await shop.clear(name)
    await trio.sleep(60)
    assert all(machine.running for machine in shop.machines.values())
    return jobs


async def told(shop):
    return [fact.data for fact in await shop.facts() if fact.type == "system.alert"]


def starts(shop):
    return {name: sum(machine.starts.values()) for name, machine in shop.machines.items()}


async def states(shop, jobs):
    return {each.state for job in jobs for each in await shop.prints(job.id)}


# -- away ------------------------------------------------------------------------------------------


async def test_after_a_short_sleep_every_print_goes_on_and_is_followed_to_its_end(autojump_clock, logged):
    async with open_shop(look_every_s=LOOK_S) as shop:
        jobs = await at_work(shop)
        shop.sleep(400)
        await trio.sleep(SOON_S)

        (fact,) = await told(shop)
        assert (fact["kind"], fact["severity"], fact["slept_s"]) == ("clock", "note", pytest.approx(400))
        assert fact["sentence"].startswith("The computer slept for 7 min.")
        assert await states(shop, jobs) == {PrintState.PRINTING}
        for status in (await shop.statuses()).values():
            assert (status.connection, status.operation) == (Connection.ONLINE, Operation.PRINTING)
        assert "printer offline" not in [entry["event"] for entry in logged]
        await trio.sleep(2 * LONG_S)

        assert await states(shop, jobs) == {PrintState.FINISHED}
        assert starts(shop) == dict.fromkeys(PRINTERS, 1)


async def test_prints_that_ended_while_the_computer_slept_are_taken_for_what_they_were(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        jobs = await at_work(shop)
        shop.machines["mini"].faults = type(shop.machines["mini"].faults)(print_fails=1.0)
        shop.sleep(2 * LONG_S)
        await trio.sleep(SOON_S)

        ends = [(await shop.prints(job.id))[0].state for job in jobs]
        assert sorted(ends) == [PrintState.FAILED, PrintState.FINISHED, PrintState.FINISHED]
        assert starts(shop) == dict.fromkeys(PRINTERS, 1)  # no plate was cleared: nothing is begun again


async def test_a_print_that_somebody_began_meanwhile_is_not_taken_for_ours(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        await trio.sleep(60)
        shop.sleep(3600)
        shop.machines["mk4"].begin_foreign("visitor.gcode", LONG_S)
        await trio.sleep(1.5)  # by then it is noticed; before, the host itself refuses a second print
        job = await shop.add_job()
        await trio.sleep(60)

        status = await shop.status("mk4")
        assert (status.foreign, status.foreign_file) == (True, "visitor.gcode")
        assert await shop.prints(job.id) == []
        assert await shop.plate("mk4") is Plate.OCCUPIED


async def test_nothing_is_begun_on_what_was_seen_before_the_sleep(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        await trio.sleep(60)
        shop.sleep(3600)
        shop.machines["mk4"].away_until = trio.current_time() + 8
        await trio.sleep(1.5)

        assert (await shop.status("mk4")).connection is Connection.CONNECTING
        assert "slept" in (await shop.status("mk4")).message
        job = await shop.add_job()
        await trio.sleep(1)
        assert await shop.prints(job.id) == []
        await trio.sleep(60)
        assert [each.state for each in await shop.prints(job.id)] == [PrintState.PRINTING]


@pytest.mark.parametrize("stood_s", [8.0, 120.0, 12 * 3600.0])
async def test_a_farm_that_stood_still_ends_no_print_and_misses_none(autojump_clock, logged, stood_s):
    """All deadlines have passed when it goes on, as after SIGSTOP, and after sleep on Windows."""
    async with open_shop(look_every_s=LOOK_S) as shop:
        jobs = await at_work(shop, print_s=24 * 3600.0)
        autojump_clock.jump(stood_s)
        await trio.sleep(SOON_S)

        (fact,) = await told(shop)
        assert fact["stood_s"] == pytest.approx(stood_s, abs=1.5)
        assert await states(shop, jobs) == {PrintState.PRINTING}
        for status in (await shop.statuses()).values():
            assert (status.connection, status.operation) == (Connection.ONLINE, Operation.PRINTING)
        assert "printer offline" not in [entry["event"] for entry in logged]
        assert starts(shop) == dict.fromkeys(PRINTERS, 1)
        assert not [report.name for report in shop.farm.runtime.reports() if report.restarts]


async def test_a_cleared_plate_can_be_taken_back_for_the_whole_time_after_the_farm_stood_still(
    autojump_clock,
):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await trio.sleep(10)
        await shop.queue.ask(ClearPlate("mk4"))
        await trio.sleep(5)
        autojump_clock.jump(3600)
        await trio.sleep(12)

        assert await shop.prints(job.id) == []
        await shop.queue.ask(UndoPlate("mk4"))
        await trio.sleep(60)
        assert await shop.prints(job.id) == []
        with pytest.raises(Refused, match="over"):
            await shop.queue.ask(UndoPlate("mk4"))


# -- the time of day ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [DAY, -DAY, -HOUR])
async def test_a_clock_that_is_set_ends_nothing_and_leaves_everybody_at_work(autojump_clock, logged, by):
    async with open_shop(look_every_s=LOOK_S) as shop:
        jobs = await at_work(shop)
        shop.clocks.set_by += by
        await trio.sleep(SOON_S)
        (fact,) = await told(shop)
        assert fact["set_by_s"] == pytest.approx(by.total_seconds())
        assert await states(shop, jobs) == {PrintState.PRINTING}
        await trio.sleep(2 * LONG_S)

        assert await states(shop, jobs) == {PrintState.FINISHED}
        assert starts(shop) == dict.fromkeys(PRINTERS, 1)
        assert "printer offline" not in [entry["event"] for entry in logged]
        assert not [report.name for report in shop.farm.runtime.reports() if report.restarts]


@pytest.mark.parametrize("by", [DAY, -DAY])
async def test_the_time_to_take_a_plate_back_is_neither_shorter_nor_longer(autojump_clock, by):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await trio.sleep(10)
        await shop.queue.ask(ClearPlate("mk4"))
        shop.clocks.set_by += by
        await trio.sleep(14)
        assert await shop.prints(job.id) == []
        await trio.sleep(10)
        assert len(await shop.prints(job.id)) == 1


@pytest.mark.parametrize("by", [DAY, -DAY])
async def test_a_printer_that_is_lost_for_a_moment_keeps_its_work_when_the_clock_is_set(autojump_clock, by):
    async with open_shop(planner=(planner := Youngest())) as shop:
        await shop.add_printer("mk4")
        await shop.add_job()
        await trio.sleep(30)
        shop.machines["mk4"].away_until = trio.current_time() + 50
        await trio.sleep(30)
        assert (await shop.status("mk4")).connection is Connection.OFFLINE
        asked = len(planner.asked)
        shop.clocks.set_by += by
        await trio.sleep(18)

        anew = planner.asked[asked:]
        assert anew, "a plan for another time of day is made"
        assert not any(station.away for facts in anew for station in facts.facts.stations)


async def test_plans_are_made_anew_for_the_time_it_is_now_and_say_why(autojump_clock):
    async with open_shop(planner=Youngest()) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await trio.sleep(30)
        for by in (DAY, -3 * DAY):
            shop.clocks.set_by += by
            await trio.sleep(SOON_S)
            plan = await shop.farm.address("scheduler").ask(ReportPlan())
            assert "the computer slept, or its clock was set" in plan.because
            (placed,) = plan.placements
            assert abs(placed.start - shop.clocks.wall()) < timedelta(minutes=1)
        await shop.clear("mk4")
        await trio.sleep(60)
        assert len(await shop.prints(job.id)) == 1


async def test_without_a_new_plan_a_clock_set_back_a_day_keeps_no_job_waiting_for_a_day(autojump_clock):
    planner = Youngest()
    async with open_shop(planner=planner) as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await trio.sleep(30)
        planner.takes_s = 1e9  # from now on it finds none
        shop.clocks.set_by -= DAY
        await shop.clear("mk4")
        await trio.sleep(60)
        assert len(await shop.prints(job.id)) == 1


async def test_a_job_is_released_at_its_time_by_the_clock_and_not_twice(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        job = await shop.add_job(release_at=NOON + 20 * HOUR)
        await trio.sleep(60)
        shop.clocks.set_by += 19 * HOUR
        await trio.sleep(60)
        assert await shop.prints(job.id) == []
        shop.clocks.set_by += HOUR
        await trio.sleep(SOON_S)
        assert len(await shop.prints(job.id)) == 1
        shop.clocks.set_by -= DAY
        await trio.sleep(SOON_S)
        assert [each.state for each in await shop.prints(job.id)] == [PrintState.PRINTING]


async def test_a_print_that_is_to_be_watched_is_begun_by_the_clock_as_it_is_now(autojump_clock):
    """Nobody does anything by hand outside the hours, whichever way the clock is set."""
    shift = Shift(frozenset(WEEK), time(8), time(18))
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.queue.ask(SetConstraints(Constraints(working_hours=(shift,), timezone="UTC")))
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        shop.clocks.set_to(NOON + 9 * HOUR)  # nobody is there
        file = await shop.add_read_file("watched.gcode", AN_HOUR)
        job = await shop.add_job(file, attended=True)
        for moment in (NOON + 10 * HOUR, NOON - 5 * HOUR, NOON + DAY + 7 * HOUR, NOON + 5.5 * HOUR):
            shop.clocks.set_to(moment)  # 22:00, 07:00, 19:00 and 17:30, too late for an hour's print
            await trio.sleep(SOON_S)
            assert await shop.prints(job.id) == []
        shop.clocks.set_to(NOON - 2 * HOUR)
        await trio.sleep(SOON_S)
        assert [each.state for each in await shop.prints(job.id)] == [PrintState.PRINTING]


async def test_a_maintenance_window_is_kept_whichever_way_the_clock_is_set(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        window = Window(NOON + DAY, NOON + DAY + HOUR, "all")
        await shop.queue.ask(SetConstraints(Constraints(maintenance_windows=(window,))))
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        shop.clocks.set_to(NOON + DAY + HOUR / 2)
        file = await shop.add_read_file("cube.gcode", AN_HOUR)
        job = await shop.add_job(file)
        await trio.sleep(SOON_S)
        assert await shop.prints(job.id) == []
        shop.clocks.set_to(NOON + DAY - HOUR / 2)  # the print would meet it
        await trio.sleep(SOON_S)
        assert await shop.prints(job.id) == []
        shop.clocks.set_to(NOON + DAY + HOUR)
        await trio.sleep(SOON_S)
        assert len(await shop.prints(job.id)) == 1


async def test_a_deadline_is_measured_by_the_clock_as_it_is_now(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4")
        await shop.clear("mk4")
        shop.clocks.set_to(NOON + DAY)
        file = await shop.add_read_file("cube.gcode", AN_HOUR)
        job = await shop.add_job(file, deadline_at=NOON + DAY + HOUR / 2)
        await trio.sleep(SOON_S)
        assert await shop.prints(job.id) == []  # it would be too late
        shop.clocks.set_to(NOON)
        await trio.sleep(SOON_S)
        assert (await shop.job(job.id)).state is JobState.ACTIVE


# -- the nights in which the clocks change -----------------------------------------------------------


def utc(*when):
    return datetime(*when, tzinfo=UTC)


BERLIN = Constraints(working_hours=(Shift(frozenset(WEEK), time(22), time(6)),), timezone="Europe/Berlin")
"""A night shift: in March it is there for seven hours, in October for nine."""

NIGHTS = [
    (utc(2026, 3, 28, 21), utc(2026, 3, 29, 4)),
    (utc(2026, 10, 24, 20), utc(2026, 10, 25, 5)),
]


@pytest.mark.parametrize(("begins", "ends"), NIGHTS)
def test_in_the_nights_of_the_clock_change_what_is_to_be_watched_may_begin_while_somebody_is_there(
    begins, ends
):
    """An hour's print, in every minute from two hours before the shift until two hours after it."""
    printer = Printer("mk4", "MK4", Address("octoprint", "http://x"), profile=Profile())
    job = Job("j1", "f1", "watched", 1, JobState.QUEUED, "test", begins, attended=True)
    analysis = FileAnalysis(FileState.READY, None, AN_HOUR)
    at = begins - 2 * HOUR
    while at < ends + 2 * HOUR:
        free = not obstacles(job, analysis, printer, Around(at, BERLIN))
        assert free is (begins <= at <= ends - HOUR), at
        at += timedelta(minutes=1)


@pytest.mark.parametrize(("begins", "ends"), NIGHTS)
@pytest.mark.parametrize("where", ["begin", "end"])
async def test_in_the_nights_of_the_clock_change_the_queue_keeps_to_the_shift(
    autojump_clock, begins, ends, where
):
    turn = begins if where == "begin" else ends - HOUR
    async with open_shop(look_every_s=LOOK_S, begins_at=turn - timedelta(minutes=2)) as shop:
        await shop.queue.ask(SetConstraints(BERLIN))
        file = await shop.add_read_file("watched.gcode", AN_HOUR)
        for name in ("before", "after"):
            await shop.add_printer(name)
            await shop.clear(name)
        before = await shop.add_job(file, attended=True, required_printers=frozenset({"before"}))
        await trio.sleep(115)
        begun_before = len(await shop.prints(before.id))
        await trio.sleep(10)
        after = await shop.add_job(file, attended=True, required_printers=frozenset({"after"}))
        await trio.sleep(SOON_S)
        assert (begun_before, len(await shop.prints(after.id))) == ((0, 1) if where == "begin" else (1, 0))


@pytest.mark.parametrize("changes_at", [utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)])
async def test_the_change_of_the_clocks_is_no_jump_and_releases_nothing_early_or_twice(
    autojump_clock, changes_at
):
    begins_at = changes_at - timedelta(minutes=10)
    async with open_shop(look_every_s=LOOK_S, begins_at=begins_at) as shop:
        await shop.add_printer("mk4", print_s=300)
        await shop.clear("mk4")
        job = await shop.add_job(release_at=changes_at + timedelta(minutes=10))
        await trio.sleep(20 * 60 - 5)
        assert await shop.prints(job.id) == []
        await trio.sleep(SOON_S + 5)
        assert len(await shop.prints(job.id)) == 1
        await trio.sleep(600)
        assert await told(shop) == []
        assert [each.state for each in await shop.prints(job.id)] == [PrintState.FINISHED]
