"""One actor for each client of the live socket. Its mailbox is its outbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import assert_never

import structlog
import trio

from farm.access.gate import Gate
from farm.actors import Address, Mailbox
from farm.actors.directions import current_actor
from farm.domain.user import SYSTEM, Principal
from farm.errors import FarmError, NotFound, Unauthenticated
from farm.live import protocol
from farm.live.connection import Connection, ConnectionLost
from farm.live.messages import (
    BroadcasterMessage,
    ClientGone,
    ClientMessage,
    FactNews,
    Hello,
    Join,
    Joined,
    Leave,
    NotJoined,
    Said,
    StartOver,
    StateNews,
    Welcome,
)

log = structlog.get_logger(__name__)

OUTBOX = 1000  # facts; a farm of 200 printers stopped in an emergency makes some 600 at once
MOST_IN_FRAME = 64  # events; some 30 kB, which a phone on shop Wi-Fi takes within a second
SEND_WITHIN_S = 5.0  # a client that takes nothing for so long is cut; ten seconds are promised
CLOSE_WITHIN_S = 1.0  # to tell why; whoever does not listen is cut without
AUTH_WITHIN_S = 10.0  # nobody holds a place in the farm without saying who they are
RENEW_WITHIN_S = 60.0  # a program's next access token is one request away
MOST_MISTAKES = 20  # requests that could not be read; a person trying things out makes a few
MAX_REASON = 123  # bytes in a WebSocket close frame

INTERNAL_ERROR = 1011
RESTARTING = 1012
TRY_LATER = 1013
POLICY = 1008
LOG_IN = 4401

TOO_SLOW = "you read too slowly; connect again for a fresh picture"
STOPPING = "the farm is stopping; connect again in a moment"
STARTED_OVER = "the farm lost its place; connect again for a fresh picture"
BROKEN = "a mistake in the farm; it is in the log"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client showed: an access token or API key, or a page's session cookie."""

    secret: str = field(repr=False)
    is_cookie: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """Why it is over. code: for the close frame; None when the client has gone by itself."""

    code: int | None
    reason: str


class Client:
    """Reads what one client asks, sends what the broadcaster puts into its mailbox."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        gate: Gate,
        events: Callable[[], Address[BroadcasterMessage]],
    ) -> None:
        """events: finds the broadcaster; raises NotFound while there is none."""
        self.name = name
        self.over = trio.Event()
        self.ending: Ending | None = None
        self._connection = connection
        self._gate = gate
        self._events = events
        self._address: Address[ClientMessage]
        self._nursery: trio.Nursery | None = None
        self._patience = trio.CancelScope()
        self._patience_was_for = f"say who you are within {AUTH_WITHIN_S:.0f} s"
        self._credential: Credential | None = None
        self._principal: Principal | None = None
        self._good_at = 0  # the gate's revision when the credential was last found good
        self._checking = False
        self._mistakes = 0
        self._sent: int | None = None  # the last fact on this connection

    async def run(self, mailbox: Mailbox[ClientMessage]) -> None:
        """The actor: until the client leaves, is cut, or the farm stops."""
        self._address = Address(mailbox)
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

    def too_slow(self) -> None:
        """The outbox is full: what is in it would come too late, and there is no way back."""
        self.end(TRY_LATER, TOO_SLOW)

    def end_within(self, seconds: float) -> None:
        """The farm stops: what is on its way may still arrive, for so long."""
        if self._nursery is not None:
            self._nursery.cancel_scope.deadline = trio.current_time() + seconds

    def gone(self) -> Ending:
        """The client has left: nobody is there to be told. Returns why it is over."""
        return self.end(None, "left")

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
        """Send what comes, several events in one frame when several wait."""
        async for delivery in mailbox:
            waiting = [delivery, *mailbox.take_waiting(MOST_IN_FRAME - 1)]
            for frame in self._frames([each.message for each in waiting]):
                await self._send(frame)

    async def _send(self, frame: str) -> None:
        with trio.move_on_after(SEND_WITHIN_S) as patience:
            await self._connection.send(frame)
        if patience.cancelled_caught:
            self.too_slow()

    def _frames(self, messages: Sequence[ClientMessage]) -> Iterator[str]:
        events: list[str] = []
        for message in messages:
            match message:
                case FactNews(seq, text):
                    events.append(protocol.with_prev(text, self._sent))
                    self._sent = seq
                case StateNews():
                    events.append(message.text)
                case _:
                    if events:
                        yield protocol.batch(events)
                        events = []
                    yield from self._answers(message)
        if events:
            yield protocol.batch(events)

    def _answers(self, message: Welcome | Joined | NotJoined | Said | StartOver) -> Iterator[str]:
        match message:
            case Welcome(epoch, seq):
                yield protocol.welcome(epoch, seq)
            case Joined(snapshots, refused):
                yield from snapshots
                if refused:
                    yield protocol.refused(refused)
            case NotJoined(detail):
                yield protocol.error("subscribe", detail)
            case Said(text):
                yield text
            case StartOver():
                self.end(RESTARTING, STARTED_OVER)
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
                    await self._hear(await self._connection.receive())
        except ConnectionLost:
            self.gone()
        else:
            self.end(LOG_IN, self._patience_was_for)

    async def _hear(self, message: str | bytes) -> None:
        request = protocol.parse(message)
        match request:
            case protocol.Unreadable(op, detail):
                self._complain(op, detail)
            case protocol.Auth(token):
                await self._authenticate(Credential(token))
            case _ if self._principal is None:
                self._complain(None, 'say who you are first: {"op":"auth","token":…}')
            case protocol.Subscribe(rooms):
                if not self._tell_events(Join(self._address, tuple(dict.fromkeys(rooms)))):
                    self._say(protocol.error("subscribe", "the farm is busy; try again in a moment"))
            case protocol.Unsubscribe(rooms):
                if not self._tell_events(Leave(self._address, tuple(rooms))):
                    self._say(protocol.error("unsubscribe", "the farm is busy; try again in a moment"))
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
        if not self._address.tell_nowait(Said(text)):
            self.too_slow()

    def _tell_events(self, message: Hello | Join | Leave | ClientGone) -> bool:
        try:
            return self._events().tell_nowait(message, by=self._principal or SYSTEM)
        except NotFound:
            return False

    # -- who it is -----------------------------------------------------------------------------

    async def _authenticate(self, credential: Credential) -> None:
        revision = self._gate.revision
        try:
            principal = await self._look_up(credential)
        except FarmError as problem:
            self._turn_away(problem)
            return
        if self._principal not in (None, principal):
            self._complain("auth", "this is somebody else's; connect again to change who you are")
            return
        self._credential, self._principal, self._good_at = credential, principal, revision
        self._patience.deadline = inf
        if not self._tell_events(Hello(self._address)):
            self.end(TRY_LATER, "the farm is busy; connect again in a moment")

    def _turn_away(self, problem: FarmError) -> None:
        if self._principal is not None:
            self._complain("auth", str(problem))
        elif isinstance(problem, Unauthenticated):
            self.end(LOG_IN, str(problem))
        else:
            self.end(TRY_LATER, str(problem))

    async def _look_up(self, credential: Credential) -> Principal:
        if not credential.is_cookie:
            return await self._gate.authenticate(credential.secret)
        principal, _ = await self._gate.authenticate_session(credential.secret)
        return principal

    def check_again(self, *, cookies: bool) -> None:
        """See whether the client's credential is still good, beside whatever else it does.

        cookies: those too. A look at a cookie counts as its use, so that a page left open would never
        be logged out: they are looked at only when somebody's rights have changed.
        """
        credential, nursery = self._credential, self._nursery
        if credential is None or nursery is None or self.ending is not None or self._checking:
            return
        if cookies or not credential.is_cookie:
            self._checking = True
            nursery.start_soon(self._check_again, credential)

    async def _check_again(self, credential: Credential) -> None:
        current_actor.set(self.name)  # this task is the client's, whoever began it
        revision = self._gate.revision
        try:
            principal = await self._look_up(credential)
        except Unauthenticated as problem:
            self._lost_its_good(credential, revision, str(problem))
        except FarmError:
            pass  # the database is away, and while nothing can be written no rights change
        else:
            if principal != self._principal:
                self.end(LOG_IN, "your rights were changed; connect again")
            self._good_at = revision
        finally:
            self._checking = False

    def _lost_its_good(self, credential: Credential, revision: int, why: str) -> None:
        """Cut a client whose credential was revoked; ask one whose time is up for the next.

        Only changes of rights move the gate's revision: without one, time alone has passed.
        """
        if credential is not self._credential:  # it has shown a new one meanwhile
            return
        if revision != self._good_at:
            self.end(LOG_IN, why)
        elif self._patience.deadline == inf:
            self._patience.deadline = trio.current_time() + RENEW_WITHIN_S
            self._patience_was_for = why
            detail = f"{why} Send auth within {RENEW_WITHIN_S:.0f} s to stay connected."
            self._say(protocol.error("auth", detail, within_s=RENEW_WITHIN_S))
