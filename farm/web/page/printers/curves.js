// A printer's temperatures over time, drawn small whatever the span: a line for the mean, a band for what was measured.
import { useState } from "../vendor/preact-hooks.js";
import { useAnswer } from "../core/answer.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { moment } from "../core/time.js";
import { heaterName, inOrder } from "../core/words.js";
import { Spans } from "../parts/spans.js";

const HOUR_S = 3600;
const SPANS = { "1 h": HOUR_S, "6 h": 6 * HOUR_S, "24 h": 24 * HOUR_S, "14 days": 14 * 24 * HOUR_S };
const LOOK_AGAIN_MS = 10_000;
const WIDE = 600;
const HIGH = 200;
const GAP = 2.5; // steps without a reading that break the line
const TONES = ["tone-work", "tone-plate", "tone-pause", "tone-ready", "tone-away"];

/** For a printer's window. Nothing is fetched until somebody opens it. */
export function Curves({ printer }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="hands-on" onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>Temperatures over time</summary>
      ${open && html`<${Chart} id=${printer.id} />`}
    </details>`;
}

function Chart({ id }) {
  const [span, setSpan] = useState("1 h");
  const look = () => {
    const from = new Date(Date.now() - SPANS[span] * 1000).toISOString();
    return get(`/v1/printers/${encodeURIComponent(id)}/telemetry?${new URLSearchParams({ from })}`);
  };
  const [told, wrong] = useAnswer(look, [id, span], LOOK_AGAIN_MS);
  return html`
    <${Spans} names=${Object.keys(SPANS)} chosen=${span} choose=${setSpan} />
    ${wrong && html`<p class="answer wrong">${wrong}</p>`}
    ${told && html`
      <${Drawn} told=${told} />
      <p class="hint">
        <a href=${`/v1/printers/${encodeURIComponent(id)}/telemetry.csv?${new URLSearchParams({ from: told.from, to: told.to })}`} download>
          As a table</a> (CSV)
      </p>`}`;
}

function Drawn({ told }) {
  const curves = told.curves.filter((curve) => curve.after_s.length > 0);
  if (curves.length === 0) return html`<p class="empty">Nothing was measured in this time.</p>`;
  const names = Object.fromEntries(curves.map((curve) => [curve.channel, curve]));
  const shown = inOrder(names).map((name, place) => ({ ...names[name], tone: TONES[place % TONES.length], label: heaterName(name, names) }));
  const long = (Date.parse(told.to) - Date.parse(told.from)) / 1000;
  const most = Math.max(50, ...shown.flatMap(({ max, target }) => [Math.max(...max), ...target.map((wished) => wished ?? 0)]));
  const top = Math.ceil(most / 50) * 50;
  const x = (after) => ((after / long) * WIDE).toFixed(1);
  const y = (degrees) => (HIGH - (Math.max(0, degrees) / top) * HIGH).toFixed(1);
  const steps = [1, 0.5, 0].map((share) => share * top);
  return html`
    <div class="curves">
      <div class="degrees" aria-hidden="true">${steps.map((degrees) => html`<span key=${degrees}>${degrees} °C</span>`)}</div>
      <svg viewBox=${`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label=${shown.map(inWords).join(" ")}>
        ${steps.map((degrees) => html`<path key=${degrees} class="grid" d=${`M0 ${y(degrees)}H${WIDE}`} />`)}
        ${shown.map((curve) => html`
          <g key=${curve.channel} class=${curve.tone}>
            ${pieces(curve, told.step_s).map((piece) => html`
              <path key=${`b${piece[0]}`} class="band" d=${band(curve, piece, x, y, told.step_s)} />
              <path key=${`m${piece[0]}`} class="mean" d=${line(curve.mean, curve, piece, x, y)} />`)}
            ${wishes(curve, told.step_s).map((piece) => html`
              <path key=${`t${piece[0]}`} class="wish" d=${line(curve.target, curve, piece, x, y)} />`)}
          </g>`)}
      </svg>
      <div class="times" aria-hidden="true"><span>${moment(told.from)}</span><span>${moment(told.to)}</span></div>
    </div>
    <p class="legend hint">
      ${shown.map((curve) => html`
        <span key=${curve.channel} class=${curve.tone}><i class="swatch"></i> ${curve.label} ${curve.last.at(-1).toFixed(1)} °C</span>`)}
      <span><i class="swatch dashed"></i> wanted</span>
    </p>`;
}

const inWords = ({ label, min, max, last }) =>
  `${label}: between ${Math.round(Math.min(...min))} and ${Math.round(Math.max(...max))} °C, ${Math.round(last.at(-1))} °C at last.`;

/** The places of points that belong together, as long as nothing is missing between them. */
function pieces({ after_s: after }, step, there = () => true) {
  const found = [];
  after.forEach((at, place) => {
    if (!there(place)) return;
    const last = found.at(-1);
    if (last && last.at(-1) === place - 1 && at - after[place - 1] <= GAP * step) last.push(place);
    else found.push([place]);
  });
  return found;
}

const wishes = (curve, step) => pieces(curve, step, (place) => curve.target[place]);

/** A point alone is drawn, too: as a dash of no length with round ends. */
const line = (values, { after_s: after }, piece, x, y) =>
  `M${piece.map((place) => `${x(after[place])} ${y(values[place])}`).join("L")}${piece.length === 1 ? "h0.1" : ""}`;

function band({ after_s: after, min, max }, piece, x, y, step) {
  const up = piece.flatMap((place) => [`${x(after[place])} ${y(max[place])}`, `${x(after[place] + step)} ${y(max[place])}`]);
  const down = piece.toReversed().flatMap((place) => [`${x(after[place] + step)} ${y(min[place])}`, `${x(after[place])} ${y(min[place])}`]);
  return `M${[...up, ...down].join("L")}Z`;
}
