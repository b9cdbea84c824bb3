"""The Moonraker dialect without sockets: calls in, answers and notifications out, time as a number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.drivers.exchange import Answer
from farm.simulator.faults import Faults, Manner, Silence, Swallow, Swallowed
from farm.simulator.host import Asked, asked
from farm.simulator.machine import Machine
from farm.simulator.moonraker.dialect import Moonraker
from farm.simulator.moonraker.push import MAX_WAITING, Push
from farm.simulator.stamp import age_s
from farm.simulator.upload import Form

KEY = "0123456789abcdef"
STEP_S = 0.05
WHO = {"client_name": "farm", "version": "1", "type": "other", "url": "http://farm.test"}
WATCHED = {
    "webhooks": None,
    "print_stats": None,
    "virtual_sdcard": None,
    "pause_resume": None,
    "extruder": ["temperature", "target"],
    "heater_bed": ["temperature", "target"],
    "toolhead": ["position", "homed_axes"],
}
LONG = b"G28\n" + b"".join(b"G1 X%d E%d F1200\n" % (20 * (line % 2), line) for line in range(1, 200))
HEATING = b"M109 S200\nG1 X10 F6000\n"
SHORT = b"G1 X10 F600 E5\n"


class Bench:
    """One Moonraker, a client at its socket, and a time that passes when told."""

    def __init__(self, folder: Path, **machine: Any) -> None:
        self.host = Moonraker(Machine(**machine), folder, KEY, now=0.0, wall_offset=1e9)
        self.faults = Faults()
        self.now = 0.0
        self.heard: list[dict[str, Any]] = []
        self._asked = 0
        self.push = self.client()
        self.ask("server.connection.identify", **WHO)

    def client(self, admitted: bool = True) -> Push:
        return Push(self.host, self.faults, admitted, self.now)

    def pass_time(self, seconds: float) -> None:
        """Beats as a station does, and takes in what is told meanwhile."""
        for _ in range(round(seconds / STEP_S)):
            self.now = round(self.now + STEP_S, 6)
            if self.now >= self.host.wake_at:
                self.host.tick(self.now)
            if self.now >= self.push.wake_at:
                self.push.tick(self.now)
            self.collect()

    def collect(self) -> None:
        said = [json.loads(message) for message in self.push.waiting]
        self.heard += [message for message in said if isinstance(message, dict)]
        self.push.waiting.clear()

    def send(self, name: str, **params: Any) -> int:
        """Calls without waiting; the number of the call."""
        self._asked += 1
        call = {"jsonrpc": "2.0", "method": name, "params": params, "id": self._asked}
        self.push.receive(json.dumps(call), self.now)
        self.collect()
        return self._asked

    def answer_to(self, number: int) -> dict[str, Any] | None:
        return next((message for message in self.heard if message.get("id") == number), None)

    def ask(self, name: str, within_s: float = 2.0, **params: Any) -> Any:
        """The result; the error where it is one."""
        number = self.send(name, **params)
        until = self.now + within_s
        while (answer := self.answer_to(number)) is None:
            assert self.now < until, f"no answer to {name}"
            self.pass_time(STEP_S)
        return answer.get("result", answer.get("error"))

    def told(self, name: str) -> list[Any]:
        return [m.get("params") for m in self.heard if m.get("method") == f"notify_{name}"]

    def http(self, method: str, target: str, body: object = None, **headers: str) -> list[Answer]:
        """A request; the answer comes into the list, at once or later."""
        head = asked(method, target, {"x-api-key": KEY, "content-type": "application/json", **headers})
        answers: list[Answer] = []
        question = Asked(head.method, head.path, head.query, head.headers, json.dumps(body).encode())
        self.host.answer(question, self.now, answers.append)
        return answers

    def put(self, name: str, content: bytes, **fields: str) -> Answer:
        path = self.host.folder / f"{len(list(self.host.folder.iterdir()))}"
        path.write_bytes(content)
        form = Form(self.host.folder, name, len(content), "sum", True, fields, path)
        answers: list[Answer] = []
        question = Asked("POST", "/server/files/upload", {}, {"x-api-key": KEY}, b"", form)
        self.host.answer(question, self.now, answers.append)
        self.pass_time(STEP_S)
        (answer,) = answers
        return answer

    def state(self) -> str:
        status = self.ask("printer.objects.query", objects={"print_stats": ["state"]})["status"]
        return str(status["print_stats"]["state"])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.host.machine.abandon()  # which closes the file it prints


def printing(bench: Bench, content: bytes = LONG, name: str = "a1_part.gcode") -> str:
    bench.put(name, content)
    assert bench.ask("printer.print.start", filename=name) == "ok"
    return name


# -- looking -----------------------------------------------------------------------------------------


def test_it_says_who_it_is_and_how_klippy_is(bench: Bench) -> None:
    info = bench.ask("server.info")
    assert (info["klippy_connected"], info["klippy_state"]) == (True, "ready")
    assert (info["moonraker_version"], info["api_version"]) == ("0.11.0", [1, 5, 0])
    assert bench.ask("printer.info")["state"] == "ready"


def test_a_question_is_answered_on_klippers_tick_and_an_unknown_object_is_left_out(bench: Bench) -> None:
    began = bench.now
    found = bench.ask("printer.objects.query", objects={"heater_bed": ["target"], "toaster": None})

    assert found["status"] == {"heater_bed": {"target": 0.0}}
    assert 0 < bench.now - began <= 0.3


def test_a_subscriber_hears_all_once_and_then_only_what_changed_four_times_a_second(bench: Bench) -> None:
    found = bench.ask("printer.objects.subscribe", objects=WATCHED)
    assert set(found["status"]) == set(WATCHED)
    assert found["status"]["print_stats"]["state"] == "standby"

    bench.heard.clear()
    bench.pass_time(5)

    told = bench.told("status_update")
    assert len(told) in (19, 20, 21)
    assert all(set(delta) <= {"extruder", "heater_bed"} for delta, _ in told)
    assert all(set(part) == {"temperature"} for delta, _ in told for part in delta.values())


def test_deltas_together_are_what_a_question_finds(bench: Bench) -> None:
    known = bench.ask("printer.objects.subscribe", objects=WATCHED)["status"]
    printing(bench)
    bench.pass_time(3)
    bench.ask("printer.print.pause")
    bench.pass_time(2)

    for delta, _ in bench.told("status_update"):
        for name, fields in delta.items():
            known[name] |= fields
    now = bench.ask("printer.objects.query", objects=WATCHED)["status"]
    for name in ("webhooks", "virtual_sdcard", "pause_resume", "toolhead"):
        assert known[name] == now[name]
    assert known["print_stats"]["state"] == now["print_stats"]["state"] == "paused"


def test_a_new_subscription_takes_the_place_of_the_old_one(bench: Bench) -> None:
    bench.ask("printer.objects.subscribe", objects=WATCHED)
    bench.ask("printer.objects.subscribe", objects={"heater_bed": None})
    bench.heard.clear()
    bench.pass_time(2)

    assert {name for delta, _ in bench.told("status_update") for name in delta} == {"heater_bed"}

    bench.ask("printer.objects.subscribe", objects={})
    bench.heard.clear()
    bench.pass_time(2)
    assert not bench.told("status_update")
    assert len(bench.told("proc_stat_update")) == 2


def test_statistics_come_once_a_second_to_everybody_at_the_socket(bench: Bench) -> None:
    bench.push = bench.client(admitted=False)
    bench.heard.clear()
    bench.pass_time(10)

    told = [params[0] for params in bench.told("proc_stat_update")]
    assert len(told) == 10
    assert told[0]["websocket_connections"] == 2
    assert 500 < len(json.dumps(told[0])) < 1000


def test_stamped_readings_tell_when_they_were_taken(bench: Bench) -> None:
    bench.host.stamped = True
    bench.ask("printer.objects.subscribe", objects=WATCHED)
    bench.heard.clear()
    bench.pass_time(3)

    ages = [
        age_s(delta["extruder"]["temperature"], bench.host.wall(at))
        for delta, at in bench.told("status_update")
    ]
    assert len(ages) >= 11
    assert ages == pytest.approx([0.0] * len(ages), abs=0.001)


# -- who may -----------------------------------------------------------------------------------------


def test_a_stranger_connects_and_is_answered_nothing_but_that_he_may_not(bench: Bench) -> None:
    bench.push = bench.client(admitted=False)

    assert bench.ask("server.info") == {"code": -32602, "message": "Unauthorized"}
    wrong = bench.ask("server.connection.identify", **WHO, api_key="wrong")
    assert wrong == {"code": -32602, "message": "Unauthorized"}
    assert "login_required" in bench.ask("access.info")

    assert bench.ask("server.connection.identify", **WHO, api_key=KEY)["connection_id"] > 0
    assert bench.ask("server.info")["klippy_state"] == "ready"
    again = bench.ask("server.connection.identify", **WHO)
    assert again["code"] == 400


def test_a_wrong_key_is_401_and_a_token_opens_once(bench: Bench) -> None:
    (wrong,) = bench.http("GET", "/server/info", **{"x-api-key": "wrong"})
    assert wrong.status == 401
    assert json.loads(wrong.body)["error"]["message"] == "Unauthorized"
    (info,) = bench.http("GET", "/access/info", **{"x-api-key": "wrong"})
    assert info.status == 200

    token = json.loads(bench.http("GET", "/access/oneshot_token")[0].body)["result"]
    once = [bench.http("GET", f"/server/info?token={token}", **{"x-api-key": ""})[0].status for _ in range(2)]
    assert once == [200, 401]


# -- printing ----------------------------------------------------------------------------------------


def test_a_print_runs_to_its_end_and_stands_in_the_history(bench: Bench) -> None:
    name = printing(bench, SHORT)
    assert bench.state() == "printing"
    bench.pass_time(3)

    assert bench.state() == "complete"
    (job,) = bench.ask("server.history.list")["jobs"]
    assert (job["filename"], job["status"], job["job_id"], job["exists"]) == (
        name,
        "completed",
        "000001",
        True,
    )
    assert job["filament_used"] == pytest.approx(5)
    assert 0.9 < job["total_duration"] < 1.3
    assert [told["action"] for (told,) in bench.told("history_changed")] == ["added", "finished"]
    assert bench.host.counted.starts == bench.host.counted.finished == {name: 1}


def test_pause_resume_and_cancel_answer_when_they_are_done(bench: Bench) -> None:
    printing(bench)
    bench.pass_time(4)

    assert bench.ask("printer.print.pause", within_s=15) == "ok"
    found = bench.host.look({"pause_resume": None, "print_stats": None}, bench.now)
    assert found["pause_resume"]["is_paused"]
    assert found["print_stats"]["state"] == "printing"  # for a moment
    bench.pass_time(0.3)
    assert bench.state() == "paused"
    before = bench.ask("printer.objects.query", objects={"print_stats": None})["status"]["print_stats"]
    bench.pass_time(2)
    after = bench.ask("printer.objects.query", objects={"print_stats": None})["status"]["print_stats"]
    assert after["print_duration"] == before["print_duration"]
    assert after["total_duration"] > before["total_duration"] + 1

    assert bench.ask("printer.print.resume") == "ok"
    assert bench.state() == "printing"
    assert bench.ask("printer.print.cancel", within_s=15) == "ok"
    bench.pass_time(0.3)
    assert bench.state() == "cancelled"
    assert bench.ask("server.history.list")["jobs"][0]["status"] == "cancelled"
    assert bench.host.machine.heaters["tool0"].target == 0


def test_without_filament_it_pauses_and_says_why(bench: Bench) -> None:
    printing(bench)
    bench.host.run_out(bench.now)
    bench.pass_time(3)

    assert bench.state() == "paused"
    assert ["// Filament Sensor switch: runout event detected"] in bench.told("gcode_response")
    bench.host.be_tended(bench.now)
    bench.pass_time(0.1)
    assert bench.state() == "printing"


def test_in_a_heat_up_everything_waits_but_the_emergency_stop(bench: Bench) -> None:
    printing(bench, HEATING)
    bench.put("b2_part.gcode", SHORT)
    bench.pass_time(2)
    waiting = [
        bench.send("printer.print.pause"),
        bench.send("printer.print.start", filename="b2_part.gcode"),
        bench.send("printer.gcode.script", script="G28"),
    ]
    bench.pass_time(3)
    assert [bench.answer_to(number) for number in waiting] == [None] * 3

    assert bench.ask("printer.emergency_stop", within_s=STEP_S) == "ok"

    bench.pass_time(0.3)
    assert bench.told("klippy_shutdown") == [None]
    for number in waiting:
        error = bench.answer_to(number)["error"]  # type: ignore[index]
        assert error["code"] == 400
        assert error["message"].startswith("Shutdown due to webhooks request\nOnce the underlying")


def test_a_cancel_in_a_heat_up_is_answered_when_it_is_hot(bench: Bench) -> None:
    printing(bench, HEATING)
    bench.pass_time(2)
    number = bench.send("printer.print.cancel")
    bench.pass_time(5)
    assert bench.answer_to(number) is None
    assert bench.state() == "printing"

    bench.pass_time(20)
    assert bench.answer_to(number)["result"] == "ok"  # type: ignore[index]
    assert bench.state() == "cancelled"


def test_nothing_second_starts_and_commands_without_a_print_are_ok_all_the_same(bench: Bench) -> None:
    for command in ("pause", "cancel"):
        assert bench.ask(f"printer.print.{command}") == "ok"
    bench.ask("printer.gcode.script", script="CLEAR_PAUSE")
    assert bench.ask("printer.print.start", filename="gone.gcode") == {
        "code": 400,
        "message": "Unable to open file",
    }
    printing(bench)
    bench.put("b2_part.gcode", SHORT)
    busy = bench.ask("printer.print.start", within_s=15, filename="b2_part.gcode")
    assert busy == {"code": 400, "message": "SD busy"}
    assert bench.host.counted.starts == {"a1_part.gcode": 1}


def test_gcode_is_carried_out_and_what_is_wrong_with_it_is_said(bench: Bench) -> None:
    lines = "M104 S60\nSET_HEATER_TEMPERATURE HEATER=heater_bed TARGET=40\nG28\nG1 X5 F6000"
    assert bench.ask("printer.gcode.script", script=lines, within_s=5) == "ok"
    found = bench.ask("printer.objects.query", objects=WATCHED)["status"]
    assert (found["extruder"]["target"], found["heater_bed"]["target"]) == (60, 40)
    assert found["toolhead"]["position"][0] == 5
    assert found["toolhead"]["homed_axes"] == "xyz"

    assert bench.ask("printer.gcode.script", script="DANCE") == "ok"
    assert ['// Unknown command:"DANCE"'] in bench.told("gcode_response")
    for script, words in [
        ("M104 S999", "Requested temperature (999.0) out of range (0.0:300.0)"),
        ("SET_HEATER_TEMPERATURE HEATER=toaster TARGET=5", "The value 'toaster' is not valid for HEATER"),
        ("M104 T3 S50", "Extruder not configured"),
    ]:
        assert bench.ask("printer.gcode.script", script=script) == {"code": 400, "message": words}
    assert bench.host.machine.heaters["tool0"].target == 60


# -- files -------------------------------------------------------------------------------------------


def test_files_are_stored_listed_copied_moved_and_deleted(bench: Bench) -> None:
    told = json.loads(bench.put("a1_part.gcode", SHORT).body)
    assert (told["action"], told["print_started"], told["item"]["path"]) == (
        "create_file",
        False,
        "a1_part.gcode",
    )
    copied = bench.ask("server.files.copy", source="gcodes/a1_part.gcode", dest="gcodes/b2_part.gcode")
    assert copied["item"]["size"] == len(SHORT)
    bench.ask("server.files.move", source="gcodes/b2_part.gcode", dest="gcodes/c3_part.gcode")
    assert [file["path"] for file in bench.ask("server.files.list")] == ["a1_part.gcode", "c3_part.gcode"]
    assert bench.ask("server.files.metadata", filename="c3_part.gcode")["size"] == len(SHORT)
    (content,) = bench.http("GET", "/server/files/gcodes/c3_part.gcode")
    assert content.body == SHORT

    (gone,) = bench.http("DELETE", "/server/files/gcodes/c3_part.gcode")
    assert json.loads(gone.body)["result"]["action"] == "delete_file"
    missing = bench.ask("server.files.metadata", filename="c3_part.gcode")
    assert missing == {"code": -32601, "message": "Metadata not available for <c3_part.gcode>"}
    bench.pass_time(0.1)
    actions = [told["action"] for (told,) in bench.told("filelist_changed")]
    assert actions == ["create_file", "create_file", "move_file", "delete_file"]


def test_the_file_that_prints_is_left_alone(bench: Bench) -> None:
    name = printing(bench)

    assert bench.put(name, SHORT).status == 403
    (delete,) = bench.http("DELETE", f"/server/files/gcodes/{name}")
    assert (delete.status, json.loads(delete.body)["error"]["message"]) == (403, "Forbidden")
    beside = json.loads(bench.put("b2_part.gcode", SHORT, print="true").body)
    assert not beside["print_started"]
    bench.put("c3_part.gcode", SHORT)
    onto = bench.ask("server.files.copy", source="gcodes/c3_part.gcode", dest=f"gcodes/{name}")
    assert onto == {"code": 403, "message": "File currently in use"}


@pytest.mark.parametrize("path", ["gcodes/../x", "config/x", "gcodes", "", "/gcodes/a/../../b"])
def test_no_path_leads_out_of_the_folder(bench: Bench, path: str) -> None:
    bench.put("a1_part.gcode", SHORT)
    for source, dest in (("gcodes/a1_part.gcode", path), (path, "gcodes/b2.gcode")):
        assert bench.ask("server.files.copy", source=source, dest=dest)["code"] == 400
    assert bench.put("../x", SHORT).status == 400


# -- Klippy's life -----------------------------------------------------------------------------------


def test_a_restart_of_the_firmware_ends_subscriptions_and_prints(bench: Bench) -> None:
    bench.ask("printer.objects.subscribe", objects=WATCHED)
    printing(bench)
    bench.pass_time(2)

    assert bench.ask("printer.firmware_restart", within_s=STEP_S) == "ok"
    bench.pass_time(0.2)
    assert bench.ask("printer.info") == {"code": 503, "message": "Klippy Host not connected"}
    assert bench.told("gcode_response")[-1] == ["// Klipper state: Disconnect"]
    assert bench.told("klippy_disconnected") == [None]
    bench.pass_time(1.1)
    assert bench.ask("printer.info")["state"] == "startup"
    assert bench.ask("printer.gcode.script", script="G28")["message"].startswith("Printer is not ready\n")
    bench.pass_time(0.5)
    assert bench.told("klippy_ready") == [None]
    assert bench.ask("server.history.list")["jobs"][0]["status"] == "klippy_disconnect"

    bench.heard.clear()
    bench.pass_time(2)
    assert not bench.told("status_update")  # until somebody subscribes again
    first = bench.ask("printer.objects.subscribe", objects=WATCHED)["status"]
    assert first["print_stats"]["state"] == "standby"


def test_the_first_readings_after_a_start_are_zero(bench: Bench) -> None:
    bench.ask("printer.firmware_restart")
    bench.pass_time(1.75)
    objects = {"extruder": ["temperature"]}
    first = bench.ask("printer.objects.subscribe", objects=objects)["status"]["extruder"]
    bench.pass_time(1)

    assert first == {"temperature": 0.0}
    assert bench.told("status_update")[-1][0]["extruder"]["temperature"] > 15


def test_of_words_on_several_lines_http_keeps_only_unknown(bench: Bench) -> None:
    bench.host.break_down(bench.now)
    (refused,) = bench.http("POST", "/printer/print/start", {"filename": "x.gcode"})

    error = json.loads(refused.body)["error"]
    assert (refused.status, error["message"]) == (400, "Unknown")
    assert "Heater heater_bed not heating at expected rate\nSee the" in error["traceback"]
    (info,) = bench.http("GET", "/printer/info")
    assert json.loads(info.body)["result"]["state_message"].startswith("Heater heater_bed not heating")
    assert bench.ask("printer.print.start", filename="x")["message"].startswith("Heater heater_bed not")


def test_a_stopped_printer_still_tells_its_temperatures_and_starts_again(bench: Bench) -> None:
    bench.ask("printer.objects.subscribe", objects=WATCHED)
    name = printing(bench)
    bench.pass_time(1)
    bench.ask("printer.emergency_stop")
    bench.pass_time(1)

    deltas = [delta for delta, _ in bench.told("status_update")]
    assert any(delta.get("webhooks", {}).get("state") == "shutdown" for delta in deltas)
    assert "temperature" in deltas[-1]["extruder"]
    assert bench.ask("server.history.list")["jobs"][0]["status"] == "klippy_shutdown"
    bench.ask("printer.firmware_restart")
    bench.pass_time(2)
    assert bench.ask("printer.print.start", filename=name) == "ok"


def test_without_klippy_since_the_start_its_routes_do_not_exist(bench: Bench) -> None:
    printing(bench)
    bench.pass_time(1)
    bench.host.went_down()
    bench.host.restarted(bench.now)

    (away,) = bench.http("GET", "/printer/info")
    assert (away.status, json.loads(away.body)["error"]["message"]) == (404, "Not Found")
    assert bench.ask("printer.info") == {"code": -32601, "message": "Method not found"}
    assert bench.ask("server.info")["klippy_state"] == "disconnected"
    assert json.loads(bench.put("b2_part.gcode", SHORT, print="true").body)["print_started"] is False
    bench.pass_time(2)
    assert bench.ask("printer.info")["state"] == "ready"
    assert bench.ask("server.history.list")["jobs"][0]["status"] == "interrupted"


def test_a_board_that_answers_nothing_shows_old_values_and_is_given_up(bench: Bench) -> None:
    bench.ask("printer.objects.subscribe", objects=WATCHED)
    printing(bench)
    bench.pass_time(1)
    bench.host.go_awol(bench.now)
    bench.heard.clear()
    bench.pass_time(4)
    frozen = [delta for delta, _ in bench.told("status_update")]
    assert all(set(delta) <= {"print_stats"} for delta in frozen[1:])

    bench.pass_time(2)
    assert bench.host.text == "shutdown"
    assert bench.ask("printer.info")["state_message"].startswith("Lost communication with MCU 'mcu'\n")


# -- faults and nonsense -----------------------------------------------------------------------------


def test_faults_concern_the_answers_at_the_socket_too(bench: Bench) -> None:
    bench.faults.manner = Manner.ERROR
    assert bench.ask("server.info") == {"code": 500, "message": "Internal Server Error"}
    bench.faults.manner = Manner.HALF
    bench.push.receive('{"jsonrpc":"2.0","method":"server.info","id":1}', bench.now)
    with pytest.raises(json.JSONDecodeError):
        json.loads(bench.push.waiting.pop())
    bench.faults.manner = Manner.WELL
    bench.faults.slow_ms = 500
    number = bench.send("server.info")
    bench.pass_time(0.4)
    assert bench.answer_to(number) is None
    bench.pass_time(0.2)
    assert bench.answer_to(number)
    bench.faults.manner = Manner.DROP
    bench.send("server.info")
    assert bench.push.over


def test_a_start_whose_answer_is_lost_was_carried_out(bench: Bench) -> None:
    bench.faults.swallow = Swallow(Swallowed.START, 1, Silence.NOTHING)
    bench.put("a1_part.gcode", LONG)
    number = bench.send("printer.print.start", filename="a1_part.gcode")
    bench.pass_time(1)

    assert bench.answer_to(number) is None
    assert bench.state() == "printing"
    assert bench.faults.swallow is None


def test_who_reads_nothing_is_cut_off_and_a_flood_leaves_room(bench: Bench) -> None:
    bench.push.repeat(10_000, bench.now)
    assert 100 < len(bench.push.waiting) <= MAX_WAITING
    assert not bench.push.over
    bench.push.waiting.extend([b"x"] * MAX_WAITING)
    assert bench.push.over


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no JSON", -32700),
        ("1", -32600),
        ("null", -32600),
        ('{"method":"server.info","id":1}', -32600),
        ('{"jsonrpc":"2.0","method":7,"id":1}', -32600),
        ('{"jsonrpc":"2.0","method":"server.info","params":[1],"id":1}', -32602),
        ('{"jsonrpc":"2.0","method":"dance","id":1}', -32601),
        ('{"jsonrpc":"2.0","method":"printer.print.start","id":1}', 400),
    ],
)
def test_nonsense_gets_the_code_that_belongs_to_it(bench: Bench, text: str, code: int) -> None:
    bench.push.receive(text, bench.now)
    bench.collect()

    assert bench.heard[-1]["error"]["code"] == code


def test_a_list_of_calls_is_answered_by_one_list(bench: Bench) -> None:
    calls = [
        {"jsonrpc": "2.0", "method": "server.info", "id": 901},
        {"jsonrpc": "2.0", "method": "printer.objects.query", "params": {"objects": {}}, "id": 902},
        {"jsonrpc": "2.0", "method": "dance", "id": 903},
    ]
    bench.push.receive(json.dumps(calls), bench.now)
    for _ in range(10):
        bench.now += STEP_S
        bench.host.tick(bench.now)
    (answers,) = [json.loads(message) for message in bench.push.waiting if message.startswith(b"[")]

    assert sorted(answer["id"] for answer in answers) == [901, 902, 903]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just("inf")
    | st.integers()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(
    [
        "server.info",
        "server.connection.identify",
        "printer.objects.query",
        "printer.objects.subscribe",
        "printer.gcode.script",
        "printer.print.start",
        "printer.print.cancel",
        "server.files.copy",
        "server.files.delete_file",
        "server.history.list",
        "server.history.job",
    ]
)
_params = st.dictionaries(
    st.sampled_from(["objects", "script", "filename", "source", "dest", "path", "limit", "order", "uid"]),
    _json,
    max_size=3,
)


@given(name=_names, params=_params)
def test_odd_parameters_get_an_answer_and_break_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str, params: dict[str, Any]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("moonraker"))

    bench.ask(name, **params)

    assert bench.ask("server.info")["klippy_connected"]


@given(text=st.text(max_size=40) | _json.map(json.dumps))
def test_whatever_is_said_at_the_socket_it_goes_on(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    bench = Bench(tmp_path_factory.mktemp("moonraker"))

    bench.push.receive(text, bench.now)

    assert bench.ask("server.info")["klippy_connected"]
