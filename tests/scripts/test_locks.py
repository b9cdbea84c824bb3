"""The lock files pin everything with hashes, hold what the project asks for, and name no registry."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.environment import CHECKOUT
from scripts.lock import LOCKS

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]


def entries(text: str) -> list[str]:
    """The requirements of a lock file with their hashes, one logical line each, comments left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def pins(name: str) -> dict[str, set[str]]:
    """Each package of a lock with its versions: several where systems or Pythons need different ones."""
    found: dict[str, set[str]] = {}
    for entry in entries((CHECKOUT / name).read_text("utf-8")):
        package, version = re.match(r"([^\s\[]+)\S*==(\S+)", entry).groups()  # type: ignore[union-attr]
        found.setdefault(package, set()).add(version)
    return found


def unpinned(text: str) -> list[str]:
    exact = re.compile(r"[a-z0-9-]+(\[[a-z,]+\])?==[^\s;*]+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    return [entry for entry in entries(text) if not exact.fullmatch(entry)]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_everything_with_hashes_and_names_no_registry(name):
    text = (CHECKOUT / name).read_text("utf-8")

    assert entries(text)
    assert unpinned(text) == []
    assert "://" not in text
    assert "index-url" not in text


def test_loose_entry_is_found():
    hashes = " \\\n".join(f"    --hash=sha256:{digit * 64}" for digit in "01")
    tight = f"trio==0.35.0 ; os_name == 'nt' \\\n{hashes}\n    # via x\n"
    loose = [f"trio>=0.35 \\\n    --hash=sha256:{'0' * 64}", "trio==0.35.0", "--index-url https://x.example/"]

    assert unpinned(tight) == []
    assert [len(unpinned(tight + entry)) for entry in loose] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-test.txt", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]),
        ("scripts/peers/octoprint.txt", (CHECKOUT / "scripts/peers/octoprint.in").read_text("utf-8").split()),
    ],
)
def test_lock_holds_what_is_asked_for(name, asked):
    locked = pins(name)
    for line in asked:
        wanted = Requirement(line)
        versions = locked.get(canonicalize_name(wanted.name), set())
        assert versions, f"{name} lacks {wanted.name}: run scripts/lock.py"
        assert all(wanted.specifier.contains(version) for version in versions), (
            f"{name}: {line}, not {versions}"
        )


def test_test_lock_includes_the_servers():
    server, tests = pins("requirements.txt"), pins("requirements-test.txt")

    assert {package: tests.get(package) for package in server} == server
