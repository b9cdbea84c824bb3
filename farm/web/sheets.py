"""Answers for spreadsheets: CSV, sent line by line as it is read, whatever its length."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Annotated, TypeAlias

from quart import Response

from farm.web.contract import Sends

CSV = "text/csv"

Cell: TypeAlias = str | int | float | bool | None

Sheet: TypeAlias = Annotated[Response, Sends((CSV,))]
"""What a route answers that sends a table."""

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def sheet(name: str, columns: Sequence[str], pieces: AsyncGenerator[Iterable[Sequence[Cell]]]) -> Response:
    """A table to be saved as `name`. pieces: of its rows, each asked for when the one before was sent."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(_sent(columns, pieces), 200, headers, content_type=CSV)


async def _sent(
    columns: Sequence[str], pieces: AsyncGenerator[Iterable[Sequence[Cell]]]
) -> AsyncGenerator[bytes]:
    yield as_csv([columns])
    async with aclosing(pieces):
        async for rows in pieces:
            yield as_csv(rows)


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows as RFC 4180 has them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(each) for each in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Cell) -> str | int | float:
    """As a spreadsheet may have it: what people called something must not be run there as a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_BEGINS_FORMULA):
        return f"'{value}"
    return value
