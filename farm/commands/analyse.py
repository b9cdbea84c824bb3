"""`farm analyse`: what is in G-code files and models, on any PC, with or without a farm."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from farm.commands import options, output
from farm.errors import FarmError, Invalid, SettingsError

if TYPE_CHECKING:  # loaded where they are used: `farm --help` is there at once
    from farm.domain.analysis import GcodeAnalysis, MeshAnalysis
    from farm.files.pictures.thumbnails import Picture
    from farm.workers.process import Worker
    from farm.workers.surroundings import Surroundings

MEMORY = 1024 * 1024 * 1024  # bytes that one file may take
PROCESSOR_S, WALL_S = 300.0, 900.0
MOST_ANSWERED = 16 * 1024 * 1024  # bytes, pictures and all
BAR = 24  # characters


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a result, also as JSON, or one sentence about what is wrong."""

    path: Path
    result: GcodeAnalysis | MeshAnalysis | None = None
    text: bytes = b""
    picture: Picture | None = None
    problem: str = ""


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "analyse",
        "say what is in G-code files and models",
        run,
        examples="  farm analyse benchy.gcode\n  farm analyse --json *.gcode *.stl\n"
        "  farm analyse bracket.3mf --thumbnail bracket.png",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    parser.add_argument("--thumbnail", metavar="OUT.png", type=Path, help="write the picture of the one FILE")


def run(chosen: argparse.Namespace) -> int:
    """1 when anything is wrong with any of the files."""
    if chosen.thumbnail is not None and len(chosen.files) > 1:
        raise SettingsError("--thumbnail writes the picture of one file. Name just that one.")
    import trio

    from farm import logs

    logs.set_up("critical")  # what becomes of a file is said in a sentence of its own
    outcomes = trio.run(_analyse, chosen.files, chosen.json)
    if not chosen.json:
        _show(outcomes)
    if any(outcome.problem for outcome in outcomes):
        return 1
    return 0 if chosen.thumbnail is None else _write(outcomes[0], chosen.thumbnail)


async def _analyse(paths: Sequence[Path], as_lines: bool) -> list[Outcome]:
    """One after the other. as_lines: say each as soon as it is read."""
    outcomes = []
    async with _Reader() as reader:
        for path in paths:
            outcome = await reader.read(path)
            outcomes.append(outcome)
            if as_lines:
                output.say(_line(outcome))
    return outcomes


class _Reader:
    """Reads files in a process held to limits, as the farm does: the worst of them takes no more with it."""

    async def __aenter__(self) -> Self:
        from farm.workers.process import Worker

        self._worker: Worker = Worker("farm.files.at_work", _surroundings())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.aclose()

    async def read(self, path: Path) -> Outcome:
        """Raises what is not the file's fault: that no process can be had."""
        from farm.domain.file import kind_of
        from farm.files.at_work import Asked, Found
        from farm.store.files import result_in
        from farm.workers.process import WorkFailed
        from farm.workers.wire import Limits

        limits = Limits(MEMORY, PROCESSOR_S, WALL_S, MOST_ANSWERED)
        with _Bar(path.name) as bar:
            bar.say("getting ready; the first time of all this takes a minute")
            await self._worker.warm_up()
            try:
                kind = kind_of(path.name)
                found = await self._worker.do(Asked(_readable(path), kind), Found, limits, bar.at)
            except WorkFailed as lost:
                return Outcome(path, problem=f"this file cannot be read: {lost}")
            except FarmError as problem:
                return Outcome(path, problem=str(problem))
        picture = found.pictures[-1] if found.pictures else None
        return Outcome(path, result_in(found.result, kind), found.result, picture)


def _readable(path: Path) -> str:
    """The whole path. Raises Invalid where nobody could read it."""
    try:
        with path.open("rb"):
            return str(path.absolute())
    except OSError as error:
        raise Invalid(f"this file cannot be read: {error.strerror}") from error


def _surroundings() -> Surroundings:
    """Where compiled code is kept for the next time."""
    import platformdirs

    from farm.data_folder import NAME
    from farm.workers.surroundings import Surroundings

    return Surroundings(platformdirs.user_cache_path(NAME, appauthor=False))


def _line(outcome: Outcome) -> str:
    import msgspec

    shown = {"file": str(outcome.path), "ok": not outcome.problem}
    what = {"error": outcome.problem} if outcome.problem else {"result": msgspec.Raw(outcome.text)}
    return msgspec.json.encode({**shown, **what}).decode()


def _show(outcomes: Sequence[Outcome]) -> None:
    """A sheet of one file, a table of several; what could not be read goes to the error stream."""
    from farm.commands import analysis_words as words

    read = [(str(outcome.path), outcome.result) for outcome in outcomes if outcome.result is not None]
    if len(outcomes) == 1 and read:
        lines = list(words.sheet(*read[0]))
        width = max(len(what) for what, _ in lines)
        for what, said in lines:
            output.say(f"{what:{width}}  {said}")
    elif read:
        output.say_table([words.row(name, result) for name, result in read], words.COLUMNS)
    for outcome in outcomes:
        if outcome.problem:
            output.complain(f"{outcome.path}: {outcome.problem}")


def _write(outcome: Outcome, target: Path) -> int:
    if outcome.picture is None:
        output.complain(f"{outcome.path} holds no picture, and none can be drawn of it.")
        return 1
    try:
        target.write_bytes(outcome.picture.data)
    except OSError as error:
        output.complain(f"{target} cannot be written: {error.strerror}.")
        return 1
    return 0


class _Bar:
    """How far a file is, on a line of the terminal that goes away again; nothing where no person watches."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = 0
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw("")
        self._draw("\r")

    def say(self, words: str) -> None:
        """Instead of the bar."""
        self._draw(f"{self._name}: {words}")

    def at(self, share: float) -> None:
        """share: of the file that is read, 0 to 1."""
        full = round(share * BAR)
        self._draw(f"{self._name}  [{'#' * full}{'.' * (BAR - full)}] {share:4.0%}")

    def _draw(self, line: str) -> None:
        if self._watched:
            sys.stderr.write(f"\r{line:{self._shown}}")
            sys.stderr.flush()
            self._shown = len(line)
