"""`scripts/bench.py` lists what there is and prints what was measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts import bench
from scripts.benches.figure import Figure, Rival
from scripts.environment import CHECKOUT

FIGURES = [
    Figure("tell", 1234567.0, "1/s", Rival("trio channel", 2000000.0), "ratio>=0.6"),
    Figure("idle_actor", 6.5, "kB", goal="value<=6.0"),
    Figure("restart", 0.012345, "s"),
]


def test_listing_shows_each_benchmark_with_its_first_line(tmp_path):
    (tmp_path / "store.py").write_text('"""Commits a second.\n\nMore."""\nraise SystemExit', encoding="utf-8")
    (tmp_path / "mute.py").write_text("", encoding="utf-8")
    for name in ("__init__.py", "figure.py"):
        (tmp_path / name).write_text('"""No benchmark."""', encoding="utf-8")

    text = bench.list_text(bench.benchmarks(tmp_path))

    assert text == "mute   (says nothing about itself)\nstore  Commits a second."


def test_every_benchmark_says_what_it_measures_and_can_be_run():
    for name, words in bench.benchmarks(bench.BENCHES).items():
        assert words.endswith("."), f"{name}: the docstring's first line is a sentence"
        assert "def run(quick: bool)" in (bench.BENCHES / f"{name}.py").read_text("utf-8")


def test_table_is_aligned_and_shows_what_missed_its_goal():
    assert bench.table(FIGURES).splitlines() == [
        "figure          value  unit  rival                     ratio  goal        met",
        "tell        1,234,567  1/s   trio channel: 2,000,000  0.6173  ratio>=0.6  yes",
        "idle_actor        6.5  kB    -                             -  value<=6.0  NO",
        "restart       0.01235  s     -                             -  -           -",
    ]


def test_report_has_the_published_shape():
    report = json.loads(json.dumps(bench.report("actors", FIGURES)))

    assert list(report) == ["bench", "machine", "figures"]
    assert set(report["machine"]) == {"cpu", "cores", "python"}
    assert report["machine"]["cpu"]
    assert report["machine"]["cores"] == os.cpu_count()
    assert [figure["met"] for figure in report["figures"]] == [True, False, None]


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 0), (["no-such-thing"], 2)])
def test_command_line_answers_from_any_folder(tmp_path, arguments, code):
    answer = subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / "bench.py", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code, answer.stderr
