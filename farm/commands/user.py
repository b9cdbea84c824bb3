"""`farm user`: people, added and changed from the shop PC."""

from __future__ import annotations

import argparse
import getpass
import sys

from farm.commands import options, output, reach
from farm.domain.user import Role
from farm.errors import Invalid, SettingsError

COLUMNS = {"username": "NAME", "role": "ROLE", "enabled": "ENABLED", "created_at": "ADDED", "id": "ID"}


def add_to(commands: options.Commands) -> None:
    group = options.group(commands, "user", "add people, list them, switch them off, give a new password")
    adding = options.command(
        group,
        "add",
        "add a person, and ask for their password",
        add,
        examples="  farm user add anna --role operator\n  farm user add anna --password-stdin < secret.txt",
    )
    adding.add_argument("name", help="the user name, without blanks")
    adding.add_argument(
        "--role",
        choices=list(map(str, Role)),
        default=str(Role.OPERATOR),
        metavar="ROLE",
        help=f"one of {', '.join(Role)} (default: {Role.OPERATOR})",
    )
    _add_password(adding)
    listing = options.command(group, "list", "list everybody who may log in", list_all)
    disabling = options.command(group, "disable", "switch a person's account off, at once", disable)
    disabling.add_argument("name", help="the user name")
    resetting = options.command(
        group, "reset-password", "give a person a new password; they have to log in again", reset_password
    )
    resetting.add_argument("name", help="the user name")
    _add_password(resetting)
    for parser in (adding, listing, disabling, resetting):
        options.add_data(parser)
        options.add_json(parser)


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input, its first line"
    )


def add(chosen: argparse.Namespace) -> int:
    password = read_password(chosen)
    with reach.farm_in(options.data_folder(chosen), may_be_new=True) as farm:
        user = farm.add_user(chosen.name, password, Role(chosen.role))
    _answer(chosen, user, f"{user['username']} may log in now, as {user['role']}.")
    return 0


def list_all(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        users = farm.list_users()
    if chosen.json:
        output.say_json(users)
    else:
        output.say_table(users, COLUMNS)
    return 0


def disable(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        user = farm.disable_user(chosen.name)
    _answer(chosen, user, f"{user['username']} cannot log in any more.")
    return 0


def reset_password(chosen: argparse.Namespace) -> int:
    password = read_password(chosen)
    with reach.farm_in(options.data_folder(chosen)) as farm:
        user = farm.reset_password(chosen.name, password)
    _answer(chosen, user, f"{user['username']} has a new password and has to log in again.")
    return 0


def read_password(chosen: argparse.Namespace) -> str:
    """The password, asked for twice without echo, or the first line of standard input.

    Raises SettingsError where there is nobody to ask, Invalid when the two differ.
    """
    if chosen.password_stdin:
        line = sys.stdin.readline()
        if not line:
            raise SettingsError("No password came in on standard input.")
        return line.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise SettingsError("There is no terminal to ask for the password at; use --password-stdin.")
    password = getpass.getpass(f"Password for {chosen.name}: ")
    if getpass.getpass("The same again: ") != password:
        raise Invalid("The two passwords differ; nothing was changed.", "password")
    return password


def _answer(chosen: argparse.Namespace, user: output.Row, sentence: str) -> None:
    if chosen.json:
        output.say_json(user)
    else:
        output.say(sentence)
