// The parts of the page, for thumbs: a bar at the foot of a phone's screen.
import { computed, effect } from "../vendor/preact-signals.js";
import { html } from "../core/html.js";
import { jobs, printerIds } from "../core/store.js";
import { Icon } from "../parts/icon.js";
import { needed } from "../needs/strip.js";

const PARTS = [
  { id: "needs", label: "Needs you", icon: "bell", number: computed(() => needed.value.length) },
  { id: "printers", label: "Printers", icon: "printer", number: computed(() => printerIds.value.length) },
  { id: "queue", label: "Queue", icon: "list", number: computed(() => jobs.value.size) },
  { id: "files", label: "Files", icon: "file", number: computed(() => 0) },
];

export const Tabs = () => html`
  <nav class="tabs" aria-label="Parts of the page">
    ${PARTS.map(({ id, label, icon, number }) => html`
      <a key=${id} href=${`#${id}`}>
        <${Icon} name=${icon} /> <span>${label}${number.value > 0 && html` <b>${number.value}</b>`}</span>
      </a>`)}
  </nav>`;

/** The tab of the browser says how much waits, also while one works elsewhere. */
effect(() => {
  const waiting = needed.value.length;
  document.title = waiting > 0 ? `(${waiting}) Printer farm` : "Printer farm";
});
