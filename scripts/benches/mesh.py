"""A model of 100 MB measured and drawn, in a process of its own, against trimesh loading it.

A bumpy ring of two million triangles, as binary STL; a fifth of it as OBJ and as 3MF. Ours gives box, volume,
holes, pieces, an estimate and a picture; trimesh, as it comes, box, volume and holes, and no picture. Each
run is a fresh process that reads a small model first, as a warm worker has: its processor time for the large
one, and the memory it has at most, the interpreter with NumPy and numba included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from scripts.benches.figure import Figure, Rival
from scripts.environment import CHECKOUT

MB = 1_000_000
SMALL_MODEL = CHECKOUT / "tests" / "data" / "models"
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

MEASURED = """
import json, re, resource, sys, time
{load}
def peak():
    if sys.platform == "linux":  # where the other figure counts what the parent had before this process began
        with open("/proc/self/status") as status:
            return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small, large = sys.argv[1:]
look(small)
begun = time.process_time()
found = look(large)
found["seconds"] = time.process_time() - begun
found["bytes"] = peak()
print(json.dumps(found))
"""

OURS = """
from pathlib import Path
from farm.domain.file import FileKind
from farm.files.analysis import analyse
def look(path):
    found = analyse(Path(path), FileKind(path.rpartition(".")[2]))
    result = found.result
    assert len(found.picture.data) > 1000 and result.watertight
    return {"triangles": result.triangles, "volume": result.volume_mm3}
"""

TRIMESH = """
import trimesh
def look(path):
    found = trimesh.load(path, force="mesh")
    found.bounds, found.is_watertight
    return {"triangles": len(found.faces), "volume": float(found.volume)}
"""


def run(quick: bool) -> list[Figure]:
    """Medians of several runs in turn."""
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        stl = _compared(_written(Path(folder) / "ring.stl", write_stl, 1000), "cube20_bin.stl", rounds)
        obj = _compared(_written(Path(folder) / "ring.obj", write_obj, 447), "cube20.obj", rounds)
        packed = _compared(_written(Path(folder) / "ring.3mf", write_3mf, 447), "cube20.3mf", rounds)
    goals = ("value<=2", "value<=400")
    return [*_figures("stl_100mb", *stl, *goals), *_figures("obj_20mb", *obj), *_figures("3mf_10mb", *packed)]


def ring(around: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A bumpy ring: corners of shape (around**2, 3), and twice as many faces of shape (…, 3)."""
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    u, v = np.meshgrid(turn, turn, indexing="ij")
    thick = 12 + 1.2 * np.sin(9 * u) * np.cos(7 * v) + 0.3 * np.sin(40 * u) * np.sin(33 * v)
    far = 40 + thick * np.cos(v)
    corners = np.stack([far * np.cos(u), far * np.sin(u), thick * np.sin(v) + 15], axis=-1).reshape(-1, 3)
    at = np.arange(around * around).reshape(around, around)
    on, over, across = np.roll(at, -1, 0), np.roll(at, -1, 1), np.roll(at, (-1, -1), (0, 1))
    faces = [np.stack(three, axis=-1).reshape(-1, 3) for three in ((at, on, across), (at, across, over))]
    return corners, np.concatenate(faces)


def write_stl(path: Path, corners: NDArray[np.float64], faces: NDArray[np.int64]) -> None:
    """Binary."""
    facets = np.zeros(len(faces), FACET)
    facets["corners"] = corners[faces]
    path.write_bytes(bytes(80) + len(facets).to_bytes(4, "little") + facets.tobytes())


def write_obj(path: Path, corners: NDArray[np.float64], faces: NDArray[np.int64]) -> None:
    """Six places behind the point, as most programs write them."""
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in corners.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in faces.tolist()]
    path.write_text("".join(lines))


def write_3mf(path: Path, corners: NDArray[np.float64], faces: NDArray[np.int64]) -> None:
    """One object, one item."""
    with zipfile.ZipFile(SMALL_MODEL / "cube20.3mf") as sample:
        others = {name: sample.read(name) for name in sample.namelist() if name != "3D/3dmodel.model"}
    vertices = "".join(f'<vertex x="{x:.6f}" y="{y:.6f}" z="{z:.6f}"/>' for x, y, z in corners.tolist())
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces.tolist())
    model = (
        '<model unit="millimeter" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">'
        f'<resources><object id="1" type="model"><mesh><vertices>{vertices}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object></resources>"
        '<build><item objectid="1"/></build></model>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in others.items():
            package.writestr(name, data)
        package.writestr("3D/3dmodel.model", model)


Writer = Callable[[Path, NDArray[np.float64], NDArray[np.int64]], None]


def _written(path: Path, write: Writer, around: int) -> Path:
    write(path, *ring(around))
    return path


def _compared(path: Path, small: str, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Ours and trimesh's medians over runs in turn. Both must have read the same."""
    pairs = [(_look(OURS, path, small), _look(TRIMESH, path, small)) for _ in range(rounds)]
    for ours, theirs in pairs:
        same_volume = abs(ours["volume"] / theirs["volume"] - 1) < 1e-4  # trimesh reckons in 32 bits
        if ours["triangles"] != theirs["triangles"] or not same_volume:
            raise RuntimeError(f"{path.suffix}: ours read {ours}, trimesh {theirs}")
    ours, theirs = (
        {name: median(pair[side][name] for pair in pairs) for name in ("seconds", "bytes")} for side in (0, 1)
    )
    return ours, theirs


def _look(load: str, path: Path, small: str) -> dict[str, float]:
    command = [sys.executable, "-c", MEASURED.format(load=load), str(SMALL_MODEL / small), str(path)]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _figures(
    name: str,
    ours: dict[str, float],
    theirs: dict[str, float],
    seconds_goal: str | None = None,
    memory_goal: str | None = None,
) -> list[Figure]:
    return [
        Figure(f"{name}_cpu", ours["seconds"], "s", Rival("trimesh", theirs["seconds"]), seconds_goal),
        Figure(
            f"{name}_memory",
            ours["bytes"] / 2**20,
            "MiB",
            Rival("trimesh", theirs["bytes"] / 2**20),
            memory_goal,
        ),
    ]
