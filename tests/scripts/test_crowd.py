"""The bystanders of the benchmark `fleet` find every frame, however the bytes come."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from scripts.benches.crowd.watcher import next_frame


def framed(kind: int, payload: bytes) -> bytes:
    """As a server frames it (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((kind, size)) + payload
    if size < 1 << 16:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + payload
    return bytes((kind, 127)) + size.to_bytes(8, "big") + payload


@given(
    frames=st.lists(
        st.tuples(st.sampled_from([0x81, 0x89]), st.sampled_from([0, 1, 125, 126, 300])), max_size=4
    ),
    pieces=st.integers(min_value=1, max_value=400),
)
@example(frames=[(0x81, 65535), (0x81, 70000)], pieces=9000)
def test_frames_are_found_however_they_are_cut(frames: list[tuple[int, int]], pieces: int) -> None:
    sent = [(kind, bytes(size)) for kind, size in frames]
    wire = b"".join(framed(*frame) for frame in sent)

    kept, found = b"", []
    for start in range(0, len(wire), pieces):
        kept += wire[start : start + pieces]
        while (frame := next_frame(kept)) is not None:
            kind, payload, kept = frame
            found.append((kind, payload))

    assert found == sent
    assert kept == b""
