"""One actor for each client of the live socket. Its mailbox is its outbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import assert_never

import structlog
import trio

from farm.access.gate import Gate
from farm.actors import Address, Mailbox
from farm.config import Live
from farm.domain.user import SYSTEM
from farm.errors import FarmError, Invalid, NotFound, Unauthenticated
from farm.live import protocol
from farm.live.allowance import Allowance
from farm.live.commands import Commands
from farm.live.connection import Connection, ConnectionLost
from farm.live.frame import Frame
from farm.live.messages import (
    AskForLife,
    BroadcasterMessage,
    ClientGone,
    ClientMessage,
    Configure,
    Hello,
    Join,
    Joined,
    Leave,
    News,
    NotJoined,
    Said,
    StartOver,
    StateNews,
    Welcome,
)
from farm.live.outbox import Outbox
from farm.live.standing import Credential, Finding, Standing

log = structlog.get_logger(__name__)

OUTBOX = 256  # messages, of some kilobytes when much happens; states take no place, and wait once each
MOST_AT_ONCE = 64  # messages taken out of it together
LOAD = 64 * 1024  # characters sent in one go; a phone on shop Wi-Fi takes them within a second
SEND_WITHIN_S = 5.0  # a client that takes nothing for so long is cut; ten seconds are promised
SPREAD_S = 1.0  # or up to so much sooner: of many that stall together a few are cut at a time
ALIVE_WITHIN_S = 10.0  # for the answer to a ping; a phone in a pocket may need a while
CLOSE_WITHIN_S = 1.0  # to tell why; whoever does not listen is cut without
AUTH_WITHIN_S = 10.0  # nobody holds a place in the farm without saying who they are
RENEW_WITHIN_S = 60.0  # a program's next access token is one request away
CHECK_EVERY_S = 5.0  # how late the end of a token's or key's time is noticed
SHARES = 10  # of those who came together, so many groups are looked after, or cut, at different moments
MOST_MISTAKES = 20  # requests that could not be read; a person trying things out makes a few
MAX_REASON = 123  # bytes in a WebSocket close frame

INTERNAL_ERROR = 1011
RESTARTING = 1012
TRY_LATER = 1013
POLICY = 1008
LOG_IN = 4401

TOO_SLOW = "you read too slowly; connect again for a fresh picture"
GIVE_WAY = "others wait for your place; say who you are at once when you connect again"
STOPPING = "the farm is stopping; connect again in a moment"
STARTED_OVER = "the farm lost its place; connect again for a fresh picture"
BUSY = "the farm is busy; try again in a moment"
BROKEN = "a mistake in the farm; it is in the log"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why it is over. code: for the close frame; None when the client has gone by itself."""

    code: int | None
    reason: str


class Client:
    """Reads what one client asks, sends what the broadcaster puts into its mailbox."""

    def __init__(
        self,
        number: int,
        connection: Connection,
        gate: Gate,
        events: Callable[[], Address[BroadcasterMessage]],
        live: Live,
    ) -> None:
        """number: its own. events: finds the broadcaster; raises NotFound while there is none."""
        self.number = number
        self.name = f"client:{number}"
        self.over = trio.Event()
        self.ending: Ending | None = None
        self._connection = connection
        self._events = events
        self._live = live
        self._outbox: Outbox
        self._nursery: trio.Nursery | None = None
        self._came_at = trio.current_time()
        self._standing = Standing(gate)
        self._patience = trio.CancelScope()
        self._patience_was_for = f"say who you are within {AUTH_WITHIN_S:.0f} s"
        self._commands = Commands(self._carry_out)
        self._pace = Allowance(live.rate_limit)
        self._mistakes = 0
        self._asked_for_life_at = -inf
        share = (number % SHARES + 1) / SHARES
        self._check_at = trio.current_time() + share * CHECK_EVERY_S
        self._silent_s = (1 + share) / 2 * live.ping_interval_s
        self._send_within_s = SEND_WITHIN_S - (1 - share) * SPREAD_S

    async def run(self, mailbox: Mailbox[ClientMessage]) -> None:
        """The actor: until the client leaves, is cut, or the farm stops."""
        self._outbox = Outbox(mailbox, self._connection)
        try:
            await self._serve(mailbox)
            while mailbox.take_waiting(OUTBOX):
                pass  # no dead letters: who comes back gets a fresh picture
        except* Exception:
            self.end(INTERNAL_ERROR, BROKEN)
            raise
        finally:
            self._tell_events(ClientGone(self.name))
            try:
                await self._say_goodbye(self.end(RESTARTING, STOPPING))
            finally:
                self.over.set()

    def end(self, code: int | None, reason: str) -> Ending:
        """Stop now, telling the client why. Returns the first reason given: that one counts."""
        if self.ending is None:
            self.ending = Ending(code, reason)
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()
        return self.ending

    @property
    def keeps_a_place_since(self) -> float | None:
        """Since when it is here without saying who it is; None for who has, or is leaving."""
        return None if self._standing.principal or self.ending else self._came_at

    def give_way(self) -> None:
        """Somebody else wants the place."""
        self.end(TRY_LATER, GIVE_WAY)

    def too_slow(self) -> None:
        """The outbox is full: what is in it would come too late, and there is no way back."""
        self.end(TRY_LATER, TOO_SLOW)

    def end_within(self, seconds: float) -> None:
        """The farm stops: what is on its way may still arrive, for so long."""
        if self._nursery is not None:
            self._nursery.cancel_scope.deadline = trio.current_time() + seconds

    def gone(self, how: str = "left") -> Ending:
        """The client has left: nobody is there to be told. Returns why it is over."""
        return self.end(None, how)

    async def _serve(self, mailbox: Mailbox[ClientMessage]) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            if self.ending is not None:  # before it began
                nursery.cancel_scope.cancel()
            nursery.start_soon(self._listen)
            try:
                await self._deliver(mailbox)
            except ConnectionLost:
                self.gone()
            self.end(RESTARTING, STOPPING)

    async def _say_goodbye(self, ending: Ending) -> None:
        log.info(
            "live client left",
            client=self.name,
            address=self._connection.address,
            code=ending.code,
            reason=ending.reason,
        )
        if ending.code is None:
            return
        reason = ending.reason.encode()[:MAX_REASON].decode(errors="ignore")
        with trio.move_on_after(CLOSE_WITHIN_S, shield=True), contextlib.suppress(ConnectionLost):
            await self._connection.close(ending.code, reason)

    # -- out -----------------------------------------------------------------------------------

    async def _deliver(self, mailbox: Mailbox[ClientMessage]) -> None:
        """Send what comes, in as few pieces as it fits into when much waits."""
        async for delivery in mailbox:
            waiting = [delivery, *mailbox.take_waiting(MOST_AT_ONCE - 1)]
            for frames in _loads(self._frames([each.message for each in waiting])):
                await self._send(frames)
            if any(isinstance(each.message, AskForLife) for each in waiting):
                await self._ask_for_life()

    async def _send(self, frames: Sequence[Frame]) -> None:
        loads = 1 + sum(len(frame.text) for frame in frames) // LOAD
        with trio.move_on_after(loads * self._send_within_s) as patience:
            await self._connection.send(frames)
        if patience.cancelled_caught:
            self.too_slow()

    async def _ask_for_life(self) -> None:
        self._asked_for_life_at = trio.current_time()
        with trio.move_on_after(self._send_within_s) as patience:
            await self._connection.ping()
        if patience.cancelled_caught:
            self.too_slow()

    def _frames(self, messages: Sequence[ClientMessage]) -> Iterator[Frame]:
        states: list[str] = []
        for message in messages:
            if isinstance(message, StateNews):
                states.append(message.text)
            else:
                yield from map(Frame, protocol.batches(states))
                states.clear()
                yield from self._words(message)
        yield from map(Frame, protocol.batches(states))

    def _words(
        self, message: News | Welcome | Joined | NotJoined | AskForLife | Said | StartOver
    ) -> Iterator[Frame]:
        match message:
            case News(frame) | Said(frame):
                yield frame
            case Welcome(epoch, seq):
                yield Frame(protocol.welcome(epoch, seq))
            case Joined(frames, refused):
                yield from frames
                if refused:
                    yield Frame(protocol.refused(refused))
            case NotJoined(detail):
                yield Frame(protocol.error("subscribe", detail))
            case StartOver():
                self.end(RESTARTING, STARTED_OVER)
            case AskForLife():
                pass  # that is no text
            case _:
                assert_never(message)

    # -- in ------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Hear the client out for as long as we have patience: until it authenticates, then for ever."""
        try:
            with self._patience:
                self._patience.deadline = trio.current_time() + AUTH_WITHIN_S
                if self._connection.cookie is not None:
                    await self._authenticate(Credential(self._connection.cookie, is_cookie=True))
                while True:
                    message = await self._connection.receive()
                    await self._keep_pace()
                    await self._hear(message)
        except ConnectionLost:
            self.gone()
        else:
            self.end(LOG_IN, self._patience_was_for)

    async def _keep_pace(self) -> None:
        """Let a client that asks too often wait; what it says meanwhile waits in the network."""
        if not self._pace.take(1, trio.current_time()):
            await trio.sleep(self._pace.wait_s(trio.current_time()))
            self._pace.take(1, trio.current_time())

    async def _hear(self, message: str | bytes) -> None:
        request = protocol.parse(message)
        match request:
            case protocol.Unreadable(op, detail):
                self._complain(op, detail)
            case protocol.Auth(token):
                await self._authenticate(Credential(token))
            case _ if self._standing.principal is None:
                self._complain(None, 'say who you are first: {"op":"auth","token":…}')
            case protocol.Subscribe(rooms, since):
                self._ask_events("subscribe", Join(self._outbox, tuple(dict.fromkeys(rooms)), since))
            case protocol.Unsubscribe(rooms):
                self._ask_events("unsubscribe", Leave(self._outbox, tuple(rooms)))
            case protocol.Configure(batch_delay_ms):
                if self._ask_events("configure", Configure(self._outbox, batch_delay_ms)):
                    self._say(protocol.configured(batch_delay_ms))
            case protocol.Command():
                self._begin(request)
            case protocol.Ping():
                self._say(protocol.pong())
            case _:
                assert_never(request)

    def _complain(self, op: str | None, detail: str) -> None:
        self._say(protocol.error(op, detail))
        self._mistakes += 1
        if self._mistakes >= MOST_MISTAKES:
            self.end(POLICY, f"{self._mistakes} messages could not be understood")

    def _say(self, text: str) -> None:
        """Answer in turn with all that is on its way to the client."""
        if not self._outbox.put(Said(Frame(text))):
            self.too_slow()

    def _ask_events(self, op: str, message: Join | Leave | Configure) -> bool:
        asked = self._tell_events(message)
        if not asked:
            self._say(protocol.error(op, BUSY))
        return asked

    def _tell_events(self, message: Hello | Join | Leave | Configure | ClientGone) -> bool:
        try:
            return self._events().tell_nowait(message, by=self._standing.principal or SYSTEM)
        except NotFound:
            return False

    # -- commands ------------------------------------------------------------------------------

    def _begin(self, command: protocol.Command) -> None:
        if self._nursery is None or not self._commands.take(command, self._nursery):
            detail = "too many commands are under way; wait for an answer"
            self._say(protocol.error("command", detail, ref=command.ref))

    async def _carry_out(self, command: protocol.Command) -> None:
        by = self._standing.principal
        if by is None:
            raise ValueError("a command of nobody")
        try:
            id = await self._connection.command(by, command.printer, command.body)
        except FarmError as problem:
            field = problem.field if isinstance(problem, Invalid) else ""
            where = {"field": field} if field else {}
            self._say(protocol.error("command", str(problem), **where, ref=command.ref))
        else:
            self._say(protocol.accepted("command", command_id=id, ref=command.ref))

    # -- who it is, and whether it is there ----------------------------------------------------

    async def _authenticate(self, credential: Credential) -> None:
        known = self._standing.principal is not None
        try:
            await self._standing.show(credential)
        except FarmError as problem:
            if known:
                self._complain("auth", str(problem))
            else:
                self.end(LOG_IN if isinstance(problem, Unauthenticated) else TRY_LATER, str(problem))
            return
        self._patience.deadline = inf
        if not self._tell_events(Hello(self._outbox)):
            self.end(TRY_LATER, BUSY)

    @property
    def look_at(self) -> float:
        """When to look after it next, on the monotonic clock."""
        heard_at, asked_at = self._connection.heard_at, self._asked_for_life_at
        is_asked = heard_at < asked_at
        return min(self._check_at, asked_at + ALIVE_WITHIN_S if is_asked else heard_at + self._silent_s)

    def look_after(self, *, rights_changed: bool) -> Credential | None:
        """See whether the client is there; at `look_at`, and at once when rights have changed.

        Returns what it showed, when it is time to see whether that is still good: see `learn`.
        """
        now = trio.current_time()
        if not self._is_served:
            return None
        self._look_for_life(now)
        if not rights_changed and now < self._check_at:
            return None
        self._check_at = now + CHECK_EVERY_S
        return self._standing.credential

    def learn(self, finding: Finding) -> None:
        """Who is behind what the client showed, or a client that showed the same."""
        lost = self._standing.judge(finding) if self._is_served else None
        if lost is None:
            return
        if lost.revoked:
            self.end(LOG_IN, lost.why)
        elif self._patience.deadline == inf:
            self._patience.deadline = trio.current_time() + RENEW_WITHIN_S
            self._patience_was_for = lost.why
            detail = f"{lost.why} Send auth within {RENEW_WITHIN_S:.0f} s to stay connected."
            self._say(protocol.error("auth", detail, within_s=RENEW_WITHIN_S))

    def ask_for_life(self) -> None:
        """Ask whether it is there, now; what it was asked before does not count any more."""
        if self._is_served:
            self._asked_for_life_at = trio.current_time()
            self._outbox.put(AskForLife())

    @property
    def _is_served(self) -> bool:
        return self._nursery is not None and self.ending is None

    def _look_for_life(self, now: float) -> None:
        """Ask a client that has been silent whether it is there; let go of one that does not answer."""
        heard_at, asked_at = self._connection.heard_at, self._asked_for_life_at
        if heard_at < asked_at <= now - ALIVE_WITHIN_S:
            self.gone(f"gave no sign of life for {now - heard_at:.0f} s")
        elif max(heard_at, asked_at) <= now - self._silent_s:
            self._outbox.put(AskForLife())


def _loads(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames put together until they are a load, so that many small ones are sent in one go."""
    load: list[Frame] = []
    size = 0
    for frame in frames:
        load.append(frame)
        size += len(frame.text)
        if size >= LOAD:
            yield load
            load, size = [], 0
    if load:
        yield load
