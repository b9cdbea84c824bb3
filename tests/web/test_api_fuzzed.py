"""Requests made up from the API's own description, good and bad ones, against the whole farm as a process.

None may meet a mistake of the farm's own, every answer must be one that is described, and what the
description forbids must be refused.
"""

from __future__ import annotations

import contextlib
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from farm.web import openapi
from farm.web.app import ALL
from tests.peers.farm_process import running_farm

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
TRIES = max(4, int(40 * SCALE))  # of each operation, of each kind, for things there and not there

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SLOW = ("probe_printer", "list_events", "discover")
"""These wait, for a printer or for news: made up seldom."""


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    with running_farm(tmp_path_factory.mktemp("fuzzed") / "data") as farm:
        yield farm


@pytest.fixture(scope="module")
def things(farm):
    """One of each kind that a path can name."""

    def made(path, **wish):
        answer = farm.ask("POST", path, **wish)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    simulated = {"kind": "simulated"}
    file = made("/v1/files?name=part.gcode", content=b"G28\n" * 100)
    printer = made("/v1/printers", json={"id": "sim1", "name": "Sim", "connection": simulated})
    chore = {"what": "rods", "every_h": 300}
    return {
        "printer": printer,
        "chore": made(f"/v1/printers/{printer}/maintenance", json=chore),
        "file": file,
        "print": "none-was-begun",
        "plan": farm.ask("POST", "/v1/schedule/plans", json={"seconds": 0.5}).json()["id"],
        "spool": made("/v1/spools", json={"material": "PLA"}),
        "job": made("/v1/jobs", json={"file": file, "hold": True}),
        "order": made("/v1/orders", json={"reference": "4711"}),
        "user": made("/v1/users", json={"username": "ben", "password": "three or four", "role": "viewer"}),
        "key": made("/v1/keys", json={"name": "spare", "scopes": ["read"]}),
    }


def as_its_owner(document):
    """The description as if nobody had to show who they are: every request here has its owner's key."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["security"] = []
    return document


SCHEMA = schemathesis.openapi.from_dict(as_its_owner(openapi.document(ALL, "fuzzed")))
OPERATIONS = sorted(
    (found.ok() for found in SCHEMA.get_all_operations()),
    key=lambda operation: operation.method == "delete",  # last, or the others find nothing
)


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_whatever_is_asked_is_answered_as_it_is_described(farm, things, operation):
    tries = 2 if operation.definition.raw["operationId"] in SLOW else TRIES
    for mode in GenerationMode:
        fuzz(farm, operation, mode, tries, None)
        if "{" in operation.path:
            fuzz(farm, operation, mode, tries, things)


def test_nothing_of_it_met_a_mistake_of_the_farms_own(farm):
    assert farm.ask("GET", "/v1/health").status_code == 200
    log = farm.log.read_text() if farm.log.exists() else ""
    for trouble in ("request failed", "operation failed", "Traceback"):
        assert trouble not in log


def fuzz(farm, operation, mode, tries, things):
    """Send so many requests to an operation. things: by the names of path parameters, for those that are."""
    names = [parameter.name for parameter in operation.path_parameters]
    path = None if things is None else {name: things[name] for name in names}
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS

    @settings(
        max_examples=tries,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path))
    def send(case):
        response = case.call(base_url=farm.url, headers=farm.headers, timeout=30)
        case.validate_response(response, checks=checks)

    with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a request that says nothing
        send()
