"""What a printer's flight recorder shows to people."""

from __future__ import annotations

from datetime import UTC, datetime

import trio
from msgspec import structs

from farm.domain.clock import iso
from farm.domain.printer import Printer
from farm.drivers.flight import FlightRecorder, written

ALL_ROOM = 64 * 1024 * 1024  # bytes, for the recorders of all printers together
LEAST_ROOM, MOST_ROOM = 64 * 1024, 1024 * 1024  # for one of them

WORDS = 3  # exchanges that a line of the log names
AT_ONCE = 20  # lines; they take about a millisecond


def room_among(printers: int) -> int:
    """Bytes for the recorder of one of so many printers."""
    return min(max(ALL_ROOM // max(printers, 1), LEAST_ROOM), MOST_ROOM)


async def told(recorder: FlightRecorder, printer: Printer, now: datetime) -> str:
    """Everything that is kept, oldest first, with a heading. Others have their turn in between."""
    exchanges, now_s = recorder.everything(), trio.current_time()
    heading = (
        f"The last that was said between the farm and {printer.name} ({printer.address.kind}), "
        f"up to {iso(now)}: > by the farm, < by the printer's host, ! what went wrong. "
        "Keys, passwords and tokens are left out."
    )
    lines = [heading]
    for number, line in enumerate(written(exchanges, now, now_s, [printer.address.secret])):
        lines.append(line)
        if number % AT_ONCE == AT_ONCE - 1:
            await trio.lowlevel.checkpoint()
    await trio.lowlevel.checkpoint()
    return "\n".join([*lines, ""])


def last_words(recorder: FlightRecorder, printer: Printer) -> str:
    """The last exchanges without what was in them, for a line of the log."""
    last = [structs.replace(exchange, body="", size=0) for exchange in recorder.everything()[-WORDS:]]
    lines = written(last, datetime.now(UTC), trio.current_time(), [printer.address.secret])
    return "; ".join(line.partition(" ")[2] for line in lines)
