"""Looking at an address before a printer is added, and whom its connection trusts."""

from __future__ import annotations

import pytest

from farm.domain.printer import Address, Simulation
from farm.domain.user import Grant
from farm.printers.messages import ChangePrinter, Probed, ProbePrinter, RemovePrinter

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


async def test_a_user_and_a_password_are_shown_to_who_answers_at_an_address(farm):
    wish = {"url": "http://10.0.0.1", "username": "maker", "password": "hush"}

    await farm.http.post("/v1/printers/probe", json=wish, headers=await farm.admin())

    assert farm.fleet.heard == [ProbePrinter("http://10.0.0.1", username="maker", password="hush")]


async def test_a_printer_with_a_user_shows_who_that_is_and_never_the_password(farm):
    admin = await farm.admin()
    connection = {"kind": "prusalink", "url": "http://10.0.0.7", "username": "maker", "password": "hush"}
    wish = {"id": "link", "name": "Link", "connection": connection}

    added = await farm.http.post("/v1/printers", json=wish, headers=admin)
    changed = await farm.http.patch(
        "/v1/printers/link", json={"connection": {"password": "hush-hush"}}, headers=admin
    )

    assert (added.status_code, changed.status_code) == (201, 200)
    for answer in (added, changed, await farm.http.get("/v1/printers", headers=admin)):
        assert "hush" not in answer.text
    del connection["password"]
    assert added.json()["connection"] == connection
    assert added.json()["capabilities"] == ["binary_gcode", "delete", "pause"]


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


# -- changing


PROFILE = {
    "volume_mm": [220.0, 220.0, 250.0], "nozzle_mm": 0.4, "materials": ["PETG", "PLA"],
    "max_nozzle_degc": 260.0, "max_bed_degc": 110.0, "heat_up_w": 350.0, "heat_up_s": 300.0,
    "printing_w": 120.0, "circuit": None, "auto_eject": False,
    "loaded": [{"tool": 0, "material": "PLA", "colour": "black", "spool": None}], "model": None,
    "optimise": {"comments": "none", "arc_tolerance_mm": 0.05, "arc_step_mm": 0.5, "progress": True},
    "ejection": {
        "sweep": ["G1 Z{over} F900", "G1 X110 Y0 F1200"], "release_degc": 30.0, "at_most": 5,
        "cool_within_s": 3600.0, "min_height_mm": None, "max_height_mm": 100.0, "materials": ["PLA"],
        "confirmed": True,
    },
}  # fmt: skip


SWEEPS = {"sweep": ["G1 Z{over} F900", "G1 X9 Y0"], "release_degc": 30}


async def test_a_printer_ejects_once_somebody_has_said_how_and_that_they_know_what_may_happen(farm):
    admin = await farm.admin()
    await farm.printer("a")
    wish = {"volume_mm": [9, 9, 9], "ejection": {**SWEEPS, "confirmed": True}, "auto_eject": True}
    on = await farm.http.patch("/v1/printers/a", json={"profile": wish}, headers=admin)
    assert on.json()["profile"]["auto_eject"] is True

    off = await farm.http.patch("/v1/printers/a", json={"profile": {"auto_eject": False}}, headers=admin)
    again = await farm.http.patch("/v1/printers/a", json={"profile": {"auto_eject": True}}, headers=admin)
    assert [each.json()["profile"]["auto_eject"] for each in (off, again)] == [False, True]

    changed = {"profile": {"ejection": {**SWEEPS, "release_degc": 35}}}  # another one is confirmed anew
    refused = await farm.http.patch("/v1/printers/a", json=changed, headers=admin)
    assert refused.status_code == 422
    assert "answers for it" in refused.json()["errors"][0]["message"]


async def test_printer_is_set_up_with_a_profile_and_with_paths_of_its_own(farm):
    admin = await farm.admin()
    connection = {
        "kind": "octoprint", "url": "http://10.0.0.1", "api_key": "hush", "endpoints": {"api": "/octo/api"},
    }  # fmt: skip
    wish = {"id": "a", "name": "A", "connection": connection, "profile": PROFILE}

    made = await farm.http.post("/v1/printers", json=wish, headers=admin)

    assert made.status_code == 201, made.text
    assert made.json()["profile"] == PROFILE
    assert made.json()["connection"] == {
        "kind": "octoprint", "url": "http://10.0.0.1", "endpoints": {"api": "/octo/api"},
    }  # fmt: skip


async def test_printer_of_which_nothing_was_said_has_a_profile_of_nulls(farm):
    await farm.printer()

    shown = (await farm.http.get("/v1/printers/mk4-01", headers=await farm.key("read"))).json()

    empty = dict.fromkeys(PROFILE) | {"materials": [], "auto_eject": False, "loaded": []}
    assert shown["profile"] == empty
    assert "endpoints" not in shown["connection"]


async def test_printer_is_changed_in_what_is_given_alone(farm):
    admin = await farm.admin()
    await farm.printer("a", "row-a")
    before = (await farm.http.get("/v1/printers/a", headers=admin)).json()
    change = {
        "name": "Left", "connection": {"url": "https://10.0.0.2/"}, "profile": {"nozzle_mm": 0.6},
        "enabled": False, "max_retries": 3,
    }  # fmt: skip

    changed = await farm.http.patch("/v1/printers/a", json=change, headers=admin)

    (heard,) = farm.fleet.heard
    assert heard == ChangePrinter("a", change)
    assert farm.fleet.askers[0].name == "ann"
    assert changed.json() == {
        **before,
        "name": "Left",
        "connection": {"kind": "octoprint", "url": "https://10.0.0.2"},
        "profile": {**before["profile"], "nozzle_mm": 0.6},
        "enabled": False,
        "max_retries": 3,
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "b"}, "id"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"connection": {"kind": "simulated"}}, "connection.kind"),
        ({"connection": {"url": "somewhere"}}, "connection.url"),
        ({"connection": {"endpoints": {"files": "/x"}}}, "connection.endpoints.files"),
        ({"connection": {"port": "COM3"}}, "connection.port"),
        ({"profile": {"nozzle_mm": 40}}, "profile.nozzle_mm"),
        ({"profile": {"volume_mm": [1, 2]}}, "profile.volume_mm"),
        ({"profile": {"auto_eject": True}}, "profile.auto_eject"),
        (
            {"profile": {"auto_eject": True, "volume_mm": [9, 9, 9], "ejection": SWEEPS}},
            "profile.ejection.confirmed",
        ),
        (
            {"profile": {"volume_mm": [9, 9, 9], "ejection": {**SWEEPS, "sweep": ["M502"]}}},
            "profile.ejection.sweep",
        ),
        ({"profile": {"ejection": SWEEPS}}, "profile.volume_mm"),
        ({"profile": {"optimise": {"arc_tolerance_mm": 3}}}, "profile.optimise.arc_tolerance_mm"),
        ({"profile": {"optimise": {"arc_step_mm": 0}}}, "profile.optimise.arc_step_mm"),
        ({"profile": {"optimise": {"comments": "some"}}}, "profile.optimise.comments"),
        ({"profile": {"optimise": {"tolerance": 3}}}, "profile.optimise.tolerance"),
        ({"profile": {"loaded": [{"material": "PLA"}]}}, "profile.loaded[0].tool"),
        ({"health_check_interval_s": 0}, "health_check_interval_s"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"tags": ["a/b"]}, "tags"),
    ],
)
async def test_change_that_cannot_be_is_refused_by_name(farm, change, field):
    admin = await farm.admin()
    await farm.printer("a")
    before = (await farm.http.get("/v1/printers/a", headers=admin)).json()

    answer = await farm.http.patch("/v1/printers/a", json={"max_retries": 7, **change}, headers=admin)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await farm.http.get("/v1/printers/a", headers=admin)).json() == before


async def test_printer_of_others_or_of_nobody_is_not_changed(farm):
    await farm.printer("a")
    mine = await farm.key("admin", grant=Grant(printers=frozenset({"b"})))

    for headers, where, status in [
        (mine, "a", 403),
        (await farm.key("control"), "a", 403),
        (await farm.key("admin"), "none", 404),
    ]:
        answer = await farm.http.patch(f"/v1/printers/{where}", json={"name": "x"}, headers=headers)
        assert answer.status_code == status, answer.text


async def test_printer_is_taken_out_by_force_only_if_that_is_said(farm):
    admin = await farm.admin()
    await farm.printer("a")
    await farm.printer("b")

    gentle = await farm.http.delete("/v1/printers/a", headers=admin)
    forced = await farm.http.delete("/v1/printers/b?force=true", headers=admin)
    wrong = await farm.http.delete("/v1/printers/b?force=perhaps", headers=admin)

    assert [gentle.status_code, forced.status_code, wrong.status_code] == [204, 204, 422]
    assert farm.fleet.heard == [RemovePrinter("a"), RemovePrinter("b", force=True)]
