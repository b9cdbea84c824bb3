"""`farm constraints`: what the shop allows, shown, and set from a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from farm.commands import options, output, reach
from farm.errors import Refused
from farm.schedule.words import lasting, watts

LONGEST_B = 256 * 1024
FIGURES = {"called": "THE PLAN", "now": "NOW", "then": "THEN"}
IN_WORDS: Mapping[str, Callable[[float], str]] = {"s": lasting, "W": watts, "": "{:g}".format}
COLUMNS = {"what": "WHAT", "is": "IS"}


def add_to(commands: options.Commands) -> None:
    group = options.group(
        commands, "constraints", "show or set what the shop allows: hours, power, maintenance"
    )
    showing = options.command(group, "show", "show what the shop allows", show)
    setting = options.command(
        group,
        "set",
        "set what the shop allows, all of it anew, from a JSON file",
        set_all,
        examples="  farm constraints show --json > shop.json\n"
        "  farm constraints set shop.json --dry-run\n"
        "  farm constraints set shop.json",
    )
    setting.add_argument(
        "file", type=Path, help="a file as `farm constraints show --json` prints it; - is stdin"
    )
    setting.add_argument(
        "--dry-run", action="store_true", help="only see what it would do to the plan, and change nothing"
    )
    for parser in (showing, setting):
        options.add_data(parser)
        options.add_json(parser)


def show(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        found = farm.show_constraints()
    _answer(chosen, found)
    return 0


def set_all(chosen: argparse.Namespace) -> int:
    wanted = _read(chosen.file)
    with reach.server_in(options.data_folder(chosen)) as farm:
        kept = farm.set_constraints(wanted, dry_run=chosen.dry_run)
    _answer(chosen, kept)
    if chosen.dry_run and not chosen.json:
        _say_effect(kept["effect"])
    output.complain("Nothing was changed." if chosen.dry_run else "The shop allows this from now on.")
    return 0


def _read(file: Path) -> dict[str, Any]:
    """Raises Refused."""
    try:
        content = sys.stdin.read(LONGEST_B + 1) if str(file) == "-" else file.read_text("utf-8-sig")
        if len(content) > LONGEST_B:
            raise Refused(f"{file} has more than {LONGEST_B // 1024} KiB; what a shop allows is shorter.")
        wanted = json.loads(content)
    except OSError as problem:
        raise Refused(f"{file} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise Refused(f"{file} is not UTF-8; save it as that.") from problem
    except ValueError as problem:
        raise Refused(f"{file} is not JSON: {problem}.") from problem
    if not isinstance(wanted, dict):
        raise Refused(f"{file} has to hold one object, as `farm constraints show --json` prints it.")
    return wanted


def _answer(chosen: argparse.Namespace, shop: output.Row) -> None:
    if chosen.json:
        output.say_json(shop)
    else:
        output.say_table(list(_lines(shop)), COLUMNS)


def _say_effect(effect: output.Row) -> None:
    """What it would do to the plan, in sentences and side by side."""
    if effect["unknown"]:
        output.complain(f"What it would do to the plan is not known: {effect['unknown']}.")
        return
    output.say("")
    for sentence in effect["sentences"]:
        output.say(sentence)
    figures = [one for one in effect["figures"] if one["now"] != one["then"]]
    if figures:
        output.say("")
        output.say_table([_figure(one) for one in figures], FIGURES)


def _figure(one: output.Row) -> output.Row:
    """Now and then, as people read them."""
    in_words = IN_WORDS[one["unit"]]
    return {"called": one["called"], "now": in_words(one["now"]), "then": in_words(one["then"])}


def _lines(shop: output.Row) -> Iterator[output.Row]:
    hours = [_shift(shift) for shift in shop["working_hours"]] or ["somebody is always there"]
    yield from _rows("working hours", hours)
    yield {"what": "time zone", "is": shop["timezone"]}
    yield from _rows("closed", shop["closed_dates"])
    yield {"what": "operators", "is": shop["operators"]}
    yield {"what": "longest print", "is": _limit(shop["max_print_time_s"], 3600, "h")}
    yield {"what": "power", "is": _limit(shop["power_limit_kw"], 1, "kW")}
    yield from _rows("circuit", [f"{name}: {most:g} kW" for name, most in sorted(shop["circuits"].items())])
    yield from _rows("preferred", shop["preferred_printers"])
    yield from _rows("maintenance", [_window(window) for window in shop["maintenance_windows"]])


def _rows(what: str, values: Sequence[str]) -> Iterator[output.Row]:
    for value in values or ("-",):
        yield {"what": what, "is": value}


def _limit(value: float | None, unit_is: float, unit: str) -> str | None:
    return None if value is None else f"{value / unit_is:g} {unit}"


def _shift(shift: output.Row) -> str:
    until = " next day" if shift["end"] <= shift["start"] else ""
    return f"{shift['start']} to {shift['end']}{until}, {', '.join(shift['days'])}"


def _window(window: output.Row) -> str:
    those = window["affected_printers"]
    return f"{window['start']} to {window['end']}: {those if those == 'all' else ', '.join(those)}"
