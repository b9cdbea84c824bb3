"""The demo's people as one actor of the farm: they come when the doors are open, and leave with it."""

from __future__ import annotations

import ssl
from typing import Never

import httpx
import trio

from farm.actors import Mailbox
from farm.demo.customers import Customers
from farm.demo.operator import Operator
from farm.demo.prepare import Credentials
from farm.demo.shop import CUSTOMERS, PRINTS

ANSWER_WITHIN_S = 10.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # our own door speaks plain HTTP; the usual one takes 30 ms


class People:
    """The actor `demo`: takes no messages; its people go about their work until its mailbox closes."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url
        self._credentials = credentials

    async def run(self, mailbox: Mailbox[Never]) -> None:
        async with (
            self._client(self._credentials.operator) as shop,
            self._client(self._credentials.customers) as counter,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(Operator(shop).work)
            nursery.start_soon(Customers(counter, PRINTS, CUSTOMERS).order)
            async for _ in mailbox:
                pass
            nursery.cancel_scope.cancel()

    def _client(self, key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._url,
            headers={"X-Api-Key": key},
            timeout=ANSWER_WITHIN_S,
            trust_env=False,
            verify=_NO_TLS,
        )
