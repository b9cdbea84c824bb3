"""Which way a command takes to the farm, and what it says when there is none."""

from __future__ import annotations

import http.server
import threading

import pytest

from farm.commands import reach
from farm.commands.running import RunningFarm
from farm.commands.stopped import StoppedFarm
from farm.data_folder import LocalAccess
from farm.errors import NotFound, Refused


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(reach, "STARTING_S", 0.2)


def test_without_a_server_the_command_holds_the_lock(folder, impatient):
    with reach.farm_in(folder, may_be_new=True) as farm:
        assert isinstance(farm, StoppedFarm)
        with pytest.raises(Refused, match="is starting or stopping"), reach.farm_in(folder, may_be_new=True):
            pass
    with folder.lock():
        pass


def test_a_server_that_is_just_starting_is_waited_for(folder):
    folder.make()
    folder.farm_db.touch()
    locked, announce, done = threading.Event(), threading.Event(), threading.Event()

    def start():
        with folder.lock():
            locked.set()
            announce.wait()
            with folder.announced(LocalAccess("http://127.0.0.1:9", "t")):
                done.wait()

    server = threading.Thread(target=start)
    server.start()
    locked.wait()
    threading.Timer(0.3, announce.set).start()
    with reach.farm_in(folder) as farm:
        assert isinstance(farm, RunningFarm)
    done.set()
    server.join()


def test_an_empty_folder_is_no_farm_and_stays_empty(folder):
    with pytest.raises(NotFound, match="There is no farm in"), reach.farm_in(folder):
        pass
    assert not folder.path.exists()


def test_a_server_that_is_gone_is_a_sentence():
    with (
        RunningFarm(LocalAccess("http://127.0.0.1:9", "t")) as farm,
        pytest.raises(
            Refused, match=r"The server at http://127\.0\.0\.1:9 cannot be reached .* in a moment\."
        ),
    ):
        farm.list_users()


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers every request with what the test put there, and keeps what came."""

    status, kind, body, seen = 200, "application/json", b"", []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Authorization"]))
        body = self.body.pop(0) if isinstance(self.body, list) else self.body
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def answering():
    """A server that says what it is told to, for what ours says only on bad days."""
    kind = type("Answers", (Answering,), {"seen": []})
    with http.server.HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        kind.access = LocalAccess(f"http://127.0.0.1:{server.server_port}", "tok")
        yield kind
        server.shutdown()
        thread.join()


def test_all_pages_of_a_list_are_fetched_with_the_token(answering):
    answering.body = [b'{"items": [{"id": 1}], "next": "a&b"}', b'{"items": [{"id": 2}], "next": null}']
    with RunningFarm(answering.access) as farm:
        assert farm.list_keys() == [{"id": 1}, {"id": 2}]
    assert answering.seen == [("/v1/keys", "Bearer tok"), ("/v1/keys?cursor=a%26b", "Bearer tok")]


def test_a_proxy_of_the_environment_does_not_see_the_token(answering, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    answering.body = b'{"items": [], "next": null}'
    with RunningFarm(answering.access) as farm:
        assert farm.list_users() == []


@pytest.mark.parametrize(
    ("body", "sentences"),
    [
        (b'{"detail": "Not now."}', "Not now."),
        (
            b'{"detail": "Wrong.", "errors": [{"field": "a", "message": "A is bad."}, '
            b'{"field": "b", "message": "Wrong."}]}',
            "Wrong.\nA is bad.",
        ),
        (b"<html>", "The server answered 500, which this command does not understand."),
        (b"[]", "The server answered 500, which this command does not understand."),
    ],
)
def test_what_the_server_refuses_is_told_in_its_own_words(answering, body, sentences):
    answering.status, answering.body = 500, body
    with RunningFarm(answering.access) as farm, pytest.raises(Refused) as caught:
        farm.list_users()
    assert str(caught.value) == sentences


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(answering, monkeypatch):
    monkeypatch.setattr("farm.commands.running.PATIENCE_S", 0.2)
    wait = threading.Event()
    answering.do_GET = lambda request: wait.wait(5)
    with RunningFarm(answering.access) as farm, pytest.raises(Refused, match=r"did not answer within 0\.2 s"):
        farm.list_users()
    wait.set()
