// How many there are, beside a heading; nothing for none.
import { html } from "../core/html.js";

export const Count = ({ number }) => html`
  <span class="grow">${number > 0 && html`<span class="count">${number}</span>`}</span>`;
