"""`farm spool`: the shop's filament, how much of it is left, and where it is loaded."""

from __future__ import annotations

import argparse
from typing import Any

from farm.commands import options, output, reach
from farm.errors import SettingsError

COLUMNS = {
    "id": "ID",
    "material": "MATERIAL",
    "colour": "COLOUR",
    "name": "NAME",
    "left_g": "LEFT G",
    "reserved_g": "RESERVED G",
    "printer": "PRINTER",
    "tool": "TOOL",
}
UNKNOWN = "unknown"


def add_to(commands: options.Commands) -> None:
    group = options.group(
        commands, "spool", "keep spools of filament: what is left of them, where they are loaded"
    )
    listing = options.command(group, "list", "list every spool", list_all)
    adding = options.command(
        group,
        "add",
        "add a spool that lies on a shelf",
        add,
        examples="  farm spool add PLA --colour black --name 'Prusament Galaxy'\n"
        "  farm spool add PETG --full-g 750 --left-g 310",
    )
    adding.add_argument("material", help="PLA, PETG, ...")
    changing = options.command(
        group,
        "change",
        "make something else of a spool, as after weighing it",
        change,
        examples="  farm spool change 3f9k2m0a7qzt --left-g 410\n"
        "  farm spool change 3f9k2m0a7qzt --left-g unknown",
    )
    changing.add_argument("--material", help="PLA, PETG, ...")
    loading = options.command(
        group,
        "load",
        "say that somebody has put a spool into a printer",
        load,
        examples="  farm spool load 3f9k2m0a7qzt mk4-01\n  farm spool load 3f9k2m0a7qzt xl-01 --tool 2",
    )
    unloading = options.command(group, "unload", "say that it was taken out of its printer", unload)
    removing = options.command(group, "remove", "forget a spool that lies on a shelf", remove)
    for parser in (changing, loading, unloading, removing):
        parser.add_argument("id", help="its id, as `farm spool list` shows it")
    loading.add_argument("printer", help="the printer's id")
    loading.add_argument("--tool", type=int, default=0, metavar="N", help="which tool, from 0 (default: 0)")
    for parser in (adding, changing):
        parser.add_argument("--colour", help="as people call it")
        parser.add_argument("--name", help="what it is called in the shop")
        parser.add_argument("--note", help="what there is to remember of it")
        parser.add_argument("--full-g", type=float, metavar="GRAMS", help="on a new one (default: 1000)")
        parser.add_argument(
            "--left-g", type=_grams, metavar="GRAMS", help=f"on it now, or {UNKNOWN} (default: it is full)"
        )
    for parser in (listing, adding, changing, loading, unloading, removing):
        options.add_data(parser)
        options.add_json(parser)


def _grams(text: str) -> float | str:
    if text == UNKNOWN:
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of grams, nor {UNKNOWN}") from None


def list_all(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        spools = farm.list_spools()
    if chosen.json:
        output.say_json(spools)
    else:
        output.say_table([{**each, "left_g": _left(each)} for each in spools], COLUMNS)
    return 0


def _left(spool: output.Row) -> str:
    return UNKNOWN if spool["left_g"] is None else f"{spool['left_g']:g}"


def add(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        return _say(chosen, farm.add_spool({"material": chosen.material, **_given(chosen)}))


def change(chosen: argparse.Namespace) -> int:
    changes = _given(chosen) | ({} if chosen.material is None else {"material": chosen.material})
    if not changes:
        raise SettingsError("Say what to change: --left-g, --name, --note, --full-g, --material or --colour.")
    with reach.server_in(options.data_folder(chosen)) as farm:
        return _say(chosen, farm.change_spool(chosen.id, changes))


def load(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        return _say(chosen, farm.load_spool(chosen.id, chosen.printer, chosen.tool))


def unload(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        return _say(chosen, farm.unload_spool(chosen.id))


def remove(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        farm.remove_spool(chosen.id)
    if chosen.json:
        output.say_json({"id": chosen.id})
    else:
        output.say(f"{chosen.id} is forgotten.")
    return 0


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    fields = {name: getattr(chosen, name) for name in ("colour", "name", "note", "full_g", "left_g")}
    given = {name: value for name, value in fields.items() if value is not None}
    return {name: None if value == UNKNOWN and name == "left_g" else value for name, value in given.items()}


def _say(chosen: argparse.Namespace, spool: output.Row) -> int:
    if chosen.json:
        output.say_json(spool)
    else:
        what = " ".join(filter(None, (spool["material"], spool["colour"])))
        where = f"in tool {spool['tool']} of {spool['printer']}" if spool["printer"] else "on the shelf"
        output.say(f"{spool['id']}: {what}, {_left(spool)} g left, {where}.")
    return 0
