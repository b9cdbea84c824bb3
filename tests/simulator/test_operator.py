"""The simulated person at the plates, against a farm that keeps only its plates."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import trio

from farm.simulator.operator import LOOK_EVERY_S, MOST_S, Operator


class Plates:
    """A farm's HTTP API as far as plates go, a printer on each page of the list."""

    def __init__(self, **plates: str) -> None:
        self.printers: dict[str, dict[str, Any]] = {
            id: {"connection": "online", "operation": "idle", "plate": plate} for id, plate in plates.items()
        }
        self.cleared: list[tuple[str, float]] = []
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
        assert json.loads(request.content) == {"command": "plate_cleared"}
        id = request.url.path.split("/")[3]
        self.printers[id]["plate"] = "clear"
        self.cleared.append((id, trio.current_time()))
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
    assert operator.cleared == 2


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
