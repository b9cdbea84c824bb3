"""`farm print`, over a server whose prints are real rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from farm.domain.clock import real_clock
from farm.queue import wishes
from farm.queue.messages import ExplainPrint
from farm.store.audit import Stamp


@pytest.fixture
def failed(server, shop, tmp_path):
    """A shop in which one print has failed, and the queue takes why."""
    (tmp_path / "part.gcode").write_bytes(b"G28\n")
    assert shop.types("job", "add", str(tmp_path / "part.gcode"))[0] == 0
    (job,) = json.loads(shop.types("job", "list", "--json")[1])
    with closing(sqlite3.connect(shop.folder.farm_db)) as db, db:
        db.execute(
            "INSERT INTO prints (id, job, printer, attempt, remote_name, state,"
            " reserved_at, started_at, ended_at)"
            " VALUES ('p1', ?1, 'mk4', 'abc123', 'abc123_part.gcode', 'failed', ?2, ?2, ?2)",
            (job["id"], "2026-01-01T12:00:00.000Z"),
        )

    async def answer(message, by):
        assert isinstance(message, ExplainPrint)
        stamp = Stamp.of(by, real_clock())
        return await server.farm.database.change(by, wishes.explain_print, message, stamp)

    server.farm.queue.answer = answer
    return shop


def unexplained(shop):
    return [row["id"] for row in json.loads(shop.types("print", "list", "--unexplained", "--json")[1])]


def test_failed_prints_are_listed_until_somebody_says_why(failed):
    assert unexplained(failed) == ["p1"]
    told = failed.types("print", "explain", "p1", "came_off", "--note", "greasy plate")
    assert told == (0, "p1: came_off, greasy plate.\n", "")
    assert unexplained(failed) == []
    heading, row = failed.types("print", "list", "--printer", "mk4", "--state", "failed")[1].splitlines()
    assert heading.split()[:4] == ["ID", "JOB", "PRINTER", "STATE"]
    assert "came_off" in row
    assert json.loads(failed.types("print", "explain", "p1", "warped", "--json")[1])["note"] == "greasy plate"


def test_what_is_wrong_is_said(failed):
    assert failed.types("print", "explain", "p2", "warped") == (1, "", "there is no print p2\n")
    assert failed.types("print", "explain", "p1", "boredom")[0] == 2
