"""The frames between the server and its workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import ProtocolError
from farm.workers.wire import (
    Done,
    Errand,
    Failed,
    Frames,
    Limits,
    Progress,
    TurnedDown,
    Warm,
    errand_in,
    framed,
    packed,
    told_in,
)

LIMITS = Limits(memory=1, processor_s=2.0, wall_s=3.0, answer=4)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=5,
)
TOLD = (
    st.just(Warm())
    | st.builds(Progress, st.floats(0, 1))
    | st.builds(TurnedDown, st.text())
    | st.builds(Failed, st.text())
    | st.builds(Done, ANYTHING.map(packed))
)


@given(st.lists(TOLD), st.integers(1, 50))
def test_what_goes_in_comes_out_in_pieces_of_any_size(messages, step):
    data, frames = b"".join(map(framed, messages)), Frames(1_000_000)

    told = [
        told_in(frame) for at in range(0, len(data), step) for frame in frames.receive(data[at : at + step])
    ]

    assert told == messages


def test_errand_comes_through_with_its_limits():
    (frame,) = Frames(1000).receive(framed(Errand(packed(["a", 1]), LIMITS)))

    assert errand_in(frame) == Errand(packed(["a", 1]), LIMITS)


def test_frame_that_is_too_long_is_refused_by_its_head():
    with pytest.raises(ProtocolError, match="4294967295 bytes, where 100 is the most"):
        list(Frames(100).receive(b"\xff\xff\xff\xff"))


@given(st.binary())
def test_nonsense_is_refused_in_words(data):
    for read in (told_in, errand_in):
        with pytest.raises(ProtocolError):
            read(data)
