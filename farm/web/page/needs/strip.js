// "Needs you now": the first thing on the page, for whoever comes in with two minutes.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { same } from "../core/same.js";
import { mayOperate } from "../core/session.js";
import { chores, jobs, line, printers } from "../core/store.js";
import { Count } from "../parts/count.js";
import { Icon } from "../parts/icon.js";
import { openClearAll } from "./clear_all.js";
import { needs } from "./needs.js";
import { NeedRow } from "./row.js";

// Shown at first: more would push the printers off the page.
const FEW = matchMedia("(max-width: 700px)").matches ? 3 : 6;

export const needed = same(() => needs(printers.value, [...jobs.value.values()], chores.value));

export function Needs() {
  const [all, setAll] = useState(false);
  const found = needed.value;
  const shown = all ? found : found.slice(0, FEW);
  const toClear = found.filter(({ kind }) => kind === "plate").map(({ id }) => id);
  return html`
    <section id="needs" aria-labelledby="needs-heading">
      <header class="section">
        <h2 id="needs-heading" tabindex="-1">Needs you now</h2>
        ${found.length === 0 && line.value.fresh
          ? html`<p class="calm grow"><${Icon} name="check" /> Nothing needs you.</p>`
          : html`<${Count} number=${found.length} />`}
        ${toClear.length > 1 && mayOperate.value && html`
          <button type="button" onClick=${() => openClearAll(toClear)}>
            <${Icon} name="check" /> Clear all, I looked
          </button>`}
      </header>
      <ul class="needs">${shown.map((need) => html`<${NeedRow} key=${need.kind + need.id} need=${need} />`)}</ul>
      ${found.length > FEW && html`
        <button type="button" class="more" aria-expanded=${all} onClick=${() => setAll(!all)}>
          ${all ? "Show fewer" : `Show all ${found.length}`}
        </button>`}
    </section>`;
}
