"""OctoPrint's answers, as a real one gave them, and as none should."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Operation, Temperature
from farm.drivers.base import AnswerLost, Identity, LoadedFile, Loss, Reading
from farm.drivers.exchange import Answer, Request
from farm.drivers.octoprint import files, protocol
from farm.errors import FarmError, Forbidden, NotFound, ProtocolError, Refused, WrongFileType
from tests.drivers.nonsense import json_values, mutated, only_farm_errors, saying

RECORDED = json.loads(
    (Path(__file__).parents[2] / "transcripts" / "octoprint" / "octoprint-1.11.8.json").read_text()
)
NAME = "ab12cd_chip.gcode"


def recorded(situation: str) -> Answer:
    """What the real OctoPrint answered then; tests/peers/record_octoprint.py wrote it down."""
    said = RECORDED[situation]
    body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
    return Answer(said["status"], {"content-type": said["content_type"]}, body.encode())


def reading(situation: str) -> Reading:
    machine = protocol.machine(recorded(f"{situation}: printer"))
    return protocol.reading(machine, protocol.current_job(recorded(f"{situation}: job")))


# -- what a real one says ------------------------------------------------------------------------


def test_a_real_octoprint_is_recognised() -> None:
    assert protocol.identity(recorded("version")) == Identity("octoprint", "1.11.8")


def test_a_wrong_key_is_said_in_words() -> None:
    with pytest.raises(Forbidden, match="does not take the API key"):
        protocol.identity(recorded("wrong key"))


def test_a_command_with_a_wrong_key_is_said_in_words() -> None:
    with pytest.raises(Forbidden, match="does not take the API key"):
        protocol.accepted(recorded("command with a wrong key"))


@pytest.mark.parametrize(
    ("situation", "connected", "operation", "name"),
    [
        ("idle, just connected", True, Operation.IDLE, None),
        ("printing, just started", True, Operation.PRINTING, NAME),
        ("printing", True, Operation.PRINTING, NAME),
        ("pausing", True, Operation.PAUSING, NAME),
        ("paused", True, Operation.PAUSED, NAME),
        ("cancelled", True, Operation.IDLE, NAME),
        ("finished", True, Operation.IDLE, NAME),
        ("printer disconnected", False, Operation.UNKNOWN, None),
        ("firmware error", False, Operation.UNKNOWN, None),
    ],
)
def test_each_state_is_read(situation: str, connected: bool, operation: Operation, name: str | None) -> None:
    found = reading(situation)

    assert (found.machine_connected, found.operation) == (connected, operation)
    assert (found.file.remote_name if found.file else None) == name


def test_a_running_print_shows_its_progress_and_temperatures() -> None:
    found = reading("printing")

    assert found.temperatures["tool0"] == Temperature(actual=50.0, target=50.0)
    assert found.file is not None
    assert found.file.progress == pytest.approx(0.108, abs=0.02)
    assert found.file.elapsed_s == 5
    assert found.file.remaining_s is None  # it does not know yet


def test_just_connected_there_are_no_temperatures() -> None:
    assert reading("idle, just connected").temperatures == {}


def test_a_finished_file_stays_loaded_with_its_progress_full() -> None:
    found = reading("finished")

    assert found.file is not None
    assert found.file.progress == 1.0


def test_a_firmware_error_keeps_its_words() -> None:
    found = reading("firmware error")

    assert found.text == "Offline after error"
    assert "Thermal Runaway" in found.error
    assert found.loss is Loss.FIRMWARE_ERROR


@pytest.mark.parametrize(
    ("text", "error", "loss"),
    [
        ("Offline", "", Loss.CLOSED),
        ("Closed", "", Loss.CLOSED),
        ("Opening serial connection", "", None),
        ("Connecting", "", None),
        ("Offline after error", "SerialTimeoutException: ", Loss.LINK_LOST),
        ("Offline after error", "SerialException: device disconnected", Loss.LINK_LOST),
        ("Offline after error", "OSError: [Errno 5] Input/output error", Loss.LINK_LOST),
        ("Offline after error", "Too many consecutive timeouts, printer still connected?", Loss.LINK_LOST),
        ("Offline after error", "Closing serial port due to emergency stop M112.", Loss.EMERGENCY_STOP),
        ("Offline after error", "MINTEMP triggered, system stopped! Heater_ID: 0", Loss.FIRMWARE_ERROR),
        ("Offline after error", "Error: Heating failed", Loss.FIRMWARE_ERROR),
        ("Offline after error", "", Loss.FIRMWARE_ERROR),  # who does not say why is not trusted
    ],
)
def test_why_the_printer_is_away_is_read_from_octoprints_words(
    text: str, error: str, loss: Loss | None
) -> None:
    away = protocol.machine(saying({"error": "Printer is not operational"}, 409))
    job = protocol.current_job(saying({"job": {"file": {}}, "state": text, "error": error}))

    assert protocol.reading(away, job).loss is loss


@pytest.mark.parametrize("situation", ["start", "pause", "cancel", "start again"])
def test_accepted_commands_pass(situation: str) -> None:
    protocol.accepted(recorded(situation), NAME)


@pytest.mark.parametrize(
    ("situation", "check", "error", "words"),
    [
        ("start, already printing", protocol.accepted, Refused, "busy, or its printer is away"),
        ("start, printer disconnected", protocol.accepted, Refused, "busy, or its printer is away"),
        ("start, file missing", protocol.accepted, NotFound, "does not have the file"),
        ("upload over the printing file", files.uploaded, Refused, "of that name is printing"),
        ("upload of an unknown kind", files.uploaded, WrongFileType, "no such kind"),
        ("delete, printing", files.deleted, Refused, "while it is in use"),
    ],
)
def test_refusals_say_what_is_in_the_way(
    situation: str, check: Callable[[Answer, str], object], error: type[FarmError], words: str
) -> None:
    with pytest.raises(error, match=words):
        check(recorded(situation), NAME)


def test_a_refused_pause_keeps_octoprints_reason() -> None:
    with pytest.raises(Refused, match="neither printing nor paused"):
        protocol.accepted(recorded("pause, nothing prints"))


def test_a_session_is_opened_with_the_key() -> None:
    login = protocol.login(recorded("login"))

    assert login.name == "admin"
    assert login.session
    assert login.session not in repr(login)
    for answer in ("wrong key", "command with a wrong key"):
        with pytest.raises(Forbidden):
            protocol.login(recorded(answer))
    for body in ({}, {"name": "admin"}, {"name": "admin", "session": None}):
        with pytest.raises(ProtocolError, match="no session"):
            protocol.login(saying(body))


def test_the_newest_sample_of_temperatures_has_its_mark() -> None:
    asked = protocol.machine(recorded("printing: printer, as we ask"))

    assert asked.sampled is not None
    assert asked.temperatures["tool0"] == Temperature(50.0, 50.0)  # and "history" is no heater


# -- commands ------------------------------------------------------------------------------------


def sent(request: Request) -> tuple[str, dict[str, object]]:
    return request.path, json.loads(request.content)


def test_commands_are_what_octoprint_takes() -> None:
    heaters = {name: Temperature(20.0, 0.0) for name in ("tool0", "tool1", "bed", "chamber")}
    machine = protocol.Machine(True, Operation.IDLE, "Operational", heaters)

    assert sent(protocol.emergency_stop()) == ("/api/printer/command", {"command": "M112"})
    assert sent(protocol.target("bed", 60, machine)) == (
        "/api/printer/bed",
        {"command": "target", "target": 60.0},
    )
    assert sent(protocol.target("tool1", 204.96, machine)) == (
        "/api/printer/tool",
        {"command": "target", "targets": {"tool1": 205.0}},
    )
    assert sent(protocol.home(["x", "y"]))[1] == {"command": "home", "axes": ["x", "y"]}
    assert sent(protocol.jog(1, 0, -2.5))[1] == {"command": "jog", "absolute": False, "x": 1.0, "z": -2.5}
    assert sent(protocol.gcode([" M115 ; who?", "", "G28\r\n"]))[1] == {"commands": ["M115", "G28"]}


@pytest.mark.parametrize("heater", ["tool7", "bed", "history", "", "tool0 S250", "tool0\nM112"])
def test_no_heater_is_set_that_the_printer_does_not_show(heater: str) -> None:
    machine = protocol.Machine(True, Operation.IDLE, "Operational", {"tool0": Temperature(20.0, 0.0)})

    with pytest.raises(Refused, match="no heater"):
        protocol.target(heater, 50, machine)


def test_no_heater_is_set_on_a_printer_that_is_away() -> None:
    with pytest.raises(Refused, match="while its printer is away"):
        protocol.target("bed", 50, protocol.Machine(False, Operation.UNKNOWN))


def test_a_heater_of_a_plugin_is_shown_but_not_set() -> None:
    machine = protocol.Machine(True, Operation.IDLE, "Operational", {"dryer": Temperature(20.0, None)})

    with pytest.raises(Refused, match="does not set it"):
        protocol.target("dryer", 50, machine)


# -- what others, older and sicker ones say ------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["OctoPrint (Moonraker 0.11.0)", "PrusaLink 0.8.1", "octoprint", "", 7, None, "\ud800"]
)
def test_servers_that_imitate_octoprint_are_told_apart(text: object) -> None:
    with pytest.raises(ProtocolError, match="no OctoPrint"):
        protocol.identity(saying({"api": "0.1", "server": "1.5.0", "text": text}))


@pytest.mark.parametrize(
    ("flags", "text", "operation"),
    [
        ({"operational": True, "printing": True}, "Starting", Operation.PREPARING),
        ({"operational": True, "printing": True, "cancelling": True}, "Cancelling", Operation.CANCELLING),
        ({"operational": True, "printing": True, "resuming": True}, "Resuming", Operation.RESUMING),
        ({"operational": True, "printing": True, "finishing": True}, "Finishing", Operation.PRINTING),
        ({"operational": True}, "Transferring file to SD", Operation.UNKNOWN),
        ({"operational": True, "printing": "yes", "ready": 1}, "Operational", Operation.UNKNOWN),
    ],
)
def test_flags_become_an_operation(flags: dict[str, object], text: str, operation: Operation) -> None:
    machine = protocol.machine(saying({"state": {"text": text, "flags": flags}}))

    assert (machine.connected, machine.operation) == (True, operation)


@pytest.mark.parametrize("text", ["Offline", "Offline after error", "Error", "Closed"])
def test_a_printer_lost_between_two_questions_is_away(text: str) -> None:
    machine = protocol.machine(recorded("printing: printer"))
    job = protocol.current_job(saying({"job": {"file": {"path": None}}, "state": text, "error": "x"}))

    assert protocol.reading(machine, job) == Reading(
        False, Operation.UNKNOWN, text, "x", loss=Loss.FIRMWARE_ERROR
    )


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        ("null", {}),
        ("[]", {}),
        ('{"tool0": null, "bed": {}, "x": 3, "history": []}', {}),
        ('{"tool0": {"actual": null, "target": 210}}', {"tool0": Temperature(None, 210.0)}),
        ('{"tool0": {"actual": NaN, "target": Infinity}}', {}),
        ('{"tool0": {"actual": true, "target": "60"}}', {}),
        ('{"bed": {"actual": 1e999, "target": 0}}', {"bed": Temperature(None, 0.0)}),
        ('{"bed": {"actual": ' + "9" * 400 + ', "target": 0}}', {"bed": Temperature(None, 0.0)}),
        ('{"' + "x" * 33 + '": {"actual": 1, "target": 0}}', {}),
    ],
)
def test_odd_temperatures_are_no_readings(given_: str, found: dict[str, Temperature]) -> None:
    body = f'{{"state": {{"text": "Operational", "flags": {{}}}}, "temperature": {given_}}}'

    assert protocol.machine(Answer(200, {}, body.encode())).temperatures == found


def test_a_mad_number_of_heaters_is_cut() -> None:
    heaters = {f"tool{number}": {"actual": 20, "target": 0} for number in range(10_000)}
    machine = protocol.machine(saying({"state": {"flags": {}}, "temperature": heaters}))

    assert len(machine.temperatures) == protocol.MAX_HEATERS


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"completion": 50, "printTime": 12, "printTimeLeft": 8.5}, LoadedFile("a.gcode", 0.5, 12.0, 8.5)),
        ({"completion": 100.0001}, LoadedFile("a.gcode", 1.0)),
        ({"completion": -1, "printTime": -5}, LoadedFile("a.gcode", 0.0)),
        ({"completion": "50", "printTime": True}, LoadedFile("a.gcode")),
        (None, LoadedFile("a.gcode")),
    ],
)
def test_progress_is_a_fraction_or_nothing(progress: object, expected: LoadedFile) -> None:
    body = {"job": {"file": {"path": "a.gcode", "origin": "local"}}, "progress": progress}

    assert protocol.current_job(saying(body)).file == expected


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ({"path": NAME, "origin": "sdcard"}, f"sdcard:{NAME}"),
        ({"path": NAME}, f":{NAME}"),
        ({"path": "folder/x.gcode", "origin": "local"}, "folder/x.gcode"),
        ({"path": "\ud800.gcode", "origin": "local"}, "?.gcode"),
    ],
)
def test_a_file_elsewhere_is_not_taken_for_ours(file: dict[str, str], name: str) -> None:
    loaded = protocol.current_job(saying({"job": {"file": file}})).file

    assert loaded is not None
    assert loaded.remote_name == name


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("check", [protocol.identity, protocol.machine, protocol.current_job])
def test_a_web_server_without_its_octoprint_is_not_reachable(
    status: int, check: Callable[[Answer], object]
) -> None:
    with pytest.raises(AnswerLost, match="starting, or stopped"):
        check(Answer(status, {}, b"<html>Bad Gateway"))


@pytest.mark.parametrize("status", [200, 202, 302, 500, 501, 503, 504])
def test_a_command_answered_out_of_turn_may_have_been_carried_out(status: int) -> None:
    with pytest.raises(AnswerLost):
        protocol.accepted(Answer(status), NAME)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 415, 418, 429])
def test_a_command_refused_for_any_reason_was_not_carried_out(status: int) -> None:
    with pytest.raises(Refused, match=r"refused|does not start"):
        protocol.accepted(Answer(status, {}, b"<html>"), NAME)


# -- whatever the bytes --------------------------------------------------------------------------

EVERY_CHECK: list[Callable[[Answer], object]] = [
    protocol.identity,
    protocol.machine,
    protocol.current_job,
    protocol.accepted,
    lambda answer: protocol.accepted(answer, NAME),
]


@given(st.integers(100, 999), st.binary(max_size=200), st.sampled_from(["", "application/json", "text/html"]))
def test_no_bytes_raise_anything_but_a_farm_error(status: int, body: bytes, kind: str) -> None:
    only_farm_errors(EVERY_CHECK, Answer(status, {"content-type": kind}, body))


@given(st.sampled_from([200, 201, 204, 404, 409]), json_values)
def test_no_json_raises_anything_but_a_farm_error(status: int, body: object) -> None:
    only_farm_errors(EVERY_CHECK, saying(body, status))


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
        found = protocol.reading(protocol.machine(answer), protocol.current_job(recorded("printing: job")))
        assert found.text.isprintable()
        assert all(name.isprintable() for name in found.temperatures)


@pytest.mark.parametrize(
    "request_", [files.file, files.delete, files.start], ids=lambda request_: request_.__name__
)
def test_no_name_reaches_another_path(request_: Callable[[str], Request]) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        request_("../../connection")
