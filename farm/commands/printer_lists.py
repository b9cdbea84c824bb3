"""`farm printer import` and `export`: whole lists of printers."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from farm.commands import options, output, reach
from farm.domain.printer import SIMULATED
from farm.errors import Refused

FORMS = ("csv", "json", "yaml")
COLUMNS = {"where": "WHERE", "id": "ID", "name": "NAME", "problem": "WHAT IS WRONG"}
TABLE = ("id", "name", "kind", "url", "username", "tls", "tags", "enabled", "model")
SENT = ("id", "name", "tags", "enabled", "health_check_interval_s", "max_retries", "profile")
LONGEST_B = 200_000  # bytes of a list; a thousand printers stay below


def add_to(printer: options.Commands) -> None:
    importing = options.command(
        printer,
        "import",
        "set up all printers of a list, or none where something is wrong with one",
        import_list,
        examples="  farm printer import printers.csv --dry-run\n"
        "  farm printer import fdm-monster-export.yaml\n\n"
        "A table has a heading with some of these columns, in any order; name and url have to be there:\n"
        "  name,url,kind,api_key,username,password,tls,tags,enabled,model,id\n"
        "  Left MK4,http://192.168.1.20,octoprint,A4B9C1D7,,,,row-a|pla,yes,Prusa MK4,\n"
        "What FDM Monster exports (YAML) and OctoFarm (JSON) is read as it is.",
    )
    importing.add_argument("file", type=Path, help="the list; - is standard input")
    importing.add_argument("--form", choices=FORMS, help="what it is written in (default: the farm looks)")
    importing.add_argument("--dry-run", action="store_true", help="only say what would come of it")
    exporting = options.command(
        printer,
        "export",
        "write the list of printers, without their keys and passwords",
        export_list,
        examples="  farm printer export > printers.json\n  farm printer export --form csv > printers.csv",
    )
    exporting.add_argument("--form", choices=("json", "csv"), default="json", help="(default: json)")
    for parser in (importing, exporting):
        options.add_data(parser)
    options.add_json(importing)


def import_list(chosen: argparse.Namespace) -> int:
    """Looks at all of it first. Exit code 1 when something is wrong, and nothing was set up."""
    wish = {"list": _read(chosen.file), "form": chosen.form}
    with reach.server_in(options.data_folder(chosen)) as farm:
        told = farm.import_printers(wish, dry_run=True)
        wrong = [item for item in told["items"] if item["problem"]]
        if not wrong and not chosen.dry_run:
            told = farm.import_printers(wish, dry_run=False)
            wrong = [item for item in told["items"] if item["problem"]]
    if chosen.json:
        output.say_json(told)
    else:
        output.say_table(wrong or told["items"], COLUMNS)
        output.complain(_summary(len(told["items"]), len(wrong), chosen.dry_run))
    return 1 if wrong else 0


def _summary(number: int, wrong: int, dry_run: bool) -> str:
    if wrong:
        return f"{wrong} of {number} printers cannot be set up so. Nothing was changed."
    if dry_run:
        return f"{number} printers would be set up. Nothing was changed."
    return f"{number} printers are in the farm. Look at their plates; when they are clear, say so."


def _read(file: Path) -> str:
    """Raises Refused."""
    try:
        content = sys.stdin.buffer.read(LONGEST_B + 1) if str(file) == "-" else file.read_bytes()
        if len(content) > LONGEST_B:
            raise Refused(f"{file} has more than {LONGEST_B // 1000} kB; a list of printers is shorter.")
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise Refused(f"{file} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise Refused(f"{file} is not UTF-8; save it as that (in Excel: CSV UTF-8).") from problem


def export_list(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        printers = farm.list_printers()
    if chosen.form == "json":
        output.say(json.dumps({"printers": [_as_sent(each) for each in printers]}, indent=2))
    else:
        _say_csv(printers)
    if any(each["connection"]["kind"] != SIMULATED for each in printers):
        output.complain("Keys and passwords are not in it: the farm gives none of them away.")
    return 0


def _as_sent(printer: output.Row) -> dict[str, Any]:
    """A printer as one sends it to be added."""
    connection = {name: value for name, value in printer["connection"].items() if value is not None}
    loaded = [{**each, "spool": None} for each in printer["profile"]["loaded"]]
    profile = {**printer["profile"], "loaded": loaded}
    return {**{name: printer[name] for name in SENT}, "connection": connection, "profile": profile}


def _say_csv(printers: list[output.Row]) -> None:
    """Simulated printers have no address, and no place in a table."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(TABLE)
    for printer in printers:
        connection = printer["connection"]
        if connection["kind"] == SIMULATED:
            output.complain(f"{printer['id']} is simulated; only JSON can hold it.")
            continue
        flat = {
            **connection,
            **printer,
            "tags": "|".join(printer["tags"]),
            "model": printer["profile"]["model"],
        }
        table.writerow([_cell(flat.get(name, "")) for name in TABLE])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
