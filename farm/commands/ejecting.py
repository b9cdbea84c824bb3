"""`farm printer eject`: whether a printer pushes its prints off by itself, and how."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from farm.commands import options, output, reach
from farm.domain.ejecting import (
    COOLEST_DEGC,
    HOTTEST_DEGC,
    MOST_CYCLES,
    USUAL_COOLING_S,
    USUAL_CYCLES,
    WARNING,
)
from farm.errors import Refused, SettingsError

_DEFAULT_MIN = USUAL_COOLING_S / 60


def add_to(printer: options.Commands) -> None:
    parser = options.command(
        printer,
        "eject",
        "let a printer push its prints off by itself, or have people clear its plate",
        run,
        examples="  farm printer eject mk4-01 on --sweep sweep.gcode --release 30 --confirmed\n"
        "  farm printer eject mk4-01 on --at-most 3 --highest 80 --material PLA --confirmed\n"
        "  farm printer eject mk4-01 off",
    )
    parser.add_argument("id", help="the printer's id")
    parser.add_argument("state", nargs="?", choices=("on", "off"), help="(default: only show how it is)")
    parser.add_argument("--sweep", metavar="FILE", type=Path, help="the moves; they begin with G1 Z{over}")
    parser.add_argument(
        "--release",
        metavar="DEGC",
        type=float,
        help=f"of the bed, at which prints come loose: {COOLEST_DEGC:g} to {HOTTEST_DEGC:g}",
    )
    parser.add_argument(
        "--at-most",
        metavar="PRINTS",
        type=int,
        help=f"in a row until somebody looks: 1 to {MOST_CYCLES} (default: {USUAL_CYCLES})",
    )
    parser.add_argument(
        "--cool-within",
        metavar="MINUTES",
        type=float,
        help=f"else a person clears the plate (default: {_DEFAULT_MIN:g})",
    )
    parser.add_argument("--lowest", metavar="MM", type=float, help="only prints at least so high")
    parser.add_argument("--highest", metavar="MM", type=float, help="only prints at most so high")
    parser.add_argument(
        "--material", dest="materials", metavar="NAME", action="append", help="only of this, or of several"
    )
    parser.add_argument("--confirmed", action="store_true", help=f"somebody has read this: {WARNING}")
    options.add_data(parser)
    options.add_json(parser)


def run(chosen: argparse.Namespace) -> int:
    given = _given(chosen)
    if (given or chosen.confirmed) and chosen.state != "on":
        raise SettingsError("How prints are pushed off goes with `on`.")
    with reach.server_in(options.data_folder(chosen)) as farm:
        profile = farm.show_printer(chosen.id)["profile"]
        if chosen.state is not None:
            profile = farm.change_printer(chosen.id, {"profile": _wish(chosen, profile, given)})["profile"]
    shown = {"auto_eject": profile["auto_eject"], "ejection": profile["ejection"]}
    if chosen.json:
        output.say_json(shown)
    else:
        output.say(f"{chosen.id}: {_in_words(profile)}")
    return 0


def _wish(chosen: argparse.Namespace, profile: output.Row, given: dict[str, Any]) -> dict[str, Any]:
    """Raises SettingsError where nobody has said how."""
    if chosen.state == "off":
        return {"auto_eject": False}
    known = profile["ejection"] or {}
    ejection = {**known, **given}
    for name, option in {"sweep": "--sweep", "release_degc": "--release"}.items():
        if name not in ejection:
            raise SettingsError(f"Say how prints are pushed off: {option} is missing.")
    confirmed = chosen.confirmed or (known.get("confirmed", False) and not given)
    return {"auto_eject": True, "ejection": {**ejection, "confirmed": confirmed}}


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    fields = {
        "sweep": None if chosen.sweep is None else _lines(chosen.sweep),
        "release_degc": chosen.release,
        "at_most": chosen.at_most,
        "cool_within_s": None if chosen.cool_within is None else chosen.cool_within * 60,
        "min_height_mm": chosen.lowest,
        "max_height_mm": chosen.highest,
        "materials": chosen.materials,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    return [line for line in (line.partition(";")[0].strip() for line in lines) if line]


def _in_words(profile: output.Row) -> str:
    wish = profile["ejection"]
    if not profile["auto_eject"]:
        known = ", though it is known how it would push prints off" if wish else ""
        return f"people clear its plate{known}."
    return (
        f"pushes prints off by itself once its bed is at {wish['release_degc']:g} °C, "
        f"{wish['at_most']} in a row until somebody looks."
    )
