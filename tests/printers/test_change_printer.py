"""A printer is set up otherwise, or taken out, while it prints: no print is lost from sight by a new name."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from farm.domain.command import SetTemperature
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Connection, Operation, Plate
from farm.domain.user import Grant, Principal, Role, Scope
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.printers.messages import ChangePrinter, RemovePrinter
from farm.store import audit, printers
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

A_PRINT_S = 1000.0


async def change(shop: Shop, printer: str = "mk4", /, by: Principal | None = None, **changes: Any) -> Any:
    wish = ChangePrinter(printer, changes)
    fleet = shop.farm.address("printers")
    return await (fleet.ask(wish) if by is None else fleet.ask(wish, by=by))


async def begin_a_print(shop: Shop) -> str:
    await shop.add_printer("mk4")
    job = await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(60)
    assert (await shop.prints(job.id))[0].state is PrintState.PRINTING
    return job.id


async def test_a_new_name_is_shown_at_once_and_kept(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        driver = shop.driver_of("mk4")
        changed = await change(shop, name="Left MK4", tags=frozenset({"row-a"}), max_retries=2)
        assert (changed.name, changed.tags, changed.max_retries) == ("Left MK4", frozenset({"row-a"}), 2)
        job = await shop.add_job(required_tags=frozenset({"row-a"}))
        await shop.clear("mk4")
        await trio.sleep(60)
        assert len(await shop.prints(job.id)) == 1  # the queue knows the new tag
        assert shop.driver_of("mk4") is driver  # and nobody hung up for it
        ((kept, _),) = await shop.database.read(printers.everything)
        assert (kept.name, kept.tags) == ("Left MK4", frozenset({"row-a"}))


async def test_a_print_goes_on_under_a_new_address(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        driver = shop.driver_of("mk4")
        await change(shop, connection={"url": "http://mk4.elsewhere"})
        await trio.sleep(5)
        assert shop.driver_of("mk4") is not driver
        assert (await shop.status("mk4")).operation is Operation.PRINTING
        await trio.sleep(A_PRINT_S)
        (attempt,) = await shop.prints(job)
        assert attempt.state is PrintState.FINISHED
        assert shop.machines["mk4"].starts == {attempt.remote_name: 1}
        assert shop.restarts("printer:mk4") == 0


async def test_a_print_goes_on_on_a_printer_that_is_switched_off_in_the_settings(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        await change(shop, enabled=False)
        await trio.sleep(60)
        status = await shop.status("mk4")
        assert status.connection is Connection.DISABLED
        assert (await shop.prints(job))[0].state is PrintState.PRINTING
        await trio.sleep(A_PRINT_S)  # it ends, and nobody looks
        assert (await shop.prints(job))[0].state is PrintState.PRINTING
        await change(shop, enabled=True)
        await trio.sleep(10)
        assert (await shop.status("mk4")).connection is Connection.ONLINE
        assert (await shop.prints(job))[0].state is PrintState.FINISHED


async def test_a_printer_that_is_switched_off_is_given_nothing(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await change(shop, enabled=False)
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(120)
        assert await shop.prints(job.id) == []
        await change(shop, enabled=True)
        await trio.sleep(30)
        assert len(await shop.prints(job.id)) == 1


async def test_an_upload_begins_anew_under_a_new_address(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(upload_slow=1.0))
        job = await shop.add_job(await shop.add_file(size=5_000_000))
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(20)
        assert (await shop.prints(job.id))[0].state is PrintState.UPLOADING
        shop.machines["mk4"].faults = Faults()
        await change(shop, connection={"url": "http://mk4.elsewhere"})
        await trio.sleep(60)
        (attempt,) = await shop.prints(job.id)
        assert attempt.state is PrintState.PRINTING
        assert shop.machines["mk4"].starts == {attempt.remote_name: 1}


async def test_a_print_that_is_just_beginning_keeps_its_address_and_not_its_name(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(start_slow=1.0))
        job = await shop.add_job()
        await trio.sleep(1)
        await shop.clear("mk4")
        await shop.promises.dispatched(1)
        assert (await shop.prints(job.id))[0].state is PrintState.STARTING
        for changes in ({"connection": {"url": "http://x"}}, {"enabled": False}):
            with pytest.raises(Refused, match="just beginning"):
                await change(shop, **changes)
        assert (await change(shop, name="Left MK4")).name == "Left MK4"
        await trio.sleep(A_PRINT_S)
        assert (await shop.prints(job.id))[0].state is PrintState.FINISHED


async def test_a_change_that_changes_nothing_is_none(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        before = await shop.facts()
        await change(shop, name="MK4", connection={"url": "http://mk4.test/"})
        assert await shop.facts() == before


async def test_the_audit_says_what_became_of_what_and_nothing_of_the_key(autojump_clock):
    ann = Principal("user", "u1", "Ann", role=Role.ADMIN, client="10.0.0.9")
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await change(shop, by=ann, name="Left", profile={"nozzle_mm": 0.6}, connection={"api_key": "hush"})
        row, *_ = await shop.database.read(audit.entries)
        assert (row.action, row.object, row.who) == ("printer.changed", "printer:mk4", "user:u1")
        assert row.detail["name"] == {"was": "MK4", "is": "Left"}
        assert row.detail["profile"]["is"]["nozzle_mm"] == 0.6
        assert row.detail["api_key"] == {"was": "another", "is": "hidden"}
        assert set(row.detail) == {"name", "profile", "api_key"}
        assert "hush" not in str(row.detail)
        fact = (await shop.facts())[-1]
        assert (fact.type, fact.rooms) == ("printer.changed", ("printers", "printer:mk4"))


async def test_a_change_that_cannot_be_leaves_everything_as_it_was(autojump_clock):
    mine = Principal(
        "key", "k1", "row a", scopes=frozenset({Scope.ADMIN}), grant=Grant(tags=frozenset({"a"}))
    )
    viewer = Principal("user", "u2", "Vera", role=Role.VIEWER)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await change(shop, tags=frozenset({"a"}))
        ((before, _),), facts = await shop.database.read(printers.everything), await shop.facts()
        for by, changes, problem in [
            (None, {"max_retries": 99}, Invalid),
            (None, {"connection": {"url": "nowhere"}}, Invalid),
            (mine, {"tags": frozenset()}, Forbidden),
            (viewer, {"name": "x"}, Forbidden),
        ]:
            with pytest.raises(problem):
                await change(shop, by=by, **changes)
        with pytest.raises(NotFound):
            await change(shop, "ghost", name="x")
        assert (await change(shop, by=mine, name="Mine")).name == "Mine"
        await change(shop, name="MK4")
        assert [kept for kept, _ in await shop.database.read(printers.everything)] == [before]
        assert len(await shop.facts()) == len(facts) + 2


async def test_the_shop_says_how_hot_a_printer_may_become(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await change(shop, profile={"max_bed_degc": 110.0, "max_nozzle_degc": 260.0})
        for heater, degc in (("bed", 110.5), ("tool0", 261.0)):
            with pytest.raises(Invalid, match="at most") as refusal:
                await shop.tell("mk4", SetTemperature(heater, degc))
            assert refusal.value.field == "target_degc"
        await shop.tell("mk4", SetTemperature("bed", 110))
        await trio.sleep(3)
        assert shop.machines["mk4"].heard == ["bed 110"]


async def test_a_printer_that_prints_is_taken_out_by_force_and_its_job_waits_for_a_person(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        fleet = shop.farm.address("printers")
        with pytest.raises(Refused, match="under way"):
            await fleet.ask(RemovePrinter("mk4"))
        await fleet.ask(RemovePrinter("mk4", force=True))
        await trio.sleep(5)
        (attempt,) = await shop.prints(job)
        assert (attempt.state, attempt.reason) == (
            PrintState.UNKNOWN,
            "its printer was taken out of the farm",
        )
        assert (await shop.job(job)).state is JobState.NEEDS_REVIEW
        row, *_ = await shop.database.read(audit.entries)
        assert row.detail == {"active_print": attempt.id}

        await shop.add_printer("mk4")  # as it is: still printing what the farm gave up
        await trio.sleep(5)
        assert (await shop.status("mk4")).foreign
        assert await shop.plate("mk4") is Plate.UNKNOWN


async def test_a_forced_removal_is_settled_though_the_queue_was_away(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        shop.queue.tell_nowait("nobody knows this")  # it crashes
        await shop.farm.address("printers").ask(RemovePrinter("mk4", force=True))
        await trio.sleep(30)
        assert shop.restarts("queue") == 1
        assert (await shop.prints(job))[0].state is PrintState.UNKNOWN
