"""What people tell one printer."""

from __future__ import annotations

import pytest
import trio

from farm.domain import command
from farm.domain.user import Grant
from farm.errors import Forbidden, Refused
from farm.printers.messages import RunCommand
from farm.queue.messages import ClearPlate, UndoPlate
from farm.web import commands

AT = "/v1/printers/mk4-01/commands"

EVERY = [
    ({"command": "pause", "reason": "layer shift"}, command.Pause("layer shift")),
    ({"command": "pause"}, command.Pause()),
    ({"command": "resume"}, command.Resume()),
    ({"command": "cancel", "reason": "warped"}, command.Cancel("warped")),
    ({"command": "gcode", "lines": ["M115", "G28 X ; home"]}, command.SendGcode(("M115", "G28 X ; home"))),
    (
        {"command": "set_temperature", "heater": "bed", "target_degc": 60},
        command.SetTemperature("bed", 60.0),
    ),
    ({"command": "home"}, command.Home()),
    ({"command": "home", "axes": ["z"]}, command.Home(("z",))),
    ({"command": "jog", "x": -500, "z": 0.1}, command.Jog(-500.0, 0.0, 0.1)),
    ({"command": "connect"}, command.Connect()),
    ({"command": "disconnect"}, command.Disconnect()),
    ({"command": "maintenance_on", "reason": "new nozzle"}, command.MaintenanceOn("new nozzle")),
    ({"command": "maintenance_off"}, command.MaintenanceOff()),
    ({"command": "clear_attention"}, command.ClearAttention()),
    ({"command": "clear_doubt"}, command.ClearDoubt()),
    ({"command": "clear_emergency"}, command.ClearEmergency()),
]


async def test_every_command_reaches_its_printer_and_is_named_in_the_answer(farm):
    await farm.printer()
    headers = await farm.key("control")
    ids = []
    for sent, _ in EVERY:
        answer = await farm.http.post(AT, json=sent, headers=headers)
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["command_id"])

    assert farm.printers["mk4-01"].heard == [
        RunCommand(id, wanted) for id, (_, wanted) in zip(ids, EVERY, strict=True)
    ]
    assert {asker.name for asker in farm.printers["mk4-01"].askers} == {"a key"}
    assert len(set(ids)) == len(EVERY)
    assert {type(wanted) for _, wanted in EVERY} == set(command.NAMES), "the list above misses one"


WRONG = [
    ({"command": "explode"}, "command"),
    ({}, "command"),
    ({"command": "plate_cleared", "good": -1}, "good"),
    ({"command": "plate_undo", "good": 1}, "good"),
    ({"command": "resume", "reason": "x"}, "reason"),
    ({"command": "pause", "reason": "x" * 201}, "reason"),
    ({"command": "pause", "reason": None}, "reason"),
    ({"command": "gcode"}, "lines"),
    ({"command": "gcode", "lines": []}, "lines"),
    ({"command": "gcode", "lines": "M115"}, "lines"),
    ({"command": "gcode", "lines": ["M115"] * 51}, "lines"),
    ({"command": "gcode", "lines": ["M115", "x" * 201]}, "lines[1]"),
    ({"command": "gcode", "lines": ["M117 hi\nM112"]}, "lines"),
    ({"command": "gcode", "lines": ["", "  "]}, "lines"),
    ({"command": "set_temperature", "heater": "bed"}, "target_degc"),
    ({"command": "set_temperature", "heater": "bed", "target_degc": 501}, "target_degc"),
    ({"command": "set_temperature", "heater": "bed", "target_degc": -1}, "target_degc"),
    ({"command": "set_temperature", "heater": "bed", "target_degc": True}, "target_degc"),
    ({"command": "set_temperature", "heater": "the bed", "target_degc": 60}, "heater"),
    ({"command": "set_temperature", "heater": "bed\n", "target_degc": 60}, "heater"),
    ({"command": "home", "axes": []}, "axes"),
    ({"command": "home", "axes": ["e"]}, "axes[0]"),
    ({"command": "jog"}, "x"),
    ({"command": "jog", "y": -500.1}, "y"),
    ({"command": "jog", "e": 5}, "e"),
]


async def test_what_no_printer_could_do_is_refused_by_name(farm):
    await farm.printer()
    headers = await farm.key("control")
    for sent, field in WRONG:
        answer = await farm.http.post(AT, json=sent, headers=headers)
        assert answer.status_code == 422, (sent, answer.text)
        assert answer.json()["errors"][0]["field"] == field, (sent, answer.text)

    assert farm.printers["mk4-01"].heard == farm.queue.heard == []


async def test_limits_are_told_in_words(farm):
    await farm.printer()
    headers = await farm.key("control")

    async def said(**sent):
        return (await farm.http.post(AT, json=sent, headers=headers)).json()["detail"]

    assert await said(command="jog", x=501) == "x: at most 500"
    assert await said(command="pause", reason="x" * 201) == "reason: at most 200 characters"
    assert await said(command="gcode", lines=[]) == "lines: at least 1 of them"
    assert (await said(command="explode")).startswith("command: one of pause, resume, cancel, gcode, ")


@pytest.mark.parametrize("number", [b"NaN", b"1e999", b"Infinity"])
async def test_what_is_no_number_is_refused(farm, number):
    await farm.printer()
    headers = {**await farm.key("control"), "Content-Type": "application/json"}

    answer = await farm.http.post(AT, content=b'{"command":"jog","x":%s}' % number, headers=headers)

    assert (answer.status_code, farm.printers["mk4-01"].heard) == (422, [])


async def test_refusal_of_a_printer_is_the_answer(farm):
    def refuse(message, by):
        raise Refused("mk4-01: it is not printing")

    await farm.printer()
    farm.printers["mk4-01"].answer = refuse

    answer = await farm.http.post(AT, json={"command": "pause"}, headers=await farm.key("control"))

    assert (answer.status_code, answer.json()["detail"]) == (409, "mk4-01: it is not printing")


async def test_rights_are_asked_for_again_by_the_printer(farm):
    def forbid(message, by):
        raise Forbidden(f"{by.name} may not")

    await farm.printer()
    farm.printers["mk4-01"].answer = forbid

    answer = await farm.http.post(AT, json={"command": "pause"}, headers=await farm.key("control"))

    assert (answer.status_code, answer.json()["detail"]) == (403, "a key may not")


async def test_printer_that_does_not_answer_is_not_waited_for(farm, monkeypatch):
    monkeypatch.setattr(commands, "ANSWER_WITHIN_S", 0.1)
    await farm.printer()
    farm.printers["mk4-01"].answer = hang

    answer = await farm.http.post(AT, json={"command": "pause"}, headers=await farm.key("control"))

    assert (answer.status_code, "did not answer" in answer.json()["detail"]) == (503, True)


async def hang(message, by):
    await trio.sleep_forever()


async def test_command_to_no_printer_is_told_so(farm):
    answer = await farm.http.post(AT, json={"command": "pause"}, headers=await farm.key("control"))

    assert answer.status_code == 404
    assert "no printer mk4-01" in answer.json()["detail"]


@pytest.mark.parametrize("sent", [{"command": "pause"}, {"command": "gcode", "lines": ["M115"]},
                                  {"command": "plate_undo"}])  # fmt: skip
async def test_command_to_a_printer_of_others_is_refused(farm, sent):
    await farm.printer("mk4-01")
    others = await farm.key("control", grant=Grant(printers=frozenset({"mk4-02"})))
    reader = await farm.key("read", "queue", "upload")

    for headers in (others, reader):
        answer = await farm.http.post(AT, json=sent, headers=headers)
        assert answer.status_code == 403
    assert farm.printers["mk4-01"].heard == farm.queue.heard == []


def test_each_command_takes_its_right():
    assert commands._right_to(command.SendGcode(("M115",))) is commands.Action.SEND_GCODE
    assert commands._right_to(commands.PlateUndo()) is commands.Action.CLEAR_PLATE
    assert commands._right_to(command.Cancel()) is commands.Action.CONTROL


async def test_plate_is_declared_clear_and_taken_back(farm):
    await farm.printer()
    headers = await farm.key("control")

    cleared = await farm.http.post(AT, json={"command": "plate_cleared", "good": 1}, headers=headers)
    undone = await farm.http.post(AT, json={"command": "plate_undo"}, headers=headers)

    assert [cleared.status_code, undone.status_code] == [202, 202]
    ids = [answer.json()["command_id"] for answer in (cleared, undone)]
    assert farm.queue.heard == [ClearPlate("mk4-01", 1, ids[0]), UndoPlate("mk4-01", ids[1])]
    assert farm.queue.askers[0].name == "a key"
    assert farm.printers["mk4-01"].heard == []
    assert cleared.json()["command_id"] != undone.json()["command_id"]
