"""Requests that may be sent again: one effect and one answer for each Idempotency-Key of one asker."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import structlog
import trio
from quart import Request, Response

from farm.access.secrets import Seal
from farm.domain.clock import WallClock, new_id
from farm.domain.terms import Once
from farm.domain.user import Principal
from farm.errors import (
    ActorDown,
    FarmError,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    Refused,
    SettingsError,
)
from farm.store import idempotency
from farm.store.database import Database

log = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 200
WAIT_S = 10.0  # for the first of two requests with the same key; then the second is told to come again

_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_SURELY_NOT_DONE = (Refused, NotFound, Invalid, Forbidden, Overloaded, ActorDown)
_END_UNKNOWN = (
    "this was sent before, and whether it was done is not known; look at the printer, then send it with "
    "a new Idempotency-Key if it is still wanted"
)


class _Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: str


class Replayed(Exception):
    """The request was answered before, with this."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


class Running:
    """The requests with a key that are being answered at the moment; one of each key at a time."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str], trio.Event] = {}

    @asynccontextmanager
    async def alone(self, owner: str, key: str) -> AsyncIterator[None]:
        """Wait until no other request with this key is being answered. Raises Refused after WAIT_S."""
        place, ended = (owner, key), trio.Event()
        with trio.move_on_after(WAIT_S) as scope:
            await trio.lowlevel.checkpoint()
            while place in self._ended:
                await self._ended[place].wait()
        if scope.cancelled_caught:
            raise Refused(
                f"the same request is still being done; send it again later, with the same {HEADER}"
            )
        self._ended[place] = ended
        try:
            yield
        finally:
            del self._ended[place]
            ended.set()


@dataclass(frozen=True, slots=True)
class Memory:
    """Where requests are remembered. Digests and answers are made with the farm's secret, so that a stolen
    database gives away neither a password somebody sent nor a key somebody was given."""

    database: Database
    seal: Seal
    clock: WallClock
    running: Running


class Keyed:
    """One request that carries a key."""

    def __init__(self, memory: Memory, by: Principal, key: str) -> None:
        self.owner, self.key = str(by), key
        self._memory = memory
        self._request = b""
        self._steps: dict[int, bytes | None] = {}
        self._step = idempotency.ANSWER
        self._chance = random.Random()

    async def answered(self, answer: Callable[[], Awaitable[Response]]) -> Response:
        """What `answer` answers, or what it answered before. It must `identify` the request first."""
        async with self._memory.running.alone(self.owner, self.key):
            try:
                response = await answer()
            except Replayed as before:
                return before.response
            await self._keep(response)
            return response

    async def identify(self, *said: str | bytes) -> None:
        """Say what the request is. Raises Replayed; Invalid when another one had this key."""
        parts = [part.encode() if isinstance(part, str) else part for part in (self.owner, self.key, *said)]
        self._request = self._memory.seal.mark(msgspec.json.encode(parts))
        self._chance = random.Random(self._request)
        kept = await self._memory.database.read(
            idempotency.recall, self.owner, self.key, self._memory.clock()
        )
        if kept is not None:
            idempotency.require_same(kept, self._request)
            self._steps = kept.steps
            self._replay(kept.steps.get(idempotency.ANSWER))

    def new_id(self) -> str:
        """An identifier that is the same whenever the request is sent."""
        return new_id(self._chance)

    def next_step(self) -> Once:
        """The next change of the request. ValueError: it was not identified."""
        if not self._request:
            raise ValueError("a request with a key is identified before anything is changed")
        self._step += 1
        return Once(self.owner, self.key, self._request, self._step)

    def result_of(self, step: Once) -> bytes | None:
        """What this change came to when it was made before; None when it was not."""
        return self._steps.get(step.step)

    async def send(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Do what is sent to a printer and cannot be taken back: at most once.

        Raises Refused when it was sent before, and what `ask` raises.
        """
        step, database = self.next_step(), self._memory.database
        if step.step in self._steps:
            raise Refused(_END_UNKNOWN)
        await database.write(idempotency.note, step, self._memory.clock(), None)
        try:
            await ask()
        except _SURELY_NOT_DONE:
            await database.write(idempotency.forget, step)
            raise

    async def _keep(self, response: Response) -> None:
        body = (await response.get_data(as_text=False)).decode()
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        text = msgspec.json.encode(_Answer(response.status_code, headers, body)).decode()
        step = Once(self.owner, self.key, self._request, idempotency.ANSWER)
        try:
            await self._memory.database.write(
                idempotency.note, step, self._memory.clock(), self._memory.seal.seal(text)
            )
        except FarmError as problem:  # the changes themselves are kept, so it is composed anew from them
            log.warning("answer not kept", problem=str(problem))

    def _replay(self, sealed: bytes | None) -> None:
        if sealed is None:
            return
        try:
            told = msgspec.json.decode(self._memory.seal.open(sealed), type=_Answer)
        except SettingsError:  # another secret since: composed anew from the changes
            return
        headers = {"Cache-Control": "no-store", REPLAYED: "true", **told.headers}
        response = Response(told.body, told.status, headers)
        if not told.body:
            response.headers.pop("Content-Type", None)
        raise Replayed(response)


def keyed(memory: Memory, by: Principal, request: Request) -> Keyed | None:
    """The request's key, None without one. Raises Invalid."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid(f"{HEADER}: 1 to {LONGEST_KEY} plain characters, such as a random UUID", HEADER)
    return Keyed(memory, by, key)
