"""`farm printer import` and `export`."""

from __future__ import annotations

import json

import pytest

from farm.printers.importing import Entrance
from farm.printers.messages import Imported
from farm.web.printer_lists import read_list

TABLE = "name,url,tags\nLeft MK4,http://127.0.0.1:9,row-a|pla\nVoron,http://127.0.0.1:10,\n"


class Lists:
    """Files that are imported, one after the other, into a farm that has nothing against their printers.

    wrong: the number of one that it does. asked: for each time it was asked, whether it was only tried.
    """

    def __init__(self, shop, file):
        self.wrong = 0
        self.asked = []
        self._shop = shop
        self._file = file

    def imports(self, text, *words):
        self._file.write_bytes(text.encode() if isinstance(text, str) else text)
        return self._shop.types("printer", "import", str(self._file), *words)

    def answer(self, message, by):
        self.asked.append(by.terms.dry)
        entrance = Entrance([])
        return [
            Imported(each.where, "", each.name, "it is crooked")
            if number == self.wrong
            else Imported(each.where, entrance.admit(each).id, each.name)
            for number, each in enumerate(message.printers, 1)
        ]


@pytest.fixture
def lists(server, shop, tmp_path):
    lists = Lists(shop, tmp_path / "list")
    server.farm.fleet.answer = lists.answer
    return lists


def test_a_list_is_looked_at_and_then_set_up(lists):
    code, out, err = lists.imports(TABLE)
    assert (code, err) == (
        0,
        "2 printers are in the farm. Look at their plates; when they are clear, say so.\n",
    )
    assert out.splitlines()[1].split() == ["line", "2", "left-mk4", "Left", "MK4", "-"]
    assert lists.asked == [True, False]


def test_a_dry_run_changes_nothing(lists):
    code, _, err = lists.imports(TABLE, "--dry-run", "--form", "csv")
    assert (code, err) == (0, "2 printers would be set up. Nothing was changed.\n")
    assert lists.asked == [True]
    assert len(json.loads(lists.imports(TABLE, "--dry-run", "--json")[1])["items"]) == 2
    assert lists.asked == [True, True]


def test_what_is_wrong_is_named_and_nothing_is_set_up(lists):
    lists.wrong = 2
    code, out, err = lists.imports(TABLE)
    assert (code, err) == (1, "1 of 2 printers cannot be set up so. Nothing was changed.\n")
    assert "line 3" in out
    assert "it is crooked" in out
    assert lists.asked == [True]


def test_what_cannot_be_read_is_said(lists, shop):
    assert lists.imports("name,url\n") == (1, "", "there is no printer in this list\n")
    assert lists.imports(b"name,url\nM\xfcller,http://x\n")[2].startswith(
        f"{shop.folder.path.parent / 'list'} is not UTF-8"
    )
    assert "more than 200 kB" in lists.imports("x" * 200_001)[2]
    assert "cannot be read" in shop.types("printer", "import", "/no/such/file")[2]


def test_what_is_exported_can_be_imported(any_shop):
    words = ["--no-probe", "--api-key-stdin", "--tag", "row-a", "--max-retries", "2"]
    any_shop.types("printer", "add", "mk4", "--url", "http://127.0.0.1:9", *words, stdin="hush\n")
    any_shop.types("printer", "add", "sim", "--simulated", "--speed", "60")
    code, out, err = any_shop.types("printer", "export")
    assert (code, err) == (0, "Keys and passwords are not in it: the farm gives none of them away.\n")
    assert "hush" not in out
    mk4, sim = [listed.printer for listed in read_list(out)]
    assert (mk4.id, mk4.address.url, mk4.tags, mk4.max_retries) == ("mk4", "http://127.0.0.1:9", {"row-a"}, 2)
    assert sim.address.simulation.speed == 60

    code, out, err = any_shop.types("printer", "export", "--form", "csv")
    assert "sim is simulated" in err
    (mk4,) = [listed.printer for listed in read_list(out)]
    assert (mk4.id, mk4.address.kind, mk4.tags) == ("mk4", "octoprint", {"row-a"})
