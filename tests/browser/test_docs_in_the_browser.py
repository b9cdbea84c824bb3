"""The API's description as people read it."""

from __future__ import annotations

import pytest

from tests.browser.windows import DESK, PHONE, THEMES

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_description_can_be_read_by_everybody(new_shop, window, size, theme):
    view = window(new_shop.url, size, theme)
    page = view.open("/v1/docs")

    page.locator("#add_job summary").click()
    page.get_by_role("link", name="NewJob").first.click()

    assert page.url.endswith("#NewJob")
    assert page.get_by_role("heading", name="NewJob").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert view.barriers() == []
