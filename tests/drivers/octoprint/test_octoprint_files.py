"""The files beside an OctoPrint: what it says of them, what is concluded, and what is not guessed at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.file import RemoteFile
from farm.drivers.base import AnswerLost, OutcomeKind
from farm.drivers.exchange import Answer, Request
from farm.drivers.octoprint import files
from farm.errors import NotFound, ProtocolError, Refused, TooLarge
from tests.drivers.nonsense import json_values, only_farm_errors, saying
from tests.drivers.octoprint.test_octoprint_protocol import NAME, reading, recorded

SHA1 = "4b194736ca0ae6cc34c72fa92cfb1093a852fab6"
SOURCE = "zz99zz_chip.gcode"


def record(successes: int = 0, failures: int = 0, last_was_good: bool | None = None) -> files.FileRecord:
    return files.FileRecord(16, SHA1, successes, failures, last_was_good)


def outcome(situation: str, file: str) -> OutcomeKind:
    return files.outcome(reading(situation), files.file_record(recorded(file)), NAME).kind


# -- how a print ended ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "file", "kind"),
    [
        ("idle, just connected", "file, never printed", OutcomeKind.NO_RECORD),
        ("printing", "file, never printed", OutcomeKind.RUNNING),
        ("paused", "file, never printed", OutcomeKind.RUNNING),
        ("cancelled", "file, cancelled", OutcomeKind.FAILED),
        ("finished", "file, finished", OutcomeKind.FINISHED),
        ("printer disconnected", "file, cancelled", OutcomeKind.FAILED),
        ("idle, just connected", "file, missing", OutcomeKind.UNKNOWN),
        # The history is written a moment after the state changed: loaded and not noted is no "never".
        ("finished", "file, never printed", OutcomeKind.UNKNOWN),
    ],
)
def test_the_end_of_a_print_is_read_from_its_file(situation: str, file: str, kind: OutcomeKind) -> None:
    assert outcome(situation, file) is kind


@pytest.mark.parametrize(
    ("now", "mark", "kind"),
    [
        (record(1), "", OutcomeKind.FINISHED),
        (record(1), "1/0", OutcomeKind.NO_RECORD),  # a copy took along what is remembered of its original
        (record(2), "1/0", OutcomeKind.FINISHED),
        (record(1, 1, last_was_good=False), "1/0", OutcomeKind.FAILED),
        (record(3), "1/0", OutcomeKind.FINISHED),  # and once more at the machine, as well
        (record(0, 2), "", OutcomeKind.FAILED),
        (record(1, 1, last_was_good=True), "", OutcomeKind.FAILED),  # the last one was at the machine
        (record(1, 1, last_was_good=False), "", OutcomeKind.FINISHED),
        (record(1, 1), "", OutcomeKind.UNKNOWN),
        (record(2, 1, last_was_good=True), "", OutcomeKind.UNKNOWN),
        (record(), "1/0", OutcomeKind.UNKNOWN),  # begun anew, with other content
        (record(1), "0/1", OutcomeKind.UNKNOWN),
        (record(1), "no mark of ours", OutcomeKind.FINISHED),
    ],
)
def test_only_what_came_after_the_mark_tells_of_our_print(
    now: files.FileRecord, mark: str, kind: OutcomeKind
) -> None:
    assert files.outcome(reading("idle, just connected"), now, NAME, mark).kind is kind


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (record(1), OutcomeKind.RUNNING),
        (record(2), OutcomeKind.FINISHED),  # what runs was started at the machine, after the end of ours
        (record(1, 1, last_was_good=False), OutcomeKind.FAILED),
        (record(2, 2, last_was_good=False), OutcomeKind.UNKNOWN),
        (None, OutcomeKind.RUNNING),
    ],
)
def test_a_print_that_runs_is_ours_unless_there_is_an_end_of_ours(
    now: files.FileRecord | None, kind: OutcomeKind
) -> None:
    assert files.outcome(reading("printing"), now, NAME, "1/0").kind is kind


@pytest.mark.parametrize(("situation", "still_runs"), [("printing", True), ("finished", False)])
def test_an_end_says_whether_somebody_began_it_anew(situation: str, still_runs: bool) -> None:
    assert files.outcome(reading(situation), record(2), NAME, "1/0").still_runs is still_runs


def test_the_mark_is_what_is_remembered_so_far() -> None:
    for count in (0, 1, 2**63 - 1):
        assert record(count, count).since(record(count, count).mark) == (0, 0)
    assert record(5, 7).since(record(3, 3).mark) == (2, 4)


def test_a_finished_print_tells_how_long_it_took() -> None:
    found = files.file_record(recorded("file, finished"))

    assert files.outcome(reading("finished"), found, NAME).printed_s == pytest.approx(0.01, abs=0.5)


# -- files ---------------------------------------------------------------------------------------


def test_a_file_that_is_gone_already_counts_as_deleted() -> None:
    files.deleted(recorded("delete"), NAME)
    files.deleted(recorded("delete, gone"), NAME)


def test_an_upload_is_taken_and_lies_there_whole() -> None:
    files.uploaded(recorded("upload"), NAME)
    found = files.file_record(recorded("file, never printed"))
    assert found is not None

    lies_there = files.stored(found, NAME, found.size or 0, str(found.sha1))
    assert lies_there == RemoteFile(str(found.sha1), "0/0")
    with pytest.raises(ProtocolError, match=rf"stored {found.size} of the 99 bytes"):
        files.stored(found, NAME, 99, str(found.sha1))
    with pytest.raises(ProtocolError, match="does not show it"):
        files.stored(files.file_record(recorded("file, missing")), NAME, 99, "")
    with pytest.raises(ProtocolError, match="other content"):
        files.stored(found, NAME, found.size or 0, "0" * 40)


def test_the_stand_in_of_a_starting_octoprint_does_not_make_files_vanish() -> None:
    stand_in = Answer(404, {}, b"Not found")

    with pytest.raises(AnswerLost):
        files.file_record(stand_in)
    with pytest.raises(AnswerLost):
        files.deleted(stand_in, NAME)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"files": {"local": {"path": "other.gcode"}}}, "under another name"),
        ({"files": {"local": {}}}, "under another name"),
        ({"files": {"local": {"path": NAME}}, "effectivePrint": True}, "by itself"),
        ({"files": {"sdcard": {"path": NAME}}}, 'without "local"'),
        ({}, 'without "files"'),
    ],
)
def test_an_upload_that_went_elsewhere_is_not_taken_for_good(body: object, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        files.uploaded(saying(body, 201), NAME)


def test_an_upload_too_large_for_octoprint_is_said() -> None:
    with pytest.raises(TooLarge):
        files.uploaded(Answer(413), NAME)


# -- copies --------------------------------------------------------------------------------------


def test_a_copy_is_asked_for_by_its_name() -> None:
    assert files.copy(SOURCE, NAME) == Request(
        "POST",
        f"/api/files/local/{SOURCE}",
        f'{{"command": "copy", "destination": "{NAME}"}}'.encode(),
        "application/json",
    )


@pytest.mark.parametrize("names", [("../x.gcode", NAME), (SOURCE, "../x.gcode"), (SOURCE, "folder/x.gcode")])
def test_nothing_is_copied_into_another_folder_or_out_of_one(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        files.copy(*names)


@pytest.mark.parametrize(
    ("answer", "made"),
    [
        (saying({"path": NAME}, 201), True),
        (saying({"error": "File or folder does already exist"}, 409), False),
        (saying({"error": "Could not copy"}, 500), False),  # with half a file, when the disk is full
        (Answer(502), False),
        (Answer(404, {"content-type": "text/plain"}), None),
        (Answer(302), False),
        (saying({}, 200), False),
    ],
)
def test_what_leaves_a_copy_open_is_not_taken_for_one(answer: Answer, made: bool | None) -> None:
    with contextlib.nullcontext() if made is not None else pytest.raises(Refused):
        assert files.copied(answer, SOURCE, NAME) is made


def test_a_copy_of_a_missing_file_or_under_another_name_is_none() -> None:
    with pytest.raises(NotFound, match=SOURCE):
        files.copied(saying({"error": "gone"}, 404), SOURCE, NAME)
    with pytest.raises(ProtocolError, match="under another name"):
        files.copied(saying({"path": "other.gcode"}, 201), SOURCE, NAME)
    with pytest.raises(Refused, match="does not copy"):
        files.copied(saying({"error": "invalid type"}, 415), SOURCE, NAME)


def test_only_what_the_farm_put_there_is_copied() -> None:
    files.original(record(), SOURCE, 16, SHA1)
    for changed in (files.FileRecord(17, SHA1), files.FileRecord(16, "0" * 40), files.FileRecord(16, None)):
        with pytest.raises(Refused, match="other content"):
            files.original(changed, SOURCE, 16, SHA1)
    with pytest.raises(NotFound):
        files.original(None, SOURCE, 16, SHA1)


# -- whatever the bytes --------------------------------------------------------------------------

EVERY_CHECK: list[Callable[[Answer], object]] = [
    lambda answer: files.uploaded(answer, NAME),
    lambda answer: files.copied(answer, SOURCE, NAME),
    lambda answer: files.deleted(answer, NAME),
    lambda answer: files.outcome(reading("printing"), files.file_record(answer), NAME, "1/1"),
]


@given(st.integers(100, 999), st.binary(max_size=200), st.sampled_from(["", "application/json", "text/html"]))
def test_no_bytes_about_a_file_raise_anything_but_a_farm_error(status: int, body: bytes, kind: str) -> None:
    only_farm_errors(EVERY_CHECK, Answer(status, {"content-type": kind}, body))


@given(st.sampled_from([200, 201, 204, 404, 409]), json_values)
def test_no_json_about_a_file_raises_anything_but_a_farm_error(status: int, body: object) -> None:
    only_farm_errors(EVERY_CHECK, saying(body, status))
