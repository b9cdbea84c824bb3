"""Makes, checks and mends the project's virtual environments, with the standard library alone.

An environment is finished when its stamp says so: the stamp names the Python and the exact lock files that
were installed. It is written as "installing" before the first byte changes and replaced in one move at the
end, so an environment whose making was killed is seen on the next start and made afresh.

Kept readable for Python 3.7, so that an old Python gets a sentence instead of a SyntaxError.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
OLDEST, TOO_NEW = (3, 11), (3, 14)  # as pyproject.toml's requires-python; a test compares them
STAMP = "farm-stamp.json"
SIGN_OF_LIFE_S = 15.0  # how long a quiet log may look dead before a line says that work goes on

_started = time.monotonic()


class EnvironmentFailed(Exception):
    """The environment could not be made. The message says what happened and what to do."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it lies, what it holds and the Python that makes it.

    locks: the first is installed; the others are parts of it, so that whoever needs only those is served too.
    """

    folder: Path
    locks: tuple[Path, ...]
    python: str = sys.executable
    python_tag: str = sys.implementation.cache_tag or "unknown"  # such as cpython-311

    @property
    def programs(self) -> Path:
        """The folder of the environment's programs."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def interpreter(self) -> Path:
        """The environment's own Python."""
        return self.programs / ("python.exe" if os.name == "nt" else "python")

    def program(self, name: str) -> Path:
        """Where a package puts its program `name`."""
        return self.programs / (name + ".exe" if os.name == "nt" else name)


def for_serving() -> Environment:
    """The checkout's `.venv` with what the server needs."""
    return Environment(CHECKOUT / ".venv", (CHECKOUT / "requirements.txt",))


def for_testing() -> Environment:
    """The same `.venv` with what the tests need, which includes all that the server needs."""
    return Environment(
        CHECKOUT / ".venv", (CHECKOUT / "requirements-test.txt", CHECKOUT / "requirements.txt")
    )


def cache_folder() -> Path:
    """Where environments outside the checkout live: FARM_PEERS, else the platform's cache folder."""
    override = os.environ.get("FARM_PEERS")
    if override:
        return Path(override).expanduser().resolve()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "printer-farm"


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> None:
    """Raises EnvironmentFailed with a sentence when this Python is too old or too new for the farm."""
    if OLDEST <= version[:2] < TOO_NEW:
        return
    has = ".".join(str(part) for part in version)
    raise EnvironmentFailed(
        f"This is Python {has}; the farm needs 3.{OLDEST[1]} up to 3.{TOO_NEW[1] - 1}. "
        f"Install one of these and start again with it, for example: python3.{OLDEST[1]} {sys.argv[0]}"
    )


def say(text: str) -> None:
    """One line of progress with the seconds since the start, on stderr: stdout belongs to the program."""
    print(f"[{time.monotonic() - _started:6.1f} s] {text}", file=sys.stderr, flush=True)


def is_ready(environment: Environment) -> bool:
    """Whether everything is installed already, from these very lock files. Takes about a millisecond."""
    stamp = _read_stamp(environment.folder)
    name = environment.locks[0].name
    return (
        stamp.get("state") == "ready"
        and stamp.get("python") == environment.python_tag
        and stamp.get("locks", {}).get(name) == _fingerprint(environment.locks[0])
        and environment.interpreter.exists()
    )


def make_venv(environment: Environment) -> None:
    """An empty virtual environment with pip in it."""
    run_quietly("making the environment", [environment.python, "-I", "-m", "venv", str(environment.folder)])


def install_project(environment: Environment) -> None:
    """The locked packages, then the checkout itself.

    The project is linked rather than installed by pip: that would need a build back end, which no lock holds.
    """
    pip_install(environment, "--only-binary=:all:")  # wheels only: a shop PC has no compiler
    link_checkout(environment)


def prepare(
    environment: Environment,
    create: Callable[[Environment], None] = make_venv,
    install: Callable[[Environment], None] = install_project,
) -> None:
    """Makes the environment ready; does nothing when it is. Safe to run again and beside another run.

    Raises EnvironmentFailed; the next run then starts from what is missing, or afresh.
    """
    try:
        if is_ready(environment):
            return
        environment.folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(environment.folder):
            if not is_ready(environment):  # the run that we waited for may have done it
                _make(environment, create, install)
    except OSError as error:
        raise EnvironmentFailed(
            f"{environment.folder} cannot be made: {error}. Stop what still runs from it, "
            f"see that you may write there and that the disk has room, then start again."
        ) from error


def _make(
    environment: Environment,
    create: Callable[[Environment], None],
    install: Callable[[Environment], None],
) -> None:
    keep = _can_be_kept(environment)
    if not keep:
        _remove(environment.folder)
        environment.folder.mkdir()
    _write_stamp(environment.folder, {"state": "installing"})
    if not keep:
        say(f"[1/2] making {environment.folder}")
        create(environment)
    count = sum(line[:1].isalnum() for line in environment.locks[0].read_text("utf-8").splitlines())
    say(f"[2/2] installing up to {count} packages from {environment.locks[0].name}")
    install(environment)
    locks = {lock.name: _fingerprint(lock) for lock in environment.locks}
    _write_stamp(environment.folder, {"state": "ready", "python": environment.python_tag, "locks": locks})
    say(f"{environment.folder.name} is ready")


def _can_be_kept(environment: Environment) -> bool:
    """Whether pip may add to what is there: not half-made, and made with the same Python."""
    if _read_stamp(environment.folder).get("state") == "installing":
        say(f"{environment.folder} was left half-made: making it afresh")
        return False
    if not environment.interpreter.exists():
        return False
    from subprocess import run

    question = "import pip, sys; print(sys.implementation.cache_tag)"
    command = [str(environment.interpreter), "-I", "-c", question]
    try:
        answer = run(command, capture_output=True, text=True, check=False)
    except OSError:  # not a program of this system: a folder copied from another one
        return False
    return answer.returncode == 0 and answer.stdout.strip() == environment.python_tag


def _remove(folder: Path) -> None:
    if folder.exists():
        from shutil import rmtree

        rmtree(folder)


def pip_install(environment: Environment, *options: str) -> None:
    """Installs the environment's lock with its own pip, every file checked against its hash."""
    command = [str(environment.interpreter), "-I", "-m", "pip", "install", "--require-hashes"]
    command += ["--no-input", "--disable-pip-version-check", *options, "-r", str(environment.locks[0])]
    if not sys.stderr.isatty():
        command.append("--quiet")
    run_quietly("installing", command, {"PIP_USER": "0"})


def link_checkout(environment: Environment) -> None:
    """Makes `import farm` and the command `farm` work inside the environment, from this checkout's files.

    Paths are relative to the environment where it lies in the checkout, so that both may be moved together.
    """
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_output([str(environment.interpreter), "-I", "-c", question]))
    inside = CHECKOUT in environment.folder.parents
    target = os.path.relpath(CHECKOUT, packages) if inside else str(CHECKOUT)
    (packages / "farm-checkout.pth").write_text(target + "\n", encoding="utf-8")
    if os.name == "nt":
        (environment.programs / "farm.cmd").write_text(
            '@"%~dp0python.exe" -P -m farm %*\r\n', encoding="utf-8"
        )
        return
    command = environment.programs / "farm"
    command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -P -m farm "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def run_quietly(words: str, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
    """Runs one step with its output on stderr; a line now and then says that it still works.

    Raises EnvironmentFailed when the step does. The step is stopped when we are interrupted.
    """
    from subprocess import Popen, TimeoutExpired

    # Files stay open for it because of the lock that `_alone` holds.
    process = Popen(command, stdout=sys.stderr, env={**os.environ, **(extra or {})}, close_fds=False)
    try:
        while process.returncode is None:
            try:
                process.wait(SIGN_OF_LIFE_S)
            except TimeoutExpired:
                if not sys.stderr.isatty():
                    say(f"still {words} …")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise EnvironmentFailed(f"{words} failed; the reason stands above. {_advice(words)}")


def become(command: Sequence[str]) -> int:
    """Goes on as `command`: signals, the process id and the exit code are then its own.

    Windows has no exec, so there it runs as a child whose exit code is returned.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], list(command))
    return run_as_child(command)


def run_as_child(command: Sequence[str]) -> int:
    """Runs `command` to its end and returns its exit code; Ctrl-C is the child's to answer."""
    from subprocess import Popen

    with Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the console sent it to the child too, which now stops in good order
                continue


def run_script(main: Callable[[list[str]], int]) -> None:
    """Runs a script's `main` with the command line; what went wrong is a sentence, not a traceback."""
    try:
        check_python()
        code = main(sys.argv[1:])
    except EnvironmentFailed as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 130
    sys.exit(code)


def _advice(words: str) -> str:
    if words == "installing":
        return "Check the network and the disk, then run the same command again."
    return "On Debian and Ubuntu `sudo apt install python3-venv` adds the missing part; then run it again."


def _output(command: Sequence[str]) -> str:
    from subprocess import run

    return run(command, check=True, capture_output=True, text=True).stdout.strip()


def _fingerprint(lock: Path) -> str:
    # Line ends do not count: a checkout on Windows may have its own.
    return hashlib.sha256(lock.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _read_stamp(folder: Path) -> dict:  # type: ignore[type-arg]
    try:
        stamp = json.loads((folder / STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(folder: Path, stamp: Mapping[str, object]) -> None:
    draft = folder / (STAMP + ".new")
    draft.write_text(json.dumps(stamp), encoding="utf-8")
    os.replace(draft, folder / STAMP)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the lock file beside `folder`, so that two starts never make one environment at once.

    The system lets go of it when its holder dies, so nothing is left to clear away.
    """
    with open(f"{folder}.lock", "a+b") as file:
        if not _locked(file.fileno()):
            say(f"another run is making {folder}: waiting for it")
            while not _locked(file.fileno()):
                time.sleep(0.2)
        # Our pip holds it too: were we killed, the next start would wait until that pip is gone.
        os.set_inheritable(file.fileno(), True)
        yield


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
