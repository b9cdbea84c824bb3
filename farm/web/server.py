"""The farm's front door: one listening socket, and the actor that serves what comes through it."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Never

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from quart_trio import QuartTrio

from farm.actors import Mailbox
from farm.errors import Refused
from farm.platform import listening_socket
from farm.web.hypercorn_cures import Connection, Limits

log = structlog.get_logger(__name__)

GRACE_S = 3.0  # for requests that run when the farm stops; the rest is cut
KEEP_ALIVE_S = 15.0  # slicers come back for the upload right after the version test
MOST_AT_ONCE = 64  # connections taken in before others have their turn; so many take some 5 ms
MOST_HANDSHAKES = 32  # WebSockets that are let in at the same time, so that others find their way between
OUT_OF_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
WAIT_FOR_ROOM_S = 0.1
MAX_HEADERS = 16 * 1024  # bytes of a request's line and headers
MAX_MESSAGE = 64 * 1024  # bytes of what a client may say on a WebSocket; nothing it can say is as long


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the door waits for whom, in seconds. grace_s: for what runs when the farm stops."""

    grace_s: float = GRACE_S
    keep_alive_s: float = KEEP_ALIVE_S
    limits: Limits = field(default_factory=Limits)


class Web:
    """The actor `web`: takes no messages; serves from its start until its mailbox closes.

    told: called with the address people can reach, http://127.0.0.1:8080, each time it is served.
    """

    def __init__(
        self,
        app: QuartTrio,
        host: str,
        port: int,
        told: Callable[[str], None],
        patience: Patience | None = None,
        listener: socket.socket | None = None,
        *,
        compression: bool = False,
    ) -> None:
        """port: 0 picks a free one, which then stays the same over restarts of the actor.

        listener: the address, taken already (see `taken`); closed with the actor's end. compression:
        whether it is offered on WebSockets.
        """
        self._app = app
        self._host = host
        self._port = port
        self._told = told
        self._patience = patience or Patience()
        self._compression = compression
        self._socket = listener

    def bind(self) -> str:
        """Take the address where that has not happened yet, and return it. Raises Refused as `taken` does."""
        if self._socket is None:
            self._socket = taken(self._host, self._port)
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Serve until the mailbox closes, then answer what runs and end."""
        address = self.bind()
        listener = self._listener()
        stop = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, self._app, listener, stop.wait, self._patience, self._compression)
            self._told(address)
            async for _ in mailbox:
                pass
            self.close()  # who comes now is turned away at once, not when all is over
            stop.set()

    def close(self) -> None:
        """Give the address back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _listener(self) -> socket.socket:
        """A copy: when the actor crashes, who knocks meanwhile waits at the original."""
        if self._socket is None:
            raise ValueError("the address is bound before it is served")
        return self._socket.dup()


def taken(host: str, port: int) -> socket.socket:
    """Take an address for the farm. Who knocks from now on waits until it is served.

    Raises Refused when somebody else has it, or it is not this computer's.
    """
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise Refused(
            f"cannot listen on {host}:{port} ({error.strerror or error}); is the farm running already? "
            "Choose another port with --port, or stop what uses this one"
        ) from error


async def serve(
    app: QuartTrio,
    listener: socket.socket,
    stop: Callable[[], Awaitable[None]],
    patience: Patience,
    compression: bool,
) -> None:
    """Serve `app` until `stop` returns; then take no more in, and cut what is not done within the grace."""
    context = WorkerContext(None)
    config = _config(patience, compression)
    turns = trio.Semaphore(MOST_HANDSHAKES)

    def attend(stream: trio.SocketStream) -> None:
        connections.start_soon(Connection(app, config, context, patience.limits, turns, stream).run)

    async with trio.open_nursery() as connections:
        with contextlib.closing(listener):
            async with trio.open_nursery() as door:
                door.start_soon(_take_in, listener, attend)
                await stop()
                door.cancel_scope.cancel()
        await context.terminated.set()
        connections.cancel_scope.deadline = trio.current_time() + patience.grace_s


async def _take_in(listener: socket.socket, attend: Callable[[trio.SocketStream], object]) -> None:
    """Take in whoever knocks, for ever.

    Many at a time: when a thousand clients return at once, whoever comes after them must not have to wait
    until each of those was attended to.
    """
    while True:
        await trio.lowlevel.wait_readable(listener)
        try:
            for _ in range(MOST_AT_ONCE):
                knocking, _ = listener.accept()
                attend(trio.SocketStream(trio.socket.from_stdlib_socket(knocking)))
        except BlockingIOError:
            pass  # that was all
        except OSError as problem:
            if problem.errno in OUT_OF_ROOM:
                log.error("no connection can be taken in", problem=str(problem))
                await trio.sleep(WAIT_FOR_ROOM_S)  # else it was gone before we looked


def _config(patience: Patience, compression: bool) -> Config:
    config: Any = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("farm.web")
    config.include_server_header = False  # no stranger needs to know what we are made of
    config.keep_alive_timeout = patience.keep_alive_s  # also how long a request's headers may take
    config.h11_max_incomplete_size = MAX_HEADERS
    config.websocket_max_message_size = MAX_MESSAGE
    config.offers_compression = compression  # a word of ours, for `Protocol`
    config.max_app_queue_size = 2  # messages on their way to a handler; those of an upload are large
    checked: Config = config
    return checked
