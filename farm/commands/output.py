"""What commands print: tables for people, JSON for programs, problems on the error stream."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One user, key, printer or job, JSON-ready, as the HTTP API shows it."""


def say(text: str) -> None:
    """A line for the person, or the program, that asked."""
    sys.stdout.write(f"{text}\n")


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
    """A line that counts up while something long goes on; silent where no person watches."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._shown = -1
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown >= 0:
            sys.stderr.write("\n")

    def at(self, done: int) -> None:
        """done: of `total`; drawn again when it is a percent more."""
        percent = 100 * done // max(self._total, 1)
        if self._watched and percent != self._shown:
            self._shown = percent
            sys.stderr.write(f"\r{self._what}  {percent:3} %")
            sys.stderr.flush()


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "none"
    return str(value)
