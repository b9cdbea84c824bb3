"""Moonraker's answers, as a real one gave them, and as none should."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Operation, Temperature
from farm.drivers.base import AnswerLost, Fan, Identity, LineStatistics, Loss, Reading
from farm.drivers.exchange import Answer, Request
from farm.drivers.moonraker.protocol import api, files, history, klipper
from farm.drivers.moonraker.protocol.klipper import Klipper
from farm.errors import FarmError, Forbidden, Invalid, NotFound, ProtocolError, Refused
from tests.drivers.moonraker.recorded import ANSWERS, NAME, recorded
from tests.drivers.nonsense import json_values, mutated, only_farm_errors, saying


def seen(listed: Answer, status: Answer, info: Answer, moonraker: Answer) -> Klipper:
    """How Klipper is, by what is asked one after the other."""
    names = api.klipper_result(listed)
    if names is not None and (told := api.klipper_result(status)) is not None:
        objects = klipper.Objects(klipper.wanted(names.get("objects")))
        objects.merge(told.get("status"))
        return objects.klipper()
    return api.klipper_info(info) or api.klipper_state(moonraker)


def at(situation: str) -> Klipper:
    parts = ("objects", "status", "klipper", "moonraker")
    return seen(*(recorded(f"{situation}: {part}") for part in parts))


def reading(situation: str) -> Reading:
    return klipper.reading(at(situation))


# -- what a real one says ------------------------------------------------------------------------


def test_a_real_moonraker_is_recognised() -> None:
    assert api.identity(recorded("idle: moonraker")) == Identity("moonraker", "0.11.0")


def test_it_is_recognised_without_klipper_too() -> None:
    assert api.identity(recorded("klipper never seen: moonraker")).kind == "moonraker"


def test_a_wrong_key_is_said_in_words() -> None:
    for ask in (api.identity, api.accepted, api.klipper_info, history.jobs, files.file_record):
        with pytest.raises(Forbidden, match="does not take the API key"):
            ask(recorded("wrong key"))


@pytest.mark.parametrize(
    ("situation", "connected", "operation", "name"),
    [
        ("idle", True, Operation.IDLE, None),
        ("printing", True, Operation.PRINTING, NAME),
        ("paused", True, Operation.PAUSED, NAME),
        ("cancelled", True, Operation.IDLE, NAME),
        ("finished", True, Operation.IDLE, NAME),
        ("stopped", False, Operation.UNKNOWN, None),
        ("starting again", False, Operation.UNKNOWN, None),
        ("klipper killed", False, Operation.UNKNOWN, None),
        ("klipper never seen", False, Operation.UNKNOWN, None),
    ],
)
def test_each_state_is_read(situation: str, connected: bool, operation: Operation, name: str | None) -> None:
    found = reading(situation)

    assert (found.machine_connected, found.operation) == (connected, operation)
    assert (found.file.remote_name if found.file else None) == name


def test_why_the_printer_is_away_is_read_without_the_standing_advice() -> None:
    assert (reading("stopped").loss, reading("stopped").error) == (
        Loss.EMERGENCY_STOP,
        "Shutdown due to webhooks request",
    )
    assert reading("klipper killed").loss is Loss.LINK_LOST
    assert reading("klipper never seen").loss is Loss.LINK_LOST


@pytest.mark.parametrize(
    ("state", "words", "loss"),
    [
        ("shutdown", "Shutdown due to M112 command\nOnce the underlying", Loss.EMERGENCY_STOP),
        ("shutdown", "MCU 'mcu' shutdown: Timer too close\nThis often indicates", Loss.FIRMWARE_ERROR),
        ("shutdown", "Lost communication with MCU 'mcu'\nOnce the underlying", Loss.FIRMWARE_ERROR),
        ("error", "mcu 'mcu': Unable to connect", Loss.FIRMWARE_ERROR),
        ("startup", "Printer is not ready", None),
        ("disconnected", "", Loss.LINK_LOST),
        ("whatever comes next", "", None),
    ],
)
def test_only_a_link_that_dropped_may_be_taken_up_by_itself(
    state: str, words: str, loss: Loss | None
) -> None:
    found = klipper.reading(Klipper(state, klipper.told(words)))

    assert (found.machine_connected, found.loss) == (False, loss)
    assert "\n" not in found.error


def test_a_running_print_shows_its_progress_and_temperatures() -> None:
    found = reading("printing")

    assert found.file is not None
    assert 0 < (found.file.progress or 0) < 1
    assert (found.file.elapsed_s or 0) > 1
    assert set(found.temperatures) == {"tool0", "bed"}
    assert (found.z_mm, found.position.z if found.position else None) == (0.0, 0.0)


def test_the_first_readings_are_none() -> None:
    fields = {
        "extruder": {"temperature": 0.0, "target": 0.0},
        "heater_bed": {"temperature": 21.0, "target": 60},
    }

    assert klipper.temperatures(Klipper("ready", fields=fields)) == {"bed": Temperature(21.0, 60.0)}


def test_nobody_knows_where_an_axis_is_before_it_is_homed() -> None:
    place = {"gcode_move": {"gcode_position": [1.0, 2.0, 3.0, 0.0]}, "toolhead": {"homed_axes": "xy"}}
    found = klipper.reading(Klipper("ready", fields=place))

    assert (found.z_mm, found.position) == (None, None)


def test_heaters_have_the_names_that_the_farm_knows() -> None:
    named = {
        "extruder": "tool0",
        "extruder1": "tool1",
        "heater_bed": "bed",
        "heater_generic chamber": "chamber",
        "temperature_sensor raspberry_pi": "raspberry_pi",
    }

    assert {name: klipper.heater_name(name) for name in named} == named


@pytest.mark.parametrize("other", ["temperature_sensor bed", "heater_generic bed"])
def test_what_has_a_heaters_name_is_not_taken_for_it(other: str) -> None:
    told = {other: {"temperature": 20.0, "target": 0.0}, "heater_bed": {"temperature": 60.0, "target": 60.0}}
    for names in ((other, "heater_bed"), ("heater_bed", other)):
        shown = Klipper("ready", fields={name: told[name] for name in names})
        assert klipper.temperatures(shown) == {"bed": Temperature(60.0, 60.0)}
        assert klipper.heater_object("bed", shown) == "heater_bed"


def test_what_is_asked_for_is_what_the_printer_has_and_bounded() -> None:
    names = ["print_stats", "gcode_macro PRINT_START", "extruder", "configfile", 7, None]
    names += [f"temperature_sensor s{number}" for number in range(500)]
    found = klipper.wanted(names)

    assert {"print_stats", "extruder"} < set(found)
    assert "configfile" not in found
    assert len(found) <= klipper.MAX_HEATERS + 8
    assert len(klipper.wanted([*names, *(f"mcu {number}" for number in range(500))])) <= 72
    assert klipper.wanted("nonsense") == {}


def test_fans_boards_duty_and_the_line_are_told_where_klipper_tells_them() -> None:
    awake = {"mcu_awake": 0.004, "mcu_task_avg": 0.0002, "mcu_task_stddev": 0.0001}
    fields = {
        "extruder": {"temperature": 200.0, "target": 200.0, "power": 0.4},
        "heater_bed": {"temperature": 60.0, "target": 60.0, "power": 1.5},
        "temperature_sensor pi": {"temperature": 45.0},
        "fan": {"speed": 0.5, "rpm": None},
        "heater_fan hotend": {"speed": 1.0, "rpm": 3300.0},
        "fan_generic broken": {"speed": None, "rpm": "?"},
        "mcu": {"last_stats": {**awake, "bytes_write": 90_000, "bytes_retransmit": 9}},
        "mcu toolhead": {"last_stats": awake},
        "mcu away": {"last_stats": {}},
        "print_stats": {"filename": "a.gcode", "info": {"current_layer": 3, "total_layer": 88}},
    }
    found = klipper.reading(Klipper("ready", fields=fields))

    assert found.duty == {"tool0": 0.4, "bed": 1.0}
    assert found.fans == {"fan": Fan(0.5), "hotend": Fan(1.0, 3300.0)}
    assert found.load == {"mcu": pytest.approx(0.2), "toolhead": pytest.approx(0.2)}
    assert found.line == LineStatistics(90_000, 9)
    assert found.file is not None
    assert (found.file.layer, found.file.layers) == (3, 88)
    assert set(fields) - set(klipper.wanted(list(fields))) == set()


def test_filament_is_told_by_each_sensor_that_is_switched_on() -> None:
    fields: dict[str, dict[str, object]] = {
        "filament_switch_sensor spool": {"filament_detected": True, "enabled": True},
        "filament_motion_sensor wheel": {"filament_detected": False, "enabled": True},
        "filament_switch_sensor unused": {"filament_detected": False, "enabled": False},
        "filament_switch_sensor odd": {"filament_detected": "?", "enabled": True},
        "filament_switch_sensor silent": {},
    }
    found = klipper.reading(Klipper("ready", fields=fields))

    assert found.filament == {"spool": True, "wheel": False}
    assert set(fields) - set(klipper.wanted(list(fields))) == set()


def test_odd_fans_boards_and_layers_are_none() -> None:
    odd: Any
    for odd in (None, "x", [], {"last_stats": 7}, {"speed": True, "power": "full", "info": [1]}):
        told = odd if isinstance(odd, dict) else {"last_stats": odd, "power": odd, "info": odd}
        fields = dict.fromkeys(("mcu", "fan", "extruder", "print_stats"), told)
        found = klipper.reading(Klipper("ready", fields=fields))
        assert (found.duty, found.fans, found.load, found.line) == ({}, {}, {}, None)


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", ["start", "pause", "cancel", "emergency stop", "firmware restart"])
def test_a_command_that_was_taken_is_accepted(situation: str) -> None:
    api.accepted(recorded(situation), NAME)


def test_a_missing_file_is_told_from_a_printer_that_is_busy() -> None:
    with pytest.raises(NotFound, match="does not have the file none"):
        api.accepted(recorded("start, file missing"), "none.gcode")
    with pytest.raises(Refused, match=r"does not start .*: SD busy"):
        api.accepted(recorded("start, already printing"), NAME)


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        ("G-code out of range", "Move out of range: 999"),
        (
            "G-code refused in two lines",
            "Extrude below minimum temp See the 'min_extrude_temp' config option",
        ),
        ("start, stopped", "Shutdown due to webhooks request$"),
        ("upload, wrong checksum", "File checksum mismatch"),
        ("upload over the printing file", "File currently in use"),
        ("delete, gone", "Invalid file path"),
        ("no such thing", "Not Found"),
    ],
)
def test_the_true_words_are_found_behind_those_of_the_status_line(situation: str, words: str) -> None:
    assert re.search(words, api.reason(recorded(situation)))


def test_a_command_to_a_klipper_that_is_away_did_nothing() -> None:
    for situation in ("start, klipper killed", "emergency stop, klipper killed", "start, klipper never seen"):
        with pytest.raises(Refused, match="Klipper is not running beside Moonraker"):
            api.accepted(recorded(situation), NAME)


def test_a_command_during_which_klipper_went_away_may_have_been_carried_out() -> None:
    gone = saying({"error": {"code": 503, "message": "Klippy Disconnected", "traceback": ""}}, 503)
    with pytest.raises(AnswerLost):
        api.accepted(gone, NAME)


@pytest.mark.parametrize("status", [202, 302, 500, 501, 502, 503, 504])
def test_a_command_answered_out_of_turn_may_have_been_carried_out(status: int) -> None:
    with pytest.raises(AnswerLost):
        api.accepted(Answer(status), NAME)


def test_a_heater_is_set_by_its_own_name_and_no_other() -> None:
    fields = {"extruder": {}, "heater_bed": {}, "heater_generic dry box": {}, "temperature_sensor pi": {}}
    there = Klipper("ready", fields=fields)

    def script(heater: str) -> str:
        sent: str = json.loads(api.target(heater, 45.26, there).content)["script"]
        return sent

    assert script("tool0") == "SET_HEATER_TEMPERATURE HEATER=extruder TARGET=45.3"
    assert script("bed") == "SET_HEATER_TEMPERATURE HEATER=heater_bed TARGET=45.3"
    for other in ("tool1", "pi", "extruder", "", "bed TARGET=300"):
        with pytest.raises(Refused, match="no heater"):
            script(other)
    with pytest.raises(Refused, match="not running"):
        api.target("bed", 60, Klipper("disconnected"))


def test_a_jog_leaves_the_modes_as_they_were_and_never_starts_half() -> None:
    there = Klipper("ready", fields={"toolhead": {"homed_axes": "xz"}})

    lines = json.loads(api.jog(5, 0, -0.1, there).content)["script"].splitlines()
    assert lines[0].startswith("SAVE_GCODE_STATE")
    assert lines[1:-1] == ["G91", "G1 X5 F3000", "G1 Z-0.1 F600"]
    assert lines[-1].startswith("RESTORE_GCODE_STATE")
    with pytest.raises(Refused, match="Home y first"):
        api.jog(1, 1, 0, there)
    with pytest.raises(Invalid):
        api.jog(0, 0, 0, there)


@pytest.mark.parametrize(
    "request_",
    [files.metadata, files.delete, lambda name: files.copy(name, "x"), lambda n: files.copy("x", n)],
)
def test_no_name_reaches_another_path(request_: Callable[[str], Request]) -> None:
    for name in ("../config/moonraker.conf", "", ".", "..", "a\\b"):
        with pytest.raises(ValueError, match="not a plain file name"):
            request_(name)


# -- who else may answer there -------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Log in</title>"),
        Answer(401, {"www-authenticate": 'Digest realm="Administrator"'}, b"<html>"),
        Answer(403, {}, b'{"error": "You don\'t have the permission"}'),
        Answer(404, {"content-type": "text/html"}, b"<html>not here"),
        Answer(302, {"location": "https://elsewhere"}),
        saying({"server": "1.11.8", "api": "0.1", "text": "OctoPrint 1.11.8"}),
        saying({"result": {"klippy_state": "ready"}}),
        saying({"result": "ok"}),
        saying([]),
    ],
)
def test_whatever_is_no_moonraker_is_told_so(answer: Answer) -> None:
    with pytest.raises(ProtocolError, match=r"^[A-Z].*\.$"):
        api.identity(answer)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_moonraker_behind_a_web_server_that_does_not_reach_it_is_starting(status: int) -> None:
    with pytest.raises(AnswerLost, match="starting, or stopped"):
        api.identity(Answer(status, {}, b"<html>Bad Gateway"))


# -- whatever the bytes --------------------------------------------------------------------------

EVERY_CHECK: list[Callable[[Answer], object]] = [
    api.identity,
    api.klipper_info,
    api.klipper_state,
    api.accepted,
    api.reason,
    lambda answer: api.accepted(answer, NAME),
    lambda answer: files.uploaded(answer, NAME),
    lambda answer: files.listed(answer, NAME),
    files.file_record,
    lambda answer: files.copied(answer, NAME),
    lambda answer: files.deleted(answer, NAME),
    history.jobs,
    lambda answer: klipper.reading(seen(answer, answer, answer, answer)),
]


@given(st.integers(100, 999), st.binary(max_size=200), st.sampled_from(["", "application/json", "text/html"]))
def test_no_bytes_raise_anything_but_a_farm_error(status: int, body: bytes, kind: str) -> None:
    only_farm_errors(EVERY_CHECK, Answer(status, {"content-type": kind}, body))


@given(st.sampled_from([200, 201, 400, 403, 404, 422, 503]), json_values)
def test_no_json_raises_anything_but_a_farm_error(status: int, body: object) -> None:
    only_farm_errors(EVERY_CHECK, saying(body, status))
    only_farm_errors(EVERY_CHECK, saying({"result": body}, status))
    only_farm_errors(EVERY_CHECK, saying({"error": body}, status))


@given(st.sampled_from(sorted(ANSWERS)), json_values, st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_a_real_answer_with_one_part_gone_wrong_is_still_read_or_refused(
    situation: str, value: object, path: list[int]
) -> None:
    said = ANSWERS[situation]
    answer = saying(mutated(said["body"], value, path), said["status"])
    only_farm_errors(EVERY_CHECK, answer)

    with contextlib.suppress(FarmError):
        listed = recorded("printing: objects")
        found = klipper.reading(seen(listed, answer, recorded("idle: klipper"), recorded("idle: moonraker")))
        assert found.text.isprintable()
        assert found.error.isprintable()
        assert all(name.isprintable() for name in found.temperatures)


@given(st.integers(0, 40), st.binary(min_size=1, max_size=3))
def test_a_real_answer_with_some_bytes_gone_wrong_is_still_read_or_refused(place: int, bytes_: bytes) -> None:
    for situation in ("printing: status", "history, finished", "start, stopped", "upload"):
        answer = recorded(situation)
        at_ = len(answer.body) * place // 41
        only_farm_errors(
            EVERY_CHECK,
            Answer(answer.status, answer.headers, answer.body[:at_] + bytes_ + answer.body[at_ + 1 :]),
        )
