"""Looking at an address before a printer is added, and whom its connection trusts."""

from __future__ import annotations

import pytest

from farm.domain.printer import Address, Simulation
from farm.printers.messages import Probed, ProbePrinter

PIN = "sha256:" + "0a" * 32


async def test_who_answers_at_an_address_is_told_and_nothing_is_added(farm):
    admin = await farm.admin()
    wish = {"url": "https://10.0.0.1", "api_key": "hush", "tls": PIN}

    found = await farm.http.post("/v1/printers/probe", json=wish, headers=admin)

    assert found.status_code == 200
    assert found.json() == {
        "kind": "octoprint", "identity": {"version": "1.11.8", "name": "Prusa MK4"}, "problem": None,
    }  # fmt: skip
    assert farm.fleet.heard == [ProbePrinter("https://10.0.0.1", "hush", PIN)]
    assert farm.fleet.askers[0].name == "ann"
    assert (await farm.http.get("/v1/printers", headers=admin)).json()["items"] == []


async def test_an_address_where_nobody_answers_is_a_sentence_and_no_error(farm):
    farm.fleet.answer = lambda message, by: Probed(None, problem="nobody answers at http://10.0.0.1")

    found = await farm.http.post(
        "/v1/printers/probe", json={"url": "http://10.0.0.1"}, headers=await farm.admin()
    )

    assert (found.status_code, farm.fleet.heard) == (200, [ProbePrinter("http://10.0.0.1")])
    assert found.json() == {
        "kind": None, "identity": None, "problem": "nobody answers at http://10.0.0.1",
    }  # fmt: skip


async def test_only_who_sets_up_printers_may_look_at_addresses(farm):
    wish = {"url": "http://10.0.0.1"}

    answer = await farm.http.post("/v1/printers/probe", json=wish, headers=await farm.key("control"))

    assert (answer.status_code, farm.fleet.heard) == (403, [])


@pytest.mark.parametrize(("wish", "field"), [({}, "url"), ({"url": 7}, "url"), ({"url": "", "at": 1}, "at")])
async def test_a_wrong_question_is_refused_by_name(farm, wish, field):
    answer = await farm.http.post("/v1/printers/probe", json=wish, headers=await farm.admin())

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(("sent", "kept", "shown"), [(PIN, PIN, PIN), ("system", "system", None),
                                                     (None, "system", None)])  # fmt: skip
async def test_whom_a_connection_trusts_is_kept_and_shown_where_it_is_not_the_usual(farm, sent, kept, shown):
    admin = await farm.admin()
    connection = {"kind": "octoprint", "url": "https://10.0.0.1", "api_key": "hush", "tls": sent}

    made = await farm.http.post(
        "/v1/printers", json={"id": "a", "name": "A", "connection": connection}, headers=admin
    )

    assert made.status_code == 201
    assert farm.fleet.heard[0].printer.address.tls == kept
    for answer in (made, await farm.http.get("/v1/printers/a", headers=admin)):
        assert answer.json()["connection"].get("tls") == shown


async def test_a_printer_may_be_called_as_a_route_is(farm):
    await farm.printer("probe")

    answer = await farm.http.get("/v1/printers/probe", headers=await farm.key("read"))

    assert (answer.status_code, answer.json()["id"]) == (200, "probe")


async def test_a_simulated_printer_is_added_without_an_address_and_shown_as_what_it_is(farm):
    admin = await farm.admin()
    connection = {"kind": "simulated", "dialect": "octoprint", "speed": 60, "faults": {"slow_ms": 5}}

    made = await farm.http.post(
        "/v1/printers", json={"id": "sim1", "name": "Sim", "connection": connection}, headers=admin
    )

    assert made.status_code == 201
    simulation = Simulation("octoprint", 60.0, {"slow_ms": 5})
    assert farm.fleet.heard[0].printer.address == Address("simulated", "", simulation=simulation)
    for answer in (made, await farm.http.get("/v1/printers/sim1", headers=admin)):
        assert answer.json()["connection"] == {**connection, "speed": 60.0, "url": None}


@pytest.mark.parametrize(
    ("more", "field"),
    [({"speed": "fast"}, "connection.speed"), ({"faults": 7}, "connection.faults"),
     ({"url": 7}, "connection.url")],
)  # fmt: skip
async def test_a_simulation_that_makes_no_sense_is_refused_by_name(farm, more, field):
    wish = {"id": "a", "name": "A", "connection": {"kind": "simulated", **more}}

    answer = await farm.http.post("/v1/printers", json=wish, headers=await farm.admin())

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
