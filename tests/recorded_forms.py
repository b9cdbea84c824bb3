"""Forms as real clients sent them, byte for byte; each carries the same G-code in its field `file`.

libcurl is what PrusaSlicer, SuperSlicer and OrcaSlicer send with, Qt what Cura does.
"""

from __future__ import annotations

from dataclasses import dataclass

GCODE = b"; G28\nG1 X1\n"


@dataclass(frozen=True)
class Recorded:
    client: str
    content_type: str
    body: bytes
    fields: dict[str, str]
    name: str


FORMS = (
    Recorded(
        "libcurl 7.88",
        "multipart/form-data; boundary=------------------------6eb8b05120973f79",
        b'--------------------------6eb8b05120973f79\r\nContent-Disposition: form-data; name="print"\r\n\r\n'
        b"true\r\n--------------------------6eb8b05120973f79\r\n"
        b'Content-Disposition: form-data; name="path"\r\n\r\n\r\n'
        b"--------------------------6eb8b05120973f79\r\n"
        b'Content-Disposition: form-data; name="file"; filename="W\xc3\xbcrfel %22gro\xc3\x9f%22.gcode"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n; G28\nG1 X1\n\r\n"
        b"--------------------------6eb8b05120973f79--\r\n",
        {"print": "true", "path": ""},
        'Würfel "groß".gcode',
    ),
    Recorded(
        "Qt 6 QHttpMultiPart",
        'multipart/form-data; boundary="boundary_.oOo._f/XyQMfc2kTHydsC8X7xbzRxkEMisivQ"',
        b"--boundary_.oOo._f/XyQMfc2kTHydsC8X7xbzRxkEMisivQ\r\n"
        b'content-disposition: form-data; name="path"\r\n\r\n\r\n'
        b"--boundary_.oOo._f/XyQMfc2kTHydsC8X7xbzRxkEMisivQ\r\n"
        b'content-disposition: form-data; name="file"; filename="W\xc3\xbcrfel.gcode"\r\n'
        b"content-type: application/octet-stream\r\n\r\n; G28\nG1 X1\n\r\n"
        b"--boundary_.oOo._f/XyQMfc2kTHydsC8X7xbzRxkEMisivQ\r\n"
        b'content-disposition: form-data; name="print"\r\n\r\ntrue\r\n'
        b"--boundary_.oOo._f/XyQMfc2kTHydsC8X7xbzRxkEMisivQ--\r\n",
        {"path": "", "print": "true"},
        "Würfel.gcode",
    ),
    Recorded(
        "Chromium 156 FormData",
        "multipart/form-data; boundary=----WebKitFormBoundaryU4A7Dr6Gzsr4hGUD",
        b"------WebKitFormBoundaryU4A7Dr6Gzsr4hGUD\r\n"
        b'Content-Disposition: form-data; name="file"; filename="W\xc3\xbcrfel %22gro\xc3\x9f%22.gcode"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n; G28\nG1 X1\n\r\n"
        b"------WebKitFormBoundaryU4A7Dr6Gzsr4hGUD\r\n"
        b'Content-Disposition: form-data; name="print"\r\n\r\ntrue\r\n'
        b"------WebKitFormBoundaryU4A7Dr6Gzsr4hGUD--\r\n",
        {"print": "true"},
        'Würfel "groß".gcode',
    ),
    Recorded(
        "Python requests 2.34 (octorest)",
        "multipart/form-data; boundary=5d431b3f9c36611b3a2e06cd657c1588",
        b'--5d431b3f9c36611b3a2e06cd657c1588\r\nContent-Disposition: form-data; name="select"\r\n\r\n'
        b"false\r\n--5d431b3f9c36611b3a2e06cd657c1588\r\n"
        b'Content-Disposition: form-data; name="print"\r\n\r\ntrue\r\n'
        b"--5d431b3f9c36611b3a2e06cd657c1588\r\n"
        b'Content-Disposition: form-data; name="file"; filename="W\xc3\xbcrfel.gcode"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n; G28\nG1 X1\n\r\n"
        b"--5d431b3f9c36611b3a2e06cd657c1588--\r\n",
        {"select": "false", "print": "true"},
        "Würfel.gcode",
    ),
)
