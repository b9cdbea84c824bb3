// All printers at a glance, five or two hundred of them: filtered by state, found by name, in large or small tiles.
import { computed, signal } from "../vendor/preact-signals.js";
import { same } from "../core/same.js";
import { html } from "../core/html.js";
import { keep, kept } from "../core/kept.js";
import { maySetUp } from "../core/session.js";
import { line, printerIds, printers } from "../core/store.js";
import { standing } from "../core/words.js";
import { Count } from "../parts/count.js";
import { Icon } from "../parts/icon.js";
import { openStatistics } from "../statistics/statistics.js";
import { openAddPrinter } from "./add.js";
import { FirstSteps } from "./first_steps.js";
import { Tile } from "./tile.js";

const MANY = 24; // printers from which on tiles are small, unless somebody chose
const SEARCHABLE = 9; // printers from which on a search field is worth its place

const search = signal("");
const word = signal(null); // the state shown alone
const size = signal(kept("tiles"));

const isSmall = computed(() => (size.value ?? (printerIds.value.length > MANY ? "small" : "large")) === "small");

/** How many printers stand in each way, most first. */
const tally = same(() => {
  const found = new Map();
  for (const printer of printers.value) {
    const stands = standing(printer);
    found.set(stands.word, { ...stands, number: (found.get(stands.word)?.number ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.number - a.number || a.word.localeCompare(b.word));
});

const shownIds = same(() => {
  const text = search.value.trim().toLowerCase();
  return printers.value
    .filter(({ id, name, tags }) => [id, name, ...tags].some((word) => word.toLowerCase().includes(text)))
    .filter((printer) => !word.value || standing(printer).word === word.value)
    .map(({ id }) => id);
});

export function Wall() {
  const number = printerIds.value.length;
  return html`
    <section id="printers" aria-labelledby="printers-heading">
      <header class="section">
        <h2 id="printers-heading" tabindex="-1">Printers</h2>
        <${Count} number=${number} />
        ${number > 0 && html`<${SizeButton} />
          <button type="button" class="quiet" onClick=${openStatistics}>Statistics</button>`}
        ${maySetUp.value && number > 0 && html`
          <button type="button" onClick=${openAddPrinter}><${Icon} name="plus" /> Add printer</button>`}
      </header>
      ${number === 0 && line.value.fresh && html`<${FirstSteps} />`}
      ${number > 1 && html`<${Filters} number=${number} />`}
      <ul class=${isSmall.value ? "tiles small" : "tiles"}>
        ${shownIds.value.map((id) => html`<${Tile} key=${id} id=${id} />`)}
      </ul>
      ${number > 0 && shownIds.value.length === 0 && html`
        <p class="empty">No printer is like that. <button type="button" class="quiet" onClick=${showAll}>Show all</button></p>`}
    </section>`;
}

function showAll() {
  search.value = "";
  word.value = null;
}

function SizeButton() {
  const other = isSmall.value ? "large" : "small";
  const choose = () => {
    size.value = other;
    keep("tiles", other);
  };
  const label = other === "small" ? "Small tiles" : "Large tiles";
  return html`<button type="button" class="quiet" onClick=${choose}>${label}</button>`;
}

const Filters = ({ number }) => html`
  <div class="filters">
    ${number >= SEARCHABLE && html`
      <div class="search">
        <${Icon} name="search" size=${18} />
        <input type="search" aria-label="Find a printer by name or tag" placeholder="Name or tag" value=${search.value}
          onInput=${(event) => (search.value = event.target.value)} />
      </div>`}
    <div class="chips" role="group" aria-label="Show printers by state">
      ${tally.value.map((stands) => html`
        <button type="button" key=${stands.word} class=${`chip tone-${stands.tone}`}
          aria-pressed=${word.value === stands.word}
          onClick=${() => (word.value = word.value === stands.word ? null : stands.word)}>
          <${Icon} name=${stands.icon} size=${16} /> ${stands.word} <b>${stands.number}</b>
        </button>`)}
    </div>
  </div>`;
