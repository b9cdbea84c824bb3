// How long a look back is: one of a few spans, by their names.
import { html } from "../core/html.js";

export const Spans = ({ names, chosen, choose }) => html`
  <div class="segments" role="group" aria-label="How long">
    ${names.map((name) => html`
      <button key=${name} type="button" class="quiet" aria-pressed=${name === chosen} onClick=${() => choose(name)}>${name}</button>`)}
  </div>`;
