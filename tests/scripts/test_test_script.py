"""`scripts/test.py` runs what was asked for, goes on after a failure, and says what was skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import chromium, environment, prusalink
from scripts import test as test_script
from scripts.environment import CHECKOUT, Environment, EnvironmentFailed
from scripts.test import Outcome, Step

OURS = Environment(Path("/here/.venv"), ())
OTHER = Environment(Path("/there/venv"), ())


def steps(*arguments: str, other: Environment | None = None) -> dict[str, Step]:
    planned = test_script.plan(test_script.read_options([*arguments]), OURS, other, {"FARM_OCTOPRINT": "/o"})
    return {step.name: step for step in planned}


def test_plain_run_checks_style_types_and_tests_with_coverage(monkeypatch):
    monkeypatch.delenv("FARM_TEST_SCALE", raising=False)
    planned = steps(other=OTHER)

    assert [*planned] == ["format", "lint", "types", "compile", "tests", "coverage", "tests on 3.13"]
    assert planned["tests"].command[1:5] == ["-m", "pytest", "-m", "not long"]
    assert {"--numprocesses", "--cov"} < {*planned["tests"].command}
    assert planned["tests"].variables == {"FARM_OCTOPRINT": "/o", "FARM_TEST_SCALE": "0.1"}
    assert planned["tests on 3.13"].command[0].startswith(str(OTHER.folder))
    for name in ("tests", "tests on 3.13"):
        assert planned[name].again[:5] == [planned[name].command[0], "-m", "pytest", "-m", "not long"]
        assert "--last-failed" in planned[name].again
        assert "--numprocesses" not in planned[name].again


def test_all_adds_the_long_tests_and_the_full_seeded_counts():
    planned = steps("--all", other=OTHER)

    for name in ("tests", "tests on 3.13"):
        assert "not long" not in planned[name].command
        assert planned[name].variables["FARM_TEST_SCALE"] == "1"


def test_persons_own_scale_is_kept(monkeypatch):
    monkeypatch.setenv("FARM_TEST_SCALE", "0.5")

    assert steps()["tests"].variables["FARM_TEST_SCALE"] == "0.5"


def test_arguments_are_passed_on_and_only_these_tests_run():
    planned = steps("tests/actors", "-k", "crash", "--all", "-x")

    assert [*planned] == ["tests"]
    assert planned["tests"].command[1:] == ["-m", "pytest", "tests/actors", "-k", "crash", "-x"]


def test_every_step_is_run_and_timed_whatever_became_of_the_one_before():
    bad = Step("bad", [sys.executable, "-c", "raise SystemExit(3)"])
    good = Step("good", [sys.executable, "-c", "import os; assert os.environ['SEEN'] == '1'"], {"SEEN": "1"})

    outcomes = [test_script.run(step) for step in (bad, good)]

    assert [(outcome.verdict, outcome.reason) for outcome in outcomes] == [
        ("failed", "exit code 3"),
        ("passed", ""),
    ]
    assert all(outcome.seconds > 0 for outcome in outcomes)


@pytest.mark.parametrize(
    ("failed", "alone", "expected"),
    [
        (["a::one", "b::two"], 0, ("passed", "passed only by themselves: a::one, b::two")),
        (["a::one"], 4, ("failed", "exit code 4")),
        ([], 0, ("failed", "exit code 3")),
        ([f"a::{number}" for number in range(6)], 0, ("failed", "exit code 3")),
    ],
)
def test_a_few_tests_that_failed_beside_others_are_run_again_alone(monkeypatch, failed, alone, expected):
    monkeypatch.setattr(test_script, "tests_that_failed", lambda: failed)
    first, again = ([sys.executable, "-c", f"raise SystemExit({code})"] for code in (3, alone))

    outcome = test_script.run(Step("tests", first, again=again))

    assert (outcome.verdict, outcome.reason) == expected


def test_what_failed_is_read_where_pytest_keeps_it(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CHECKOUT", tmp_path)
    assert test_script.tests_that_failed() == []
    (tmp_path / "test_it.py").write_text("def test_good(): pass\ndef test_bad(): raise ValueError\n")
    subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, check=False, capture_output=True)
    assert test_script.tests_that_failed() == ["test_it.py::test_bad"]


def test_summary_says_what_failed_and_why_something_was_skipped():
    outcomes = [
        Outcome("lint", "passed", 1.25),
        Outcome("tests", "failed", 10.0, "exit code 1"),
        Outcome("tests on 3.13", "skipped", 0.0, "no python3.13 runs on this machine"),
    ]

    assert test_script.summary(outcomes).splitlines()[2:] == [
        "passed   lint             1.2 s",
        "failed   tests           10.0 s  exit code 1",
        "skipped  tests on 3.13           no python3.13 runs on this machine",
        "FAILED: tests",
    ]
    assert test_script.summary(outcomes[:1]).endswith("everything that ran here passed")


@pytest.mark.parametrize(("required", "verdict"), [(False, "skipped"), (True, "failed")])
def test_peer_that_cannot_be_set_up_is_told_and_fails_only_where_it_must(
    monkeypatch, tmp_path, required, verdict
):
    monkeypatch.setenv("FARM_PEERS", str(tmp_path))

    def no_network(*_: object, **__: object) -> None:
        raise EnvironmentFailed("no network")

    monkeypatch.setattr(environment, "prepare", no_network)
    monkeypatch.setattr(chromium, "prepare", no_network)
    monkeypatch.setattr(prusalink, "missing", list)
    monkeypatch.setattr(sys, "platform", "linux")

    variables, outcomes = test_script.set_up_peers(required)

    assert variables == ({"FARM_REQUIRE_PEERS": "1"} if required else {})
    verdicts = {"octoprint": verdict, "moonraker": verdict, "prusalink": "skipped", "chromium": verdict}
    assert outcomes == [Outcome(peer, shown, 0.0, "no network") for peer, shown in verdicts.items()]


def test_moonraker_is_set_up_on_linux_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(EnvironmentFailed, match="Linux"):
        test_script.set_up_moonraker()


def test_peer_lies_outside_the_checkout_under_its_own_version(monkeypatch, tmp_path):
    monkeypatch.setenv("FARM_PEERS", str(tmp_path))
    monkeypatch.setattr(environment, "prepare", lambda *_, **__: None)
    monkeypatch.setattr(chromium, "prepare", lambda may_install: Path("/usr/bin/chromium"))
    monkeypatch.setattr(prusalink, "missing", list)
    monkeypatch.setattr(sys, "platform", "linux")

    variables, outcomes = test_script.set_up_peers(required=True)

    for peer in ("octoprint-1.11.8", "moonraker-0.11.0", "prusalink-0.8.1"):
        folder = tmp_path / f"{peer}-py3.{sys.version_info[1]}"
        variable = f"FARM_{peer.partition('-')[0].upper()}"
        assert Path(variables[variable]).parent.parent == folder
    assert variables["FARM_CHROMIUM"] == str(Path("/usr/bin/chromium"))
    assert outcomes == []


def test_python_that_does_not_run_is_not_found():
    assert test_script.find_python(["no-such-python"]) is None
    assert test_script.find_python([sys.executable, "-c", "raise SystemExit(127)"]) is None
    assert test_script.find_python([sys.executable]) == (sys.executable, sys.implementation.cache_tag)


@pytest.mark.parametrize("script", ["test", "lock", "serve"])
def test_help_says_what_the_script_does_from_any_folder(tmp_path, script):
    answer = subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / f"{script}.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"scripts/{script}.py" in answer.stdout
