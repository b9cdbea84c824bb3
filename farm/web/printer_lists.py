"""Lists of printers as shops have them: CSV from a table, and what other farms and ours export. Pure.

Whatever a list is written in, each of its printers becomes what somebody would have sent to add it alone.
FDM Monster's YAML (1.3 to 2.1) and OctoFarm's JSON (1.7) are read as their own source writes them.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from farm.domain import misshapen
from farm.domain.printer import Printer
from farm.errors import FarmError, Invalid
from farm.printers.messages import Listed
from farm.web.printers_sent import NewPrinter

COLUMNS = ("name", "url", "kind", "api_key", "username", "password", "tls", "tags", "enabled", "model", "id")
"""Of a table, in any order; name and url have to be there. Several tags stand with | between."""

MOST_LISTED = 1000
MOST_VALUES = 200_000  # in all; YAML can say the same again and again in few characters, even without end
LONGEST_WORD = 200  # characters of a name that a tag is made of
UNSAID_KIND = "octoprint"
_FDM_MONSTER = ("octoprint", "moonraker", "prusalink", "bambu")  # by its numbers of printer types
_BOOLEANS = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}

Fields: TypeAlias = dict[str, Any]


class Form(StrEnum):
    """What a list is written in."""

    CSV = "csv"
    JSON = "json"
    YAML = "yaml"


def read_list(text: str, form: Form | None = None) -> list[Listed]:
    """The printers of a list, each with what is wrong with it. form: None to look what it is written in.

    Raises Invalid for what is no list of printers at all.
    """
    form = form or _form_of(text)
    wishes = _table(text) if form is Form.CSV else _tree(text, form)
    listed = [_listed(where, row) for where, row in itertools.islice(wishes, MOST_LISTED + 1)]
    if not listed:
        raise Invalid("there is no printer in this list", "list")
    if len(listed) > MOST_LISTED:
        raise Invalid(f"these are more than {MOST_LISTED} printers, more than a farm takes", "list")
    return listed


def _form_of(text: str) -> Form:
    beginning = text.lstrip("\ufeff \r\n\t")
    if beginning.startswith(("[", "{")):
        return Form.JSON
    heading = re.split(r"[,;\t]", beginning.partition("\n")[0].strip().lower())
    return Form.CSV if {"name", "url"} <= {word.strip(' "') for word in heading} else Form.YAML


def _listed(where: str, row: Any) -> Listed:
    name = str(row.get("name") or "") if isinstance(row, Mapping) else ""
    try:
        return Listed(where, name, _wished(row))
    except FarmError as problem:
        return Listed(where, name, None, str(problem))


def _wished(row: Any) -> Printer:
    """Raises Invalid."""
    if isinstance(row, Invalid):
        raise row
    if not isinstance(row, Mapping):
        raise Invalid("this is no printer: it has no fields")
    fields = {"id": "", **row}
    try:
        return msgspec.convert(fields, NewPrinter).as_printer()
    except msgspec.ValidationError as error:
        raise misshapen.invalid(error, NewPrinter, fields) from error


# -- tables -------------------------------------------------------------------------------------------


def _table(text: str) -> Iterator[tuple[str, Any]]:
    heading = text.lstrip("\ufeff").partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=separator, strict=True)
    try:
        columns = [column.strip().lower() for column in reader.fieldnames or ()]
        _check_columns(columns)
        reader.fieldnames = columns
        for row in reader:
            if any(row.values()):
                yield f"line {reader.line_num}", _of_table(row)
    except csv.Error as error:
        raise Invalid(f"line {reader.line_num}: {error}", "list") from error


def _check_columns(columns: Sequence[str]) -> None:
    for column in columns:
        if column not in COLUMNS:
            raise Invalid(f"there is no column {column[:40]!r}; known: {', '.join(COLUMNS)}", "list")
    for needed in ("name", "url"):
        if needed not in columns:
            raise Invalid(f"the table has no column {needed}", "list")


def _of_table(row: Mapping[Any, Any]) -> Fields | Invalid:
    if None in row:
        return Invalid("it has more cells than the heading")
    cells = {name: (cell or "").strip() for name, cell in row.items()}
    enabled = cells.get("enabled", "").lower()
    fields: Fields = {
        "name": cells["name"],
        "connection": {
            "kind": cells.get("kind") or UNSAID_KIND,
            **{
                name: cells[name]
                for name in ("url", "api_key", "username", "password", "tls")
                if cells.get(name)
            },
        },
        "tags": [tag.strip() for tag in cells.get("tags", "").split("|") if tag.strip()],
        "enabled": _BOOLEANS.get(enabled, enabled),
    }
    if cells.get("model"):
        fields["profile"] = {"model": cells["model"]}
    return {**fields, "id": cells.get("id", "")}


# -- what programs write ------------------------------------------------------------------------------


def _tree(text: str, form: Form) -> Iterator[tuple[str, Any]]:
    try:
        # Python's own reader takes halves of characters, which nothing can keep.
        tree = msgspec.json.decode(text.lstrip("\ufeff")) if form is Form.JSON else msgspec.yaml.decode(text)
    except (ValueError, RecursionError) as error:  # msgspec's own are ValueErrors
        raise Invalid(f"this is not {form.upper()}: {' '.join(str(error).split())[:200]}", "list") from error
    _check_size(tree)
    rows = tree.get("printers") if isinstance(tree, dict) else tree
    if not isinstance(rows, list):
        raise Invalid("this is no list of printers", "list")
    groups = _groups(tree) if isinstance(tree, dict) else {}
    for number, row in enumerate(rows, 1):
        yield f"printer {number}", _of_tree(row, groups)


def _check_size(tree: Any) -> None:
    """Raises Invalid for a tree that says more than a list of printers can, counting what is said again."""
    waiting, values = [tree], 0
    while waiting:
        match waiting.pop():
            case dict() as fields:
                waiting += fields.values()
                values += len(fields)
            case (list() | tuple()) as items:
                waiting += items
                values += len(items)
        if values > MOST_VALUES:
            raise Invalid(f"it says more than {MOST_VALUES} things, more than a list of printers can", "list")


def _of_tree(row: Any, groups: Mapping[str, list[str]]) -> Any:
    if not isinstance(row, dict) or "printerURL" not in row:
        return row  # of our own
    look = row.get("settingsAppearance")
    name = row.get("name") or row.get("printerName") or (look.get("name") if isinstance(look, dict) else None)
    kind = row.get("printerType", 0)
    known = isinstance(kind, int) and 0 <= kind < len(_FDM_MONSTER)
    group = _word(row.get("group") or "")
    connection: Fields = {"kind": _FDM_MONSTER[kind] if known else str(kind), "url": row["printerURL"]}
    for ours, theirs in (
        ("api_key", ("apiKey", "apikey")),
        ("username", ("username",)),
        ("password", ("password",)),
    ):
        for their in theirs:
            if row.get(their):
                connection[ours] = row[their]
    if connection.get("username"):
        connection.pop("api_key", None)
    return {
        "name": name,
        "connection": connection,
        "tags": [group] if group else groups.get(str(row.get("id")), []),
        "enabled": row.get("enabled", True),
    }


def _groups(tree: Mapping[str, Any]) -> dict[str, list[str]]:
    """By a printer's id the names of the floors, groups and tags that it is in, at FDM Monster."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind in ("floors", "groups", "tags"):
        for group in _objects(tree.get(kind)):
            name = _word(group.get("name") or "")
            for place in _objects(group.get("printers")):
                names = found[str(place.get("printerId"))]
                if name and name not in names:
                    names.append(name)
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _word(text: Any) -> str:
    """A name as a tag may be."""
    return re.sub(r"[,/\s]+", " ", str(text)[:LONGEST_WORD]).strip()[:40].strip()
