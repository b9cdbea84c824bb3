"""What an OctoPrint address stands for: the whole farm, one printer, or the printers with a tag."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from farm.access.rights import Action, Target, allowed, require
from farm.domain.printer import Printer
from farm.domain.user import Principal
from farm.errors import NotFound
from farm.web.printers import everyone, find, target
from farm.web.routes import Call

PREFIXES = ("", "/p/<printer>", "/group/<tag>")
"""Where the farm answers as an OctoPrint. A key with a target of its own turns the root into that place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a print may run: on one of `printers`, with all `tags`; both empty means anywhere.

    prefix: of the addresses here. about: the place as rights are asked about it, None for the farm.
    """

    prefix: str = ""
    printers: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    about: Target | None = None

    def holds(self, printer: Printer) -> bool:
        """Whether the printer belongs to this place."""
        return (not self.printers or printer.id in self.printers) and self.tags <= printer.tags


async def place_of(call: Call, printer: str | None, tag: str | None) -> Place:
    """The place that an address names; at the root, the one that the key names. Raises NotFound."""
    prefix = _prefix(printer, tag)
    if tag is not None and not any(tag in known.tags for known in await everyone(call)):
        raise NotFound(f"no printer of this farm has the tag {tag}")
    if printer is None and tag is None:
        printer, tag = _key_target(call.asker)
    if printer is not None:
        found = await find(call, printer)
        return Place(prefix, printers=frozenset({found.id}), about=target(found))
    if tag is not None:  # a key's, maybe: a tag that no printer has any more lets its jobs wait
        tags = frozenset({tag})
        return Place(prefix, tags=tags, about=Target("", tags))
    return Place(prefix)


def require_look(asker: Principal, place: Place) -> None:
    """Slicers look at the printer they send to, with a key that may do no more than upload.

    Raises Forbidden where the asker may neither look nor upload there.
    """
    if not allowed(asker, Action.UPLOAD, place.about):
        require(asker, Action.READ, place.about)


def may_look(asker: Principal, printer: Printer) -> bool:
    """The same of one printer of several: a place shows each asker no more than their own."""
    about = target(printer)
    return allowed(asker, Action.UPLOAD, about) or allowed(asker, Action.READ, about)


def _prefix(printer: str | None, tag: str | None) -> str:
    if printer is not None:
        return f"/p/{quote(printer, safe='')}"
    return "" if tag is None else f"/group/{quote(tag, safe='')}"


def _key_target(asker: Principal) -> tuple[str | None, str | None]:
    """The printer or the tag that a key names as the place for its uploads."""
    kind, _, name = (asker.target or "").partition(":")
    return (name if kind == "printer" else None), (name if kind == "group" else None)
