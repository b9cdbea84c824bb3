"""What OctoPrint pushes, as a real one did fault by fault, and as none should."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Operation, Position, Temperature
from farm.drivers.base import EndKind, LineStatistics, Loss, Reading
from farm.drivers.octoprint import protocol, push
from farm.errors import ProtocolError
from tests.drivers.nonsense import json_values, mutated

RECORDED: dict[str, list[tuple[float, dict[str, Any]]]] = json.loads(
    (Path(__file__).parents[2] / "transcripts" / "octoprint" / "push-1.11.8.json").read_text()
)
NAME = "ab12cd_chip.gcode"
STALE_S = 20.0


def played(scene: str, session: push.Session | None = None) -> list[Reading]:
    """The readings of a recorded scene."""
    session = session or push.Session(STALE_S)
    shown = (session.receive(json.dumps(message), at) for at, message in RECORDED[scene])
    return [reading for reading in shown if isinstance(reading, Reading)]


def a_current(text: str = "Printing", flag: str = "printing", **parts: object) -> dict[str, Any]:
    flags = {"operational": True, flag: True}
    state = {"text": text, "flags": flags, "error": ""}
    file = {"path": NAME, "origin": "local"}
    return {"state": state, "job": {"file": file}, "progress": {}, "temps": [], **parts}


def told(session: push.Session, kind: str, payload: object, now: float = 0.0) -> Any:
    return session.receive(json.dumps({kind: payload}), now)


def event(session: push.Session, name: str, **payload: object) -> None:
    told(session, "event", {"type": name, "payload": payload})


# -- what a real one pushes ----------------------------------------------------------------------


def test_a_greeting_needs_no_answer_and_the_rest_are_readings() -> None:
    session = push.Session(STALE_S)
    said = [session.receive(json.dumps(message), at) for at, message in RECORDED["greeting"]]

    assert said[0] is None
    assert push.LoginWanted not in map(type, said)
    assert isinstance(said[1], Reading)
    assert said[1].operation is Operation.IDLE
    assert said[1].temperatures == {}  # just connected
    assert said[-1].temperatures["bed"] == Temperature(21.3, 0.0)


def test_we_ask_for_events_and_no_terminal_and_prove_who_we_are() -> None:
    wanted = json.loads(push.subscription())["subscribe"]
    assert wanted["state"] == {"logs": False, "messages": False}
    assert {"PrintDone", "PrintFailed", "PrintCancelled"} <= set(wanted["events"])

    login = protocol.Login("admin", "5ec4e7")
    assert json.loads(push.authentication(login)) == {"auth": "admin:5ec4e7"}
    assert "5ec4e7" not in repr(login)


def test_a_print_is_seen_to_its_end() -> None:
    readings = played("printed to its end")

    # It was over between two pushes: the end is told by its event alone, and may come before the state.
    assert any(reading.ended for reading in readings if reading.operation is Operation.PRINTING)
    over = readings[-1]
    assert (over.operation, over.ended.kind, over.ended.remote_name) == (
        Operation.IDLE,
        EndKind.FINISHED,
        "ab12cd_short.gcode",
    )
    assert over.ended.printed_s > 0
    assert over.z_mm == 0.3
    assert over.line.sent > 0


def test_a_cancelled_print_has_one_end_although_it_is_told_twice() -> None:
    readings = played("paused, then cancelled")

    paused = next(reading for reading in readings if reading.operation is Operation.PAUSED)
    assert isinstance(paused.position, Position)
    ends = {reading.ended for reading in readings}
    assert {end.kind for end in ends - {None}} == {EndKind.CANCELLED}
    assert len(ends - {None}) == 1


@pytest.mark.parametrize(
    ("scene", "loss", "words"),
    [
        ("drop_connection", Loss.LINK_LOST, "SerialTimeoutException"),
        ("trigger_fatal_error_marlin", Loss.FIRMWARE_ERROR, "Thermal Runaway"),
    ],
)
def test_a_lost_machine_shows_why_and_how_its_print_ended(scene: str, loss: Loss, words: str) -> None:
    away = next(reading for reading in played(scene) if not reading.machine_connected)

    assert (away.loss, away.ended.kind, away.temperatures) == (loss, EndKind.FAILED, {})
    assert words in away.error
    assert words in away.ended.text


def test_a_printer_that_answers_nothing_is_stale_once_its_values_have_stood_long_enough() -> None:
    session = push.Session(STALE_S)
    last = played("go_awol", session)[-1]
    at = RECORDED["go_awol"][-1][0]
    assert not last.stale

    frozen = RECORDED["go_awol"][-1][1]["current"] | {"temps": []}
    assert not told(session, "current", frozen, at + STALE_S - 1).stale
    stale = told(session, "current", frozen, at + STALE_S + 1)
    assert stale.stale
    assert "for 21 s" in stale.attention
    moved = frozen | {"progress": frozen["progress"] | {"filepos": 9999}}
    assert not told(session, "current", moved, at + STALE_S + 2).stale


def test_an_emergency_stop_is_told_apart() -> None:
    assert played("emergency stop")[-1].loss is Loss.EMERGENCY_STOP


# -- rules ---------------------------------------------------------------------------------------


def test_a_heat_up_is_not_stale_while_its_temperatures_move() -> None:
    session = push.Session(STALE_S)
    for second in range(0, 300, 15):
        sample = {"time": second, "tool0": {"actual": 20 + second / 2, "target": 210}}
        reading = told(session, "current", a_current(temps=[sample]), second)
        assert not reading.stale


@pytest.mark.parametrize(
    ("text", "flag"), [("Operational", "ready"), ("Paused", "paused"), ("Offline", "closedOrError")]
)
def test_what_does_not_work_is_never_stale(text: str, flag: str) -> None:
    session = push.Session(STALE_S)
    for now in (0, 1000):
        assert not told(session, "current", a_current(text, flag), now).stale


def test_samples_without_heaters_and_without_values_change_nothing() -> None:
    session = push.Session(STALE_S)
    known = {"time": 1, "tool0": {"actual": 20.0, "target": 0.0}}
    told(session, "current", a_current(temps=[known]))

    for samples in (
        [],
        [{"time": 2}],
        [{"time": 3, "tool0": {"actual": None, "target": None}}],
        None,
        7,
        [3],
    ):
        reading = told(session, "current", a_current(temps=samples))
        assert reading.temperatures == {"tool0": Temperature(20.0, 0.0)}


def test_after_a_reconnection_nothing_old_is_shown() -> None:
    session = push.Session(STALE_S)
    known = {"time": 1, "tool0": {"actual": 200.0, "target": 210.0}}
    event(session, "PositionUpdate", x=1, y=2, z=3, reason=None)
    assert told(session, "current", a_current(temps=[known])).position == Position(1, 2, 3)

    offline = a_current("Offline", "closedOrError")
    offline["state"]["flags"] = {"operational": False, "closedOrError": True}
    told(session, "current", offline)

    back = told(session, "current", a_current("Operational", "ready"))
    assert (back.temperatures, back.position) == ({}, None)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([("PrintDone", {})], EndKind.FINISHED),
        ([("PrintFailed", {"reason": "error", "error": "!!"})], EndKind.FAILED),
        ([("PrintFailed", {"reason": "cancelled"})], EndKind.CANCELLED),
        ([("PrintCancelled", {}), ("PrintFailed", {"reason": "cancelled"})], EndKind.CANCELLED),
        ([("PrintCancelled", {}), ("PrintFailed", {})], EndKind.CANCELLED),  # older ones give no reason
        ([("PrintFailed", {}), ("PrintDone", {})], EndKind.FAILED),
        ([("PrintDone", {}), ("PrintStarted", {})], None),
        ([("PrintPaused", {}), ("Nonsense", {})], None),
    ],
)
def test_one_print_has_one_end(events: list[tuple[str, dict[str, object]]], kind: EndKind | None) -> None:
    session = push.Session(STALE_S)
    for name, more in events:
        event(session, name, path=NAME, origin="local", **more)

    ended = told(session, "current", a_current("Operational", "ready")).ended

    assert (ended.kind if ended else None) is kind


def test_an_end_is_told_at_once_for_the_next_state_may_be_far_away() -> None:
    session = push.Session(STALE_S)
    last = told(session, "current", a_current("Offline", "closedOrError"))

    end = told(session, "event", {"type": "PrintFailed", "payload": {"path": NAME, "origin": "local"}})

    assert end.ended.kind is EndKind.FAILED
    assert (end.text, end.operation) == (last.text, last.operation)


def test_the_end_of_a_print_from_the_printers_own_card_is_none_of_ours() -> None:
    session = push.Session(STALE_S)
    event(session, "PrintDone", path=NAME, origin="sdcard")

    assert told(session, "current", a_current()).ended.remote_name == f"sdcard:{NAME}"


def test_a_forgotten_session_is_opened_again_but_not_for_ever() -> None:
    session = push.Session(STALE_S)
    for _ in range(10):  # each time it worked in between
        assert isinstance(told(session, "reauthRequired", {"reason": "stale"}), push.LoginWanted)
        told(session, "current", a_current())

    for _ in range(push.MAX_LOGINS):
        told(session, "reauthRequired", {"reason": "stale"})
    with pytest.raises(ProtocolError, match="forgets our session"):
        told(session, "reauthRequired", {"reason": "stale"})


def test_a_look_in_between_goes_on_where_the_pushes_ended() -> None:
    session = push.Session(STALE_S)
    event(session, "PrintDone", path=NAME, origin="local")
    told(session, "current", a_current("Operational", "ready", resends={"count": 1, "transmitted": 9}))
    machine = protocol.Machine(True, Operation.IDLE, "Operational", {"bed": Temperature(20.0, 0.0)}, 5.0)

    looked = session.looked(machine, protocol.Job("Operational", "", None), 10.0)

    assert looked.ended is not None
    assert looked.line == LineStatistics(sent=9, resent=1)
    later = told(session, "current", a_current("Operational", "ready"))
    assert later.temperatures == {"bed": Temperature(20.0, 0.0)}


# -- whatever the bytes --------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["", "{", "null", "[]", '"current"', "[" * 100_000, "9" * 5000, "\x00"])
def test_what_is_no_message_is_a_protocol_error(message: str) -> None:
    with pytest.raises(ProtocolError, match="pushes"):
        push.Session(STALE_S).receive(message, 0.0)


@pytest.mark.parametrize("payload", [{}, {"state": {}}, {"state": {"flags": {}}}, {"state": None, "job": {}}])
def test_a_state_without_its_parts_is_a_protocol_error(payload: object) -> None:
    with pytest.raises(ProtocolError, match="without"):
        told(push.Session(STALE_S), "current", payload)


@pytest.mark.parametrize("scene", RECORDED)
def test_a_picture_says_the_same_whatever_stands_beside_it(scene: str) -> None:
    usual, beside = push.Session(STALE_S), push.Session(STALE_S)

    for at, message in RECORDED[scene]:
        read = usual.receive(json.dumps(message), at)
        anew = beside.receive(json.dumps({**message, "b": float("nan")}), at)  # what msgspec does not read
        assert anew == read or type(anew) is type(read) is not Reading


@pytest.mark.parametrize("kind", ["timelapse", "plugin", "slicingProgress", "", "connected?"])
def test_messages_we_do_not_know_are_of_no_use(kind: str) -> None:
    assert told(push.Session(STALE_S), kind, {"a": 1}) is None


EVERYTHING = [message for scene in RECORDED.values() for _, message in scene]


@given(st.sampled_from(EVERYTHING), json_values, st.lists(st.integers(0, 20), min_size=2, max_size=5))
def test_a_real_message_with_one_part_gone_wrong_is_still_read_or_refused(
    message: object, value: object, path: list[int]
) -> None:
    session = push.Session(STALE_S)
    with contextlib.suppress(ProtocolError):
        session.receive(json.dumps(mutated(message, value, path)), 0.0)
    reading = told(session, "current", a_current(), 1.0)  # and it goes on

    assert reading.operation is Operation.PRINTING
    assert reading.ended is None or reading.ended.text.isprintable()


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_protocol_error(message: str) -> None:
    with contextlib.suppress(ProtocolError):
        push.Session(STALE_S).receive(message, 0.0)
