"""What a route is: an address, who may come, and a function from a call to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeVar

import msgspec
from quart import Response, request
from werkzeug.datastructures import MultiDict

from farm.access.rights import Action, require
from farm.domain.clock import new_id
from farm.domain.user import ANONYMOUS, Principal
from farm.errors import Invalid
from farm.store.idempotency import DoneBefore, Tried
from farm.web.answers import respond
from farm.web.contract import BODY, QUERY, Answers, Contract, describes_itself
from farm.web.credentials import SAFE, Login, client_of, refuse_secrets_in, who_asks
from farm.web.desk import Desk
from farm.web.idempotency import Keyed, keyed
from farm.web.intake import as_json_of, read_all, read_query

T = TypeVar("T")

API = "/v1/"
DRY_RUN = "dry_run"


class Entry(Enum):
    """Who may come through, where that hangs on no single right."""

    PUBLIC = "anybody"
    KNOWN = "whoever shows a credential that counts; the route asks for the right itself"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a route. client: the address it comes from. login: None on public routes.

    keyed: its Idempotency-Key, where it has one that counts.
    """

    desk: Desk
    asker: Principal
    client: str
    login: Login | None = None
    keyed: Keyed | None = None

    def query(self, *known: str) -> Mapping[str, str]:
        """What stands behind the question mark, in another's dialect. Raises Invalid for the unknown."""
        for name in request.args:
            if name not in known:
                raise Invalid(f"there is no {name} here; known: {', '.join(known) or 'none'}", name)
        return request.args.to_dict()

    async def change(self, kind: type[T], ask: Callable[[Principal], Awaitable[T]]) -> T:
        """Make one change, on the terms of the request: as usual, only to see what would come of it, or
        unless it was made before.

        ask: asks for it in the name that it is given. kind: what the change comes to.
        """
        by = self.asker
        if self.keyed is not None:
            step = self.keyed.next_step()
            before = self.keyed.result_of(step)
            if before is not None:
                return msgspec.json.decode(before, type=kind)
            by = replace(by, terms=replace(by.terms, once=step))
        try:
            return await ask(by)
        except Tried as tried:
            result: T = tried.result
            return result
        except DoneBefore as before_us:
            return msgspec.json.decode(before_us.result, type=kind)

    async def send(self, ask: Callable[[Principal], Awaitable[None]]) -> None:
        """Have a printer do something that cannot be taken back; whoever does it minds the asker's terms."""
        if self.keyed is None:
            await ask(self.asker)
        else:
            await self.keyed.send(lambda: ask(self.asker))

    def new_id(self) -> str:
        """An identifier; the same one when the request is sent again with its key."""
        return new_id(self.desk.chance) if self.keyed is None else self.keyed.new_id()


@dataclass(frozen=True, slots=True)
class Route:
    """needs: the right to the farm as a whole that it takes, or an Entry. There is no default.

    takes: media types of a body that the function reads by itself, because it is too large to be held.
    also: statuses it may refuse with beside those that follow from what it is (see `openapi`).
    untried: why ?dry_run=true is refused here, where it is. repeats: whether it may be sent twice anyway.
    contract: what it takes and answers, read from `answer`; None for other dialects and for pages. A
    route of our own API without one cannot be made: TypeError.
    """

    method: str
    rule: str
    answer: Answers
    needs: Action | Entry
    takes: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    untried: str = ""
    repeats: bool = False
    contract: Contract | None = field(init=False)

    def __post_init__(self) -> None:
        ours = self.rule.startswith(API)
        if ours and not describes_itself(self.answer):
            raise TypeError(f"{self.method} {self.rule}: say in the function's signature what it answers")
        object.__setattr__(self, "contract", Contract.of(self.rule, self.answer) if ours else None)

    @property
    def writes(self) -> bool:
        """Whether it is there to change something."""
        return self.method not in SAFE

    @property
    def minds_version(self) -> bool:
        """Whether an If-Match counts: it changes what is there, and only that."""
        return self.method in ("PATCH", "PUT")

    @property
    def takes_key(self) -> bool:
        """Whether an Idempotency-Key counts: what it creates or commands, it does once."""
        return self.method == "POST" and not (self.untried or self.repeats)

    def view(self, desk: Desk) -> Callable[..., Awaitable[Response]]:
        """The function Quart calls for a request to this route."""

        async def view(**path: Any) -> Response:
            refuse_secrets_in(request)
            login = None if self.needs is Entry.PUBLIC else await who_asks(desk.gate, request)
            client = client_of(request)
            asker = replace(login.principal if login is not None else ANONYMOUS, client=client)
            if isinstance(self.needs, Action):
                require(asker, self.needs)
            call = Call(desk, asker, client, login)
            if self.contract is None:
                return respond(await self.answer(call, **path))
            return await self._answer(call, self.contract, path)

        return view

    async def _answer(self, call: Call, contract: Contract, path: dict[str, Any]) -> Response:
        args = request.args.copy()
        if self.minds_version and request.if_match and not request.if_match.star_tag:
            versions = frozenset(request.if_match.as_set())
            asker = replace(call.asker, terms=replace(call.asker.terms, versions=versions))
            call = replace(call, asker=asker)
        key = keyed(call.desk.memory, call.asker, request) if self.takes_key else None
        if self.writes and self._only_tried(args.poplist(DRY_RUN)):
            asker = replace(call.asker, terms=replace(call.asker.terms, dry=True))
            response = await self._done(replace(call, asker=asker), contract, path, args)
            response.headers["Dry-Run"] = "true"
            return response
        if key is None:
            return await self._done(call, contract, path, args)
        return await key.answered(lambda: self._done(replace(call, keyed=key), contract, path, args))

    def _only_tried(self, said: list[str]) -> bool:
        if said not in ([], ["true"], ["false"]):
            raise Invalid(f"{DRY_RUN}: true or false, once", DRY_RUN)
        if said == ["true"] and self.untried:
            raise Invalid(f"this cannot be tried out: {self.untried}", DRY_RUN)
        return said == ["true"]

    async def _done(
        self, call: Call, contract: Contract, path: dict[str, Any], args: MultiDict[str, str]
    ) -> Response:
        """Read what the function is to be given of the request, and let it answer."""
        given: dict[str, Any] = {}
        query = read_query(args, contract.query)
        if contract.query is not None:
            given[QUERY] = query
        if self.writes and not self.takes:
            body = await read_all(request)
            if call.keyed is not None:
                await call.keyed.identify(*said(body))
            sent = as_json_of(request, body, contract.body, needed=contract.body_needed)
            if contract.body is not None:
                given[BODY] = sent
        return respond(await self.answer(call, **path, **given))


def said(*parts: str | bytes) -> tuple[str | bytes, ...]:
    """What the present request is, with `parts` of what it says."""
    return request.method, request.full_path, *parts
