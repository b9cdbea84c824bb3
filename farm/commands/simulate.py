"""`farm simulate`"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from farm.commands import options, output

if TYPE_CHECKING:
    import trio

    from farm.simulator.server import Plan, Running

MOST = 1200  # printers in one process
MODEST_MEMORY = 2_000_000_000  # bytes of addresses, of which 1000 printers in use fill a tenth
COLUMNS = {"id": "ID", "dialect": "SPEAKS", "url": "ADDRESS", "api_key": "API KEY"}


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "simulate",
        "run printers that exist only in this computer, behind simulated print hosts",
        run,
        examples="  farm simulate --printers 10\n  farm simulate --printers octoprint:8,moonraker:2\n"
        "  farm simulate --speed 60 --seed 1 --json",
    )
    parser.add_argument(
        "--printers",
        type=_printers,
        default={"octoprint": 4},
        metavar="N|DIALECT:N,…",
        help="how many OctoPrints, or how many of each dialect (default: 4)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="how much faster than real time they live (default: 1)",
    )
    parser.add_argument("--seed", type=int, help="for the same keys and readings again")
    parser.add_argument(
        "--port",
        type=_number(0, 65535),
        default=0,
        help="the port of the switches; the printers take the ones above it (default: any free ones)",
    )
    for hidden in ("--until-input-ends", "--modest", "--empty"):  # for a process that has an owner
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    options.add_json(parser)


def _printers(text: str) -> dict[str, int]:
    """How many of each dialect."""
    from farm.simulator.dialects import DIALECTS

    number = _number(1, MOST)
    found: dict[str, int] = {}
    for part in text.split(","):
        dialect, colon, many = part.strip().rpartition(":")
        if colon and dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise argparse.ArgumentTypeError(f"nobody speaks {dialect!r} here; there are {known}")
        found[dialect or "octoprint"] = number(many)
    if sum(found.values()) > MOST:
        raise argparse.ArgumentTypeError(f"more than {MOST} printers are too many for one process")
    return found


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")

    return number


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed from 0.1 to 1000")
    return speed


def run(chosen: argparse.Namespace) -> int:
    """Runs until Ctrl-C, SIGTERM or, where somebody owns it, the end of its input."""
    import trio

    from farm.platform import be_modest, raise_descriptor_limit
    from farm.simulator.server import Plan

    raise_descriptor_limit()
    if chosen.modest:
        be_modest(MODEST_MEMORY)
    plan = Plan({} if chosen.empty else chosen.printers, chosen.speed, chosen.seed, chosen.port)
    with tempfile.TemporaryDirectory(
        prefix=f"farm-simulator-{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        trio.run(_run, plan, Path(folder), chosen.json, chosen.until_input_ends)
    return 0


async def _run(plan: Plan, folder: Path, as_json: bool, owned: bool) -> None:
    import trio

    from farm.simulator.server import simulate

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_when_told, nursery.cancel_scope)
        if owned:
            nursery.start_soon(_stop_with_input, nursery.cancel_scope)
        await simulate(plan, folder, lambda running: _announce(running, as_json))


async def _stop_when_told(everything: trio.CancelScope) -> None:
    import trio

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            everything.cancel()


async def _stop_with_input(everything: trio.CancelScope) -> None:
    import trio

    # Not through sys.stdin: its lock, held by a thread left behind, would stop Python from ending.
    while await trio.to_thread.run_sync(os.read, sys.stdin.fileno(), 4096, abandon_on_cancel=True):
        pass
    everything.cancel()


def _announce(running: Running, as_json: bool) -> None:
    printers = [
        {
            "id": station.id,
            "dialect": station.host.kind,
            "url": station.url,
            "api_key": station.host.api_key,
        }
        for station in running.stations
    ]
    if as_json:
        output.say(json.dumps({"control": running.control, "printers": printers}))
    else:
        output.say_table(printers, COLUMNS)
        output.say(f"\nSwitches for faults: {running.control}/printers\nStop with Ctrl-C.")
    sys.stdout.flush()
