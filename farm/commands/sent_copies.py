"""`farm printer optimise`: whether a printer is sent smaller copies of files, and which."""

from __future__ import annotations

import argparse
from typing import Any

from farm.commands import options, output, reach
from farm.domain.optimising import ARC_STEPS_MM, TOLERANCES_MM, Comments, Optimising
from farm.errors import SettingsError

_WORDS = {"host": "those that print hosts read", "all": "all", "none": "none"}


def add_to(printer: options.Commands) -> None:
    parser = options.command(
        printer,
        "optimise",
        "send a printer smaller copies of G-code files that print the same, or the files themselves",
        run,
        examples="  farm printer optimise mk4-01 on --tolerance 0.05\n"
        "  farm printer optimise mk4-01 on --comments none --progress\n"
        "  farm printer optimise mk4-01 off",
    )
    parser.add_argument("id", help="the printer's id")
    parser.add_argument("state", nargs="?", choices=("on", "off"), help="(default: only show how it is)")
    parser.add_argument(
        "--comments",
        choices=[*Comments],
        help=f"which are kept: those that print hosts read, all, or none (default: {Comments.HOST})",
    )
    arcs = parser.add_mutually_exclusive_group()
    arcs.add_argument(
        "--tolerance",
        metavar="MM",
        type=options.millimetres(*TOLERANCES_MM),
        help="put arcs (G2, G3) in the place of lines that they never stray from by more",
    )
    arcs.add_argument("--no-arcs", action="store_true", help="for a printer without G2 and G3 (the default)")
    parser.add_argument(
        "--arc-step",
        metavar="MM",
        type=options.millimetres(*ARC_STEPS_MM),
        help="how long the pieces are that the printer makes of arcs (default: 1)",
    )
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="tell the printer its progress (M73), where a file does not (default: no)",
    )
    options.add_data(parser)
    options.add_json(parser)


def run(chosen: argparse.Namespace) -> int:
    given = _given(chosen)
    if given and chosen.state != "on":
        raise SettingsError("What copies are like goes with `on`.")
    with reach.server_in(options.data_folder(chosen)) as farm:
        profile = farm.show_printer(chosen.id)["profile"]
        if chosen.state is not None:
            wish = {**(profile["optimise"] or {}), **given} if chosen.state == "on" else None
            profile = farm.change_printer(chosen.id, {"profile": {"optimise": wish}})["profile"]
    if chosen.json:
        output.say_json(profile["optimise"])
    else:
        output.say(f"{chosen.id}: {_in_words(profile['optimise'])}")
    return 0


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    fields = {
        "comments": chosen.comments,
        "arc_tolerance_mm": chosen.tolerance,
        "arc_step_mm": chosen.arc_step,
        "progress": chosen.progress,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return given | {"arc_tolerance_mm": None} if chosen.no_arcs else given


def _in_words(row: output.Row | None) -> str:
    if row is None:
        return "files are sent as they are."
    wish = Optimising(**{**row, "comments": Comments(row["comments"])})
    arcs = "no arcs" if wish.arc_tolerance_mm is None else f"arcs within {wish.arc_tolerance_mm:g} mm"
    progress = "; progress told" if wish.progress else ""
    return f"smaller copies are sent; comments: {_WORDS[wish.comments]}; {arcs}{progress}."
