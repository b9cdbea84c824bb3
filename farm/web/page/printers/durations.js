// How long things really take on a printer, as far as its prints have shown.
import { useAnswer } from "../core/answer.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";

/** All of one printer's, for its window; nothing before the first print has taught anything. */
export function Durations({ printer }) {
  const [learned] = useAnswer(() => get(`/v1/printers/${encodeURIComponent(printer.id)}/durations`), [printer.id]);
  if (!learned?.items.length) return null;
  return html`
    <details class="hands-on">
      <summary>How long things take here</summary>
      ${learned.items.map(({ phase, sentence }) => html`<p key=${phase}>${sentence}</p>`)}
      <p class="hint">The plan counts on this. ± holds nineteen times of twenty.</p>
    </details>`;
}
