"""The pages a browser shows. They talk to the farm through its API, like every other client."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from quart import Response

from farm.web.routes import Call, Entry, Route

_FOLDER = Path(__file__).parent / "page"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

# Nothing inline and nothing from elsewhere: text that somebody smuggles into a page cannot run.
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def setup(call: Call) -> Response:
    """The page behind the set-up link."""
    return _page("setup.html")


async def stylesheet(call: Call) -> Response:
    """How the pages look."""
    return _page("page.css")


async def setup_script(call: Call) -> Response:
    """What the set-up page does."""
    return _page("setup.js")


def _page(name: str) -> Response:
    response = Response(_content(name), content_type=f"{_KINDS[Path(name).suffix]}; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-cache"  # a new version of the farm shows at once
    return response


@cache
def _content(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


ROUTES = (
    Route("GET", "/setup", setup, Entry.PUBLIC),
    Route("GET", "/page/page.css", stylesheet, Entry.PUBLIC),
    Route("GET", "/page/setup.js", setup_script, Entry.PUBLIC),
)
