"""The pages: there for anybody, whole, and under a policy that lets nothing foreign run."""

from __future__ import annotations

import re
from html import unescape

import pytest

from farm.web import pages
from farm.web.pages import FOLDER, KINDS, POLICY

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = ("/", "/login", "/setup")
REFERENCE = re.compile(r'(?:href|src)="([^"#]+)"')
IMPORT = re.compile(r"""(?:from|import)\s*["']([^"']+)["']""")

FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=|dangerously"
)


async def set_up(farm):
    await farm.gate.setup(farm.code, "ann", "three or four words", "10.0.0.9", session=True)


@pytest.mark.parametrize("address", PAGES)
async def test_a_page_is_served_with_all_it_needs(farm, address):
    if address == "/login":
        await set_up(farm)
    page = await farm.http.get(address, headers=BROWSER)

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    parts = REFERENCE.findall(page.text)
    assert len(parts) > 3
    for part in parts:
        assert (await farm.http.get(part)).status_code == 200, part


@pytest.mark.parametrize("address", [*PAGES, "/page/app.js", "/page/style/base.css", "/page/icon.svg"])
async def test_nothing_inline_and_nothing_from_elsewhere_may_run(farm, address):
    answer = await farm.http.get(address, headers=BROWSER, follow_redirects=True)

    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in POLICY
    assert "unsafe" not in POLICY


def test_no_page_and_no_script_writes_markup_or_code_from_text():
    for file in FOLDER.rglob("*"):
        if file.suffix == ".html":
            assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", file.read_text("utf-8")), file.name
        elif file.suffix == ".js" and file.parent.name != "vendor":
            assert not FORBIDDEN.search(file.read_text("utf-8")), file.name


def test_every_file_of_the_folder_is_a_page_or_is_served_and_nothing_else_is():
    lying = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}

    assert {name for name in lying if not name.endswith(".html")} == set(pages.parts())
    whole = {"index.html", "login.html", "setup.html", "docs.html"}
    assert {name for name in lying if name.endswith(".html")} == whole


def test_every_import_of_a_module_names_a_file_that_is_there():
    for file in FOLDER.rglob("*.js"):
        for target in IMPORT.findall(file.read_text("utf-8")):
            assert target.startswith("."), f"{file.name}: a browser finds no module {target}"
            assert (file.parent / target).resolve().is_file(), f"{file.name} imports {target}"


def test_every_module_is_used():
    modules = {file.resolve() for file in FOLDER.rglob("*.js") if file.parent != FOLDER}
    used = {
        (file.parent / target).resolve()
        for file in FOLDER.rglob("*.js")
        for target in IMPORT.findall(file.read_text("utf-8"))
    }

    assert modules - used == set()


@pytest.mark.parametrize(
    ("name", "kind"), [("app.js", ".js"), ("style/base.css", ".css"), ("icon.svg", ".svg")]
)
async def test_a_part_is_sent_once_and_then_only_asked_after(farm, name, kind):
    first = await farm.http.get(f"/page/{name}")
    again = await farm.http.get(f"/page/{name}", headers={"If-None-Match": first.headers["etag"]})
    other = await farm.http.get(f"/page/{name}", headers={"If-None-Match": '"something else"'})

    assert first.content == (FOLDER / name).read_bytes()
    assert first.headers["content-type"] == f"{KINDS['.' + name.rpartition('.')[2]]}; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize(
    "address",
    ["/page/", "/page/nothing.js", "/page/index.html", "/page/../pages.py", "/page/..%2Fpages.py",
     "/page/%2E%2E/pages.py", "/page/core", "/page/vendor/../app.js%00"],
)  # fmt: skip
async def test_no_address_reaches_another_file(farm, address):
    stream = await farm.raw(f"GET {address} HTTP/1.1\r\nHost: farm\r\nConnection: close\r\n\r\n".encode())

    answer = await stream.receive_some(65536)

    assert answer.startswith(b"HTTP/1.1 404"), answer


async def test_the_front_is_a_page_for_browsers_and_a_sentence_for_programs(farm):
    page = await farm.http.get("/", headers=BROWSER)
    told = await farm.http.get("/")
    again = await farm.http.get("/", headers={**BROWSER, "If-None-Match": page.headers["etag"]})

    assert page.headers["vary"] == told.headers["vary"] == "Accept"
    assert "printer farm 1.2.3 runs" in told.text
    assert again.status_code == 304
    data = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', page.text))
    assert data == {"version": "1.2.3", "endings": unescape(data["endings"]), "max-upload": "2000000",
                    "undo-s": "15", "idle-s": "43200"}  # fmt: skip
    assert ".gcode" in data["endings"].split(",")


async def test_the_modules_are_fetched_at_once(farm):
    page = await farm.http.get("/", headers=BROWSER)

    preloaded = set(re.findall(r'<link rel="modulepreload" href="/page/([^"]+)">', page.text))
    assert preloaded == {name for name in pages.parts() if name.endswith(".js") and "/" in name}


async def test_the_door_is_the_set_up_page_until_there_is_somebody(farm):
    before = [await farm.http.get(address) for address in ("/login", "/setup")]
    await set_up(farm)
    after = [await farm.http.get(address) for address in ("/login", "/setup")]

    assert [(door.status_code, door.headers.get("location")) for door in before] == [
        (303, "/setup"),
        (200, None),
    ]
    assert [(door.status_code, door.headers.get("location")) for door in after] == [
        (200, None),
        (303, "/login"),
    ]
