"""The API's description: for programs as OpenAPI, for people as a page that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from quart import Response

from farm.live.protocol import as_json
from farm.web import openapi
from farm.web.contract import Sends
from farm.web.routes import Call, Entry, Route


def routes(others: Sequence[Route]) -> tuple[Route, ...]:
    """The routes that describe `others` and themselves."""

    @cache
    def document(version: str) -> bytes:
        return as_json(openapi.document((*others, *ours), version))

    async def describe(call: Call) -> Annotated[Response, Sends(("application/json",))]:
        """This description, as OpenAPI 3.1."""
        return Response(document(call.desk.version), content_type="application/json")

    ours = (Route("GET", "/v1/openapi.json", describe, Entry.PUBLIC),)
    return ours
