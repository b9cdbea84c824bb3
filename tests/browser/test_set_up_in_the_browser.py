"""The first minute: the link that the server printed leads to an account."""

from __future__ import annotations

import pytest

from tests.browser.a_shop import PASSWORD
from tests.browser.windows import DESK, PHONE, THEMES

pytestmark = pytest.mark.browser


def test_setup_link_makes_the_first_account(new_shop, window):
    page = window(new_shop.url).open(new_shop.setup_link)

    page.get_by_label("Your name").fill("anna")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make the account").click()
    assert (new_shop.folder / "setup-code").exists()

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_text("anna").wait_for()

    assert not (new_shop.folder / "setup-code").exists()
    assert "code" not in page.url


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nobody_is_kept_out_of_the_setup_page(new_shop, window, size, theme):
    view = window(new_shop.url, size, theme)
    view.open(new_shop.setup_link)

    assert view.barriers() == []
