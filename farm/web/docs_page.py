"""The description of the API as markup for people. Pure: the OpenAPI document in, text out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_FORMATS = {"date-time": "time, ISO 8601 in UTC", "binary": "the file's bytes"}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters or fewer",
    "minItems": "{} of them or more",
    "maxItems": "{} of them or fewer",
}


def markup(document: Json) -> str:
    """All operations by area, then the shapes of what they take and answer."""
    areas: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            areas.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    shapes = document["components"]["schemas"]
    return "".join(
        (
            _prose(document["info"]["description"]),
            _contents([*areas, "shapes"]),
            *(_section(area, "".join(operations)) for area, operations in areas.items()),
            _section("shapes", "".join(_shape(name, shape) for name, shape in shapes.items())),
        )
    )


def _contents(areas: Iterable[str]) -> str:
    links = "".join(f'<li><a href="#area-{escape(area)}">{escape(area)}</a></li>' for area in areas)
    return f'<nav aria-label="Areas"><ul class="areas">{links}</ul></nav>'


def _section(name: str, content: str) -> str:
    id, words = f"area-{escape(name)}", escape(name)
    return f'<section aria-labelledby="{id}"><h2 id="{id}">{words}</h2>{content}</section>'


def _operation(method: str, path: str, operation: Json) -> str:
    parts = (
        _prose(operation["description"]),
        _table("It takes", map(_parameter, operation["parameters"])),
        _body(operation.get("requestBody")),
        _table("It answers", _answers(operation["responses"])),
    )
    return (
        f'<details class="operation" id="{escape(operation["operationId"])}">'
        f'<summary><span class="method">{method.upper()}</span> <code>{escape(path)}</code> '
        f"<span>{escape(operation['summary'])}</span></summary>{''.join(parts)}</details>"
    )


def _parameter(parameter: Json) -> tuple[str, str, str]:
    where = {"path": "in the address", "query": "behind the question mark", "header": "as a header"}
    needed = ", needed" if parameter.get("required") else ""
    words = f"{where[parameter['in']]}{needed}. {parameter.get('description', '')}"
    return f"<code>{escape(parameter['name'])}</code>", _type(parameter["schema"]), escape(words.strip())


def _body(body: Json | None) -> str:
    if body is None:
        return ""
    choices = " or ".join(
        f"<code>{escape(media)}</code>: {_type(content['schema'])}"
        for media, content in body["content"].items()
    )
    return f"<p>The body{'' if body['required'] else ', if there is one'}: {choices}</p>"


def _answers(responses: Json) -> Iterator[tuple[str, str, str]]:
    refusals = []
    for status, response in responses.items():
        if "$ref" in response:
            refusals.append(status)
            continue
        shapes = " or ".join(_type(content["schema"]) for content in response.get("content", {}).values())
        headers = ", ".join(f"<code>{escape(name)}</code>" for name in response.get("headers", {}))
        yield status, shapes or "nothing", f"with {headers}" if headers else ""
    yield ", ".join(refusals), _type({"$ref": "#/components/schemas/Problem"}), "why not, in a sentence"


def _shape(name: str, shape: Json) -> str:
    needed = shape.get("required", ())
    rows = (
        (f"<code>{escape(field)}</code>", _type(schema), "always" if field in needed else "may be left out")
        for field, schema in shape.get("properties", {}).items()
    )
    told = _table("Its fields", rows) if shape.get("properties") else f"<p>{_type(shape)}</p>"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>{_prose(shape.get("description", ""))}{told}'


def _table(caption: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td>{kind}</td><td>{words}</td></tr>' for name, kind, words in rows
    )
    return f'<div class="wide"><table><caption>{caption}</caption>{lines}</table></div>' if lines else ""


def _type(schema: Json) -> str:
    """What may stand in a place, in words; a link where it is a shape of its own."""
    if "prefixItems" in schema:
        return "[" + ", ".join(_type(item) for item in schema["prefixItems"]) + "]"
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}{_limits(schema)}"
    if kind == "object":
        return _object(schema)
    words = _FORMATS.get(schema.get("format", "")) or _WORDS.get(str(kind), str(kind or "anything"))
    return escape(words) + _limits(schema)


def _object(schema: Json) -> str:
    inner = schema.get("additionalProperties")
    if isinstance(inner, Mapping):
        return f"object, each of its values {_type(inner)}"
    fields = ", ".join(
        f"<code>{escape(name)}</code>: {_type(field)}" for name, field in schema.get("properties", {}).items()
    )
    return f"object with {fields}" if fields else "object"


def _limits(schema: Json) -> str:
    told = [words.format(schema[limit]) for limit, words in _LIMITS.items() if limit in schema]
    if "default" in schema:
        told.append(f"{json.dumps(schema['default'])} if left out")
    return f" ({escape(', '.join(told))})" if told else ""


def _prose(text: str) -> str:
    """Paragraphs, and lists of lines that begin with a star; `code` between backticks."""
    return "".join(map(_paragraph, filter(None, text.split("\n\n"))))


def _paragraph(text: str) -> str:
    lead, *items = re.split(r"(?:^|\n)\* ", text)
    points = "".join(f"<li>{_inline(item)}</li>" for item in items)
    listed = f'<ul class="points">{points}</ul>' if points else ""
    return (f"<p>{_inline(lead)}</p>" if lead else "") + listed


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
