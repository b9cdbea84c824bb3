"""One request over a connection of its own, with as little before it as can be: for an emergency.

What an ordinary request takes, two hundred of them would keep the last printer waiting for a second. What is
asked of a thousand printers all the time goes the same way, one request after another over the same line.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import h11
import trio

from farm.drivers import sockets
from farm.drivers.exchange import Answer
from farm.errors import ProtocolError

LONGEST = 64 * 1024  # bytes of an answer; it says little more than that it was heard
PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before a request's body. headers: all of them, of characters that can be sent."""

    method: str
    target: bytes
    headers: Mapping[str, str]

    def written(self) -> bytes:
        """As it goes over the line. h11 would take longer for it than all the rest."""
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        return self.method.encode() + b" " + self.target + "\r\n".join([" HTTP/1.1", *lines, "", ""]).encode()


class Line:
    """A connection for one request after another. Whatever goes wrong on it closes it."""

    def __init__(self, plain: trio.SocketStream, stream: trio.abc.Stream) -> None:
        """plain: below `stream`, and the same where nothing is encrypted."""
        self._plain = plain
        self._stream = stream
        self._talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST)
        self.is_open = True

    @classmethod
    async def to(cls, host: str, port: int, context: ssl.SSLContext | None) -> Line:
        """A new one. Raises OSError and trio.BrokenResourceError."""
        plain = await sockets.connected(host, port)
        if context is None:
            return cls(plain, plain)
        try:
            stream = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(plain)
            raise
        return cls(plain, stream)

    async def exchange(self, head: Head, body: bytes, on_sent: Callable[[], None]) -> Answer:
        """The answer to a request; its status is 0 where the peer hung up before it had given one.

        on_sent: called when the request has left, or some of it may have. Raises OSError,
        trio.BrokenResourceError, and ProtocolError for what is no answer of HTTP.
        """
        goes_on = False
        try:
            on_sent()
            await self._stream.send_all(head.written() + body)
            answer = await self._answer(head.method)
            if self._talk.states == _BOTH_DONE:
                self._talk.start_next_cycle()
                goes_on = True
            return answer
        finally:
            if not goes_on:
                await self.aclose()

    async def aclose(self) -> None:
        """Hangs up."""
        self.is_open = False
        await trio.aclose_forcefully(self._plain)

    async def _answer(self, method: str) -> Answer:
        talk = self._talk
        talk.send(h11.Request(method=method, target="/", headers=_NO_HEADERS))  # all an answer depends on
        talk.send(h11.EndOfMessage())
        status, headers, content, hung_up = 0, {}, bytearray(), False
        try:
            while True:
                match talk.next_event():
                    case h11.NEED_DATA:
                        data = bytes(await self._stream.receive_some(PIECE))
                        hung_up = not data
                        talk.receive_data(data)
                    case h11.Response() as response:
                        status = response.status_code
                        headers = {
                            name.decode("latin-1"): value.decode("latin-1")
                            for name, value in response.headers
                        }
                    case h11.Data() as part:
                        content += part.data
                        if len(content) > LONGEST:
                            raise ProtocolError("more than it should")
                    case h11.EndOfMessage() | h11.ConnectionClosed():
                        return Answer(status, headers, bytes(content))
        except h11.ProtocolError as error:
            if hung_up:  # nothing wrong was said
                return Answer(0)
            raise ProtocolError("something that is not HTTP") from error


_BOTH_DONE = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
_NO_HEADERS = h11.Request(method="GET", target="/", headers=[("Host", "peer")]).headers
