"""What has to be true of whatever is sent to be planned. Raises Invalid by the field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from farm.errors import Invalid
from farm.schedule.problem import FOREVER, Span
from farm.schedule.spans import merged


def names_of(names: Sequence[str], field: str, *, any_number: bool = False) -> Collection[str]:
    """The names, that are there and each of its own."""
    if not names and not any_number:
        raise Invalid(f"{field}: a plan needs at least one printer", field)
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in seen:
            where = f"{field}[{number}]"
            raise Invalid(f"{where}: {name} is the name of {field}[{seen[name]}], too", where)
        seen[name] = number
    return seen


def require_known(named: Iterable[Any], known: Collection[Any], field: str) -> None:
    """That they are printers."""
    for name in named:
        if name not in known:
            raise Invalid(f"{field}: there is no printer {name}", field)


def require_ahead(start: int, end: int, field: str, part: str) -> None:
    """That a span has an end after its start. part: the field to be mended if not."""
    if end <= start:
        raise Invalid(f"{part}: {end} is not after {start}, the start of {field}", part)
    if not -FOREVER < start <= end < FOREVER:
        raise Invalid(f"{field}: further away than any plan reaches", field)


def spans(told: Sequence[Sequence[int]], field: str, unit: int = 1) -> tuple[Span, ...]:
    """From now on, in order and apart. unit: in seconds."""
    for number, (start, end) in enumerate(told):
        require_ahead(start * unit, end * unit, f"{field}[{number}]", f"{field}[{number}]")
    return merged((max(0, start * unit), end * unit) for start, end in told)


def moment(text: str, field: str) -> datetime:
    """An instant, in a year that zones can be asked about."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1971 <= found.year <= 2999:
        raise Invalid(f"{field}: a time with its zone, like 2026-01-31T08:00:00Z", field)
    return found


def calendar_date(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{field}: a date like 2026-12-25", field) from error
