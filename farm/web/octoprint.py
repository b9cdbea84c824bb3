"""The farm as slicers know it: an OctoPrint at the root, and one for each printer under /p/<printer>/.

What they send with "print" becomes a job of the queue; without, it is kept and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from quart import Response, request

from farm.access.rights import Action, Target, require
from farm.domain.file import StoredFile
from farm.domain.user import Principal
from farm.errors import Invalid
from farm.files.storage import Upload
from farm.queue.messages import AddJob
from farm.web.answers import answer
from farm.web.printers import find, target
from farm.web.routes import Call, Entry, Route
from farm.web.uploads import hand_over, incoming, keep

SPEAKS = "1.11.8"  # the OctoPrint whose answers were recorded and are given here
_TRUE = frozenset({"true", "yes", "y", "1", "on"})  # as OctoPrint reads its fields


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a print may run: on one of `printers`, with all `tags`; both empty means anywhere."""

    printers: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    about: Target | None = None


async def version(call: Call, printer: str | None = None) -> Response:
    """What slicers test before they send anything: `text` must begin with OctoPrint."""
    if printer is not None:
        await find(call, printer)
    text = f"OctoPrint {SPEAKS} (printer farm {call.desk.version})"
    return answer({"api": "0.1", "server": SPEAKS, "text": text})


async def take_upload(call: Call, printer: str | None = None) -> Response:
    """Keep a file and, with print=true, wish it printed. Everything that can be refused before the body
    is sent, is."""
    destination = await _destination(call, printer)
    require(call.asker, Action.UPLOAD, destination.about)
    if request.mimetype != "multipart/form-data":
        raise Invalid("send the file as a form (multipart/form-data), as slicers do")
    async with incoming(call) as (form, upload):
        wanted = _is_true(form.fields, "print")
        if wanted:  # before it is kept: who may not queue it should not find it half done
            require(call.asker, Action.QUEUE, destination.about)
        take_in = partial(_take_in, call, upload, form.name, destination if wanted else None)
        file = await hand_over(take_in)
    return _uploaded(file.name, wanted, "" if printer is None else f"/p/{printer}")


async def _take_in(call: Call, upload: Upload, name: str, destination: Destination | None) -> StoredFile:
    """Keep the file, and make a job of it where a destination is given."""
    file, _ = await keep(call, upload, name)
    if destination is not None:
        wish = AddJob(file.id, required_printers=destination.printers, required_tags=destination.tags)
        await call.desk.queue.ask(wish, by=call.asker)
    return file


async def _destination(call: Call, printer: str | None) -> Destination:
    """Where an upload to this address goes; at the root, the key says. Raises NotFound."""
    tag = None
    if printer is None:
        printer, tag = _key_target(call.asker)
    if printer is not None:
        found = await find(call, printer)
        return Destination(printers=frozenset({found.id}), about=target(found))
    if tag is not None:
        tags = frozenset({tag})
        return Destination(tags=tags, about=Target("", tags))
    return Destination()


def _key_target(asker: Principal) -> tuple[str | None, str | None]:
    """The printer or the tag that a key names as the place for its uploads."""
    kind, _, name = (asker.target or "").partition(":")
    return (name if kind == "printer" else None), (name if kind == "group" else None)


def _is_true(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(name, "").strip().lower() in _TRUE


def _uploaded(name: str, printing: bool, prefix: str) -> Response:
    # Without host and port: some slicers send a Host header that lacks the port.
    resource = f"{prefix}/api/files/local/{quote(name)}"
    place: dict[str, Any] = {
        "name": name,
        "display": name,
        "path": name,
        "origin": "local",
        "refs": {"resource": resource, "download": f"{prefix}/downloads/files/local/{quote(name)}"},
    }
    body = {"done": True, "effectivePrint": printing, "effectiveSelect": False, "files": {"local": place}}
    return answer(body, 201, {"Location": resource})


ROUTES = (
    Route("GET", "/api/version", version, Entry.KNOWN),
    Route("POST", "/api/files/local", take_upload, Entry.KNOWN),
    Route("GET", "/p/<printer>/api/version", version, Entry.KNOWN),
    Route("POST", "/p/<printer>/api/files/local", take_upload, Entry.KNOWN),
)
