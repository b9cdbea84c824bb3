"""`farm printer console`: what was sent to a printer and what it said."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from farm.commands import options, output, reach

if TYPE_CHECKING:  # loaded where it is used: `farm --help` is there at once
    from farm.commands.running import RunningFarm

LOOK_EVERY_S = 1.0
_MARKS = {"sent": ">", "said": "<", "failed": "!"}


def add_to(printer: options.Commands) -> None:
    parser = options.command(
        printer,
        "console",
        "show the last lines that people sent a printer and that it said",
        show,
        examples="  farm printer console mk4-01\n  farm printer console mk4-01 --follow\n"
        "  farm printer console mk4-01 --raw > flight.txt",
    )
    parser.add_argument("id", help="the printer's id")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    which.add_argument(
        "--raw",
        action="store_true",
        help="instead the last raw words between the farm and the printer's host, without keys and passwords",
    )
    options.add_data(parser)
    options.add_json(parser)


def show(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        if chosen.raw:
            output.say(farm.read_flight(chosen.id).rstrip("\n"))
            return 0
        number = _show_since(farm, chosen, 0)
        try:
            while chosen.follow:
                time.sleep(LOOK_EVERY_S)
                number = _show_since(farm, chosen, number)
        except KeyboardInterrupt:
            pass
    return 0


def _show_since(farm: RunningFarm, chosen: argparse.Namespace, number: int) -> int:
    """Print the lines after this number. Returns that of the newest line."""
    console = farm.read_console(chosen.id, number)
    if chosen.json:
        output.say_json(console)
        return int(console["next"])
    if number == 0 and console["note"]:
        output.complain(console["note"])
    for line in console["items"]:
        output.say(_words(line))
    return int(console["next"])


def _words(line: output.Row) -> str:
    who = f"  ({line['who']})" if line["who"] else ""
    return f"{line['at'][11:19]} {_MARKS[line['kind']]} {line['text']}{who}"
