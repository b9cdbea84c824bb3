"""`farm job`, with and without a running server."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest

from farm.commands.output import BAR
from farm.errors import Refused
from farm.queue.messages import ChangeJob


@pytest.fixture
def part(tmp_path):
    """A file of a few pieces."""
    file = tmp_path / "Halter für Ø8.gcode"
    file.write_bytes(b"G1 X1 Y1 E1\n" * 20_000)
    return file


def jobs(shop, *words):
    return json.loads(shop.types("job", "list", "--json", *words)[1])


def add_printers(shop, *ids):
    for id in ids:
        words = ("--url", "http://127.0.0.1:9", "--no-probe", "--api-key-stdin")
        assert shop.types("printer", "add", id, *words, stdin="key\n")[0] == 0


def test_a_file_is_sent_and_becomes_a_job(server, shop, part):
    code, out, err = shop.types("job", "add", str(part))
    (wish,) = server.farm.queue.heard
    (job,) = jobs(shop)
    assert (code, err) == (0, "")
    assert out == f"Job {job['id']} ({part.name}) is queued.\n"
    assert (wish.file, wish.copies, wish.priority, wish.hold) == (job["file"], 1, 0, False)
    assert server.farm.contents() == [hashlib.sha256(part.read_bytes()).hexdigest()]
    with closing(sqlite3.connect(server.folder.farm_db)) as db:
        assert db.execute("SELECT name, uploaded_by FROM files").fetchall() == [(part.name, "local:local")]


def test_a_job_is_wished_with_all_that_can_be_wished(server, shop, part):
    add_printers(shop, "mk4-01", "mk4-02")
    code, out, _ = shop.types(
        *("job", "add", str(part), "--copies", "20", "--priority", "-5", "--printer", "mk4-01"),
        *("--printer", "mk4-02", "--tag", "row-a", "--prefer", "mk4-01", "--hold", "--json"),
        *("--material", "PETG", "--colour", "red", "--rotatable", "--attended", "--allow-short-filament"),
    )
    (wish,) = server.farm.queue.heard
    assert (code, json.loads(out)["copies"]) == (0, 20)
    assert (wish.copies, wish.priority, wish.hold) == (20, -5, True)
    assert wish.required_printers == {"mk4-01", "mk4-02"}
    assert (wish.required_tags, wish.preferred_printers) == ({"row-a"}, {"mk4-01"})
    assert (wish.material, wish.colour) == ("PETG", "red")
    assert all((wish.rotatable, wish.attended, wish.allow_short_filament))


def test_a_person_sees_how_far_a_file_has_come(server, shop, part, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code, _, err = shop.types("job", "add", str(part))
    *steps, last = err.strip().split("\r")
    assert code == 0
    assert last == f"{part.name}  [{'#' * BAR}] 100%"
    assert len(steps) == 3  # 240 kB in pieces of 64
    assert err.endswith("\r")  # the line goes away again


def test_the_same_jobs_are_listed_with_and_without_a_server(shop, a_server, part):
    with a_server():
        add_printers(shop, "mk4-01")
        shop.types("job", "add", str(part), "--copies", "2", "--priority", "3")
        shop.types("job", "add", str(part), "--printer", "mk4-01", "--tag", "row-a", "--hold")
        running, narrowed = jobs(shop), jobs(shop, "--state", "held")
        _, table, _ = shop.types("job", "list")
    assert [job["state"] for job in running] == ["queued", "held"]
    assert narrowed == running[1:]
    assert jobs(shop) == running
    assert jobs(shop, "--state", "held") == narrowed
    heading, first, second = table.splitlines()
    assert heading.split() == ["ID", "STATE", "NAME", "DONE", "PRIORITY", "PRINTERS", "DUE", "ADDED"]
    assert first.split()[1:-1] == ["queued", *part.name.split(), "0/2", "3", "any", "-"]
    assert second.split()[1:-1] == ["held", *part.name.split(), "0/1", "0", "mk4-01,#row-a", "-"]
    assert shop.types("job", "list")[1] == table


def test_a_job_that_waits_for_approval_says_so_and_is_approved(server, shop, part):
    shop.types("job", "add", str(part))
    (job,) = jobs(shop)
    with closing(sqlite3.connect(server.folder.farm_db)) as db, db:
        db.execute("UPDATE print_jobs SET state = 'held', approval = 'share', approval_why = 'too much'")
    assert "waits for approval" in shop.types("job", "list")[1]
    refusal = shop.types("job", "release", job["id"])
    assert refusal == (1, "", f"{part.name} waits for approval: too much\n")
    told = shop.types("job", "approve", job["id"])
    assert told == (0, f"Job {job['id']} ({part.name}) is queued.\n", "")
    assert shop.types("job", "approve", job["id"])[0] == 1


@pytest.mark.parametrize(
    ("change", "before", "state"),
    [
        ("hold", "queued", "held"),
        ("release", "held", "queued"),
        ("cancel", "queued", "cancelled"),
        ("retry", "needs_review", "queued"),
    ],
)
def test_a_job_is_changed(server, shop, part, change, before, state):
    def put_into(state):
        with closing(sqlite3.connect(server.folder.farm_db)) as db, db:
            db.execute("UPDATE print_jobs SET state = ?", (state,))

    shop.types("job", "add", str(part))
    (job,) = jobs(shop)
    put_into(before)

    told = shop.types("job", change, job["id"])

    assert told == (0, f"Job {job['id']} ({part.name}) is {state}.\n", "")
    assert server.farm.queue.heard[-1] == ChangeJob(job["id"], change)
    put_into(before)
    _, out, _ = shop.types("job", change, job["id"], "--json")
    assert json.loads(out)["state"] == state


def test_what_the_server_refuses_is_told_in_its_words(server, shop, part, tmp_path):
    def refuse(message, by):
        raise Refused("nothing is queued on a Sunday")

    (tmp_path / "empty.gcode").write_bytes(b"")
    (tmp_path / "part.step").write_bytes(b"solid")
    (tmp_path / "long.gcode").write_bytes(b"G1 X1\n" * 500_000)  # more than this farm takes
    server.farm.queue.answer = refuse
    for words, sentence in [
        (["add", str(part)], "nothing is queued on a Sunday\n"),
        (["add", str(tmp_path / "empty.gcode")], "empty.gcode is empty; slice it again\n"),
        (["add", str(tmp_path / "part.step")], "part.step is no file the farm prints; it takes"),
        (["add", str(tmp_path / "long.gcode")], "more than the 2 MB this farm takes\n"),
        (["hold", "no/such?job"], "there is nothing at this address\n"),
        (["hold", "none"], "there is no job none\n"),
    ]:
        code, out, err = shop.types("job", *words)
        assert (code, out) == (1, ""), words
        assert err.startswith(sentence), words


@pytest.mark.parametrize(
    ("name", "complaint"), [("none.gcode", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_named(server, shop, tmp_path, name, complaint):
    file = tmp_path / name
    assert shop.types("job", "add", str(file)) == (1, "", f"{file} cannot be read: {complaint}.\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add"], "required: file"),
        (["add", "x.gcode", "--copies", "many"], "invalid int value: 'many'"),
        (["list", "--state", "late"], "invalid choice: 'late'"),
        (["hold"], "required: id"),
    ],
)
def test_a_wrong_option_is_told_with_the_usage_and_exit_code_2(shop, words, complaint):
    code, out, err = shop.types("job", *words)
    assert (code, out) == (2, "")
    assert complaint in err


@pytest.mark.parametrize("words", [["add", "x.gcode"], ["hold", "j1"], ["retry", "j1"]], ids=" ".join)
def test_what_takes_a_running_farm_says_so(shop, words):
    shop.types("user", "add", "anna", "--password-stdin", stdin="three or four words\n")
    told = shop.types("job", *words)
    assert told == (1, "", "This takes a running farm: start it with `farm serve`, then try again.\n")
