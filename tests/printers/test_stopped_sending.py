"""An emergency stop that comes before a file or a start goes out keeps it from being sent at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.domain.printer import Address, Printer
from farm.drivers.base import Capability
from farm.printers.assignment import Assignment
from farm.printers.messages import PrintOrder, Stage

PRINTER = Printer("mk4", "MK4", Address("octoprint", "http://x"))
ORDER = PrintOrder("p1", "j1", "f1", "a.gcode", "abc123_a.gcode", Path("a.gcode"), 10)
COPY = PrintOrder(
    "p1", "j1", "f1", "a.gcode", "abc123_a.gcode", Path("a.gcode"), 10, copy_of="b", checksum="c"
)


class Recording:
    """A driver that notes what it is asked to send."""

    capabilities = frozenset(Capability)

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def send(*_: Any) -> None:
            self.sent.append(name)

        return send


@pytest.mark.parametrize("order", [ORDER, COPY], ids=["upload", "copy"])
async def test_a_file_that_was_not_yet_on_its_way_is_not_sent(order):
    driver = Recording()
    assignment = Assignment(order, Stage.UPLOADING, PRINTER, driver, lambda: None, lambda: 0.0)

    assignment.stop_sending()
    await assignment.bring_file()

    assert driver.sent == []
    assert assignment.report.stage is Stage.HANDED_BACK
    assert assignment.report.text == "an emergency stop came in between"


async def test_a_start_that_was_not_yet_on_its_way_is_not_sent():
    driver = Recording()
    assignment = Assignment(ORDER, Stage.UPLOADED, PRINTER, driver, lambda: None, lambda: 0.0)
    assignment.begin_start()

    assignment.stop_sending()
    await assignment.send_start()

    assert driver.sent == []
    assert assignment.report.stage is Stage.HANDED_BACK
