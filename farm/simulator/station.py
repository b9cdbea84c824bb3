"""One simulated print host on a port of its own: connections, faults, and the passing of its time."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import h11
import trio

from farm.drivers.exchange import Answer
from farm.platform import listening_socket
from farm.simulator.faults import Faults, Manner, Silence, Swallow
from farm.simulator.host import Asked, Counted, Host, Push, asked
from farm.simulator.upload import Taker
from farm.simulator.wire import MAX_BODY, Socket, Wire

HOST = "127.0.0.1"  # simulated printers are for this computer alone
BEAT_S = 0.05  # as fine as anybody sees it
STARTING_S = 0.3  # a stand-in answers so long before a print host that was restarted does
FLOOD_EVERY_S = 0.01
WAIT_AT_DEAF_DOOR = 2  # a queue of 0 holds one
PORT_TAKEN_S = 0.1  # until the next try, when somebody took the port while it was shut
_BROKEN = Answer(500, {"content-type": "text/html"}, b"<h1>Internal Server Error</h1>")
_TOO_LARGE = Answer(413, {"content-type": "text/plain"}, b"Request Entity Too Large")


class Station:
    """A print host that can be reached. port 0 takes a free one, and keeps it through all restarts."""

    def __init__(self, id: str, host: Host, port: int = 0) -> None:
        """Raises OSError when the port is taken."""
        self.id = id
        self.host = host
        self.faults = Faults()
        self._connections: set[trio.CancelScope] = set()
        self._pushed_to: dict[Push, _Sender] = {}
        self._starting = self._down = False
        self.wake_at = 0.0
        """When it wants to be beaten again; `math.inf` while nothing goes on."""
        self._door_moves = trio.Event()
        self._open_door: trio.SocketListener | None = _listen(port)
        self._deaf_door: list[socket.socket] = []
        self.port: int = self._open_door.socket.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def run(self) -> None:
        """Serves until it is cancelled. Its time passes with `beat`."""
        try:
            async with trio.open_nursery() as nursery:
                await self._keep_door(nursery)
        finally:
            self.host.machine.abandon()  # which closes the file it prints
            if self._open_door is not None:
                self._open_door.socket.close()
            self._close_deaf_door()

    # -- switches ------------------------------------------------------------------------------------

    def beat(self, now: float) -> None:
        """Lets the machine's time pass, and pushes what is due: wanted every BEAT_S from `wake_at` on.

        One caller beats for all stations: a timer of its own for each would cost more than their work.
        """
        if now >= self.host.wake_at:
            self.host.tick(now)
        for push, sender in list(self._pushed_to.items()):
            if push.over:
                sender.give_up()
            elif now >= push.wake_at and not push.waiting:
                push.tick(now)
                if push.waiting:
                    sender.wake()
        self.wake_at = min((push.wake_at for push in self._pushed_to), default=math.inf)
        self.wake_at = min(self.wake_at, self.host.wake_at)

    def touched(self) -> None:
        """Something was begun, or somebody came to be told of it."""
        self.wake_at = 0.0

    def misbehave(
        self, manner: Manner | None, slow_ms: int | None, flood_per_s: int | None, swallow: Swallow | None
    ) -> None:
        """Switches faults; None leaves one as it is."""
        self.faults.change(manner, slow_ms, flood_per_s, swallow)
        self._move_door()

    def go_down(self) -> None:
        """The print host's computer goes away with all its connections."""
        self._down = True
        self.host.went_down()
        self._move_door()

    async def come_back(self, down_s: float) -> None:
        """It starts again after a while, on the same port."""
        await trio.sleep(down_s)
        self._down, self._starting = False, self.host.starting is not None
        self._move_door()
        if self._starting:
            await trio.sleep(STARTING_S)
            self._starting = False
            self._hang_up()
        self.host.restarted(trio.current_time())
        self.touched()

    # -- inside --------------------------------------------------------------------------------------

    @property
    def _shut(self) -> bool:
        return self._down or self.faults.manner in (Manner.REFUSE, Manner.SILENT)

    def _move_door(self) -> None:
        silent = self.faults.manner is Manner.SILENT and not self._down
        if self._shut:
            if self._open_door is not None:
                self._open_door.socket.close()  # at once: whoever switches this may rely on it
            if not silent:
                self._hang_up()
        if silent and not self._deaf_door:
            with suppress(OSError):  # somebody took the port in this very moment: it answers in our place
                self._deaf_door = _deaf_door(self.port)
        elif not silent:
            self._close_deaf_door()
        self._door_moves.set()
        self._door_moves = trio.Event()

    def _close_deaf_door(self) -> None:
        for end in self._deaf_door:
            end.close()
        self._deaf_door = []

    def _hang_up(self) -> None:
        for connection in list(self._connections):
            connection.cancel()

    async def _keep_door(self, connections: trio.Nursery) -> None:
        while True:
            if self._shut:
                await self._door_moves.wait()
                continue
            if self._open_door is None:
                try:
                    self._open_door = _listen(self.port)
                except OSError:  # somebody took the port while it was shut
                    await trio.sleep(PORT_TAKEN_S)
                    continue
            try:
                await trio.serve_listeners(self._serve, [self._open_door], handler_nursery=connections)
            except* trio.ClosedResourceError:
                self._open_door = None

    async def _serve(self, stream: trio.SocketStream) -> None:
        with trio.CancelScope() as scope:
            self._connections.add(scope)
            try:
                await self._converse(Wire(stream, self.faults.flowing))
            except* (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError, OSError):
                pass  # the client is gone or makes no sense, or our disk is full
            finally:
                self._connections.discard(scope)
                await trio.aclose_forcefully(stream)

    async def _converse(self, wire: Wire) -> None:
        while (request := await wire.next_request()) is not None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
            head = asked(request.method.decode("latin-1"), request.target.decode("latin-1"), headers)
            if head.path == self.host.push_path and not self._starting:
                socket = await wire.accept_socket(request)
                if socket is not None:
                    await self._push(socket, head)
                    return
            if not await self._answer(wire, head):
                return

    async def _answer(self, wire: Wire, head: Asked) -> bool:
        """Answers one request, or spoils the answer; whether the connection goes on."""
        with self._taker(head) as taker:
            body, size = bytearray(), 0
            while piece := await wire.next_piece():
                size += len(piece)
                if taker is not None:
                    taker.receive(piece)
                elif size <= MAX_BODY:
                    body += piece
            form = taker.form if taker is not None and taker.form.complete else None
            question = replace(head, body=bytes(body), form=form)
            await trio.sleep(self.faults.slow_ms / 1000)
            await self.faults.flowing()
            if self.faults.manner is Manner.DROP:
                return False
            ours = await self._do(question) if size <= MAX_BODY or taker is not None else _TOO_LARGE
            match self.faults.swallows(self.host.means(question)):
                case Silence.NOTHING:
                    await trio.sleep_forever()
                case Silence.CLOSE:
                    return False
            await wire.answer(ours.status, ours.headers, ours.body)
            return True

    @contextmanager
    def _taker(self, head: Asked) -> Iterator[Taker | None]:
        """Takes in an upload; None for everything that is none."""
        taker = self.host.take_upload(head)
        try:
            yield taker
        finally:
            if taker is not None:
                taker.close()

    async def _do(self, question: Asked) -> Answer:
        """Carries a request out, as far as the faults of the moment let it, and answers when it is done."""
        if self._starting and self.host.starting is not None:
            return self.host.starting
        if self.faults.manner is Manner.ERROR:
            return _BROKEN
        answers: list[Answer] = []
        answered = trio.Event()

        def reply(answer: Answer) -> None:
            answers.append(answer)
            answered.set()

        self.host.answer(question, trio.current_time(), reply)
        self.touched()
        await answered.wait()
        return replace(answers[0], body=self.faults.spoilt(answers[0].body))

    async def _push(self, socket: Socket, head: Asked) -> None:
        async with trio.open_nursery() as nursery:
            sender = _Sender(socket, self.faults, self.host.counted, nursery.cancel_scope)
            push = self.host.push(head, self.faults, trio.current_time(), sender.wake)
            if push is None:
                return
            self._pushed_to[push] = sender
            try:
                nursery.start_soon(sender.run, push)
                nursery.start_soon(self._flood, push, sender)
                while not push.over and (text := await socket.receive()) is not None:
                    push.receive(text, trio.current_time())
                    self.touched()
                nursery.cancel_scope.cancel()
            finally:
                del self._pushed_to[push]
                push.close()

    async def _flood(self, push: Push, sender: _Sender) -> None:
        """Pushes what nobody asked for, for as long as the fault lasts."""
        while True:
            if not self.faults.flood_per_s:
                await self.faults.changed.wait()
                continue
            await trio.sleep(FLOOD_EVERY_S)
            push.repeat(max(1, round(self.faults.flood_per_s * FLOOD_EVERY_S)), trio.current_time())
            sender.wake()


class _Sender:
    """Sends to one client of the push socket what waits for it."""

    def __init__(
        self, socket: Socket, faults: Faults, counted: Counted, connection: trio.CancelScope
    ) -> None:
        self._socket = socket
        self._faults = faults
        self._counted = counted
        self._connection = connection
        self._news = trio.Event()
        self._push: Push | None = None
        self._rest = b""  # of what went out before: it goes first

    def wake(self) -> None:
        """Something waits: it goes out at once, or as soon as there is room and nothing holds it."""
        if self._push is not None and not self._rest and self._faults.flows:
            messages = list(self._push.waiting)
            self._push.waiting.clear()
            self._counted.pushed += len(messages)
            self._rest = self._socket.send_at_once(messages)
        if self._rest or self._push is None or self._push.waiting:
            self._news.set()

    def give_up(self) -> None:
        """The client reads too slowly."""
        self._connection.cancel()

    async def run(self, push: Push) -> None:
        self._push = push
        while True:
            while self._rest or push.waiting:
                if self._rest:
                    await self._socket.send_on(self._rest)
                    self._rest = b""
                await self._faults.flowing()
                self.wake()
            self._news = trio.Event()
            await self._news.wait()


def _listen(port: int) -> trio.SocketListener:
    return trio.SocketListener(trio.socket.from_stdlib_socket(listening_socket(HOST, port)))


def _deaf_door(port: int) -> list[socket.socket]:
    """A door at which nobody answers: those who wait before it already leave no room for one more.

    Linux says nothing then, other systems may refuse. Raises OSError when the port is taken.
    """
    ends = [listening_socket(HOST, port, backlog=0)]
    for _ in range(WAIT_AT_DEAF_DOOR):
        end = socket.socket()
        end.setblocking(False)
        end.connect_ex((HOST, port))
        ends.append(end)
    return ends
