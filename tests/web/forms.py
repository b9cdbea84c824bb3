"""Forms as libcurl writes them."""

from __future__ import annotations

BOUNDARY = b"------------------------4ebf00fbcf09"
FORM = f"multipart/form-data; boundary={BOUNDARY.decode()}"


def form(*parts, boundary=BOUNDARY):
    """A form as libcurl writes it. parts: (name, value), or (name, value, file name)."""
    body = b""
    for name, value, *filename in parts:
        body += b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name.encode() + b'"'
        if filename:
            body += b'; filename="' + filename[0].encode("utf-8", "surrogatepass") + b'"'
            body += b"\r\nContent-Type: application/octet-stream"
        body += b"\r\n\r\n" + value + b"\r\n"
    return body + b"--" + boundary + b"--\r\n"
