"""`farm spool`, over a server whose spools are real rows."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from farm.domain.clock import real_clock
from farm.domain.spool import Spool
from farm.printers import spools
from farm.printers.messages import AddSpool, ChangeSpool, RemoveSpool
from farm.store.audit import Stamp


@pytest.fixture
def shelf(server, shop):
    """What the fleet does with spools on a shelf; those in printers are its own tests' matter."""

    async def answer(message, by):
        database, stamp = server.farm.database, Stamp.of(by, real_clock())
        match message:
            case AddSpool():
                spool = Spool(id="s1", created_at=stamp.at, **asdict(message))
                return await database.change(by, spools.add_spool, spool, stamp)
            case ChangeSpool():
                return await database.change(by, spools.change_spool, message, stamp)
            case RemoveSpool(spool):
                return await database.change(by, spools.remove_spool, spool, stamp)

    server.farm.fleet.answer = answer
    return shop


def test_spools_are_added_listed_weighed_and_forgotten(shelf):
    told = shelf.types("spool", "add", "PLA", "--colour", "black", "--full-g", "750")
    assert told == (0, "s1: PLA black, 750 g left, on the shelf.\n", "")
    heading, row = shelf.types("spool", "list")[1].splitlines()
    assert heading.split()[:3] == ["ID", "MATERIAL", "COLOUR"]
    assert row.split() == ["s1", "PLA", "black", "-", "750", "0.0", "-", "-"]
    assert shelf.types("spool", "change", "s1", "--left-g", "unknown")[1].startswith(
        "s1: PLA black, unknown g"
    )
    assert (
        json.loads(shelf.types("spool", "change", "s1", "--left-g", "410.5", "--json")[1])["left_g"] == 410.5
    )
    assert shelf.types("spool", "remove", "s1") == (0, "s1 is forgotten.\n", "")
    assert json.loads(shelf.types("spool", "list", "--json")[1]) == []


def test_what_is_wrong_is_said(shelf):
    assert shelf.types("spool", "add", "PLA", "--full-g", "0")[2] == "between 1 and 50000 grams\n"
    assert shelf.types("spool", "load", "s1", "mk4")[2] == "there is no spool s1\n"
    assert shelf.types("spool", "change", "s1")[0] == 2
    assert "no number of grams" in shelf.types("spool", "add", "PLA", "--left-g", "half")[2]
