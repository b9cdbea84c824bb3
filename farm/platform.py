"""What Linux, macOS and Windows do differently. Each portable branch is tested on Linux too."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POSIX = os.name == "posix"


def sync_folder(folder: Path, *, posix: bool = POSIX) -> None:
    """Make the names in `folder` durable, as a file's own fsync does not.

    Windows cannot open a folder for this; NTFS journals its names itself, so nothing is done there.
    """
    if not posix:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def begin_to_write(descriptor: int, start: int, size: int) -> None:
    """Let the system begin to bring these bytes of a file to the disk; waits for nothing.

    Linux does when it hears that they are not needed soon. Others are left to decide by themselves.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it is no more than a wish
            os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


def write_private(path: Path, data: bytes, *, posix: bool = POSIX) -> None:
    """Write `data` so that only the server's own account can read it, whole or not at all.

    Mode 0600 where modes exist; on Windows the folder's inherited rights apply. Durable on return.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(beside, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent, posix=posix)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and its parents where they are missing, closed to other accounts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def rename_durably(source: Path, target: Path, *, posix: bool = POSIX) -> None:
    """Give `source` the name `target`, replacing what is there, durable on return."""
    os.replace(source, target)
    sync_folder(target.parent, posix=posix)


def listening_socket(host: str, port: int, *, backlog: int = 1024) -> socket.socket:
    """A bound, listening TCP socket that notices vanished peers; port 0 picks a free one.

    Raises OSError when the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if POSIX:  # on Windows this option would let two servers share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        notice_vanished_peers(listener)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def many_as_one() -> selectors.BaseSelector | None:
    """A selector whose many sockets can be waited for as one file of their own; None where there is none.

    Linux's epoll and the kqueue of macOS are such files; Windows has nothing like that.
    """
    selector = selectors.DefaultSelector()
    if hasattr(selector, "fileno"):
        return selector
    selector.close()
    return None


def notice_vanished_peers(sock: socket.socket) -> None:
    """Let the kernel end a connection whose peer is gone within about 20 s, idle or sending.

    Keep-alive finds a peer that vanished while we only read, TCP_USER_TIMEOUT one that vanished while
    we send; each alone misses the other. Options a system lacks are left out.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 10),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 20_000),  # ms
    ):
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def lived_s() -> float:
    """Seconds since the computer began, with those in which it slept; only differences mean anything.

    The clocks that Python and trio go by stand still during sleep on Linux and macOS, and go on on Windows.
    """
    name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
    clock = getattr(time, name, None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def notify_service_manager(state: str) -> None:
    """Tell systemd "READY=1", "WATCHDOG=1" or "STOPPING=1"; does nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):  # systemd's notation for Linux's abstract names
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.sendall(state.encode())


def raise_descriptor_limit(wanted: int = 8192) -> None:
    """Allow this process `wanted` open files and sockets, as far as the system lets it."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < ceiling:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))


def apart_from_the_terminal(*, posix: bool = POSIX) -> dict[str, Any]:
    """Options for starting a process that a Ctrl-C in our terminal does not reach, only its owner's word."""
    if posix:
        return {"start_new_session": True}
    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


def be_modest(memory: int) -> None:
    """Let this process take the processor only when others leave it, and at most `memory` bytes of addresses.

    As far as the system can: macOS does not keep to the memory, Windows has neither.
    """
    yield_to_others()
    _limit("RLIMIT_AS", memory)


def is_windows() -> bool:
    """Whether this is Windows; a function, so that type checkers keep both branches."""
    return sys.platform == "win32"


@dataclass(frozen=True, slots=True)
class Use:
    """What this process uses. memory: bytes that lie in RAM. processor_s: seconds since it began."""

    memory: int
    processor_s: float
    descriptors: int
    threads: int


def use_of_this_process() -> Use:
    """A fresh look; some 0.2 ms. On Windows handles are counted as descriptors."""
    import psutil  # 20 ms; commands do without

    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return Use(
            memory=process.memory_info().rss,
            processor_s=times.user + times.system,
            descriptors=getattr(process, "num_fds" if POSIX else "num_handles")(),
            threads=process.num_threads(),
        )


# -- worker processes ------------------------------------------------------------------------------

SMALL_FILE = 16 * 1024 * 1024  # bytes: what a compiler's cache may take, and a full disk does not notice
FEW_DESCRIPTORS = 64


def keeps_limits() -> bool:
    """Whether the system holds a process to its limits. Elsewhere its owner has to watch it.

    macOS takes a limit of memory and does not keep to it; Windows has none.
    """
    return sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Appetite:
    """What another process takes. memory: bytes that lie in RAM. processor_s: since it began."""

    memory: int
    processor_s: float


def appetite_of(pid: int) -> Appetite | None:
    """A look at another process of ours; None for one that is over."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return Appetite(process.memory_info().rss, times.user + times.system)
    except psutil.Error:
        return None


def for_background_work(*, posix: bool = POSIX) -> dict[str, Any]:
    """Options for starting a process that works beside everything else; see also `yield_to_others`."""
    options = apart_from_the_terminal(posix=posix)
    if not posix:
        below_normal = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        options["creationflags"] |= below_normal | no_window
    return options


def yield_to_others() -> None:
    """Take the processor only when others leave it. Windows has been told when the process was started."""
    if hasattr(os, "nice"):
        os.nice(10)


def allow_more_memory(budget: int) -> None:
    """Hold this process to what it has now and `budget` bytes more, as far as the system can.

    In addresses: what was mapped and never touched counts on both sides.
    """
    if keeps_limits():
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        _limit("RLIMIT_AS", pages * os.sysconf("SC_PAGE_SIZE") + budget)


def memory_is_free_again() -> None:
    """Take back what `allow_more_memory` said."""
    if keeps_limits():
        _limit("RLIMIT_AS", -1)


def allow_more_processor_time(budget_s: float) -> None:
    """End this process when it has used `budget_s` seconds more of the processor, where the system can."""
    used = os.times()
    _limit("RLIMIT_CPU", math.ceil(used.user + used.system + budget_s))


def forbid_large_files() -> None:
    """Let this process write small files only, open few, and leave no image of its memory behind."""
    allow_files_of(SMALL_FILE)
    _limit("RLIMIT_NOFILE", FEW_DESCRIPTORS)
    _limit("RLIMIT_CORE", 0)


def allow_files_of(size: int) -> None:
    """Let this process write files of up to `size` bytes, as far as the system can."""
    _limit("RLIMIT_FSIZE", size)


def _limit(name: str, most: int) -> None:
    """Hold this process to `most` of something, or to as little as it was held already. -1 is no limit."""
    try:
        import resource
    except ImportError:
        return
    what = getattr(resource, name)
    _, hard = resource.getrlimit(what)
    soft = hard if most == -1 or (hard != resource.RLIM_INFINITY and hard < most) else most
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (soft, hard))
