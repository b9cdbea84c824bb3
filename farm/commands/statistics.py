"""`farm statistics`: what the printers did, what it took and what it cost."""

from __future__ import annotations

import argparse
from typing import Any

from farm.commands import options, output, reach

COLUMNS = {
    "name": "NAME",
    "good": "GOOD",
    "bad": "FAILED",
    "success": "SUCCESS",
    "printed_h": "HOURS",
    "printing": "PRINTING",
    "waiting": "WAITING",
    "filament_kg": "KG",
    "energy_kwh": "KWH",
    "cost": "COST",
}


_OF_DAYS = ("name", "good", "bad", "printed_h", "filament_kg")


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "statistics",
        "show what the printers did, what it took and what it cost",
        show,
        examples="  farm statistics\n"
        "  farm statistics --from 2026-01-01 --to 2026-01-31 --printer mk4-01\n"
        "  farm statistics --csv --by day > january.csv",
    )
    parser.add_argument("--from", dest="first", metavar="DAY", help="the first day, like 2026-01-31")
    parser.add_argument("--to", dest="last", metavar="DAY", help="the last day (default: today)")
    parser.add_argument("--printer", metavar="ID", help="only this one")
    parser.add_argument("--material", metavar="NAME", help="only prints of this one")
    parser.add_argument(
        "--by", choices=("printer", "material", "day"), default="printer", help="what each line is about"
    )
    options.add_data(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all of it, for a program")
    form.add_argument("--csv", action="store_true", help="a table for a spreadsheet")


def show(chosen: argparse.Namespace) -> int:
    wanted = {
        "from": chosen.first,
        "to": chosen.last,
        "printer": chosen.printer,
        "material": chosen.material,
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    with reach.server_in(options.data_folder(chosen)) as farm:
        if chosen.csv:
            for piece in farm.statistics_sheet({**query, "by": chosen.by}):
                output.say_piece(piece)
            return 0
        told = farm.statistics(query)
    if chosen.json:
        output.say_json(told)
        return 0
    output.say(f"{told['from']} to {told['to']} ({told['timezone']})")
    columns = {**COLUMNS, "cost": f"COST {told['currency']}".strip()}
    if chosen.by == "day":
        columns = {name: title for name, title in columns.items() if name in _OF_DAYS}
    output.say_table(_rows(told, chosen.by), columns)
    return 0


def _rows(told: dict[str, Any], by: str) -> list[output.Row]:
    if by == "day":
        return [
            {
                "name": day["day"],
                "good": day["good"],
                "bad": day["bad"],
                "printed_h": f"{day['printed_h']:.1f}",
                "filament_kg": _kg(day["filament_g"]),
            }
            for day in told["days"]
        ]
    if by == "material":
        rows = [_row(each["material"] or "unknown", each["figures"]) for each in told["materials"]]
    else:
        rows = [_row(each["printer"], each["figures"], each["time"]) for each in told["printers"]]
    return [*rows, _row("all", told["figures"], told["time"])]


def _row(name: str, figures: dict[str, Any], time: dict[str, Any] | None = None) -> output.Row:
    energy, cost, success = figures["energy_kwh"], figures["cost"]["total"], figures["success_rate"]
    return {
        "name": name,
        "good": figures["good"],
        "bad": figures["failed"] + figures["spoiled"],
        "success": None if success is None else f"{success:.0%}",
        "printed_h": f"{figures['printed_h']:.1f}",
        "printing": None if time is None else f"{time['printing']:.0%}",
        "waiting": None if time is None else f"{time['waiting']:.0%}",
        "filament_kg": _kg(figures["filament_g"]),
        "energy_kwh": None if energy is None else f"{energy:.1f}",
        "cost": None if cost is None else f"{cost:.2f}",
    }


def _kg(grams: float) -> str:
    return f"{grams / 1000:.2f}"
