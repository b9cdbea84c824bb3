"""The files beside a Moonraker as values: how they come there and go.

No I/O, no clock. Moonraker shows no hash of a file that lies there. It checks one while a file comes in; from
then on the moment of the last change tells whether it is still the same: a copy takes that along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from farm.domain.file import RemoteFile
from farm.drivers.exchange import Answer, Request, json_request
from farm.drivers.moonraker.protocol.api import good, no_such_file, plain_name, reason, remote_path, result
from farm.drivers.values import count, number, shown
from farm.errors import NotFound, ProtocolError, Refused, TooLarge

CHECKSUM = "sha256"  # as Moonraker reckons it of what comes in


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What Moonraker tells about a file. size: bytes. changed: when it was last, as it was told."""

    size: int
    changed: str

    def holds(self, size: int, changed: str) -> bool:
        """Whether it is the file that was told to have this size and last change."""
        return self.size == size and self.changed == changed


# -- requests ------------------------------------------------------------------------------------


def upload() -> Request:
    return Request("POST", "/server/files/upload")


def metadata(remote_name: str) -> Request:
    return Request("GET", f"/server/files/metadata?filename={quote(plain_name(remote_name), safe='')}")


def listing() -> Request:
    """All files: the only way to see one that Moonraker could make nothing of."""
    return Request("GET", "/server/files/list?root=gcodes")


def copy(source: str, remote_name: str) -> Request:
    """Raises ValueError for a name that would leave its folder."""
    paths = {"source": f"gcodes/{plain_name(source)}", "dest": f"gcodes/{plain_name(remote_name)}"}
    return json_request("POST", "/server/files/copy", paths)


def delete(remote_name: str) -> Request:
    return Request("DELETE", f"/server/files/{remote_path(remote_name)}")


# -- answers -------------------------------------------------------------------------------------


def uploaded(answer: Answer, remote_name: str) -> None:
    """Whether an upload was taken, under the name asked for. Raises Refused and TooLarge when it was not."""
    match answer.status:
        case 403:
            raise Refused(f"Moonraker did not take {remote_name}: a file of that name is printing.")
        case 413:
            raise TooLarge(f"Moonraker does not take {remote_name}: it is larger than its settings allow.")
        case 422:
            raise ProtocolError(f"{remote_name} did not arrive at Moonraker as it was sent: {reason(answer)}")
        case 400:
            raise Refused(f"Moonraker did not take {remote_name}: {reason(answer)}")
    body = good(answer, 201)
    item = body.get("item")
    path = item.get("path") if isinstance(item, dict) else None
    if path != remote_name:
        raise ProtocolError(f"Moonraker stored {remote_name} under another name: {shown(path)}.")
    if body.get("print_started") is True:  # never asked for: the start is a command of its own
        raise ProtocolError(
            f"Moonraker started {remote_name} by itself: switch off what prints uploads there."
        )


def file_record(answer: Answer) -> FileRecord | None:
    """What Moonraker tells about a file; None when it has made nothing of one, or has none."""
    return None if answer.status == 404 else _record(result(answer))


def listed(answer: Answer, remote_name: str) -> FileRecord | None:
    """The file among all files; None when it is not there."""
    files = good(answer).get("result")
    if not isinstance(files, list):
        raise ProtocolError("Moonraker does not list its files.")
    for file in files:
        if isinstance(file, dict) and file.get("path") == remote_name:
            return _record(file)
    return None


def _record(file: Mapping[str, object]) -> FileRecord:
    size, changed = count(file.get("size")), number(file.get("modified"))
    if size is None or changed is None:
        raise ProtocolError("Moonraker does not tell the size and age of a file.")
    return FileRecord(size, repr(changed))


def stored(record: FileRecord | None, remote_name: str, size: int, mark: str) -> RemoteFile:
    """The file as it lies there. Raises ProtocolError unless it has the size of the one sent."""
    if record is None:
        raise ProtocolError(f"Moonraker took {remote_name}, but does not show it.")
    if record.size != size:
        raise ProtocolError(f"Moonraker stored {record.size} of the {size} bytes of {remote_name}.")
    return RemoteFile(record.changed, mark)


def original(record: FileRecord | None, source: str, size: int, changed: str) -> None:
    """Raises NotFound or Refused unless the file to be copied is as the farm put it there."""
    if record is None:
        raise NotFound(no_such_file(source))
    if not record.holds(size, changed):  # people edit files there
        raise Refused(f"{source} has other content on Moonraker than the farm put there.")


def copied(answer: Answer, source: str) -> None:
    """Whether a copy was made. Raises Refused when there is none, or only half a one."""
    if answer.status in (400, 403):
        raise Refused(f"Moonraker does not copy {source}: {reason(answer)}")
    result(answer)


def deleted(answer: Answer, remote_name: str) -> None:
    """Whether the file is gone. Raises Refused while it is printing."""
    match answer.status:
        case 403:
            raise Refused(in_use(remote_name))
        case 404:
            return
        case 400 if "Invalid file path" in reason(answer):  # its words for a file that is not there
            return
    result(answer)


def in_use(remote_name: str) -> str:
    return f"Moonraker keeps {remote_name} while it is in use."
