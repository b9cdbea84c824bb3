"""`farm constraints`, over a server whose clerk is the real one."""

from __future__ import annotations

import json

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
    code, out, err = shop.types("constraints", "set", str(file), "--dry-run")
    assert (code, err) == (0, "Nothing was changed.\n")
    assert json.loads(shop.types("constraints", "show", "--json")[1])["working_hours"] == []

    assert shop.types("constraints", "set", str(file)) == (0, out, "The shop allows this from now on.\n")
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
