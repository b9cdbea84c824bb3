"""Forms are read exactly, however the network cuts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_forms import FORMS, GCODE, Recorded

from farm.errors import FarmError, Invalid, TooLarge
from farm.multipart import (
    MAX_BOUNDARY,
    MAX_FIELD,
    MAX_HEADERS,
    MAX_PARTS,
    FieldRead,
    FileBegun,
    FileEnded,
    FileRead,
    FormDecoder,
    boundary_in,
)


@dataclass
class Form:
    """What a form says, or what was wrong with it. files: field, name, content, whether it is whole."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str, bytes, bool]] = field(default_factory=list)
    ended: bool = False
    problem: str = ""


def read(boundary: bytes, *pieces: bytes) -> Form:
    decoder, form = FormDecoder(boundary), Form()
    for piece in pieces:
        try:
            events = decoder.receive(piece)
        except FarmError as problem:
            return Form(problem=str(problem))
        for event in events:
            take(form, event)
    form.ended = decoder.ended
    return form


def take(form: Form, event: object) -> None:
    match event:
        case FieldRead(name, value):
            form.fields.append((name, value))
        case FileBegun(field, name):
            form.files.append((field, name, b"", False))
        case FileRead(data):
            assert data
            field, name, content, _ = form.files.pop()
            form.files.append((field, name, content + data, False))
        case FileEnded():
            field, name, content, _ = form.files.pop()
            form.files.append((field, name, content, True))


def part(disposition: bytes, content: bytes = b"") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + content + b"\r\n"


def form_with(content: bytes) -> bytes:
    before, after = part(b'name="print"', b"true"), part(b'name="path"')
    return before + part(b'name="file"; filename="part.gcode"', content) + after + b"--b--\r\n"


@pytest.mark.parametrize("recorded", FORMS, ids=lambda recorded: recorded.client)
def test_what_real_clients_send_is_the_same_wherever_it_is_cut(recorded: Recorded):
    boundary = boundary_in(recorded.content_type)
    assert boundary is not None
    expected = Form(list(recorded.fields.items()), [("file", recorded.name, GCODE, True)], ended=True)
    for cut in range(len(recorded.body) + 1):
        form = read(boundary, recorded.body[:cut], recorded.body[cut:])
        form.fields.sort(key=lambda field: list(recorded.fields).index(field[0]))
        assert form == expected


@pytest.mark.parametrize(
    "content",
    [
        b"", b"G28\nG1 X1\n", b"\n", b"\r", b"\r\n", b"\r\n\r\n", b"\r\n--", b"--b", b"--b--", b"\n\r",
        b"\r\r\n", b"x\r\n--c--\r\n", b"\r\n--bx", b"\r\n--b-", b"\r\n--b\n", b"\r\n--b \t x\r\n",
        b"\r\n--b" + b" " * 65 + b"\r\n",
    ],
)  # fmt: skip
def test_cut_at_any_byte_the_file_is_the_same(content: bytes):
    whole = form_with(content)
    expected = Form([("print", "true"), ("path", "")], [("file", "part.gcode", content, True)], ended=True)

    for cut in range(len(whole) + 1):
        assert read(b"b", whole[:cut], whole[cut:]) == expected
    assert read(b"b", *(whole[at : at + 1] for at in range(len(whole)))) == expected


_SNIPPETS = st.sampled_from(
    [
        b"\r", b"\n", b"-", b"b", b" ", b"\r\n", b"--", b"\r\n--", b"--b", b"\r\n--b", b"\r\n--b\r\n",
        b"--b--",
        b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n', b"\xff", b"x" * 300,
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_SNIPPETS, max_size=30).map(b"".join), st.lists(st.integers(0, 3000), max_size=8))
def test_anything_cut_anywhere_gives_the_same(body: bytes, cuts: list[int]):
    for whole in (body, form_with(b"")[:-7] + body, part(b'name="file"; filename="a"')[:-2] + body):
        ends = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
        pieces = [whole[start:end] for start, end in pairwise(ends)]
        at_once, slowly = read(b"b", whole), read(b"b", *(whole[at : at + 1] for at in range(len(whole))))
        assert read(b"b", *pieces) == at_once == slowly


@settings(deadline=None)
@given(st.binary(max_size=2000).filter(lambda content: b"\r\n--b" not in b"\r\n" + content))
def test_any_content_comes_through(content: bytes):
    assert read(b"b", form_with(content)).files == [("file", "part.gcode", content, True)]


def test_what_stands_before_and_after_the_form_is_passed_over():
    whole = b"This is a form.\r\n" + form_with(GCODE) + b"Good-bye\r\n--b\r\n"

    assert read(b"b", whole) == read(b"b", form_with(GCODE))
    assert read(b"b", form_with(GCODE), b"\r\n--b\r\n", b"x" * 10**6) == read(b"b", form_with(GCODE))


def test_files_that_nobody_asked_for_are_told_apart():
    form = read(
        b"b",
        part(b'name="picture"; filename="a.png"', b"PNG"),
        part(b'name=file; filename="a.gcode"', GCODE),
        b"--b--",
    )

    assert form.files == [("picture", "a.png", b"PNG", True), ("file", "a.gcode", GCODE, True)]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'name="file"; filename="W\xc3\xbcrfel.gcode"', "Würfel.gcode"),
        (b'name="file"; filename="W\xfcrfel.gcode"', "Würfel.gcode"),  # Latin-1
        (b'name="file"; filename="%22a%22.gcode"', '"a".gcode'),
        (b'name="file"; filename="\\"a\\".gcode"', '"a".gcode'),
        (b'filename="a;b.gcode"; name="file"', "a;b.gcode"),
        (b"name=file; filename=a.gcode", "a.gcode"),
        (b"name=\"file\"; filename*=UTF-8''W%C3%BCrfel.gcode", "Würfel.gcode"),
        (b'name="file";\r\n filename="a.gcode"', "a.gcode"),  # folded, as mail programs do
        (b'name="file"; filename=""', ""),
    ],
)
def test_name_is_read_however_it_is_written(disposition: bytes, name: str):
    assert read(b"b", part(disposition, GCODE) + b"--b--").files == [("file", name, GCODE, True)]


def test_letter_cut_in_two_is_one_letter():
    whole = part(b'name="path"', "Würfel/größer".encode()) + b"--b--"

    for cut in range(len(whole)):
        assert read(b"b", whole[:cut], whole[cut:]).fields == [("path", "Würfel/größer")]


@pytest.mark.parametrize("end", range(0, 250, 7))
def test_form_that_is_cut_off_has_not_ended(end: int):
    whole = form_with(GCODE)

    assert not read(b"b", whole[: min(end, len(whole) - 5)]).ended


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"--b\r\n\r\nno headers at all\r\n--b--", "no name"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "no name"),
        (part(b'filename="a.gcode"'), "no name"),
        (part(b'name="path"', b"x" * (MAX_FIELD + 1)) + b"--b--", "the field path is too long"),
        (part(b'name="file"; ' + b"x" * MAX_HEADERS), "headers are too long"),
        (b"--b\r\nX: " + b"x" * MAX_HEADERS, "headers are too long"),
        (b"x" * (MAX_HEADERS + 100), "does not begin with its boundary"),
    ],
)
def test_what_cannot_be_read_or_is_too_long_is_said(body: bytes, words: str):
    with pytest.raises(Invalid, match=words):
        FormDecoder(b"b").receive(body)


def test_limits_are_what_they_say():
    most = b"".join(part(b'name="f%d"' % number) for number in range(MAX_PARTS))

    assert len(read(b"b", most + b"--b--").fields) == MAX_PARTS
    with pytest.raises(TooLarge, match="more than 64 fields"):
        FormDecoder(b"b").receive(most + part(b'name="one more"'))
    assert read(b"b", part(b'name="path"', b"x" * MAX_FIELD) + b"--b--").fields == [("path", "x" * MAX_FIELD)]


def test_nothing_is_held_but_what_may_be_a_divider():
    decoder = FormDecoder(b"b" * 70)
    body = part(b'name="file"; filename="a"').replace(b"--b", b"--" + b"b" * 70)[:-2]
    for piece in (body, *[b"\r\n--" + b"b" * 60] * 5000):
        decoder.receive(piece)
        assert len(decoder._buffer) < 74


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", b"b"),
        ('multipart/form-data; boundary="a b"', b"a b"),
        ("Multipart/Form-Data; charset=utf-8; boundary=b", b"b"),
        ("application/json", None),
        ("", None),
    ],
)
def test_boundary_is_found_in_the_content_type(content_type: str, boundary: bytes | None):
    assert boundary_in(content_type) == boundary


@pytest.mark.parametrize("options", ["", "; boundary=", "; boundary=" + "b" * (MAX_BOUNDARY + 1)])
def test_form_without_a_usable_boundary_is_refused(options: str):
    with pytest.raises(Invalid, match="boundary"):
        boundary_in("multipart/form-data" + options)
