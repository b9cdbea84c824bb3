// A small number with a button on either side: made for thumbs, and a plain number field for everybody else.
import { html } from "../core/html.js";
import { Icon } from "./icon.js";

export function Stepper({ label, value, least = 0, most = 999, onChange }) {
  const set = (number) => onChange(Math.min(most, Math.max(least, Math.trunc(number) || least)));
  const typed = (event) => {
    set(event.target.valueAsNumber);
    event.target.value = String(Math.min(most, Math.max(least, Math.trunc(event.target.valueAsNumber) || least)));
  };
  return html`
    <span class="stepper" role="group" aria-label=${label}>
      <button type="button" aria-label="One fewer" disabled=${value <= least} onClick=${() => set(value - 1)}>
        <${Icon} name="minus" size=${18} />
      </button>
      <input type="number" inputmode="numeric" aria-label=${label} min=${least} max=${most} value=${value}
        onChange=${typed} />
      <button type="button" aria-label="One more" disabled=${value >= most} onClick=${() => set(value + 1)}>
        <${Icon} name="plus" size=${18} />
      </button>
    </span>`;
}
