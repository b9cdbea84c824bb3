"""Spools: loaded and unloaded, what prints take off them, and when nobody can tell what is left."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from farm.domain.analysis import ANALYSIS_VERSION
from farm.domain.command import Cancel
from farm.domain.job import PrintState
from farm.domain.printer import Address, Loaded, Printer, Profile
from farm.domain.spool import Spool
from farm.domain.user import Grant, Principal, Role
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.printers.messages import (
    AddPrinter,
    AddSpool,
    ChangePrinter,
    ChangeSpool,
    LoadSpool,
    RemovePrinter,
    RemoveSpool,
    UnloadSpool,
)
from farm.store import files, printers, spools
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

RESULT = (
    '{"kind":"gcode","filament":[{"tool":0,"mm":1000.0,"cm3":3.3,"g":40.0,"material":"PLA"},'
    '{"tool":1,"mm":100.0,"g":4.0}]}'
)


async def wish(shop: Shop, message: Any, by: Principal | None = None) -> Any:
    fleet = shop.farm.address("printers")
    return await (fleet.ask(message) if by is None else fleet.ask(message, by=by))


async def loaded(shop: Shop, printer: str = "mk4", tool: int = 0, left_g: float | None = 500.0) -> str:
    spool = (await wish(shop, AddSpool("PLA", "black", left_g=left_g))).id
    await wish(shop, LoadSpool(spool, printer, tool))
    return spool


async def left_g(shop: Shop, spool: str) -> float | None:
    return (await shop.database.read(spools.existing, spool)).left_g


async def sliced(shop: Shop, result: str = RESULT) -> str:
    """A file of which the slicer says what it takes."""
    file = await shop.add_file()
    await trio.sleep(1)  # until it was read, so that it is not read over this
    await shop.database.write(
        lambda db: (
            db.execute(
                "UPDATE files SET state = 'ready', analysis_version = ?, result = ? WHERE id = ?",
                (ANALYSIS_VERSION, result, file),
            )
            and None
        )
    )
    found = await shop.database.read(files.by_id, file)
    assert found.analysis.result.filament[0].g == 40.0
    return file


async def begin_a_print(shop: Shop, file: str, **wishes: Any) -> str:
    job = await shop.add_job(file, required_printers=frozenset({"mk4"}), **wishes)
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(30)
    assert shop.machines["mk4"].running
    return job.id


async def test_a_print_that_ends_well_takes_what_its_slicer_says_of_each_tools_spool(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        black, white, third = [await loaded(shop, tool=tool) for tool in range(3)]
        job = await begin_a_print(shop, await sliced(shop))
        await trio.sleep(1000)
        (attempt,) = await shop.prints(job)
        assert (attempt.state, attempt.filament_g) == (PrintState.FINISHED, 44.0)
        assert [await left_g(shop, each) for each in (black, white, third)] == [460.0, 496.0, 500.0]
        used = [fact.data for fact in await shop.facts() if fact.type == "spool.used"]
        assert [(each["spool"], each["used_g"], each["left_g"]) for each in used] == [
            (black, 40.0, 460.0),
            (white, 4.0, 496.0),
        ]


async def test_a_cancelled_print_takes_as_much_as_was_printed_of_it(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", print_s=2000.0)
        spool = await loaded(shop)
        job = await begin_a_print(shop, await sliced(shop))
        await trio.sleep(600)
        await shop.tell("mk4", Cancel())
        await trio.sleep(10)
        (attempt,) = await shop.prints(job)
        assert 0.1 < attempt.progress < 0.9
        assert await left_g(shop, spool) == pytest.approx(500 - 40 * attempt.progress, abs=0.1)


@pytest.mark.parametrize("result", [None, '{"kind":"gcode","filament":[{"tool":0,"mm":100.0}]}'])
async def test_where_the_slicer_does_not_say_nobody_can_tell_what_is_left(result, autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        spool = await loaded(shop)
        file = await shop.add_file()
        if result is not None:
            await shop.database.write(
                lambda db: db.execute("UPDATE files SET state = 'ready', result = ?", (result,)) and None
            )
        await begin_a_print(shop, file)
        await trio.sleep(1000)
        assert await left_g(shop, spool) is None
        assert (await wish(shop, ChangeSpool(spool, {"left_g": 310.0}))).left_g == 310


async def test_a_print_that_others_started_makes_the_rest_unknown(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        spool = await loaded(shop)
        shop.machines["mk4"].begin_foreign("benchy.gcode", 100)
        await trio.sleep(30)
        assert await left_g(shop, spool) is None


async def test_a_print_that_never_began_takes_nothing(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(start_refused=1.0))
        spool = await loaded(shop)
        await shop.add_job(await sliced(shop))
        await shop.clear("mk4")
        await trio.sleep(60)
        assert await left_g(shop, spool) == 500


async def test_what_is_spoken_for_is_what_runs_and_what_only_this_printer_may_print(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await loaded(shop)
        file = await sliced(shop)
        await begin_a_print(shop, file, copies=3)
        await shop.add_job(file, copies=7)  # any printer's
        assert await shop.database.read(spools.reserved) == {("mk4", 0): 120.0, ("mk4", 1): 12.0}


async def test_a_printer_shows_what_is_loaded_and_one_spool_is_in_one_place(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_printer("mini")
        black = await loaded(shop)
        white = (await wish(shop, AddSpool("PETG", "white"))).id
        with pytest.raises(Refused, match="loaded on mk4; unload it there"):
            await wish(shop, LoadSpool(black, "mini"))
        await wish(shop, LoadSpool(white, "mk4", 0))  # black lies on the shelf now
        assert (await shop.database.read(spools.existing, black)).printer is None
        assert await shown(shop) == (Loaded(0, "PETG", "white", white),)
        await wish(shop, LoadSpool(white, "mk4", 1))
        assert await shown(shop) == (Loaded(1, "PETG", "white", white),)
        await wish(shop, UnloadSpool(white))
        assert await shown(shop) == ()
        with pytest.raises(Refused, match="loaded nowhere"):
            await wish(shop, UnloadSpool(white))


async def shown(shop: Shop, name: str = "mk4") -> tuple[Loaded, ...]:
    found = {printer.id: printer for printer, _ in await shop.database.read(printers.everything)}
    return found[name].profile.loaded


def with_spool(spool: str) -> Printer:
    profile = Profile(loaded=(Loaded(0, "PLA", None, spool),))
    return Printer("new", "New", Address("octoprint", "http://new.test"), profile=profile)


async def test_a_change_of_settings_unloads_and_never_loads(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        spool = await loaded(shop)
        with pytest.raises(Invalid, match="load a spool with"):
            await wish(shop, AddPrinter(with_spool(spool)))
        with pytest.raises(Invalid, match="load a spool with"):
            await wish(shop, ChangePrinter("mk4", {"profile": {"loaded": (Loaded(1, "PLA", None, spool),)}}))
        await wish(shop, ChangePrinter("mk4", {"name": "Left"}))
        assert (await shop.database.read(spools.existing, spool)).printer == "mk4"
        await wish(shop, ChangePrinter("mk4", {"profile": {"loaded": (Loaded(0, "ABS"),)}}))
        assert (await shop.database.read(spools.existing, spool)).printer is None


async def test_a_spool_is_removed_from_the_shelf_alone_and_outlives_its_printer(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        spool = await loaded(shop)
        for message in (RemoveSpool(spool), ChangeSpool(spool, {"material": "ABS"})):
            with pytest.raises(Refused, match="loaded on mk4; unload it"):
                await wish(shop, message)
        await wish(shop, RemovePrinter("mk4"))
        await wish(shop, RemoveSpool(spool))
        with pytest.raises(NotFound):
            await wish(shop, UnloadSpool(spool))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"material": ""}, "material"),
        ({"colour": "a,b"}, "colour"),
        ({"name": "x" * 101}, "name"),
        ({"note": "two\nlines"}, "note"),
        ({"full_g": 0.0}, "full_g"),
        ({"left_g": -1.0}, "left_g"),
        ({"left_g": float("nan")}, "left_g"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(fields, field, autojump_clock):
    async with open_shop() as shop:
        with pytest.raises(Invalid) as refused:
            await wish(shop, AddSpool(**{"material": "PLA", **fields}))
        assert refused.value.field == field


async def test_rights_are_asked_for(autojump_clock):
    viewer = Principal("user", "1", "Vim", role=Role.VIEWER)
    of_mini = Principal("user", "2", "Ada", role=Role.OPERATOR, grant=Grant(printers=frozenset({"mini"})))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_printer("mini")
        spool: str = await loaded(shop)
        shelf: Spool = await wish(shop, AddSpool("PLA"))
        for by, message in (
            (viewer, AddSpool("PLA")),
            (viewer, ChangeSpool(spool, {"left_g": 1.0})),
            (viewer, LoadSpool(shelf.id, "mini")),
            (of_mini, UnloadSpool(spool)),
            (of_mini, LoadSpool(shelf.id, "mk4")),
            (of_mini, RemoveSpool(shelf.id)),
        ):
            with pytest.raises(Forbidden):
                await wish(shop, message, by=by)
        assert (await wish(shop, LoadSpool(shelf.id, "mini"), by=of_mini)).printer == "mini"
