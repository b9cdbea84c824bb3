"""Uploads are taken in exactly, however the network cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.errors import Invalid
from farm.simulator.upload import Form, FormReader

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


def test_a_file_that_is_cut_off_or_not_taken_is_not_kept(tmp_path: Path) -> None:
    whole = form_of(b"G28\n" * 100)
    for end in (20, 100, 300, len(whole) - 12, len(whole)):
        reader = FormReader(KIND, tmp_path)
        reader.receive(whole[:end])
        reader.close()
        assert list(tmp_path.iterdir()) == []


def test_what_is_no_form_is_left_out(tmp_path: Path) -> None:
    headers = read(tmp_path, b"--b\r\n", *[b"X" * 1024] * 20, b"\r\n\r\n", form_of(b"G28\n"))

    assert (headers.complete, headers.name) == (False, "")


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data"])
def test_what_is_no_form_is_said_to_be_none(tmp_path: Path, content_type: str) -> None:
    with pytest.raises(Invalid):
        FormReader(content_type, tmp_path)
