// The queue: what prints, what waits, and in which order.
import { useState } from "../vendor/preact-hooks.js";
import { computed } from "../vendor/preact-signals.js";
import { html } from "../core/html.js";
import { jobs, line } from "../core/store.js";
import { Count } from "../parts/count.js";
import { JobRow, isWaiting } from "./row.js";

const FEW = 8; // jobs shown at first

const ORDER = { needs_review: 0, quarantined: 1, active: 2, queued: 3, scheduled: 3, held: 4 };

/** As the farm takes them: what needs a person, what prints, then by priority, due date and age. */
const inOrder = computed(() =>
  [...jobs.value.values()].sort(
    (a, b) =>
      ORDER[a.state] - ORDER[b.state] ||
      b.priority - a.priority ||
      (a.due_at ?? "9").localeCompare(b.due_at ?? "9") ||
      a.created_at.localeCompare(b.created_at),
  ),
);

export function Queue() {
  const [all, setAll] = useState(false);
  const found = inOrder.value;
  const next = found.find(isWaiting);
  const shown = all ? found : found.slice(0, FEW);
  return html`
    <section id="queue" aria-labelledby="queue-heading">
      <header class="section">
        <h2 id="queue-heading" tabindex="-1">Queue</h2>
        <${Count} number=${found.length} />
      </header>
      ${found.length === 0 && line.value.fresh && html`
        <p class="empty">No jobs. Send a file, and it waits here for a printer.</p>`}
      <ul class="jobs">${shown.map((job) => html`<${JobRow} key=${job.id} job=${job} first=${job === next} />`)}</ul>
      ${found.length > FEW && html`
        <button type="button" class="more" aria-expanded=${all} onClick=${() => setAll(!all)}>
          ${all ? "Show fewer" : `Show all ${found.length}`}
        </button>`}
    </section>`;
}
