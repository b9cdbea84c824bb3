"""Measures the farm's promises on this machine.

    python3 scripts/bench.py                         lists the benchmarks
    python3 scripts/bench.py NAME [--json] [--quick] runs one

--json prints one object instead of a table, --quick finishes within a minute. A goal that is missed is
a finding, shown as such, and no failure of the run. The first time it makes `.venv` with all that the
tests need.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import environment

if TYPE_CHECKING:
    from scripts.benches.figure import Figure

BENCHES = environment.CHECKOUT / "scripts" / "benches"
NOT_BENCHES = {"__init__", "figure", "shop"}


def main(arguments: list[str]) -> int:
    """Lists the benchmarks or runs one, inside the project's environment. Returns the exit code."""
    listing = benchmarks(BENCHES)
    parser = argparse.ArgumentParser(
        prog="bench.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=[*listing], metavar="NAME", help="the benchmark to run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a shorter, rougher measurement")
    options = parser.parse_args(arguments)
    if options.name is None:
        print(list_text(listing))
        return 0
    ours = environment.for_testing()
    environment.prepare(ours)
    if Path(sys.prefix).resolve() != ours.folder.resolve():
        return environment.become([str(ours.interpreter), os.path.abspath(__file__), *arguments])
    figures: list[Figure] = importlib.import_module(f"scripts.benches.{options.name}").run(options.quick)
    if options.json:
        print(json.dumps(report(options.name, figures)))
    else:
        print(table(figures))
    return 0


def benchmarks(folder: Path) -> dict[str, str]:
    """Each benchmark in the folder with the first line of its docstring, read without running it."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        if path.stem not in NOT_BENCHES:
            words = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "(says nothing about itself)"
            found[path.stem] = words.splitlines()[0]
    return found


def list_text(listing: dict[str, str]) -> str:
    """The benchmarks, one a line."""
    if not listing:
        return "There are no benchmarks yet."
    width = max(map(len, listing))
    return "\n".join(f"{name:{width}}  {words}" for name, words in listing.items())


def report(name: str, figures: Sequence[Figure]) -> dict[str, object]:
    """The object that --json prints."""
    return {"bench": name, "machine": machine(), "figures": [figure.as_json() for figure in figures]}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {"cpu": processor(), "cores": os.cpu_count() or 1, "python": platform.python_version()}


def processor() -> str:
    """The processor's name where the system tells, else its kind."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(figures: Sequence[Figure]) -> str:
    """The figures in aligned columns, numbers to four digits."""
    rows = [("figure", "value", "unit", "rival", "ratio", "goal", "met")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in (1, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, str, str, str, str, str, str]:
    rival = f"{figure.rival.name}: {short(figure.rival.value)}" if figure.rival else "-"
    ratio = "-" if figure.ratio is None else short(figure.ratio)
    met = {True: "yes", False: "NO", None: "-"}[figure.met]
    return figure.name, short(figure.value), figure.unit, rival, ratio, figure.goal or "-", met


def short(value: float) -> str:
    """A number for people: four digits that count, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


if __name__ == "__main__":
    environment.run_script(main)
