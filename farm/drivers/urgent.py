"""One request over a connection of its own, with as little before it as can be: for an emergency.

What an ordinary request takes, two hundred of them would keep the last printer waiting for a second. What is
asked of a thousand printers all the time goes the same way.
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


async def exchange(
    host: str,
    port: int,
    context: ssl.SSLContext | None,
    head: Head,
    body: bytes,
    on_sent: Callable[[], None],
) -> Answer:
    """The answer to a request; its status is 0 where the peer hung up before it had given one.

    on_sent: called when the request has left, or some of it may have. Raises OSError,
    trio.BrokenResourceError, and ProtocolError for what is no answer of HTTP.
    """
    plain = await sockets.connected(host, port)
    try:
        stream: trio.abc.Stream = plain
        if context is not None:
            stream = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
            await stream.do_handshake()
        on_sent()
        await stream.send_all(head.written() + body)
        return await _answer(stream, head.method)
    finally:
        await trio.aclose_forcefully(plain)


async def _answer(stream: trio.abc.Stream, method: str) -> Answer:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST)
    talk.send(h11.Request(method=method, target="/", headers=_NO_HEADERS))  # all that matters to an answer
    talk.send(h11.EndOfMessage())
    status, headers, content, hung_up = 0, {}, bytearray(), False
    try:
        while True:
            match talk.next_event():
                case h11.NEED_DATA:
                    data = bytes(await stream.receive_some(PIECE))
                    hung_up = not data
                    talk.receive_data(data)
                case h11.Response() as response:
                    status = response.status_code
                    headers = {
                        name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers
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


_NO_HEADERS = h11.Request(method="GET", target="/", headers=[("Host", "peer")]).headers
