"""The API's description: for programs as OpenAPI, for people as a page that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from quart import Response

from farm.live.protocol import as_json
from farm.web import docs_page, openapi, pages
from farm.web.contract import Sends
from farm.web.routes import Call, Entry, Route


def routes(others: Sequence[Route]) -> tuple[Route, ...]:
    """The routes that describe `others` and themselves."""

    @cache
    def document(version: str) -> openapi.Json:
        return openapi.document((*others, *ours), version)

    @cache
    def as_text(version: str) -> bytes:
        return as_json(document(version))

    @cache
    def as_page(version: str) -> pages.Content:
        markup = docs_page.markup(document(version))
        return pages.Content.of(pages.filled("docs.html", {"version": version}, content=markup), "text/html")

    async def describe(call: Call) -> Annotated[Response, Sends(("application/json",))]:
        """This description, as OpenAPI 3.1."""
        return Response(as_text(call.desk.version), content_type="application/json")

    async def explain(call: Call) -> Annotated[Response, Sends(("text/html; charset=utf-8",), kept=True)]:
        """This description, as a page for people."""
        return pages.send(as_page(call.desk.version))

    ours = (
        Route("GET", "/v1/openapi.json", describe, Entry.PUBLIC),
        Route("GET", "/v1/docs", explain, Entry.PUBLIC),
    )
    return ours
