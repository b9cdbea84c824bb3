"""Uploads as slicers send them to an OctoPrint.

What they send with "print" becomes a job of the queue; without, it is kept and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from quart import Response, request

from farm.access.rights import Action, require
from farm.domain.file import StoredFile
from farm.errors import Invalid
from farm.files.storage import Upload
from farm.web.answers import answer
from farm.web.octoprint import retries, shapes
from farm.web.octoprint.places import PREFIXES, Place, place_of
from farm.web.octoprint.retries import Wished
from farm.web.routes import Call, Entry, Route
from farm.web.uploads import hand_over, incoming, keep

_TRUE = frozenset({"true", "yes", "y", "1", "on"})  # as OctoPrint reads its fields


async def take_upload(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """Keep a file and, with print=true, wish it printed. Everything that can be refused before the body
    is sent, is."""
    place = await place_of(call, printer, tag)
    require(call.asker, Action.UPLOAD, place.about)
    if request.mimetype != "multipart/form-data":
        raise Invalid("send the file as a form (multipart/form-data), as slicers do")
    async with incoming(call) as (form, upload):
        wanted = _is_true(form.fields, "print")
        if wanted:  # before it is kept: who may not queue it should not find it half done
            require(call.asker, Action.QUEUE, place.about)
        take_in = partial(_take_in, call, upload, form.name, place if wanted else None)
        file, wish = await hand_over(take_in)
    if wish is not None:
        await retries.answered(call, wish.once)
    return _uploaded(file.name, wish is not None and wish.will_print, place.prefix)


async def _take_in(
    call: Call, upload: Upload, name: str, place: Place | None
) -> tuple[StoredFile, Wished | None]:
    """Keep the file, and wish it printed where a place is given."""
    file, _ = await keep(call, upload, name)
    return file, None if place is None else await retries.wish_once(call, file, place)


def _is_true(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(name, "").strip().lower() in _TRUE


def _uploaded(name: str, printing: bool, prefix: str) -> Response:
    where = shapes.refs(name, prefix)
    place = {"name": name, "display": name, "path": name, "origin": "local", "refs": where}
    body = {"done": True, "effectivePrint": printing, "effectiveSelect": False, "files": {"local": place}}
    return answer(body, 201, {"Location": where["resource"]})


ROUTES = tuple(Route("POST", f"{prefix}/api/files/local", take_upload, Entry.KNOWN) for prefix in PREFIXES)
