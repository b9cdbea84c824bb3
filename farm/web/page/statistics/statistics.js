// What the printers did, what it took and what it cost, over the shop's days.
import { useState } from "../vendor/preact-hooks.js";
import { useAnswer } from "../core/answer.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { duration } from "../core/time.js";
import { CAUSES, count } from "../core/words.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { Spans } from "../parts/spans.js";

const DAY_MS = 24 * 3600 * 1000;
const SPANS = { "7 days": 7, "30 days": 30, "90 days": 90, Year: 365 };
const HIGH = 100;
const SHARES = [
  ["printing", "printing", "tone-work"],
  ["foreign", "started at the machine", "tone-pause"],
  ["waiting", "waiting for a person", "tone-plate"],
  ["idle", "idle", "tone-ready"],
  ["maintenance", "maintenance", "tone-away"],
  ["offline", "offline", "tone-alarm"],
];

export const openStatistics = () => openDialog((close) => html`<${Statistics} close=${close} />`);

function Statistics({ close }) {
  const [span, setSpan] = useState("30 days");
  const [told, wrong] = useAnswer(() => lately(SPANS[span]), [span]);
  return html`
    <${Dialog} title="Statistics" close=${close} kind="sheet wide">
      <${Spans} names=${Object.keys(SPANS)} chosen=${span} choose=${setSpan} />
      ${wrong && html`<p class="answer wrong">${wrong}</p>`}
      ${told ? html`<${Told} told=${told} />` : !wrong && html`<p class="hint">One moment …</p>`}
    <//>`;
}

/** The shop says which day it is there: its answer for the usual span tells, and is asked again from another day on. */
async function lately(days) {
  const usual = await get("/v1/statistics");
  const first = new Date(Date.parse(usual.to) - (days - 1) * DAY_MS).toISOString().slice(0, 10);
  return first === usual.from ? usual : get(`/v1/statistics?${new URLSearchParams({ from: first, to: usual.to })}`);
}

function Told({ told }) {
  const { figures, time } = told;
  const span = new URLSearchParams({ from: told.from, to: told.to });
  return html`
    <dl class="facts figures">
      ${fact("Good prints", figures.good)}
      ${fact("Failed", figures.failed + figures.spoiled, why(figures.causes))}
      ${fact("Success", percent(figures.success_rate))}
      ${fact("Printed", `${figures.printed_h.toFixed(1)} h`)}
      ${fact("Filament", `${(figures.filament_g / 1000).toFixed(2)} kg`)}
      ${fact("Energy", figures.energy_kwh === null ? "unknown" : `${figures.energy_kwh.toFixed(1)} kWh`, withoutWatts(figures))}
      ${fact("Cost", figures.cost.total === null ? "no prices set" : money(figures.cost.total, told.currency))}
      ${fact("Plates waited", figures.waiting.plates ? `${duration(figures.waiting.mean_s)} each` : "–",
        figures.waiting.plates > 0 && `${duration(figures.waiting.longest_s)} at most`)}
    </dl>
    <${Days} told=${told} />
    ${time.watched_h > 0 && html`
      <h3>What the time went into</h3>
      <p class="legend hint">${SHARES.map(([name, words, tone]) => html`
        <span key=${name} class=${tone}><i class="swatch"></i> ${words} ${percent(time[name])}</span>`)}</p>`}
    ${told.printers.length > 0 && html`<${Table} heading="Printer" rows=${told.printers.map(ofPrinter)} currency=${told.currency} />`}
    ${told.materials.length > 0 && html`<${Table} heading="Material" rows=${told.materials.map(ofMaterial)} currency=${told.currency} />`}
    <p class="hint">${told.from} to ${told.to}, days of the shop (${told.timezone}). As tables (CSV):
      ${["printer", "material", "day"].map((by) => html`
        ${" "}<a key=${by} href=${`/v1/statistics.csv?${span}&by=${by}`} download>by ${by}</a>,`)}
      ${" "}<a href=${`/v1/prints.csv?${span}`} download>every print</a>.</p>`;
}

const fact = (name, value, more) => html`<div key=${name}><dt>${name}</dt><dd>${value}${more && html`<small>${more}</small>`}</dd></div>`;

const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)} %`);

const money = (amount, currency) => (amount === null ? "–" : `${amount.toFixed(2)} ${currency}`.trim());

/** What most of them failed of. */
function why(causes) {
  const [[cause, number] = []] = Object.entries(causes).sort(([, a], [, b]) => b - a);
  return cause ? `${cause === "unexplained" ? "Nobody said why" : CAUSES[cause]}: ${number}` : "";
}

const withoutWatts = ({ without_watts: number }) => (number > 0 ? `without ${count(number, "print")} on printers whose watts nobody set` : "");

function Days({ told }) {
  const most = Math.max(1, ...told.days.map(({ good, bad }) => good + bad));
  const first = Date.parse(told.from);
  const number = Math.round((Date.parse(told.to) - first) / DAY_MS) + 1;
  const bars = told.days.map(({ day, good, bad }) => ({ day, good, bad, place: Math.round((Date.parse(day) - first) / DAY_MS) }));
  const high = (prints) => (prints / most) * HIGH;
  if (bars.length === 0) return html`<p class="empty">No print ended in this time.</p>`;
  return html`
    <h3>Prints a day</h3>
    <div class="days">
      <svg viewBox=${`0 0 ${number} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label=${`At most ${most} a day.`}>
        ${bars.map(({ day, good, bad, place }) => html`
          <g key=${day}>
            <title>${`${day}: ${good} good, ${bad} failed`}</title>
            <rect class="tone-work" x=${place + 0.1} width="0.8" y=${HIGH - high(good)} height=${high(good)} />
            <rect class="tone-alarm" x=${place + 0.1} width="0.8" y=${HIGH - high(good + bad)} height=${high(bad)} />
          </g>`)}
      </svg>
      <div class="times" aria-hidden="true"><span>${told.from}</span><span>at most ${most}</span><span>${told.to}</span></div>
    </div>
    <p class="legend hint"><span class="tone-work"><i class="swatch"></i> good</span><span class="tone-alarm"><i class="swatch"></i> failed</span></p>`;
}

const ofPrinter = ({ printer, name, time, figures }) => ({ id: printer, name: name ?? `${printer} (taken out)`, time, figures });
const ofMaterial = ({ material, figures }) => ({ id: material, name: material ?? "Unknown", figures });

const Table = ({ heading, rows, currency }) => html`
  <div class="scroll" tabindex="0">
    <table class="numbers">
      <thead><tr><th scope="col">${heading}</th>${rows[0].time && html`<th scope="col">Time</th>`}<th scope="col">Good</th>
        <th scope="col">Failed</th><th scope="col">Hours</th><th scope="col">kg</th><th scope="col">kWh</th>
        <th scope="col">${`Cost ${currency}`.trim()}</th></tr></thead>
      <tbody>${rows.map(({ id, name, time, figures }) => html`
        <tr key=${id}>
          <th scope="row">${name}</th>
          ${time && html`<td><${Shares} time=${time} /></td>`}
          <td>${figures.good}</td>
          <td>${figures.failed + figures.spoiled}</td>
          <td>${figures.printed_h.toFixed(1)}</td>
          <td>${(figures.filament_g / 1000).toFixed(2)}</td>
          <td>${figures.energy_kwh === null ? "–" : figures.energy_kwh.toFixed(1)}</td>
          <td>${figures.cost.total === null ? "–" : figures.cost.total.toFixed(2)}</td>
        </tr>`)}</tbody>
    </table>
  </div>`;

function Shares({ time }) {
  const there = SHARES.filter(([name]) => time[name] > 0);
  const words = there.map(([name, called]) => `${called} ${percent(time[name])}`).join(", ");
  let before = 0;
  return html`
    <svg class="shares" viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label=${words || "nothing yet"}>
      <title>${words || "nothing yet"}</title>
      ${there.map(([name, , tone]) => {
        const left = before;
        before += time[name];
        return html`<rect key=${name} class=${tone} x=${left} y="0" width=${time[name]} height="1" />`;
      })}
    </svg>`;
}
