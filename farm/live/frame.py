"""A message to clients in the bytes that go over the wire, made once however many clients are sent it."""

from __future__ import annotations

import zlib

MIN_DEFLATED = 1024  # bytes; of a lone status, deflating saves little and costs as much as sending it

_WHOLE_TEXT = 0x81  # one frame with a whole text message (RFC 6455, 5.2)
_DEFLATED = 0x40  # the bit that says the message is deflated (RFC 7692, 6)
_TAIL = b"\x00\x00\xff\xff"  # ends what was flushed; the receiver puts it back


class Frame:
    """One text message. plain: its bytes for everybody."""

    __slots__ = ("_deflated", "plain", "text")

    def __init__(self, text: str) -> None:
        payload = text.encode()
        self.text = text
        self.plain = _header(_WHOLE_TEXT, len(payload)) + payload
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """For who can inflate it without knowing earlier messages; the same as `plain` for short ones.

        Made when it is first asked for, and kept.
        """
        if self._deflated is None:
            self._deflated = self.plain if len(self.text) < MIN_DEFLATED else _deflate(self.text.encode())
        return self._deflated


def _deflate(payload: bytes) -> bytes:
    quick = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    squeezed = (quick.compress(payload) + quick.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)
    return _header(_WHOLE_TEXT | _DEFLATED, len(squeezed)) + squeezed


def _header(first: int, length: int) -> bytes:
    """Of a server's frame, which is not masked."""
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")
