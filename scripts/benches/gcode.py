"""G-code of 40 and 200 MB read for all that is known of it, against others in the same run.

The text is a real file over and over again, as if its parts were printed one after the other, so what has to
come out is known: as many times the moves, the layers and the seconds. Each run of ours is a fresh process
that reads a small file first, as a warm worker has, and then the large one; nothing is kept between runs but
the compiled kernels. Rates are of the file's megabytes to processor time and to time on the wall; a busy
machine lengthens the second. OctoPrint, without the pauses it makes in a server, and Printrun read a tenth of
the text.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scripts import environment
from scripts.benches.figure import Figure, Rival, alternating
from scripts.environment import CHECKOUT, EnvironmentFailed
from scripts.test import PEER_LOCKS, locked_version, set_up_octoprint

MB = 1_000_000
GCODE = CHECKOUT / "tests" / "data" / "gcode"
SAMPLE = GCODE / "ps292gui_calib20_thumbs.gcode"  # with a picture: none has to be drawn
ARCS = GCODE / "ps292_cyl_arc_marlin2.gcode"

EXPECTED = {  # by tests/files/gcode/test_corpus.py; the seconds are those of our model
    SAMPLE: {"moves": 14727, "layers": 66, "motion": 1680.38},
    ARCS: {"moves": 5394, "layers": 125, "motion": 1685.51},
}


OURS = """
import json, re, resource, sys, time
from pathlib import Path
from farm.domain.file import FileKind
from farm.files.analysis import analyse
def peak():
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small, large, times = sys.argv[1:]
analyse(Path(small), FileKind.GCODE)
floor, begun = peak(), []
for _ in range(int(times)):
    wall, processor = time.perf_counter(), time.process_time()
    found = analyse(Path(large), FileKind.GCODE).result
    begun.append((time.perf_counter() - wall, time.process_time() - processor))
print(json.dumps({
    "wall": min(one for one, _ in begun), "processor": min(other for _, other in begun),
    "extra": peak() - floor,
    "moves": found.moves, "layers": found.layers.count, "motion": found.time_s.motion,
}))
"""

OCTOPRINT = """
import json, sys, time
from octoprint.util.gcodeInterpreter import gcode
reader, begun = gcode(), time.process_time()
reader.load(sys.argv[1], throttle=None)
print(json.dumps({"processor": time.process_time() - begun, "mm": reader.extrusionAmount[0]}))
"""

PRINTRUN = """
import json, sys, time
from printrun.gcoder import GCode
begun = time.process_time()
with open(sys.argv[1]) as file:
    read = GCode(file)
print(json.dumps({"processor": time.process_time() - begun, "mm": read.filament_length}))
"""

Result = dict[str, float]


def run(quick: bool) -> list[Figure]:
    """Medians of several runs in turn."""
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        large, tenth, huge, arcs = (
            _repeated(Path(folder) / f"{name}.gcode", sample, size)
            for name, sample, size in (
                ("large", SAMPLE, 40),
                ("tenth", SAMPLE, 4),
                ("huge", SAMPLE, 200),
                ("arcs", ARCS, 40),
            )
        )
        _ours(tenth)  # compiles what is to be compiled
        return [
            *_against(large, tenth, rounds),
            _rate("gcode_40mb_rate_wall", large, "wall", rounds, "value>=250"),
            _rate("gcode_40mb_arcs_and_picture_rate", arcs, "processor", rounds, times=1),
            _memory(huge),
            Figure(
                "gcode_40mb_fresh_worker", median(_fresh(large) for _ in range(rounds)), "s", goal="value<=1"
            ),
        ]


@dataclass(frozen=True, slots=True)
class Text:
    """A real file, over and over. times: how often it stands there."""

    path: Path
    sample: Path
    times: int
    megabytes: float


def _repeated(path: Path, sample: Path, megabytes: int) -> Text:
    once = sample.read_bytes()
    times = megabytes * MB // len(once) + 1
    with path.open("wb") as file:
        for _ in range(times):
            file.write(once)
    return Text(path, sample, times, times * len(once) / MB)


def _ours(text: Text, times: int = 5) -> Result:
    """The best of some times in one process; what it found has to be that many times the sample."""
    found = _run([sys.executable, "-c", OURS, str(text.sample), str(text.path), str(times)])
    once = EXPECTED[text.sample]
    for name in ("moves", "layers", "motion"):
        if abs(found[name] / (once[name] * text.times) - 1) > 0.001:
            raise RuntimeError(f"{text.path.name}: {name} is {found[name]}, not {text.times} x {once[name]}")
    return found


@dataclass(frozen=True, slots=True)
class Reader:
    """Another program that reads G-code. package: with whose lock; code: how it does, in its own Python."""

    name: str
    package: str
    set_up: Callable[[], Path]
    code: str
    goal: str


def _octoprint() -> Path:
    program = Path(os.environ.get("FARM_OCTOPRINT") or set_up_octoprint())
    return program.with_name("python.exe" if os.name == "nt" else "python")


def _printrun() -> Path:
    """Its reader alone, compiled by its makers: what windows and printers take is left out."""
    lock = PEER_LOCKS / "printrun.txt"
    python = f"py{sys.version_info[0]}.{sys.version_info[1]}"
    folder = environment.cache_folder() / f"printrun-{locked_version(lock, 'printrun')}-{python}"
    apart = environment.Environment(folder, (lock,))
    options = ("--no-deps", "--only-binary=:all:")
    environment.prepare(apart, install=lambda it: environment.pip_install(it, *options))
    return apart.interpreter


READERS = (
    Reader("OctoPrint", "octoprint", _octoprint, OCTOPRINT, "ratio>=70"),
    Reader("Printrun", "printrun", _printrun, PRINTRUN, "ratio>=40"),
)


def _against(text: Text, tenth: Text, rounds: int) -> list[Figure]:
    """Our rate beside that of each other reader, in turn; alone where there is none."""
    figures = []
    for reader in READERS:
        try:
            figures.append(_beside(reader, reader.set_up(), text, tenth, rounds))
        except EnvironmentFailed as problem:
            print(f"no {reader.name} to compare with: {problem}", file=sys.stderr)
    return figures or [_rate("gcode_40mb_rate", text, "processor", rounds)]


def _beside(reader: Reader, interpreter: Path, text: Text, tenth: Text, rounds: int) -> Figure:
    def ours() -> float:
        return text.megabytes / _ours(text)["processor"]

    def theirs() -> float:
        found = _run([str(interpreter), "-c", reader.code, str(tenth.path)])
        return tenth.megabytes / found["processor"]

    rates = alternating(ours, theirs, rounds)
    rival = Rival(
        f"{reader.name} {locked_version(PEER_LOCKS / f'{reader.package}.txt', reader.package)}", rates[1]
    )
    name = "gcode_40mb_rate" if reader is READERS[0] else f"gcode_40mb_rate_and_{reader.package}"
    return Figure(name, rates[0], "MB/s", rival, reader.goal)


def _rate(name: str, text: Text, of: str, rounds: int, goal: str | None = None, times: int = 5) -> Figure:
    return Figure(
        name, median(text.megabytes / _ours(text, times)[of] for _ in range(rounds)), "MB/s", goal=goal
    )


def _memory(text: Text) -> Figure:
    """Over what a warm process has before."""
    return Figure("gcode_200mb_extra_memory", _ours(text, 1)["extra"] / 2**20, "MiB", goal="value<=200")


def _fresh(text: Text) -> float:
    """Seconds from the start of a process to its end, with the kernels compiled before."""
    read = (
        "from pathlib import Path; from farm.files.analysis import analyse; import sys; "
        "from farm.domain.file import FileKind; analyse(Path(sys.argv[1]), FileKind.GCODE)"
    )
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", read, str(text.path)], cwd=CHECKOUT, check=True)
    return time.perf_counter() - begun


def _run(command: list[str]) -> Result:
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    found: Result = json.loads(done.stdout)
    return found
