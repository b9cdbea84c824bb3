"""The environment is made once, seen when it is half-made or out of date, and mended."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest

from scripts import environment
from scripts.environment import CHECKOUT, Environment, EnvironmentFailed


class Installer:
    """Stands where pip would: makes real bare environments, and counts; fails while `broken` is set."""

    def __init__(self) -> None:
        self.made = 0
        self.installed = 0
        self.broken: BaseException | None = None

    def create(self, wanted: Environment) -> None:
        self.made += 1
        command = [sys.executable, "-m", "venv", "--without-pip", str(wanted.folder)]
        subprocess.run(command, check=True)

    def install(self, wanted: Environment) -> None:
        if self.broken is not None:
            (wanted.folder / "half-a-package").write_text("cut", encoding="utf-8")
            raise self.broken
        self.installed += 1

    def prepare(self, wanted: Environment) -> None:
        environment.prepare(wanted, self.create, self.install)


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def wanted(tmp_path: Path) -> Environment:
    for name in ("all.txt", "part.txt"):
        (tmp_path / name).write_text(f"trio==0.35.0 # {name}\n", encoding="utf-8")
    return Environment(tmp_path / "deep" / "venv", (tmp_path / "all.txt", tmp_path / "part.txt"))


def only_part(wanted: Environment) -> Environment:
    return Environment(wanted.folder, wanted.locks[1:])


def test_first_start_makes_and_later_starts_do_nothing(wanted, installer):
    assert not environment.is_ready(wanted)

    for _ in range(3):
        installer.prepare(wanted)

    assert (installer.made, installer.installed) == (1, 1)
    assert subprocess.run([wanted.interpreter, "-c", ""], check=False).returncode == 0


def test_finished_environment_is_recognised_within_a_tenth_of_a_second(wanted, installer):
    installer.prepare(wanted)
    began = time.perf_counter()

    installer.prepare(wanted)

    assert time.perf_counter() - began < 0.1


def test_what_the_tests_installed_serves_the_server_too_but_not_the_other_way(wanted, installer):
    installer.prepare(only_part(wanted))
    assert not environment.is_ready(wanted)

    installer.prepare(wanted)

    assert environment.is_ready(only_part(wanted))


def test_changed_lock_is_installed_again(wanted, installer):
    installer.prepare(wanted)
    wanted.locks[0].write_text("trio==0.36.0\n", encoding="utf-8")

    installer.prepare(wanted)

    assert installer.installed == 2


def test_line_ends_of_windows_are_no_change(wanted, installer):
    installer.prepare(wanted)
    wanted.locks[0].write_bytes(wanted.locks[0].read_bytes().replace(b"\n", b"\r\n"))

    assert environment.is_ready(wanted)


@pytest.mark.parametrize("end", [EnvironmentFailed("no network"), KeyboardInterrupt()])
def test_environment_whose_making_was_cut_short_is_made_afresh(wanted, installer, end, capsys):
    installer.broken = end
    with pytest.raises(type(end)):
        installer.prepare(wanted)
    assert not environment.is_ready(wanted)

    installer.broken = None
    installer.prepare(wanted)

    assert installer.made == 2
    assert not (wanted.folder / "half-a-package").exists()
    assert "half-made" in capsys.readouterr().err


def test_environment_killed_while_it_was_made_is_made_afresh(wanted, installer):
    script = (
        "import os, pathlib, signal, sys\n"
        "from scripts import environment as e\n"
        "wanted = e.Environment(pathlib.Path(sys.argv[1]), (pathlib.Path(sys.argv[2]),))\n"
        "e.prepare(wanted, lambda made: None, lambda made: os._exit(9))\n"
    )
    command = [sys.executable, "-c", script, str(wanted.folder), str(wanted.locks[0])]
    assert subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 9
    assert wanted.folder.exists()

    installer.prepare(wanted)

    assert (installer.made, environment.is_ready(wanted)) == (1, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not share locks with children")
def test_next_start_waits_for_the_installer_that_a_killed_start_left_behind(wanted, installer, tmp_path):
    script = (
        "import pathlib, sys\n"
        "from scripts import environment as e\n"
        "child = 'import pathlib, sys, time; print(1, file=sys.stderr, flush=True);'\\\n"
        "        'time.sleep(1); pathlib.Path(sys.argv[1]).touch()'\n"
        "run = lambda made: e.run_quietly('installing', [sys.executable, '-c', child, sys.argv[3]])\n"
        "wanted = e.Environment(pathlib.Path(sys.argv[1]), (pathlib.Path(sys.argv[2]),))\n"
        "e.say = lambda text: None\n"
        "e.prepare(wanted, lambda made: None, run)\n"
    )
    command = [sys.executable, "-c", script, wanted.folder, wanted.locks[0], tmp_path / "left-behind-ended"]
    with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE) as killed:
        assert killed.stderr is not None
        assert killed.stderr.readline() == b"1\n"
        killed.kill()

        installer.prepare(wanted)

        assert (tmp_path / "left-behind-ended").exists()


def test_environment_of_another_python_is_made_afresh(wanted, installer):
    installer.prepare(wanted)
    newer = Environment(wanted.folder, wanted.locks, python_tag="cpython-399")

    installer.prepare(newer)

    assert installer.made == 2


def test_environment_whose_python_went_away_is_made_afresh(wanted, installer):
    installer.prepare(wanted)
    wanted.interpreter.unlink()

    installer.prepare(wanted)

    assert (installer.made, wanted.interpreter.exists()) == (2, True)


def test_environment_made_by_hand_is_added_to(wanted, installer):
    installer.create(wanted)
    packages = next(wanted.folder.rglob("site-packages"))
    (packages / "pip.py").write_text(
        "", encoding="utf-8"
    )  # all that is looked for; the real one takes seconds
    (wanted.folder / "mine").write_text("", encoding="utf-8")

    installer.prepare(wanted)

    assert (installer.made, installer.installed) == (1, 1)
    assert (wanted.folder / "mine").exists()


def test_garbled_stamp_counts_as_none(wanted, installer):
    installer.prepare(wanted)
    (wanted.folder / environment.STAMP).write_text("[1", encoding="utf-8")

    assert not environment.is_ready(wanted)


def test_two_starts_at_once_make_one_environment(wanted, installer, capsys):
    inside = threading.Event()
    waited = threading.Event()

    def slow_install(made: Environment) -> None:
        inside.set()
        assert waited.wait(20)
        installer.install(made)

    first = threading.Thread(target=environment.prepare, args=(wanted, installer.create, slow_install))
    first.start()
    assert inside.wait(20)
    second = threading.Thread(target=installer.prepare, args=(wanted,))
    second.start()
    second.join(0.3)
    assert second.is_alive()
    waited.set()
    first.join(20)
    second.join(20)

    assert (installer.made, installer.installed) == (1, 1)
    assert "waiting for it" in capsys.readouterr().err


def test_place_that_cannot_be_written_is_a_sentence(tmp_path, installer):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "lock.txt").write_text("", encoding="utf-8")
    wanted = Environment(tmp_path / "file" / "venv", (tmp_path / "lock.txt",))

    with pytest.raises(EnvironmentFailed, match=r"cannot be made: .*may write there"):
        installer.prepare(wanted)


def test_failing_step_says_what_to_do():
    with pytest.raises(EnvironmentFailed, match=r"installing failed; .* Check the network"):
        environment.run_quietly("installing", [sys.executable, "-c", "raise SystemExit(3)"])


def test_long_quiet_step_shows_signs_of_life(monkeypatch, capfd):
    monkeypatch.setattr(environment, "SIGN_OF_LIFE_S", 0.05)

    environment.run_quietly("installing", [sys.executable, "-c", "import time; time.sleep(0.4)"])

    assert "still installing" in capfd.readouterr().err


def test_checkout_is_linked_so_that_farm_runs_from_any_folder(wanted, installer, tmp_path):
    installer.prepare(wanted)
    environment.link_checkout(wanted)
    (tmp_path / "farm").mkdir()  # a folder of the same name where the person stands
    (tmp_path / "farm" / "__init__.py").write_text("raise SystemExit('the wrong farm')", encoding="utf-8")

    answer = subprocess.run(
        [wanted.interpreter, "-P", "-c", "import farm; print(farm.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},  # the developer's may have one that leads to a farm
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(answer.stdout.strip()) == CHECKOUT / "farm" / "__init__.py"
    assert os.name == "nt" or os.access(wanted.programs / "farm", os.X_OK)


def test_link_inside_a_checkout_moves_with_it(tmp_path, installer, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "farm").mkdir(parents=True)
    (checkout / "farm" / "__init__.py").write_text("", encoding="utf-8")
    (checkout / "lock.txt").write_text("", encoding="utf-8")
    monkeypatch.setattr(environment, "CHECKOUT", checkout)
    wanted = Environment(checkout / ".venv", (checkout / "lock.txt",))
    installer.prepare(wanted)
    environment.link_checkout(wanted)
    moved = shutil.move(checkout, tmp_path / "moved")

    python = Environment(Path(moved) / ".venv", wanted.locks).interpreter
    answer = subprocess.run([python, "-P", "-c", "import farm"], cwd=tmp_path, check=False)

    assert answer.returncode == 0


@pytest.mark.parametrize(("version", "words"), [((3, 10, 4), "Python 3.10.4"), ((3, 14, 0), "Python 3.14.0")])
def test_wrong_python_is_a_sentence(version, words):
    with pytest.raises(EnvironmentFailed, match=words):
        environment.check_python(version)


def test_supported_pythons_are_those_of_the_project_file():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]

    assert project["requires-python"] == f">=3.{environment.OLDEST[1]},<3.{environment.TOO_NEW[1]}"


@pytest.mark.parametrize("name", ["environment", "serve", "test", "bench", "lock"])
def test_old_python_can_read_the_scripts_far_enough_to_say_so(name):
    ast.parse((CHECKOUT / "scripts" / f"{name}.py").read_text("utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"FARM_PEERS": "/srv/peers"}, Path("/srv/peers")),
        ({"XDG_CACHE_HOME": "/var/quick"}, Path("/var/quick/printer-farm")),
        ({}, Path.home() / ".cache" / "printer-farm"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder lies elsewhere here")
def test_cache_folder_is_the_platforms_unless_told(monkeypatch, variables, folder):
    for name in ("FARM_PEERS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert environment.cache_folder() == folder


def test_child_answers_ctrl_c_itself_and_its_exit_code_is_ours():
    parent = (
        "import sys\n"
        "from scripts import environment\n"
        "child = 'import signal, sys, time\\n'\\\n"
        "        'signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\\n'\\\n"
        "        'print(\"up\", flush=True)\\n'\\\n"
        "        'time.sleep(30)'\n"
        "sys.exit(environment.run_as_child([sys.executable, '-c', child]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to parent and child
        assert process.wait(10) == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows has no exec")
def test_becoming_another_program_keeps_the_process():
    script = (
        "import sys\nfrom scripts import environment\n"
        "environment.become([sys.executable, '-c', 'import os; print(os.getpid())'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    out, _ = process.communicate(timeout=10)

    assert int(out) == process.pid
