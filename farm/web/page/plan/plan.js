// The plan: who prints what when, what is different from the plan before and why, the night, and what has no place.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/preact-signals.js";
import { useAnswer } from "../core/answer.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { keep, kept } from "../core/kept.js";
import { maySetUp, mayOperate } from "../core/session.js";
import { jobs, planNews, printerOf } from "../core/store.js";
import { isOurClock } from "../core/time.js";
import { count, sentence } from "../core/words.js";
import { Moment } from "../parts/moment.js";
import { openShop } from "../shop/shop.js";
import { openCompare } from "./compare.js";
import { whyLeftOut } from "./day.js";
import { Gantt } from "./gantt.js";

const FEW = 10; // sentences shown at first

// On a phone what needs somebody and the printers would be pushed away.
const folded = signal((kept("plan") ?? (matchMedia("(max-width: 700px)").matches ? "folded" : "open")) === "folded");

function fold() {
  folded.value = !folded.value;
  keep("plan", folded.value ? "folded" : "open");
}

export const ThePlan = () => html`
  <section id="plan" aria-labelledby="plan-heading">
    <header class="section">
      <h2 id="plan-heading" tabindex="-1" class="grow">The plan</h2>
      ${!folded.value && mayOperate.value && html`<button type="button" class="quiet" onClick=${openCompare}>Compare</button>`}
      ${!folded.value && maySetUp.value && html`<button type="button" class="quiet" onClick=${openShop}>Hours and power</button>`}
      <button type="button" class="quiet" aria-expanded=${!folded.value} onClick=${fold}>
        ${folded.value ? "Show" : "Hide"}<span class="unseen"> the plan</span>
      </button>
    </header>
    ${!folded.value && html`<${Unfolded} />`}
  </section>`;

/** Fetched while somebody looks: the plan of a large farm is large, and there is a new one with all that happens. */
function Unfolded() {
  const [plan, wrong] = useAnswer(() => get("/v1/schedule"), [planNews.value]);
  if (wrong) return html`<p class="answer wrong">${wrong}</p>`;
  if (!plan) return html`<p class="hint">One moment …</p>`;
  if (!plan.id) return html`<p class="empty">No plan yet: until there is one, whatever fits is printed first come, first served.</p>`;
  return html`
    <${Gantt} plan=${plan} />
    <div class="said">
      <${Changes} plan=${plan} />
      ${plan.nights.map((night) => html`<${Night} key=${night.start} ...${night} />`)}
      <${LeftOut} unscheduled=${plan.unscheduled} />
    </div>
    <${OtherClock} />`;
}

/** The farm's sentences tell times as the clock in the shop shows them, wherever they are read. */
function OtherClock() {
  const [zone, setZone] = useState("");
  useEffect(() => {
    get("/v1/constraints").then(({ timezone }) => setZone(isOurClock(timezone) ? "" : timezone), () => {});
  }, []);
  return zone && html`<p class="hint">Times in sentences are those of the shop, ${zone}; all others are this device's.</p>`;
}

const Changes = ({ plan: { made_at: made, because, changes } }) => html`
  <div>
    <h3>What is new</h3>
    <p class="hint">
      Made <${Moment} at=${made} />${because.length > 0 && `, because ${because.join("; ")}`}.
    </p>
    ${changes.length === 0 && html`<p>Nothing is elsewhere or at another time than before.</p>`}
    <${Sentences} all=${changes} />
  </div>`;

const Night = ({ start, end, sentences }) => html`
  <div>
    <h3>The night, <${Moment} at=${start} /> to <${Moment} at=${end} /></h3>
    <${Sentences} all=${sentences} />
  </div>`;

function LeftOut({ unscheduled }) {
  if (unscheduled.length === 0) return null;
  return html`
    <div>
      <h3>Not in the plan</h3>
      <${Few} all=${unscheduled.map((one) => html`<li key=${one.job}><${NoPlace} ...${one} /></li>`)} />
    </div>`;
}

function NoPlace({ job, copies, reasons, would_do: gives, would_end: end }) {
  const why = whyLeftOut(reasons, (id) => printerOf(id)?.value.name ?? id);
  return html`
    <b>${jobs.value.get(job)?.name ?? `Job ${job}`}</b>, ${count(copies, "print")}.
    ${why.length > 0 ? ` ${why.join(" ")}` : " It would fit, but the plan leaves it out."}
    ${gives && end && html` Without "${gives.replaceAll("_", " ")}" it would be done <${Moment} at=${end} />.`}`;
}

const Sentences = ({ all }) => html`<${Few} all=${all.map((text, number) => html`<li key=${number}>${sentence(text)}</li>`)} />`;

/** A list that is unfolded on a wish where it is long. */
function Few({ all: items }) {
  const [all, setAll] = useState(false);
  return html`
    ${items.length > 0 && html`<ul>${all ? items : items.slice(0, FEW)}</ul>`}
    ${items.length > FEW && html`
      <button type="button" class="link-like" aria-expanded=${all} onClick=${() => setAll(!all)}>
        ${all ? "Fewer" : `${items.length - FEW} more`}
      </button>`}`;
}
