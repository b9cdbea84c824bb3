"""Follows the toolhead through a file, and leaves out of each move what the printer knows already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from farm.errors import Invalid
from farm.files.optimise.lines import GAP


class Segment(NamedTuple):
    """A straight line that prints something in the plane: it may become part of an arc.

    text: as it is written by itself. start, end: millimetres. x, y, e: the words of its end; counted: whether
    e goes on from zero, or from the line before. mm: of filament. feed: the word of a feed rate that begins
    with it, None where the last one holds.
    """

    text: bytes
    start: tuple[float, float]
    end: tuple[float, float]
    x: bytes
    y: bytes
    e: bytes
    counted: bool
    mm: float
    feed: bytes | None


# A number without needless zeros. Atomic, so that no line makes the search go back and forth, and no longer
# than a float keeps; what does not match is written as it stands.
_NUMBER = rb"(?>(?:0++(?=\.\d*[1-9]))?(-?\d{0,9}\.\d{0,9}[1-9]|-?\d{1,9})(?:\.0*|0*))"


def _command(name: bytes, words: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\A" + name + b"".join(rb"(?: ++%c%b)?" % (word, _NUMBER) for word in words))


_MOVE = _command(rb"G([01])", b"FXYZFEF")
_ARC = _command(rb"G[23]", b"FXYZIJEF")
_PLACE = _command(rb"G92", b"XYZE")

_NAME = re.compile(rb"\A[GMT]\d++(?:\.\d++)?(?=\s|;|$)")
_ANOTHER = re.compile(rb"\s[GM]\d")
_NO_COMMAND = re.compile(rb"\A[XYZEFIJ][-+.\d]", re.IGNORECASE)
_OBJECT = re.compile(rb"\A; ?(?:(?:stop |start )?printing object|OBJECT_ID:|MESH:)")

# They move nothing and change no mode and no feed rate; firmwares that make macros of them do not either.
_STANDING = frozenset(
    b"G4 M73 M104 M105 M106 M107 M109 M115 M117 M118 M140 M141 M155 M190 M191 M201 M203 M204 M205 M220 "
    b"M221 M300 M400 M572 M592 M593 M900".split()
)


class Toolhead:
    """What the printer knows at a line: the place, in the words of the file, and the modes. None: unknown.

    A word is left out only where every firmware would do without it. What it does not know to be harmless
    (a tool change, a macro, an object that may be given up) makes it forget where the toolhead is.
    """

    def __init__(self) -> None:
        self._x: bytes | None = None
        self._y: bytes | None = None
        self._z: bytes | None = None
        self._e: bytes | None = None
        self._feed: bytes | None = None
        self._feeds: dict[bytes, bytes | None] = {b"0": None, b"1": None}  # some keep them apart
        self._due: bytes | None = None  # a feed rate that was read and is not written yet
        self._at: tuple[float, float] | None = None  # millimetres; what _x and _y say
        self._filament = 0.0  # what _e says
        # Without a word of it a file is written for places that count from zero; of E firmwares differ.
        self._absolute: bool | None = True
        self._counted: bool | None = None
        self._counted_by_file: bool | None = None  # as the last M82 or M83 said
        self._in_millimetres = True
        self._along_the_bed = True  # the plane that arcs lie in

    def shorten(self, lines: Iterable[bytes]) -> Iterator[bytes | Segment]:
        """What is to be written for these lines. Raises Invalid where no line may be changed.

        A feed rate on a line of its own goes with the move behind it.
        """
        for line in lines:
            move = self._plain(line)
            if self._due is not None and line and (move is None or move[1] != b"1"):
                yield self._due_feed()
            yield self._other(line) if move is None else self._move(move)
        if self._due is not None:
            yield self._due_feed()

    def _plain(self, line: bytes) -> re.Match[bytes] | None:
        """The move, if it is one that says for certain where it goes, and how fast."""
        found = _MOVE.fullmatch(line)
        return found if found is not None and self._absolute and line.count(b"F") < 2 else None

    def _other(self, line: bytes) -> bytes:
        """A line that is no plain move. It is written as it is, but for a plain move with a comment."""
        if line.startswith(b";"):
            if _OBJECT.match(line):
                self._forget()
            return line
        command, semicolon, _ = line.partition(b";")
        if semicolon and (plain := self._plain(command.rstrip())):
            move = self._move(plain)
            text = move.text if isinstance(move, Segment) else move
            if self._due is not None:
                text = self._due_feed()
            return text + b" " + line[len(command) :] if text else line[len(command) :]
        if line:
            self._follow(line)
        return line

    # -- moves ---------------------------------------------------------------------------------

    def _move(self, found: re.Match[bytes]) -> bytes | Segment:
        kind, feed, x, y, z, feed2, e, feed3 = found.groups()
        feed = feed or feed2 or feed3 or (self._due if kind == b"1" else None)
        start = self._at
        across = self._go(x, y)
        up, new_e, mm = b"", b"", 0.0
        if z is not None and z != self._z:
            up = b" Z" + z
            self._z = z
        if e is not None:
            mm, new_e = self._extrude(e)
        words = across + up + new_e
        if not words and kind == b"1":
            self._due = feed if feed is not None and self._is_new(kind, feed) else None
            return GAP
        new_feed = None
        if feed is not None and self._is_new(kind, feed):
            new_feed = feed
            words += self._set_feed(kind, feed)
        self._due = None
        if not words:
            return GAP
        text = b"G" + kind + words
        if (
            mm <= 0.0
            or up
            or not across
            or kind != b"1"
            or not (self._in_millimetres and self._along_the_bed)
        ):
            return text
        end, x, y, counted = self._at, self._x, self._y, self._counted
        if start is None or end is None or x is None or y is None or e is None or counted is None:
            return text
        return Segment(text, start, end, x, y, e, counted, mm, new_feed)

    def _go(self, x: bytes | None, y: bytes | None) -> bytes:
        """The words that bring the toolhead there."""
        words = b""
        if x is not None and x != self._x:
            words = b" X" + x
            self._x = x
        if y is not None and y != self._y:
            words += b" Y" + y
            self._y = y
        if words and self._x is not None and self._y is not None:
            self._at = (float(self._x), float(self._y))
        return words

    def _extrude(self, e: bytes) -> tuple[float, bytes]:
        """How much filament that is, as far as it is known, and the word for it."""
        if self._counted is None:
            return 0.0, b" E" + e
        if not self._counted:
            mm = float(e)
            return mm, b" E" + e if mm else b""
        if e == self._e:
            return 0.0, b""
        filament, before = float(e), self._filament
        known = self._e is not None
        self._e, self._filament = e, filament
        return filament - before if known else 0.0, b" E" + e

    def _is_new(self, kind: bytes, feed: bytes) -> bool:
        """Whether the printer does not have this feed rate yet."""
        return feed != self._feed or feed != self._feeds[kind]

    def _set_feed(self, kind: bytes, feed: bytes) -> bytes:
        self._feed = self._feeds[kind] = feed
        return b" F" + feed

    def _due_feed(self) -> bytes:
        """The line for the feed rate that found no move to go with."""
        feed, self._due = self._due, None
        return b"G1" + self._set_feed(b"1", feed) if feed is not None else GAP

    # -- everything else -----------------------------------------------------------------------

    def _follow(self, line: bytes) -> None:
        """Take in what a line does that is not a plain move."""
        named = _NAME.match(line)
        if named is None:
            self._follow_foreign(line)
            return
        name = named[0]
        if _ANOTHER.search(line.partition(b";")[0]):  # firmwares disagree whether the second one counts
            self._lose_everything()
        elif name in _STANDING:
            pass
        elif name in (b"G2", b"G3") and self._absolute and (found := _ARC.fullmatch(line)):
            self._go_round(*found.groups())
        elif name == b"G92" and (found := _PLACE.fullmatch(line)):
            self._set_place(*found.groups())
        elif name in (b"M82", b"M83"):
            self._counted = self._counted_by_file = name == b"M82"
            self._e = None
        elif name in (b"G90", b"G91"):
            self._change_mode(absolute=name == b"G90")
        else:
            self._follow_rare(name)

    def _follow_rare(self, name: bytes) -> None:
        if name == b"M28":
            raise Invalid("it writes a file to the printer's card (M28)")
        self._forget()
        if name == b"M121":  # RepRapFirmware goes back to the modes of the last M120
            self._lose_everything()
        elif name in (b"G20", b"G21"):
            self._in_millimetres = name == b"G21"
        elif name in (b"G17", b"G18", b"G19"):
            self._along_the_bed = name == b"G17"

    def _follow_foreign(self, line: bytes) -> None:
        """What no firmware calls G, M or T: a macro, a placeholder, RepRapFirmware's own language."""
        if _NO_COMMAND.match(line):
            raise Invalid("it has lines of coordinates that go on with the command before them")
        if line[:1].isspace() or line[:1] in b"gmt" or line.startswith(b"RESTORE_GCODE_STATE"):
            self._lose_everything()  # it may be done or not, or brings back the modes of an earlier line
        else:
            self._forget()

    def _go_round(
        self,
        feed: bytes | None,
        x: bytes | None,
        y: bytes | None,
        z: bytes | None,
        _i: bytes | None,
        _j: bytes | None,
        e: bytes | None,
        feed2: bytes | None,
    ) -> None:
        self._go(x, y)
        self._z = z or self._z
        if e is not None:
            self._extrude(e)
        if (new := feed2 or feed) is not None:
            self._set_feed(b"1", new)

    def _set_place(self, x: bytes | None, y: bytes | None, z: bytes | None, e: bytes | None) -> None:
        if x is y is z is e is None:  # everything is zero, or nothing is
            self._forget()
            return
        self._go(x, y)
        self._z = z or self._z
        if e is not None:
            self._e, self._filament = e, float(e)

    def _change_mode(self, *, absolute: bool) -> None:
        """G90 and G91. Some firmwares count E as the axes from then on, others as it was said before."""
        self._absolute = absolute
        self._counted = absolute if self._counted_by_file is absolute else None
        self._e = None

    def _forget(self) -> None:
        self._x = self._y = self._z = self._e = self._feed = self._at = None
        self._feeds = {b"0": None, b"1": None}

    def _lose_everything(self) -> None:
        self._forget()
        self._absolute = self._counted = self._counted_by_file = None
        self._in_millimetres = False
