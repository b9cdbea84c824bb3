"""PrusaLink's answers, as a real one gave them, as Prusa's own printers give them, and as none should."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.file import RemoteFile
from farm.domain.printer import Operation, Position, Temperature
from farm.drivers.base import AnswerLost, Identity, Loss
from farm.drivers.exchange import Answer
from farm.drivers.prusalink import files, protocol
from farm.errors import FarmError, Forbidden, NotFound, ProtocolError, Refused, TooLarge, WrongFileType
from tests.drivers.nonsense import json_values, mutated, only_farm_errors, saying

RECORDED = json.loads(
    (Path(__file__).parents[2] / "transcripts" / "prusalink" / "prusalink-0.8.1.json").read_text()
)
NAME = "ab12cd_chip.gcode"


def recorded(situation: str) -> Answer:
    """What the real PrusaLink answered then; tests/peers/record_prusalink.py wrote it down."""
    said = RECORDED[situation]
    body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
    return Answer(said["status"], said["headers"], body.encode())


def status(printer: dict[str, object], **more: object) -> protocol.Status:
    return protocol.status_in(saying({"printer": printer, **more}))


# -- who it is -----------------------------------------------------------------------------------


def test_a_real_prusalink_is_recognised_by_name() -> None:
    version = protocol.version_in(recorded("version"))

    assert protocol.identity(version, recorded("info")) == Identity("prusalink", "0.8.1", "Row A")


def test_a_printer_that_speaks_it_itself_is_recognised() -> None:
    answer = saying(
        {"api": "2.0.0", "server": "2.1.2", "text": "PrusaLink", "capabilities": {"upload-by-put": True}}
    )

    assert protocol.version_in(answer) == "2.1.2"


@pytest.mark.parametrize("situation", ["wrong key", "no key"])
def test_a_wrong_key_is_said_in_words(situation: str) -> None:
    for read in (protocol.version_in, protocol.status_in, protocol.job_file, protocol.accepted):
        with pytest.raises(Forbidden, match="does not take the API key"):
            read(recorded(situation))


def test_a_command_without_a_key_is_said_in_words() -> None:
    with pytest.raises(Forbidden, match="menu under Settings, Network, PrusaLink"):
        protocol.accepted(recorded("no key, command"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (saying({"text": "OctoPrint 1.11.8", "server": "1.11.8"}), "calls itself 'OctoPrint 1.11.8'"),
        (saying({"text": "PrusaLinkish", "server": "1"}), "calls itself 'PrusaLinkish'"),
        (saying({}), "nothing at all"),
        (saying({"text": "PrusaLink 0.6.1", "server": "0.6.1"}), "too old"),
        (saying({"text": "PrusaLink", "capabilities": {"upload-by-put": False}}), "too old"),
        (Answer(200, {}, b"<!DOCTYPE html><title>Log in</title>"), "not JSON"),
        (Answer(302, {"location": "/login"}, b""), "leads on to another"),
        (saying({"error": {"code": 401, "message": "Unauthorized"}}, 401), "no PrusaLink"),
        (saying({"error": "You don't have the permission"}, 403), "no PrusaLink"),
        (saying({"error": "Not found"}, 404), "404 out of turn"),
    ],
)
def test_who_else_answers_is_told(answer: Answer, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        protocol.version_in(answer)


def test_while_it_starts_one_has_to_wait() -> None:
    for read in (protocol.version_in, protocol.status_in):
        with pytest.raises(AnswerLost, match="starting"):
            read(recorded("starting: version"))


# -- how its printer is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "operation", "name"),
    [
        ("its printer boots", Operation.UNKNOWN, None),
        ("idle, just connected", Operation.IDLE, None),
        ("printing, just started", Operation.PRINTING, NAME),
        ("printing", Operation.PRINTING, NAME),
        ("pausing", Operation.PRINTING, NAME),
        ("paused", Operation.PAUSED, NAME),
        ("waits for somebody", Operation.PAUSED, NAME),
        ("stopped", Operation.IDLE, None),
        ("finished", Operation.IDLE, None),
        ("idle after a print", Operation.IDLE, None),
        ("firmware error", Operation.UNKNOWN, None),
    ],
)
def test_each_state_is_read(situation: str, operation: Operation, name: str | None) -> None:
    found = protocol.status_in(recorded(f"{situation}: status"))
    job = protocol.job_file(recorded(f"{situation}: job"))

    assert found.operation is operation
    assert (job[1] if job else None) == name
    assert (job[0] if job else None) == (found.job.id if found.job else None)


def test_a_running_print_shows_its_progress_and_temperatures() -> None:
    found = protocol.status_in(recorded("printing: status"))

    assert found.temperatures.keys() == {"tool0", "bed"}
    assert found.temperatures["tool0"].target == 0
    assert found.job is not None
    assert found.job.id == 1
    assert found.job.progress is not None
    assert 0.05 < found.job.progress < 0.2
    assert found.job.elapsed_s == 6  # it counts at every hundredth line
    assert found.position is None  # x and y are not told while it prints
    assert found.fans["hotend"].rpm is not None
    assert found.z_mm == 0


def test_just_connected_there_is_no_reading_at_all() -> None:
    found = protocol.status_in(recorded("idle, just connected: status"))

    assert found.temperatures == {}
    assert (found.position, found.z_mm, found.job) == (None, None, None)


def test_standing_still_it_tells_its_place() -> None:
    assert protocol.status_in(recorded("idle after a print: status")).position is not None
    assert status({"state": "IDLE", "axis_x": 1.5, "axis_y": 2, "axis_z": 3}).position == Position(1.5, 2, 3)


@pytest.mark.parametrize("missing", ["temp_nozzle", "target_nozzle", "temp_bed", "target_bed"])
def test_any_temperature_may_be_missing(missing: str) -> None:
    printer: dict[str, object] = {
        "state": "IDLE",
        "temp_nozzle": 20.5,
        "target_nozzle": 0.0,
        "temp_bed": 21.0,
        "target_bed": 0.0,
    }
    del printer[missing]

    found = status(printer).temperatures

    assert len(found) == 2
    assert None in {value for heater in found.values() for value in (heater.actual, heater.target)}


def test_an_error_of_the_firmware_waits_for_a_person() -> None:
    found = protocol.status_in(recorded("firmware error: status"))

    assert found.loss is Loss.FIRMWARE_ERROR
    assert found.problem == "Firmware detected a hardware issue"


def test_a_lost_line_is_taken_up_by_itself() -> None:
    told = {"state": "ERROR", "status_printer": {"ok": False, "message": "Serial device does not exist"}}

    assert status(told).loss is Loss.LINK_LOST


@pytest.mark.parametrize(
    ("state", "job", "operation"),
    [
        ("READY", None, Operation.IDLE),
        ("BUSY", None, Operation.UNKNOWN),
        ("BUSY", {"id": 7}, Operation.PRINTING),
        ("ATTENTION", None, Operation.UNKNOWN),
        ("ATTENTION", {"id": 7}, Operation.PAUSED),
        ("DANCING", {"id": 7}, Operation.UNKNOWN),
    ],
)
def test_rare_states_are_read_with_their_job(state: str, job: object, operation: Operation) -> None:
    assert status({"state": state}, job=job).operation is operation


def test_the_long_name_counts_where_a_drive_has_short_ones() -> None:
    file = {"name": "AB12CD~1.GCO", "display_name": NAME, "path": "/usb/AB12CD~1.GCO"}

    assert protocol.job_file(saying({"id": 23, "file": file})) == (23, NAME)


@pytest.mark.parametrize("body", [{}, {"printer": None}, {"printer": {"state": 7}}, {"printer": []}])
def test_a_status_without_a_state_is_none(body: object) -> None:
    with pytest.raises(ProtocolError, match="without the printer's state"):
        protocol.status_in(saying(body))


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", ["start", "pause", "resume", "cancel"])
def test_accepted_commands(situation: str) -> None:
    protocol.accepted(recorded(situation))


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        ("start, already printing", "not in state to print"),
        ("start, stopped a moment ago", "not in state to print"),
        ("start, firmware error", "not in state to print"),
        ("pause, paused already", "when printer is printing"),
        ("pause, nothing prints", "when printer is printing"),
        ("resume, not paused", "when printer is paused"),
        ("cancel, nothing prints", "when printer is printing"),
        ("cancel, waits for somebody", "when printer is printing"),
    ],
)
def test_refused_commands_come_with_its_words(situation: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        protocol.accepted(recorded(situation))


@pytest.mark.parametrize("situation", ["start, file missing", "pause, another job"])
def test_what_is_not_there_is_not_found(situation: str) -> None:
    with pytest.raises(NotFound):
        protocol.accepted(recorded(situation))


@pytest.mark.parametrize("code", [500, 502, 503, 504, 301, 302, 100])
def test_any_other_answer_leaves_a_command_open(code: int) -> None:
    with pytest.raises(AnswerLost, match="is unknown"):
        protocol.accepted(Answer(code))


# -- files ---------------------------------------------------------------------------------------


def test_only_what_the_farm_named_is_written_over() -> None:
    assert files.upload("local", NAME).headers == {"Overwrite": "?1"}
    assert files.upload("usb", "benchy.gcode").headers == {}
    assert files.upload("usb", NAME).path == f"/api/v1/files/usb/{NAME}"


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b"])
def test_no_file_leaves_its_folder(name: str) -> None:
    for request in (files.upload, files.file, files.delete, files.start):
        with pytest.raises(ValueError, match="not a plain"):
            request("local", name)
        with pytest.raises(ValueError, match="not a plain"):
            request(name, NAME)


def test_files_go_where_one_can_write() -> None:
    assert files.storage_in(recorded("storage")) == "local"
    card = {"path": "/sdcard", "available": True, "read_only": True}
    drive = {"path": "/usb/", "name": "usb", "type": "USB", "available": True, "read_only": False}
    assert files.storage_in(saying({"storage_list": [card, drive]})) == "usb"
    for odd in ("/", "/.", "/..", "/usb/deep", "/us\\b", "/usb\n/.."):
        assert files.storage_in(saying({"storage_list": [{**drive, "path": odd}, drive]})) == "usb"
    for none in ([], [card], [{**drive, "available": False}], [{**drive, "path": "/.."}], ["usb"]):
        with pytest.raises(Refused, match="put a USB drive into the printer"):
            files.storage_in(saying({"storage_list": none}))


def test_an_upload_is_taken() -> None:
    files.uploaded(recorded("upload"), NAME)
    files.uploaded(recorded("upload over it"), NAME)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (recorded("upload, there already"), Refused),
        (recorded("upload to print, already printing"), Refused),
        (recorded("upload without a kind"), WrongFileType),
        (recorded("upload without content"), ProtocolError),
        (recorded("upload to another storage"), ProtocolError),
        (Answer(413), TooLarge),
        (Answer(507), TooLarge),
        (Answer(503), AnswerLost),
    ],
)
def test_an_upload_that_is_not_taken_is_said_in_words(answer: Answer, problem: type[FarmError]) -> None:
    with pytest.raises(problem, match=r"^[A-Z].*[.]$"):
        files.uploaded(answer, NAME)


def test_a_file_counts_when_it_is_shown_with_its_size() -> None:
    assert files.size_in(recorded("file, just uploaded")) is None
    assert files.size_in(recorded("file, missing")) is None
    size = files.size_in(recorded("file"))
    assert size == 22726
    assert files.stored(size, NAME, 22726) == RemoteFile()
    with pytest.raises(ProtocolError, match="22726 of the 22727 bytes"):
        files.stored(size, NAME, 22727)


def test_a_file_that_goes() -> None:
    files.deleted(recorded("delete"), NAME)
    files.deleted(recorded("file, missing"), NAME)
    files.deleted(recorded("delete, gone"), NAME)  # it stumbles: only a look can tell
    with pytest.raises(Refused, match="in use"):
        files.deleted(recorded("delete, printing"), NAME)


# -- as none should ------------------------------------------------------------------------------

EVERY_CHECK: list[Callable[[Answer], object]] = [
    protocol.version_in,
    lambda answer: protocol.identity("", answer),
    protocol.status_in,
    protocol.job_file,
    protocol.accepted,
    files.storage_in,
    files.size_in,
    lambda answer: files.uploaded(answer, NAME),
    lambda answer: files.deleted(answer, NAME),
]


@given(st.integers(100, 999), st.binary(max_size=200), st.sampled_from(["", "application/json", "text/html"]))
def test_no_bytes_raise_anything_but_a_farm_error(code: int, body: bytes, kind: str) -> None:
    only_farm_errors(EVERY_CHECK, Answer(code, {"content-type": kind}, body))


@given(st.sampled_from([200, 201, 204, 404, 409]), json_values)
def test_no_json_raises_anything_but_a_farm_error(code: int, body: object) -> None:
    only_farm_errors(EVERY_CHECK, saying(body, code))


@given(
    st.sampled_from(sorted(name for name, said in RECORDED.items() if isinstance(said["body"], dict))),
    json_values,
    st.lists(st.integers(0, 20), min_size=1, max_size=4),
)
def test_a_real_answer_with_one_part_gone_wrong_is_still_read_or_refused(
    situation: str, value: object, path: list[int]
) -> None:
    said = RECORDED[situation]
    answer = saying(mutated(said["body"], value, path), said["status"])
    only_farm_errors(EVERY_CHECK, answer)

    with contextlib.suppress(FarmError):
        found = protocol.status_in(answer)
        for heater in found.temperatures.values():
            assert heater != Temperature(None, None)
        assert found.job is None or found.job.progress is None or 0 <= found.job.progress <= 1
