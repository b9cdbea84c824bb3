"""Uploads are taken in exactly, however the network cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farm.simulator.upload import MAX_FIELD, MAX_HEADERS, Form, FormReader

KIND = "multipart/form-data; boundary=b"


def form_of(content: bytes) -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="print"\r\n\r\ntrue\r\n--b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="dir/part.gcode"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--b--\r\n"
    )


def read(folder: Path, *pieces: bytes) -> Form:
    reader = FormReader(KIND, folder)
    for piece in pieces:
        reader.receive(piece)
    return reader.form


@pytest.mark.parametrize(
    "content", [b"", b"G28\nG1 X1\n", b"\r\n", b"\r\n--", b"--b", b"x\r\n--c--\r\n", b"\n\r"]
)
def test_cut_anywhere_the_file_is_the_same(tmp_path: Path, content: bytes) -> None:
    whole = form_of(content)
    for cut in range(len(whole) + 1):
        form = read(tmp_path, whole[:cut], whole[cut:])
        assert (form.name, form.size, form.complete) == ("part.gcode", len(content), True)
        assert form.fields == {"print": "true"}
        assert form.keep().read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([b"\r", b"\n", b"-", b"b", b"\r\n--", b"x" * 300])).map(b"".join))
def test_byte_by_byte_is_the_same_as_at_once(tmp_path: Path, content: bytes) -> None:
    if b"\r\n--b" in content:
        return  # no client chooses a boundary that is in its file
    whole = form_of(content)
    once, slowly = read(tmp_path, whole), read(tmp_path, *(whole[i : i + 1] for i in range(len(whole))))

    assert once.keep().read_bytes() == slowly.keep().read_bytes() == content
    assert once.sha1 == slowly.sha1


def test_a_file_that_is_cut_off_or_not_taken_is_not_kept(tmp_path: Path) -> None:
    whole = form_of(b"G28\n" * 100)
    for end in (20, 100, 300, len(whole) - 12, len(whole)):
        reader = FormReader(KIND, tmp_path)
        reader.receive(whole[:end])
        reader.close()
        assert list(tmp_path.iterdir()) == []


def test_endless_headers_and_fields_are_not_held(tmp_path: Path) -> None:
    headers = read(tmp_path, b"--b\r\n", *[b"X" * 1024] * (MAX_HEADERS // 1024 + 2), b"\r\n\r\n")
    field = read(
        tmp_path, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * 10**6 + b"\r\n--b--"
    )

    assert not headers.complete
    assert field.fields == {"x": "y" * MAX_FIELD}


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data"])
def test_what_is_no_form_is_said_to_be_none(tmp_path: Path, content_type: str) -> None:
    with pytest.raises(ValueError, match="no multipart form"):
        FormReader(content_type, tmp_path)
