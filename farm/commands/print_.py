"""`farm print`: what became of prints, and why some failed."""

from __future__ import annotations

import argparse

from farm.commands import options, output, reach
from farm.domain.job import FailureCause, PrintState

COLUMNS = {
    "id": "ID",
    "job": "JOB",
    "printer": "PRINTER",
    "state": "STATE",
    "filament_g": "GRAMS",
    "ended_at": "ENDED",
    "cause": "CAUSE",
    "reason": "REASON",
    "note": "NOTE",
}


def add_to(commands: options.Commands) -> None:
    group = options.group(commands, "print", "list prints, say why they failed")
    listing = options.command(
        group,
        "list",
        "list prints",
        list_all,
        examples="  farm print list --unexplained\n  farm print list --printer mk4-01 --state failed",
    )
    listing.add_argument("--printer", metavar="ID", help="only those on this printer")
    listing.add_argument("--job", metavar="ID", help="only those of this job")
    listing.add_argument(
        "--state", choices=list(map(str, PrintState)), metavar="STATE", help="only those in it"
    )
    listing.add_argument(
        "--unexplained", action="store_true", help="only those that failed and nobody has said why"
    )
    explaining = options.command(
        group,
        "explain",
        "say why a print failed",
        explain,
        examples="  farm print explain 3f9k2m0a7qzt came_off --note 'greasy plate'",
    )
    explaining.add_argument("id", help="its id, as `farm print list` shows it")
    explaining.add_argument(
        "cause", choices=list(map(str, FailureCause)), metavar="CAUSE", help=", ".join(FailureCause)
    )
    explaining.add_argument("--note", help="what else there is to remember")
    for parser in (listing, explaining):
        options.add_data(parser)
        options.add_json(parser)


def list_all(chosen: argparse.Namespace) -> int:
    wanted = {"printer": chosen.printer, "job": chosen.job, "state": chosen.state}
    filters = {name: value for name, value in wanted.items() if value is not None}
    if chosen.unexplained:
        filters["unexplained"] = "true"
    with reach.server_in(options.data_folder(chosen)) as farm:
        prints = farm.list_prints(filters)
    if chosen.json:
        output.say_json(prints)
    else:
        output.say_table(prints, COLUMNS)
    return 0


def explain(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        told = farm.explain_print(chosen.id, chosen.cause, chosen.note)
    if chosen.json:
        output.say_json(told)
    else:
        output.say(f"{chosen.id}: {told['cause']}" + (f", {told['note']}" if told["note"] else "") + ".")
    return 0
