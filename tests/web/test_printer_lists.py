"""Lists of printers: tables, other farms' exports and our own, and what is wrong with each printer."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import Invalid
from farm.web import printer_lists
from farm.web.printer_lists import Form, read_list
from tests.web.api_shop import ApiShop, open_api

TABLE = """name,url,kind,api_key,tags,enabled
Left MK4,http://192.168.1.20,octoprint,A4B9,row-a|pla,yes
Voron,http://192.168.1.21:7125,moonraker,,,no
"""

KEY = "4B9C1D7E2F84A6090ABCDEF123456789"

# As FDM Monster 1.5 writes them; 1.3 has the name in `settingsAppearance`, 2.x tags instead of groups.
FDM_MONSTER = """version: 1.9.1
exportedAt: 2023-05-01T04:46:06.130Z
config:
  exportPrinters: true
  printerComparisonStrategiesByPriority: [name, url]
printers:
  - id: 1
    disabledReason: null
    enabled: true
    dateAdded: 1682880216980
    name: MK3 left
    printerURL: http://localhost/
    printerType: 0
    apiKey: 4B9C1D7E2F84A6090ABCDEF123456789
  - id: 2
    enabled: false
    settingsAppearance:
      name: Voron
    printerURL: http://localhost:81/
    printerType: 1
    apiKey: ""
  - id: 3
    enabled: true
    name: Mini
    printerURL: http://localhost:82
    printerType: 2
    username: maker
    password: secret
    apiKey: ""
floors:
  - id: 1
    floor: 1
    name: Front row
    printers: &ref_0
      - {printerId: 1, x: 0, y: 0}
  - {id: 2, floor: 2, name: "Back, row", printers: [{printerId: 2, x: 0, y: 0}]}
groups:
  - {id: 7, name: pla, printers: *ref_0}
"""

OCTOFARM = json.dumps([
    {"name": "Ender", "group": "enders", "printerURL": "http://10.0.0.5", "apikey": "C0FFEE"},
    {"name": "Other", "group": "", "printerURL": "http://10.0.0.6", "camURL": "", "apiKey": "BEEF"},
])  # fmt: skip


def shown(text: str, form: Form | None = None) -> list[tuple[Any, ...]]:
    printers = [listed.printer for listed in read_list(text, form)]
    assert None not in printers, [listed.problem for listed in read_list(text, form)]
    return [
        (each.name, each.address.kind, each.address.url, each.address.secret, sorted(each.tags), each.enabled)
        for each in printers
    ]


def problems(text: str, form: Form | None = None) -> dict[str, str]:
    return {listed.where: listed.problem for listed in read_list(text, form) if listed.problem}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_as_a_spreadsheet_writes_it(separator, mark):
    assert shown(mark + TABLE.replace(",", separator).replace("\n", "\r\n")) == [
        ("Left MK4", "octoprint", "http://192.168.1.20", "A4B9", ["pla", "row-a"], True),
        ("Voron", "moonraker", "http://192.168.1.21:7125", "", [], False),
    ]


def test_what_fdm_monster_exports():
    assert shown(FDM_MONSTER) == [
        ("MK3 left", "octoprint", "http://localhost", KEY, ["Front row", "pla"], True),
        ("Voron", "moonraker", "http://localhost:81", "", ["Back row"], False),
        ("Mini", "prusalink", "http://localhost:82", "secret", [], True),
    ]  # fmt: skip
    assert shown(json.dumps(yaml.safe_load(FDM_MONSTER.replace("2023-05-01T04:46:06.130Z", "x")))) == shown(
        FDM_MONSTER
    )


def test_what_octofarm_exports():
    assert shown(OCTOFARM) == [
        ("Ender", "octoprint", "http://10.0.0.5", "C0FFEE", ["enders"], True),
        ("Other", "octoprint", "http://10.0.0.6", "BEEF", [], True),
    ]


def test_every_printer_with_something_wrong_is_named_with_it():
    table = TABLE + "No address,,octoprint,,,\nToo,many,cells,in,this,line,here\nMaybe,http://x,,,,perhaps\n"
    found = problems(table)
    assert list(found) == ["line 5", "line 6"]
    assert found["line 5"] == "it has more cells than the heading"
    assert "enabled" in found["line 6"]
    tree = [
        {"name": "Bambu", "printerURL": "http://x", "printerType": "?"},
        7,
        {"name": "x", "connexion": {}},
    ]
    found = problems(json.dumps(tree))
    assert found["printer 2"] == "this is no printer: it has no fields"
    assert "connection" in found["printer 3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no list|no printer"),
        ("name,url\n", "no printer in this list"),
        ("name,url,colour\na,http://b,red\n", "no column 'colour'"),
        ("name,address\na,http://b\n", "no list"),
        ('name,url\n"a,http://b\n', "unexpected end"),
        ("[1, 2", "this is not JSON"),
        ("{}", "no list of printers"),
        ("printers: [", "this is not YAML"),
        ("just words", "no list of printers"),
        ('{"printers": 5}', "no list of printers"),
    ],
)
def test_what_is_no_list_at_all_is_said(text, words):
    with pytest.raises(Invalid, match=words):
        read_list(text)


def test_there_is_an_end_to_a_list(monkeypatch):
    monkeypatch.setattr(printer_lists, "MOST_LISTED", 5)
    assert len(read_list(json.dumps([{}] * 5))) == 5
    with pytest.raises(Invalid, match="more than 5 printers"):
        read_list(json.dumps([{}] * 6))


NINES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefg")
)


@pytest.mark.parametrize(
    "text",
    [
        f"x: &p [{', '.join(['{printerId: 1}'] * 2000)}]\n"
        f"floors: [{', '.join(['{name: f, printers: *p}'] * 5000)}]\nprinters: []\n",
        f"{NINES}printers: [{{name: *g}}]\n",
        f"{NINES}printers: [{{name: a, group: *g, printerURL: 'http://b'}}]\n",
        f"{NINES}printers: [{{name: a, connection: {{kind: simulated, faults: {{b: *g}}}}}}]\n",
        f"{NINES}printers: [{{name: !!omap [a: *g]}}]\n",
        "printers: [{name: a, connection: {kind: simulated, faults: &f {b: *f}}}]\n",
        "printers: [{name: &n [*n]}]\n",
    ],
    ids=["places", "name", "group", "faults", "pairs", "endless faults", "endless name"],
)
def test_yaml_that_says_much_in_few_words_takes_no_time(text):
    with pytest.raises(Invalid, match="says more than"):
        read_list(text)


def test_a_long_name_of_a_floor_takes_no_time_however_often_it_is_used():
    floors = ", ".join(["{name: *n, printers: *p}"] * 1000)
    text = f"n: &n {'a, ' * 50_000}b\np: &p [{{printerId: 1}}]\nfloors: [{floors}]\n"
    (listed,) = read_list(f"{text}printers: [{{id: 1, name: a, printerURL: 'http://b'}}]\n")
    assert listed.printer.tags == {"a " * 19 + "a"}


@pytest.mark.parametrize("field", ["name", "password", "url", "tls"])
def test_half_a_character_is_no_json(field):
    fields = {"name": "a", "url": "http://b", "username": "c", "password": "d", "tls": "system"}
    fields[field] += "\ud800"
    name = fields.pop("name")
    with pytest.raises(Invalid, match="not JSON"):
        read_list(json.dumps([{"name": name, "connection": {"kind": "moonraker", **fields}}]))


@given(st.text() | st.sampled_from([TABLE, FDM_MONSTER, OCTOFARM]).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3), st.integers(0, 5)).map(
        lambda cut: text[: cut[0]] + cut[1] + text[cut[0] + cut[2] :]
    )
), st.none() | st.sampled_from(Form))  # fmt: skip
def test_whatever_a_list_says_each_printer_is_one_or_has_a_problem(text, form):
    try:
        listed = read_list(text, form)
    except Invalid:
        return
    assert all((each.printer is None) is bool(each.problem) for each in listed)


# -- through the front door


def is_at(api: ApiShop, *names: str) -> None:
    for name in names:
        api.shop.machines[name] = next(iter(api.shop.machines.values()))


async def test_a_list_is_set_up_as_a_whole_and_given_ids(autojump_clock):
    async with open_api() as api:
        await api.printer()
        is_at(api, "left-mk4", "voron")
        tried = (await api.http.post("/v1/printers/import?dry_run=true", json={"list": TABLE})).json()
        assert [item["id"] for item in tried["items"]] == ["left-mk4", "voron"]
        assert len((await api.get("/v1/printers"))["items"]) == 1
        done = await api.post("/v1/printers/import", {"list": TABLE})
        assert done == tried
        assert done["added"]
        printer = await api.get("/v1/printers/left-mk4")
        assert (printer["name"], printer["tags"]) == ("Left MK4", ["pla", "row-a"])
        assert (await api.get("/v1/printers/voron"))["enabled"] is False

        again = await api.post("/v1/printers/import", {"list": TABLE})
        assert again["added"] is False
        assert [item["problem"] for item in again["items"]] == [
            "Left MK4 has the address http://192.168.1.20 already",
            "Voron has the address http://192.168.1.21:7125 already",
        ]


async def test_one_wrong_line_keeps_all_out(autojump_clock):
    async with open_api() as api:
        await api.printer()
        is_at(api, "left-mk4", "voron", "left-mk4-2")
        before = api.kept()
        table = TABLE + "Left MK4,http://192.168.1.22,bambu,,,\nLeft MK4,http://192.168.1.23,octoprint,,,\n"
        told = await api.post("/v1/printers/import", {"list": table})
        assert told["added"] is False
        assert [(item["where"], item["id"], bool(item["problem"])) for item in told["items"]] == [
            ("line 2", "left-mk4", False),
            ("line 3", "voron", False),
            ("line 4", None, True),
            ("line 5", "left-mk4-2", False),
        ]
        assert "not bambu" in told["items"][2]["problem"]
        assert api.kept() == before
