"""Where the content of files lies: on the shop PC's disk, each piece under its own hash."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar
from weakref import WeakValueDictionary

import trio

from farm.errors import StorageFailed, StorageFull, TooLarge
from farm.files.pictures.thumbnails import Picture
from farm.platform import begin_to_write, make_private_folder, rename_durably, sync_folder

P = ParamSpec("P")
T = TypeVar("T")

PIECE = 2 * 1024 * 1024  # bytes; one trip to a thread costs 0.1 ms, so this is small and cheap enough
SMALL = 4096  # bytes
BEGIN_EVERY = 8 * 1024 * 1024  # bytes; a gigabyte flushed at the end would hold up the database's commits
WRITERS = 4  # threads; uploads wait for each other here and not for the database or a password
READERS = 2  # threads for looks into contents, which shall not wait for uploads
CLEAN_UP_S = 5.0  # a disk that hangs longer keeps its temporary file until the next start
MB = 1_000_000

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Content:
    """What was kept. sha256: lower-case hexadecimal. size: bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of the disk that the files lie on."""

    free: int
    total: int


class Storage:
    """A folder of contents, named by their SHA-256, and of uploads in progress beside them.

    inline: everything runs on the loop instead of in threads, for runs on a virtual clock.
    min_free: bytes that an upload must leave on the disk, for the database and for everybody else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        min_free: int,
        inline: bool = False,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._contents = folder / "content"
        self._pictures = folder / "pictures"  # of contents, each in a folder of its own
        self._temporary = folder / "incoming"  # the same file system, so that a rename is one step
        self._min_free = min_free
        self._free = free
        self._inline = inline
        self._writers = trio.CapacityLimiter(WRITERS)
        self._readers = trio.CapacityLimiter(READERS)
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()

    async def open(self) -> None:
        """Make the folders and drop what an earlier run left half-written. Call once, before any upload.

        Raises StorageFailed when the folder cannot be used.
        """
        await self.run(self._open)

    def path_of(self, sha256: str) -> Path:
        """Where the content with this hash lies, or would lie."""
        return self._contents / sha256[:2] / sha256[2:4] / sha256

    def upload(self, *, limit: int, declared: int | None = None) -> Upload:
        """Room for one content that is coming in.

        limit: the most bytes taken. declared: how many are announced, None where that is not known.
        """
        return Upload(self, limit, declared)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do disk work in a thread, to its end even when the caller is cancelled.

        Raises StorageFull or StorageFailed for what the disk refuses.
        """
        try:
            return await self._in_thread(self._writers, lambda: work(*args, **kwargs))
        except OSError as error:
            raise _in_words(error) from error

    async def look(self, work: Callable[[Path], T], sha256: str) -> T:
        """Let `work` read a content, in a thread. Raises what it raises; StorageFailed where it cannot."""
        path = self.path_of(sha256)
        try:
            return await self._in_thread(self._readers, lambda: work(path))
        except FileNotFoundError as error:
            raise StorageFailed(
                "its content is missing on the shop PC's disk; send the file again"
            ) from error
        except OSError as error:
            why = error.strerror or str(error)
            raise StorageFailed(f"the shop PC's disk cannot read it ({why}); send the file again") from error

    async def _in_thread(self, limiter: trio.CapacityLimiter, work: Callable[[], T]) -> T:
        if self._inline:
            await trio.lowlevel.checkpoint()
            return work()
        return await trio.to_thread.run_sync(work, limiter=limiter)

    def lock_of(self, sha256: str) -> trio.Lock:
        """Held by whoever is about to commit a row for this content, or to take the content away."""
        lock = self._locks.get(sha256)
        if lock is None:
            lock = self._locks[sha256] = trio.Lock()
        return lock

    async def contents(self) -> set[str]:
        """The hash of every content there is. Raises StorageFailed."""
        return await self.run(lambda: {name for _, _, names in os.walk(self._contents) for name in names})

    async def remove(self, sha256: str) -> None:
        """Take a content away with its pictures; harmless when it is gone already. Raises StorageFailed."""
        await self.run(self._remove, sha256)

    def _remove(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._pictures_of(sha256))
        self.path_of(sha256).unlink(missing_ok=True)

    async def keep_pictures(self, sha256: str, drawn: Sequence[Picture]) -> None:
        """Let these be the pictures of a content; nothing where that was taken away. Raises StorageFailed.

        They can be drawn again, so nobody waits until they are durable.
        """
        async with self.lock_of(sha256):
            await self.run(self._keep_pictures, sha256, drawn)

    def _keep_pictures(self, sha256: str, drawn: Sequence[Picture]) -> None:
        if not self.path_of(sha256).is_file():
            return
        folder = self._pictures_of(sha256)
        if drawn:
            make_private_folder(folder)
        for picture in drawn:
            beside = self._temporary / secrets.token_hex(8)
            beside.write_bytes(picture.data)
            os.replace(beside, folder / f"{picture.width}.png")
        kept = {f"{picture.width}.png" for picture in drawn}
        for old in folder.glob("*.png"):
            if old.name not in kept:
                old.unlink()

    async def picture(self, sha256: str, width: int | None) -> bytes | None:
        """A PNG of a content: of several the narrowest that is as wide as wished, else the widest.

        None where there is none. Raises StorageFailed.
        """
        try:
            return await self._in_thread(self._readers, lambda: self._picture(sha256, width))
        except OSError as error:
            raise _in_words(error) from error

    def _picture(self, sha256: str, width: int | None) -> bytes | None:
        widths = sorted(int(path.stem) for path in self._pictures_of(sha256).glob("*.png"))
        wide_enough = (one for one in widths if width is not None and one >= width)
        chosen = next(wide_enough, widths[-1] if widths else None)
        return None if chosen is None else (self._pictures_of(sha256) / f"{chosen}.png").read_bytes()

    def _pictures_of(self, sha256: str) -> Path:
        return self._pictures / sha256[:2] / sha256[2:4] / sha256

    async def space(self) -> Space:
        """What the disk has. Raises StorageFailed."""
        usage = await self.run(shutil.disk_usage, self._contents)
        return Space(usage.free, usage.total)

    def begin(self, declared: int) -> Incoming:
        """A temporary file. In a thread. Raises StorageFull when `declared` bytes would leave too little."""
        self.check_room(declared)
        return Incoming(self._temporary / secrets.token_hex(8))

    def check_room(self, coming: int) -> None:
        """Raise StorageFull when `coming` bytes would not leave `min_free` of the disk."""
        free = self._free(self._temporary)
        if free - coming < self._min_free:
            raise StorageFull(
                f"the shop PC's disk is nearly full ({free // MB} MB free, {coming // MB} MB coming, "
                f"{self._min_free // MB} MB must stay free); delete something and send it again"
            )

    def scratch(self) -> Path:
        """A place for a content that somebody else writes; whatever is there at the next start goes."""
        return self._temporary / secrets.token_hex(8)

    @asynccontextmanager
    async def taking_in(self, scratch: Path) -> AsyncIterator[Content]:
        """Make a finished content of what was written there, durably.

        Until the `async with` ends nobody takes it away, so commit its row before. Raises StorageFailed.
        """
        content = await self.run(_finished, scratch)
        async with self.lock_of(content.sha256):
            await self.run(self.place, scratch, content)
            yield content

    def append(self, incoming: Incoming, piece: Sequence[bytes | bytearray]) -> None:
        """Write a piece. In a thread. Raises OSError, and StorageFull when it would leave too little."""
        self.check_room(sum(map(len, piece)))
        incoming.append(piece)

    def place(self, finished: Path, content: Content) -> None:
        """Give a finished content its place, durably. In a thread. Harmless when it is there already."""
        target = self.path_of(content.sha256)
        if target.is_file() and target.stat().st_size == content.size:
            finished.unlink()
            sync_folder(target.parent)
        else:
            for folder in (target.parent.parent, target.parent):
                make_private_folder(folder)
            rename_durably(finished, target)
        # Whoever made the folders, or put the content there, may not have come this far yet.
        sync_folder(target.parent.parent)
        sync_folder(self._contents)

    def _open(self) -> None:
        make_private_folder(self._contents)
        make_private_folder(self._temporary)
        make_private_folder(self._pictures)
        for left in self._temporary.iterdir():
            left.unlink()


class Upload:
    """One content on its way in. Whatever ends the `async with` before `keep` leaves nothing behind.

    While the disk has one piece, the next one comes in: two are held at most. size: bytes so far.
    """

    def __init__(self, storage: Storage, limit: int, declared: int | None) -> None:
        self._storage = storage
        self._limit = limit
        self._declared = declared or 0
        self._incoming: Incoming | None = None
        self._waiting: list[bytes | bytearray] = []
        self._size_waiting = 0
        self._behind: AbstractAsyncContextManager[trio.Nursery] = trio.open_nursery()
        self._at_disk = trio.Event()  # set while the disk has no piece of it
        self._at_disk.set()
        self._problem: Exception | None = None  # of the piece before
        self._alone: trio.Lock | None = None
        self.size = 0

    async def __aenter__(self) -> Self:
        """Raises TooLarge or StorageFull for what is declared, before a byte is sent."""
        self._require_small(self._declared)
        self._incoming = await self._storage.run(self._storage.begin, self._declared)
        self._nursery = await self._behind.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alone is not None:
            self._alone.release()
            self._alone = None
        try:
            await self._behind.__aexit__(None, None, None)  # not with `error`: that shall come out as it is
        finally:
            await self._discard()

    async def _discard(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is None:
            return
        with trio.move_on_after(CLEAN_UP_S, shield=True), contextlib.suppress(StorageFailed):
            await self._storage.run(incoming.discard)

    async def write(self, data: bytes) -> None:
        """Add `data`, waiting for the disk when it is two pieces behind: whoever sends is slowed down to it.

        Raises TooLarge; StorageFull, StorageFailed also for what was added before.
        """
        self.size += len(data)
        self._require_small(self.size)
        self._gather(data)
        if self._size_waiting < PIECE:
            await trio.lowlevel.checkpoint()
            return
        await self._flush()

    async def look(self) -> Content:
        """What has come so far, which may be all there will be."""
        await self._flush()
        await self._done()
        return self._open_incoming().content

    async def keep(self) -> Content:
        """Everything has come: make it durable. Nothing can be added after it.

        Until the `async with` ends nobody takes this content away, so commit its row before. To be called
        by the task that entered the `async with`.
        """
        await self._flush()
        await self._done()
        incoming = self._open_incoming()
        content = await self._storage.run(incoming.finish)
        alone = self._storage.lock_of(content.sha256)
        await alone.acquire()
        self._alone = alone
        await self._storage.run(self._storage.place, incoming.path, content)
        self._incoming = None
        return content

    def _gather(self, data: bytes) -> None:
        """Keep `data` as it is, for copying it costs; but a million single bytes would cost more."""
        self._size_waiting += len(data)
        if len(data) >= SMALL:
            self._waiting.append(data)
        elif self._waiting and isinstance(self._waiting[-1], bytearray):
            self._waiting[-1] += data
        else:
            self._waiting.append(bytearray(data))

    async def _flush(self) -> None:
        """Give what waits to the disk, when that is done with the piece before."""
        await self._done()
        piece, self._waiting = self._waiting, []
        self._size_waiting = 0
        self._at_disk = trio.Event()
        self._nursery.start_soon(self._append, self._open_incoming(), piece)

    async def _done(self) -> None:
        """Return when the disk has written all it was given. Raises StorageFull, StorageFailed."""
        await self._at_disk.wait()
        if self._problem is not None:
            raise self._problem

    async def _append(self, incoming: Incoming, piece: Sequence[bytes | bytearray]) -> None:
        # Shielded: `keep` goes on when the client has left, and must find every piece written.
        with trio.CancelScope(shield=True):
            try:
                await self._storage.run(self._storage.append, incoming, piece)
            except Exception as problem:  # for whoever comes with the next piece
                self._problem = problem
        self._at_disk.set()

    def _open_incoming(self) -> Incoming:
        if self._incoming is None:
            raise ValueError("an upload is written inside its `async with` and before it is kept")
        return self._incoming

    def _require_small(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(f"the file is larger than the {self._limit / MB:g} MB this farm takes")


class Incoming:
    """A temporary file that is hashed while it grows. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb", buffering=0)
        self._hash = hashlib.sha256()
        self._size = 0
        self._begun = 0  # bytes that the system was asked to write

    def append(self, piece: Sequence[bytes | bytearray]) -> None:
        """Hash and write. Raises OSError."""
        for part in piece:
            self._hash.update(part)
            self._size += len(part)
            rest = memoryview(part)
            while rest:  # an unbuffered write may take less than all
                rest = rest[self._file.write(rest) :]
        if self._size - self._begun >= BEGIN_EVERY:
            begin_to_write(self._file.fileno(), self._begun, self._size - self._begun)
            self._begun = self._size

    @property
    def content(self) -> Content:
        """What was written so far."""
        return Content(self._hash.hexdigest(), self._size)

    def finish(self) -> Content:
        """Make what was written durable, under the temporary name still."""
        os.fsync(self._file.fileno())
        self._file.close()
        return self.content

    def discard(self) -> None:
        """Forget it."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def _finished(path: Path) -> Content:
    """Make a file durable that is written. What it holds."""
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return Content(digest, file.seek(0, os.SEEK_END))


def _in_words(error: OSError) -> StorageFull | StorageFailed:
    if error.errno in _NO_ROOM:
        return StorageFull("the shop PC's disk is full; delete something and send it again")
    why = error.strerror or str(error)
    return StorageFailed(f"the shop PC's disk refused ({why}); nothing was kept, so send it again later")
