"""`farm statistics`, over a server whose prints are real rows."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def printed(server, shop, tmp_path):
    """A shop in which one print went well and one failed."""
    (tmp_path / "part.gcode").write_bytes(b"G28\n")
    assert shop.types("job", "add", str(tmp_path / "part.gcode"))[0] == 0
    (job,) = json.loads(shop.types("job", "list", "--json")[1])
    with closing(sqlite3.connect(shop.folder.farm_db)) as db, db:
        at = "2026-01-02T12:00:00.000Z"
        db.executemany(
            "INSERT INTO prints (id, job, printer, attempt, remote_name, state, reserved_at, started_at,"
            " ended_at, day, material, printed_s, filament_g)"
            " VALUES (?1, ?2, 'mk4', ?1, 'x', ?3, ?4, ?4, ?4, '2026-01-02', 'PLA', 7200.0, 1500.0)",
            [("p1", job["id"], "finished", at), ("p2", job["id"], "failed", at)],
        )
    return shop


JANUARY = ("--from", "2026-01-01", "--to", "2026-01-31")


def test_a_line_for_each_printer_and_one_for_all(printed):
    code, told, _ = printed.types("statistics", *JANUARY)
    first, heading, *lines = told.splitlines()
    assert (code, first) == (0, "2026-01-01 to 2026-01-31 (UTC)")
    assert heading.split()[:3] == ["NAME", "GOOD", "FAILED"]
    assert [line.split()[:5] for line in lines] == [
        ["mk4", "1", "1", "50%", "4.0"],
        ["all", "1", "1", "50%", "4.0"],
    ]


def test_by_material_and_by_day(printed):
    told = printed.types("statistics", *JANUARY, "--by", "material")[1]
    assert [line.split()[0] for line in told.splitlines()[2:]] == ["PLA", "all"]
    told = printed.types("statistics", *JANUARY, "--by", "day")[1]
    _, heading, *lines = told.splitlines()
    assert heading.split() == ["NAME", "GOOD", "FAILED", "HOURS", "KG"]
    assert [line.split()[:3] for line in lines] == [["2026-01-02", "1", "1"]]


def test_for_programs_and_for_spreadsheets(printed):
    told = json.loads(printed.types("statistics", *JANUARY, "--json")[1])
    assert (told["figures"]["good"], told["figures"]["filament_g"]) == (1, 3000.0)
    (row,) = csv.DictReader(io.StringIO(printed.types("statistics", *JANUARY, "--csv")[1]))
    assert (row["printer"], row["good"], row["failed"]) == ("mk4", "1", "1")


def test_what_is_wrong_is_said(printed):
    code, _, problem = printed.types("statistics", "--from", "2026-02-01", "--to", "2026-01-01")
    assert (code, problem.splitlines()[0]) == (1, "to: it has to be from or a later day")
    assert printed.types("statistics", "--csv", "--to", "soon")[0] == 1
    assert printed.types("statistics", "--csv", "--json")[0] == 2
