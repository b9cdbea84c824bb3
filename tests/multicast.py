"""What multicast DNS needs, on loopback alone, for one test at a time: all hear what one of them says."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

LOOPBACK = "127.0.0.1"
GROUP = "224.0.0.251"  # of multicast DNS
ROUND_WITHIN_S = 2.0


@pytest.fixture
def multicast() -> Iterator[None]:
    """Skips, aloud, where what is sent to the group does not come round on loopback."""
    with FileLock(Path(tempfile.gettempdir()) / "printer-farm-tests-multicast.lock", timeout=240):
        try:
            _require_echo()
        except OSError as problem:
            pytest.skip(f"this machine has no multicast on loopback: {problem}")
        yield


def _require_echo() -> None:
    ours = socket.inet_aton(LOOPBACK)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hears,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tells,
    ):
        hears.bind(("", 0))
        hears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + ours)
        hears.settimeout(ROUND_WITHIN_S)
        tells.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        tells.sendto(b"?", (GROUP, hears.getsockname()[1]))
        hears.recv(1)
