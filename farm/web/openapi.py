"""The API described in its own words: OpenAPI 3.1, made from the table of routes and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec

from farm.access.rights import Action
from farm.web import idempotency
from farm.web.contract import PART, Contract, Sends
from farm.web.credentials import COOKIE, CSRF_HEADER, SAFE
from farm.web.problems import MEDIA, Problem
from farm.web.routes import DRY_RUN, Entry, Route

Json: TypeAlias = dict[str, Any]

_REF = "#/components/schemas/{name}"

REFUSALS: Mapping[int, str] = {
    401: "Nobody knows who is asking: no credentials, or wrong or ended ones.",
    403: "The asker may not do this, or a page did not send its CSRF token along.",
    404: "There is nothing of this name, or the asker may not know that there is.",
    408: "The body came too slowly.",
    409: "It cannot be done now, because of the state something is in.",
    412: "Somebody has changed it since the version in `If-Match`.",
    413: "The body is larger than this farm takes.",
    415: "The body is of a type that is not taken here.",
    416: "There is nothing of it where the part that was asked for would be.",
    422: "The request is wrong; `errors` names the field.",
    429: "Asked too often; try again after `Retry-After` seconds.",
    500: "A mistake of the farm's own; its log says more under the reference given.",
    502: "The printer's host does not answer, or not as it should.",
    503: "A part of the farm is busy or away for a moment; try again.",
    507: "The shop PC's disk is full.",
}
"""What each status means with which a request may be refused."""

_ABOUT = """The printer farm's own API. JSON in and out; problems are `application/problem+json` (RFC 9457)
with a sentence for people in `detail` and, where a field is to blame, its name in `errors`.

* Times are ISO 8601 in UTC, durations in seconds, temperatures in degrees Celsius, lengths in
  millimetres. What the farm does not know is null.
* Lists answer `{"items": [...], "next": cursor or null}`; ask again with `?cursor=` for what follows.
* Unknown fields and parameters are refused, with the nearest known name.
* What happens is told on the WebSocket `/v1/live`, or by long poll at `/v1/events`."""

_SECURITY: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key."},
    "page": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A page's session."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "Goes along with a page's session on everything that changes something.",
    },
}

_HEADERS: Mapping[str, str] = {
    "ETag": "Names the version, for `If-Match`.",
    "Location": "Where the new thing is.",
    "Retry-After": "Seconds to wait before asking again.",
    "WWW-Authenticate": "Bearer.",
}


def document(routes: Sequence[Route], version: str) -> Json:
    """The description of these routes; those without a contract are left out."""
    described = [(route, route.contract) for route in routes if route.contract is not None]
    shapes = _Shapes([contract for _, contract in described])
    paths: dict[str, Json] = {}
    for route, contract in described:
        path = paths.setdefault(PART.sub(r"{\g<name>}", route.rule), {})
        path[route.method.lower()] = _operation(route, contract, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Printer farm", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "securitySchemes": _SECURITY,
            "responses": {f"{status}": _refusal(status, shapes) for status in sorted(REFUSALS)},
        },
    }


def refusals(route: Route) -> list[int]:
    """The statuses with which a request to this route may be refused."""
    found = {422, 500, 503, *route.also}
    if route.needs is not Entry.PUBLIC:
        found |= {401, 403}
    if PART.search(route.rule):
        found |= {404}
    if route.writes:
        found |= {408, 409, 413, 415, 507}
    if route.minds_version:
        found |= {412}
    if route.takes_key:
        found |= {429}
    return sorted(found)


def _operation(route: Route, contract: Contract, shapes: _Shapes) -> Json:
    operation: Json = {
        "operationId": route.answer.__name__,
        "summary": contract.summary.rstrip("."),
        "description": "\n\n".join(filter(None, (contract.details, _needs(route)))),
        "tags": [route.rule.split("/")[2].partition(".")[0]],
        "security": _security(route),
        "parameters": [*_path_parameters(route), *shapes.parameters(contract), *_terms(route)],
        "responses": {
            **{f"{status}": _answer(contract, status, shapes) for status in sorted(contract.answers)},
            **{f"{status}": {"$ref": f"#/components/responses/{status}"} for status in refusals(route)},
        },
    }
    body = _body(route, contract, shapes)
    if body is not None:
        operation["requestBody"] = body
    return operation


def _needs(route: Route) -> str:
    if route.needs is Entry.PUBLIC:
        return "Anybody may ask."
    if isinstance(route.needs, Action):
        return f"Needs the right to {route.needs}."
    return "Needs a credential; which right it takes hangs on what is asked for."


def _security(route: Route) -> list[Json]:
    if route.needs is Entry.PUBLIC:
        return []
    page: Json = {"page": []} if route.method in SAFE else {"page": [], "csrf": []}
    return [{"token": []}, {"key": []}, page]


def _path_parameters(route: Route) -> Iterator[Json]:
    for part in PART.finditer(route.rule):
        schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        yield {"name": part["name"], "in": "path", "required": True, "schema": schema}


def _terms(route: Route) -> Iterator[Json]:
    """On what terms a change can be asked for."""
    if route.writes and not route.untried:
        yield {
            "name": DRY_RUN,
            "in": "query",
            "description": "Answer what would happen, and change nothing. Identifiers would be others.",
            "schema": {"type": "boolean", "default": False},
        }
    if route.takes_key:
        yield {
            "name": idempotency.HEADER,
            "in": "header",
            "description": "A name for this request, such as a random UUID: sent again within 24 hours, it"
            " is not done again but answered as before.",
            "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST_KEY},
        }
    if route.minds_version:
        yield {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of what is to be changed: if it is another by now, it is left alone.",
            "schema": {"type": "string"},
        }


def _body(route: Route, contract: Contract, shapes: _Shapes) -> Json | None:
    if route.takes:
        return {"required": True, "content": {media: {"schema": _file(media)} for media in route.takes}}
    if contract.body is None:
        return None
    schema = shapes.of(contract.body)
    return {"required": contract.body_needed, "content": {"application/json": {"schema": schema}}}


def _file(media: str) -> Json:
    binary = {"type": "string", "format": "binary"}
    if media != "multipart/form-data":
        return binary
    return {"type": "object", "properties": {"file": binary}, "required": ["file"]}


def _sent(media: str) -> Json:
    return {"type": "object"} if media == "application/json" else _file(media)


def _answer(contract: Contract, status: int, shapes: _Shapes) -> Json:
    told: Json = {"description": HTTPStatus(status).phrase}
    answers = contract.answers[status]
    if answers and isinstance(answers[0], Sends):
        (sends,) = answers
        told["content"] = {media: {"schema": _sent(media)} for media in sends.media}
    elif answers:
        schemas = [shapes.of(shape) for shape in answers]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        told["content"] = {"application/json": {"schema": schema}}
    headers = contract.headers.get(status)
    if headers:
        told["headers"] = {name: _header(name, always=always) for name, always in headers.items()}
    return told


def _refusal(status: int, shapes: _Shapes) -> Json:
    headers = {401: "WWW-Authenticate", 429: "Retry-After"}
    refusal: Json = {
        "description": REFUSALS[status],
        "content": {MEDIA: {"schema": shapes.of(Problem)}},
    }
    if status in headers:
        refusal["headers"] = {headers[status]: _header(headers[status])}
    return refusal


def _header(name: str, *, always: bool = True) -> Json:
    return {"description": _HEADERS[name], "required": always, "schema": {"type": "string"}}


class _Shapes:
    """The schemas of all that is sent and answered."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        types = [Problem, *(shape for contract in contracts for shape in _types(contract))]
        schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
        self._schemas: dict[Any, Json] = {
            shape: _tidied(schema) for shape, schema in zip(types, schemas, strict=True)
        }
        self._queries: dict[Any, Json] = {}
        for query in {contract.query for contract in contracts if contract.query is not None}:
            _, found = msgspec.json.schema_components([query], ref_template=_REF)
            self._queries[query] = _tidied(found.pop(query.__name__))
            components |= found
        self.components = {_name(name): _tidied(components[name]) for name in sorted(components)}

    def of(self, shape: Any) -> Json:
        """The schema of a type that some route takes or answers."""
        return self._schemas[shape]

    def parameters(self, contract: Contract) -> Iterator[Json]:
        """What may stand behind the question mark."""
        if contract.query is None:
            return
        query = self._queries[contract.query]
        for name, schema in query["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "required": name in query.get("required", ()),
                "schema": schema,
            }


def _types(contract: Contract) -> Iterator[Any]:
    if contract.body is not None:
        yield contract.body
    for answers in contract.answers.values():
        yield from (shape for shape in answers if not isinstance(shape, Sends))


def _tidied(schema: Any) -> Any:
    """Without the marks of how it is written in Python."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidied(value) for key, value in schema.items()}
    if isinstance(tidy.get("$ref"), str):
        tidy["$ref"] = _name(tidy["$ref"])
    if isinstance(tidy.get("description"), str):
        tidy["description"] = inspect.cleandoc(tidy["description"])
    if isinstance(tidy.get("title"), str):
        tidy["title"] = re.sub(r"^(\w+)\[(?:.*\.)?(\w+)\]$", r"\2\1", tidy["title"])
    return tidy


def _name(name: str) -> str:
    """`JobPage` for the page of jobs that msgspec calls `Page_Job_`."""
    return re.sub(r"(\w+?)_(\w+)_$", r"\2\1", name)
