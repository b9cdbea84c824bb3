"""`farm optimise`: a smaller copy of a G-code file that prints the same."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.commands import compiling, options, output
from farm.domain.optimising import ARC_STEPS_MM, TOLERANCES_MM, Comments, Proven
from farm.errors import FarmError, Invalid, Refused, SettingsError
from farm.platform import rename_durably

if TYPE_CHECKING:  # loaded where they are used: `farm --help` is there at once
    from farm.files.optimise.additions import Ejection
    from farm.files.optimise.copying import Wishes

COLUMNS = {"what": "", "bytes": "BYTES", "lines": "LINES", "moves": "MOVES", "seconds": "SECONDS"}


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "optimise",
        "write a smaller copy of a G-code file that prints the same",
        run,
        examples="  farm optimise benchy.gcode -o benchy.small.gcode\n"
        "  farm optimise vase.gcode -o out.gcode --tolerance 0.02\n"
        "  farm optimise plate.gcode -o out.gcode --no-arcs --comments none",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="where the copy goes")
    parser.add_argument(
        "--tolerance",
        metavar="MM",
        type=options.millimetres(*TOLERANCES_MM),
        default=0.05,
        help="the most that an arc may stray from the lines it takes the place of (default: 0.05)",
    )
    parser.add_argument(
        "--arc-step",
        metavar="MM",
        type=options.millimetres(*ARC_STEPS_MM),
        default=1.0,
        help="how long the pieces are that the printer makes of arcs; small arcs that would get visible "
        "corners are left as they are (default: 1, as Klipper's and old Marlin's)",
    )
    parser.add_argument("--no-arcs", action="store_true", help="for a printer without G2 and G3")
    parser.add_argument(
        "--comments",
        choices=[*Comments],
        default=Comments.HOST,
        help="which are kept: those that print hosts read (the default), all, or none",
    )
    parser.add_argument(
        "--progress", action="store_true", help="tell the printer its progress (M73), where the file does not"
    )
    ejecting = parser.add_argument_group(
        "pushing the print off its plate",
        "At its end the bed cools, and the toolhead does the moves in SWEEP, a text file of G0 and G1. The "
        "first is G1 Z{over} F900: up to what is clear above the print.",
    )
    ejecting.add_argument("--eject", metavar="SWEEP", type=Path, help="the file of moves")
    ejecting.add_argument(
        "--release", metavar="DEGC", type=float, help="the temperature of the bed at which prints come loose"
    )
    ejecting.add_argument(
        "--volume", metavar="X,Y,Z", type=_volume, help="how far the toolhead can go, in millimetres"
    )
    parser.add_argument("--force", action="store_true", help="write over an OUT that is there already")
    options.add_json(parser)


def _volume(text: str) -> tuple[float, float, float]:
    edge = options.millimetres(1, 5000)
    edges = [edge(each) for each in text.split(",")]
    if len(edges) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is no volume; write 250,210,220")
    return edges[0], edges[1], edges[2]


def run(chosen: argparse.Namespace) -> int:
    """1, and no copy, where a copy would not print the same."""
    began = time.monotonic()
    try:
        proven = _optimise(chosen)
    except FarmError as problem:
        if not chosen.json:
            raise
        output.say_json({"file": str(chosen.file), "ok": False, "error": str(problem)})
        return 1
    if chosen.json:
        result = {**asdict(proven), "took_s": round(time.monotonic() - began, 3)}
        output.say_json({"file": str(chosen.file), "out": str(chosen.output), "ok": True, "result": result})
    else:
        _show(proven)
    return 0


def _optimise(chosen: argparse.Namespace) -> Proven:
    source, out = chosen.file, chosen.output
    _require_good_place(source, out, chosen.force)
    try:
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    try:
        proven = _written(source, part, _wishes(chosen))
        rename_durably(part, out)
        return proven
    except Invalid as problem:
        raise Invalid(f"{source} stays as it is: {problem}") from problem
    except OSError as error:
        raise Refused(f"{source} cannot be copied to {out}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _require_good_place(source: Path, out: Path, force: bool) -> None:
    if not source.is_file():
        raise Refused(f"{source} is no file")
    if out.is_dir():
        raise Refused(f"{out} is a folder; name the file that the copy shall be")
    if not out.exists():
        return
    if out.samefile(source):
        raise Refused("a copy never takes the place of its original; name another OUT")
    if not force:
        raise Refused(f"{out} is there already; --force writes over it")


def _wishes(chosen: argparse.Namespace) -> Wishes:
    from farm.files.optimise.arcs import ArcSupport
    from farm.files.optimise.copying import Wishes

    arcs = None if chosen.no_arcs else ArcSupport(chosen.tolerance, chosen.arc_step)
    return Wishes(Comments(chosen.comments), arcs, chosen.progress, _ejection(chosen))


def _ejection(chosen: argparse.Namespace) -> Ejection | None:
    from farm.files.optimise.additions import Ejection

    given = [value is not None for value in (chosen.eject, chosen.release, chosen.volume)]
    if not any(given):
        return None
    if not all(given):
        raise SettingsError("--eject, --release and --volume go together. Name all three.")
    try:
        lines = chosen.eject.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{chosen.eject} cannot be read: {error}") from error
    sweep = (line.partition(";")[0].strip() for line in lines)
    return Ejection(chosen.release, tuple(line for line in sweep if line), chosen.volume)


def _written(source: Path, target: Path, wishes: Wishes) -> Proven:
    compiled = "NUMBA_CACHE_DIR"  # where a worker process would keep it, and before numba is imported
    os.environ[compiled] = compiling.surroundings().environment()[compiled]
    from farm.files.optimise.proof import write_proven_copy

    with output.Progress(source.name) as progress:
        progress.say("getting ready; the first time of all this takes a minute")
        return write_proven_copy(source, target, wishes, progress.at)


def _show(proven: Proven) -> None:
    savings = proven.savings
    rows: list[dict[str, Any]] = [
        {
            "what": what,
            "bytes": size.bytes,
            "lines": size.lines,
            "moves": size.moves,
            "seconds": f"{seconds:.0f}",
        }
        for what, size, seconds in zip(
            ("original", "copy"), (savings.before, savings.after), proven.seconds, strict=True
        )
    ]
    output.say_table(rows, COLUMNS)
    if savings.deviation_mm is None:
        output.say("no arcs")
    else:
        output.say(
            f"{savings.arcs} arcs in the place of {savings.arc_lines} lines, "
            f"never more than {savings.deviation_mm:.3f} mm from them"
        )
    output.say("read again, the copy prints the same")
