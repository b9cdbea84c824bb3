"""What a printer measured, for charts and for spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from farm.domain.user import Grant
from farm.store import readings
from farm.store.readings import Measured, Reading
from farm.web.sheets import as_csv
from tests.web.web_farm import NOON

NOW = NOON.timestamp()


@pytest.fixture
async def headers(farm):
    await farm.printer("mk4-01")
    await farm.printer("mk4-02")
    return await farm.key("read")


async def fill(farm, seconds=600, printer="mk4-01"):
    read = [
        Reading(printer, heater, NOW - seconds + second, 200.0 + second % 10, 210.0)
        for heater in ("tool0", "bed")
        for second in range(seconds)
    ]
    metrics = [Measured(printer, "fan.fan", NOW - seconds, 0.5), Measured(printer, "z", NOW - 30, 1.25)]
    await farm.readings.write(readings.add, read, metrics)


async def ask(farm, headers, query="", status=200, printer="mk4-01"):
    answer = await farm.http.get(f"/v1/printers/{printer}/telemetry{query}", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


async def test_the_last_hour_of_every_heater_is_small_and_keeps_its_extremes(farm, headers):
    await fill(farm)
    told = (await ask(farm, headers)).json()

    assert (told["from"], told["to"]) == ("2026-01-01T11:00:00.000Z", "2026-01-01T12:00:00.000Z")
    assert (told["step_s"], told["level"]) == (15, "raw")
    assert told["available"] == ["bed", "tool0", "fan.fan", "z"]
    assert [curve["channel"] for curve in told["curves"]] == ["bed", "tool0"]
    for curve in told["curves"]:
        assert (curve["unit"], curve["kind"]) == ("degC", "temperature")
        assert curve["after_s"] == [3000 + 15 * step for step in range(40)]
        assert set(curve["count"]) == {15}
        assert (min(curve["min"]), max(curve["max"])) == (200.0, 209.0)
        assert set(curve["target"]) == {210.0}


async def test_other_channels_are_told_by_name_with_their_unit(farm, headers):
    await fill(farm)
    told = (await ask(farm, headers, "?channels=z,fan.fan,nothing&step=60")).json()
    assert [(curve["channel"], curve["unit"], curve["last"]) for curve in told["curves"]] == [
        ("fan.fan", None, [0.5]),
        ("z", "mm", [1.25]),
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?step=1&from=2025-01-01T00:00:00Z", "step"),
        ("?from=2026-02-01T00:00:00Z", "to"),
        ("?from=2026-01-01T12:00:00Z&to=2026-01-01T11:00:00Z", "to"),
        ("?from=1960-01-01T00:00:00Z", "from"),
        ("?to=0001-01-01T00:00:00Z", "from"),
        ("?from=yesterday", "from"),
        ("?from=0001-01-01T00:00:00%2B14:00", "from"),
        ("?to=9999-12-31T23:59:59-14:00", "to"),
        ("?from=2026-01-01T12:00:00", "from"),
        ("?step=0", "step"),
        ("?channels=a,b,c,d,e,f,g", "channels"),
    ],
)
async def test_a_span_that_cannot_be_told_is_refused_by_name(farm, headers, query, field):
    for suffix in ("", ".csv") if field != "step" else ("",):
        answer = await ask(farm, headers, suffix + query, 422)
        assert answer.json()["errors"][0]["field"] == field


async def test_a_printer_one_may_not_look_at_is_not_there(farm, headers):
    await fill(farm)
    mine = await farm.key("read", grant=Grant(printers=frozenset({"mk4-02"})))
    for suffix in ("", ".csv"):
        await ask(farm, mine, suffix, 404)
        await ask(farm, mine, suffix, 200, printer="mk4-02")
        await ask(farm, headers, suffix, 404, printer="none")


@pytest.mark.parametrize("step_s", [1, 7, 60])
async def test_a_table_has_every_step_of_any_span_once(farm, headers, step_s):
    await fill(farm, 3 * 3600)
    text = (await ask(farm, headers, f".csv?from=2020-01-01T00:00:00Z&step={step_s}")).text
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["channel"] == "tool0"]
    assert sum(int(row["count"]) for row in rows) == 3 * 3600
    assert len({row["at"] for row in rows}) == len(rows)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert rows[-1]["unit"] == "degC"


async def test_a_table_of_nothing_has_its_heads(farm, headers):
    answer = await ask(farm, headers, ".csv")
    assert answer.text.strip() == "at,step_s,channel,kind,unit,count,mean,min,max,last,target"
    assert answer.headers["content-disposition"] == 'attachment; filename="telemetry-mk4-01.csv"'
    assert answer.headers["content-type"] == "text/csv"


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1"])
def test_words_are_never_formulas_in_a_spreadsheet(word):
    (row,) = csv.reader(io.StringIO(as_csv([[word, -1.5, None, True, "a,b"]]).decode(), newline=""))
    assert row == [f"'{word}", "-1.5", "", "true", "a,b"]
