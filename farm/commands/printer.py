"""`farm printer`: the shop's printers, set up, looked at and commanded from the shop PC."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from farm.commands import console, ejecting, maintenance, options, output, printer_lists, reach, sent_copies
from farm.domain.command import NAMES
from farm.domain.printer import (
    HEALTH_CHECK_INTERVAL_S,
    MAX_RETRIES,
    PRINT_HOSTS,
    SIMULATED,
    Address,
    Printer,
    Profile,
    Simulation,
)
from farm.errors import Refused, SettingsError

COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "connection": "CONNECTION",
    "operation": "OPERATION",
    "plate": "PLATE",
    "tags": "TAGS",
    "url": "ADDRESS",
    "message": "MESSAGE",
}
NEIGHBOURS = {"kind": "KIND", "name": "NAME", "url": "ADDRESS", "known": "IN THE FARM AS"}
COMMANDS = (*NAMES.values(), "plate_cleared", "plate_undo")
USUAL_WAIT_S = 60  # a pause may wait for a long move, a cancel for the heat-up it falls into
UNSEEN_KIND = "octoprint"  # of a print host that nobody looked at
UNSEEN_KIND_OF_USERS = "prusalink"  # the same, where a user and a password are given

_LISTS = frozenset({"lines", "axes"})
_NUMBERS = frozenset({"good", "target_degc", "x", "y", "z"})


def add_to(commands: options.Commands) -> None:
    group = options.group(commands, "printer", "set printers up, list them, tell them what to do")
    listing = options.command(group, "list", "list every printer and how it stands", list_all)
    for parser in (*_setting_up(group), listing, *_telling(group)):
        options.add_data(parser)
        options.add_json(parser)
    printer_lists.add_to(group)
    console.add_to(group)
    maintenance.add_to(group)
    sent_copies.add_to(group)
    ejecting.add_to(group)


def _setting_up(group: options.Commands) -> tuple[argparse.ArgumentParser, ...]:
    adding = options.command(
        group,
        "add",
        "set up a printer, after a look who answers at its address",
        add,
        examples="  farm printer add mk4-01 --url http://192.168.1.20 --tag row-a\n"
        '  farm printer add mk4-02 --name "Left MK4" --url https://mk4-02.local --tls sha256:5e88...\n'
        "  farm printer add mk4-03 --url http://192.168.1.22 --api-key-stdin < key.txt\n"
        "  farm printer add mk4-04 --url http://192.168.1.23 --username maker\n"
        "  farm printer add sim1 --simulated --speed 60 --fault slow_ms=500",
    )
    adding.add_argument("id", help="a short name for addresses and scripts: a-z, 0-9, - and _")
    where = adding.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="its print host's address, as http://192.168.1.20")
    where.add_argument("--simulated", action="store_true", help="a printer that exists only in this computer")
    adding.add_argument(
        "--kind",
        choices=PRINT_HOSTS,
        help="what its print host is, or would be where it is simulated "
        f"(default: who answers there, or {UNSEEN_KIND} where nobody looks)",
    )
    adding.add_argument("--speed", type=float, help="how many times faster than real time it is simulated")
    adding.add_argument(
        "--fault",
        dest="faults",
        action="append",
        type=_fault,
        metavar="NAME=VALUE",
        help="what is wrong with it where it is simulated: manner=drop, slow_ms=500, ...",
    )
    adding.add_argument("--name", help="what people call it (default: the id)")
    adding.add_argument(
        "--tag", dest="tags", action="append", default=[], metavar="TAG", help="a group it is in, and others"
    )
    adding.add_argument("--model", help="what it is, as 'Prusa MK4': what such a printer can do is filled in")
    adding.add_argument("--no-probe", action="store_true", help="add it without looking who answers")
    adding.add_argument(
        "--health-check-interval-s",
        type=float,
        default=HEALTH_CHECK_INTERVAL_S,
        metavar="SECONDS",
        help="how often one that pushes is asked whether it still answers (default: %(default)g)",
    )
    adding.add_argument(
        "--max-retries",
        type=int,
        default=MAX_RETRIES,
        metavar="NUMBER",
        help="how often a request that failed is sent again, where that is safe (default: %(default)s)",
    )
    probing = options.command(
        group,
        "probe",
        "look who answers at an address, without adding anything",
        probe,
        examples="  farm printer probe http://192.168.1.20",
    )
    probing.add_argument("url", help="the print host's address")
    for parser in (adding, probing):
        _add_access(parser)
    discovering = options.command(
        group, "discover", "listen in the network for print hosts that announce themselves", discover
    )
    discovering.add_argument(
        "--seconds", type=float, default=3.0, metavar="N", help="how long to listen, at most 5 (default: 3)"
    )
    return adding, probing, discovering


def _telling(group: options.Commands) -> tuple[argparse.ArgumentParser, ...]:
    telling = options.command(
        group,
        "command",
        "tell a printer what to do",
        command,
        examples="  farm printer command mk4-01 pause reason='layer shift'\n"
        "  farm printer command mk4-01 plate_cleared good=4\n"
        "  farm printer command mk4-01 set_temperature heater=bed target_degc=60\n"
        "  farm printer command mk4-01 gcode lines=M115 lines=M503",
    )
    telling.add_argument("id", help="the printer's id")
    telling.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=", ".join(COMMANDS))
    telling.add_argument(
        "values", nargs="*", type=_value, metavar="NAME=VALUE", help="what the command takes; lists repeat it"
    )
    telling.add_argument(
        "--wait",
        type=_seconds,
        default=USUAL_WAIT_S,
        metavar="SECONDS",
        help=f"how long to wait for its end; 0 not at all (default: {USUAL_WAIT_S})",
    )
    stopping = options.command(
        group,
        "emergency-stop",
        "stop motion and heaters at once, of every printer or of those named (a PrusaLink only cancels)",
        emergency_stop,
        examples="  farm printer emergency-stop\n  farm printer emergency-stop mk4-01 mk4-02",
    )
    stopping.add_argument("ids", nargs="*", metavar="ID", help="only these (default: every printer)")
    return telling, stopping


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--username",
        default="",
        help="the user that a PrusaLink or a Moonraker knows us as, instead of an API key",
    )
    secret = parser.add_mutually_exclusive_group()
    for name, what in (("--api-key-stdin", "API key"), ("--password-stdin", "password")):
        secret.add_argument(
            name, action="store_true", help=f"read its {what} from standard input, the first line"
        )
    parser.add_argument(
        "--tls",
        type=_trust,
        default="system",
        metavar="TRUST",
        help="whom to trust at an https address: system, sha256:FINGERPRINT, or a PEM file (default: system)",
    )


def _trust(text: str) -> str:
    if text == "system" or text.startswith("sha256:"):
        return text
    try:
        return Path(text).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither system, nor sha256: and a fingerprint, nor a PEM file that can be read"
        ) from None


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds")
    return int(text)


def _value(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not written like reason='layer shift'")
    if name in _NUMBERS:
        try:
            return name, json.loads(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{name}: {value!r} is no number") from None
    return name, value


def _fault(text: str) -> tuple[str, Any]:
    name, value = _value(text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def add(chosen: argparse.Namespace) -> int:
    address = _simulated(chosen) if chosen.simulated else _address(chosen)
    with reach.farm_in(options.data_folder(chosen), may_be_new=True) as farm:
        if not (chosen.no_probe or chosen.simulated):
            address = _looked_at(farm, address, chosen.kind)
        wanted = Printer(
            chosen.id,
            chosen.name or chosen.id,
            address,
            frozenset(chosen.tags),
            profile=Profile(model=chosen.model),
            health_check_interval_s=chosen.health_check_interval_s,
            max_retries=chosen.max_retries,
        )
        printer = farm.add_printer(wanted)
    if chosen.json:
        output.say_json(printer)
    else:
        output.say(
            f"{printer['id']} is in the farm. Look at its plate; when it is clear, say so:\n"
            f"  farm printer command {printer['id']} plate_cleared{options.same_data(chosen)}"
        )
    return 0


def _looked_at(farm: reach.Reach, address: Address, wanted: str | None) -> Address:
    """Say who answers, and give the address of that kind. Raises Refused when it is not who is wanted."""
    found = farm.probe_printer(address)
    if found is None:
        output.complain(f"The farm is not running: who answers at {address.url} shows when it starts.")
        return address
    problem = found["problem"]
    if not problem and wanted not in (None, found["kind"]):
        problem = f"{_who(found, address.url)} That is no {PRINT_HOSTS[wanted]}."
    if problem:
        raise Refused(f"{problem}\nNothing was added. With --no-probe it is, all the same.")
    output.complain(_who(found, address.url))
    return replace(address, kind=found["kind"])


def probe(chosen: argparse.Namespace) -> int:
    """Exit code 1 when nobody answers whom the farm could drive."""
    address = _address(chosen)
    with reach.server_in(options.data_folder(chosen)) as farm:
        found = farm.probe_printer(address)
    if chosen.json:
        output.say_json(found)
    elif found["problem"]:
        output.complain(found["problem"])
    else:
        output.say(_who(found, address.url))
    return 1 if found["problem"] else 0


def discover(chosen: argparse.Namespace) -> int:
    """Exit code 1 when nobody could be heard."""
    with reach.server_in(options.data_folder(chosen)) as farm:
        heard = farm.discover(chosen.seconds)
    if chosen.json:
        output.say_json(heard)
    elif heard["problem"]:
        output.complain(heard["problem"])
    elif not heard["items"]:
        output.complain(
            "Nobody announces a print host here; add printers by their addresses. "
            "A Moonraker announces itself only with [zeroconf] in its moonraker.conf."
        )
    else:
        output.say_table(heard["items"], NEIGHBOURS)
    return 1 if heard["problem"] else 0


def _who(found: output.Row, url: str) -> str:
    identity = found["identity"]
    words = " ".join(filter(None, (PRINT_HOSTS.get(found["kind"], found["kind"]), identity["version"])))
    name = f", named {identity['name']}" if identity["name"] else ""
    return f"{words} answers at {url}{name}."


def _simulated(chosen: argparse.Namespace) -> Address:
    dialect = chosen.kind or UNSEEN_KIND
    speed = 1.0 if chosen.speed is None else chosen.speed
    return Address(SIMULATED, "", simulation=Simulation(dialect, speed, dict(chosen.faults or ())))


def _address(chosen: argparse.Namespace) -> Address:
    """Raises SettingsError for what belongs to a simulated printer alone."""
    if getattr(chosen, "speed", None) is not None or getattr(chosen, "faults", None):
        raise SettingsError("--speed and --fault go with --simulated.")
    if bool(chosen.username) is not chosen.password_stdin and (chosen.password_stdin or chosen.api_key_stdin):
        raise SettingsError("A password goes with --username, and an API key goes without.")
    unseen = UNSEEN_KIND_OF_USERS if chosen.username else UNSEEN_KIND
    kind = getattr(chosen, "kind", None) or unseen
    return Address(kind, chosen.url, tls=chosen.tls, username=chosen.username).with_secret(_secret(chosen))


def _secret(chosen: argparse.Namespace) -> str:
    """The user's password or the API key, asked for without echo, or the first line of standard input.

    Raises SettingsError where there is nobody to ask.
    """
    what, option = ("password", "--password-stdin") if chosen.username else ("API key", "--api-key-stdin")
    if chosen.api_key_stdin or chosen.password_stdin:
        line = sys.stdin.readline()
        if not line:
            raise SettingsError(f"No {what} came in on standard input.")
        return line.strip()
    if not sys.stdin.isatty():
        raise SettingsError(f"There is no terminal to ask for the {what} at; use {option}.")
    whose = (
        f"of {chosen.username} at {chosen.url}" if chosen.username else f"of {chosen.url} (Enter for none)"
    )
    return getpass.getpass(f"{what} {whose}: ").strip()


def list_all(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        printers = farm.list_printers()
    if chosen.json:
        output.say_json(printers)
    else:
        output.say_table([_line(printer) for printer in printers], COLUMNS)
    return 0


def _line(printer: output.Row) -> output.Row:
    status = printer["status"]
    was_wrong = f"doubted: {status['doubt']}" if status["doubt"] else ""
    said = {"message": status["message"] or was_wrong}
    return {**printer, **status, **said, "url": _where(printer["connection"])}


def _where(connection: output.Row) -> str:
    if connection["kind"] == SIMULATED:
        host = PRINT_HOSTS.get(connection["dialect"], connection["dialect"])
        return f"simulated {host}, {connection['speed']:g} times as fast"
    return str(connection["url"])


def command(chosen: argparse.Namespace) -> int:
    """Exit code 1 when it went wrong, or it is not known in time how it went."""
    wanted = {"command": chosen.command, **_gathered(chosen.values)}
    with reach.server_in(options.data_folder(chosen)) as farm:
        end = farm.command_printer(chosen.id, wanted, chosen.wait)
    if chosen.json:
        output.say_json(end)
    elif end["ok"]:
        output.say(f"{chosen.id}: {chosen.command} is done.")
    elif end["problem"]:
        output.complain(f"{chosen.id}: {chosen.command} went wrong: {end['problem']}")
    elif chosen.wait:
        output.complain(
            f"{chosen.id} takes {chosen.command}, and has not shown within {chosen.wait} s that it is done; "
            f"`farm printer list{options.same_data(chosen)}` shows how it stands."
        )
    else:
        output.say(f"{chosen.id} takes {chosen.command}.")
    return 0 if end["ok"] or not chosen.wait else 1


def _gathered(values: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises SettingsError for a value that is given twice and is no list."""
    gathered: dict[str, Any] = {}
    for name, value in values:
        if name in _LISTS:
            gathered.setdefault(name, []).append(value)
        elif name in gathered:
            raise SettingsError(f"{name} is given twice.")
        else:
            gathered[name] = value
    return gathered


def emergency_stop(chosen: argparse.Namespace) -> int:
    """Exit code 1 when somebody has to go there: to a printer not reached, or one that stays hot."""
    with reach.server_in(options.data_folder(chosen)) as farm:
        told = farm.stop_printers(chosen.ids or None)
    limited = told.get("by_hand", [])
    if chosen.json:
        output.say_json(told)
    else:
        stopped = [id for id in told["reached"] if id not in limited]
        output.say(f"Stopped: {', '.join(stopped) or 'none'}.")
        if told["unreached"]:
            output.complain(f"NOT reached: {', '.join(told['unreached'])}. Switch them off by hand.")
        if limited:
            output.complain(
                f"Only the print was cancelled on {', '.join(limited)}: heaters may stay on. "
                f"Switch {'it' if len(limited) == 1 else 'them'} off at the plug."
            )
    return 1 if told["unreached"] or limited else 0
