"""The kernel's part in noticing peers that are gone."""

from __future__ import annotations

import socket
import sys

import pytest

from farm.drivers.sockets import noticing_within


@pytest.mark.parametrize("seconds", [1, 9, 20])
def test_the_options_are_taken_by_a_real_socket_and_end_in_time(seconds: int) -> None:
    with socket.socket() as sock:
        for option in noticing_within(seconds):
            sock.setsockopt(*option)

        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if sys.platform == "linux":
            idle, between, probes, sending = (
                sock.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
            assert idle + between * probes <= max(seconds, 7)
            assert sending == 1000 * seconds


def test_what_a_system_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT", "TCP_KEEPALIVE"):
        monkeypatch.delattr(socket, name, raising=False)

    assert noticing_within(9) == [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
