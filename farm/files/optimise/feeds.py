"""Lines that only set a feed rate: it goes with the move behind them as well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from farm.files.optimise.lines import GAP

_ALONE = re.compile(rb"G1( +F\d*\.?\d+)")
_TAKES_IT = re.compile(rb"G1(?: +[XYZE][-.\d]+)+")


def join_feeds(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same with each such feed rate in the next line, if that is a plain move without one."""
    feed = GAP
    for line in lines:
        if alone := line.startswith(b"G1 F") and _ALONE.fullmatch(line):
            feed = alone[1]
        elif not feed or line is GAP:
            yield line
        else:
            if _TAKES_IT.fullmatch(line):
                line += feed
            else:
                yield b"G1" + feed
            feed = GAP
            yield line
    if feed:
        yield b"G1" + feed
