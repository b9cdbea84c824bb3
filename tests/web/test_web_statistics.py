"""What the printers did: for those who may look at them, as figures and as tables."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.occupation import Occupation
from farm.domain.printer import Profile
from farm.domain.user import Grant
from farm.store import files, histories, jobs, printers, prints
from farm.store.histories import Lines
from tests.web.web_farm import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(farm):
    """Two printers: on the first two good prints and a failed one, on the other a good one."""
    for number in (1, 2):
        printer = await farm.printer(f"mk4-0{number}")
        await farm.database.write(
            lambda db, printer=printer: db.execute(
                "UPDATE printers SET profile = ? WHERE id = ?",
                (printers._profile_text(Profile(printing_w=100.0)), printer.id),
            )
        )
    file = StoredFile("f1", "=cmd.gcode", FileKind.GCODE, 1, "00" * 32, "test", NOON)
    await farm.database.write(files.add, file)
    job = Job("j1", "f1", "=HYPERLINK(1)", 9, JobState.ACTIVE, "test", NOON, material="PLA")
    await farm.database.write(jobs.add, job, "test")
    for number, (printer, end) in enumerate(
        [("mk4-01", "finished"), ("mk4-01", "finished"), ("mk4-01", "failed"), ("mk4-02", "finished")]
    ):
        await farm.database.write(_print, f"r{number}", printer, NOON - (number + 2) * HOUR, PrintState(end))
    await farm.database.write(prints.note_cleared, "mk4-01", NOON)
    lines = Lines()
    lines.seconds["mk4-01", int(NOON.timestamp()), Occupation.PRINTING] = 7200.0
    lines.seconds["mk4-01", int(NOON.timestamp()), Occupation.IDLE] = 21_600.0
    await farm.database.write(histories.keep, lines)
    return farm


def _print(db, id, printer, begins, end):
    attempt = Print(id, "j1", printer, id, PrintState.RESERVED, begins, f"{id}.gcode")
    prints.reserve(db, attempt, "test")
    for step in (PrintState.UPLOADING, PrintState.STARTING, PrintState.PRINTING):
        attempt = prints.enter(db, attempt, step, begins, "test", "")
    prints.enter(db, attempt, end, begins + HOUR, "test", "")
    prints.note_filament(db, id, 100.0)


async def ask(farm, query="", path="statistics", status=200, headers=None):
    answer = await farm.http.get(f"/v1/{path}{query}", headers=headers or await farm.key("read"))
    assert answer.status_code == status, answer.text
    return answer


async def test_prints_time_filament_energy_and_cost(shop):
    costs = {
        "currency": "EUR", "energy_per_kwh": 0.5, "materials_per_kg": {"PLA": 20}, "machine_per_h": 1,
    }  # fmt: skip
    answer = await shop.http.patch("/v1/settings", json={"costs": costs}, headers=await shop.admin())
    assert answer.json()["costs"] == {**costs, "material_per_kg": None}

    told = (await ask(shop)).json()

    assert (told["from"], told["to"]) == ("2025-12-03", "2026-01-01")
    assert (told["timezone"], told["currency"]) == ("UTC", "EUR")
    figures = told["figures"]
    assert (figures["good"], figures["failed"], figures["success_rate"]) == (3, 1, 0.75)
    assert (figures["printed_h"], figures["filament_g"], figures["energy_kwh"]) == (4.0, 400.0, 0.4)
    assert figures["cost"] == {"energy": 0.2, "material": 8.0, "machine": 4.0, "total": 12.2}
    assert figures["causes"] == {"unexplained": 1}
    assert figures["waiting"]["plates"] == 1
    assert (told["time"]["watched_h"], told["time"]["printing"], told["time"]["idle"]) == (8.0, 0.25, 0.75)
    assert [(each["printer"], each["figures"]["good"]) for each in told["printers"]] == [
        ("mk4-01", 2),
        ("mk4-02", 1),
    ]
    assert told["printers"][1]["time"]["watched_h"] == 0
    assert [each["material"] for each in told["materials"]] == ["PLA"]
    assert [(day["day"], day["good"], day["bad"]) for day in told["days"]] == [("2026-01-01", 3, 1)]


async def test_only_what_is_asked_for(shop):
    one = (await ask(shop, "?printer=mk4-02&material=PLA")).json()
    assert [each["printer"] for each in one["printers"]] == ["mk4-02"]
    assert one["figures"]["good"] == 1
    assert (await ask(shop, "?material=PETG")).json()["figures"]["good"] == 0
    assert (await ask(shop, "?to=2025-12-31")).json()["figures"]["good"] == 0
    assert (await ask(shop, "?from=2026-01-01")).json()["figures"]["good"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2026-01-02&to=2026-01-01", "to"),
        ("?from=2001-01-01&to=2026-01-01", "from"),
        ("?from=soon", "from"),
        ("?printer=", "printer"),
    ],
)
async def test_days_that_cannot_be_are_refused_by_name(shop, query, field):
    for path in ("statistics", "statistics.csv", "prints.csv"):
        answer = await ask(shop, query, path, 422)
        assert answer.json()["errors"][0]["field"] == field


async def test_a_printer_that_was_taken_out_is_told_of_and_one_that_never_was_is_not(shop):
    for path in ("statistics", "statistics.csv", "prints.csv"):
        answer = await ask(shop, "?printer=mk4-03", path, 404)
        assert "there is no printer mk4-03" in answer.json()["detail"]

    await shop.database.write(printers.remove, "mk4-01")
    assert (await ask(shop, "?printer=mk4-01")).json()["figures"]["good"] == 2


async def test_the_first_days_of_the_calendar_break_nothing(shop):
    assert (await ask(shop, "?to=0001-01-01")).json()["figures"]["good"] == 0


async def test_who_may_look_at_some_printers_hears_nothing_of_others(shop):
    mine = await shop.key("read", grant=Grant(printers=frozenset({"mk4-02"})))
    told = (await ask(shop, headers=mine)).json()
    assert (told["figures"]["good"], told["figures"]["failed"], told["time"]["watched_h"]) == (1, 0, 0)
    assert [each["printer"] for each in told["printers"]] == ["mk4-02"]
    assert sum(day["good"] for day in told["days"]) == 1
    for path in ("statistics.csv", "prints.csv"):
        assert "mk4-01" not in (await ask(shop, path=path, headers=mine)).text
    for path in ("statistics", "statistics.csv", "prints.csv"):
        await ask(shop, "?printer=mk4-01", path, 404, headers=mine)


async def test_tables_by_printer_material_and_day(shop):
    def rows(text):
        return list(csv.DictReader(io.StringIO(text, newline="")))

    by_printer = rows((await ask(shop, path="statistics.csv")).text)
    assert [(row["printer"], row["good"], row["printing"]) for row in by_printer] == [
        ("mk4-01", "2", "0.25"),
        ("mk4-02", "1", "0.0"),
    ]
    assert {row["currency"] for row in by_printer} == {(await ask(shop)).json()["currency"]}
    (material,) = rows((await ask(shop, "?by=material", "statistics.csv")).text)
    assert (material["material"], material["filament_g"]) == ("PLA", "400.0")
    (day,) = rows((await ask(shop, "?by=day", "statistics.csv")).text)
    assert (day["day"], day["good"], day["bad"]) == ("2026-01-01", "3", "1")


async def test_the_table_of_prints_is_in_order_and_runs_nothing(shop, monkeypatch):
    monkeypatch.setattr("farm.web.statistics.PIECE", 3)
    answer = await ask(shop, path="prints.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["id"] for row in rows] == ["r3", "r2", "r1", "r0"]
    assert (rows[0]["name"], rows[0]["file"]) == ("'=HYPERLINK(1)", "'=cmd.gcode")
    assert rows[1]["state"] == "failed"
    assert answer.headers["content-disposition"] == 'attachment; filename="prints.csv"'


async def test_prices_that_cannot_be_are_refused(shop):
    admin = await shop.admin()
    for costs, field in (
        ({"energy_per_kwh": -1}, "costs.energy_per_kwh"),
        ({"materials_per_kg": {" ": 1}}, "costs.materials_per_kg"),
        ({"materials_per_kg": {"PLA": -1}}, "costs.materials_per_kg.PLA"),
        ({"currency": "x" * 9}, "costs.currency"),
        ({"price": 1}, "costs.price"),
    ):
        answer = await shop.http.patch("/v1/settings", json={"costs": costs}, headers=admin)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
