"""`farm printer maintenance`: what is to be done after so many hours of printing, and that it was done."""

from __future__ import annotations

import argparse
from typing import Any

from farm.commands import options, output, reach
from farm.errors import SettingsError

COLUMNS = {
    "printer": "PRINTER",
    "id": "ID",
    "what": "WHAT",
    "every_h": "EVERY H",
    "since_h": "SINCE H",
    "state": "STATE",
    "blocks": "BLOCKS",
    "done": "LAST DONE",
}


def add_to(printer: options.Commands) -> None:
    group = options.group(
        printer,
        "maintenance",
        "say what is to be done on printers after how many hours, and that it was done",
    )
    listing = options.command(group, "list", "list what is to be done on a printer, or on all", list_chores)
    listing.add_argument("id", nargs="?", help="the printer's id (default: all printers)")
    adding = options.command(
        group,
        "add",
        "have something done again and again",
        add,
        examples="  farm printer maintenance add mk4-01 'lubricate the rods' --every-h 300\n"
        "  farm printer maintenance add mk4-01 'new nozzle' --every-h 800 --since-h 120 --tag row-a --blocks",
    )
    adding.add_argument("id", help="the printer's id")
    adding.add_argument("what", help="what is to be done, in words")
    adding.add_argument("--tag", help="for every printer with this tag of its, not for this one alone")
    adding.add_argument(
        "--since-h",
        type=float,
        default=0.0,
        metavar="HOURS",
        help="hours printed since it was done last (default: 0)",
    )
    changing = options.command(group, "change", "make something else of it", change)
    changing.add_argument("--what", help="what is to be done, in words")
    doing = options.command(
        group,
        "done",
        "say that it was done: its hours count anew on this printer",
        done,
        examples="  farm printer maintenance done mk4-01 3f9k2m0a7qzt --note 'PTFE grease'",
    )
    doing.add_argument("--note", default="", help="what there is to remember of it")
    removing = options.command(group, "remove", "take it out, with a tag's on all printers", remove)
    for parser in (changing, doing, removing):
        parser.add_argument("id", help="the printer's id")
        parser.add_argument("chore", help="its id, as `farm printer maintenance list` shows it")
    for parser in (adding, changing):
        parser.add_argument(
            "--every-h",
            type=float,
            required=parser is adding,
            metavar="HOURS",
            help="how many hours of printing lie in between",
        )
        parser.add_argument(
            "--blocks",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="whether the printer begins nothing while it is due (default: no)",
        )
    for parser in (listing, adding, changing, doing, removing):
        options.add_data(parser)
        options.add_json(parser)


def list_chores(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        chores = farm.list_chores(chosen.id)
    if chosen.json:
        output.say_json(chores)
    else:
        output.say_table([_line(chore) for chore in chores], COLUMNS)
    return 0


def _line(chore: output.Row) -> output.Row:
    return {**chore, "done": (chore["last_done"] or {}).get("at")}


def add(chosen: argparse.Namespace) -> int:
    wanted = {"what": chosen.what, "tag": chosen.tag, "since_h": chosen.since_h, **_given(chosen)}
    with reach.server_in(options.data_folder(chosen)) as farm:
        chore = farm.add_chore(chosen.id, wanted)
    return _say(chosen, chore, f"{chore['what']}: every {chore['every_h']:g} h, {_when(chore)}.")


def change(chosen: argparse.Namespace) -> int:
    changes = _given(chosen) | ({} if chosen.what is None else {"what": chosen.what})
    if not changes:
        raise SettingsError("Say what to change: --what, --every-h, --blocks or --no-blocks.")
    with reach.server_in(options.data_folder(chosen)) as farm:
        chore = farm.change_chore(chosen.id, chosen.chore, changes)
    return _say(chosen, chore, f"{chore['what']}: every {chore['every_h']:g} h, {_when(chore)}.")


def done(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        chore = farm.chore_is_done(chosen.id, chosen.chore, chosen.note)
    return _say(chosen, chore, f"{chore['what']} is done on {chosen.id}; {_when(chore)}.")


def remove(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        farm.remove_chore(chosen.id, chosen.chore)
    return _say(chosen, {"id": chosen.chore}, f"{chosen.chore} is taken out.")


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    fields = {"every_h": chosen.every_h, "blocks": chosen.blocks}
    return {name: value for name, value in fields.items() if value is not None}


def _when(chore: output.Row) -> str:
    left_h = chore["left_h"]
    return f"due in {left_h:g} h of printing" if left_h > 0 else f"due for {-left_h:g} h of printing"


def _say(chosen: argparse.Namespace, answer: output.Row, words: str) -> int:
    if chosen.json:
        output.say_json(answer)
    else:
        output.say(words)
    return 0
