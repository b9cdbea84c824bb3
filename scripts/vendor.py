"""Brings the page's libraries from npm into farm/web/page/vendor, so that nobody else needs npm.

    python3 scripts/vendor.py            after a version in LIBRARIES changed
    python3 scripts/vendor.py --check    only say whether what lies there is what the manifest says

Needs `npm` on the PATH. Each file is taken as its maker built it; only the names of the modules it imports
become relative paths, because a browser knows no other, and the pointer to a source map that we leave out
goes. The manifest beside the files says where each came from, under which licence, and its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import environment
from scripts.environment import CHECKOUT, EnvironmentFailed

VENDOR = CHECKOUT / "farm" / "web" / "page" / "vendor"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Library:
    """One npm package. files: by the name of a module, its file in the package."""

    package: str
    version: str
    files: dict[str, str]


LIBRARIES = (
    Library("preact", "11.2.0", {"preact": "dist/preact.mjs", "preact/hooks": "hooks/dist/hooks.mjs"}),
    Library("htm", "3.1.1", {"htm": "dist/htm.mjs"}),
    Library("@preact/signals-core", "1.14.5", {"@preact/signals-core": "dist/signals-core.mjs"}),
    Library("@preact/signals", "2.11.4", {"@preact/signals": "dist/signals.mjs"}),
)

_IMPORT = re.compile(r"""((?:from|import)\s*)(["'])([^"'./][^"']*)\2""")
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")


def main(arguments: list[str]) -> int:
    """Renews the folder, or checks it."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    if arguments == ["--check"]:
        wrong = problems(VENDOR)
        print("\n".join(wrong) or "every vendored file is as the manifest says")
        return 1 if wrong else 0
    if arguments:
        raise EnvironmentFailed(f"vendor.py knows --check and --help, not {' '.join(arguments)}")
    if shutil.which("npm") is None:
        raise EnvironmentFailed("`npm` is not on the PATH. Install Node.js and run this again.")
    with tempfile.TemporaryDirectory(prefix="farm-vendor-") as folder:
        entries = [entry for library in LIBRARIES for entry in _fetch(library, Path(folder))]
    _write(VENDOR / MANIFEST, json.dumps(entries, indent=2) + "\n")
    wrong = problems(VENDOR)
    if wrong:
        raise EnvironmentFailed("\n".join(wrong))
    return 0


def problems(folder: Path) -> list[str]:
    """What in the folder is not as its manifest says, a sentence each."""
    entries = json.loads((folder / MANIFEST).read_text("utf-8"))
    known = {MANIFEST, *(entry["file"] for entry in entries), *(entry["licence_file"] for entry in entries)}
    found = [f"{path.name}: not in the manifest" for path in folder.iterdir() if path.name not in known]
    for entry in entries:
        path = folder / entry["file"]
        if not path.exists():
            found.append(f"{entry['file']}: missing")
        elif _sha256(path.read_bytes()) != entry["sha256"]:
            found.append(f"{entry['file']}: changed since it was vendored")
        if not (folder / entry["licence_file"]).exists():
            found.append(f"{entry['licence_file']}: missing")
    return found


def file_name(module: str) -> str:
    """What a module is called in the folder: `preact/hooks` is `preact-hooks.js`."""
    return module.removeprefix("@").replace("/", "-") + ".js"


def rewritten(source: str, modules: Iterable[str]) -> str:
    """A module that a browser can load as it lies: bare imports become relative, the source map goes.

    Raises EnvironmentFailed for an import of something that is not vendored.
    """
    known = frozenset(modules)

    def relative(match: re.Match[str]) -> str:
        if match[3] not in known:
            raise EnvironmentFailed(f"a library imports {match[3]}, which is not among LIBRARIES")
        return f"{match[1]}{match[2]}./{file_name(match[3])}{match[2]}"

    return _SOURCE_MAP.sub("\n", _IMPORT.sub(relative, source))


def _fetch(library: Library, folder: Path) -> list[dict[str, Any]]:
    """Brings one library's files; the manifest's entries for them."""
    environment.say(f"fetching {library.package} {library.version}")
    asked = f"{library.package}@{library.version}"
    packed = subprocess.run(
        ["npm", "pack", asked, "--json", "--pack-destination", str(folder)],
        stdout=subprocess.PIPE,
        check=False,
    )
    if packed.returncode != 0:
        raise EnvironmentFailed(f"npm did not bring {asked}; it said why above.")
    (told,) = json.loads(packed.stdout)
    modules = [module for each in LIBRARIES for module in each.files]
    with tarfile.open(folder / told["filename"]) as archive:
        about = json.loads(_read(archive, "package.json"))
        licence_file = f"LICENSE-{file_name(library.package).removesuffix('.js')}.txt"
        _write(VENDOR / licence_file, _read(archive, "LICENSE"))
        entries = []
        for module, source in library.files.items():
            text = rewritten(_read(archive, source), modules)
            _write(VENDOR / file_name(module), text)
            entries.append(
                {
                    "file": file_name(module),
                    "package": library.package,
                    "version": library.version,
                    "source": source,
                    "licence": about["license"],
                    "licence_file": licence_file,
                    "integrity": told["integrity"],
                    "sha256": _sha256(text.encode()),
                }
            )
    return entries


def _read(archive: tarfile.TarFile, name: str) -> str:
    member = archive.extractfile(f"package/{name}")
    if member is None:
        raise EnvironmentFailed(f"the package holds no {name}")
    return member.read().decode("utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    environment.run_script(main)
