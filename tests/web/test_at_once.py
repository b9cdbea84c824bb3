"""What many printers are told at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import trio

from farm.domain.printer import Address, Plate
from farm.domain.user import Grant
from farm.errors import ActorDown, PrinterUnreachable, Refused
from farm.printers.messages import EmergencyStop, Halted
from farm.queue.messages import ClearPlate, UndoPlate
from farm.store import printers
from farm.store.printers import PlateRow

STOP = "/v1/emergency-stop"
ROW_A = Grant(tags=frozenset({"row-a"}))


async def row(farm, *ids):
    for id in ids:
        await farm.printer(id, "row-a" if id.startswith("a") else "row-b")


def raising(problem):
    def answer(message, by):
        raise problem

    return answer


async def hang(message, by):
    await trio.sleep_forever()


async def test_all_printers_are_stopped_and_the_hung_and_lost_ones_named_within_3_s(farm, logged):
    await row(farm, "a1", "a2", "a3", "b1", "b2")
    farm.printers["a2"].answer = hang
    farm.printers["a3"].answer = raising(PrinterUnreachable("a3 is off"))
    farm.printers["b1"].answer = raising(ActorDown("b1 is down"))
    headers = await farm.key("control")
    began = trio.current_time()

    answer = await farm.http.post(STOP, json={"printers": None}, headers=headers)

    assert trio.current_time() - began < 3.0
    assert answer.status_code == 202
    assert answer.json() == {"reached": ["a1", "b2"], "unreached": ["a2", "a3", "b1"]}
    for printer in farm.printers.values():
        assert printer.heard == [EmergencyStop()]
        assert printer.askers[0].name == "a key"
    (told,) = [entry for entry in logged if entry["event"] == "emergency stop"]
    assert told["unreached"] == ["a2", "a3", "b1"]


async def test_a_printer_that_can_only_cancel_is_named_for_somebody_to_go_there(farm):
    await row(farm, "a1")
    link = replace(await farm.printer("b1"), address=Address("prusalink", "http://10.0.0.7"))
    await farm.database.write(printers.remove, "b1")
    await farm.database.write(printers.add, link, b"", farm.now, "test")
    farm.printers["b1"].answer = lambda message, by: Halted.ONLY_CANCELLED
    headers = await farm.key("control")

    tried = await farm.http.post(STOP, params={"dry_run": "true"}, json={}, headers=headers)
    assert farm.printers["b1"].heard == []
    stopped = await farm.http.post(STOP, json={}, headers=headers)

    for answer in (tried, stopped):
        assert answer.json() == {"reached": ["a1", "b1"], "unreached": [], "by_hand": ["b1"]}


async def test_hung_printer_holds_up_no_other(farm):
    await row(farm, "a1", "a2")
    stopped = trio.Event()
    farm.printers["a1"].answer = hang
    farm.printers["a2"].answer = lambda message, by: stopped.set()
    headers = await farm.key("control")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: farm.http.post(STOP, json={}, headers=headers))
        with trio.fail_after(1):
            await stopped.wait()
        nursery.cancel_scope.cancel()


async def test_stop_goes_on_when_its_asker_hangs_up(farm, logged):
    await row(farm, "a1", "a2")
    farm.printers["a1"].answer = hang
    headers = await farm.key("control")

    async with trio.open_nursery() as asker:
        asker.start_soon(partial(farm.http.post, STOP, json={}, headers=headers))
        with trio.fail_after(10):
            while not farm.printers["a1"].heard:  # noqa: ASYNC110
                await trio.sleep(0.01)
        asker.cancel_scope.cancel()

    with trio.fail_after(10):
        while not any(entry["event"] == "emergency stop" for entry in logged):  # noqa: ASYNC110
            await trio.sleep(0.05)


async def test_stop_does_not_wait_for_the_disk(farm, monkeypatch):
    await row(farm, "a1")
    headers = await farm.key("control")
    assert (await farm.http.get("/v1/auth/me", headers=headers)).status_code == 200  # the key is known now

    async def hung(*_):
        await trio.sleep_forever()

    monkeypatch.setattr(farm.database, "read", hung)
    with trio.fail_after(2):
        answer = await farm.http.post(STOP, json={"printers": ["a1"]}, headers=headers)

    assert answer.json() == {"reached": ["a1"], "unreached": []}


async def test_somebody_with_some_printers_stops_those(farm):
    await row(farm, "a1", "a2", "b1")
    headers = await farm.key("control", grant=ROW_A)

    answer = await farm.http.post(STOP, json={"printers": None}, headers=headers)

    assert answer.json() == {"reached": ["a1", "a2"], "unreached": []}
    assert farm.printers["b1"].heard == []


@pytest.mark.parametrize(
    ("printers", "status"), [(["a1", "b1"], 403), (["a1", "zz"], 404), ([], 422), ("a1", 422)]
)
async def test_stop_of_what_one_may_not_or_cannot_stop_stops_nothing(farm, printers, status):
    await row(farm, "a1", "b1")
    headers = await farm.key("control", grant=ROW_A)

    answer = await farm.http.post(STOP, json={"printers": printers}, headers=headers)

    assert answer.status_code == status, answer.text
    assert farm.printers["a1"].heard == farm.printers["b1"].heard == []


async def test_who_may_stop_nothing_is_told_so(farm):
    await row(farm, "b1")
    for headers in (await farm.key("read"), await farm.key("control", grant=ROW_A)):
        answer = await farm.http.post(STOP, json={"printers": None}, headers=headers)
        assert answer.status_code == 403
    assert farm.printers["b1"].heard == []


async def test_a_farm_without_printers_has_nothing_to_stop(farm):
    answer = await farm.http.post(STOP, json={}, headers=await farm.key("control"))

    assert (answer.status_code, answer.json()) == (202, {"reached": [], "unreached": []})


async def test_printer_named_twice_is_stopped_once(farm):
    await row(farm, "a1")

    answer = await farm.http.post(STOP, json={"printers": ["a1", "a1"]}, headers=await farm.key("control"))

    assert answer.json()["reached"] == ["a1"]
    assert farm.printers["a1"].heard == [EmergencyStop()]


async def test_plates_are_cleared_in_order_and_one_that_prints_does_not_hold_up_the_rest(farm):
    await row(farm, "a1", "a2", "a3")

    def answer_for(message, by):
        if message.printer == "a2":
            raise Refused("a2 is printing")
        return PlateRow(Plate.CLEAR)

    farm.queue.answer = answer_for
    wish = {"printers": ["a3", "a2", "a1"]}

    answer = await farm.http.post("/v1/plates/clear", json=wish, headers=await farm.key("control"))

    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {"printer": "a3", "plate": "clear", "problem": None},
            {"printer": "a2", "plate": None, "problem": "a2 is printing"},
            {"printer": "a1", "plate": "clear", "problem": None},
        ]
    }
    assert farm.queue.heard == [ClearPlate("a3"), ClearPlate("a2"), ClearPlate("a1")]


async def test_clearing_plates_is_taken_back_with_one_request(farm):
    await row(farm, "a1", "a2")
    farm.queue.answer = lambda message, by: PlateRow(Plate.OCCUPIED)
    wish = {"printers": ["a1", "a2"]}

    answer = await farm.http.post("/v1/plates/undo", json=wish, headers=await farm.key("control"))

    assert [result["plate"] for result in answer.json()["results"]] == ["occupied", "occupied"]
    assert farm.queue.heard == [UndoPlate("a1"), UndoPlate("a2")]


@pytest.mark.parametrize("address", ["/v1/plates/clear", "/v1/plates/undo"])
@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"printers": ["a1", "b1"]}, 403),
        ({"printers": ["a1", "zz"]}, 404),
        ({"printers": []}, 422),
        ({"printers": None}, 422),
        ({}, 422),
    ],
)
async def test_plates_of_others_or_of_nobody_change_nothing(farm, address, wish, status):
    await row(farm, "a1", "b1")

    answer = await farm.http.post(address, json=wish, headers=await farm.key("control", grant=ROW_A))

    assert (answer.status_code, farm.queue.heard) == (status, [])


async def test_queue_that_is_down_is_no_result_but_a_problem(farm):
    await row(farm, "a1")
    farm.queue.answer = raising(ActorDown("the queue is restarting"))

    answer = await farm.http.post(
        "/v1/plates/clear", json={"printers": ["a1"]}, headers=await farm.key("control")
    )

    assert (answer.status_code, answer.json()["detail"]) == (503, "the queue is restarting")
