"""What the real print hosts have in common as programs: how they are found, started apart and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

STOP_WITHIN_S = 10.0


def program(peer: str) -> Path:
    """The program of a peer such as "OctoPrint" that FARM_<PEER> names.

    Skips the test, or fails it where peers are required, when there is none.
    """
    variable = f"FARM_{peer.upper()}"
    named = os.environ.get(variable, "")
    if named and Path(named).exists():
        return Path(named)
    reason = f"no {peer} at {named!r}" if named else f"{variable} names no {peer}"
    reason += ": run scripts/test.py, which sets one up"
    if os.environ.get("FARM_REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of this computer where nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes], kill: bool = False) -> None:
    """Ends a program that leads a session of its own, and its children: politely, or as a power cut would."""
    try:
        _signal_group(process, kill)
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        _signal_group(process, kill=True)
        process.wait(STOP_WITHIN_S)


def _signal_group(process: subprocess.Popen[bytes], kill: bool) -> None:
    if sys.platform == "win32":
        process.kill() if kill else process.terminate()
        return
    if process.poll() is None:  # not yet waited for, so the id is still its own
        os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
