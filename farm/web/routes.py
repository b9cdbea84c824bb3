"""What a route is: an address, who may come, and a function from a call to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from quart import Response, request

from farm.access.rights import Action, require
from farm.domain.user import ANONYMOUS, Principal
from farm.errors import Invalid
from farm.web.answers import respond
from farm.web.contract import BODY, QUERY, Answers, Contract, describes_itself
from farm.web.credentials import SAFE, Login, client_of, refuse_secrets_in, who_asks
from farm.web.desk import Desk
from farm.web.intake import read_json, read_query

API = "/v1/"


class Entry(Enum):
    """Who may come through, where that hangs on no single right."""

    PUBLIC = "anybody"
    KNOWN = "whoever shows a credential that counts; the route asks for the right itself"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a route. client: the address it comes from. login: None on public routes."""

    desk: Desk
    asker: Principal
    client: str
    login: Login | None = None

    def query(self, *known: str) -> Mapping[str, str]:
        """What stands behind the question mark, in another's dialect. Raises Invalid for the unknown."""
        for name in request.args:
            if name not in known:
                raise Invalid(f"there is no {name} here; known: {', '.join(known) or 'none'}", name)
        return request.args.to_dict()


@dataclass(frozen=True, slots=True)
class Route:
    """needs: the right to the farm as a whole that it takes, or an Entry. There is no default.

    takes: media types of a body that the function reads by itself, because it is too large to be held.
    also: statuses it may refuse with beside those that follow from what it is (see `openapi`).
    contract: what it takes and answers, read from `answer`; None for other dialects and for pages. A
    route of our own API without one cannot be made: TypeError.
    """

    method: str
    rule: str
    answer: Answers
    needs: Action | Entry
    takes: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    contract: Contract | None = field(init=False)

    def __post_init__(self) -> None:
        ours = self.rule.startswith(API)
        if ours and not describes_itself(self.answer):
            raise TypeError(f"{self.method} {self.rule}: say in the function's signature what it answers")
        object.__setattr__(self, "contract", Contract.of(self.rule, self.answer) if ours else None)

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
            sent = {} if self.contract is None else await self._sent(self.contract)
            return respond(await self.answer(call, **path, **sent))

        return view

    async def _sent(self, contract: Contract) -> dict[str, Any]:
        """What the function is to be given of the request. Raises what `intake` does."""
        given: dict[str, Any] = {}
        query = read_query(request.args, contract.query)
        if contract.query is not None:
            given[QUERY] = query
        if self.takes or request.method in SAFE:
            return given
        body = await read_json(request, contract.body, needed=contract.body_needed)
        if contract.body is not None:
            given[BODY] = body
        return given
