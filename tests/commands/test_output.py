"""What commands draw while something takes long."""

from __future__ import annotations

from farm.commands.output import Progress


def test_progress_is_drawn_on_a_terminal_and_goes_away(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress("a.gcode", 200) as progress:
        progress.say("getting ready")
        progress.at(100)
        progress.at(100)
    drawn = capsys.readouterr().err.split("\r")

    assert drawn[1:3] == ["a.gcode: getting ready", f"a.gcode  [{'#' * 12}{'.' * 12}]  50%"]
    assert not drawn[3].strip()
    assert drawn[4:] == [""]


def test_what_is_empty_is_done_and_more_than_all_is_all(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress("empty", 0) as progress:
        progress.at(0)
    with Progress("grown", 10) as progress:
        progress.at(12)

    assert capsys.readouterr().err.count("100%") == 2


def test_nobody_sees_progress_that_is_on_no_terminal(capsys):
    with Progress("a.gcode") as progress:
        progress.at(0.5)

    assert capsys.readouterr().err == ""
