"""What every container gives: the G-code itself, and what its slicer says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from farm.files.pictures.thumbnails import Picture
from farm.files.slicers.ends import Ends
from farm.files.slicers.remarks import Remarks


@dataclass(frozen=True, slots=True)
class Printable:
    """A file that can be printed, opened.

    text: plain G-code from its beginning; to be read once, a piece at a time. size: of the text, in bytes;
    only about that where it is packed so that nobody knows before. ends: of this text, empty
    where the container keeps the remarks elsewhere. said: all that the slicer says, from wherever it
    stands. pictures: those the slicer drew. warnings: sentences for the people in the shop.
    """

    text: BinaryIO
    size: int
    ends: Ends
    said: Remarks
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
