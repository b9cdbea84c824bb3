"""What systems do differently about worker processes; the branches of the others are tried here, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from farm import platform

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to these limits")


def run_apart(program):
    """What a process of its own prints."""
    program = f"from farm.platform import *; from farm.platform import _limit\n{program}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_windows_starts_background_work_below_normal_and_without_a_window(monkeypatch):
    constants = {"CREATE_NEW_PROCESS_GROUP": 0x200, "BELOW_NORMAL_PRIORITY_CLASS": 0x4000}
    for name, value in {**constants, "CREATE_NO_WINDOW": 0x8000000}.items():
        monkeypatch.setattr(subprocess, name, value, raising=False)

    assert platform.for_background_work(posix=False) == {"creationflags": 0x8004200}
    assert platform.for_background_work(posix=True) == {"start_new_session": True}


def test_system_without_limits_goes_on_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    monkeypatch.setattr(platform, "keeps_limits", lambda: False)

    platform.allow_more_memory(0)
    platform.memory_is_free_again()
    platform.allow_more_processor_time(0)
    platform.forbid_large_files()


@LINUX
def test_memory_is_bounded_by_what_is_there_and_a_budget_and_free_again_after():
    ended = run_apart(
        "allow_more_memory(50_000_000)\n"
        "x = bytes(20_000_000)\n"
        "try:\n    bytes(100_000_000)\nexcept MemoryError:\n    print('refused')\n"
        "memory_is_free_again()\n"
        "print(len(bytes(100_000_000)))"
    )

    assert ended.stdout.split() == ["refused", "100000000"]


@LINUX
def test_limit_is_never_raised_above_what_the_process_was_given():
    ended = run_apart(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "_limit('RLIMIT_NOFILE', 64)\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )

    assert ended.stdout.split() == ["32", "32"]


@LINUX
def test_large_files_are_refused_and_small_ones_are_not(tmp_path):
    ended = run_apart(
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "forbid_large_files()\n"
        "open('small', 'wb').write(bytes(1_000_000))\n"
        "try:\n    open('large', 'wb', buffering=0).write(bytes(20_000_000)); open('x')\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
        "print(os.path.getsize('small'), os.path.getsize('large') <= SMALL_FILE)"
    )

    assert ended.stdout.split()[1:] == ["1000000", "True"]


def test_appetite_of_a_process_that_is_over_is_none():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert platform.appetite_of(ended.pid) is None
