"""The files beside a PrusaLink as values: how they come there and go. No I/O, no clock.

It tells a file's size, and nothing of its content nor of the prints it once was.
"""

from __future__ import annotations

import re

from farm.domain.file import RemoteFile
from farm.drivers.exchange import Answer, Request, path_segment
from farm.drivers.prusalink.protocol import good, reason
from farm.drivers.values import count, text_of
from farm.errors import NotFound, ProtocolError, Refused, TooLarge, WrongFileType

CONTENT_TYPE = "text/x.gcode"  # it takes no file without one of its own
_OURS = re.compile(
    r"[a-z0-9]{1,6}_.+"
)  # the attempt's id before the name; see `farm.domain.file.remote_name`


# -- requests ------------------------------------------------------------------------------------


def storages() -> Request:
    return Request("GET", "/api/v1/storage")


def upload(storage: str, remote_name: str) -> Request:
    """Only what the farm itself named is written over."""
    headers = {"Overwrite": "?1"} if _OURS.fullmatch(remote_name) else {}
    return Request("PUT", _path(storage, remote_name), headers=headers)


def file(storage: str, remote_name: str) -> Request:
    return Request("GET", _path(storage, remote_name))


def delete(storage: str, remote_name: str) -> Request:
    return Request("DELETE", _path(storage, remote_name))


def start(storage: str, remote_name: str) -> Request:
    return Request("POST", _path(storage, remote_name))


def _path(storage: str, remote_name: str) -> str:
    return f"/api/v1/files/{path_segment(storage)}/{path_segment(remote_name)}"


# -- answers -------------------------------------------------------------------------------------


def storage_in(answer: Answer) -> str:
    """The name of the storage to print from: "local" on a Raspberry Pi, "usb" at the printers themselves.

    Raises Refused when there is none to write to.
    """
    listed = good(answer).get("storage_list")
    if not isinstance(listed, list):
        raise ProtocolError("PrusaLink does not say where files are kept.")
    for storage in listed:
        if isinstance(storage, dict) and storage.get("available") and not storage.get("read_only"):
            name = text_of(storage.get("path")).strip("/")
            if name not in ("", ".", "..") and not set(name) & set("/\\"):
                return name
    raise Refused("PrusaLink has no storage to put files on: put a USB drive into the printer.")


def uploaded(answer: Answer, remote_name: str) -> None:
    """Whether an upload was taken. Raises Refused, WrongFileType, TooLarge when it was not."""
    match answer.status:
        case 409:
            raise Refused(f"PrusaLink did not take {remote_name}: {reason(answer)}")
        case 415:
            raise WrongFileType(f"PrusaLink does not take {remote_name}: it knows no such kind of file.")
        case 413 | 507:
            raise TooLarge(f"PrusaLink does not take {remote_name}: there is no room for it.")
    good(answer, 201)


def size_in(answer: Answer) -> int | None:
    """The size in bytes of a file that lies there; None when it does not, or not yet. -1: it does not say."""
    if answer.status == 404:
        return None
    size = count(good(answer).get("size"))
    return -1 if size is None else size


def stored(found: int, remote_name: str, size: int) -> RemoteFile:
    """The file as it lies there. Raises ProtocolError unless it is as long as the one sent."""
    if found != size:
        raise ProtocolError(f"PrusaLink stored {found} of the {size} bytes of {remote_name}.")
    return RemoteFile()


def deleted(answer: Answer, remote_name: str) -> None:
    """Whether the file is to go; that it is gone, a look can tell. Raises Refused while it is printing."""
    match answer.status:
        case 204 | 404 | 500:  # 500 for a file that was there a moment ago, too
            return
        case 409:
            raise Refused(f"PrusaLink keeps {remote_name} while it is in use: {reason(answer)}")
    good(answer, 204)


def no_such_file(remote_name: str) -> NotFound:
    return NotFound(f"PrusaLink does not have the file {remote_name} (any more).")
