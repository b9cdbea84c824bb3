"""`python -m farm.schedule`: problems in files, plans on standard output, and what is wrong in words."""

import io
import json
import subprocess
import sys

import pytest

from farm.schedule.__main__ import FAILED, GOOD, WRONG_USAGE, main
from tests.schedule.instances import FOLDER, instance

SMALL = FOLDER / "10x3-s1.json"
BOOK = {"duration": [[3, 4], [5, None], [2, 2]], "setup": [[[0, 1, 1], [2, 0, 1], [1, 1, 0]]] * 2}


@pytest.fixture
def plan(tmp_path, capsys):
    """A plan of the small instance, in a file."""
    assert main(["solve", str(SMALL), "--iterations", "2000", "--seed", "3", "--no-exact"]) == GOOD
    path = tmp_path / "plan.json"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    return path


def test_a_plan_is_printed_as_json_and_nothing_else(plan, capsys):
    told = json.loads(plan.read_text("utf-8"))
    assert set(told) == {"placements", "unscheduled", "metrics", "bound", "status"}
    assert set(told["placements"][0]) == {
        *("job", "copy", "printer", "hand_work_start", "hand_work_end", "start", "end", "locked")
    }
    assert len(told["placements"]) == len(instance("10x3-s1").jobs)
    of_jobs = sum(sum(terms.values()) for terms in told["metrics"]["jobs"].values())
    assert told["metrics"]["cost"] == pytest.approx(of_jobs + told["metrics"]["terms"]["makespan"])
    assert main(["validate", str(SMALL), str(plan)]) == GOOD
    assert capsys.readouterr().out == ""


def test_the_same_seed_and_budget_give_the_same_plan(plan, capsys):
    main(["solve", str(SMALL), "--iterations", "2000", "--seed", "3", "--no-exact"])
    again = json.loads(capsys.readouterr().out)
    assert again["placements"] == json.loads(plan.read_text("utf-8"))["placements"]


def test_what_is_wrong_with_a_plan_is_said_line_by_line(plan, capsys):
    told = json.loads(plan.read_text("utf-8"))
    told["placements"][0]["end"] += 60
    plan.write_text(json.dumps(told), encoding="utf-8")
    assert main(["validate", str(SMALL), str(plan)]) == FAILED
    assert capsys.readouterr().out.startswith("estimate: Job ")
    assert main(["explain", str(SMALL), "3", "--plan", str(plan)]) == WRONG_USAGE


def test_a_job_is_explained(plan, capsys):
    assert main(["explain", str(SMALL), "3", "--plan", str(plan)]) == GOOD
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[1:3]] == ["Why here", "Why then"]
    assert main(["explain", str(SMALL), "33", "--plan", str(plan)]) == FAILED
    assert "no job 33" in capsys.readouterr().err


def test_plans_for_other_wishes_are_shown_side_by_side(capsys):
    search = ["--iterations", "2000", "--no-exact"]
    assert main(["alternatives", str(SMALL), *search, "--json"]) == GOOD
    offered = json.loads(capsys.readouterr().out)
    assert main(["alternatives", str(SMALL), *search]) == GOOD
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == [one["preset"] for one in offered]
    (late,) = [line for line in lines if line.startswith("late jobs")]
    assert late.split()[2:] == [str(one["metrics"]["late_jobs"]) for one in offered]
    assert all(len(one["placements"]) == len(instance("10x3-s1").jobs) for one in offered)


def test_a_plan_is_made_anew_after_what_has_happened(plan, capsys):
    lost = json.loads(plan.read_text("utf-8"))["placements"][0]["printer"]
    happened = ["--lost", lost, "--gone", "3", "--iterations", "2000", "--no-exact"]
    assert main(["replan", str(SMALL), str(plan), *happened, "--json"]) == GOOD
    after = json.loads(capsys.readouterr().out)
    assert {one["printer"] for one in after["placements"]}.isdisjoint({lost})
    assert {one["job"] for one in after["placements"]}.isdisjoint({"3"})
    assert main(["replan", str(SMALL), str(plan), *happened]) == GOOD
    assert capsys.readouterr().out.splitlines() == after["changes"]
    assert main(["replan", str(SMALL), str(plan), "--lost", "nobody"]) == FAILED
    assert main(["replan", str(SMALL), str(plan), "--ends", "0=soon"]) == WRONG_USAGE


def test_a_job_is_quoted_beside_a_plan(plan, capsys):
    assert main(["quote", str(SMALL), "3", "--plan", str(plan)]) == GOOD
    first, *where = capsys.readouterr().out.splitlines()
    assert first.startswith("Job 3 would be done ")
    assert len(where) == 1
    assert main(["quote", str(SMALL), "3", "--plan", str(plan), "--json"]) == GOOD
    found = json.loads(capsys.readouterr().out)
    assert found["end_s"] == found["placements"][0]["end"]
    assert main(["quote", str(SMALL), "33", "--plan", str(plan)]) == FAILED


def test_the_night_is_told(plan, capsys):
    assert main(["night", str(SMALL), "--plan", str(plan)]) == GOOD
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Nobody is there from Thu 18:00 to Fri 08:00")
    assert main(["night", str(SMALL), "--plan", str(plan), "--json"]) == GOOD
    found = json.loads(capsys.readouterr().out)
    assert [sentence for one in found for sentence in one["sentences"]] == lines


@pytest.mark.parametrize(("objective", "value"), [("makespan", 7.0), ("tardiness", 0.0)])
def test_a_problem_from_a_book_is_planned_for_its_objective(monkeypatch, capsys, objective, value):
    text = json.dumps({**BOOK, "due": [9, 9, 9]}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["solve", "-", "--iterations", "2000", "--objective", objective]) == GOOD
    assert json.loads(capsys.readouterr().out)["metrics"]["cost"] == value


def test_how_a_problem_is_written_is_told(capsys):
    assert main(["schema"]) == GOOD
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "this is no JSON"),
        (b'{"printers": [], "jobs": []}', "printers: a plan needs at least one printer"),
        (b'{"printers": [{"id": "a", "ready": 3}], "jobs": []}', "did you mean ready_s"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_problem_that_cannot_be_read_is_refused_in_one_line(tmp_path, capsys, text, words):
    path = tmp_path / "problem.json"
    if text is not None:
        path.write_bytes(text)
    assert main(["solve", str(path)]) == WRONG_USAGE
    told = capsys.readouterr()
    assert (told.out, words in told.err, told.err.count("\n")) == ("", True, 1)


@pytest.mark.parametrize("arguments", [[], ["solve"], ["solve", "x", "--seconds", "-1"], ["plan", "x"]])
def test_wrong_usage_is_told_with_what_is_right(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_USAGE
    assert "usage: python -m farm.schedule" in capsys.readouterr().err


LIGHT = "calendar validate evaluate explain words quote diff night relax reading writing alternatives replan"


def test_what_the_server_imports_of_it_brings_nothing_heavy():
    names = ", ".join(f"farm.schedule.{name}" for name in LIGHT.split())
    # NumPy is there already: the data processor's.
    heavy = "{'numba', 'scipy', 'ortools', 'trimesh', 'PIL'}"
    script = f"import sys, {names}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
