"""The description of the API, and the routes it is made from."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Annotated

import pytest
import schemathesis
from msgspec import Struct
from quart import Response

from farm.access.rights import Action
from farm.web import docs_page, openapi
from farm.web.app import ALL
from farm.web.contract import PART, Created, Page, Sends, Told
from farm.web.routes import Call, Entry, Route

DOCUMENT = openapi.document(ALL, "test")


class Wish(Struct, forbid_unknown_fields=True):
    """What is wished."""

    name: str


async def good(call: Call, thing: str, sent: Wish) -> Created[Wish]:
    """Make a thing."""


async def mute(call: Call) -> Wish:  # says nothing about itself
    pass


async def bare(call: Call) -> Response:
    """Answers whatever it likes."""


async def untyped(call: Call, sent) -> Wish:
    """Takes whatever it likes."""


async def shapeless(call: Call) -> dict:
    """Answers whatever it likes, as a dictionary."""


async def astray(call: Call, other: str) -> Wish:
    """Takes a part of the address that is not in it."""


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("/v1/things", mute),
        ("/v1/things", bare),
        ("/v1/things", untyped),
        ("/v1/things", shapeless),
        ("/v1/things", astray),
        ("/v1/things", good),  # its address lacks the thing
        ("/v1/things/<thing>/<other>", good),  # and has one too many here
    ],
)
def test_route_that_does_not_say_what_it_takes_and_answers_cannot_be_made(rule, answer):
    with pytest.raises(TypeError, match="/v1/things"):
        Route("POST", rule, answer, Entry.KNOWN)


def test_route_says_it_by_its_signature_alone():
    route = Route("POST", "/v1/things/<thing>", good, Action.QUEUE)
    told = openapi.document([route], "1")["paths"]["/v1/things/{thing}"]["post"]

    assert (told["operationId"], told["summary"]) == ("good", "Make a thing")
    assert "queue or change jobs" in told["description"]
    assert [parameter["name"] for parameter in told["parameters"]] == ["thing", "dry_run", "Idempotency-Key"]
    assert told["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Wish"
    }
    assert list(told["responses"]) == [
        "201", "401", "403", "404", "408", "409", "413", "415", "422", "429", "500", "503", "507",
    ]  # fmt: skip


def test_answers_of_every_kind_are_told_apart():
    async def several(call: Call) -> Created[Wish] | Told[Wish] | None:
        """Several statuses."""

    async def listed(call: Call) -> Page[Wish]:
        """A list."""

    async def sent(call: Call) -> Annotated[Response, Sends(("image/png",), kept=True)]:
        """No JSON."""

    several.__annotations__, listed.__annotations__, sent.__annotations__ = (
        {"call": Call, "return": Created[Wish] | Told[Wish] | None},
        {"call": Call, "return": Page[Wish]},
        {"call": Call, "return": Annotated[Response, Sends(("image/png",), kept=True)]},
    )
    routes = [Route("GET", f"/v1/{one.__name__}", one, Entry.PUBLIC) for one in (several, listed, sent)]
    paths = openapi.document(routes, "1")["paths"]

    def answers(path):
        return {
            status: list(told.get("content", {}))
            for status, told in paths[path]["get"]["responses"].items()
            if "$ref" not in told
        }

    assert answers("/v1/several") == {"200": ["application/json"], "201": ["application/json"], "204": []}
    assert answers("/v1/sent") == {"200": ["image/png"], "304": []}
    listed_as = paths["/v1/listed"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert listed_as == {"$ref": "#/components/schemas/WishPage"}


def test_every_route_of_ours_is_described_once_and_can_be_used():
    ours = {(route.method.lower(), PART.sub(r"{\g<name>}", route.rule)) for route in ALL if route.contract}
    told = {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]

    assert told == ours
    assert len(names) == len(set(names))
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    assert len([found.ok() for found in schema.get_all_operations()]) == len(names)


def test_everything_that_is_referred_to_is_there():
    def refs(value):
        if isinstance(value, dict):
            yield from ([value["$ref"]] if "$ref" in value else [])
            yield from (ref for inner in value.values() for ref in refs(inner))
        elif isinstance(value, list):
            yield from (ref for inner in value for ref in refs(inner))

    found = set(refs(DOCUMENT))

    assert found
    for ref in found:
        _, _, kind, name = ref.split("/")
        assert name in DOCUMENT["components"][kind]


class Reader(HTMLParser):
    """Keeps what a page links to and what it names."""

    def __init__(self):
        super().__init__()
        self.links, self.ids, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name == "href"]
        self.ids += [value for name, value in attrs if name == "id"]
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_for_people_shows_all_of_it_and_leads_nowhere_wrong():
    reader = Reader()
    reader.feed(docs_page.markup(DOCUMENT))

    operations = {told["operationId"] for path in DOCUMENT["paths"].values() for told in path.values()}
    assert operations | set(DOCUMENT["components"]["schemas"]) <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert reader.open == []


def test_words_of_the_description_are_text_and_no_markup():
    hostile = '<script>alert("x")</script>'
    document = openapi.document([Route("POST", "/v1/things/<thing>", good, Entry.PUBLIC)], hostile)
    operation = document["paths"]["/v1/things/{thing}"]["post"]
    operation["summary"] = operation["description"] = document["info"]["description"] = hostile
    operation["parameters"][0]["name"] = hostile

    assert "<script" not in docs_page.markup(document)
