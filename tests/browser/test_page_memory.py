"""A page that is open for days keeps nothing of what it showed before."""

from __future__ import annotations

import pytest

from tests.browser.windows import SOON_MS, Window

pytestmark = pytest.mark.browser

CHANGES = 500

# A list of two, of which now the one and now the other is rendered anew together with the list, while
# the other stays as it is: the pattern of the wall of printers.
MANY_CHANGES = """async (changes) => {
    const { html } = await import("/page/core/html.js");
    const { render } = await import("/page/vendor/preact.js");
    const { batch, signal } = await import("/page/vendor/preact-signals.js");
    const turn = signal(0);
    const readings = [signal(0), signal(0)];
    const Print = ({ share }) => html`<b>${share}</b>`;
    const Rest = () => html`<i>rest</i>`;
    const Tile = ({ number }) => {
        const reading = readings[number].value;
        const part = reading % 4 < 2 ? html`<${Print} share=${reading} />` : html`<${Rest} />`;
        return html`<div><em>${part}</em></div>`;
    };
    const Wall = () => html`<p data-turn=${turn.value}><${Tile} number=${0} /><${Tile} number=${1} /></p>`;
    const place = document.createElement("div");
    document.body.append(place);
    render(html`<section><${Wall} /></section>`, place);
    for (let change = 0; change < changes; change++) {
        batch(() => {
            turn.value++;
            readings[change % 2].value++;
        });
        await new Promise((resolve) => setTimeout(resolve));
    }
    return place.textContent;
}"""


def nodes(view: Window) -> int:
    """How many nodes the page holds, shown or not, after everything that can go has gone."""
    session = view.page.context.new_cdp_session(view.page)
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Memory.getDOMCounters")["nodes"])


def test_what_was_shown_before_is_let_go_of(new_shop, window):
    view = window(new_shop.url)
    view.page.set_default_timeout(6 * SOON_MS)
    view.open("/setup")
    assert view.page.evaluate(MANY_CHANGES, 1) == "10"
    before = nodes(view)

    assert view.page.evaluate(MANY_CHANGES, CHANGES) == "restrest"

    assert nodes(view) - before < CHANGES / 5
