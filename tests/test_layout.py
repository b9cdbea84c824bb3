"""Imports point one way, folders meet through their messages, and the project stands on its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

LAYERS = (
    {"errors", "platform", "garbage"},
    {"domain", "multipart"},
    {"detect"},
    {"config", "data_folder", "logs"},
    {"actors"},
    {"store", "drivers", "workers"},
    {"access"},  # beside the three, but users, keys and sessions are rows of the store: it may read those
    {"printers", "queue", "telemetry", "history", "files", "schedule", "live", "alerts", "clocks"},
    {"web"},
    {"simulator"},
    {"demo"},
    {"app"},
    {"commands"},
    {"__main__"},
)
"""Each may import the ones before it, and of its own layer only messages. New parts of farm/ go in here."""

STARTS_THE_SIMULATOR = {"app", "commands", "__main__"}
SIMULATOR_MAY_USE = {"errors", "platform", "domain", "multipart", "actors"}  # and the drivers' protocols
PURE = {"domain", "multipart", "detect"}  # and protocols
PURE_MAY_USE = {"errors", "domain"}  # and protocols, and SHARED_BY_PROTOCOLS
SHARED_BY_PROTOCOLS = {
    "farm.drivers.base",
    "farm.drivers.exchange",
    "farm.drivers.values",
}  # values and shapes: as pure themselves

WAITS = re.compile(
    r"(trio|anyio|asyncio|httpx|httpcore|serial|socket|select|selectors|ssl|http\.client|http\.server"
    r"|urllib\.request|sqlite3|sqlite_utils|quart|quart_trio|hypercorn|trio_websocket|threading"
    r"|multiprocessing|concurrent|subprocess|signal)(\.|$)"
)
"""Modules that wait, talk or run beside: nothing pure imports them."""


def layer(part: str) -> int | None:
    return next((number for number, parts in enumerate(LAYERS) if part in parts), None)


def imported(module: str, source: str, is_package: bool = False) -> Iterator[str]:
    """The full name of every module that `source` imports anywhere, and of what it takes from a package."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_protocol(name: list[str]) -> bool:
    """Whether it is a driver's protocol.py, or what these share, or something taken from one."""
    return "protocol" in name or ".".join(name[:3]) in SHARED_BY_PROTOCOLS


def import_problems(module: str, source: str, is_package: bool = False) -> list[str]:
    """What is wrong with the imports of `module` (such as farm.queue.actor), a sentence each."""
    name = module.split(".")
    if len(name) == 1:  # farm/__init__.py
        return [
            f"{module} imports {target}: it stays empty" for target in imported(module, source, is_package)
        ]
    if layer(name[1]) is None:
        return [f"{module} is in no layer: put {name[1]} into LAYERS of tests/test_layout.py"]
    pure = name[1] in PURE or is_protocol(name)
    problems = []
    for target in imported(module, source, is_package):
        parts = target.split(".")
        if parts[0] in ("tests", "scripts"):
            problems.append(f"{module} imports {target}: the farm runs without tests and scripts")
        elif parts[0] != "farm":
            if pure and WAITS.match(target):
                problems.append(f"{module} imports {target}: it is pure, what waits belongs to its caller")
        elif len(parts) > 1 and not parts[1].startswith("__version"):
            problems += _farm_import_problem(name, parts, pure)
    return sorted(set(problems))


def _farm_import_problem(name: list[str], target: list[str], pure: bool) -> list[str]:
    mine, theirs = name[1], target[1]
    says = f"{'.'.join(name)} imports {'.'.join(target)}: "
    protocol = is_protocol(target)
    ours, other = layer(mine), layer(theirs)
    if other is None or ours is None:
        return [says + f"{theirs} is in no layer; put it into LAYERS of tests/test_layout.py"]
    if pure and theirs not in PURE_MAY_USE | ({mine} & PURE) and not protocol:
        return [says + "it is pure and uses errors, domain and protocols only"]
    if theirs == "simulator" and mine not in STARTS_THE_SIMULATOR | {"simulator"}:
        return [says + "only app starts the simulator"]
    if mine == theirs:
        return []
    if mine == "simulator" and theirs not in SIMULATOR_MAY_USE and not protocol:
        return [says + "the simulator uses domain values and the drivers' protocols only"]
    if other > ours:
        return [says + f"{theirs} lies above {mine}; turn it round with a message or an argument"]
    if other == ours and "messages" not in target[2:3] and {mine, theirs} != {"errors", "platform"}:
        return [says + f"neighbours meet through {theirs}/messages.py alone"]
    return []


def farm_modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((CHECKOUT / "farm").rglob("*.py")):
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_import_in_the_farm_points_the_right_way():
    problems = [
        problem
        for module, path in farm_modules()
        for problem in import_problems(module, path.read_text("utf-8"), path.name == "__init__.py")
    ]
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        ("farm.store.jobs", "from farm.queue.messages import Enqueue", "lies above store"),
        ("farm.store.jobs", "from ..queue import messages", "lies above store"),
        ("farm.queue.actor", "import farm.printers.actor", "neighbours meet"),
        ("farm.queue.actor", "from farm import printers", "neighbours meet"),
        ("farm.queue.actor", "from farm.printers import messages_old", "neighbours meet"),
        ("farm.store.users", "from farm.access.keys import hashed", "lies above store"),
        ("farm.store.users", "from farm.drivers.base import Driver", "neighbours meet"),
        ("farm.web.routes", "def late():\n    from farm.app import build", "lies above web"),
        ("farm.domain.job", "import sqlite3", "it is pure"),
        ("farm.domain.job", "from trio.abc import Clock", "it is pure"),
        ("farm.domain.job", "from urllib import request", "it is pure"),
        ("farm.domain.job", "from farm.actors.mailbox import Mailbox", "it is pure"),
        ("farm.multipart", "import trio", "it is pure"),
        ("farm.drivers.octoprint.protocol", "import httpx", "it is pure"),
        ("farm.drivers.base", "import trio", "it is pure"),
        ("farm.drivers.octoprint.protocol", "from farm.drivers.http import Http", "it is pure"),
        ("farm.web.demo", "from farm.simulator import fleet", "only app starts"),
        ("farm.simulator.fleet", "from farm.drivers.octoprint.driver import Driver", "the simulator uses"),
        ("farm.app", "from tests.fakes import printer", "without tests"),
        ("farm.odds.ends", "", "in no layer"),
        ("farm.app", "from farm.odds import ends", "in no layer"),
        ("farm", "from farm.app import build", "stays empty"),
    ],
)
def test_an_import_the_wrong_way_is_named(module, source, words):
    is_package = module.count(".") == 0
    assert [problem for problem in import_problems(module, source, is_package) if words in problem]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("farm.queue.actor", "import trio\nfrom farm.printers.messages import StartPrint"),
        ("farm.queue.actor", "from farm.printers import messages"),
        (
            "farm.queue.actor",
            "from . import dispatch\nfrom .orders import Order\nfrom farm.queue import prints",
        ),
        ("farm.queue.actor", "from farm.store import jobs\nfrom farm import __version__"),
        (
            "farm.domain.job",
            "from farm.errors import Refused\nfrom urllib.parse import quote\nimport datetime",
        ),
        ("farm.drivers.octoprint.protocol", "import json\nfrom farm.domain.printer import Printer"),
        ("farm.drivers.octoprint.protocol", "from farm.drivers.base import Identity"),
        ("farm.drivers.octoprint.driver", "import httpx\nfrom farm.drivers.octoprint.protocol import Flags"),
        ("farm.simulator.fleet", "from farm.drivers.marlin.protocol import checksum\nimport trio"),
        ("farm.app", "from farm.simulator import fleet\nfrom farm.queue.actor import Queue"),
        ("farm.errors", "from farm import platform"),
    ],
)
def test_an_import_the_right_way_is_left_alone(module, source):
    assert import_problems(module, source) == []


def folder_problems(folder: Path) -> list[str]:
    """The folders under (and with) `folder` that do not say in one line what they are."""
    problems = []
    for inside in sorted({path.parent for path in folder.rglob("*.py")} | {folder}):
        init = inside / "__init__.py"
        words = ast.get_docstring(ast.parse(init.read_text("utf-8"))) if init.exists() else None
        if not words or "\n" in words:
            problems.append(
                f"{inside.relative_to(folder.parent)}: say in one line of __init__.py what it is for"
            )
    return problems


def test_every_folder_of_the_farm_says_in_one_line_what_it_is():
    problems = folder_problems(CHECKOUT / "farm")
    assert not problems, "\n" + "\n".join(problems)


def test_a_folder_that_says_nothing_is_named(tmp_path):
    for name, text in {"good": '"""One line."""', "mute": "", "long": '"""Two\n\nlines."""'}.items():
        (tmp_path / "farm" / name).mkdir(parents=True)
        (tmp_path / "farm" / name / "__init__.py").write_text(text, encoding="utf-8")
    (tmp_path / "farm" / "__init__.py").write_text('"""The farm."""', encoding="utf-8")
    (tmp_path / "farm" / "bare").mkdir()
    (tmp_path / "farm" / "bare" / "actor.py").write_text("", encoding="utf-8")

    named = [Path(problem.split(":")[0]).name for problem in folder_problems(tmp_path / "farm")]

    assert named == ["bare", "long", "mute"]


# Written in pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "/wo" + "rk/|/ro" + r"ot/|\.\./sha" + r"red|\b[Ii]ss" + r"ue [A-F]\b|TO" + "DO|FIX" + "ME"
)
TEXTS = {".py", ".md", ".toml", ".txt", ".in", ".service", ".js", ".css", ".html", ".json", ".sql", ""}


def project_texts() -> Iterator[Path]:
    yield from (path for path in CHECKOUT.iterdir() if path.suffix in TEXTS and path.is_file())
    for top in ("farm", "tests", "scripts", "config", ".ci"):
        for path in (CHECKOUT / top).rglob("*"):
            if path.suffix in TEXTS and path.is_file() and "__pycache__" not in path.parts:
                yield path


def foreign_words(text: str) -> list[str]:
    """Mentions of one person's machine, of how the work was shared out, and of work left undone."""
    return [match[0] for match in FOREIGN.finditer(text)]


def test_no_file_mentions_the_machine_it_was_written_on_or_work_left_undone():
    found = {
        str(path.relative_to(CHECKOUT)): words
        for path in project_texts()
        if path.name not in (".git", ".coverage") and (words := foreign_words(path.read_text("utf-8")))
    }
    assert not found


def test_a_foreign_word_is_found_and_an_ordinary_one_is_not():
    assert len(foreign_words("see /wo" + "rk/main, iss" + "ue A and TO" + "DO")) == 3
    assert foreign_words("a work/life balance, the issue At hand, to do") == []
