"""The problems the farm tells people about. Anything else that is raised is a bug.

Every message says, in the words of the shop, what happened and what to do about it. The web layer
maps each kind to one HTTP status; nothing below the web layer knows about statuses.
"""

from __future__ import annotations


class FarmError(Exception):
    """Base of every problem that is the caller's or the world's, not a bug of ours."""


class Refused(FarmError):
    """The request is understood but cannot be done now, because of the state something is in."""


class NotFound(FarmError):
    """The thing asked for is not here (or the asker may not know that it is)."""


class Invalid(FarmError):
    """The request itself is wrong. `field` names the part to mend, "" when it is the whole."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Outdated(FarmError):
    """A change that was made for something as it is no longer."""


class Unauthenticated(FarmError):
    """Nobody knows who is asking: no credentials, or wrong, ended or revoked ones."""


class Forbidden(FarmError):
    """We know who is asking, and they may not do this."""


class TooOften(FarmError):
    """Asked too often; worth trying again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLarge(FarmError):
    """More bytes than the farm's settings allow."""


class WrongFileType(FarmError):
    """A file whose name or content is of no kind the farm prints."""


class Overloaded(FarmError):
    """A bounded buffer inside the farm is full; worth trying again in a moment."""


class StorageFull(FarmError):
    """The shop PC's disk has no room for this."""


class StorageFailed(FarmError):
    """The database or the disk refused; nothing was changed."""


class SettingsError(FarmError):
    """The settings, the command line or the data folder cannot be used as they are."""


class PrinterUnreachable(FarmError):
    """The printer's host does not answer: off, unplugged, or on another address."""


class ProtocolError(FarmError):
    """The peer answers something that its protocol does not allow."""


class ActorFailed(FarmError):
    """The actor crashed with this request in hand: whether it was carried out is unknown."""


class ActorDown(FarmError):
    """The actor is not running at the moment; the request was not carried out."""


class AskExpired(FarmError):
    """No answer came within the asker's deadline; a request still queued is never carried out."""
