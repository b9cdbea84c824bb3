"""XML from strangers, as a flat list of elements. What declares entities or a document type is refused."""

from __future__ import annotations

from typing import NamedTuple, NoReturn
from xml.parsers import expat

from farm.errors import Invalid

MOST_DEPTH = 64
MOST_ELEMENTS = 100_000


class Element(NamedTuple):
    """An element's name, its attributes, and how deep it stands; the outermost at 1."""

    name: str
    attributes: dict[str, str]
    depth: int


def elements(data: bytes) -> list[Element]:
    """Every element, in the order in which they begin. Raises Invalid for what is no plain XML."""
    found: list[Element] = []
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH or len(found) >= MOST_ELEMENTS:
            raise Invalid("a list in this file is longer or deeper than any slicer writes it")
        found.append(Element(name, attributes, depth))

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # or an encoding that nobody knows
        raise Invalid("a list in this file is damaged; export it again") from error
    return found


def _refuse(*declared: object) -> NoReturn:
    raise Invalid("a list in this file declares what no slicer does; export it again")
