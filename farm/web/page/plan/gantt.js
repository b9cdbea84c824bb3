// Who prints what in the next day: a line for each printer, a bar for each print.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { same } from "../core/same.js";
import { jobs, printers } from "../core/store.js";
import { moment, timeOfDay, zone } from "../core/time.js";
import { HOURS, atWork, lanes, place, spanAt, ticks } from "./day.js";

const FEW = 8; // printers shown at first
const MOVES_EVERY_MS = 30_000; // the line that says now: far less than its own width

const KINDS = { running: "Printing", planned: "Planned", late: "Planned, late", hands: "Somebody's work" };
const TONES = { running: "work", planned: "ready", late: "alarm", hands: "plate" };

const working = same(() => printers.value.map((printer) => atWork(printer, Date.now())));

export function Gantt({ plan }) {
  const [all, setAll] = useState(false);
  const now = useNow();
  const span = spanAt(now);
  const found = lanes(plan, working.value, jobs.value, now);
  const shown = all ? found : found.slice(0, FEW);
  const kinds = new Set(found.flatMap(({ bars }) => bars.map(({ kind }) => kind)));
  if (found.length === 0) return html`<p class="empty">Nothing is printed in the next ${HOURS} hours.</p>`;
  return html`
    <div class="gantt" role="region" tabindex="0" aria-label=${`The next ${HOURS} hours, printer by printer`}>
      <div class="chart">
        <div class="axis" aria-hidden="true">
          ${ticks(span).map((at) => html`<span key=${at} ...${across(span, at, at)}>${timeOfDay(at)}</span>`)}
        </div>
        <ul>${shown.map((lane) => html`<${Lane} key=${lane.id} ...${lane} span=${span} nights=${plan.nights} />`)}</ul>
        <div class="over" aria-hidden="true"><i class="now" ...${across(span, now, now)}></i></div>
      </div>
    </div>
    <p class="legend hint">
      ${Object.keys(KINDS).filter((kind) => kinds.has(kind)).map((kind) => html`
        <span key=${kind}><i class=${`slot ${kind} tone-${TONES[kind]}`}></i> ${KINDS[kind]}</span>`)}
      <span><i class="now"></i> Now, ${moment(now)}, ${zone()}</span>
    </p>
    ${found.length > FEW && html`
      <button type="button" class="more" aria-expanded=${all} onClick=${() => setAll(!all)}>
        ${all ? "Show fewer" : `Show all ${found.length} printers`}
      </button>`}`;
}

const Lane = ({ name, bars, span, nights }) => html`
  <li class="lane">
    <span class="of" title=${name}>${name}</span>
    <div class="track">
      ${nights.map(({ start, end }) => {
        const where = across(span, Date.parse(start), Date.parse(end));
        return where && html`<i key=${start} class="dark" ...${where}></i>`;
      })}
      <ul aria-label=${name}>
        ${bars.map(({ key, kind, text, label, start, end }) => html`
          <li key=${key} class=${`slot ${kind} tone-${TONES[kind]}`} ...${across(span, start, end)} title=${label}>
            <span class="unseen">${label}</span><span class="file" aria-hidden="true">${text}</span>
          </li>`)}
      </ul>
    </div>
  </li>`;

/** Where an element lies. A script may set that, property by property; what is written as markup is refused here. */
function across(span, start, end) {
  const where = place(span, start, end);
  return where && { style: { left: `${where.left.toFixed(3)}%`, width: `${where.width.toFixed(3)}%` } };
}

function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MOVES_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
