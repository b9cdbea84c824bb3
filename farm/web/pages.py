"""The pages a browser shows. They talk to the farm through its API, like every other client.

What lies in the folder `page` is read once and served from memory under /page/: no address that somebody
sends is ever used as a path on the disk.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from quart import Response, request

from farm.access.gate import IDLE
from farm.domain.file import EXTENSIONS
from farm.errors import NotFound
from farm.web.routes import Call, Entry, Route

FOLDER = Path(__file__).parent / "page"
PREFIX = "/page/"
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""Endings of the files that are served as they lie. Pages themselves (.html) are filled in first."""

# Nothing inline and nothing from elsewhere: text that somebody smuggles into a page cannot run, and no
# script of ours can make HTML of a text.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent, and the mark by which a browser knows that it has it already."""

    body: bytes
    kind: str
    etag: str

    @classmethod
    def of(cls, body: bytes, kind: str) -> Content:
        return cls(body, f"{kind}; charset=utf-8", hashlib.sha256(body).hexdigest())


async def part(call: Call, name: str) -> Response:
    """One of the files that the pages are made of."""
    found = parts().get(name)
    if found is None:
        raise NotFound("there is nothing at this address")
    return send(found)


async def front(call: Call) -> Response:
    """The farm itself for a browser; for a program that looks who is here, a sentence."""
    if "text/html" not in request.headers.get("Accept", ""):
        text = (
            f"The printer farm {call.desk.version} runs. Open this address in a browser to see it; "
            "programs talk to it under /v1.\n"
        )
        response = Response(text, content_type="text/plain; charset=utf-8")
    else:
        texts = {
            "version": call.desk.version,
            "max_upload": str(call.desk.max_upload),
            "undo_s": f"{call.desk.undo_s:g}",
            "idle_s": f"{IDLE.total_seconds():g}",
        }
        response = send(Content.of(filled("index.html", texts, modules=_preloads()), "text/html"))
    response.vary.add("Accept")
    return response


async def login(call: Call) -> Response:
    """Where people log in; before there is anybody, where the farm is set up."""
    if call.desk.gate.awaits_setup:
        return elsewhere("/setup")
    return form("login.html")


async def setup(call: Call) -> Response:
    """The page behind the set-up link."""
    if not call.desk.gate.awaits_setup:
        return elsewhere("/login")
    return form("setup.html")


def form(name: str, status: int = 200, answer: str = "", username: str = "") -> Response:
    """A page with a plain form, which works before any script does. answer: what went wrong last time."""
    body = filled(name, {"answer": answer, "username": username})
    response = _guarded(Response(body, status, content_type="text/html; charset=utf-8"))
    response.headers["Cache-Control"] = "no-store"
    return response


def elsewhere(address: str) -> Response:
    """Leads a browser on to another page of ours."""
    return Response(b"", 303, {"Location": address, "Cache-Control": "no-store"})


@cache
def parts() -> Mapping[str, Content]:
    """The files that are served as they lie, by their path below the folder."""
    return {
        path.relative_to(FOLDER).as_posix(): Content.of(path.read_bytes(), KINDS[path.suffix])
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in KINDS
    }


@cache
def _preloads() -> str:
    """Lines that let a browser fetch all modules at once, instead of one after it has read the other."""
    modules = (name for name in parts() if name.endswith(".js") and "/" in name)
    return "\n".join(f'<link rel="modulepreload" href="{PREFIX}{html.escape(name)}">' for name in modules)


def filled(name: str, texts: Mapping[str, str], **markup: str) -> bytes:
    """A page with its blanks filled in. texts: anybody's words; markup: ours."""
    words = {key: html.escape(text) for key, text in texts.items()}
    return _template(name).substitute(words, endings=",".join(EXTENSIONS), **markup).encode()


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / name).read_text("utf-8"))


def send(content: Content) -> Response:
    """The content, or only word that the browser has it. It always asks: a new version shows at once."""
    known = content.etag in request.if_none_match
    response = _guarded(Response(b"" if known else content.body, 304 if known else 200))
    response.content_type = content.kind
    response.set_etag(content.etag)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    # With "no-referrer" a browser would hide where a form comes from, and we look at that.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


ROUTES = (
    Route("GET", "/", front, Entry.PUBLIC),
    Route("GET", "/login", login, Entry.PUBLIC),
    Route("GET", "/setup", setup, Entry.PUBLIC),
    Route("GET", f"{PREFIX}<path:name>", part, Entry.PUBLIC),
)
