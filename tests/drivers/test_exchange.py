"""Requests and answers as values: what a peer's bytes may become, and what never leaves as a path."""

from __future__ import annotations

import contextlib
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.drivers.exchange import Answer, file_envelope, json_object, one_line, path_segment
from farm.errors import ProtocolError


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_a_protocol_error(body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(json_object(Answer(200, {}, body), "OctoPrint"), dict)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"1" * 10_000, b"\xff\xfe", b"[]", b""])
def test_hostile_json_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        json_object(Answer(200, {}, body), "OctoPrint")


@given(st.text(st.characters(codec=None), max_size=500))
def test_a_peers_text_is_one_short_printable_line(text: str) -> None:
    line = one_line(text)

    assert line.isprintable()
    assert len(line) <= 200
    line.encode("utf-8")  # no lone surrogate is left to break the database or a socket


def test_one_line_keeps_the_words() -> None:
    assert one_line("Thermal Runaway!\r\n\tHeater\x00: bed") == "Thermal Runaway! Heater : bed"
    assert one_line("a" * 300, limit=10) == "aaaaaaaaa…"


@given(st.text(min_size=1).filter(lambda name: name not in (".", "..") and not {"/", "\\"} & set(name)))
def test_a_name_is_one_segment_and_comes_back(name: str) -> None:
    segment = path_segment(name)

    assert segment.isascii()
    assert not set(segment) & set("/?# ")
    assert unquote(segment) == name


@pytest.mark.parametrize("name", ["", ".", "..", "../users.yaml", "a/b", "a\\b"])
def test_a_name_that_leaves_its_folder_is_a_bug_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        path_segment(name)


def test_a_name_cannot_break_out_of_its_form() -> None:
    envelope = file_envelope('x"\r\nContent-Type: text/html\r\n\r\n', "b0undary")

    assert envelope.head.count(b"\r\n") == 4
    assert envelope.content_type == "multipart/form-data; boundary=b0undary"
