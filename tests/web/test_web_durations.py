"""What was learned of a printer is told in figures and sentences."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from farm.domain.durations import Learned, Phase
from farm.store import durations
from farm.web.durations import sentence
from tests.web.web_farm import NOON


def learned(typical, unsure=0.01, count=37):
    return Learned(math.log(typical), unsure, 0.1, count)


@pytest.mark.parametrize(
    ("phase", "known", "told"),
    [
        (
            Phase.PRINT_SLICER,
            learned(1.04),
            "Prints take 4 % longer than the slicer says, ± 2 %, of 37 prints.",
        ),
        (
            Phase.PRINT_MOTION,
            learned(0.9, count=1),
            "Prints take 10 % less than the file's moves would take, ± 2 %, of 1 print.",
        ),
        (
            Phase.PRINT_SLICER,
            learned(1.001, count=0),
            "Prints take as long as the slicer says, ± 2 %, by what others show.",
        ),
        (Phase.HEAT, learned(330.0), "It is warm 5.5 min (± 0.1) after the start, of 37 prints."),
        (Phase.UPLOAD, learned(0.5), "A file is sent at 2.0 MB/s, of 37 prints."),
        (Phase.UPLOAD, learned(8.0), "A file is sent at 125 kB/s, of 37 prints."),
        (Phase.HEAT, learned(42.0), "It is warm 42 s (± 1) after the start, of 37 prints."),
        (Phase.COOL, learned(900.0), "Its bed lets go 15.0 min (± 0.3) after the end, of 37 prints."),
        (
            Phase.CLEAR,
            learned(900.0),
            "Its plate is cleared 15.0 min (± 0.3) after the end while people are there, of 37 prints.",
        ),
    ],
)
def test_it_is_told_in_a_sentence(phase, known, told):
    assert sentence(phase, known) == told


async def test_a_printer_tells_what_it_and_others_of_its_model_have_taught(farm):
    for name in ("mk4-01", "mk4-02"):
        await farm.printer(name)
    headers = await farm.key("read")

    async def told(printer):
        answer = await farm.http.get(f"/v1/printers/{printer}/durations", headers=headers)
        return answer.json()["items"]

    assert await told("mk4-01") == []

    def taught(db):
        db.execute("UPDATE printers SET profile = json_set(profile, '$.model', 'MK4')")
        for number in range(40):
            at = NOON + timedelta(hours=number)
            durations.teach(db, f"p{number}", "mk4-01", Phase.PRINT_SLICER, 1.2, at)

    await farm.database.write(taught)
    (own,) = await told("mk4-01")
    (other,) = await told("mk4-02")
    assert (own["phase"], own["unit"], own["prints"]) == ("print_slicer", "times the estimate", 40)
    assert own["low"] < 1.2 < own["high"]
    assert own["typical"] == pytest.approx(1.2, rel=0.01)
    assert (other["prints"], other["of_model"], other["of_farm"]) == (0, 40, 40)
    assert 1.05 < other["typical"] < 1.2
    assert other["high"] - other["low"] > own["high"] - own["low"]
