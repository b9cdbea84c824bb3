"""`farm printer`, with and without a running server."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import trio

from farm.access.secrets import Seal
from farm.app import Farm
from farm.config import Settings
from farm.domain import command
from farm.errors import PrinterUnreachable, Refused
from farm.printers.console import Console, Kind
from farm.printers.discovery import Neighbour
from farm.printers.messages import Discovered, EmergencyStop, Halted, Probed, RunCommand
from farm.queue.messages import ClearPlate
from farm.store.audit import Stamp
from farm.store.commands import tell_end
from farm.web.console import DEAF
from tests.web.web_farm import NOON

KEY = "A4B9C1D7E2F84A6090ABCDEF12345678"
URL = "http://127.0.0.1:9"  # nobody answers at this port


def added(shop, id="mk4-01", *words):
    return shop.types(
        "printer", "add", id, "--url", URL, "--api-key-stdin", "--no-probe", *words, stdin=f"{KEY}\n"
    )


def listed(shop):
    return json.loads(shop.types("printer", "list", "--json")[1])


def test_a_printer_is_added_and_listed_and_its_key_is_seen_nowhere(any_shop):
    code, out, err = added(any_shop, "mk4-01", "--name", "Left MK4", "--tag", "row-a", "--tag", "pla")
    assert (code, err) == (0, "")
    assert out.startswith("mk4-01 is in the farm.")
    assert "farm printer command mk4-01 plate_cleared" in out

    _, table, _ = any_shop.types("printer", "list")
    heading, row = table.splitlines()
    assert heading.split() == ["ID", "NAME", "CONNECTION", "OPERATION", "PLATE", "TAGS", "ADDRESS", "MESSAGE"]
    assert row.startswith("mk4-01  Left MK4  offline     unknown    unknown  pla,row-a  http://127.0.0.1:9")
    (printer,) = listed(any_shop)
    assert (printer["tags"], printer["connection"]) == (["pla", "row-a"], {"kind": "octoprint", "url": URL})
    assert KEY not in out + table + json.dumps(printer)


def test_what_is_to_be_typed_next_names_the_same_data_folder(any_shop):
    _, out, _ = added(any_shop)
    assert out.rstrip().endswith(f"plate_cleared --data {any_shop.folder.path}")


def test_a_printer_is_answered_in_json_as_the_list_shows_it(any_shop):
    code, out, _ = added(any_shop, "mk4-01", "--json", "--tls", "sha256:" + "0a" * 32)
    assert code == 0
    (shown,), made = listed(any_shop), json.loads(out)
    assert made["connection"]["tls"] == "sha256:" + "0a" * 32
    for printer in (made, shown):
        printer["status"].pop("since")
    assert made == shown


def test_how_often_it_is_asked_and_tried_and_what_it_is_can_be_said(any_shop):
    assert (
        added(any_shop, "mk4-01", "--health-check-interval-s", "7.5", "--max-retries", "2", "--model", "mk4")[
            0
        ]
        == 0
    )
    (printer,) = listed(any_shop)
    assert (printer["health_check_interval_s"], printer["max_retries"]) == (7.5, 2)


def test_a_simulated_printer_is_added_without_any_address_and_shown_as_such(any_shop):
    words = ["--simulated", "--kind", "moonraker", "--speed", "60"]
    words += ["--fault", "slow_ms=5", "--fault", "manner=drop"]
    code, out, err = any_shop.types("printer", "add", "sim1", *words)
    assert (code, err) == (0, "")
    assert out.startswith("sim1 is in the farm.")
    assert "simulated Moonraker, 60 times as fast" in any_shop.types("printer", "list")[1]
    (printer,) = listed(any_shop)
    assert printer["connection"] == {
        "kind": "simulated", "url": None, "dialect": "moonraker", "speed": 60.0,
        "faults": {"slow_ms": 5, "manner": "drop"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, "one of the arguments --url --simulated is required"),
        (["--simulated", "--url", URL], 2, "not allowed with argument"),
        (["--simulated", "--speed", "fast"], 2, "invalid float value: 'fast'"),
        (["--simulated", "--fault", "slow"], 2, "'slow' is not written like"),
        (
            ["--simulated", "--fault", "moody=true"],
            1,
            "there is no connection.faults.moody; known here: manner",
        ),
        (["--simulated", "--speed", "0"], 1, "between 0.1 and 1000 times as fast as real time"),
        (["--simulated", "--kind", "klingon"], 2, "invalid choice: 'klingon'"),
        (["--url", URL, "--speed", "2", "--api-key-stdin"], 2, "--speed and --fault go with --simulated."),
    ],
)
def test_a_simulated_printer_that_makes_no_sense_is_refused(shop, words, code, complaint):
    told = shop.types("printer", "add", "sim1", *words, stdin="\n")
    assert (told[0], told[1]) == (code, "")
    assert complaint in told[2]


def test_a_printer_added_without_a_server_is_sealed_as_the_server_reads_it(shop, folder):
    code, _, err = shop.types(
        "printer", "add", "mk4-01", "--url", f"{URL}/", "--api-key-stdin", stdin=f"{KEY}\n"
    )
    assert code == 0
    assert err == f"The farm is not running: who answers at {URL}/ shows when it starts.\n"
    with closing(sqlite3.connect(folder.farm_db)) as db:
        url, sealed = db.execute("SELECT url, sealed_key FROM printers").fetchone()
        facts = [type for (type,) in db.execute("SELECT type FROM events")]
    assert url == URL
    assert KEY.encode() not in folder.farm_db.read_bytes()
    assert Seal.load(folder.secret_key, first_run=False).open(sealed) == KEY
    assert facts == ["printer.added"]


def test_decisions_about_printers_are_shown_without_a_server(shop, folder):
    added(shop)
    with closing(sqlite3.connect(folder.farm_db)) as db, db:
        db.execute("UPDATE printers SET mode = 'maintenance', mode_why = 'new nozzle', plate = 'occupied'")
    (printer,) = listed(shop)
    assert [printer["status"][key] for key in ("operation", "plate", "message")] == [
        "maintenance", "occupied", "new nozzle",
    ]  # fmt: skip


def test_a_farm_whose_first_command_came_before_its_server_starts_all_the_same(shop, folder):
    async def start():
        async with Farm(Settings(), folder).running() as farm:
            return farm.setup_code

    assert shop.types("user", "add", "anna", "--password-stdin", stdin="three or four words\n")[0] == 0
    assert trio.run(start) is not None


@pytest.mark.parametrize("reachable", [True, False])
def test_what_cannot_be_added_is_refused_in_one_sentence(folder, shop, request, reachable):
    if reachable:  # by the fleet; here the test plays it
        server = request.getfixturevalue("server")

        def refuse(message, by):
            raise Refused("an id has 1 to 40 characters")

        server.farm.fleet.answer = refuse
    code, out, err = added(shop, "The MK4")
    assert (code, out) == (1, "")
    assert err.startswith("an id has 1 to 40 characters")


def test_an_id_that_is_taken_and_a_trust_that_is_none_are_refused_without_a_server(shop):
    assert added(shop)[0] == 0
    code, _, err = added(shop)
    assert (code, err) == (1, "there is a printer mk4-01 already; choose another id\n")
    code, _, err = added(shop, "mk4-02", "--tls", "sha256:00")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "fingerprint" in err
    assert [printer["id"] for printer in listed(shop)] == ["mk4-01"]


def test_a_certificate_is_read_from_its_file(server, shop, tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
    (tmp_path / "shop.pem").write_text(pem)
    assert added(shop, "mk4-01", "--tls", str(tmp_path / "shop.pem"))[0] == 0
    assert server.farm.fleet.heard[0].printer.address.tls == pem
    code, _, err = added(shop, "mk4-02", "--tls", str(tmp_path / "none.pem"))
    assert code == 2
    assert "none.pem' is neither system, nor sha256: and a fingerprint, nor a PEM file" in err


def test_who_answers_is_said_before_a_printer_is_added(server, shop):
    code, out, err = shop.types("printer", "add", "mk4-01", "--url", URL, answers=[KEY])
    assert shop.asked == [f"API key of {URL} (Enter for none): "]
    assert (code, err) == (0, f"OctoPrint 1.11.8 answers at {URL}, named Prusa MK4.\n")
    assert out.startswith("mk4-01 is in the farm.")
    probe, adding = server.farm.fleet.heard
    assert (probe.url, probe.api_key, adding.printer.address.api_key) == (URL, KEY, KEY)
    assert (adding.printer.name, str(server.farm.fleet.askers[1])) == ("mk4-01", "local:local")


def test_an_address_where_nobody_answers_is_not_added_unless_one_insists(server, shop):
    usual = server.farm.fleet.answer
    server.farm.fleet.answer = lambda message, by: Probed(None, problem=f"nobody answers at {URL}")
    code, out, err = shop.types("printer", "add", "mk4-01", "--url", URL, answers=[""])
    assert (code, out) == (1, "")
    assert err == f"nobody answers at {URL}\nNothing was added. With --no-probe it is, all the same.\n"
    server.farm.fleet.answer = usual
    assert added(shop)[0] == 0


def test_a_print_host_of_another_kind_than_said_is_not_added(server, shop):
    server.farm.fleet.answer = lambda message, by: Probed("moonraker", "0.11.0")
    words = ["--url", URL, "--kind", "octoprint"]
    code, out, err = shop.types("printer", "add", "mk4-01", *words, answers=[KEY])
    assert (code, out) == (1, "")
    assert "0.11.0 answers" in err
    assert "That is no OctoPrint." in err


def test_an_address_is_looked_at(server, shop):
    code, out, err = shop.types("printer", "probe", URL, answers=[""])
    assert (code, out, err) == (0, f"OctoPrint 1.11.8 answers at {URL}, named Prusa MK4.\n", "")
    _, out, _ = shop.types("printer", "probe", URL, "--json", answers=[""])
    assert json.loads(out) == {
        "kind": "octoprint", "identity": {"version": "1.11.8", "name": "Prusa MK4"}, "problem": None,
    }  # fmt: skip
    server.farm.fleet.answer = lambda message, by: Probed(None, problem="nobody answers")
    assert shop.types("printer", "probe", URL, answers=[""]) == (1, "", "nobody answers\n")
    code, out, _ = shop.types("printer", "probe", URL, "--json", answers=[""])
    assert (code, json.loads(out)["problem"]) == (1, "nobody answers")


def test_an_api_key_comes_from_a_terminal_or_standard_input_and_nowhere_else(shop):
    for words, sentence in [
        ([], "There is no terminal to ask for the API key at; use --api-key-stdin.\n"),
        (["--api-key-stdin"], "No API key came in on standard input.\n"),
    ]:
        assert shop.types("printer", "add", "a", "--url", URL, *words, stdin="") == (2, "", sentence)
    assert shop.types("printer", "add", "a", "--url", URL, "--api-key", KEY)[0] == 2


def test_a_user_and_a_password_are_taken_in_the_same_ways(server, shop):
    server.farm.fleet.answer = lambda message, by: Probed("prusalink", "2.1.2", "MK4")
    words = ["printer", "probe", URL, "--username", "maker"]
    assert shop.types(*words, answers=["secret"])[0] == 0
    assert shop.asked == [f"password of maker at {URL}: "]
    assert shop.types(*words, "--password-stdin", stdin="secret\n")[0] == 0
    for probe in server.farm.fleet.heard:
        assert (probe.username, probe.password, probe.api_key) == ("maker", "secret", "")

    assert shop.types(*words, "--api-key-stdin", stdin="x\n")[0] == 2
    code, _, err = shop.types("printer", "probe", URL, "--password-stdin", stdin="x\n")
    assert (code, err) == (2, "A password goes with --username, and an API key goes without.\n")


def test_a_printer_is_added_with_a_user_while_no_server_runs(shop):
    words = ["--url", URL, "--username", "maker", "--password-stdin"]
    assert shop.types("printer", "add", "link", *words, stdin="secret\n")[0] == 0
    (row,) = listed(shop)
    assert row["connection"] == {"kind": "prusalink", "url": URL, "username": "maker"}


COMMANDS = [
    (["pause", "reason=layer shift = bad"], command.Pause("layer shift = bad")),
    (["resume"], command.Resume()),
    (["cancel", "reason=7"], command.Cancel("7")),
    (["set_temperature", "heater=bed", "target_degc=60.5"], command.SetTemperature("bed", 60.5)),
    (["gcode", "lines=M115", "lines=G1 X5"], command.SendGcode(("M115", "G1 X5"))),
    (["home", "axes=z"], command.Home(("z",))),
    (["jog", "x=-5"], command.Jog(x=-5.0)),
    (["maintenance_on"], command.MaintenanceOn()),
    (["clear_emergency"], command.ClearEmergency()),
]


def test_a_printer_is_told_what_to_do(server, shop):
    added(shop)
    for words, _ in COMMANDS:
        told = shop.types("printer", "command", "mk4-01", *words)
        assert told == (0, f"mk4-01: {words[0]} is done.\n", "")
    assert shop.types("printer", "command", "mk4-01", "plate_cleared", "good=4")[0] == 0

    heard = server.farm.printers["mk4-01"].heard
    assert [message.command for message in heard] == [wanted for _, wanted in COMMANDS]
    (cleared,) = server.farm.queue.heard
    assert cleared == ClearPlate("mk4-01", 4, cleared.command)
    _, out, _ = shop.types("printer", "command", "mk4-01", "resume", "--json")
    end = json.loads(out)
    assert heard[-1] == RunCommand(end["command_id"], command.Resume())
    assert (end["ok"], end["problem"], end["printer"]) == (True, None, "mk4-01")


def test_the_end_of_a_command_is_waited_for_and_told_in_words(server, shop):
    async def spoil(message, by):
        farm, stamp = server.farm, Stamp(NOON, by)
        for id, problem in (("another", ""), (message.id, "the printer does not show it")):
            await farm.database.write(tell_end, "mk4-01", id, "pause", problem, stamp)

    added(shop)
    server.farm.printers["mk4-01"].answer = spoil
    code, out, err = shop.types("printer", "command", "mk4-01", "pause")
    assert (code, out) == (1, "")
    assert err == "mk4-01: pause went wrong: the printer does not show it\n"


def test_an_end_that_does_not_come_is_waited_for_only_so_long(server, shop):
    added(shop)
    server.farm.printers["mk4-01"].answer = lambda message, by: None
    code, out, err = shop.types("printer", "command", "mk4-01", "pause", "--wait", "1")
    assert (code, out) == (1, "")
    assert "has not shown within 1 s that it is done" in err
    assert shop.types("printer", "command", "mk4-01", "pause", "--wait", "0") == (
        0, "mk4-01 takes pause.\n", "",
    )  # fmt: skip
    assert shop.types("printer", "command", "mk4-01", "pause", "--wait", "soon")[0] == 2


def test_a_command_that_is_refused_is_told_in_the_printers_words(server, shop):
    def refuse(message, by):
        raise Refused("mk4-01: it is not printing")

    added(shop)
    server.farm.printers["mk4-01"].answer = refuse
    for words, sentence in [
        (["mk4-01", "pause"], "mk4-01: it is not printing\n"),
        (["mk4-09", "pause"], "there is no printer mk4-09 in this farm\n"),
        (["mk4-01", "jog", "x=9000"], "x: at most 500\n"),
        (["mk4-01", "resume", "speed=5"], "there is no speed; known here: command\n"),
    ]:
        assert shop.types("printer", "command", *words) == (1, "", sentence)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["explode"], "invalid choice: 'explode'"),
        (["jog", "x"], "'x' is not written like reason='layer shift'"),
        (["jog", "x=far"], "x: 'far' is no number"),
        (["pause", "reason=a", "reason=b"], "reason is given twice."),
    ],
)
def test_a_command_that_is_written_wrongly_never_leaves_the_command_line(shop, words, complaint):
    code, out, err = shop.types("printer", "command", "mk4-01", *words)
    assert (code, out) == (2, "")
    assert complaint in err


def test_all_printers_are_stopped_and_the_unreached_named(server, shop):
    def lost(message, by):
        raise PrinterUnreachable("mk4-02 is off")

    for id in ("mk4-01", "mk4-02", "mk4-03"):
        added(shop, id)
    server.farm.printers["mk4-02"].answer = lost

    told = shop.types("printer", "emergency-stop")
    one = shop.types("printer", "emergency-stop", "mk4-03", "--json")

    assert told == (1, "Stopped: mk4-01, mk4-03.\n", "NOT reached: mk4-02. Switch them off by hand.\n")
    assert (one[0], json.loads(one[1])) == (0, {"reached": ["mk4-03"], "unreached": []})
    heard = [len(server.farm.printers[id].heard) for id in ("mk4-01", "mk4-02", "mk4-03")]
    assert heard == [1, 1, 2]
    assert server.farm.printers["mk4-01"].heard == [EmergencyStop()]


def test_who_can_only_cancel_in_an_emergency_is_named(server, shop):
    added(shop)
    server.farm.printers["mk4-01"].answer = lambda message, by: Halted.ONLY_CANCELLED

    code, out, err = shop.types("printer", "emergency-stop")

    assert (code, out) == (1, "Stopped: none.\n")
    assert err == "Only the print was cancelled on mk4-01: heaters may stay on. Switch it off at the plug.\n"


def test_print_hosts_in_the_network_are_listed(server, shop):
    heard = [Neighbour("octoprint", "OctoPrint on ender", URL, "ender.local"),
             Neighbour("moonraker", "voron", "http://10.0.0.6:7125", "voron.local", "voron-1")]  # fmt: skip
    server.farm.fleet.answer = lambda message, by: Discovered(tuple(heard))
    code, out, err = shop.types("printer", "discover", "--seconds", "1")
    assert (code, err) == (0, "")
    assert [line.split()[-1] for line in out.splitlines()] == ["AS", "-", "voron-1"]
    assert json.loads(shop.types("printer", "discover", "--json")[1])["items"][0]["url"] == URL

    server.farm.fleet.answer = lambda message, by: Discovered(())
    assert "Nobody announces" in shop.types("printer", "discover")[2]
    server.farm.fleet.answer = lambda message, by: Discovered((), "this computer cannot listen")
    assert shop.types("printer", "discover") == (1, "", "this computer cannot listen\n")
    assert shop.types("printer", "discover", "--seconds", "99")[0] == 1


def test_the_console_is_shown_and_followed(server, shop, monkeypatch):
    console = Console()
    console.add(NOON, Kind.SENT, "M115", "user:1")

    def answer(message, by):
        return console.since(message.since, hears=False)

    def sleep(seconds):
        if console.since(0, hears=False).last > 1:
            raise KeyboardInterrupt
        console.add(NOON, Kind.SAID, "FIRMWARE_NAME:Marlin")
        console.add(NOON, Kind.FAILED, "it does not answer")

    added(shop)
    server.farm.printers["mk4-01"].answer = answer
    monkeypatch.setattr("farm.commands.console.time.sleep", sleep)
    code, out, err = shop.types("printer", "console", "mk4-01", "--follow")
    assert (code, err) == (0, f"{DEAF}\n")
    at = f"{NOON:%H:%M:%S}"
    assert out.splitlines() == [
        f"{at} > M115  (user:1)", f"{at} < FIRMWARE_NAME:Marlin", f"{at} ! it does not answer",
    ]  # fmt: skip
    server.farm.printers["mk4-01"].answer = lambda message, by: "heading\n12:00 > GET /api/job\n"
    assert shop.types("printer", "console", "mk4-01", "--raw") == (0, "heading\n12:00 > GET /api/job\n", "")
    server.farm.printers["mk4-01"].answer = answer
    told = json.loads(shop.types("printer", "console", "mk4-01", "--json")[1])
    assert (told["next"], told["note"], len(told["items"])) == (3, DEAF, 3)


@pytest.mark.parametrize(
    "words",
    [["probe", URL], ["command", "mk4-01", "pause"], ["emergency-stop"], ["console", "mk4-01"]],
    ids=" ".join,
)
def test_what_takes_a_running_farm_says_so(shop, words):
    added(shop)
    told = shop.types("printer", *words, answers=[""])
    assert told == (1, "", "This takes a running farm: start it with `farm serve`, then try again.\n")
