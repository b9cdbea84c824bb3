"""Settings from a file, the environment and the command line, and what is said about wrong ones."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from farm.config import Given, Log, Settings, as_dict, as_toml, load, sections
from farm.errors import SettingsError

EXAMPLE = Path(__file__).resolve().parents[1] / "config" / "farm.example.toml"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "farm.toml"


def problems(file, text="", environ=None, command_line=()):
    """What is said about the settings, a sentence each, with the file's folder left out."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(file, environ or {}, command_line)
    return str(caught.value).replace(f"{file.parent}/", "").splitlines()


def test_the_example_file_has_every_setting_with_its_default_and_nothing_else():
    assert load(EXAMPLE, {}, must_exist=True) == Settings()
    assert tomllib.loads(EXAMPLE.read_text("utf-8")) == sections()


def test_each_setting_in_the_example_file_is_explained_above_it():
    lines = EXAMPLE.read_text("utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if " = " in line and line[0] != "#"]
    assert len(settings) == sum(len(keys) for keys in sections().values())
    assert all(lines[number - 1].startswith("# ") for number in settings)


def test_without_a_file_the_defaults_hold(file):
    assert load(file, {}) == Settings()


def test_a_file_that_was_named_must_be_there(file):
    with pytest.raises(SettingsError, match=r"There is no settings file .*farm\.toml"):
        load(file, {}, must_exist=True)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(file):
    file.write_text('[server]\nhost = "10.0.0.1"\nport = 1\n[live]\nmax_clients = 5\n', encoding="utf-8")
    settings = load(
        file,
        {"FARM_SERVER__HOST": "10.0.0.2", "FARM_SERVER__PORT": "2"},
        [Given("--port", "server", "port", "3", is_text=True)],
    )
    assert (settings.server.port, settings.server.host, settings.live.max_clients) == (3, "10.0.0.2", 5)


def test_what_is_shown_as_toml_means_the_same_settings(file):
    file.write_text('[server]\nport = 0\n[printers]\nconnect_timeout_s = 2\n[log]\nlevel = "debug"\n')
    settings = load(file, {})
    assert settings.log == Log(level="debug")
    assert type(settings.printers.connect_timeout_s) is float
    assert tomllib.loads(as_toml(settings)) == as_dict(settings)


def test_a_file_from_windows_with_a_mark_in_front_is_read(file):
    file.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 81\r\n")
    assert load(file, {}).server.port == 81


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[server]\n\nprot = 1",
            "farm.toml, line 3: [server] prot is not a setting; did you mean port?",
        ),
        (
            "[server]\nzzzzzz = 1",
            "farm.toml, line 2: [server] zzzzzz is not a setting. Known are host, port, announce.",
        ),
        (
            "[server]\nmax_upload_mb = 1",
            "farm.toml, line 2: max_upload_mb belongs into the section [files], not [server].",
        ),
        ("\n[sever]", "farm.toml, line 2: [sever] is not a section of the settings; did you mean [server]?"),
        ("port = 1", "farm.toml, line 1: port belongs into the section [server]."),
        (
            "pot = 1",
            "farm.toml, line 1: pot is in no section, and not a setting; did you mean [server] port?",
        ),
        (
            "server = 1",
            "farm.toml, line 1: server is a section: write [server] on a line of its own,"
            " and its settings below.",
        ),
        (
            '[server]\nport = "80"',
            'farm.toml, line 2: [server] port is "80"; it must be a whole number from 0 to 65535.',
        ),
        (
            "server.port = 80.5",
            "farm.toml, line 1: [server] port is 80.5; it must be a whole number from 0 to 65535.",
        ),
        (
            "[server]\nport = true",
            "farm.toml, line 2: [server] port is true; it must be a whole number from 0 to 65535.",
        ),
        (
            "server = {port = 65536}",
            "farm.toml: [server] port is 65536; it must be a whole number from 0 to 65535.",
        ),
        (
            "[printers]\nconnect_timeout_s = nan",
            "farm.toml, line 2: [printers] connect_timeout_s is NaN; it must be a number from 0.5 to 60.",
        ),
        (
            "[printers]\nconnect_timeout_s = 0.1",
            "farm.toml, line 2: [printers] connect_timeout_s is 0.1; it must be a number from 0.5 to 60.",
        ),
        (
            '[server]\nhost = "http://pc:80"',
            'farm.toml, line 2: [server] host is "http://pc:80"; it must be an IP address or host name,'
            " without http:// and without the port.",
        ),
        (
            '[log]\nlevel = "loud"',
            'farm.toml, line 2: [log] level is "loud"; it must be one of debug, info, warning, error.',
        ),
        ("[server]\nport 80", "farm.toml is not valid TOML: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_place_and_what_is_allowed(file, text, sentence):
    (said,) = problems(file, text)
    assert said.startswith(sentence)
    assert len(said) == len(sentence) or sentence.endswith(": ")


@pytest.mark.parametrize("host", ["192.168.1.5", "::", "fe80::1", "shop-pc.local", "localhost", "a"])
def test_addresses_and_host_names_are_taken_as_hosts(file, host):
    assert load(file, {"FARM_SERVER__HOST": host}).server.host == host


@pytest.mark.parametrize("host", ["", " ", "a b", "-a", "a:80", "[::1]", "x" * 300])
def test_nothing_else_is_taken_as_a_host(file, host):
    (said,) = problems(file, environ={"FARM_SERVER__HOST": host})
    assert said.startswith("FARM_SERVER__HOST: [server] host is ")


def test_everything_that_is_wrong_is_told_at_once(file):
    said = problems(
        file,
        "[server]\nport = -1\nhots = 1\n[fils]\n",
        {"FARM_LIVE__MAX_CLIENTS": "many"},
        [Given("--port", "server", "port", "x", is_text=True)],
    )
    assert sorted(sentence.split(": ")[0] for sentence in said) == [
        "--port",
        "FARM_LIVE__MAX_CLIENTS",
        "farm.toml, line 2",
        "farm.toml, line 3",
        "farm.toml, line 4",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FARM_SERVER__PROT", "there is no such setting; did you mean FARM_SERVER__PORT?"),
        ("FARM_SERVR__PORT", "there is no such setting; did you mean FARM_SERVER__PORT?"),
        ("FARM__PORT", "there is no such setting"),
        ("FARM_SERVER__", "there is no such setting"),
    ],
)
def test_an_unknown_setting_in_the_environment_is_an_error(file, name, words):
    (said,) = problems(file, environ={name: "1"})
    assert said.startswith(f"{name}: {words}")


def test_other_variables_of_the_environment_are_left_alone(file):
    others = {
        "FARM_PEERS": "x",
        "FARM_TEST_SCALE": "2",
        "PATH": "/bin",
        "SERVER__PORT": "1",
        "FARM_SERVER": "x",
    }
    assert load(file, others) == Settings()


def test_a_file_that_cannot_be_read_is_an_error_in_one_sentence(file):
    file.mkdir()
    with pytest.raises(SettingsError, match=r"farm\.toml cannot be read: Is a directory\.$|denied"):
        load(file, {})


def test_a_file_in_another_encoding_is_an_error_in_one_sentence(file):
    file.write_bytes("# Fräse\n[server]\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"farm\.toml is not UTF-8 text; save it as UTF-8\.$"):
        load(file, {})
