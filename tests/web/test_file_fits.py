"""Which printers a file fits into, asked at the front door."""

from __future__ import annotations

import msgspec

from farm.domain.analysis import ANALYSIS_VERSION, BoundingBox, Box, MeshAnalysis
from tests.web.api_shop import ApiShop, open_api


async def model(api: ApiShop, width: float, depth: float, height: float) -> str:
    """A file that was found to be a model of this size."""
    file = await api.upload(f"{api.name('model')}.stl", b"solid\nendsolid\n")
    found = MeshAnalysis(
        kind="stl", bounding_box=BoundingBox(model=Box((5, 5 + width), (0, depth), (0, height)))
    )
    result = msgspec.json.encode(found).decode()
    await api.shop.database.write(
        lambda db: (
            db.execute(
                "UPDATE files SET state = 'ready', analysis_version = ?, result = ? WHERE id = ?",
                (ANALYSIS_VERSION, result, file),
            )
            and None
        )
    )
    return file


async def test_each_printer_says_whether_a_file_fits(autojump_clock):
    async with open_api() as api:
        small, unknown = await api.printer(), await api.printer()
        changed = await api.http.patch(
            f"/v1/printers/{small}", json={"profile": {"volume_mm": [45.0, 30.0, 50.0]}}
        )
        assert changed.status_code == 200, changed.text
        files = {
            "cube": await model(api, 20, 20, 20),
            "lid": await model(api, 25, 40, 2),
            "gear": await model(api, 42, 42, 8),
            "package": await api.upload("cube.ufp", b"PK"),
        }

        told = {
            (name, item["printer"]): item
            for name, file in files.items()
            for item in (await api.get(f"/v1/files/{file}/printers"))["items"]
        }

        assert told["cube", small] == {"printer": small, "fits": True, "turn_deg": 0.0, "why": None}
        assert 0 < told["lid", small]["turn_deg"] <= 90
        assert told["gear", small]["why"] == "it takes 42 x 42 x 8 mm, the printer has 45 x 30 x 50"
        assert told["package", small]["why"] == "it does not print this kind of file"
        assert told["cube", unknown]["fits"] is None
        assert "profile" in told["cube", unknown]["why"]
