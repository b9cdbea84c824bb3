"""What Prometheus is told: its own parser reads it, every number is right, and nobody is named."""

from __future__ import annotations

import re

import trio
from prometheus_client.parser import text_string_to_metric_families
from test_web_system import running
from web_farm import NOON

from farm.actors.supervisor import ActorState
from farm.domain.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, JobState
from farm.domain.printer import Connection, Doubt, Operation, PrinterStatus
from farm.errors import StorageFailed
from farm.store import files, jobs
from farm.web.prometheus import text_of
from farm.web.system import look_around


async def scraped(farm, headers=None):
    answer = await farm.http.get("/metrics", headers=headers or await farm.key("read"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}, answer.text


def value(families, name, **labels):
    family = families[name]
    found = [sample.value for sample in family.samples if sample.labels == labels]
    assert len(found) == 1, (name, labels, family.samples)
    return found[0]


async def test_the_farms_numbers_are_read_by_prometheus(farm):
    actors = [
        running("database"),
        running("telemetry", dropped=7, depth=3),
        running("printer:mk4-01", handled=10, restarts=1, longest_s=0.5),
        running("printer:mk4-02", handled=20, restarts=2, longest_s=0.1, state=ActorState.FAULTED),
        running("client:17", handled=99),
    ]
    farm.reports = lambda: actors
    cold = Anomaly(
        AnomalyKind.DROP, Severity.WARN, "The nozzle is too cold.", Evidence("tool0", 30.0, {}, 8.0)
    )
    farm.statuses["mk4-01"] = PrinterStatus(
        Connection.ONLINE, Operation.PRINTING, anomalies=(cold,), doubt=Doubt(cold.sentence, NOON)
    )
    farm.statuses["mk4-02"] = PrinterStatus(Connection.OFFLINE)
    await farm.database.write(
        files.add, StoredFile("f1", "secret.gcode", FileKind.GCODE, 3_000, "00" * 32, "test", NOON)
    )
    await farm.database.write(jobs.add, Job("j1", "f1", "secret", 1, JobState.QUEUED, "test", NOON), "test")

    families, text = await scraped(farm)

    assert value(families, "farm_info", version="1.2.3") == 1
    assert value(families, "farm_printers", connection="online") == 1
    assert value(families, "farm_printers", connection="faulted") == 1
    assert value(families, "farm_printers", connection="disabled") == 0
    assert value(families, "farm_printers_doing", operation="printing") == 1
    assert value(families, "farm_anomalies", severity="warn") == 1
    assert value(families, "farm_anomalies", severity="pause") == 0
    assert value(families, "farm_printers_doubted") == 1
    assert value(families, "farm_jobs", state="queued") == 1
    assert value(families, "farm_jobs", state="held") == 0
    assert value(families, "farm_prints", state="printing") == 0
    assert value(families, "farm_files_bytes") == 3000
    assert value(families, "farm_telemetry_samples") == 70
    assert value(families, "farm_telemetry_dropped") == 7
    assert value(families, "farm_mailbox_messages", actor="telemetry") == 3
    assert value(families, "farm_mailbox_dropped", actor="telemetry") == 7
    assert value(families, "farm_actor_handled", actor="printer") == 30
    assert value(families, "farm_actor_restarts", actor="printer") == 3
    assert value(families, "farm_actor_longest_seconds", actor="printer") == 0.5
    assert value(families, "farm_component_ok", component="database") == 1
    assert value(families, "farm_component_ok", component="queue") == 0
    for named in ("mk4", "secret", "client"):
        assert named not in re.sub(r"# HELP.*|farm_live_clients.*", "", text), named


async def test_each_number_says_what_it_is_and_has_the_name_its_kind_asks_for(farm):
    farm.reports = lambda: [running("database"), running("database:telemetry"), running("queue")]
    families, text = await scraped(farm)

    for name, family in families.items():
        assert family.documentation.endswith("."), name
        assert family.type in ("gauge", "counter"), name
        assert name.startswith("farm_"), name
        assert not re.search(r"_(ms|mb|percent|min)$", name), name
        counted = f"\n{name}_total" in text
        assert counted == (family.type == "counter"), name
        assert len(family.samples) <= 40, name
    assert text.count("# TYPE") == len(families)


async def test_nobody_scrapes_without_the_right_to(farm):
    assert (await farm.http.get("/metrics")).status_code == 401
    assert (await farm.http.get("/metrics", headers=await farm.key("upload"))).status_code == 403
    assert (await farm.http.post("/metrics", headers=await farm.key("admin"))).status_code == 405


async def test_what_does_not_answer_is_left_out_and_the_rest_is_told(farm, monkeypatch):
    async def nobody_there(query):
        await trio.lowlevel.checkpoint()
        raise StorageFailed("the disk is gone")

    monkeypatch.setattr(farm.database, "read", nobody_there)
    look, _, measured = await look_around(farm.desk())
    families = {
        family.name: family
        for family in text_string_to_metric_families(text_of("1.2.3", look, None, measured).decode())
    }

    assert "farm_jobs" not in families
    assert value(families, "farm_telemetry_samples") == 70
    assert value(families, "farm_component_ok", component="database") == 0
