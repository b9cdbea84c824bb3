"""`farm key`: API keys for slicers and other programs."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from farm.commands import options, output, reach
from farm.domain.user import Scope

COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "scopes": "SCOPES",
    "printers": "PRINTERS",
    "tags": "TAGS",
    "target": "TARGET",
    "expires_at": "EXPIRES",
    "revoked_at": "REVOKED",
    "last_used_at": "LAST USED",
}


def add_to(commands: options.Commands) -> None:
    group = options.group(commands, "key", "make API keys for programs, list them, revoke them")
    adding = options.command(
        group,
        "add",
        "make an API key, which is shown this once",
        add,
        examples="  farm key add slicer-office --scope upload --scope queue --target queue\n"
        "  farm key add dashboard --scope read --days 365\n"
        "  farm key add row-a --scope control --tag row-a",
    )
    adding.add_argument("name", help="what it is called in lists: say where it is used")
    adding.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        required=True,
        choices=list(map(str, Scope)),
        metavar="SCOPE",
        help=f"what it is good for, may be given again: {', '.join(Scope)}",
    )
    adding.add_argument(
        "--printer",
        dest="printers",
        action="append",
        metavar="ID",
        help="only for this printer, and others so named",
    )
    adding.add_argument(
        "--tag", dest="tags", action="append", metavar="TAG", help="only for printers with this tag"
    )
    adding.add_argument(
        "--target",
        help="where its uploads go: queue, printer:ID or group:TAG (default: where the program says)",
    )
    adding.add_argument(
        "--days", type=_days, help="for how many days it is good, from now (default: until it is revoked)"
    )
    listing = options.command(group, "list", "list every key, newest first", list_all)
    revoking = options.command(group, "revoke", "end a key, at once and for ever", revoke)
    revoking.add_argument("id", help="its id, as `farm key list` shows it")
    for parser in (adding, listing, revoking):
        options.add_data(parser)
        options.add_json(parser)


def _days(text: str) -> timedelta:
    try:
        days = float(text)
    except ValueError:
        days = 0
    if not 0 < days <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, more than 0 and at most 36500")
    return timedelta(days=days)


def add(chosen: argparse.Namespace) -> int:
    expires_at = datetime.now(UTC) + chosen.days if chosen.days else None
    with reach.farm_in(options.data_folder(chosen), may_be_new=True) as farm:
        key = farm.add_key(
            chosen.name,
            [Scope(scope) for scope in chosen.scopes],
            chosen.printers,
            chosen.tags,
            chosen.target,
            expires_at,
        )
    if chosen.json:
        output.say_json(key)
        return 0
    output.complain(f"The key {key['name']}, shown this once:")
    output.say(key["key"])
    return 0


def list_all(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        keys = farm.list_keys()
    if chosen.json:
        output.say_json(keys)
    else:
        output.say_table(keys, COLUMNS)
    return 0


def revoke(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        key = farm.revoke_key(chosen.id)
    if chosen.json:
        output.say_json(key)
    else:
        output.say(f"The key {key['name']} is good for nothing any more.")
    return 0
