"""`farm constraints`, over a server whose clerk is the real one."""

from __future__ import annotations

import json

from farm.domain.plan import Effect, Figure
from farm.errors import Overloaded

WISH = {
    "working_hours": [{"days": ["mon", "fri"], "start": "22:00", "end": "06:00"}],
    "timezone": "Europe/Berlin",
    "max_print_time_s": 14400,
    "circuits": {"a": 1.9},
    "maintenance_windows": [
        {"start": "2026-03-05T08:00:00Z", "end": "2026-03-05T10:00:00Z", "affected_printers": "all"}
    ],
}


def test_what_is_set_from_a_file_is_shown_and_can_be_set_again(server, shop, tmp_path):
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(WISH))
    code, tried, err = shop.types("constraints", "set", str(file), "--dry-run")
    assert (code, err) == (0, "Nothing was changed.\n")
    assert json.loads(shop.types("constraints", "show", "--json")[1])["working_hours"] == []

    code, out, err = shop.types("constraints", "set", str(file))
    assert (code, err) == (0, "The shop allows this from now on.\n")
    assert tried.startswith(out)  # and then what it would do to the plan
    assert shop.types("constraints", "show") == (0, out, "")
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert ["working", "hours", "22:00 to 06:00 next day, mon, fri"] in lines
    assert ["longest", "print", "4 h"] in lines
    assert ["circuit", "a:", "1.9 kW"] in lines

    shown = shop.types("constraints", "show", "--json")[1]
    assert shop.types("constraints", "set", "-", "--json", stdin=shown)[:2] == (0, shown)


def test_what_is_wrong_is_said_and_changes_nothing(server, shop, tmp_path):
    file = tmp_path / "wrong.json"
    for text, sentence in [
        ('{"operators": 0}', "operators: from 1 to"),
        ('{"timezone": "Europe/Berin"}', "did you mean Europe/Berlin?"),
        ('{"opening_hours": []}', "there is no opening_hours; did you mean working_hours?"),
        ("{", "is not JSON"),
        ("[]", "has to hold one object"),
    ]:
        file.write_text(text)
        code, out, err = shop.types("constraints", "set", str(file))
        assert (code, out, sentence in err) == (1, "", True), err
    assert "cannot be read" in shop.types("constraints", "set", str(tmp_path / "nowhere"))[2]


def test_a_dry_run_says_what_it_would_do_to_the_plan(server, shop, tmp_path):
    late, power = Figure("late_jobs", "late jobs", "", 0.0, 2.0), Figure("peak_w", "power", "W", 900.0, 900.0)
    done = Figure("makespan_s", "until all is done", "s", 3600.0, 9000.0)
    said = Effect(sentences=("2 jobs would be late; now none is.",), figures=(late, done, power))
    server.farm.scheduler.answer = lambda message, by: said
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(WISH))

    code, out, _ = shop.types("constraints", "set", str(file), "--dry-run")
    assert (code, out.splitlines()[-5:]) == (
        0,
        [
            "2 jobs would be late; now none is.",
            "",
            "THE PLAN           NOW  THEN",
            "late jobs          0    2",
            "until all is done  1 h  2 h 30 min",
        ],
    )
    told = json.loads(shop.types("constraints", "set", str(file), "--dry-run", "--json")[1])
    assert told["effect"]["sentences"] == list(said.sentences)

    def busy(message, by):
        raise Overloaded("the farm had no time to find this out")

    server.farm.scheduler.answer = busy
    code, out, err = shop.types("constraints", "set", str(file), "--dry-run")
    assert (code, err.splitlines()[0]) == (
        0,
        "What it would do to the plan is not known: the farm had no time to find this out.",
    )
