// How long things really take on a printer, as far as its prints have shown.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";

/** All of one printer's, for its window; nothing before the first print has taught anything. */
export function Durations({ printer }) {
  const [learned, setLearned] = useState([]);
  useEffect(() => {
    let gone = false;
    get(`/v1/printers/${encodeURIComponent(printer.id)}/durations`).then(({ items }) => gone || setLearned(items), () => {});
    return () => {
      gone = true;
    };
  }, [printer.id]);
  if (learned.length === 0) return null;
  return html`
    <details class="hands-on">
      <summary>How long things take here</summary>
      ${learned.map(({ phase, sentence }) => html`<p key=${phase}>${sentence}</p>`)}
      <p class="hint">The plan counts on this. ± holds nineteen times of twenty.</p>
    </details>`;
}
