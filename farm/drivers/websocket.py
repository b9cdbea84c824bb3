"""A push socket to a print host: bounded in size, rate and silence. It only receives and answers.

wsproto shakes hands; what follows are frames of our own. Whoever waits for the next message reads the network
itself, without trio's layers where nothing is encrypted: those, and a task of its own for reading, would
each cost a thousand printers half as much again.
"""

from __future__ import annotations

import re
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import h11
import httpx
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import ProtocolError as NoHandshake

from farm.drivers import flight, sockets, tls
from farm.drivers.alarm import Alarm
from farm.drivers.ear import Ear
from farm.drivers.frames import Frames, Kind, Nonsense, TooLong, written
from farm.drivers.http import checked, port_of, trusted, unreachable
from farm.drivers.pace import Allowance, Pace
from farm.errors import FarmError, PrinterUnreachable, ProtocolError

MAX_MESSAGE = 1024 * 1024  # bytes; OctoPrint's longest, half an hour of temperatures of 16 tools, stays below
PIECE = 16 * 1024  # bytes read at once; the messages in them are all that waits to be looked at
MAX_MESSAGES_A_S = 40.0  # on the whole; OctoPrint sends 2 and an event now and then
MAX_MESSAGES_AT_ONCE = 400.0
MAX_BYTES_A_S = 64.0 * 1024  # on the whole; tiny pings cost most, and OctoPrint's two messages have 2 kB
MAX_BYTES_AT_ONCE = 1.25 * MAX_MESSAGE
POLITE_S = 0.2  # enough to send a close; its answer is not waited for
GONE_AFTER_S = 9  # to the kernel; a backstop behind our pings

_CLOSE = (1000).to_bytes(2, "big")  # all is well
_HEAD_ENDS = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Vigilance:
    """When what is pushed counts as dead, in seconds.

    ping_s: without a word from the peer, before it is pinged, and pong_s for its answer; together they keep
    below 10 s. silence_s: without a message, before the peer is asked instead. stale_s: of values standing
    still while the printer works. paced_s: how long a peer that pushes too much is slowed down before it is
    cut; less than pong_s, for its pongs wait behind the flood.
    """

    connect_s: float = 5.0
    ping_s: float = 4.0
    pong_s: float = 4.0
    silence_s: float = 5.0
    stale_s: float = 20.0  # OctoPrint asks for temperatures every 5 s while it prints
    paced_s: float = 3.0


VIGILANT = Vigilance()

Hear: TypeAlias = Callable[[str], Awaitable[None] | None]
"""Hears a message. Returns what has to be done before the next is heard, mostly nothing."""


class PushSocket:
    """An open socket to one peer; `where` is its name and address in sentences. One task receives."""

    def __init__(self, stream: trio.abc.Stream, came: bytes, where: str, vigilance: Vigilance) -> None:
        """stream: on which hands were shaken. came: what was said since."""
        now = trio.current_time()
        self._stream = stream
        self._plain = sockets.plain(stream)
        self._frames = Frames(MAX_MESSAGE)
        self._where = where
        self._vigilance = vigilance
        self._messages = Pace(
            f"{where} pushes more than {MAX_MESSAGES_A_S:.0f} messages a second",
            Allowance(MAX_MESSAGES_A_S, MAX_MESSAGES_AT_ONCE, now),
            vigilance.paced_s,
        )
        self._bytes = Pace(
            f"{where} pushes more than {MAX_BYTES_A_S / 1024:.0f} kB a second",
            Allowance(MAX_BYTES_A_S, MAX_BYTES_AT_ONCE, now),
            vigilance.paced_s,
        )
        self._heard_at = now
        self._wait_s = 0.0  # until more is listened to
        self._sending = trio.Lock()
        self._next: deque[str] = deque()
        self._unanswered: list[bytes] = []  # pings
        self._recorder = flight.recording.get()
        self._take(came)

    async def listen(self, hear: Hear) -> NoReturn:
        """Hands on every message as it comes, and what `hear` wants done is done before the next.

        Raises PrinterUnreachable, ProtocolError, or Flooded, and what `hear` raises.
        """
        while True:
            todo = self._hand_on(hear)
            if todo is None:
                todo = await self._hear_more(hear)
            if todo is not None:
                await todo

    async def _hear_more(self, hear: Hear) -> Awaitable[None] | None:
        plain = self._plain
        if plain is None:
            self._came(await self._received())
            return None

        def look() -> Awaitable[None] | None:
            try:
                data = sockets.received(plain, PIECE)
            except OSError:
                raise self._closed() from None
            self._came(data)
            return self._hand_on(hear)

        return await Ear.of_this_run().first(plain, look)

    async def send(self, *messages: str) -> None:
        """Sends messages, all of them together. Raises PrinterUnreachable."""
        if self._recorder is not None:
            for message in messages:
                self._recorder.sent("to the push socket", message)
        await self._send(*(written(Kind.TEXT, message.encode()) for message in messages))

    async def stay_in_touch(self) -> NoReturn:
        """Pings a peer that says nothing, for ever. Raises PrinterUnreachable when it stays silent."""
        alarm = Alarm()
        while True:
            await alarm.sleep_past(lambda: self._heard_at + self._vigilance.ping_s)
            asked_at = trio.current_time()
            await self._send(written(Kind.PING, b""))
            await trio.sleep(self._vigilance.pong_s)
            if self._heard_at < asked_at:
                for pace in (self._messages, self._bytes):
                    pace.give_up_if_slowed()  # the pong waits behind the flood
                raise PrinterUnreachable(f"{self._where} does not answer a ping.")

    async def aclose(self) -> None:
        """Says goodbye, and waits for no answer."""
        if self._sending.locked():  # something is stuck half-way; what came now would be no frame
            return
        try:
            async with self._sending:  # a ping may be due in this very moment
                await self._stream.send_all(written(Kind.CLOSE, _CLOSE))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # it has hung up already

    def _hand_on(self, hear: Hear) -> Awaitable[None] | None:
        """Lets the messages be heard that have come, up to where something has to be done before the next.

        Returns what; None when nothing is left.
        """
        if self._unanswered or self._wait_s:
            return self._go_on()
        while self._next:
            message = self._next.popleft()
            if self._recorder is not None:
                self._recorder.came("pushed", message)
            self._wait_s = self._messages.wait_s(1, trio.current_time())
            todo = hear(message)
            if todo is not None:
                return todo
            if self._wait_s:
                return self._go_on()
        return None

    async def _go_on(self) -> None:
        """Answers the pings, and lets a peer wait that sends too much."""
        pings, self._unanswered = self._unanswered, []
        wait_s, self._wait_s = self._wait_s, 0.0
        if pings:
            await self._send(*(written(Kind.PONG, ping) for ping in pings))
        await trio.sleep(wait_s)

    def _came(self, data: bytes | None) -> None:
        """Take in what came: b"" where the peer has hung up, None where it only looked as if."""
        if data is None:
            return
        if not data:
            raise self._closed()
        self._heard_at = trio.current_time()
        self._wait_s = self._bytes.wait_s(len(data), self._heard_at)
        self._take(data)

    async def _received(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(PIECE))
        except trio.BrokenResourceError:
            raise self._closed() from None

    def _take(self, data: bytes) -> None:
        """Keep the messages, and what there is to be answered."""
        try:
            for said in self._frames.receive(data):
                match said.kind:
                    case Kind.TEXT:
                        self._next.append(said.payload.decode())
                    case Kind.BYTES:
                        raise ProtocolError(f"{self._where} pushes bytes where text was expected.")
                    case Kind.PING:
                        self._unanswered.append(said.payload)
                    case Kind.CLOSE:
                        raise self._closed()
        except TooLong:
            raise ProtocolError(
                f"{self._where} pushes a message of more than {MAX_MESSAGE // 2**20} MiB. The farm hung up."
            ) from None
        except (Nonsense, UnicodeDecodeError):
            raise self._closed() from None

    async def _send(self, *frames: bytes) -> None:
        try:
            with trio.fail_after(self._vigilance.pong_s):
                async with self._sending:
                    await self._stream.send_all(b"".join(frames))
        except trio.TooSlowError:
            raise PrinterUnreachable(f"{self._where} takes no message any more.") from None
        except trio.BrokenResourceError:
            raise self._closed() from None

    def _closed(self) -> PrinterUnreachable:
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
    plain = await _reached(base, where, vigilance.connect_s)
    try:
        socket = await _opened(plain, base, path, where, trust, vigilance, headers or {})
        await _held(socket, use)
    finally:
        await trio.aclose_forcefully(plain)


async def _held(socket: PushSocket, use: Callable[[PushSocket], Awaitable[NoReturn]]) -> NoReturn:
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.stay_in_touch)
            try:
                await use(socket)
            finally:
                with trio.move_on_after(POLITE_S, shield=True):  # a close frees the host's end at once
                    await socket.aclose()
    except BaseExceptionGroup as group:
        leaves = [leaf for leaf in _leaves(group) if not isinstance(leaf, trio.Cancelled)]
        if not leaves or not all(isinstance(leaf, FarmError) for leaf in leaves):
            raise  # a cancellation, or a bug
        raise leaves[0] from group


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
    plain: trio.SocketStream,
    base: httpx.URL,
    path: str,
    where: str,
    trust: str,
    vigilance: Vigilance,
    headers: Mapping[str, str],
) -> PushSocket:
    context = trusted(base, trust)
    wish = Request(
        host=base.netloc.decode("ascii"),
        target=base.raw_path.decode("ascii").rstrip("/") + path,
        extra_headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()],
    )
    try:
        with trio.fail_after(vigilance.connect_s):
            stream = await _encrypted(plain, context, base.host) if context else plain
            return PushSocket(stream, await _agreed(stream, wish, where), where, vigilance)
    except trio.BrokenResourceError as error:
        raise unreachable(where, error) from error
    except trio.TooSlowError:
        raise PrinterUnreachable(f"{where} does not open its push socket.") from None
    except (NoHandshake, h11.ProtocolError) as error:  # h11's comes of wsproto's answer to a bad handshake
        raise ProtocolError(f"{where} answers the push socket with something else than WebSocket.") from error


async def _agreed(stream: trio.abc.Stream, wish: Request, where: str) -> bytes:
    """Shakes hands. Returns what came after that.

    Raises ProtocolError, and what wsproto and the stream raise.
    """
    talk = WSConnection(ConnectionType.CLIENT)
    await stream.send_all(talk.send(wish))
    came, looked_at = b"", 0
    while True:
        data = await stream.receive_some(PIECE)
        if not data:
            raise PrinterUnreachable(f"{where} closed the push socket.")
        came += data
        end = _HEAD_ENDS.search(came)
        head, looked_at = came[looked_at : end.end() if end else None], len(came)
        talk.receive_data(head)
        match next(iter(talk.events()), None):
            case AcceptConnection():
                return came[end.end() :] if end else b""
            case RejectConnection() as refusal:
                raise ProtocolError(
                    f"{where} answers {refusal.status_code} instead of opening a push socket."
                )


async def _encrypted(
    plain: trio.SocketStream, context: ssl.SSLContext, host: str
) -> trio.SSLStream[trio.SocketStream]:
    encrypted = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
    await encrypted.do_handshake()
    return encrypted


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
