"""Connections to print hosts: how they are made, and how they notice a peer that is gone without a word."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, cast

import trio

SocketOption = tuple[int, int, int]


def noticing_within(seconds: int) -> list[SocketOption]:
    """Socket options that end a connection about that long after its peer vanished, idle or sending.

    Keep-alive finds a peer that vanished while we only read, TCP_USER_TIMEOUT one that vanished while
    we send; each alone misses the other. Options a system lacks are left out.
    """
    probes = 3
    wanted = (
        ("TCP_KEEPIDLE", max(1, seconds - 2 * probes)),
        ("TCP_KEEPALIVE", max(1, seconds - 2 * probes)),  # its name on macOS
        ("TCP_KEEPINTVL", 2),
        ("TCP_KEEPCNT", probes),
        ("TCP_USER_TIMEOUT", 1000 * seconds),
    )
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in wanted:
        option = getattr(socket, name, None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options


async def connected(host: str, port: int) -> trio.SocketStream:
    """A connection to a host. Raises OSError.

    Trio lets the addresses of a name race each other; where there is one only, that costs more than the
    connection itself.
    """
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return await trio.open_tcp_stream(host, port)
    line = trio.socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        await line.connect((host, port))
    except BaseException:
        line.close()
        raise
    return trio.SocketStream(line)


def plain(stream: trio.abc.Stream) -> socket.socket | None:
    """The socket below a connection, to be read without trio's layers; None where it is encrypted."""
    return cast(Any, stream.socket)._sock if isinstance(stream, trio.SocketStream) else None


def received(plain: socket.socket, most: int) -> bytes | None:
    """What came there, of at most so many bytes; b"" where the peer has hung up, None where nothing came.

    Waits for nothing. Raises OSError.
    """
    try:
        return plain.recv(most)
    except BlockingIOError:
        return None
