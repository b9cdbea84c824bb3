"""How long a print still takes: as its host says, and before that, as its slicer did."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from farm.domain.analysis import ANALYSIS_VERSION, GcodeAnalysis, PrintTime
from farm.domain.file import FileAnalysis, FileState
from farm.domain.printer import Address, Operation, Printer
from farm.drivers.base import LoadedFile, Reading
from farm.live.messages import ReportStatuses
from farm.printers.assignment import Assignment
from farm.printers.messages import PrintOrder, Stage
from farm.store import file_analyses, files
from farm.store.orders import order_of
from tests.simulation.shop import open_shop

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME = "ab12cd_chip.gcode"


@pytest.mark.parametrize(
    ("estimate_s", "progress", "told_s", "remaining_s"),
    [
        (100, 0.25, None, 75),
        (100, None, None, 100),
        (100, 0.25, 42, 42),
        (None, 0.25, None, None),
        (None, 0.25, 42, 42),
    ],
)
async def test_slicers_estimate_stands_in_until_the_host_knows(estimate_s, progress, told_s, remaining_s):
    order = PrintOrder("p1", "j1", "f1", "chip.gcode", NAME, Path("content"), 10, estimate_s)
    printer = Printer("mk4", "MK4", Address("octoprint", "http://mk4.test"))
    assignment = Assignment(
        order, Stage.PRINTING, printer, driver=None, changed=lambda: None, undisturbed_since=lambda: 0.0
    )
    file = LoadedFile(NAME, progress, elapsed_s=5, remaining_s=told_s)

    shown = assignment.progress(Reading(True, Operation.PRINTING, file=file))

    assert shown.remaining_s == remaining_s
    assert assignment.progress(None).remaining_s is None


async def test_order_for_a_printer_carries_the_estimate(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        file = await shop.database.read(files.by_id, await shop.add_file())
        await shop.database.write(
            file_analyses.note_analysis,
            file,
            FileAnalysis(
                FileState.READY,
                result=GcodeAnalysis(time_s=PrintTime(slicer=1088)),
                version=ANALYSIS_VERSION,  # or it is read anew
            ),
            NOON,
        )
        job = await shop.add_job(file.id)
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(30)

        (attempt,) = await shop.prints(job.id)
        assert (await shop.database.read(order_of, attempt.id)).estimate_s == 1088
        status = (await shop.farm.address("events").ask(ReportStatuses()))["mk4"]
        assert status.print.remaining_s is not None
