"""GET /v1/printers/{id}/flight-recorder: a text to keep, for who may command that printer."""

from __future__ import annotations

from farm.domain.user import Grant


async def test_it_is_a_text_file_for_who_may_command_the_printer(farm):
    await farm.printer("mk4-01")
    farm.printers["mk4-01"].answer = lambda message, by: "heading\n2026-01-01 > GET /api/job\n"

    answer = await farm.http.get("/v1/printers/mk4-01/flight-recorder", headers=await farm.key("control"))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename=flight-mk4-01.txt"
    assert answer.text == "heading\n2026-01-01 > GET /api/job\n"


async def test_others_do_not_get_it(farm):
    await farm.printer("mk4-01")
    address = "/v1/printers/mk4-01/flight-recorder"
    elsewhere = await farm.key("control", grant=Grant(printers=frozenset({"other"})))

    assert (await farm.http.get(address)).status_code == 401
    assert (await farm.http.get(address, headers=await farm.key("read"))).status_code == 403
    assert (await farm.http.get(address, headers=elsewhere)).status_code == 403
    nobody = await farm.http.get("/v1/printers/none/flight-recorder", headers=await farm.key("control"))
    assert nobody.status_code == 404
    assert farm.printers["mk4-01"].heard == []
