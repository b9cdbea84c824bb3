"""The browser tests see what they are there to see."""

from __future__ import annotations

import pytest

from tests.browser.windows import Window

pytestmark = pytest.mark.browser


def test_picture_without_a_text_is_a_barrier(new_shop, window):
    view = window(new_shop.url)
    view.open("/setup").evaluate("document.body.append(new Image())")

    assert any("alt" in barrier for barrier in view.barriers())


def test_uncaught_errors_refused_styles_and_foreign_requests_are_complaints(new_shop, chromium):
    context = chromium.new_context()
    view = Window(context, new_shop.url)
    page = view.open("/setup")

    page.evaluate("setTimeout(() => { throw new Error('lost') })")
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: 'b {}'}))"
    )
    page.evaluate("void fetch('http://127.0.0.1:9/elsewhere').catch(() => 0)")
    page.wait_for_timeout(200)
    context.close()

    assert [complaint.split()[0] for complaint in view.complaints].count("uncaught:") == 1
    assert any("Content Security Policy" in complaint for complaint in view.complaints)
