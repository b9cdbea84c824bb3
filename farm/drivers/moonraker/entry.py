"""How we get in at a Moonraker: with a key in each request, or with a user's session that is kept open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import trio

from farm.domain.printer import Address
from farm.drivers.exchange import Answer, Request
from farm.drivers.http import Http
from farm.drivers.moonraker.protocol import access


class Entry:
    """The way in at one printer's address."""

    def __init__(self, address: Address) -> None:
        self._username, self._password = address.username, address.password
        self.key = {"X-Api-Key": address.api_key} if address.api_key else {}
        self._session: access.Session | None = None
        self._good_until = float("-inf")
        self._opening = trio.Lock()  # one session for all who ask at the same time

    async def headers(self, http: Http) -> Mapping[str, str]:
        """What tells in a request who we are. Raises as `http` does, and Forbidden."""
        if not self._username:
            await trio.lowlevel.checkpoint()
            return self.key
        async with self._opening:
            if self._session is None or trio.current_time() > self._good_until:
                self._session = await self._renewed(http) or await self._opened(http)
                self._good_until = trio.current_time() + access.GOOD_FOR_S
            return self._session.headers()

    async def send(self, http: Http, request: Request, within_s: float | None = None) -> Answer:
        """As `http.send`, let in. A session that ended early is opened anew: nothing was done without it."""
        return await self._sent(http, request, lambda told: http.send(told, within_s))

    async def send_alone(self, http: Http, request: Request) -> Answer:
        """As `http.send_alone`, let in as with `send`."""
        return await self._sent(http, request, http.send_alone)

    async def send_kept(self, http: Http, request: Request) -> Answer:
        """As `http.send_kept`, let in as with `send`."""
        return await self._sent(http, request, http.send_kept)

    async def _sent(
        self, http: Http, request: Request, send: Callable[[Request], Awaitable[Answer]]
    ) -> Answer:
        answer = await send(replace(request, headers=await self.headers(http)))
        if answer.status == 401 and self._username:
            self.forget()
            answer = await send(replace(request, headers=await self.headers(http)))
        return answer

    async def send_at_once(self, http: Http, request: Request, within_s: float) -> Answer:
        """As `http.send_at_once`, with the session there is, whether another is being opened or not."""
        told = self._session.headers() if self._session else await self.headers(http)
        answer = await http.send_at_once(replace(request, headers=told), within_s)
        if answer.status == 401 and self._username:
            self.forget()
            answer = await http.send_at_once(replace(request, headers=await self.headers(http)), within_s)
        return answer

    def forget(self) -> None:
        """The session is not taken any more."""
        self._session = None

    async def _renewed(self, http: Http) -> access.Session | None:
        if self._session is None:
            return None
        return access.renewed(await http.send(access.renew(self._session)), self._session)

    async def _opened(self, http: Http) -> access.Session:
        access.require_moonraker(await http.send(access.about()))
        return access.opened(await http.send(access.log_in(self._username, self._password)))
