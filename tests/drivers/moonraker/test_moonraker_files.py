"""Files beside a Moonraker, by what a real one answered."""

from __future__ import annotations

import pytest

from farm.domain.file import RemoteFile
from farm.drivers.exchange import Answer
from farm.drivers.moonraker.protocol import files
from farm.errors import NotFound, ProtocolError, Refused, TooLarge
from tests.drivers.moonraker.recorded import NAME, recorded
from tests.drivers.nonsense import saying

SIZE = 31


def test_an_upload_was_taken_and_lies_there() -> None:
    files.uploaded(recorded("upload"), NAME)
    files.uploaded(recorded("upload, klipper killed"), NAME)
    record = files.file_record(recorded("file, never printed"))

    assert record is not None
    assert record == files.listed(recorded("files"), NAME)
    assert files.stored(record, NAME, SIZE, "7") == RemoteFile(record.changed, "7")
    files.original(record, NAME, SIZE, record.changed)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (recorded("upload over the printing file"), Refused, "a file of that name is printing"),
        (recorded("upload, wrong checksum"), ProtocolError, "did not arrive at Moonraker as it was sent"),
        (Answer(413), TooLarge, "larger than its settings allow"),
        (saying({"item": {"path": "other"}}, 201), ProtocolError, "under another name: 'other'"),
        (saying({"item": {"path": NAME}, "print_started": True}, 201), ProtocolError, "by itself"),
        (saying({}, 201), ProtocolError, "under another name: nothing at all"),
        (
            saying({"error": {"code": 500, "message": "Unable to save file"}}, 500),
            ProtocolError,
            "Unable to save",
        ),
    ],
)
def test_an_upload_that_was_not_taken_says_why(answer: Answer, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        files.uploaded(answer, NAME)


def test_a_file_that_is_not_there_is_not_there() -> None:
    assert files.file_record(recorded("file, missing")) is None
    assert files.listed(recorded("files"), "none.gcode") is None
    with pytest.raises(NotFound):
        files.original(None, NAME, SIZE, "1.5")
    with pytest.raises(ProtocolError, match="does not show it"):
        files.stored(None, NAME, SIZE, "")


def test_half_a_file_is_no_file() -> None:
    record = files.file_record(recorded("file, never printed"))

    with pytest.raises(ProtocolError, match="stored 31 of the 62 bytes"):
        files.stored(record, NAME, 62, "")


def test_only_what_is_as_it_was_put_there_is_copied() -> None:
    record = files.FileRecord(SIZE, "1795790044.7409432")

    for size, changed in ((SIZE + 1, record.changed), (SIZE, "1795790044.7409433")):
        with pytest.raises(Refused, match="other content"):
            files.original(record, NAME, size, changed)
    files.copied(recorded("copy"), NAME)
    with pytest.raises(Refused, match="does not exist"):
        files.copied(recorded("copy, missing"), "none")


def test_a_file_goes_unless_it_is_printed() -> None:
    files.deleted(recorded("delete"), NAME)
    files.deleted(recorded("delete, gone"), NAME)
    with pytest.raises(Refused, match="in use"):
        files.deleted(recorded("delete, printing"), NAME)
