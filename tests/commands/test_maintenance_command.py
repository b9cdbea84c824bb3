"""`farm printer maintenance`, over a server whose printers are real rows and whose clerk is the real one."""

from __future__ import annotations

import json
import random

import pytest

from farm.domain.clock import real_clock
from farm.domain.printer import Address, Printer
from farm.printers.maintenance import Maintenance
from farm.printers.messages import AddPrinter

URL = "http://127.0.0.1:9"  # nobody answers at this port
MK4 = Printer("mk4", "Left MK4", Address("octoprint", URL), frozenset({"row-a"}))


@pytest.fixture
def mk4(server, shop):
    """A printer of the farm, whose maintenance is looked after."""
    clerk = Maintenance(server.farm.database, real_clock, random.Random(1))
    usual = server.farm.fleet.answer

    async def answer(message, by):
        if isinstance(message, AddPrinter):
            return await usual(message, by)
        return await clerk.take(message, MK4, by)

    server.farm.fleet.answer = answer
    words = ["--url", URL, "--no-probe", "--api-key-stdin", "--tag", "row-a"]
    assert shop.types("printer", "add", "mk4", *words, stdin="\n")[0] == 0
    return shop


def listed(shop, *words):
    return json.loads(shop.types("printer", "maintenance", "list", *words, "--json")[1])


def test_chores_are_added_listed_done_changed_and_taken_out(mk4):
    rods = ["lubricate the rods", "--every-h", "300"]
    told = mk4.types("printer", "maintenance", "add", "mk4", *rods)
    assert told == (0, "lubricate the rods: every 300 h, due in 300 h of printing.\n", "")
    late = ["new nozzle", "--every-h", "100", "--since-h", "130", "--tag", "row-a", "--blocks"]
    told = mk4.types("printer", "maintenance", "add", "mk4", *late)
    assert told == (0, "new nozzle: every 100 h, due for 30 h of printing.\n", "")

    rows = listed(mk4)
    assert rows == listed(mk4, "mk4")
    assert [(row["what"], row["state"], row["tag"], row["blocks"]) for row in rows] == [
        ("lubricate the rods", "ok", None, False),
        ("new nozzle", "overdue", "row-a", True),
    ]
    nozzle = rows[1]["id"]
    told = mk4.types("printer", "maintenance", "done", "mk4", nozzle, "--note", "hardened")
    assert told == (0, "new nozzle is done on mk4; due in 100 h of printing.\n", "")
    words = ["--every-h", "80", "--no-blocks"]
    told = mk4.types("printer", "maintenance", "change", "mk4", nozzle, *words)
    assert told == (0, "new nozzle: every 80 h, due in 80 h of printing.\n", "")
    row = listed(mk4)[1]
    assert (row["every_h"], row["blocks"], row["last_done"]["note"]) == (80, False, "hardened")
    assert row["last_done"]["at"] in mk4.types("printer", "maintenance", "list")[1]

    assert mk4.types("printer", "maintenance", "remove", "mk4", nozzle) == (
        0, f"{nozzle} is taken out.\n", "",
    )  # fmt: skip
    assert [row["what"] for row in listed(mk4)] == ["lubricate the rods"]


def test_what_is_wrong_is_said(mk4):
    for words, sentence in [
        (["add", "mk4", "rods", "--every-h", "0"], "between 0.1 and 100000 hours of printing\n"),
        (["done", "mk4", "nothing"], "there is no chore nothing on mk4\n"),
        (["list", "elsewhere"], "there is no printer elsewhere in this farm\n"),
    ]:
        assert mk4.types("printer", "maintenance", *words) == (1, "", sentence)
    code, _, err = mk4.types("printer", "maintenance", "change", "mk4", "nothing")
    assert (code, err) == (2, "Say what to change: --what, --every-h, --blocks or --no-blocks.\n")
