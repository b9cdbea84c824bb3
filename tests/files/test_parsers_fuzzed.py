"""Every parser of what strangers send is fuzzed, all at the same time, and every pattern is timed."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
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
LOOKS = 3
PIECES = ("a", "1", " ", ";", "{", "{a", "M104 ", "N1 ", "\r", "\n;", "1.", "a1", "'", "-")


EVERY_LOOK = {"search", "match", "fullmatch"}


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes], set[str]]]:
    """Every one in farm/files, and how its module looks with it: what searches may be slow where what
    matches from the beginning is not."""
    for found in pkgutil.walk_packages(farm.files.__path__, "farm.files."):
        module = importlib.import_module(found.name)
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                ways = set(re.findall(rf"\b{name}\.(\w+)\(", source))
                looks = {way if way in ("match", "fullmatch") else "search" for way in ways}
                yield f"{found.name.removeprefix('farm.files.')}.{name}", value, looks or EVERY_LOOK


FOUND = {name: (pattern, looks) for name, pattern, looks in patterns()}


def thought_out(pattern: str, size: int) -> Iterator[str]:
    """Lines against a pattern: its own words, and what its classes take, over and over. size: characters."""
    words = [word for word in re.findall(r"[A-Za-z0-9;:=_ ]+", pattern) if len(word) > 1]
    for piece in dict.fromkeys((*words, *PIECES)):
        yield (piece * (size // len(piece) + 1))[:size]
    yield words[0] + " " * size + "!" if words else " " * size
    yield f"; thumbnail begin {'1' * size}"
    yield f"EXCLUDE_OBJECT_DEFINE NAME='{'x' * size}"


def is_quick(look: Callable[[], object]) -> bool:
    """Whether it takes no longer than a pattern may. A machine that has much to do makes a look slow; going
    back and forth makes every look slow."""
    for _ in range(LOOKS):
        began = time.process_time()
        look()
        if time.process_time() - began < PATTERN_S:
            return True
    return False


@pytest.mark.parametrize("name", FOUND)
def test_no_pattern_goes_back_and_forth_over_a_long_line(name: str):
    pattern, looks = FOUND[name]
    is_bytes = isinstance(pattern.pattern, bytes)
    source = pattern.pattern.decode() if is_bytes else pattern.pattern
    for size in (MIB // 64, MIB):  # one that does would take hours over the large ones
        for line in thought_out(source, size):
            text = line.encode() if is_bytes else line
            for look in looks:
                assert is_quick(partial(getattr(pattern, look), text)), (look, line[:60])


def test_every_pattern_is_found():
    assert len(FOUND) >= 20


def test_a_pattern_that_does_is_noticed():
    assert not is_quick(partial(re.compile(r"; (\w+)+ = ").search, "; " + "a" * 24))
