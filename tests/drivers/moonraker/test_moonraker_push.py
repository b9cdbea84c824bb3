"""What Moonraker pushes, as a real one did, and as none should."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import BUSY, Operation
from farm.drivers.base import Ending, EndKind, Loss, Reading
from farm.drivers.moonraker.protocol.push import MOST_SAID, News, Session
from farm.errors import FarmError, Forbidden, ProtocolError
from tests.drivers.moonraker.recorded import NAME, PUSHES
from tests.drivers.nonsense import json_values, mutated

STALE_S = 20.0
SCENES = list(PUSHES)
ADVICE = "Once the underlying issue is corrected, use the"
STATUS = {
    "webhooks": {"state": "ready", "state_message": "Printer is ready"},
    "print_stats": {"state": "standby", "filename": "", "message": "", "total_duration": 0.0},
    "extruder": {"temperature": 21.3, "target": 0.0},
    "display_status": {"progress": 0.0},
}


def played(*scenes: str) -> Iterator[tuple[Session, Reading | None]]:
    """Everything that was pushed in these scenes, and what was to be read after each message."""
    session = Session(STALE_S)
    session.begin(0.0)
    for scene in scenes:
        for at, message in PUSHES[scene]:
            session.receive(json.dumps(message), at)
            yield session, session.reading(at)


def seen_in(scene: str) -> list[Reading]:
    """The readings of a scene, after all that came before it."""
    before = SCENES[: SCENES.index(scene)]
    skipped = sum(len(PUSHES[each]) for each in before)
    readings = [reading for _, reading in played(*before, scene)][skipped:]
    return [reading for reading in readings if reading is not None]


class Talk:
    """A Moonraker that answers whatever it is asked; `klipper` is how Klipper is."""

    def __init__(self) -> None:
        self.session = Session(STALE_S)
        self.now = 0.0
        self.klipper = "ready"
        self.asked: list[str] = []
        self.status: dict[str, Any] = STATUS
        self.session.begin(self.now)

    def answer(self) -> None:
        """Answers all questions there are, and those that come of the answers."""
        while questions := [json.loads(question) for question in self.session.to_send()]:
            for question in questions:
                self.asked.append(question["method"])
                self.say({"id": question["id"], **self._answer(question["method"])})

    def say(self, message: object, after_s: float = 0.0) -> News:
        self.now += after_s
        return self.session.receive(json.dumps(message), self.now)

    def notify(self, method: str, *params: object, after_s: float = 0.0) -> News:
        return self.say({"jsonrpc": "2.0", "method": f"notify_{method}", "params": list(params)}, after_s)

    def reading(self) -> Reading:
        found = self.session.reading(self.now)
        assert found is not None
        return found

    def _answer(self, method: str) -> dict[str, object]:
        if method == "printer.objects.list" and self.klipper != "ready":
            return {"error": {"code": 503, "message": "Klippy Host not connected"}}
        results = {
            "server.info": {"klippy_state": self.klipper},
            "printer.info": {"state": self.klipper, "state_message": f"It is in {self.klipper}\n{ADVICE}"},
            "printer.objects.list": {"objects": list(self.status)},
            "printer.objects.subscribe": {"status": self.status},
            "printer.objects.query": {"status": self.status},
        }
        return {"result": results.get(method, {})}


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.answer()
    return talk


# -- what a real one pushes ----------------------------------------------------------------------


def test_a_new_connection_shows_the_printer_as_soon_as_it_is_told() -> None:
    readings = seen_in("greeting")

    assert readings[0].operation is Operation.IDLE
    assert readings[-1].temperatures["tool0"].actual == pytest.approx(21.3, abs=0.5)
    assert {"tool0", "bed", "drybox", "board"} == set(readings[-1].temperatures)


def test_a_print_is_seen_from_its_beginning_to_its_one_end() -> None:
    readings = seen_in("printed to its end")

    operations = [reading.operation for reading in readings]
    assert operations[operations.index(Operation.PRINTING) :].count(Operation.IDLE) > 0
    ends = {reading.ended for reading in readings} - {None}
    assert [(end.remote_name, end.kind) for end in ends if end] == [("ab12cd_short.gcode", EndKind.FINISHED)]


def test_a_print_is_seen_paused_and_cancelled() -> None:
    readings = seen_in("paused, then cancelled")

    assert Operation.PAUSED in [reading.operation for reading in readings]
    assert readings[-1].operation is Operation.IDLE
    assert readings[-1].ended is not None
    assert (readings[-1].ended.remote_name, readings[-1].ended.kind) == (NAME, EndKind.CANCELLED)
    assert readings[-1].ended.printed_s == pytest.approx(1.7, abs=0.5)


def test_the_end_of_a_print_is_forgotten_when_the_next_begins() -> None:
    readings = seen_in("cancelled in a heat-up")

    printing = [reading for reading in readings if reading.operation is Operation.PRINTING]
    assert {reading.ended for reading in printing} == {None}
    assert max(reading.temperatures["tool0"].actual or 0 for reading in printing) > 200


def test_a_print_in_which_klipper_was_started_again_has_failed() -> None:
    for scene in ("restarted in the middle", "klipper killed, and started again"):
        readings = seen_in(scene)

        away = [reading for reading in readings if not reading.machine_connected]
        assert {reading.loss for reading in away} == {Loss.LINK_LOST}
        assert {reading.ended for reading in away} == {None}  # nobody knows yet whether it goes on
        assert (readings[-1].machine_connected, readings[-1].operation) == (True, Operation.IDLE)
        assert readings[-1].ended is not None
        assert (readings[-1].ended.remote_name, readings[-1].ended.kind) == (NAME, EndKind.FAILED)


def test_an_emergency_stop_ends_the_print_and_is_told_as_such() -> None:
    readings = seen_in("emergency stop")

    (stopped, *_) = [reading for reading in readings if reading.loss is Loss.EMERGENCY_STOP]
    assert stopped.ended is not None
    assert (stopped.ended.kind, stopped.ended.text) == (EndKind.FAILED, "Shutdown due to webhooks request")
    assert not stopped.temperatures
    assert readings[-1].machine_connected


def test_it_subscribes_again_each_time_klipper_is_ready() -> None:
    session = Session(STALE_S)
    session.begin(0.0)
    asked = []
    for scene in SCENES:
        for at, message in PUSHES[scene]:
            session.receive(json.dumps(message), at)
            asked += [json.loads(question)["method"] for question in session.to_send()]

    ready = sum(
        message.get("method") == "notify_klippy_ready" for scene in PUSHES.values() for _, message in scene
    )
    assert asked.count("printer.objects.subscribe") == ready + 1


# -- what could be -------------------------------------------------------------------------------


def test_it_says_what_it_is_before_it_asks(talk: Talk) -> None:
    assert talk.asked == [
        "server.connection.identify",
        "server.info",
        "printer.objects.list",
        "printer.objects.subscribe",
    ]


@pytest.mark.parametrize("words", ["Unauthorized", "Invalid API Key"])
def test_a_key_that_is_not_taken_is_said_in_words(words: str) -> None:
    session = Session(STALE_S)
    session.begin(0.0)

    with pytest.raises(Forbidden, match="key"):
        session.receive(json.dumps({"id": 1, "error": {"code": -32602, "message": words}}), 0.0)


def test_only_what_changed_is_told_and_the_rest_stays(talk: Talk) -> None:
    news = talk.notify("status_update", {"extruder": {"temperature": 22.5}}, 1.0)

    assert news is News.SAMPLE
    assert (talk.reading().temperatures["tool0"].actual, talk.reading().temperatures["tool0"].target) == (
        22.5,
        0,
    )
    assert talk.notify("status_update", {"extruder": {"power": 0.3, "temperature": 23}}) is News.SAMPLE
    assert talk.notify("status_update", {"extruder": {"temperature": 22.5}}) is News.SAMPLE
    assert talk.notify("status_update", {"extruder": {"target": 60}}, 1.0) is News.CHANGE
    assert talk.notify("status_update", {"unknown": {"x": 1}}, 1.0) is News.SAMPLE
    assert talk.notify("proc_stat_update", {"extruder": {"temperature": 99}}) is News.NONE
    assert talk.notify("gcode_response", "B:20 T0:20") is News.CHANGE
    assert talk.reading().temperatures["tool0"].actual == 22.5


def test_what_klipper_says_in_its_console_is_in_the_next_reading_once_and_bounded() -> None:
    talk = Talk()
    talk.answer()
    talk.notify("gcode_response", '// Unknown command:"NOSUCH"\n!! Must home\x07 axis first')
    talk.notify("gcode_response", 7)

    assert talk.reading().said == ('// Unknown command:"NOSUCH"', "!! Must home axis first")
    assert talk.reading().said == ()

    for number in range(3 * MOST_SAID):
        talk.notify("gcode_response", f"line {number}")
    said = talk.reading().said
    assert (len(said), said[0], said[-1]) == (MOST_SAID, "line 0", "… and more than the farm keeps")


@pytest.mark.parametrize("state", ["startup", "error", "shutdown"])
def test_a_klipper_that_is_not_ready_is_told_in_its_own_words(state: str) -> None:
    talk = Talk()
    talk.klipper = state
    talk.answer()

    assert not talk.reading().machine_connected
    assert talk.reading().error == f"It is in {state}"


def test_a_klipper_that_comes_up_with_an_error_is_seen_by_asking(talk: Talk) -> None:
    talk.notify("klippy_disconnected")
    assert talk.reading().loss is Loss.LINK_LOST
    talk.klipper = "error"

    talk.session.look(talk.now + 5)
    talk.answer()

    assert talk.reading().loss is Loss.FIRMWARE_ERROR


def test_a_print_that_goes_on_while_klipper_could_not_be_seen_has_not_ended(talk: Talk) -> None:
    printing = {"print_stats": {"state": "printing", "filename": NAME, "total_duration": 5.0}}
    talk.notify("status_update", printing, 1.0)
    talk.notify("klippy_disconnected")
    talk.status = {**STATUS, "print_stats": {**printing["print_stats"], "total_duration": 9.0}}
    talk.notify("klippy_ready")
    talk.answer()

    assert (talk.reading().operation, talk.reading().ended) == (Operation.PRINTING, None)


def test_a_print_that_ended_while_klipper_could_not_be_seen_is_told_by_its_last_state(talk: Talk) -> None:
    talk.notify("status_update", {"print_stats": {"state": "printing", "filename": NAME}}, 1.0)
    talk.notify("klippy_disconnected")
    talk.status = {**STATUS, "print_stats": {"state": "complete", "filename": NAME, "total_duration": 9.0}}
    talk.notify("klippy_ready")
    talk.answer()

    assert talk.reading().ended == Ending(NAME, EndKind.FINISHED, "", 9.0)


def test_of_two_prints_that_follow_too_closely_the_first_has_no_end_that_was_seen(talk: Talk) -> None:
    talk.notify(
        "status_update", {"print_stats": {"state": "printing", "filename": NAME, "total_duration": 9}}
    )
    talk.notify("status_update", {"print_stats": {"filename": "next.gcode", "total_duration": 0.1}})
    assert talk.reading().ended is None
    talk.notify("status_update", {"print_stats": {"total_duration": 9.0}})
    talk.notify("status_update", {"print_stats": {"total_duration": 0.1}})  # the same file once more
    assert talk.reading().ended is None
    talk.notify("status_update", {"print_stats": {"state": "error", "message": "Extrude\nbelow"}})
    assert talk.reading().ended == Ending("next.gcode", EndKind.FAILED, "Extrude below", 0.1)


def test_a_print_that_was_over_before_it_was_seen_has_an_end_too(talk: Talk) -> None:
    failed = {"state": "error", "filename": NAME, "message": "Extrude below", "total_duration": 0.1}
    talk.notify("status_update", {"print_stats": failed}, 0.25)
    assert talk.reading().ended == Ending(NAME, EndKind.FAILED, "Extrude below", 0.1)
    talk.notify("status_update", {"print_stats": {"state": "cancelled"}})  # tidied up by hand
    assert talk.reading().ended == Ending(NAME, EndKind.FAILED, "Extrude below", 0.1)


def test_a_file_that_is_only_loaded_has_not_ended(talk: Talk) -> None:
    # Klipper shows it for a moment, when it is asked between taking a file up and its first line.
    talk.notify("status_update", {"print_stats": {"filename": NAME}}, 0.25)
    assert (talk.reading().operation, talk.reading().ended) == (Operation.IDLE, None)
    talk.notify("status_update", {"print_stats": {"state": "printing", "total_duration": 0.1}}, 0.25)
    assert talk.reading().operation is Operation.PRINTING
    talk.notify("status_update", {"print_stats": {"state": "complete"}}, 0.25)
    assert talk.reading().ended == Ending(NAME, EndKind.FINISHED, "", 0.1)


def test_a_print_that_was_over_before_we_came_has_no_end_that_we_saw() -> None:
    talk = Talk()
    talk.status = {**STATUS, "print_stats": {"state": "complete", "filename": NAME, "total_duration": 9.0}}
    talk.answer()
    assert talk.reading().ended is None


def test_a_klipper_that_says_nothing_although_it_is_asked_hangs(talk: Talk) -> None:
    talk.session.look(10.0)
    assert not talk.session.reading(19.0).stale  # type: ignore[union-attr]
    talk.session.look(20.0)

    hanging = talk.session.reading(20.5)
    assert hanging is not None
    assert hanging.stale
    assert "has not said anything for 20 s" in hanging.attention
    talk.now = 21.0
    talk.answer()
    assert not talk.reading().stale


def test_a_klipper_with_nothing_new_is_no_hanging_one(talk: Talk) -> None:
    for now in range(5, 100, 5):
        talk.now = float(now)
        talk.session.look(talk.now)
        talk.answer()
        assert not talk.reading().stale


def test_a_moonraker_that_answers_nothing_is_given_up_in_the_end() -> None:
    session = Session(STALE_S)
    session.begin(0.0)

    def starts_again_and_again() -> None:
        for _ in range(100):
            session.receive(json.dumps({"method": "notify_klippy_ready"}), 1.0)

    with pytest.raises(ProtocolError, match="question after question"):
        starts_again_and_again()


def test_a_klipper_that_prints_no_files_is_told_what_it_lacks() -> None:
    talk = Talk()
    talk.status = {"webhooks": STATUS["webhooks"]}
    with pytest.raises(ProtocolError, match="virtual_sdcard"):
        talk.answer()


# -- whatever the bytes --------------------------------------------------------------------------


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_protocol_error(message: str) -> None:
    session = Session(STALE_S)
    session.begin(0.0)
    with contextlib.suppress(ProtocolError):
        session.receive(message, 0.0)


@given(st.lists(json_values, max_size=6))
def test_no_json_raises_anything_but_a_farm_error(values: list[object]) -> None:
    talk = Talk()
    talk.answer()
    for value in values:
        for message in (
            value,
            {"id": 1, "result": value},
            {"id": 5, "error": value},
            {"method": "notify_status_update", "params": [value]},
            {"method": "notify_status_update", "params": [dict.fromkeys(STATUS, value)]},
            {"method": "notify_klippy_shutdown", "params": value},
        ):
            with contextlib.suppress(FarmError):
                talk.say(message, 1.0)
            with contextlib.suppress(FarmError):
                talk.answer()
    with contextlib.suppress(AssertionError):
        found = talk.reading()
        assert found.text.isprintable()
        assert found.error.isprintable()


EVERYTHING = [message for scene in PUSHES.values() for _, message in scene]


@given(st.sampled_from(EVERYTHING), json_values, st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_a_real_message_with_one_part_gone_wrong_is_still_read_or_refused(
    message: object, value: object, path: list[int]
) -> None:
    talk = Talk()
    talk.answer()
    with contextlib.suppress(FarmError):
        talk.say(mutated(message, value, path), 1.0)
    with contextlib.suppress(FarmError):
        talk.answer()
    talk.notify("klippy_ready")  # and it goes on
    talk.answer()

    assert talk.reading().operation is Operation.IDLE


@given(st.lists(st.sampled_from(EVERYTHING), max_size=60))
def test_messages_in_any_order_never_show_an_end_beside_a_running_print(messages: list[Any]) -> None:
    """Whatever is lost or comes twice."""
    talk = Talk()
    talk.answer()
    for message in messages:
        with contextlib.suppress(ProtocolError):
            talk.say(message, 1.0)
            talk.answer()
        reading = talk.session.reading(talk.now)
        assert reading is None or reading.ended is None or reading.operation not in BUSY
