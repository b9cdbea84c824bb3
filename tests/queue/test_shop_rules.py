"""What the shop allows, kept by the queue over a whole farm: nothing is begun that must not be."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
import trio

from farm.domain.analysis import ANALYSIS_VERSION, BoundingBox, Box, Filament, GcodeAnalysis, PrintTime
from farm.domain.compatibility import Constraint
from farm.domain.constraints import WEEK, Constraints, Shift, Window
from farm.domain.durations import Phase
from farm.domain.file import FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.job import Approval, JobState, Pin
from farm.domain.printer import Loaded, Profile
from farm.domain.settings import Share
from farm.domain.user import Grant, Principal, Role, Scope
from farm.errors import Forbidden, Refused
from farm.printers.messages import ChangePrinter
from farm.queue.look import around
from farm.queue.messages import (
    AddJob,
    AmendJob,
    ApproveJob,
    ChangeJob,
    ChangeSettings,
    FileRead,
    SetConstraints,
)
from farm.store import audit, durations, file_analyses, files
from tests.simulation.shop import NOON, open_shop

HOUR = timedelta(hours=1)
PROFILE = Profile(
    (250, 210, 220), 0.4, frozenset({"PLA", "PETG"}), heat_up_w=350, heat_up_s=300, printing_w=100
)
BENCHY = GcodeAnalysis(
    time_s=PrintTime(3600),
    filament=(Filament(0, g=10, material="PLA"),),
    bounding_box=BoundingBox(Box((0, 60), (0, 30), (0, 50))),
    nozzle_mm=0.4,
)
BEING_READ = FileAnalysis(FileState.PROCESSING)
SILENT = GcodeAnalysis(time_s=PrintTime(3600))
KIM = Principal("user", "kim", "Kim", role=Role.OPERATOR)
ANN = Principal("user", "ann", "Ann", role=Role.OPERATOR)
BOSS = Principal("user", "boss", "Boss", role=Role.ADMIN)


async def begun(shop, job, within_s=30):
    """Where prints of a job are begun within a time."""
    await trio.sleep(within_s)
    return sorted(attempt.printer for attempt in await shop.prints(job.id))


async def reasons(shop, job):
    _, places, _ = await shop.database.read(around, job, {}, shop.farm.plan, NOON)
    return {place.printer.id: [each.constraint for each in place.obstacles] for place in places}


async def test_a_print_waits_for_the_printer_that_can_print_it(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mini", profile=Profile((180, 180, 180), 0.4, frozenset({"PLA"})))
        await shop.add_printer("mk4", profile=PROFILE)
        await shop.clear("mini")
        large = GcodeAnalysis(
            time_s=PrintTime(60),
            filament=(Filament(0, g=10, material="PLA"),),
            bounding_box=BoundingBox(Box((0, 200), (0, 30), (0, 50))),
            nozzle_mm=0.4,
        )
        job = await shop.add_job(await shop.add_read_file("large.gcode", large))
        assert await begun(shop, job) == []
        assert await reasons(shop, job) == {"mini": ["build_volume"], "mk4": []}
        await shop.clear("mk4")
        assert await begun(shop, job) == ["mk4"]


async def test_a_file_that_does_not_say_what_it_needs_waits_for_a_person_once_for_such_printers(
    autojump_clock,
):
    async with open_shop() as shop:
        for name in ("a", "b"):
            await shop.add_printer(name, profile=PROFILE)
        await shop.clear("a", "b")
        file = await shop.add_read_file("silent.gcode", SILENT)
        job = await shop.add_job(file)
        assert (job.state, job.approval) == (JobState.NEEDS_REVIEW, Approval.FIT)
        assert "approve of it" in job.approval_why
        assert await begun(shop, job) == []
        assert (await shop.facts())[-1].type == "job.approvalWanted"

        approved = await shop.queue.ask(ApproveJob(job.id), by=KIM)
        assert (approved.state, approved.approval) == (JobState.QUEUED, None)
        (first,) = await begun(shop, job)
        row, *_ = await shop.database.read(audit.entries)
        assert (row.action, row.who, row.detail["of"]) == ("job.approved", "user:kim", "fit")

        again = await shop.add_job(file)  # b is such a printer, too
        assert again.state is JobState.QUEUED
        assert {first, *await begun(shop, again)} == {"a", "b"}
        await shop.add_printer("c", profile=Profile(nozzle_mm=0.6))
        other = await shop.add_job(file, required_printers=frozenset({"c"}))
        assert other.approval is Approval.FIT


async def test_a_printer_that_fits_for_certain_goes_before_any_question(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("picky", profile=PROFILE)
        await shop.add_printer("open")  # nobody said what it cannot do
        await shop.clear("picky", "open")
        job = await shop.add_job(await shop.add_read_file("silent.gcode", SILENT))
        assert job.state is JobState.QUEUED
        assert await begun(shop, job) == ["open"]


async def test_a_question_goes_away_with_what_raised_it(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=Profile(materials=frozenset({"PLA"})))
        await shop.clear("mk4")
        job = await shop.add_job(await shop.add_read_file("silent.gcode", SILENT))
        assert job.approval is Approval.FIT
        changed = await shop.queue.ask(AmendJob(job.id, {"material": "PLA"}))
        assert (changed.state, changed.approval) == (JobState.QUEUED, None)
        assert await begun(shop, job) == ["mk4"]


async def test_a_question_that_comes_up_at_a_free_printer_is_asked_then(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(await shop.add_read_file("silent.gcode", SILENT))
        assert job.state is JobState.QUEUED
        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"profile": {"nozzle_mm": 0.4}}))
        await shop.clear("mk4")
        assert await begun(shop, job) == []
        assert (await shop.job(job.id)).approval is Approval.FIT


async def test_a_pinned_job_begins_there_and_not_before_its_time(autojump_clock):
    async with open_shop() as shop:
        for name in ("a", "b"):
            await shop.add_printer(name)
        await shop.clear("a", "b")
        job = await shop.add_job(pin=Pin("b", NOON + HOUR))
        assert await begun(shop, job, 3500) == []
        assert await begun(shop, job, 120) == ["b"]


async def test_who_may_use_one_printer_pins_to_that_one_alone(autojump_clock):
    mine = Principal("key", "k1", "left", scopes=frozenset({Scope.QUEUE}), grant=Grant(frozenset({"a"})))
    async with open_shop() as shop:
        for name in ("a", "b"):
            await shop.add_printer(name)
        file = await shop.add_file()
        job = await shop.queue.ask(AddJob(file, pin=Pin("a")), by=mine)
        for wish in (AddJob(file, pin=Pin("b")), AddJob(file), AmendJob(job.id, {"pin": Pin("b")})):
            with pytest.raises(Forbidden):
                await shop.queue.ask(wish, by=mine)


async def test_a_maintenance_window_keeps_prints_away_until_it_is_over(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=PROFILE)
        await shop.clear("mk4")
        window = Window(NOON + timedelta(minutes=30), NOON + HOUR, frozenset({"mk4"}))
        await shop.queue.ask(SetConstraints(Constraints(maintenance_windows=(window,))))
        job = await shop.add_job(await shop.add_read_file("benchy.gcode", BENCHY))
        assert await begun(shop, job, 3500) == []
        assert await begun(shop, job, 130) == ["mk4"]


async def test_a_job_that_is_to_be_watched_waits_for_the_shift(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=PROFILE)
        await shop.clear("mk4")
        hours = (Shift(frozenset(WEEK), time(13), time(18)),)
        await shop.queue.ask(SetConstraints(Constraints(working_hours=hours)))
        job = await shop.add_job(await shop.add_read_file("benchy.gcode", BENCHY), attended=True)
        assert await begun(shop, job, 3500) == []
        assert await begun(shop, job, 120) == ["mk4"]


async def test_a_printer_that_has_turned_out_to_be_slow_is_not_given_what_it_cannot_end_in_time(
    autojump_clock,
):
    async with open_shop() as shop:
        for printer in ("slow", "fair"):
            await shop.add_printer(printer, profile=PROFILE)
        read = await shop.add_read_file("benchy.gcode", BENCHY)
        job = await shop.add_job(read, deadline_at=NOON + timedelta(minutes=75))
        for number in range(20):
            await shop.database.write(
                durations.teach, f"p{number}", "slow", Phase.PRINT_SLICER, 1.5 + number / 1000, NOON
            )
        assert (await reasons(shop, job))["slow"] == [Constraint.DEADLINE]


async def test_what_the_shop_allows_anew_is_minded_at_once(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=PROFILE)
        await shop.clear("mk4")
        await shop.queue.ask(SetConstraints(Constraints(max_print_time_s=1800)))
        job = await shop.add_job(await shop.add_read_file("benchy.gcode", BENCHY))
        assert await begun(shop, job) == []
        await shop.queue.ask(SetConstraints(Constraints(max_print_time_s=3600)))
        assert await begun(shop, job, 2) == ["mk4"]


async def test_what_there_is_no_power_for_is_told_and_not_begun(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=PROFILE)
        await shop.queue.ask(SetConstraints(Constraints(power_limit_kw=0.3)))
        job = await shop.add_job(await shop.add_read_file("benchy.gcode", BENCHY))
        await shop.clear("mk4")
        assert await begun(shop, job) == []
        _, (place,), _ = await shop.database.read(around, job, {}, shop.farm.plan, NOON)
        assert place.power == "it takes 350 W to heat up, and the shop has 300 W in all"
        await shop.queue.ask(SetConstraints(Constraints(power_limit_kw=0.35)))
        assert await begun(shop, job) == ["mk4"]


async def test_other_filament_has_to_be_loaded_first(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=Profile(loaded=(Loaded(0, "PETG", "red"),)))
        await shop.clear("mk4")
        job = await shop.add_job(await shop.add_read_file("benchy.gcode", BENCHY))
        assert await begun(shop, job) == []
        assert await reasons(shop, job) == {"mk4": ["loaded_filament"]}
        loaded = {"profile": {"loaded": (Loaded(0, "PLA", "red"),)}}
        await shop.farm.address("printers").ask(ChangePrinter("mk4", loaded))
        assert await begun(shop, job) == ["mk4"]


# -- fair share


async def shares(shop, **share):
    await shop.queue.ask(ChangeSettings({"fair_share": {"each": Share(**share)}}))


async def test_a_job_beyond_ones_share_waits_for_somebody_elses_approval(autojump_clock):
    async with open_shop() as shop:
        await shares(shop, jobs=2)
        file = await shop.add_file()
        first, second, third = [await shop.queue.ask(AddJob(file), by=KIM) for _ in range(3)]
        assert [job.state for job in (first, second, third)] == [
            JobState.QUEUED,
            JobState.QUEUED,
            JobState.HELD,
        ]
        assert (third.approval, third.approval_why) == (
            Approval.SHARE,
            "with it 3 jobs of its owner would wait, and 2 may",
        )
        with pytest.raises(Refused, match="waits for approval"):
            await shop.queue.ask(ChangeJob(third.id, "release"), by=KIM)
        with pytest.raises(Forbidden, match="somebody else"):
            await shop.queue.ask(ApproveJob(third.id), by=KIM)
        viewer = Principal("user", "v", "Vic", role=Role.VIEWER)
        with pytest.raises(Forbidden):
            await shop.queue.ask(ApproveJob(third.id), by=viewer)
        assert (await shop.queue.ask(AddJob(file), by=ANN)).state is JobState.QUEUED  # her own share

        approved = await shop.queue.ask(ApproveJob(third.id), by=ANN)
        assert (approved.state, approved.share_approved) == (JobState.QUEUED, True)
        with pytest.raises(Refused, match="nobody's approval"):
            await shop.queue.ask(ApproveJob(third.id), by=ANN)
        held = await shop.queue.ask(AmendJob(third.id, {"priority": 3}), by=KIM)
        assert held.approval is None  # approved of is approved of
        more = await shop.queue.ask(AmendJob(third.id, {"copies": 2}), by=KIM)
        assert more.approval is Approval.SHARE  # of one copy, that was


async def test_hours_count_by_what_is_still_to_be_begun(autojump_clock):
    async with open_shop() as shop:
        await shares(shop, hours=4.0)
        file = await shop.add_read_file("benchy.gcode", BENCHY)
        three = await shop.queue.ask(AddJob(file, copies=3), by=KIM)
        assert three.approval is None
        two = await shop.queue.ask(AddJob(file, copies=2), by=KIM)
        assert two.approval_why == "with it 5.0 h of printing would wait for its owner, and 4 h may"
        assert (await shop.queue.ask(AddJob(file), by=KIM)).approval is None  # what waits does not count
        mine = await shop.queue.ask(AddJob(file, copies=9), by=BOSS)
        assert mine.approval is Approval.SHARE
        assert (await shop.queue.ask(ApproveJob(mine.id), by=BOSS)).approval is None


async def test_somebody_may_have_another_share_and_the_farm_itself_has_none(autojump_clock):
    async with open_shop() as shop:
        users = {"user:ann": Share(jobs=3), "user:kim": Share()}
        await shop.queue.ask(ChangeSettings({"fair_share": {"each": Share(jobs=0), "users": users}}))
        file = await shop.add_file()
        for who, number in ((KIM, 5), (ANN, 3)):
            made = [await shop.queue.ask(AddJob(file), by=who) for _ in range(5)]
            assert len([job for job in made if job.approval is None]) == number
        assert (await shop.add_job(file)).approval is None


async def test_a_held_job_is_looked_at_when_it_is_released(autojump_clock):
    async with open_shop() as shop:
        await shares(shop, jobs=0)
        job = await shop.queue.ask(AddJob(await shop.add_file(), hold=True), by=KIM)
        assert (job.state, job.approval) == (JobState.HELD, None)
        assert (await shop.queue.ask(ChangeJob(job.id, "release"), by=KIM)).approval is Approval.SHARE


async def test_a_job_whose_file_is_still_being_read_is_looked_at_when_it_was(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=Profile(nozzle_mm=0.4))
        await shop.clear("mk4")
        await shares(shop, hours=0.5)
        await trio.sleep(30)  # till nobody is about to find out what was read when the farm stopped
        file = StoredFile("f1", "x.gcode", FileKind.GCODE, 9, "ab" * 32, "test", NOON, BEING_READ)
        await shop.database.write(files.add, file)
        job = await shop.queue.ask(AddJob("f1"), by=KIM)
        assert (job.state, job.approval) == (JobState.QUEUED, None)
        assert await reasons(shop, job) == {"mk4": ["file_read"]}
        assert await begun(shop, job, 25) == []  # and it is not looked at again just now

        ready = FileAnalysis(FileState.READY, None, BENCHY, ANALYSIS_VERSION)
        await shop.database.write(file_analyses.note_analysis, file, ready, NOON)
        await shop.queue.tell(FileRead("f1"))
        await trio.sleep(1)
        kept = await shop.database.read(files.existing, "f1")
        assert (kept.analysis.state, kept.analysis.result) == (FileState.READY, BENCHY)
        assert (await shop.job(job.id)).approval is Approval.SHARE  # it takes an hour
        await shop.queue.ask(ApproveJob(job.id), by=ANN)
        assert await begun(shop, job) == ["mk4"]
