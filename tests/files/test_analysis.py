"""What runs inside the workers: each kind of file finds what reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.analysis import analyse

GCODE = Path(__file__).parents[1] / "data" / "gcode"


def test_gcode_is_read_with_its_picture():
    found = analyse(GCODE / "ps292gui_calib20_thumbs.gcode", FileKind.GCODE)

    assert found.result.time_s.slicer == 1691.0
    assert (found.picture.media, found.picture.width) == ("image/png", 220)


def test_file_that_is_none_is_refused_in_words(tmp_path):
    path = tmp_path / "a.gcode"
    path.write_bytes(bytes(500))

    with pytest.raises(Invalid, match="no G-code text"):
        analyse(path, FileKind.GCODE)
