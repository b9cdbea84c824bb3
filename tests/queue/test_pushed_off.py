"""Printers that push their prints off, in a shop of machines in memory: from a good end to a clear plate."""

from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from farm.domain.analysis import BoundingBox, Box, Filament, GcodeAnalysis
from farm.domain.command import ClearEmergency, Home, MaintenanceOff, MaintenanceOn, SetTemperature
from farm.domain.ejecting import Ejecting, EjectionState
from farm.domain.job import JobState
from farm.domain.printer import Plate, Profile
from farm.domain.user import Principal, Role
from farm.drivers.base import Loss
from farm.errors import Refused
from farm.printers.messages import ChangePrinter, RemovePrinter
from farm.queue.messages import ClearPlate
from farm.schedule import survey
from farm.store import changes, ejections, jobs, prints
from tests.simulation.machine import EJECTION, Faults
from tests.simulation.shop import NOON, open_shop

PRINT_S = 60.0
A_PRINT_S = 200.0  # at most, with what comes before and after it
COOLING_S = 260.0  # from 60 to 45 degC, and what comes after it
SWEEP = ("G1 Z{over} F900", "G1 X110 Y220 F6000", "G1 Z5", "G1 Y0 F1200", "M400")
WISH = Ejecting(SWEEP, 45.0, at_most=3, cool_within_s=600.0, confirmed=True)
ANNA = Principal("user", "anna", "Anna", role=Role.OPERATOR)
A_CUBE = GcodeAnalysis(
    bounding_box=BoundingBox(Box((90, 110), (90, 110), (0.2, 20.0))),
    filament=(Filament(0, 100.0, 1.0, 3.0, "PLA"),),
)


def ejecting(**changes_of_it):
    return Profile((220, 220, 250), auto_eject=True, ejection=replace(WISH, **changes_of_it))


async def cube(shop, top_mm=20.0, **wishes):
    found = replace(A_CUBE, bounding_box=BoundingBox(Box((90, 110), (90, 110), (0.2, top_mm))))
    return await shop.add_job(await shop.add_read_file(f"cube{top_mm:g}.gcode", found), **wishes)


async def begin(shop, profile=None, faults=None, **wishes):
    """A shop with one printer that ejects, at work on a job."""
    await shop.add_printer("mk4", faults, PRINT_S, profile=profile or ejecting())
    job = await cube(shop, **wishes)
    await shop.clear("mk4")
    return job


async def until_it_cools(shop):
    for _ in range(round(A_PRINT_S)):
        found = await shop.database.read(ejections.open_on, "mk4")
        if found is not None:
            return found
        await trio.sleep(1)
    raise AssertionError(f"nothing cools: {await rows(shop)}")


async def until_it_pushes(shop):
    for _ in range(round(A_PRINT_S + COOLING_S)):
        if ejections_begun(shop):
            return
        await trio.sleep(1)
    raise AssertionError(f"nothing is pushed off: {await rows(shop)}")


async def rows(shop):
    return await shop.database.read(
        lambda db: [
            (row["state"], row["reason"])
            for row in db.execute("SELECT * FROM ejections ORDER BY began_at, id")
        ]
    )


async def why_left(shop):
    """Of the only ejection there was; nothing of it was begun, and a person has to look."""
    ((state, reason),) = await rows(shop)
    assert state == "left"
    assert not ejections_begun(shop)
    assert await shop.plate("mk4") is Plate.OCCUPIED
    status = await shop.status("mk4")
    assert status.ejector.note == reason
    return reason


def ejections_begun(shop):
    return [name for name in shop.machines["mk4"].starts if name.endswith(EJECTION)]


async def test_prints_are_pushed_off_one_after_the_other_until_somebody_has_to_look(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        job = await begin(shop, copies=5, yield_per_plate=2)
        await trio.sleep(5 * (A_PRINT_S + COOLING_S))

        assert len(ejections_begun(shop)) == 3
        found = await shop.prints(job.id)
        assert [each.good for each in found] == [2, 2, 2, None]
        assert await shop.plate("mk4") is Plate.OCCUPIED
        ejector = (await shop.status("mk4")).ejector
        assert (ejector.done, ejector.at_most, ejector.state) == (3, 3, None)
        assert ejector.note.startswith("3 prints were pushed off since somebody looked")

        await shop.clear("mk4")
        await trio.sleep(1)
        assert (await shop.status("mk4")).ejector.done == 0
        await trio.sleep(2 * (A_PRINT_S + COOLING_S))
        assert (await shop.job(job.id)).state is JobState.DONE
        assert await shop.plate("mk4") is Plate.CLEAR
        assert (await shop.status("mk4")).ejector.done == 1


async def test_who_cleared_the_plate_and_why_stands_in_its_history(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        await trio.sleep(A_PRINT_S + COOLING_S)
        history = await shop.database.read(changes.history, "plate", "mk4")
        assert history[-1].new == "clear"
        assert history[-1].who == "system:system"
        assert history[-1].why == "plate cleared by auto-eject, bed 45 °C, 1 of 3 since a person looked"


async def test_a_bed_that_the_print_leaves_on_is_switched_off_once(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        shop.machines["mk4"].bed_target = 60.0
        await trio.sleep(A_PRINT_S + COOLING_S)
        assert shop.machines["mk4"].heard == ["bed 0"]
        assert await shop.plate("mk4") is Plate.CLEAR


async def test_a_bed_that_is_heated_again_is_left_to_a_person(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        await until_it_cools(shop)
        await trio.sleep(30)
        shop.machines["mk4"].bed_target = 50.0
        await trio.sleep(10)
        shop.machines["mk4"].bed_target = 50.0  # whatever we say
        await trio.sleep(700)
        assert await why_left(shop) == "its bed does not cool: it is told to keep 50 °C"


async def test_a_bed_that_does_not_cool_in_time_is_left_to_a_person(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, ejecting(release_degc=20.0))
        await trio.sleep(A_PRINT_S + 700)
        assert await why_left(shop) == "after 10 min its bed is still at 30 °C, above 20"


async def test_a_bed_of_which_nothing_is_known_is_left_to_a_person(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        shop.machines["mk4"].bed_target = None
        await trio.sleep(A_PRINT_S + 200)
        assert await why_left(shop) == "the temperature of its bed cannot be read"


@pytest.mark.parametrize(
    ("wish", "job", "words"),
    [
        ({"max_height_mm": 15.0}, {}, "it is 20 mm high; up to 15 mm is pushed off"),
        ({"min_height_mm": 25.0}, {}, "it is 20 mm high; from 25 mm on it is pushed off"),
        ({"materials": frozenset({"PETG"})}, {}, "it is made of PLA, which is not pushed off here"),
    ],
)
async def test_what_may_not_be_pushed_off_is_left_to_a_person(autojump_clock, wish, job, words):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, ejecting(**wish), **job)
        await trio.sleep(A_PRINT_S + COOLING_S)
        assert await why_left(shop) == words


async def test_a_print_that_fails_is_never_pushed_off(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, faults=Faults(print_fails=1.0))
        await trio.sleep(A_PRINT_S + COOLING_S)
        assert await rows(shop) == []
        assert await shop.plate("mk4") is Plate.OCCUPIED


async def lose_sight(shop):
    shop.machines["mk4"].away_until = trio.current_time() + 60


async def restart_its_actor(shop):
    shop.machines["mk4"].faults = Faults(bug=1.0)
    await trio.sleep(10)
    shop.machines["mk4"].faults = Faults()


async def maintain(shop):
    await shop.tell("mk4", MaintenanceOn(), ANNA)
    await trio.sleep(10)
    await shop.tell("mk4", MaintenanceOff(), ANNA)


async def stop_and_clear(shop):
    await shop.stop("mk4")
    await trio.sleep(10)
    await shop.tell("mk4", ClearEmergency(), ANNA)


async def print_something_else(shop):
    shop.machines["mk4"].begin_foreign("theirs.gcode", 20)


async def home(shop):
    await shop.tell("mk4", Home(), ANNA)


async def heat(shop):
    await shop.tell("mk4", SetTemperature("tool0", 50.0), ANNA)


async def lose_the_machine(shop):
    shop.machines["mk4"].lose(Loss.LINK_LOST)


async def switch_off(shop):
    await shop.farm.address("printers").ask(ChangePrinter("mk4", {"profile": {"auto_eject": False}}))


DISTURBANCES = [
    lose_sight,
    restart_its_actor,
    maintain,
    stop_and_clear,
    print_something_else,
    home,
    heat,
    lose_the_machine,
    switch_off,
]


@pytest.mark.parametrize("disturb", DISTURBANCES)
async def test_what_happens_while_the_bed_cools_leaves_the_print_to_a_person(autojump_clock, disturb):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, copies=2)
        await until_it_cools(shop)
        await trio.sleep(30)
        await disturb(shop)
        await trio.sleep(3 * A_PRINT_S + COOLING_S)
        ((state, reason),) = await rows(shop)
        assert (state, bool(reason)) == ("left", True)
        assert not ejections_begun(shop)
        assert await shop.plate("mk4") is not Plate.CLEAR


async def test_a_person_is_faster_than_the_ejection(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        job = await begin(shop, copies=2, yield_per_plate=4)
        await until_it_cools(shop)
        await shop.clear("mk4", good=3)
        await trio.sleep(A_PRINT_S)
        first, _ = await shop.prints(job.id)
        assert first.good == 3
        assert (await rows(shop))[0] == ("left", "somebody took the print off before it was pushed off")


async def test_a_plate_is_not_cleared_by_hand_while_its_print_is_pushed_off(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        await until_it_pushes(shop)
        with pytest.raises(Refused):
            await shop.queue.ask(ClearPlate("mk4"))
        with pytest.raises(Refused, match="pushing a print off"):
            await shop.farm.address("printers").ask(RemovePrinter("mk4"))
        await shop.farm.address("printers").ask(RemovePrinter("mk4", force=True))
        assert await rows(shop) == [("left", "the printer was taken out of the farm")]


async def test_an_ejection_that_fails_is_never_tried_again(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, copies=2)
        await until_it_cools(shop)
        shop.machines["mk4"].faults = Faults(print_fails=1.0)
        await trio.sleep(3 * A_PRINT_S + COOLING_S)
        ((state, reason),) = await rows(shop)
        assert (state, reason) == ("left", "spoiled")
        assert len(ejections_begun(shop)) == 1
        assert await shop.plate("mk4") is Plate.UNKNOWN


async def test_an_ejection_whose_end_nobody_saw_does_not_clear_the_plate(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, copies=2)
        await until_it_pushes(shop)
        shop.machines["mk4"].away_until = trio.current_time() + 60
        await trio.sleep(3 * A_PRINT_S + COOLING_S)
        ((state, reason),) = await rows(shop)
        assert (state, reason) == (
            "left",
            "nobody saw its print being pushed off to the end; look at the plate",
        )
        assert await shop.plate("mk4") is Plate.UNKNOWN


@pytest.mark.parametrize(
    "faults",
    [
        Faults(start_lost_before=1.0),
        Faults(start_refused=1.0),
        Faults(start_given_up=1.0),
        Faults(upload_cut=1.0),
    ],
)
async def test_a_start_that_comes_to_nothing_is_left_to_a_person(autojump_clock, faults):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, copies=2)
        await until_it_cools(shop)
        shop.machines["mk4"].faults = faults
        await trio.sleep(2 * A_PRINT_S + COOLING_S)
        assert [state for state, _ in await rows(shop)] == ["left"]
        assert await shop.plate("mk4") is not Plate.CLEAR


async def test_a_start_whose_answer_is_lost_is_followed_all_the_same(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        await until_it_cools(shop)
        shop.machines["mk4"].faults = Faults(start_lost_after=1.0)
        await trio.sleep(COOLING_S + 100)
        assert await shop.plate("mk4") is Plate.CLEAR
        assert len(ejections_begun(shop)) == 1


async def test_what_pushed_a_print_off_is_deleted_from_the_printer(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        await trio.sleep(A_PRINT_S + COOLING_S + 100)
        assert await shop.plate("mk4") is Plate.CLEAR
        assert shop.machines["mk4"].files == {}


async def test_nothing_cools_on_a_printer_that_does_not_eject(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop, replace(ejecting(), auto_eject=False))
        await trio.sleep(A_PRINT_S + COOLING_S)
        assert await rows(shop) == []
        assert (await shop.status("mk4")).ejector is None


async def test_an_ejection_never_ends_twice(autojump_clock):
    from farm.queue import ejections as transactions

    async with open_shop(look_every_s=5.0) as shop:
        await begin(shop)
        cooling = await until_it_cools(shop)
        assert cooling.state is EjectionState.COOLING
        await trio.sleep(COOLING_S + 100)
        with pytest.raises(Refused, match="done already"):
            await shop.database.write(transactions.finish, cooling, 3, cooling.began_at, "test")
        counted = await shop.database.read(lambda db: ejections.done(db, "mk4"))
        assert counted == 1
        (attempt,) = await shop.prints((await shop.database.read(prints.last_on, "mk4")).job)
        assert (await shop.database.read(jobs.existing, attempt.job)).made == 1


async def test_the_plan_knows_what_a_printer_does_about_its_plate_by_itself(autojump_clock):
    async with open_shop(look_every_s=5.0) as shop:

        async def station():
            at = NOON + timedelta(seconds=trio.current_time() - shop.begun)
            found = await shop.database.read(survey.look, await shop.statuses(), (), at)
            return found.stations[0], at

        await begin(shop, ejecting(at_most=1), copies=3)
        before, _ = await station()
        assert before.ejects_s == survey.EJECTION_S
        await until_it_cools(shop)
        cooling, at = await station()
        assert cooling.plate_clear
        assert cooling.free_at - at <= timedelta(seconds=survey.EJECTION_S)
        await trio.sleep(COOLING_S + 100)
        full, _ = await station()  # the next print is on, and stays until somebody has looked
        assert full.ejects_s is None
        await trio.sleep(A_PRINT_S)
        waits, _ = await station()
        assert (waits.plate_clear, waits.ejects_s) == (False, None)
        await shop.clear("mk4")
        measured, _ = await station()
        assert 150 < measured.ejects_s < COOLING_S + 50
