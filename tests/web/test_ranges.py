"""Parts of files, as clients ask for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.web.ranges import OutOfRange, Part, part_wanted


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (None, None),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=2-5", Part(2, 6)),
        ("bytes=5-", Part(5, 10)),
        ("bytes=5-4711", Part(5, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-4711", Part(0, 10)),
        ("BYTES= 1-2", Part(1, 3)),
        ("bytes=0-1,4-5", None),  # several: the whole is as good
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes", None),
        ("lines=0-5", None),
        ("bytes=" + "9" * 4000 + "-", None),
    ],
)
def test_part_is_understood_or_the_whole_is_sent(asked, part):
    assert part_wanted(asked, None, "tag", 10) == part


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=9999999999999999999-"])
def test_part_beyond_the_end_is_none(asked):
    with pytest.raises(OutOfRange):
        part_wanted(asked, None, "tag", 10)


@pytest.mark.parametrize(
    ("if_range", "part"),
    [
        ('"tag"', Part(2, 6)),
        ('W/"tag"', None),
        ('"other"', None),
        ("Fri, 27 Nov 2026 18:00:00 GMT", None),
        ("", None),
    ],
)
def test_part_of_a_file_that_has_become_another_is_not_sent(if_range, part):
    assert part_wanted("bytes=2-5", if_range, "tag", 10) == part


@given(st.text() | st.from_regex(r"bytes=\d{0,3}-\d{0,3}", fullmatch=True), st.integers(1, 200))
def test_every_part_lies_within_the_file(asked, size):
    try:
        part = part_wanted(asked, None, "tag", size)
    except OutOfRange:
        return
    assert part is None or 0 <= part.begin < part.end <= size
