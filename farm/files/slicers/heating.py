"""What is heated before the first layer: of files that name no temperatures."""

from __future__ import annotations

import re

from farm.domain.analysis import Temperatures
from farm.files.slicers.remarks import MOST_TOOLS, number
from farm.files.slicers.told import HOTTEST_NOZZLE

FIRST_LAYER = b"\n;LAYER:"

_HEATING = re.compile(rb"^M(104|109|140|190)\b([^;\r\n]*)", re.MULTILINE)
_WORD = re.compile(rb"([STR])(\d+(?:\.\d+)?)")


def heated_to(head: bytes, tool: int) -> Temperatures:
    """Waiting for a temperature says more than setting it, and the last one before the layer counts."""
    heated: dict[bytes, float] = {}
    for command, words in _HEATING.findall(head[: max(head.find(FIRST_LAYER), 0)]):
        said = {letter: value.decode() for letter, value in _WORD.findall(words)}
        degc = number(said.get(b"S", said.get(b"R", "")), HOTTEST_NOZZLE)
        if degc is not None and number(said.get(b"T", str(tool)), MOST_TOOLS) == tool:
            heated[command] = degc
    return Temperatures(
        nozzle_first=heated.get(b"109", heated.get(b"104")),
        bed_first=heated.get(b"190", heated.get(b"140")),
    )
