"""The actor `clients`: owns one actor for each client of the live socket."""

from __future__ import annotations

import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf
from operator import itemgetter
from typing import assert_never

import structlog
import trio

from farm.access.gate import Gate
from farm.actors import Address, ChildSpec, Mailbox, Restart, RestartPolicy, Runtime, Supervisor, WhenFull
from farm.actors.directions import current_actor
from farm.config import Live
from farm.live.client import BROKEN, CLOSE_WITHIN_S, INTERNAL_ERROR, OUTBOX, RESTARTING, TRY_LATER, Client
from farm.live.connection import Connection, ConnectionLost
from farm.live.messages import (
    BroadcasterMessage,
    ClientMessage,
    ClientsMessage,
    ClientTooSlow,
    LookForLife,
)
from farm.live.standing import Credential, look_again

log = structlog.get_logger(__name__)

WATCH_EVERY_S = 0.5  # who lost their rights is cut within a second
STOOD_S = 3.0  # the farm stood still for so long: what clients sent meanwhile is still to be read
SAYS_WITHIN_S = 1.0  # who has not said who they are by then gives way when the farm is full
STOP_WITHIN_S = 2.0  # for what still waits in an outbox when the farm stops
_STOPPED_AFTER_S = STOP_WITHIN_S + CLOSE_WITHIN_S + 0.5  # then it counts as hung; the farm stops in ten

_POLICY = RestartPolicy(restart=Restart.NEVER)  # who was disconnected connects again, for a fresh picture


@dataclass(frozen=True, slots=True)
class ClientNumbers:
    """clients: now. closed: by close code since the process started, None for those who left by themselves.

    dropped: those among them that read too slowly, or came when there was no room.
    """

    clients: int
    closed: Mapping[int | None, int]
    dropped: int


class Clients:
    """Takes connections in and attends to each until it is over. Nothing one client does touches another."""

    def __init__(
        self,
        runtime: Runtime,
        gate: Gate,
        events: Callable[[], Address[BroadcasterMessage]],
        live: Live,
    ) -> None:
        """events: finds the broadcaster; raises NotFound while there is none."""
        self._runtime = runtime
        self._gate = gate
        self._events = events
        self._live = live
        self._numbers = count(1)
        self._clients: dict[str, Client] = {}
        self._looks: list[tuple[float, int, Client]] = []  # a heap: when to look after whom
        self._doubted: set[Credential] = set()  # which somebody looks at again
        self._closed: Counter[int | None] = Counter()
        self._supervisor: Supervisor | None = None

    def numbers(self) -> ClientNumbers:
        """How many there are and why others are not."""
        return ClientNumbers(len(self._clients), dict(self._closed), self._closed[TRY_LATER])

    def spec(self) -> ChildSpec[ClientsMessage]:
        """The actor as a child of the tree: a door, which stops taking anybody in before all else stops."""
        return ChildSpec(name="clients", run=self.run, door=True, stop_within_s=_STOPPED_AFTER_S + 0.5)

    async def run(self, mailbox: Mailbox[ClientsMessage]) -> None:
        """The actor. Stop it before the broadcaster: it tells every client that the farm stops."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery)
            async with Supervisor(self._runtime, independent=True).running() as supervisor:
                self._supervisor = supervisor
                try:
                    async for delivery in mailbox:
                        self._obey(delivery.message)
                finally:
                    self._supervisor = None
                for client in self._clients.values():
                    client.end_within(STOP_WITHIN_S)
            nursery.cancel_scope.cancel()

    def _obey(self, message: ClientsMessage) -> None:
        match message:
            case ClientTooSlow(name):
                client = self._clients.get(name)
                if client is not None:
                    client.too_slow()
            case LookForLife():
                self._look_for_life()
            case _:
                assert_never(message)

    async def attend(self, connection: Connection) -> None:
        """Serve one client; returns when it is over, and the line can be cut. Cancelled: it has gone."""
        if self._supervisor is None:
            await self._turn_away(
                connection, RESTARTING, "no clients are taken now; connect again in a moment"
            )
            return
        most = self._live.max_clients
        if len(self._clients) >= most and not self._room_is_made():
            words = f"{most} clients are connected already; close some, or try again later"
            await self._turn_away(connection, TRY_LATER, words)
            return
        client = Client(next(self._numbers), connection, self._gate, self._events, self._live)
        self._clients[client.name] = client
        self._put(client)
        self._supervisor.start_soon(_spec(client))
        try:
            await client.over.wait()
        finally:
            self._closed[client.gone().code] += 1
            del self._clients[client.name]

    def _room_is_made(self) -> bool:
        """Send the longest away of those who keep a place and do not say who they are."""
        waiting = [
            (since, client)
            for client in self._clients.values()
            if (since := client.keeps_a_place_since) is not None
        ]
        since, client = min(waiting, key=itemgetter(0), default=(inf, None))
        if client is None or trio.current_time() < since + SAYS_WITHIN_S:
            return False
        client.give_way()
        return True

    async def _turn_away(self, connection: Connection, code: int, reason: str) -> None:
        log.info("live client turned away", address=connection.address, code=code, reason=reason)
        self._closed[code] += 1
        with trio.move_on_after(CLOSE_WITHIN_S):
            with contextlib.suppress(ConnectionLost):
                await connection.close(code, reason)

    # -- how they are --------------------------------------------------------------------------

    async def _watch(self, nursery: trio.Nursery) -> None:
        """See whether clients are there, and may be."""
        seen = self._gate.revision
        while True:
            due_at = trio.current_time() + WATCH_EVERY_S
            await trio.sleep_until(due_at)
            if trio.current_time() - due_at > STOOD_S:
                self._look_for_life()
            changed, seen = self._gate.revision != seen, self._gate.revision
            shown: dict[Credential, list[Client]] = {}
            for client in list(self._clients.values()) if changed else self._take_due():
                credential = client.look_after(rights_changed=changed)
                if credential is not None:
                    shown.setdefault(credential, []).append(client)
                if not changed:
                    self._put(client)
            for credential, by in shown.items():
                if changed or credential not in self._doubted:
                    nursery.start_soon(self._check, credential, by)

    async def _check(self, credential: Credential, clients: Sequence[Client]) -> None:
        """See whether what these clients showed is still good. Our mistakes cost them alone."""
        current_actor.set(clients[0].name)  # who may wait for the gate
        self._doubted.add(credential)
        try:
            finding = await look_again(self._gate, credential)
        except Exception as error:
            log.error("what clients showed cannot be looked at", clients=len(clients), exc_info=error)
            for client in clients:
                client.end(INTERNAL_ERROR, BROKEN)
        else:
            for client in clients:
                client.learn(finding)
        finally:
            self._doubted.discard(credential)

    def _take_due(self) -> list[Client]:
        """Those whom it is time to look after; whoever has left is forgotten."""
        due, now = [], trio.current_time()
        while self._looks and self._looks[0][0] <= now:
            _, _, client = heapq.heappop(self._looks)
            if client.name in self._clients:
                due.append(client)
        return due

    def _put(self, client: Client) -> None:
        heapq.heappush(self._looks, (client.look_at, client.number, client))

    def _look_for_life(self) -> None:
        for client in self._clients.values():
            client.ask_for_life()


def _spec(client: Client) -> ChildSpec[ClientMessage]:
    return ChildSpec(
        name=client.name,
        run=client.run,
        mailbox_size=OUTBOX,
        when_full=WhenFull.REFUSE,
        policy=_POLICY,
        stop_within_s=_STOPPED_AFTER_S,
    )
