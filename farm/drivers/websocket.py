"""A push socket to a print host: bounded in size, rate and silence. It only receives and answers."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import h11
import httpx
import trio
import wsproto.utilities
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from farm.drivers import sockets, tls
from farm.drivers.http import checked, port_of, trusted, unreachable
from farm.drivers.pace import Allowance, Pace
from farm.errors import FarmError, PrinterUnreachable, ProtocolError

MAX_MESSAGE = 1024 * 1024  # bytes; OctoPrint's longest, half an hour of temperatures of 16 tools, stays below
WAITING = 32  # messages not looked at yet; when they are more, pongs wait behind them
MAX_MESSAGES_A_S = 40.0  # on the whole; OctoPrint sends 2 and an event now and then
MAX_MESSAGES_AT_ONCE = 400.0
MAX_BYTES_A_S = 64.0 * 1024  # on the whole; tiny pings cost most, and OctoPrint's two messages have 2 kB
MAX_BYTES_AT_ONCE = 1.25 * MAX_MESSAGE
POLITE_S = 0.2  # enough to send a close; its answer is not waited for
GONE_AFTER_S = 9  # to the kernel; a backstop behind our pings


@dataclass(frozen=True, slots=True)
class Vigilance:
    """When what is pushed counts as dead, in seconds.

    ping_s: between our pings, and pong_s for each answer; together they keep below 10 s. silence_s: without
    a message, before the peer is asked instead. stale_s: of values standing still while the printer works.
    paced_s: how long a peer that pushes too much is slowed down before it is cut; less than pong_s, for its
    pongs wait behind the flood.
    """

    connect_s: float = 5.0
    ping_s: float = 4.0
    pong_s: float = 4.0
    silence_s: float = 5.0
    stale_s: float = 20.0  # OctoPrint asks for temperatures every 5 s while it prints
    paced_s: float = 3.0


VIGILANT = Vigilance()


class PushSocket:
    """An open socket to one peer; `where` is its name and address in sentences."""

    def __init__(self, connection: WebSocketConnection, where: str, vigilance: Vigilance) -> None:
        self._connection = connection
        self._where = where
        self._vigilance = vigilance
        allowance = Allowance(MAX_MESSAGES_A_S, MAX_MESSAGES_AT_ONCE, trio.current_time())
        what = f"{where} pushes more than {MAX_MESSAGES_A_S:.0f} messages a second"
        self._pace = Pace(what, allowance, vigilance.paced_s)

    async def receive(self) -> str:
        """The next message, whenever it comes. Raises PrinterUnreachable, ProtocolError, or Flooded."""
        try:
            message = await self._connection.get_message()
        except ConnectionClosed as closed:
            raise self._closed(closed) from closed
        await self._pace.keep(1)
        if not isinstance(message, str):
            raise ProtocolError(f"{self._where} pushes bytes where text was expected.")
        return message

    async def send(self, message: str) -> None:
        """Sends one message. Raises PrinterUnreachable."""
        try:
            with trio.fail_after(self._vigilance.pong_s):
                await self._connection.send_message(message)
        except trio.TooSlowError:
            raise PrinterUnreachable(f"{self._where} takes no message any more.") from None
        except ConnectionClosed as closed:
            raise self._closed(closed) from closed

    async def stay_in_touch(self) -> NoReturn:
        """Pings for ever. Raises PrinterUnreachable when one is not answered in time."""
        while True:
            await trio.sleep(self._vigilance.ping_s)
            try:
                with trio.fail_after(self._vigilance.pong_s):
                    await self._connection.ping()
            except trio.TooSlowError:
                self._pace.give_up_if_slowed()  # the pong waits behind the flood
                raise PrinterUnreachable(f"{self._where} does not answer a ping.") from None
            except ConnectionClosed:
                await trio.sleep_forever()  # `receive` tells, after what had still come

    def _closed(self, closed: ConnectionClosed) -> FarmError:
        if closed.reason is not None and closed.reason.code == 1009:
            return ProtocolError(
                f"{self._where} pushes a message of more than {MAX_MESSAGE // 2**20} MiB. The farm hung up."
            )
        return PrinterUnreachable(f"{self._where} closed the push socket.")


async def hold_push_socket(
    url: str,
    path: str,
    peer: str,
    use: Callable[[PushSocket], Awaitable[NoReturn]],
    trust: str = tls.SYSTEM,
    vigilance: Vigilance = VIGILANT,
    headers: Mapping[str, str] | None = None,
) -> NoReturn:
    """Opens a push socket at a path below the peer's address, and lets it be used until that raises.

    headers: what else the peer is told in the handshake, such as who we are.

    Raises PrinterUnreachable or ProtocolError when it cannot be opened or is lost, Flooded when the peer
    pushes too much for too long; what `use` raises comes out as it is.
    """
    base, where = checked(url), f"{peer} at {url}"
    try:
        async with trio.open_nursery() as nursery:
            plain = await _reached(base, where, vigilance.connect_s)
            try:
                connection = await _opened(nursery, plain, base, path, where, trust, vigilance, headers or {})
                socket = PushSocket(connection, where, vigilance)
                nursery.start_soon(socket.stay_in_touch)
                try:
                    await use(socket)
                finally:
                    with trio.move_on_after(POLITE_S, shield=True):  # a close frees the host's end at once
                        await connection.aclose()
            finally:  # after a broken connection, aclose leaves the socket itself open
                await trio.aclose_forcefully(plain)
    except BaseExceptionGroup as group:
        reason = _the_reason(group, where)
        if reason is None:
            raise
        raise reason from group


async def _reached(base: httpx.URL, where: str, within_s: float) -> trio.SocketStream:
    try:
        with trio.fail_after(within_s):
            plain = await sockets.connected(base.host, port_of(base))
    except (OSError, UnicodeError, trio.TooSlowError) as error:
        raise unreachable(where, error) from error
    for option in sockets.noticing_within(GONE_AFTER_S):
        plain.setsockopt(*option)
    return plain


async def _opened(
    nursery: trio.Nursery,
    plain: trio.SocketStream,
    base: httpx.URL,
    path: str,
    where: str,
    trust: str,
    vigilance: Vigilance,
    headers: Mapping[str, str],
) -> WebSocketConnection:
    context = trusted(base, trust)
    try:
        with trio.fail_after(vigilance.connect_s):
            bare = await _encrypted(plain, context, base.host) if context else plain
            stream = _Paced(bare, where, vigilance.paced_s)
            return await wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type] # any stream will do
                base.netloc.decode("ascii"),
                base.raw_path.decode("ascii").rstrip("/") + path,
                message_queue_size=WAITING,
                max_message_size=MAX_MESSAGE,
                extra_headers=[
                    (name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()
                ],
            )
    except trio.BrokenResourceError as error:
        raise unreachable(where, error) from error
    except trio.TooSlowError:
        raise PrinterUnreachable(f"{where} does not open its push socket.") from None


async def _encrypted(
    plain: trio.SocketStream, context: ssl.SSLContext, host: str
) -> trio.SSLStream[trio.SocketStream]:
    encrypted = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
    await encrypted.do_handshake()
    return encrypted


class _Paced(trio.abc.Stream):
    """The stream below a push socket, with a limit to what comes in: whatever it is, it costs us time."""

    def __init__(self, stream: trio.abc.Stream, where: str, patience_s: float) -> None:
        self._stream = stream
        allowance = Allowance(MAX_BYTES_A_S, MAX_BYTES_AT_ONCE, trio.current_time())
        what = f"{where} pushes more than {MAX_BYTES_A_S / 1024:.0f} kB a second"
        self._pace = Pace(what, allowance, patience_s)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        await self._pace.keep(len(data))
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _the_reason(group: BaseExceptionGroup, where: str) -> BaseException | None:
    """The one problem that a group of the socket's tasks comes down to; None for a bug, or a cancellation."""
    leaves = [leaf for leaf in _leaves(group) if not isinstance(leaf, trio.Cancelled)]
    if not leaves or not all(isinstance(leaf, _EXPECTED) for leaf in leaves):
        return None
    return _as_ours(leaves[0], where)


# What the libraries raise at a peer's nonsense; h11's local error comes of their answer to a bad handshake.
_NONSENSE = (HandshakeError, wsproto.utilities.ProtocolError, h11.ProtocolError)
_EXPECTED = (FarmError, *_NONSENSE)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _as_ours(error: BaseException, where: str) -> BaseException:
    if isinstance(error, ConnectionRejected):
        return ProtocolError(f"{where} answers {error.status_code} instead of opening a push socket.")
    if isinstance(error, _NONSENSE):
        return ProtocolError(f"{where} answers the push socket with something else than WebSocket.")
    return error
