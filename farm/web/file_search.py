"""What a list of files is searched for, and where one part of it ends and the next begins."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from farm.domain.file import FileKind, FileState
from farm.errors import Invalid
from farm.store.file_lists import Place, Sort, Wanted
from farm.web.contract import Paging

MOST_WORDS = 10

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class FileSearch(Paging, forbid_unknown_fields=True, kw_only=True):
    """q: words that are all in the name, in any case. sort: with a minus the largest or newest first."""

    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    kind: FileKind | None = None
    state: FileState | None = None
    material: Word | None = None
    printer_model: Word | None = None
    sort: Literal["-uploaded_at", "uploaded_at", "name", "-name", "size", "-size", "time", "-time"] = (
        "-uploaded_at"
    )
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None

    @property
    def wanted(self) -> Wanted:
        """Raises Invalid."""
        words = tuple(self.q.split())
        if len(words) > MOST_WORDS:
            raise Invalid(f"search for {MOST_WORDS} words at most", "q")
        return Wanted(words, self.kind, self.state, self.material, self.printer_model)

    @property
    def sorted_by(self) -> Sort:
        return Sort(self.sort.removeprefix("-"), falling=self.sort.startswith("-"))

    @property
    def after(self) -> Place | None:
        """Raises Invalid for a cursor of another list."""
        if self.cursor is None:
            return None
        try:
            said = msgspec.json.decode(urlsafe_b64decode(self.cursor), type=tuple[str, str | float, str])
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise Invalid("this cursor is none of ours", "cursor") from error
        sort, value, id = said
        if sort != self.sort or isinstance(value, str) != (self.sorted_by.by in _BY_TEXT):
            raise Invalid("this cursor is of a list that is sorted in another way", "cursor")
        return Place(value, id)

    def next(self, places: Sequence[Place]) -> str | None:
        """The cursor after a page for which one place more than asked for was looked up; None at the end."""
        if len(places) <= self.limit:
            return None
        last = places[self.limit - 1]
        return urlsafe_b64encode(msgspec.json.encode((self.sort, last.value, last.id))).decode()


_BY_TEXT = frozenset({"uploaded_at", "name"})
