"""A simulated fleet in a process of its own, for whoever needs one that outlives their own mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from farm.domain.printer import Address
from farm.errors import PrinterUnreachable
from farm.platform import apart_from_the_terminal

READY_WITHIN_S = 30.0
STOPS_WITHIN_S = 5.0
MAX_LINE = 1024 * 1024  # bytes of the line that says where everything is


@dataclass(frozen=True, slots=True)
class FleetProcess:
    """A running simulator. control: the address of its switches. printers: by id.

    ended: waits until the process is over, and answers its exit code.
    """

    pid: int
    control: str
    printers: dict[str, Address]
    ended: Callable[[], Awaitable[int]]


@asynccontextmanager
async def fleet_process(
    printers: int | Mapping[str, int], *, speed: float = 1.0, seed: int | None = None, modest: bool = False
) -> AsyncIterator[FleetProcess]:
    """Starts a simulator, ready when this is entered and gone when it is left.

    printers: how many OctoPrints, or how many of each dialect.
    It also ends by itself when this process does, however it ends: its input is a pipe of ours. A Ctrl-C
    in the terminal does not reach it; it is for us to end it when we are through with it.
    modest: it takes no more memory than MODEST_MEMORY, and the processor only when nobody else wants it.
    Raises PrinterUnreachable when it does not get ready.
    """
    command = [sys.executable, "-P", "-m", "farm", "simulate", "--json", "--until-input-ends"]
    mix = printers if isinstance(printers, Mapping) else {"octoprint": printers} if printers else {}
    wish = ",".join(f"{dialect}:{many}" for dialect, many in mix.items())
    command += ["--printers", wish] if wish else ["--empty"]
    command += ["--speed", str(speed)]
    command += [] if seed is None else ["--seed", str(seed)]
    command += ["--modest"] if modest else []
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart_from_the_terminal()
    )
    try:
        with trio.move_on_after(READY_WITHIN_S) as patience:
            told = await _first_line(process)
        if patience.cancelled_caught or not told:
            raise PrinterUnreachable("The simulator does not start: see its message above.")
        yield _understood(process, json.loads(told))
    finally:
        await _end(process)


def _understood(process: trio.Process, told: dict[str, Any]) -> FleetProcess:
    addresses = {
        printer["id"]: Address(printer["dialect"], printer["url"], printer["api_key"])
        for printer in told["printers"]
    }
    return FleetProcess(process.pid, told["control"], addresses, process.wait)


async def _first_line(process: trio.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101  # asked for above
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_LINE:
        piece = await process.stdout.receive_some()
        if not piece:
            return b""
        line += piece
    return line


async def _end(process: trio.Process) -> None:
    with trio.move_on_after(STOPS_WITHIN_S, shield=True):
        process.terminate()
        await process.wait()
    if process.returncode is None:
        process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with trio.move_on_after(STOPS_WITHIN_S, shield=True):
                await pipe.aclose()
