"""Which printers take which kind of file, and what is said where none does."""

from __future__ import annotations

import pytest
import trio

from farm.domain.file import FileKind
from farm.domain.printer import Address, Printer
from farm.errors import Invalid
from farm.queue.fitting import takes
from farm.store import prints
from tests.simulation.shop import open_shop

MK4 = Printer("mk4", "MK4", Address("prusalink", "http://mk4.test"))
ENDER = Printer("ender", "Ender", Address("octoprint", "http://ender.test"))
VORON = Printer("voron", "Voron", Address("moonraker", "http://voron.test"))


@pytest.mark.parametrize(
    ("printer", "kinds"),
    [
        (MK4, {FileKind.GCODE, FileKind.BINARY_GCODE}),
        (ENDER, {FileKind.GCODE}),
        (VORON, {FileKind.GCODE}),
    ],
)
def test_printer_takes_what_its_print_host_prints(printer, kinds):
    assert {kind for kind in FileKind if takes(printer, kind)} == kinds


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bracket.stl", "bracket.stl is a model: slice it first"),
        ("bracket.obj", "slice it first"),
        ("bracket.3mf", "slice it first"),
        ("plate.gcode.3mf", "export it as plain G-code"),
        ("plate.ufp", "export it as plain G-code"),
        ("plate.bgcode", "no printer it may run on takes binary G-code"),
    ],
)
async def test_job_that_no_printer_can_ever_print_is_refused_in_words(autojump_clock, name, words):
    async with open_shop() as shop:
        await shop.add_printer("ender")
        with pytest.raises(Invalid, match=words) as refused:
            await shop.add_job(await shop.add_file(name))

    assert refused.value.field == "file"


async def test_binary_gcode_waits_for_the_printer_that_takes_it(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("ender")
        await shop.add_printer("mk4", kind="prusalink")
        await shop.clear("ender")
        job = await shop.add_job(await shop.add_file("plate.bgcode"))
        with pytest.raises(Invalid, match="binary"):
            await shop.add_job(job.file, required_printers=frozenset({"ender"}))
        await trio.sleep(60)
        before = await shop.database.read(prints.of_job, job.id)
        await shop.clear("mk4")
        await trio.sleep(60)
        after = await shop.database.read(prints.of_job, job.id)

    assert before == []
    assert [attempt.printer for attempt in after] == ["mk4"]
