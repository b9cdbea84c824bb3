"""The page's libraries lie there as their makers built them, with their licences."""

from __future__ import annotations

import json

import pytest

from scripts import vendor
from scripts.environment import EnvironmentFailed

ENTRIES = json.loads((vendor.VENDOR / vendor.MANIFEST).read_text("utf-8"))


def test_every_file_is_as_the_manifest_says():
    assert vendor.problems(vendor.VENDOR) == []


def test_the_manifest_names_the_pinned_versions_and_a_licence_for_each():
    pinned = {
        (library.package, library.version, vendor.file_name(module))
        for library in vendor.LIBRARIES
        for module in library.files
    }

    assert {(entry["package"], entry["version"], entry["file"]) for entry in ENTRIES} == pinned
    assert {entry["licence"] for entry in ENTRIES} == {"MIT", "Apache-2.0"}
    assert all(entry["integrity"].startswith("sha512-") for entry in ENTRIES)


def test_a_changed_a_missing_and_a_foreign_file_are_found(tmp_path):
    folder = tmp_path / "vendor"
    folder.mkdir()
    for path in vendor.VENDOR.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "preact.js").write_text("export const h = alert;")
    (folder / "htm.js").unlink()
    (folder / "more.js").write_text("")

    assert sorted(vendor.problems(folder)) == [
        "htm.js: missing",
        "more.js: not in the manifest",
        "preact.js: changed since it was vendored",
    ]


def test_imports_become_paths_a_browser_can_follow():
    source = (
        'import{h as t}from"preact";import{useRef}from "preact/hooks";export*from"@preact/signals-core";'
        'import"./beside.js";const from="preact";\n//# sourceMappingURL=signals.mjs.map\n'
    )

    assert vendor.rewritten(source, ["preact", "preact/hooks", "@preact/signals-core"]) == (
        'import{h as t}from"./preact.js";import{useRef}from "./preact-hooks.js";'
        'export*from"./preact-signals-core.js";import"./beside.js";const from="preact";\n'
    )
    with pytest.raises(EnvironmentFailed, match="lodash"):
        vendor.rewritten('import x from "lodash";', ["preact"])


def test_a_wrong_argument_is_said(capsys):
    with pytest.raises(EnvironmentFailed, match="--chekc"):
        vendor.main(["--chekc"])
    assert vendor.main(["--check"]) == 0
    assert "as the manifest says" in capsys.readouterr().out
