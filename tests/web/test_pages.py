"""The pages: there for anybody, under a policy that lets nothing foreign run."""

import re

from farm.web.pages import _FOLDER, ROUTES


async def test_the_page_behind_the_setup_link_is_served_with_all_it_needs(farm):
    page = await farm.http.get("/setup")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for address in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        part = await farm.http.get(address)
        assert part.status_code == 200, address


async def test_nothing_inline_and_nothing_from_elsewhere_may_run_on_a_page(farm):
    page = await farm.http.get("/setup")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style|\son\w+=|style=", page.text)


def test_every_file_of_the_pages_is_served_and_none_puts_text_into_html():
    served = {route.rule.rpartition("/")[2] for route in ROUTES}
    for file in _FOLDER.iterdir():
        assert file.name in served or file.stem in served, file.name
        assert "innerHTML" not in file.read_text("utf-8")
