// What was the matter with a printer, and for how long: for whoever was not there.
import { useState } from "../vendor/preact-hooks.js";
import { useAnswer } from "../core/answer.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { duration } from "../core/time.js";
import { sentence } from "../core/words.js";
import { Moment } from "../parts/moment.js";

const MOST = 20;
const LOOK_AGAIN_MS = 10_000;

/** For a printer's window. Nothing is fetched until somebody opens it. */
export function Troubles({ printer }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="hands-on" onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>What was the matter</summary>
      ${open && html`<${Lines} id=${printer.id} />`}
    </details>`;
}

function Lines({ id }) {
  const look = () => get(`/v1/printers/${encodeURIComponent(id)}/history/errors?limit=${MOST}`);
  const [told, wrong] = useAnswer(look, [id], LOOK_AGAIN_MS);
  if (wrong) return html`<p class="answer wrong">${wrong}</p>`;
  if (!told) return null;
  if (told.items.length === 0) return html`<p class="empty">Nothing that the farm knows of.</p>`;
  return told.items.map((each) => html`
    <p key=${each.from}><${Moment} at=${each.from} />, ${lasted(each)}: ${sentence(each.message || WORDS[each.kind])}</p>`);
}

const lasted = ({ from, to }) => (to ? `for ${duration((Date.parse(to) - Date.parse(from)) / 1000)}` : "and still");

const WORDS = {
  connection: "It could not be reached",
  emergency: "It was stopped",
  attention: "It asked for somebody",
  failed: "Its print failed",
  anomaly: "Its values were out of line",
};
