"""What the shop may say of a printer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.domain.printer import Address, Loaded, Printer, Profile, Simulation
from farm.errors import Invalid
from farm.printers.settings import changed_printer, checked_printer

MK4 = Printer("mk4", "MK4", Address("octoprint", "http://10.0.0.5", "key", endpoints={"api": "/mk4/api"}))
FULL = Profile(
    volume_mm=(220.0, 220.0, 250.0),
    nozzle_mm=0.4,
    materials=frozenset({"PLA", "PETG"}),
    max_nozzle_degc=260.0,
    max_bed_degc=110.0,
    heat_up_w=350.0,
    heat_up_s=300.0,
    printing_w=120.0,
    circuit="left wall",
    loaded=(Loaded(0, "PLA", "black"),),
)


def refused(printer):
    with pytest.raises(Invalid) as refusal:
        checked_printer(printer)
    return refusal.value.field


def test_all_that_can_be_said_of_a_printer_is_taken():
    printer = replace(MK4, profile=FULL, tags=frozenset({"row-a", "2. Etage"}))
    assert checked_printer(printer) == printer


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"volume_mm": (220.0, 0.0, 250.0)}, "volume_mm"),
        ({"volume_mm": (float("nan"), 1.0, 1.0)}, "volume_mm"),
        ({"nozzle_mm": 40.0}, "nozzle_mm"),
        ({"max_bed_degc": -1.0}, "max_bed_degc"),
        ({"printing_w": float("inf")}, "printing_w"),
        ({"materials": frozenset({"PLA,PETG"})}, "materials"),
        ({"materials": frozenset({"x" * 41})}, "materials"),
        ({"materials": frozenset(map(str, range(51)))}, "materials"),
        ({"circuit": " "}, "circuit"),
        ({"auto_eject": True}, "auto_eject"),
        ({"loaded": (Loaded(0), Loaded(0))}, "loaded"),
        ({"loaded": (Loaded(16),)}, "loaded"),
        ({"loaded": (Loaded(0, "PLA/PETG"),)}, "loaded"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_by_name(said, field):
    assert refused(replace(MK4, profile=replace(FULL, **said))) == f"profile.{field}"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "Left\nMK4", "MK4\0", "half \ud800"])
def test_a_name_that_cannot_be_shown_is_refused(name):
    assert refused(replace(MK4, name=name)) == "name"
    assert checked_printer(replace(MK4, name="Künstler №2")).name == "Künstler №2"


@pytest.mark.parametrize("tag", ["", " row", "a/b", "a,b", "line\nbreak", "x" * 41])
def test_a_tag_that_would_break_an_address_is_refused(tag):
    assert refused(replace(MK4, tags=frozenset({tag}))) == "tags"


@pytest.mark.parametrize(
    ("endpoints", "name"),
    [
        ({"files": "/x"}, "files"),
        ({"api": "octo/api"}, "api"),
        ({"api": "http://elsewhere/api"}, "api"),
        ({"api": "/a/../b"}, "api"),
        ({"api": "/api?x=1"}, "api"),
        ({"push": "/push/"}, "push"),
        ({"push": "/" + "x" * 200}, "push"),
    ],
)
def test_an_endpoint_that_is_none_is_refused_by_name(endpoints, name):
    address = replace(MK4.address, endpoints=endpoints)
    assert refused(replace(MK4, address=address)) == f"connection.endpoints.{name}"


@pytest.mark.parametrize("path", ["/usb/parts", "/.", "/..", "usb"])
def test_a_storage_is_one_name(path):
    address = Address("prusalink", "http://10.0.0.5", "key", endpoints={"storage": path})
    assert refused(replace(MK4, address=address)) == "connection.endpoints.storage"


def test_spaces_around_a_key_are_nobodys_meaning():
    address = replace(MK4.address, api_key=" key\n")
    assert checked_printer(replace(MK4, address=address)).address == MK4.address


@pytest.mark.parametrize(
    "url", ["ftp://maker:hush@10.0.0.5", "http://maker:hush@10.0.0.5", "maker:hush@x", "http://[hush"]
)
def test_a_password_in_an_address_is_not_said_again(url):
    with pytest.raises(Invalid) as refusal:
        checked_printer(replace(MK4, address=replace(MK4.address, url=url)))
    assert "hush" not in str(refusal.value)


def test_a_simulated_printer_has_no_endpoints():
    address = Address("simulated", "", endpoints={"api": "/x"})
    assert refused(replace(MK4, address=address)) == "connection.endpoints"


def test_only_what_is_given_changes_within_connection_and_profile_too():
    changes = {
        "name": "Left MK4",
        "connection": {"url": "http://10.0.0.6/"},
        "profile": {"nozzle_mm": 0.6, "circuit": None},
    }
    after = changed_printer(replace(MK4, profile=FULL), changes)
    assert after == replace(
        MK4,
        name="Left MK4",
        address=replace(MK4.address, url="http://10.0.0.6"),
        profile=replace(FULL, nozzle_mm=0.6, circuit=None),
    )


def test_a_simulated_printer_is_made_faster_and_stays_simulated():
    simulated = replace(MK4, address=Address("simulated", "", simulation=Simulation(speed=60.0)))
    faster = changed_printer(simulated, {"connection": {"speed": 100.0}})
    assert faster.address.simulation == Simulation(speed=100.0)
    with pytest.raises(Invalid) as refusal:
        changed_printer(simulated, {"connection": {"kind": "octoprint"}})
    assert refusal.value.field == "connection.kind"
    with pytest.raises(Invalid):
        changed_printer(MK4, {"connection": {"speed": 10.0}})


LINK = replace(MK4, address=Address("prusalink", "http://10.0.0.7", username="maker", password="secret"))


def test_a_user_and_a_password_take_the_place_of_a_key():
    assert checked_printer(LINK) == LINK
    assert (LINK.address.secret, MK4.address.secret) == ("secret", "key")
    assert "secret" not in repr(LINK)


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (replace(LINK.address, password=""), "password"),
        (replace(LINK.address, username=""), "username"),
        (replace(LINK.address, api_key="key"), "api_key"),
        (replace(LINK.address, kind="octoprint"), "username"),
    ],
)
def test_half_a_way_in_or_two_are_refused_by_name(address, field):
    assert refused(replace(LINK, address=address)) == f"connection.{field}"


def test_a_key_takes_the_place_of_a_user_and_a_user_that_of_a_key():
    by_key = changed_printer(LINK, {"connection": {"api_key": "new"}}).address
    assert (by_key.api_key, by_key.username, by_key.password) == ("new", "", "")
    by_user = changed_printer(
        replace(LINK, address=by_key), {"connection": {"username": "anna", "password": "pw"}}
    ).address
    assert (by_user.api_key, by_user.username, by_user.password) == ("", "anna", "pw")
    renamed = changed_printer(LINK, {"connection": {"username": "anna"}}).address
    assert (renamed.username, renamed.password) == ("anna", "secret")
