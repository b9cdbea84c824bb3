"""What commands print: tables for people, JSON for programs, problems on the error stream."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One user, key, printer or job, JSON-ready, as the HTTP API shows it."""

BAR = 24  # characters


def say(text: str) -> None:
    """A line for the person, or the program, that asked."""
    sys.stdout.write(f"{text}\n")


def say_piece(text: str) -> None:
    """Part of an answer that has its own ends of lines."""
    sys.stdout.write(text)


def complain(text: str) -> None:
    """A problem, or what a person should know beside the answer."""
    sys.stderr.write(f"{text}\n")


def say_json(value: Any) -> None:
    """The answer for a program."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(rows: Sequence[Row], columns: Mapping[str, str]) -> None:
    """Aligned columns, each a key of the rows under its heading; empty places show a dash."""
    lines = [list(columns.values()), *([_cell(row.get(key)) for key in columns] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


class Progress:
    """How far something long is, on a line of the terminal that goes away again; silent where no person
    watches."""

    def __init__(self, what: str, total: float = 1.0) -> None:
        self._what = what
        self._total = total
        self._shown = ""
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._draw("")
            sys.stderr.write("\r")

    def say(self, words: str) -> None:
        """Instead of the bar."""
        self._draw(f"{self._what}: {words}")

    def at(self, done: float) -> None:
        """done: of `total`."""
        share = min(1.0, done / self._total) if self._total else 1.0
        full = round(share * BAR)
        self._draw(f"{self._what}  [{'#' * full}{'.' * (BAR - full)}] {share:4.0%}")

    def _draw(self, line: str) -> None:
        if self._watched and line != self._shown:
            sys.stderr.write(f"\r{line:{len(self._shown)}}")
            sys.stderr.flush()
            self._shown = line


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "none"
    return str(value)
