"""A picture in the sizes that pages show: drawn anew, so that none of the sent bytes is passed on."""

from __future__ import annotations

import io

from PIL import Image

from farm.errors import Invalid
from farm.files.pictures.thumbnails import MOST_BYTES, MOST_PIXELS, PNG, Picture

WIDTHS = (64, 160, 400, 800)  # pixels: a row of a list, a sheet, the same on fine screens
_FORMATS = ("PNG", "JPEG", "QOI")


def in_sizes(picture: Picture) -> tuple[Picture, ...]:
    """As PNG, the narrowest first, none wider than the picture itself. Raises Invalid for a damaged one."""
    try:
        with Image.open(io.BytesIO(picture.data), formats=_FORMATS) as image:
            if max(image.size) > MOST_PIXELS:
                raise Invalid(f"its picture is larger than {MOST_PIXELS} pixels")
            whole = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Invalid("its picture is damaged") from error
    widest = min(whole.width, WIDTHS[-1])
    drawn = (_drawn(whole, width) for width in sorted({*WIDTHS, widest}) if width <= widest)
    return tuple(one for one in drawn if len(one.data) <= MOST_BYTES)


def _drawn(whole: Image.Image, width: int) -> Picture:
    height = max(1, round(whole.height * width / whole.width))
    small = whole if width == whole.width else whole.resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "PNG")
    return Picture(PNG, width, height, file.getvalue())
