from __future__ import annotations

import pytest

from farm.domain.optimising import Comments
from farm.files.optimise.arcs import ArcSupport
from farm.files.optimise.copying import Wishes, write_copy

USUAL = ArcSupport()


@pytest.fixture
def optimised(tmp_path):
    """Makes a copy of a text: the copy and what was saved."""

    def make(text: bytes, *, arcs: ArcSupport | None = USUAL, comments: Comments = Comments.HOST):
        source, target = tmp_path / "source.gcode", tmp_path / "copy.gcode"
        source.write_bytes(text)
        savings = write_copy(source, target, Wishes(comments, arcs), lambda done: None)
        return target.read_bytes(), savings

    return make
