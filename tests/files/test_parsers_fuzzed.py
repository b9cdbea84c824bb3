"""Every parser of what strangers send is fuzzed, all at the same time, and every pattern is timed."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import farm.files
from farm.errors import Invalid
from tests.files.fuzzing import TARGETS, Target, fuzz

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = 600 if float(os.environ.get("FARM_TEST_SCALE", "0.1")) >= 1 else 20
PATIENCE_S = 300  # beyond that: to compile the first time, where all of them share a processor or two


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A process for each parser. The kernels check their bounds in it, so they are compiled apart, and kept
    in the tests' own environment for the next run."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(Path(sys.prefix, "compiled-with-bounds")),
    }
    seed = str(random.randrange(1_000_000))
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.files.fuzzing", name, str(SECONDS), seed],
            cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in TARGETS
    }  # fmt: skip
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


@pytest.mark.timeout(SECONDS + PATIENCE_S)
@pytest.mark.parametrize("name", TARGETS)
def test_parser_reads_or_refuses_whatever_is_sent(running, name: str):
    said, problem = running[name].communicate(timeout=SECONDS + PATIENCE_S)

    assert running[name].returncode == 0, problem[-20_000:]
    found = json.loads(said)
    assert found["inputs"] > 2 * SECONDS
    assert found["read"] > found["inputs"] / 200  # else it is only the first look that is fuzzed


def test_a_parser_that_stumbles_is_found(capsys):
    def stumble(data: bytes) -> None:
        if data.count(b"9" * 30) > 1:
            raise IndexError("a planted mistake")
        if b"\0" in data:
            raise Invalid("this is no text")

    with pytest.raises(IndexError):
        fuzz(Target(lambda: [b"G28\n" * 9], stumble), 60, seed=1)
    assert capsys.readouterr().err  # the input, to look at


def test_a_parser_that_sleeps_is_found(monkeypatch, capsys):
    monkeypatch.setattr("tests.files.fuzzing.BLINK_S", 0.01)

    def slow(data: bytes) -> None:
        if b";" in data:
            sum(range(1_000_000))

    with pytest.raises(TimeoutError):
        fuzz(Target(lambda: [b"G28\n"], slow), 60, seed=1)


# -- patterns ------------------------------------------------------------------------------------

MIB = 1024 * 1024
PATTERN_S = 0.1
PIECES = ("a", "1", " ", ";", "{", "{a", "M104 ", "N1 ", "\r", "\n;", "1.", "a1", "'", "-")


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    """Every one in farm/files."""
    for module in pkgutil.walk_packages(farm.files.__path__, "farm.files."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name.removeprefix('farm.files.')}.{name}", value


FOUND = dict(patterns())


def thought_out(pattern: str) -> Iterator[str]:
    """Lines of a mebibyte against a pattern: its own words, and what its classes take, over and over."""
    words = [word for word in re.findall(r"[A-Za-z0-9;:=_ ]+", pattern) if len(word) > 1]
    for piece in dict.fromkeys(
        (*words, "a", "1", " ", ";", "{", "{a", "M104 ", "N1 ", "\r", "\n;", "1.", "a1", "'", "-")
    ):
        yield (piece * (MIB // len(piece) + 1))[:MIB]
    yield words[0] + " " * MIB + "!" if words else " " * MIB
    yield f"; thumbnail begin {'1' * MIB}"
    yield f"EXCLUDE_OBJECT_DEFINE NAME='{'x' * MIB}"


@pytest.mark.parametrize("name", FOUND)
def test_no_pattern_goes_back_and_forth_over_a_long_line(name: str):
    pattern = FOUND[name]
    is_bytes = isinstance(pattern.pattern, bytes)
    source = pattern.pattern.decode() if is_bytes else pattern.pattern
    for line in thought_out(source):
        text = line.encode() if is_bytes else line
        for look in (pattern.search, pattern.match, pattern.fullmatch):
            began = time.process_time()
            look(text)
            assert time.process_time() - began < PATTERN_S, (look.__name__, line[:60])


def test_every_pattern_is_found():
    assert len(FOUND) >= 8


def test_a_pattern_that_does_is_noticed():
    began = time.process_time()
    re.compile(r"; (\w+)+ = ").search("; " + "a" * 24)

    assert time.process_time() - began > PATTERN_S
