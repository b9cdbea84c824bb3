"""Holds every answer of the farm's own API against its description."""

from __future__ import annotations

from functools import cache

import jsonschema_rs
from werkzeug.exceptions import HTTPException

from farm.web import openapi
from farm.web.app import ALL
from farm.web.contract import PART

DOCUMENT = openapi.document(ALL, "test")
PROBLEM = "application/problem+json"


def check(app, response):
    """Raise AssertionError where an answer under /v1 is not what the description says."""
    request = response.request
    if not request.url.path.startswith("/v1/"):
        return
    operation = _operation(app, request)
    media = response.headers.get("content-type", "")
    if response.status_code >= 400:
        assert media == PROBLEM, (request, response.text)
        _PROBLEM.validate(response.json())
        assert response.json()["status"] == response.status_code
    if operation is None:
        assert response.status_code in (404, 405), (request, response.text)
        return
    name, described = operation
    status = str(response.status_code)
    assert status in described["responses"], (name, "does not say that it may answer", status, response.text)
    told = described["responses"][status]
    for header, header_described in told.get("headers", {}).items():
        assert header in response.headers or not header_described["required"], (name, header)
    if "$ref" in told or request.method == "HEAD" or response.status_code == 304:
        return
    content = told.get("content", {})
    assert media in content if media else not content, (name, status, media)
    if media == "application/json":
        _validator(*name, status).validate(response.json())


def _operation(app, request):
    """(method, path) and the operation behind a request; None where no route is for it."""
    urls = app.url_map.bind("127.0.0.1")
    try:
        rule, _ = urls.match(request.url.path, method=request.method, return_rule=True)
    except HTTPException:
        return None
    method = "GET" if request.method == "HEAD" else request.method
    path = PART.sub(r"{\g<name>}", rule.rule)
    if path not in DOCUMENT["paths"]:
        return None
    return (method, path), DOCUMENT["paths"][path][method.lower()]


@cache
def _validator(method, path, status):
    told = DOCUMENT["paths"][path][method.lower()]["responses"][status]
    return _validating(told["content"]["application/json"]["schema"])


def _validating(schema):
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


_PROBLEM = _validating({"$ref": "#/components/schemas/Problem"})
