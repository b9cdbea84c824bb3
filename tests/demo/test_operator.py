"""The simulated person at the plates, against a farm that keeps only its plates."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import trio

from farm.demo.operator import LOOK_EVERY_S, PATIENCE_S, Operator

_, MOST_S = PATIENCE_S["plate_cleared"]


class Plates:
    """A farm's HTTP API as far as plates go, a printer on each page of the list."""

    def __init__(self, **plates: str) -> None:
        self.printers: dict[str, dict[str, Any]] = {
            id: {"connection": "online", "operation": "idle", "plate": plate} for id, plate in plates.items()
        }
        self.cleared: list[tuple[str, float]] = []
        self.heard: list[tuple[str, str]] = []
        self.refuses = 0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://farm.test")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            place = int(request.url.params.get("cursor", 0))
            id = list(self.printers)[place]
            following = str(place + 1) if place + 1 < len(self.printers) else None
            item = {"id": id, "status": self.printers[id]}
            return httpx.Response(200, json={"items": [item], "next": following})
        if self.refuses:
            self.refuses -= 1
            return httpx.Response(503)
        id, command = request.url.path.split("/")[3], json.loads(request.content)["command"]
        self.heard.append((id, command))
        if command == "plate_cleared":
            self.printers[id]["plate"] = "clear"
            self.cleared.append((id, trio.current_time()))
        else:
            self.printers[id]["operation"] = "idle"
        return httpx.Response(202, json={"command_id": "1"})


@pytest.fixture
def at_work(nursery):
    def begin(farm: Plates, **more: Any) -> Operator:
        operator = Operator(farm.client(), **more)
        nursery.start_soon(operator.work)
        return operator

    return begin


async def test_occupied_and_unknown_plates_are_cleared_each_after_a_while(at_work, autojump_clock) -> None:
    farm = Plates(a="occupied", b="unknown", c="clear")

    operator = at_work(farm)
    await trio.sleep(MOST_S + 2 * LOOK_EVERY_S)

    assert {id for id, _ in farm.cleared} == {"a", "b"}
    assert all(at >= 5 for _, at in farm.cleared)
    assert operator.done == 2


async def test_nobody_reaches_into_a_printer_at_work_or_away(at_work, autojump_clock) -> None:
    farm = Plates(a="occupied", b="occupied")
    farm.printers["a"]["operation"] = "printing"
    farm.printers["b"]["connection"] = "offline"

    at_work(farm)
    await trio.sleep(120)
    assert farm.cleared == []

    farm.printers["a"]["operation"] = "finished"
    await trio.sleep(MOST_S + 2 * LOOK_EVERY_S)
    assert [id for id, _ in farm.cleared] == ["a"]


async def test_a_farm_that_refuses_or_is_away_is_asked_again(at_work, autojump_clock) -> None:
    farm = Plates(a="occupied")
    farm.refuses = 3

    at_work(farm)
    await trio.sleep(MOST_S + 5 * LOOK_EVERY_S)

    assert [id for id, _ in farm.cleared] == ["a"]


async def test_an_operator_in_a_hurry_is_as_much_faster(at_work, autojump_clock) -> None:
    farm = Plates(a="occupied")

    at_work(farm, hurry=100)
    await trio.sleep((MOST_S + 2 * LOOK_EVERY_S) / 100)

    assert [id for id, _ in farm.cleared] == ["a"]


async def test_a_printer_that_wants_attention_gets_it_before_its_plate_and_later_than_a_plate(
    at_work, autojump_clock
) -> None:
    farm = Plates(a="occupied")
    farm.printers["a"]["operation"] = "attention"
    least, most = PATIENCE_S["clear_attention"]

    at_work(farm)
    await trio.sleep(least - 1)
    assert farm.heard == []
    await trio.sleep(most - least + 1 + 2 * LOOK_EVERY_S)
    assert farm.heard == [("a", "clear_attention")]
    await trio.sleep(MOST_S + 2 * LOOK_EVERY_S)

    assert farm.heard == [("a", "clear_attention"), ("a", "plate_cleared")]


@pytest.mark.parametrize("operation", ["emergency", "maintenance"])
async def test_what_a_person_decided_is_left_to_a_person(at_work, autojump_clock, operation: str) -> None:
    farm = Plates(a="occupied")
    farm.printers["a"]["operation"] = operation

    at_work(farm)
    await trio.sleep(600)

    assert farm.heard == []
