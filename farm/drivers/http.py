"""The farm's one way to speak HTTP to a print host: bounded in time, size and connections.

Only the transport below httpx's client is used. A print host needs no cookies, no redirects and no
proxy from the environment, and without a client none of them can creep in.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import httpx
import trio

from farm import __version__
from farm.drivers import flight, sockets, tls, urgent
from farm.drivers.base import AnswerLost
from farm.drivers.digest import Digest
from farm.drivers.exchange import Answer, Envelope, Request
from farm.errors import FarmError, Invalid, PrinterUnreachable, ProtocolError, StorageFailed

MAX_ANSWER = 4 * 1024 * 1024  # bytes; OctoPrint's longest, a list of thousands of files, stays below
MAX_CONNECTIONS = 4  # one upload, one status, one command, and one to spare
KEEP_IDLE_S = 60.0  # longer than the slowest poll, so that polling does not connect each time
GONE_AFTER_S = 20  # to the kernel, of a peer that acknowledges nothing; a weak Wi-Fi has pauses of seconds
PIECE = 128 * 1024  # bytes read from disk and sent at once; at the slowest rate allowed within silence_s

_LIKE_THIS = "The printer's address should look like http://192.168.1.100:5000."

_readers = trio.CapacityLimiter(4)  # threads that read files for uploads, apart from trio's shared forty


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may hang, in seconds.

    silence_s: without a byte moving. whole_s: in all, so that a peer sending one byte a second ends too.
    command_s: to the answer of a command; a host may read the file first that it is to print.
    upload_rate: bytes a second that an upload must reach on the whole; a weak Wi-Fi gives ten times that.
    stored_s: from an upload's last byte to the answer; the host copies and checks the file meanwhile.
    """

    connect_s: float = 5.0
    silence_s: float = 10.0
    whole_s: float = 15.0
    command_s: float = 30.0
    upload_rate: float = 20_000.0
    stored_s: float = 60.0


PATIENT = Patience()


class Unanswered(AnswerLost):
    """The request is with the peer, which has not answered in time, nor hung up."""


class Http:
    """Requests to one print host. `peer` is its name in sentences, such as "OctoPrint"."""

    def __init__(
        self,
        url: str,
        peer: str,
        headers: Mapping[str, str],
        patience: Patience = PATIENT,
        trust: str = tls.SYSTEM,
        keep_idle_s: float = KEEP_IDLE_S,
        elsewhere: Mapping[str, str] | None = None,
        digest: Digest | None = None,
    ) -> None:
        """Raises Invalid when `url` is no http or https address, a header cannot be sent, or `trust` is none.

        elsewhere: where paths lie that do not begin as usual: from the usual beginning to the one here.
        keep_idle_s: how long a connection is kept for the next request; 0 gives each one of its own.
        digest: proves a password to a peer that asks for one; it may be shared by several of these.
        """
        self._base = checked(url)
        self._where = f"{peer} at {url}"
        self._headers = _sendable(headers)
        self._patience = patience
        self._elsewhere = dict(elsewhere or {})
        self._digest = digest
        self._context = trusted(self._base, trust)
        self._keep_idle_s = keep_idle_s
        self._made: httpx.AsyncHTTPTransport | None = None
        self._kept: urgent.Line | None = None

    @property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        """Made when it is first used: a farm that starts has a thousand of these to make at once."""
        if self._made is None:
            self._made = httpx.AsyncHTTPTransport(
                verify=self._context or tls.trusting_nobody(),
                trust_env=False,
                limits=httpx.Limits(
                    max_connections=MAX_CONNECTIONS,
                    max_keepalive_connections=MAX_CONNECTIONS if self._keep_idle_s else 0,
                    keepalive_expiry=self._keep_idle_s,
                ),
                socket_options=sockets.noticing_within(GONE_AFTER_S),
            )
        return self._made

    async def send(self, request: Request, within_s: float | None = None) -> Answer:
        """The answer to a request, whatever its status. within_s: for one that takes longer than others.

        Raises PrinterUnreachable when the request did not go out, AnswerLost when it may have, and
        ProtocolError when what came back is not HTTP or longer than MAX_ANSWER.
        """
        headers = {"Content-Type": request.content_type} if request.content_type else {}
        outgoing = self._request(request, headers, content=request.content or None)
        with _noted(request) as note:
            if within_s is not None:
                return note(await self._exchange(outgoing, within_s, within_s))
            return note(await self._exchange(outgoing, self._patience.silence_s, self._patience.whole_s))

    async def send_alone(self, request: Request, within_s: float | None = None) -> Answer:
        """As `send`, over a connection of its own, which costs the farm a third of what a kept one does.

        Nothing is before it, and no connection lies there half-dead. The answer is a short one, of at most
        `urgent.LONGEST` bytes.
        """
        with _noted(request) as note:
            return note(await self._exchange_alone(request, within_s))

    async def send_kept(self, request: Request, within_s: float | None = None) -> Answer:
        """As `send_alone`, over a line that is kept for the next such request, which costs half of that.

        For what is asked again and again and changes nothing: where the peer has hung up since the last one,
        it is asked once more over a new line. Has to be closed.
        """
        with _noted(request) as note:
            return note(await self._exchange_alone(request, within_s, keeps=True))

    async def _exchange_alone(self, request: Request, within_s: float | None, keeps: bool = False) -> Answer:
        left = False

        def on_sent() -> None:
            nonlocal left
            left = True

        exchange = self._over_kept_line if keeps else self._over_own_line
        head = urgent.Head(request.method, self._target(request), self._alone(request, keeps))
        try:
            with trio.fail_after(self._patience.silence_s if within_s is None else within_s):
                answer = await exchange(head, request.content, on_sent)
        except ProtocolError as error:
            raise ProtocolError(f"{self._where} answers {error}.") from error
        except (OSError, trio.BrokenResourceError, trio.TooSlowError, UnicodeError) as error:
            if left:
                words = f"{self._where} {_in_words(error)}; the request was already on its way."
                waits = isinstance(error, trio.TooSlowError)
                raise (Unanswered if waits else AnswerLost)(words) from error
            raise unreachable(self._where, error) from error
        if not answer.status:
            raise AnswerLost(f"{self._where} broke off before it answered.")
        return answer

    async def _over_own_line(self, head: urgent.Head, body: bytes, on_sent: Callable[[], None]) -> Answer:
        line = await self._new_line()
        answer = await line.exchange(head, body, on_sent)
        await line.aclose()
        return answer

    async def _over_kept_line(self, head: urgent.Head, body: bytes, on_sent: Callable[[], None]) -> Answer:
        line, self._kept = self._kept, None
        answer = Answer(0)
        if line is not None:
            with suppress(OSError, trio.BrokenResourceError):
                answer = await line.exchange(head, body, on_sent)
        if line is None or not answer.status:
            line = await self._new_line()
            answer = await line.exchange(head, body, on_sent)
        if line.is_open and self._kept is None:
            self._kept = line
        elif line.is_open:  # somebody else asked meanwhile
            await line.aclose()
        return answer

    async def _new_line(self) -> urgent.Line:
        return await urgent.Line.to(self._base.host, port_of(self._base), self._context)

    async def send_at_once(self, request: Request, within_s: float) -> Answer:
        """As `send_alone`, for a command: whatever is no answer leaves open whether it was heard."""
        try:
            return await self.send_alone(request, within_s)
        except ProtocolError as error:
            raise AnswerLost(f"{error} Whether it was heard is unknown.") from error

    async def send_file(
        self, request: Request, source: Path, size: int, envelope: Envelope
    ) -> tuple[Answer, str]:
        """Sends `size` bytes of a file inside `envelope`; the answer, and the hash of what was sent.

        Raises as `send` does, and StorageFailed when the file cannot be read or is not of that size. A peer
        that asks for the password anew in the middle of a file has not taken that: AnswerLost, to try again.
        """
        patience = self._patience
        file_hash = hashlib.new(envelope.hashed, usedforsecurity=False)
        length = len(envelope.head) + size + len(envelope.end(file_hash.hexdigest()))
        headers = {"Content-Type": envelope.content_type, "Content-Length": str(length)}
        within_s = patience.whole_s + patience.stored_s + size / patience.upload_rate
        file = await trio.to_thread.run_sync(_opened, source, size, limiter=_readers)
        try:
            body = _FileBody(file, size, envelope, file_hash)
            outgoing = self._request(request, headers, stream=body)
            with _noted(request, f"a file of {size} bytes") as note:
                answer = note(await self._exchange(outgoing, patience.stored_s, within_s))
            return answer, file_hash.hexdigest()
        finally:
            file.close()

    async def aclose(self) -> None:
        """Closes every connection, also for somebody who is cancelled."""
        with trio.move_on_after(1, shield=True):
            if self._kept is not None:
                await self._kept.aclose()
            if self._made is not None:
                await self._made.aclose()
        await trio.lowlevel.checkpoint()

    def _request(
        self,
        request: Request,
        headers: Mapping[str, str],
        content: bytes | None = None,
        stream: httpx.AsyncByteStream | None = None,
    ) -> httpx.Request:
        url = self._base.copy_with(raw_path=self._target(request))
        everything = {"Host": url.netloc.decode("ascii"), **self._headers, **request.headers, **headers}
        return httpx.Request(request.method, url, headers=everything, content=content, stream=stream)

    def _target(self, request: Request) -> bytes:
        return self._base.raw_path.rstrip(b"/") + self._place(request.path).encode("ascii")

    def _alone(self, request: Request, keeps: bool) -> dict[str, str]:
        """The headers of a request that has a connection of its own. keeps: for the next one, too."""
        kind = {"Content-Type": request.content_type} if request.content_type else {}
        after = "keep-alive" if keeps else "close"
        length = {"Content-Length": str(len(request.content)), "Connection": after}
        return {
            "Host": self._base.netloc.decode("ascii"),
            **self._headers,
            **request.headers,
            **kind,
            **length,
        }

    def _place(self, path: str) -> str:
        """Where a path lies at this peer."""
        for usual, here in self._elsewhere.items():
            if path == usual or path.startswith(f"{usual}/"):
                return here + path.removeprefix(usual)
        return path

    async def _exchange(self, request: httpx.Request, silence_s: float, within_s: float) -> Answer:
        sent = False

        async def trace(event: str, info: object) -> None:
            nonlocal sent
            sent = sent or event.endswith("send_request_headers.started")

        request.extensions["trace"] = trace
        request.extensions["timeout"] = {
            "connect": self._patience.connect_s,
            "pool": self._patience.connect_s,
            "read": silence_s,
            "write": self._patience.silence_s,
        }
        transport = self._transport  # what it takes to make it is none of the peer's time
        try:
            with trio.fail_after(within_s):
                return await self._known_answer(transport, request)
        except httpx.RemoteProtocolError as error:
            if "without sending" in str(error):  # closed before the first byte: nothing wrong was said
                raise AnswerLost(f"{self._where} broke off before it answered.") from error
            raise ProtocolError(f"{self._where} answers something that is not HTTP.") from error
        except (httpx.TransportError, trio.TooSlowError, UnicodeError) as error:
            if sent:
                words = f"{self._where} {_in_words(error)}; the request was already on its way."
                waits = isinstance(error, httpx.ReadTimeout | trio.TooSlowError)
                raise (Unanswered if waits else AnswerLost)(words) from error
            raise unreachable(self._where, error) from error

    async def _known_answer(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Answer:
        """The answer to whoever knows the password, where there is one to know."""
        if self._digest is None:
            return (await self._answer(transport, request))[0]
        self._digest.sign(request)
        answer, challenges = await self._answer(transport, request)
        if not self._digest.is_challenged(request, answer.status, challenges):
            return answer
        if isinstance(request.stream, _FileBody):
            raise AnswerLost(f"{self._where} asked for the password in the middle of a file.")
        return (await self._answer(transport, request))[0]

    async def _answer(
        self, transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> tuple[Answer, list[str]]:
        """The answer, and what it asks for where it wants to know who asks."""
        response = await transport.handle_async_request(request)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(response.status_code, headers, await self._body(response))
            return answer, response.headers.get_list("www-authenticate")
        finally:
            with trio.move_on_after(1, shield=True):
                await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":  # we asked for none
            raise ProtocolError(f"{self._where} compresses its answers unasked.")
        body = bytearray()
        # Leaving the loop early would leave httpx's nested generators to the garbage collector;
        # cancelling lets each of them finish.
        with trio.CancelScope() as reading:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER:
                    reading.cancel()
        if len(body) > MAX_ANSWER:
            raise ProtocolError(f"{self._where} sends more than {MAX_ANSWER // 2**20} MiB as one answer.")
        return bytes(body)


class _FileBody(httpx.AsyncByteStream):
    """A file inside its envelope, read piece by piece in a thread and hashed on the way."""

    def __init__(self, file: BinaryIO, size: int, envelope: Envelope, file_hash: hashlib._Hash) -> None:
        """file_hash: takes in the file's bytes as they are sent."""
        self._file = file
        self._size = size
        self._envelope = envelope
        self._hash = file_hash
        # A plain generator: an upload that breaks off leaves no asynchronous one to be closed.
        self._pieces = self._read()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await trio.to_thread.run_sync(next, self._pieces, None, limiter=_readers)
        if piece is None:
            raise StopAsyncIteration
        return piece

    def _read(self) -> Iterator[bytes]:
        yield self._envelope.head
        left = self._size
        while left:
            try:
                piece = self._file.read(min(PIECE, left))
            except OSError as error:
                raise StorageFailed(f"The farm's copy of the file cannot be read: {error}.") from error
            if not piece:
                raise StorageFailed("The farm's copy of the file became shorter while it was sent.")
            left -= len(piece)
            self._hash.update(piece)
            yield piece
        yield self._envelope.end(self._hash.hexdigest())


@contextmanager
def _noted(request: Request, content: str = "") -> Iterator[Callable[[Answer], Answer]]:
    """Note a request and what comes of it in the flight recorder. content: instead of its body."""
    recorder = flight.recording.get()
    if recorder is None:
        yield _unchanged
        return
    what, answered = f"{request.method} {request.path}", False

    def note(answer: Answer) -> Answer:
        nonlocal answered
        answered = True
        recorder.came(f"{answer.status} to {what}", answer.body)
        return answer

    recorder.sent(what, content or request.content)
    try:
        yield note
    except FarmError as error:
        answered = True
        recorder.failed(f"{what}: {error}")
        raise
    finally:
        if not answered:
            recorder.failed(f"{what}: nobody waited for the answer any longer")


def _unchanged(answer: Answer) -> Answer:
    return answer


def _opened(source: Path, size: int) -> BinaryIO:
    try:
        file = source.open("rb")
        found = file.seek(0, 2)
        file.seek(0)
    except OSError as error:
        raise StorageFailed(f"The farm's copy of the file cannot be read: {error}.") from error
    if found != size:
        file.close()
        raise StorageFailed(f"The farm's copy of the file has {found} bytes instead of {size}.")
    return file


def port_of(base: httpx.URL) -> int:
    """The port at this address, also where it is the usual one."""
    return base.port or (443 if base.scheme == "https" else 80)


def trusted(base: httpx.URL, trust: str) -> ssl.SSLContext | None:
    """Whom to trust at this address; None where there is no TLS. Raises Invalid."""
    context = tls.trusting(trust)  # a wrong wish is told even where it is not needed yet
    return context if base.scheme == "https" else None


@lru_cache(maxsize=4096)  # taking one apart costs as much as a fifth of a request
def checked(url: str) -> httpx.URL:
    """A print host's address. Raises Invalid when it is none."""
    # The text itself is not repeated in the errors: people paste addresses with passwords in them.
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Invalid(_LIKE_THIS, "connection.url") from error
    port = parsed.port or 80
    if parsed.scheme not in ("http", "https") or not parsed.host or not 0 < port < 65536:
        raise Invalid(_LIKE_THIS, "connection.url")
    if parsed.query or parsed.fragment:
        raise Invalid(_LIKE_THIS, "connection.url")
    if parsed.userinfo:
        raise Invalid("The address must not carry a user or a password.", "connection.url")
    return parsed


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    for value in headers.values():
        if not (value.isascii() and value.isprintable()):
            raise Invalid("The API key holds characters that no key has.", "connection.api_key")
    return {
        "User-Agent": f"printer-farm/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # a compressed answer could unpack to any size
        **headers,
    }


def unreachable(where: str, error: BaseException) -> PrinterUnreachable:
    """Nothing reached the peer `where`, a name and an address: what happened and what to do."""
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return PrinterUnreachable(f"{where} shows {_untrusted(root)}")
    return PrinterUnreachable(f"{where} {_in_words(error)}: check its power, its network and the address.")


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.args and str(error.args[0]).startswith(tls.OTHER):
        return f"{error.args[0]}: trust this one only if somebody changed it on purpose."
    if error.verify_code in (62, 64):  # host name, IP address
        return "a certificate made out to another name: use that name, or trust its fingerprint."
    return "a certificate that this computer does not trust: enter its fingerprint, or who signed it."


def _in_words(error: BaseException) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "does not answer"
    if isinstance(error, httpx.TimeoutException | trio.TooSlowError):
        return "did not answer in time"
    match _root(error):
        case ConnectionRefusedError():
            return "refuses the connection"
        case socket.gaierror() | UnicodeError():
            return "has a name that is not known in this network"
        case _:
            return "cut the connection" if isinstance(error, _CUT) else "cannot be reached"


_CUT = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.ProtocolError)


def _root(error: BaseException) -> BaseException:
    """What it all began with: trio and httpcore wrap the operating system's error several times."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif cause := error.__cause__ or error.__context__:
            error = cause
        else:
            return error
